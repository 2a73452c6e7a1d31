"""Every command of the README and of docs works: each is run in its place, or names the test that runs it.

The commands are read from the pages: lines of literal blocks, and inline literals, that begin with one of
PROGRAMS. PLACES says where each belongs; a command without a place fails.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from docutils import nodes
from docutils.core import publish_doctree

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PAGES = [REPOSITORY / "README.rst", *sorted((REPOSITORY / "docs").glob("**/*.rst"))]
PROGRAMS = re.compile(
    r"([$#] )?(make|inittab|inittab-\w+|initeventd|pip|python3|apt|apt-get|dpkg\S*|telinit|cp|mv|ln|docker)"
    r" (?=\S)|make$|inittab$|(/sbin/init|/opt/)\S+ (?=\S)|/sbin/init (?=\S)"
)
TAB = b"""\
id:2:initdefault:
si::sysinit:/bin/true
ca::ctrlaltdel:/bin/true
1:2:respawn:/sbin/getty 38400 tty1
"""


def commands(page: Path) -> list[str]:
    """Return the page's commands, without prompts and comments."""
    tree = publish_doctree(page.read_text(), source_path=str(page), settings_overrides={"report_level": 5})
    found = [
        line.removeprefix("$ ").removeprefix("# ").split("  #")[0].strip()
        for block in tree.findall(nodes.literal_block)
        for line in re.sub(r"^( *command|- run): ", "", block.astext(), flags=re.M).splitlines()
        if PROGRAMS.match(line)
    ]
    inline = (" ".join(literal.astext().split()) for literal in tree.findall(nodes.literal))
    return list(dict.fromkeys(found + [text for text in inline if PROGRAMS.match(text)]))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository: nothing is written into the one at work."""
    folder = tmp_path / "checkout"
    unwanted = shutil.ignore_patterns(".git", ".venv", ".cache", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(REPOSITORY, folder, ignore=unwanted, symlinks=True)
    shutil.rmtree(folder / "build", ignore_errors=True)
    for name in ("etc", "rootfs/etc", "build/rootfs/etc"):
        (folder / name).mkdir(parents=True)
        (folder / name / "inittab").write_bytes(TAB)
    (folder / "frc2399_2014-vision.inittab").write_bytes(TAB.replace(b"tty1", b"ttyl"))
    return folder


def run(command: str, checkout: Path, *, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    """Run it as somebody would in the checkout, after make has made .venv."""
    environment = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "PYTHONSAFEPATH": "",
    }
    if command.startswith("make"):
        command += f" VENV={BIN.parent} -o {BIN.parent}/.ready -o {BIN}/python -o dist/init"
    return subprocess.run(
        command, shell=True, cwd=checkout, env=environment, stdin=stdin, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip


Place = Callable[[str, Path], None]


def succeeds(command: str, checkout: Path) -> None:
    done = run(command, checkout)
    assert done.returncode == 0, done


def lints(command: str, checkout: Path) -> None:
    """Findings are no failure; a wrong option is."""
    done = run(command, checkout)
    assert done.returncode in (0, 1), done


def simulates(command: str, checkout: Path) -> None:
    """With the files that the page shows; what is found is no failure of the command."""
    page = (REPOSITORY / "docs/simulate.rst").read_text()
    for name in ("web.inittab", "web.scenario"):
        block = re.search(rf"``{name}``:\n\n\.\. code:: text\n\n((?:    .*\n|\n)+)", page)
        assert block
        (checkout / name).write_text(re.sub("^    ", "", block[1], flags=re.M))
    done = run(command, checkout)
    assert done.returncode == ("--explore" in command), done
    if command == "inittab simulate --explore 200 web.inittab":
        assert re.sub("^(?=.)", "    ", done.stdout, flags=re.M) in page
    if command == "inittab simulate web.inittab":
        [shown] = re.findall(r"^(      TIME  EVENT.*?)     \.\.\.$", page, re.M | re.S)
        assert [line.split()[1:] for line in shown.splitlines()] == [
            line.split()[1:] for line in done.stdout.splitlines()[: len(shown.splitlines())]
        ]


def planned(command: str, checkout: Path) -> None:
    """It takes long: make has to know it, and CI to run it."""
    done = run(f"{command} --dry-run", checkout)
    assert done.returncode == 0, done
    target = shlex.split(command)[1]
    ci = "".join((REPOSITORY / ".ci" / name).read_text() for name in ("run", "nightly"))
    assert re.search(rf"\b(make|suite) {target}\b", ci), f"CI never runs make {target}"


def in_namespace(command: str, checkout: Path) -> None:
    """As root, where /opt and /usr/sbin are its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    own = (
        "mount --make-rprivate / && mount -t tmpfs none /opt && mkdir /opt/upper /opt/work && "
        "mount -t overlay -o lowerdir=/usr/sbin,upperdir=/opt/upper,workdir=/opt/work none /usr/sbin && "
    )
    done = run(f"unshare --mount sh -c {shlex.quote(own + command)}", checkout)
    assert done.returncode == 0, done


