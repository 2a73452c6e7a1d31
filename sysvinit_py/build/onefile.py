"""Build a file that is several programs: ``python3 -m sysvinit_py.build.onefile dist/init``, or dist/runit.

Which of them it is follows from the name by which it is called. The file is a script for Python: a loader
(loader.py), and after it the modules in bundles: their code as this Python marshals it, and their source,
compressed, which another version of Python compiles. A bundle is what one of the programs in the file needs:
what the others need is not even read. To unpack the code would take PID 1 two milliseconds, so it is not
packed.

Python tokenizes a script to its end before it runs the first line, which would take longer than all the rest
of the start. So the first line has Python run (-c) no more of the file than the loader. A zip application
would do without either, but Python runs one by way of runpy, which costs PID 1 memory and milliseconds.
"""

from __future__ import annotations

import ast
import marshal
import os
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType
from typing import NamedTuple
from zlib import compress

PACKAGE = Path(__file__).resolve().parent.parent
#: Packages of which both files have modules.
_SHARED = ("cli", "clients", "inittab", "linux", "logs", "machine", "pid1", "pid1/*", "protocol", "report")


def _packages(*more: str) -> list[str]:
    return [f"{folder}/__init__.py" for folder in (*_SHARED, *more)]


def _modules(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.py" for name in names.split())


#: A module is in the first bundle that names it.
_INIT_BUNDLES = (
    (  # all programs
        "__init__.py",
        "__main__.py",
        "value.py",
        *_packages("clients/inittab", "simulator"),
        "text.py",
        "inittab/actions.py",
        "inittab/entry.py",
        "protocol/initctl.py",
    ),
    ("clients/telinit.py",),
    ("cli/options.py", "cli/out.py"),  # runlevel, halt, shutdown and inittab
    ("linux/calls.py", "linux/syslog.py"),
    ("protocol/utmp.py",),
    ("clients/runlevel.py",),
    ("clients/halt.py", "clients/shutdown.py", "clients/users.py"),
    ("pid1/probe.py",),
    ("inittab/options.py", "inittab/wire.py"),  # init and inittab
    (
        "inittab/getopt.py",
        "inittab/getty.py",
        *_modules("machine", "run_queue job limits plain rules stages throttle"),
        "report/history.py",
        "report/slots.py",
    ),
    ("machine/steering.py", "protocol/control.py"),  # init, and the verbs of inittab that send requests
    _modules("clients/inittab", "health history steer"),
    ("linux/title.py", "report/pipes.py"),  # init and the logger
    ("clients/inittab/logd.py",),
    ("logs/*.py",),
    ("clients/inittab/foreign.py",),
    ("linux/beneath.py",),
    ("clients/inittab/log.py",),
    ("clients/inittab/watch.py",),
    (*_modules("clients/inittab", "edit files plan"), "linux/replacing.py", "report/plan.py"),
    (*_modules("clients/inittab", "contained explain graph"), *_modules("report", "explain graph order")),
    ("clients/inittab/simulate.py", *_modules("simulator", "explore language life steps values world")),
    ("protocol/supervise.py", *_modules("clients/runit", "__init__ common supervised items")),
    ("clients/inittab/chart.py", "report/chart.py"),
    ("cli/looking.py", "clients/inittab/*.py", "report/*.py"),  # the rest of inittab
    _modules("inittab", "child foreign read parser _grammar"),  # the parser
    ("linux/descriptors.py",),
    ("linux/inherited.py", "pid1/container/front.py", "pid1/container/environment.py"),
    ("machine/*.py", "inittab/sources.py"),
    (  # both inits
        "inittab/*.py",
        *_modules("linux", "loop proc terminals watching"),
        *_modules("pid1", "environment groups ownership"),
        *_modules("pid1/inputs", "children fifo reader requests timer"),
        *_modules("pid1/outputs", "publish shell spawn"),
        "pid1/survival/barrier.py",
    ),
    ("pid1/container/*.py", "linux/descendants.py", "linux/handled_signals.py"),
    (  # the rest of init
        "protocol/*.py",
        "linux/signals.py",
        "pid1/*.py",
        *(f"pid1/{folder}/*.py" for folder in ("inputs", "outputs", "survival")),
    ),
)
_RUNIT_BUNDLES = (
    ("__init__.py", "clients/runit/__main__.py", *_packages("clients/runit", "services")),  # all programs
    ("value.py", "protocol/supervise.py", "clients/runit/common.py"),
    ("linux/inherited.py",),
    ("clients/runit/chpst.py",),
    _modules("clients/runit", "sv controlled supervised"),
    ("text.py",),
    ("cli/out.py",),
    ("cli/options.py", "clients/runit/described.py"),
    _modules("logs", "folder lines rules stamps"),
    ("clients/runit/svlogd.py",),
    ("protocol/utmp.py", "clients/runit/utmpset.py"),
    ("clients/runit/runsvchdir.py",),
    ("clients/runit/runit_init.py",),
    _modules("linux", "calls descriptors handled_signals loop"),
    _modules("linux", "descendants proc title watching"),
    ("logs/sinks.py",),
    ("services/*.py",),  # runsv and runsvdir
    (*_modules("inittab", "actions entry getopt getty"), *_modules("machine", "job limits plain throttle")),
    (
        *_modules("machine", "rules run_queue stages"),
        *_modules("report", "history item slots states"),
        *_modules("inittab", "options wire"),
        "clients/runit/items.py",
    ),
    (  # runit as PID 1
        "linux/syslog.py",
        *_modules("machine", "driver effects errors events"),
        *_modules("pid1", "environment ownership container/environment"),
        *_modules("pid1/inputs", "children timer"),
        "pid1/outputs/console.py",
        *_modules("pid1/survival", "barrier last_resort"),
        "pid1/runit/*.py",
    ),
)


class Shipped(NamedTuple):
    """One of the files: the module whose function ``program`` says what to be, and the modules in bundles."""

    program: str
    bundles: tuple[tuple[str, ...], ...]
    mark: str  # begins its second line


FILES = {
    "init": Shipped("sysvinit_py.__main__", _INIT_BUNDLES, "sysvinit_py"),
    "runit": Shipped("sysvinit_py.clients.runit.__main__", _RUNIT_BUNDLES, "runit of sysvinit_py"),
}

#: A form of marshal that other versions of Python read, too.
_FOR_ALL = 2

PYTHON = "/usr/bin/python3"
#: What a kernel before 5.1 reads of a file's first line.
MAX_FIRST_LINE = 127

#: The kernel takes all that follows the interpreter as one argument; older ones cut the line.
#: The last word is here, so that a file of which the rest is missing fails.
FIRST_LINE = (
    f"#!{PYTHON} -IScimport sys;f=open(sys.argv[1],'rb');f.readline();exec(f.read({{size}}));sys.exit(be())\n"
)

#: What the first line executes; and what that executes if Python is too old.
LOADER, TOO_OLD = Path(__file__).with_name("loader.py"), Path(__file__).with_name("too_old.py")


def build(name: str = "init") -> bytes:
    """Return a file's bytes: always the same for the same sources and the same Python."""
    from sysvinit_py import __version__

    shipped = FILES[name]
    loader = f"# {shipped.mark} {__version__}\n{LOADER.read_text('utf-8')}"
    first_line = FIRST_LINE.format(size=len(loader.encode()))
    content = b""
    index: list[dict[str, object]] = []
    for files in bundles(shipped):
        codes, sources = _compiled(files)
        bundle: dict[str, object] = {"names": tuple(codes)}
        packed = compress(marshal.dumps(sources, _FOR_ALL), 9)
        for kind, modules in ("code", _marshalled(codes)), ("source", packed):
            bundle[kind] = len(content), len(modules)
            content += modules
        index.append(bundle)
    head = marshal.dumps((MAGIC_NUMBER, index, shipped.program, TOO_OLD.read_bytes()), _FOR_ALL)
    return (first_line + loader).encode() + head + content


def with_python(init: bytes, python: str) -> bytes:
    """Return a built file that another Python runs. Raises ValueError."""
    if not python.startswith("/") or not python.isprintable() or " " in python:
        raise ValueError(f"{python!a} is not an absolute path without whitespace")
    first_line = os.fsencode(f"#!{python} ") + init.partition(b"\n")[0].partition(b" ")[2]
    if (more := len(first_line) - MAX_FIRST_LINE) > 0:
        most = len(os.fsencode(python)) - more
        raise ValueError(
            f"{python}: longer than the {most} bytes that fit into a first line: make a link to it"
        )
    return first_line + init[init.index(b"\n") :]


def bundles(shipped: Shipped) -> Iterator[list[Path]]:
    """Yield the files of each bundle: those that no earlier one has."""
    taken: set[Path] = set()
    for globs in shipped.bundles:
        files = sorted({path for glob in globs for path in PACKAGE.glob(glob)} - taken)
        taken.update(files)
        yield files


def _compiled(files: list[Path]) -> tuple[dict[str, CodeType], dict[str, bytes]]:
    """Return code and source of the modules by name, each after those it imports."""
    paths = {_name(path): path for path in files}
    modules = {name: ast.parse(path.read_bytes()) for name, path in paths.items()}
    names = _ordered(modules)
    codes = {name: _code(modules[name], str(paths[name].relative_to(PACKAGE.parent))) for name in names}
    sources = {name: paths[name].read_bytes() for name in names}
    return codes, sources


def _code(module: ast.Module, file: str) -> CodeType:
    """Compile with what ``from __future__ import annotations`` says, but without that import."""
    module.body = [
        statement
        for statement in module.body
        if not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
    ]
    code: CodeType = compile(module, file, "exec", annotations.compiler_flag, dont_inherit=True, optimize=2)
    return code


def _name(path: Path) -> str:
    place = path.relative_to(PACKAGE.parent)
    return ".".join((place.parent if path.name == "__init__.py" else place.with_suffix("")).parts)


def _ordered(modules: dict[str, ast.Module]) -> list[str]:
    """Return the modules' names, each after its package and what it imports when it is made."""
    graph = {}
    for name, module in modules.items():
        needed = {name.rpartition(".")[0], *_imports(module)}
        graph[name] = [other for other in modules if other in needed]  # a set has no order that lasts
    return [*TopologicalSorter(graph).static_order()]


def _imports(module: ast.Module) -> set[str]:
    return {
        name
        for statement in module.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for name in (statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names))
    }


def _marshalled(codes: dict[str, CodeType]) -> bytes:
    """Code as marshal has it, whatever else this Python has loaded.

    Marshal notes which objects may come again: those to which somebody else has a reference. So somebody has
    one to each. And it notes which texts are interned: of those that Python has only one of, all are.
    """
    held = [*_parts(codes), *map(sys.intern, map(chr, range(256)))]
    content = marshal.dumps(codes)
    del held
    return content


def _parts(thing: object) -> Iterator[object]:
    """Yield the thing, and all that it is made of."""
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
    """Write the file named, executable, atomically: runit if that is its name, else init."""
    if len(arguments) != 1:
        print("usage: onefile FILE", file=sys.stderr)
        return 2
    target = Path(arguments[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".new")
    draft.write_bytes(build("runit" if target.name == "runit" else "init"))
    draft.chmod(0o755)
    os.replace(draft, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
