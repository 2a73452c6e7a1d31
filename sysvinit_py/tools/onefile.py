"""Build the one file that is init and telinit: ``python3 -m sysvinit_py.tools.onefile dist/init``.

The file is a Python script: a loader of a few lines, and after it the modules, each in a comment: its name,
its code as this Python marshals it, its source. Another version of Python compiles the source. Both are
compressed: Python reads a script to its end before it runs it, which is most of what a telinit costs. A zip
application would do without the loader, but Python runs one by way of runpy, which costs PID 1 memory and
milliseconds for good.
"""

from __future__ import annotations

import marshal
import os
import sys
from binascii import b2a_base64
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from zlib import compress

PACKAGE = Path(__file__).resolve().parent.parent
#: What init, telinit and the process that reads the inittab are made of.
PARTS = (
    "__init__.py",
    "__main__.py",
    "value.py",
    "inittab/*.py",
    "machine/*.py",
    "protocol/*.py",
    "pid1/*.py",
    "tools/__init__.py",
    "tools/telinit.py",
)

#: Later forms note which objects are shared, and that depends on what else this Python has loaded.
_MARSHAL = 2

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
    """Finds and loads the modules of this file."""

    def __init__(self):
        with open(__file__, "rb") as file:
            lines = [line.split() for line in file if line.startswith(b"#: ")]
        self.lines = {{name.decode(): rest for _, name, *rest in lines}}

    def find_spec(self, name, path=None, target=None):
        if name in self.lines:
            return ModuleSpec(name, self, is_package=self.lines[name][0] == b"package")

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        kind, magic, code, source = self.lines.pop(module.__spec__.name)
        if bytes.fromhex(magic.decode()) == MAGIC_NUMBER:
            code = loads(decompress(a2b_base64(code)))
        else:
            source = decompress(a2b_base64(source))
            code = compile(source, module.__spec__.name, "exec", dont_inherit=True, optimize=2)
        exec(code, module.__dict__)


sys.meta_path.insert(0, Modules())
from sysvinit_py.__main__ import main

sys.exit(main())
'''


def build() -> bytes:
    """Return the file's bytes: always the same for the same sources and the same Python."""
    from sysvinit_py import __version__

    files = sorted({path for part in PARTS for path in PACKAGE.glob(part)})
    return b"".join([LOADER.format(version=__version__).encode(), *map(_module, files)])


def _module(path: Path) -> bytes:
    place = path.relative_to(PACKAGE.parent)
    is_package = path.name == "__init__.py"
    name = ".".join((place.parent if is_package else place.with_suffix("")).parts)
    source = path.read_bytes()
    code = compile(source, str(place), "exec", dont_inherit=True, optimize=2)
    fields = (
        b"#:",
        name.encode(),
        b"package" if is_package else b"module",
        MAGIC_NUMBER.hex().encode(),
        b2a_base64(compress(marshal.dumps(code, _MARSHAL), 9), newline=False),
        b2a_base64(compress(source, 9), newline=False),
    )
    return b" ".join(fields) + b"\n"


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
