"""Build the one file that is init and telinit: ``python3 -m sysvinit_py.tools.onefile dist/init``.

The file is a Python script: a loader of a few lines, and after it the modules in bundles, each in a comment:
the names, their code as this Python marshals it, their source. Another version of Python compiles the source.
All is compressed: Python reads a script to its end before it runs it. A bundle is what one of the programs in
the file needs: what the others need is not even unpacked. A zip application would do without the loader, but
Python runs one by way of runpy, which costs PID 1 memory and milliseconds for good.
"""

from __future__ import annotations

import marshal
import os
import sys
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType
from zlib import compress

PACKAGE = Path(__file__).resolve().parent.parent
#: What all need; telinit; the process that reads the inittab; init. A module is in the first that names it.
BUNDLES = (
    ("__init__.py", "__main__.py", "value.py", "*/__init__.py", "inittab/entry.py", "protocol/initctl.py"),
    ("tools/telinit.py",),
    ("inittab/child.py", "inittab/read.py", "inittab/parser.py", "inittab/_grammar.py"),
    ("inittab/*.py", "machine/*.py", "protocol/*.py", "pid1/*.py"),
)

#: A form of marshal that other versions of Python read, too.
_FOR_ALL_VERSIONS = 2

LOADER = '''\
#!/usr/bin/python3 -IS
# sysvinit_py {version}: init and telinit in one file. The modules stand in the comments below, made by
# sysvinit_py/tools/onefile.py, and this finds them there. License: MIT (the parser: MPL-2.0, see its source).
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER
from binascii import a2b_base64
from marshal import loads
from zlib import decompress


class Modules:
    """Finds and loads the modules of this file: a bundle is unpacked when one of its modules is wanted."""

    def __init__(self):
        with open(__file__, "rb") as file:
            bundles = [line.split(b" ") for line in file if line.startswith(b"#: ")]
        self.bundles = {{name: bundle for bundle in bundles for name in bundle[1].decode().split(",")}}
        self.modules = {{}}

    def find_spec(self, name, path=None, target=None):
        if name in self.bundles and name not in self.modules:
            _, _, magic, code, source = self.bundles[name]
            packed = code if bytes.fromhex(magic.decode()) == MAGIC_NUMBER else source
            self.modules.update(loads(decompress(a2b_base64(packed))))
        if name in self.modules:
            return ModuleSpec(name, self, is_package=self.modules[name][0])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__spec__.name
        _, code = self.modules.pop(name)
        if isinstance(code, bytes):
            code = compile(code, name, "exec", dont_inherit=True, optimize=2)
        exec(code, module.__dict__)


modules = Modules()
sys.meta_path.insert(0, modules)
from sysvinit_py.__main__ import program

be = program()
modules.bundles.clear()  # what it has not unpacked by now it will not need
sys.exit(be())
'''


def build() -> bytes:
    """Return the file's bytes: always the same for the same sources and the same Python."""
    from sysvinit_py import __version__

    return b"".join([LOADER.format(version=__version__).encode(), *map(_bundle, _bundles())])


def _bundles() -> Iterator[list[Path]]:
    taken: set[Path] = set()
    for globs in BUNDLES:
        files = sorted({path for glob in globs for path in PACKAGE.glob(glob)} - taken)
        taken.update(files)
        yield files


def _bundle(files: list[Path]) -> bytes:
    sources, codes = {}, {}
    for path in files:
        place = path.relative_to(PACKAGE.parent)
        is_package = path.name == "__init__.py"
        name = ".".join((place.parent if is_package else place.with_suffix("")).parts)
        source = path.read_bytes()
        sources[name] = is_package, source
        codes[name] = is_package, compile(source, str(place), "exec", dont_inherit=True, optimize=2)
    fields = (
        b"#:",
        ",".join(codes).encode(),
        MAGIC_NUMBER.hex().encode(),
        _packed(_marshalled(codes)),
        _packed(marshal.dumps(sources, _FOR_ALL_VERSIONS)),
    )
    return b" ".join(fields) + b"\n"


def _packed(content: bytes) -> bytes:
    return b2a_base64(compress(content, 9), newline=False)


def _marshalled(codes: dict[str, tuple[bool, CodeType]]) -> bytes:
    """Marshal notes which objects may come again: those to which somebody else has a reference.

    So that this does not depend on what else this Python has loaded, somebody has one to each.
    """
    held = list(_parts(codes))
    content = marshal.dumps(codes)
    del held
    return content


def _parts(thing: object) -> Iterator[object]:
    """The thing, and all that it is made of."""
    yield thing
    if isinstance(thing, CodeType):
        inside: Iterable[object] = (
            thing.co_consts, thing.co_names, thing.co_varnames, thing.co_freevars, thing.co_cellvars,
            thing.co_filename, thing.co_name, thing.co_qualname, thing.co_linetable, thing.co_exceptiontable,
        )  # fmt: skip
    elif isinstance(thing, dict):
        inside = (*thing, *thing.values())
    else:
        inside = thing if isinstance(thing, tuple | frozenset) else ()
    for part in inside:
        yield from _parts(part)


def main(arguments: list[str]) -> int:
    """Write the file named, executable, all of it or nothing."""
    if len(arguments) != 1:
        print("usage: onefile FILE", file=sys.stderr)
        return 2
    target = Path(arguments[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".new")
    draft.write_bytes(build())
    draft.chmod(0o755)
    os.replace(draft, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
