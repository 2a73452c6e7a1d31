"""inittab-try: what the person sees, its exit status, and that nothing is left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sysvinit_py.sandbox.console import Console
from tests.system.at_terminal import AtTerminal
from tests.system.conftest import OURS, Init
from tests.system.oracle import libraries
from tests.system.witness import wait_until

REPOSITORY = Path(__file__).parents[2]
TRY = ["-m", "sysvinit_py.sandbox.cli"]

INITTAB = """
id:2:initdefault:
l2:2:wait:/bin/echo entered 2
l3:3:wait:/bin/echo entered 3
sh:23:respawn:/bin/sh -c '/bin/sh -i; :' </dev/console >/dev/console 2>&1
l4:4:wait:/bin/echo entered 4
h0:0:wait:/sbin/halt
h6:6:wait:/sbin/reboot
"""

any_init = pytest.mark.ours_only("it is the sandbox that is tried here, not the init")
pytestmark = pytest.mark.usefixtures("namespaces")


@pytest.fixture
def inittab(tmp_path: Path) -> Path:
    file = tmp_path / "inittab"
    file.write_text(INITTAB)
    return file


def with_init(init: Init) -> list[str]:
    """Return the options for this init, and for the C library that it may bring."""
    binds = [] if init.ours else [f"--bind={path}" for path in libraries()]
    return ["--init", str(init.program), *binds]


def run(
    init: Init, *arguments: str | Path, python: str = sys.executable, umask: int = -1
) -> subprocess.CompletedProcess[str]:
    command = [python, *TRY, *with_init(init), *arguments]
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        umask=umask,
    )


def test_command(init: Init, inittab: Path) -> None:
    done = run(init, inittab, "--command", "telinit 3")
    assert done.returncode == 0, done
    assert done.stdout.index("entered 2") < done.stdout.index("entered 3")
    assert "\r" not in done.stdout
    assert "settled in runlevel 3" in done.stderr


@any_init
def test_status_of_the_command(init: Init, inittab: Path) -> None:
    assert run(init, inittab, "--command", "exit 7").returncode == 7


@any_init
@pytest.mark.parametrize(("command", "says"), [("telinit 0", "halted"), ("shutdown -r now", "restarted")])
def test_halt_and_reboot(init: Init, inittab: Path, command: str, says: str) -> None:
    done = run(init, inittab, "--command", command)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, f"inittab-try: {says}")


def test_level_that_calls_no_halt(init: Init, inittab: Path) -> None:
    inittab.write_text(INITTAB.replace("/sbin/halt", "/bin/echo bye"))
    done = run(init, inittab, "--level", "0")
    assert done.returncode == 0, done
    assert "nothing is left that could halt" in done.stderr


@any_init
def test_timeout(init: Init, inittab: Path) -> None:
    inittab.write_text("si::sysinit:/bin/sleep 100\n")
    done = run(init, inittab, "--timeout", "3")
    assert done.returncode == 124, done
    assert "sleep 100" in done.stderr


@any_init
def test_folder(init: Init, inittab: Path) -> None:
    (inittab.parent / "inittab.d").mkdir()
    (inittab.parent / "inittab.d" / "more.tab").write_text("m2:2:once:/bin/echo one more\n")
    assert "one more" in run(init, inittab.parent, "--command", ":").stdout


@pytest.mark.parametrize("by", ["command line", "environment"])
@pytest.mark.parametrize(
    "name", ["it's", "$(shell touch made)$$", "`touch made`$(touch made)", 'a "b" \\ # *', "a\nb", "-c"]
)
def test_make_run_hands_on_any_name(name: str, by: str, tmp_path: Path) -> None:
    """Neither make nor the shell takes a part of it for something to run."""
    (tmp_path / name).write_text(INITTAB)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/init").symlink_to(OURS)
    (tmp_path / "sysvinit_py").symlink_to(REPOSITORY / "sysvinit_py")
    command = ["make", "-f", f"{REPOSITORY}/Makefile", "--old-file=dist/init", "run", "ARGS=--command true"]
    environment = dict(os.environ)
    if by == "environment":
        environment["FILE"] = name
    else:
        command.append(f"FILE={name}")
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    assert "entered 2" in done.stdout
    assert not (tmp_path / "made").exists()


def test_example_and_our_own_init() -> None:
    command = [sys.executable, *TRY, "--command", "telinit 3", "--timeout", "20"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done
    assert "entering level 3" in done.stdout


@any_init
@pytest.mark.parametrize(
    "arguments", [["--init", "/no/such/init"], ["--no-such-option"], ["/no/such/inittab"]]
)
def test_wrong_arguments(init: Init, arguments: list[str]) -> None:
    assert run(init, *arguments).returncode == 2


@any_init
def test_no_program(init: Init, inittab: Path) -> None:
    done = run(Init(inittab, ours=True), inittab)
    assert done.returncode == 125, done
    assert "execve(/sbin/init): Permission denied" in done.stderr


@any_init
def test_refused_namespaces(init: Init, inittab: Path) -> None:
    """The limit of a user namespace around it says what a host's would."""
    forbid = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    script = 'echo 0 >/proc/sys/user/max_pid_namespaces && exec "$@"'
    command = [*forbid, script, "sh", sys.executable, *TRY, *with_init(init), str(inittab)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 125, done
    assert "sysctl user.max_pid_namespaces=" in done.stderr


@any_init
def test_no_harm(init: Init, inittab: Path) -> None:
    harms = [
        "mount -t devtmpfs dev /mnt",
        "mount -o remount,rw /usr && touch /usr/harm",
        "date -s 12:00",
        "mount -o remount,rw /proc/sys && echo sandbox >/proc/sys/kernel/domainname",
        "mknod /tmp/disk b 8 0",
    ]
    command = "".join(f"if {harm}; then echo done: '{harm}'; fi;" for harm in ["true", *harms])
    done = run(init, inittab, "--command", command)
    assert done.returncode == 0, done
    assert re.findall("done: (.*)", done.stdout) == ["true"]


@any_init
@pytest.mark.skipif(os.geteuid() != 0, reason="all of these tests run without root already")
def test_without_root(init: Init) -> None:
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    command = [*drop, "/usr/bin/python3", *TRY, "--init", "./init", "--command", "telinit 3"]
    with TemporaryDirectory() as folder:  # the checkout may be where others cannot look
        os.chmod(folder, 0o755)
        shutil.copytree(REPOSITORY / "sysvinit_py", f"{folder}/sysvinit_py")
        shutil.copy(init.program, f"{folder}/init")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done
    assert "settled in runlevel 3" in done.stderr


# Options


@any_init
@pytest.mark.parametrize("level", ["x", "12", "a", "-1", ""])
def test_level_that_is_none(init: Init, inittab: Path, level: str) -> None:
    """Regression: it was ignored."""
    done = run(init, inittab, f"--level={level}")
    assert done.returncode == 2, done
    assert f"{level!r} is not a level to boot into: 0 to 9, or S" in done.stderr


def test_level(init: Init, inittab: Path) -> None:
    done = run(init, inittab, "--level", "4")
    assert done.returncode == 0, done
    assert "entered 4" in done.stdout
    assert "entered 2" not in done.stdout
    assert "settled in runlevel 4" in done.stderr


@any_init
def test_console(init: Init, inittab: Path) -> None:
    """Standard output and standard error have nothing but what the command wrote there."""
    file = inittab.parent / "console"
    done = run(init, inittab, "--console", file, "--command", "echo to you; echo and you >&2")
    assert (done.returncode, done.stdout) == (0, "to you\n"), done
    assert "and you\n" in done.stderr
    assert "entered 2" in file.read_text()
    assert "to you" not in file.read_text()
    assert "entered 2" not in done.stderr


@any_init
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x2:2:once:/no/such/program", 'cannot execute "/no/such/program'),
        ("x2:2:respawn:/bin/true", "respawning too fast"),
        ("x2:2:once:/no/such/program; :", "/no/such/program: "),
    ],
    ids=["not executed", "throttled", "not executed by the shell"],
)
def test_failures(init: Init, inittab: Path, line: str, said: str) -> None:
    """Regression: what could not be executed, or was throttled, was a success."""
    inittab.write_text(f"{INITTAB}{line}\n")
    for arguments, status in ([], 3), (["--allow-failures"], 0):
        done = run(init, inittab, *arguments)
        assert done.returncode == status, done
        last = done.stderr.splitlines()[-1]
        assert last.startswith("inittab-try: settled in runlevel 2; but: ")
        assert said in last


