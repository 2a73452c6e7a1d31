"""What is in the one-file programs: all that is imported, once, and for a small program nothing more."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysvinit_py.build import onefile
from sysvinit_py.clients.runit.__main__ import MODULES
from sysvinit_py.clients.runit.described import PROGRAMS

ROOT = onefile.PACKAGE.parent
#: Runs the file as the kernel would, and prints which modules of ours there are at the end.
SPY = """
import sys
sys.argv = ["-c", *sys.argv[1:]]
file = open(sys.argv[1], "rb")
code = file.readline().decode().partition("-IScimport sys;")[2]
try:
    exec(code, {"__name__": "__main__", "sys": sys})
except SystemExit:
    pass
print(*(name for name in sys.modules if name.startswith("sysvinit_py.")))
"""


def imports(path: Path) -> Iterator[str]:
    """The modules of ours that are imported when it runs, not those for type checkers."""
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            todo += node.orelse
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sysvinit_py"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if (ROOT / (inner.replace(".", "/") + ".py")).exists() else node.module
        else:
            todo += ast.iter_child_nodes(node)


def contained(name: str) -> dict[str, Path]:
    files = [path for bundle in onefile.bundles(onefile.FILES[name]) for path in bundle]
    assert len(files) == len({*files})
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files}


@pytest.mark.parametrize("name", onefile.FILES)
def test_all_that_is_imported_is_in_it(name: str) -> None:
    inside = contained(name)
    missing = {
        f"{module}: {other}"
        for module, path in inside.items()
        for other in imports(path)
        if other not in inside and f"{other}.__init__" not in inside
    }
    assert missing == set()


def test_the_programs_of_runit_are_in_it() -> None:
    assert {f"sysvinit_py.{module}" for module in MODULES.values()} <= {*contained("runit")}


def test_each_program_has_a_table() -> None:
    assert {*PROGRAMS} == {*MODULES}


@pytest.fixture(scope="module")
def runit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("onefile") / "runit"
    assert onefile.main([str(file)]) == 0
    return file


@pytest.mark.parametrize("name", ["sv", "chpst", "svlogd", "setlock"])
def test_a_program_loads_only_what_it_imports(runit: Path, name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(runit)
    command = ["/usr/bin/python3", "-IS", "-c", SPY, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {module for module in done.stdout.splitlines()[-1].split() if not is_package(module)}
    needed, todo = set[str](), [f"sysvinit_py.{MODULES[name]}"]
    while todo:
        if (module := todo.pop()) not in needed and not is_package(module):
            needed.add(module)
            todo += imports(ROOT / (module.replace(".", "/") + ".py"))
    assert loaded - {"sysvinit_py.clients.runit.__main__"} <= needed


def is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/")).is_dir()


@pytest.mark.parametrize("name", MODULES)
def test_each_says_its_version_and_shows_help(runit: Path, name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(runit)
    for option, told in (("--version", f"{name} (sysvinit_py) "), ("--help", f"usage: {name}")):
        done = subprocess.run([tmp_path / name, option], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(told)


def test_neither_file_is_taken_for_the_other() -> None:
    marks = {name: onefile.build(name).splitlines()[1].split()[:-1] for name in onefile.FILES}
    assert marks == {"init": [b"#", b"sysvinit_py"], "runit": [b"#", b"runit", b"of", b"sysvinit_py"]}