def installs(command: str, checkout: Path) -> None:
    """In a virtual environment of its own, from where the checkout, or the folder that it is in, is meant."""
    environment = checkout.parent / "environment"
    (checkout.parent / "sysvinit_py").symlink_to(checkout)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    folder = checkout if re.search(r" '?\.(\[|$)", command) else checkout.parent
    done = run(f"{environment}/bin/{command} && {environment}/bin/inittab-lint --version", folder)
    assert done.returncode == 0, done


def by_test(name: str) -> Place:
    """A test of another suite does the same: ``path::text``, with the text that is found there."""

    def place(command: str, checkout: Path) -> None:
        path, _, text = name.partition("::")
        assert text in (REPOSITORY / path).read_text(), f"{name} no longer runs: {command}"

    return place


def on_a_terminal(command: str, checkout: Path) -> None:
    """With what the README types, to the end."""
    block = re.search(r"\$ make run\n(.*?)\n\n", (REPOSITORY / "README.rst").read_text(), re.S)
    assert block
    typed = re.findall(r"^ *# (.*)", block[1], re.M)
    assert typed[-1] == "telinit 0"
    main, terminal = pty.openpty()
    with subprocess.Popen(
        ["make", "run", "-o", "dist/init"], cwd=checkout, stdin=terminal, stdout=terminal, stderr=terminal
    ) as program:
        os.close(terminal)
        seen, answered = "", 0
        end = time.monotonic() + 90
        for line in typed:
            while not re.search(r"[\r\n]# ", seen[answered:]):  # the shell's prompt; init may speak after it
                assert select.select([main], [], [], max(0, end - time.monotonic()))[0], seen
                seen += os.read(main, 65536).decode(errors="replace")
            answered = len(seen)
            os.write(main, f"{line}\n".encode())
        with suppress(OSError):  # until the other side is closed
            while select.select([main], [], [], max(0, end - time.monotonic()))[0]:
                seen += os.read(main, 65536).decode(errors="replace")
        assert program.wait(timeout=30) == 0, seen
    os.close(main)
    assert "Entering runlevel: 2" in seen
    assert "entering level 3" in seen