@any_init
def test_bind(init: Init, inittab: Path) -> None:
    there = inittab.parent / "there"
    there.mkdir()
    (there / "file").write_text("something\n")
    command = f"cat /srv/x/file {there}/file /etc/one; echo no >/srv/x/file || echo refused"
    binds = [f"--bind={there}:/srv/x", f"--bind={there}", f"--bind={there}/file:/etc/one"]
    done = run(init, inittab, "--console=/dev/null", *binds, "--command", command)
    assert done.stdout == "something\n" * 3 + "refused\n", done
    assert (there / "file").read_text() == "something\n"


@any_init
@pytest.mark.parametrize(
    ("bind", "said"),
    [
        ("/no/such", "/no/such: there is no such file"),
        ("/usr:/", "'/' is not a place inside"),
        ("/usr:here", "'here' is not a place inside"),
        ("/usr:/srv/..", "'/srv/..' is not a place inside"),
    ],
)
def test_bind_that_cannot_be(init: Init, inittab: Path, bind: str, said: str) -> None:
    done = run(init, inittab, "--bind", bind)
    assert done.returncode == 2, done
    assert said in done.stderr


@any_init
@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give the other system a /usr")
def test_root(init: Init, tmp_path: Path) -> None:
    """Its inittab, programs and settings count; links lead where they would at boot; nothing is changed."""
    root = tmp_path / "root"
    for folder in "etc/inittab.d", "sbin", "usr", "var/lib/mine":
        (root / folder).mkdir(parents=True)
    for link in "bin", "lib", "lib64":
        (root / link).symlink_to(f"usr/{link}")
    (root / "etc/tab").write_text(
        "id:2:initdefault:\na:2:respawn:/bin/sleep 1000\nb:2:wait:/sbin/only-there\n"
    )
    (root / "etc/inittab").symlink_to("/etc/tab")
    (root / "etc/inittab.d/c.tab").write_text("c:2:wait:/bin/cat /etc/mine\n")
    (root / "etc/mine").write_text("its settings\n")
    (root / "sbin/only-there").write_text("#!/bin/sh\nexec echo its program\n")
    (root / "sbin/only-there").chmod(0o755)
    (tmp_path / "link").symlink_to("root")
    before = sorted(root.rglob("*"))
    command = "test -d /var/lib/mine && echo x >/etc/mine && ! touch /usr/x 2>/dev/null && exit 7"
    script = 'mount --bind /usr "$1" && shift && exec "$@"'
    for name in "root", "link":
        arguments = [*TRY, *with_init(init), "--root", str(tmp_path / name), "--command", command]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", str(root / "usr"), sys.executable, *arguments],
            cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 7, done
        assert "its program" in done.stdout
        assert "its settings" in done.stdout
    assert sorted(root.rglob("*")) == before
    assert (root / "etc/mine").read_text() == "its settings\n"