#: The first pattern that fits says where a command is run.
PLACES: dict[str, Place] = {
    "make": succeeds,
    "make help": succeeds,
    "make run": on_a_terminal,
    "make run FILE=*": by_test("tests/system/test_try.py::def test_make_run_hands_on_any_name"),
    "make run ARGS=*": succeeds,
    "make run <*": succeeds,
    "make test": by_test(".ci/commands::from_nothing test"),
    "make dist/init": succeeds,
    "make dist/runit": succeeds,
    "make man": succeeds,
    "make deb": by_test("tests/vm/test_deb.py::deb"),
    "make soak": planned,
    "make test-faults": planned,
    "make test-vm": planned,
    "make test-container": planned,
    "make test-services": planned,
    "make bench*": planned,
    "make image": planned,
    "make test-image*": planned,
    "make vm*": by_test("tests/vm/conftest.py::image("),
    "make docs": succeeds,
    "make completions": succeeds,
    "inittab log *": by_test('tests/system/test_capture.py::["/inittab", "log"'),
    "inittab diff*": by_test('tests/system/test_plan.py::"diff"'),
    "inittab explain *strange.inittab*": by_test("tests/docs/test_understand_page.py::def test_each"),
    "inittab graph *": by_test("tests/docs/test_understand_page.py::def test_each"),
    "inittab chart*": by_test('tests/system/test_plan.py::"/inittab", "chart"'),
    "inittab fmt*": by_test("tests/docs/test_understand_page.py::def test_each"),
    "inittab explain *": by_test('tests/system/test_plan.py::"explain"'),
    "inittab simulate *": simulates,
    "inittab edit*": by_test('tests/system/test_plan.py::"/inittab", "edit"'),
    "inittab lint*": by_test('tests/system/test_status.py::"lint", "--version"'),
    "inittab try*": by_test('tests/system/test_status.py::"try", "--version"'),
    "inittab status -o id,state,starts,last-end *": by_test("tests/docs/test_commands.py::def on_a_terminal"),
    "inittab status --watch*": by_test('tests/system/test_watch.py::"status", "--watch"'),
    "make picture": by_test("tests/docs/test_picture.py::def test_the_picture"),
    "inittab lsp": by_test('tests/system/test_editor.py::"lsp"'),
    "inittab": by_test("tests/system/test_recipes.py::def test_each_command_works"),
    "inittab *": by_test("tests/system/test_recipes.py::def test_each_command_works"),
    "inittab-lint /etc/s*": by_test("tests/unit/lint/test_lint_services.py::def test_"),
    "inittab-lint *": lints,
    "inittab-try *": by_test("tests/system/test_try.py::--command"),
    "inittab-install --live*": by_test("tests/system/test_live.py::--undo"),
    "inittab-install*": by_test("tests/unit/install/test_install.py::undo"),
    "initeventd *": by_test("tests/system/test_device_events.py::def test_dry_run"),
    "docker *": by_test("tests/container/test_page.py::in page.commands()"),
    "python3 -u -m http.server *": by_test("tests/container/test_page.py::def test_others"),
    "python3 -m venv /opt/*": in_namespace,
    "/opt/sysvinit_py/bin/pip install *": by_test(
        "tests/docs/test_commands.py::def test_initeventd_is_installed"
    ),
    "ln -s /opt/*": by_test("tests/docs/test_commands.py::def test_initeventd_is_installed"),
    "pip install .": installs,
    "pip install '.?*?'": installs,
    "pip install ./sysvinit_py": installs,
    "apt install ./dist/*": by_test("tests/vm/test_deb.py::deb"),
    "apt install sysvinit-core sysvinit-py-core-": by_test('tests/vm/test_deb.py::f"{CORE}-"'),
    "dpkg-divert --list": by_test('tests/vm/debian.py::"dpkg-divert", "--list"'),
    "dpkg --auto-deconfigure --install": by_test('tests/vm/test_deb.py::"--auto-deconfigure", "--install"'),
    "dpkg --configure -a": by_test('tests/vm/test_deb.py::"--configure", "-a"'),
    "apt remove sysvinit-py": by_test("tests/vm/test_deb.py::--remove"),
    "ln -s /etc/sv/*": by_test("tests/system/services/test_pages.py::def test_"),
    "python3 -IS": by_test("tests/system/test_status_budget.py::-IS"),
    "cp *": by_test("tests/system/test_hot_swap.py::os.replace"),
    "mv *": by_test("tests/system/test_hot_swap.py::os.replace"),
    "/sbin/init --init": by_test("tests/unit/pid1/survival/test_handover.py::--init"),
    "/sbin/init* --version": by_test("tests/system/test_telinit_bytes.py::--version"),
    "telinit *": by_test("tests/system/test_telinit.py::def test_"),
}
COMMANDS = [(page, command) for page in PAGES for command in commands(page)]


def pattern_of(command: str) -> str | None:
    return next((pattern for pattern in PLACES if fnmatchcase(command, pattern)), None)


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{p.name}: {c}" for p, c in COMMANDS])
def test_command(page: Path, command: str, checkout: Path) -> None:
    pattern = pattern_of(command)
    assert pattern, f"{page.name}: {command!r} has no place in PLACES"
    PLACES[pattern](command, checkout)


def test_initeventd_is_installed_as_the_docs_say(checkout: Path) -> None:
    lines = [line for line in commands(REPOSITORY / "docs/devices.rst") if "/opt/" in line]
    assert len(lines) == 3
    in_namespace(" && ".join([*lines, "/usr/sbin/initeventd --help"]), checkout)


def test_all_that_make_help_offers_is_known_to_make(checkout: Path) -> None:
    targets = re.findall(r"^make (\S+)", run("make help", checkout).stdout, re.M)
    assert {"run", "test", "check", "vm"} <= set(targets)
    for target in targets:
        assert run(f"make {target} --dry-run", checkout).returncode == 0, target


def test_a_command_without_a_place_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text(
        "See::\n\n    $ make coffee   # new\n    output\n\nor ``make tea``, ``inittab-brew --hot``.\n"
    )
    assert commands(page) == ["make coffee", "make tea", "inittab-brew --hot"]
    assert [pattern_of(command) for command in commands(page)] == [None, None, None]


@pytest.mark.parametrize("name", ["run", "nightly"])
def test_what_ci_runs_is_there(name: str) -> None:
    """Regression: .ci/nightly ran a target that make no longer had."""
    text = re.sub("#.*", "", (REPOSITORY / ".ci" / name).read_text())
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = re.findall(r"^(?:step )?(?:make|suite) (\S+)", text, re.M)
    assert len(targets) > 4
    assert [t for t in targets if not re.search(rf"^{re.escape(t)}:", makefile, re.M)] == []
    paths = re.findall(r"(?:tests/[\w./]+|\.ci/\w+)(?=[\s)])", text)
    assert len(paths) > 4
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []
    tests = "".join(path.read_text() for path in (REPOSITORY / "tests").rglob("*.py"))
    variables = re.findall(r"\b(?:SYSVINIT_PY_\w+|REEX\w+)(?==)", text)
    assert [name for name in variables if name not in tests] == []