@any_init
@pytest.mark.parametrize("what", ["nothing", "a file", "empty"])
def test_root_that_is_none(init: Init, tmp_path: Path, what: str) -> None:
    root = tmp_path / "root"
    if what == "a file":
        root.touch()
    elif what == "empty":
        (root / "etc").mkdir(parents=True)
    done = run(init, "--root", root)
    assert done.returncode == 2, done
    assert f"inittab-try: {root}" in done.stderr


@any_init
def test_inittab_for_busybox(init: Init, inittab: Path) -> None:
    inittab.write_text("::sysinit:/etc/init.d/rcS\ntty1::askfirst:/bin/sh\n::ctrlaltdel:/sbin/reboot\n")
    for what in inittab, inittab.parent:
        done = run(init, what)
        assert done.returncode == 2, done
        assert f"{what}: an inittab for BusyBox's init" in done.stderr
        assert "inittab-lint --target busybox" in done.stderr


@any_init
@pytest.mark.parametrize("stdin", ["</dev/null", "<&-"])
def test_nobody_can_type(init: Init, inittab: Path, stdin: str) -> None:
    """Regression: on a terminal, but with another standard input, it never ended."""
    screen = Console()
    terminal = os.open(screen.name, os.O_RDWR | os.O_NOCTTY)
    try:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {stdin}', "sh", sys.executable, *TRY, *with_init(init), inittab],
            cwd=REPOSITORY, stdout=terminal, stderr=terminal, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0
        screen.expect(b"settled in runlevel 2")
    finally:
        os.close(terminal)
        screen.close()


@any_init
def test_the_callers_umask_does_not_matter(init: Init, inittab: Path) -> None:
    """Regression: with 002, others could write to /run, and init obeyed no FIFO there."""
    done = run(init, inittab, "--command", "umask; stat -c %A /run /etc; telinit 3", umask=0o002)
    assert done.returncode == 0, done
    assert "0022" in done.stdout
    assert "drwxrwxr-x" not in done.stdout


def test_a_question_for_a_level_ends_it(init: Init, tmp_path: Path) -> None:
    """Regression: it was waited for until the time-out, as nobody can answer."""
    (tmp_path / "inittab").write_text("si::sysinit:/bin/true\n")
    done = run(init, tmp_path / "inittab")
    assert done.returncode == 3
    assert "init asks for a runlevel" in done.stderr


class Person(AtTerminal):
    """Somebody who has started inittab-try on a terminal."""

    def __init__(self, init: Init, inittab: Path) -> None:
        command = [sys.executable, *TRY, *with_init(init), str(inittab)]
        super().__init__(lambda **streams: subprocess.Popen(command, cwd=REPOSITORY, **streams))

    def inside(self) -> list[Path]:
        """The keeper of the sandbox and PID 1 in it, as folders of our /proc."""
        keeper = children(self.program.pid)
        return [Path(f"/proc/{pid}") for pid in keeper + children(keeper[0])]


def runs(folder: Path) -> bool:
    """Whether the process is there, and more than a zombie that nobody has buried yet."""
    try:
        return " Z " not in (folder / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def person(init: Init, inittab: Path) -> Iterator[Person]:
    somebody = Person(init, inittab)
    yield somebody
    somebody.close()


def test_interactive(person: Person) -> None:
    person.screen.expect(b"entered 2")
    person.screen.expect(b"# ")
    person.screen.type(b"stty size\r")
    person.screen.expect(b"30 100")
    person.screen.type(b"sleep 1000\r")
    time.sleep(0.2)
    person.screen.type(b"\x03")  # for the shell inside, not for us
    person.screen.resize(40, 120)
    os.kill(person.program.pid, signal.SIGWINCH)
    person.screen.type(b"stty size\r")
    person.screen.expect(b"40 120")
    person.screen.type(b"telinit 3\r")
    person.screen.expect(b"entered 3")
    assert not person.restored()
    person.screen.type(b"telinit 0\r")
    assert person.program.wait(10) == 0
    person.screen.expect(b"halted")
    assert person.restored()


@any_init
@pytest.mark.parametrize(
    ("cause", "status"),
    [("keys", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGKILL, -9)],
)
def test_nothing_is_left(person: Person, cause: int | str, status: int) -> None:
    person.screen.expect(b"entered 2")
    person.screen.expect(b"# ")
    inside = person.inside()
    assert [runs(folder) for folder in inside] == [True, True]
    if isinstance(cause, str):
        person.screen.type(b"\x1d")
    else:
        person.program.send_signal(cause)
    assert person.program.wait(10) == status
    wait_until(lambda: not any(runs(folder) for folder in inside), lambda: f"end of {inside}")
    assert "sandbox / tmpfs" not in Path("/proc/self/mounts").read_text()
    if cause != signal.SIGKILL:
        assert person.restored()


@any_init
def test_keeper_killed(person: Person) -> None:
    person.screen.expect(b"entered 2")
    keeper, pid_1 = person.inside()
    os.kill(int(keeper.name), signal.SIGKILL)
    assert person.program.wait(10) == 1
    person.screen.expect(b"killed by signal 9")
    wait_until(lambda: not runs(pid_1), lambda: f"end of {pid_1}")
    assert person.restored()


@any_init
def test_reader_that_leaves(init: Init, inittab: Path) -> None:
    assert shutil.which("head")
    command = [sys.executable, *TRY, *with_init(init), str(inittab), "--command", "telinit 3"]
    program = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout
    program.stdout.read(1)
    program.stdout.close()
    said = program.communicate(timeout=10)[1]
    assert program.returncode == 141
    assert b"standard output is closed" in said
