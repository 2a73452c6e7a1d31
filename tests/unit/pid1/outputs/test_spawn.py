"""Starting processes, with a kernel that only notes what it is asked for; the real one is in tests/system."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.linux import calls
from sysvinit_py.machine.effects import Start
from sysvinit_py.machine.stages import BOOT, SYSINIT
from sysvinit_py.pid1.outputs import spawn
from sysvinit_py.pid1.outputs.console import Console
from sysvinit_py.pid1.outputs.spawn import CannotExecuteError, CannotForkError, base_environment, words


def entry(process: str, action: str = "once", runlevels: str = "2") -> Entry:
    return Entry("x", runlevels, action, process)


def order(process: str = "/bin/x", owns_console: bool = False, **variables: str) -> Start:
    return Start(("x", "once", 0), entry(process), "2", owns_console, "2", "N", tuple(variables.items()))


def console() -> Console:
    """No terminal is opened, and none changed."""
    return Console({"CONSOLE": "/dev/null"})


class Kernel:
    """Spawns nothing: answers with an errno for each program that is not in ``programs``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs: dict[str, int] = {}  # errno; 0: it is executed
        self.otherwise = errno.ENOENT
        self.asked: list[list[str]] = []
        self.how: dict[str, Any] = {}
        self.environment: dict[str, str] = {}
        self.initscript = False
        monkeypatch.setattr(calls, "posix_spawn", self.posix_spawn)
        monkeypatch.setattr(calls, "access", lambda path, mode: self.initscript)

    def posix_spawn(self, path: str, argv: list[str], environment: dict[str, str], **how: Any) -> int:
        self.asked.append([path, *argv])
        self.environment, self.how = environment, how
        if error := self.programs.get(path, self.otherwise):
            raise OSError(error, os.strerror(error))
        return 4711


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(monkeypatch)


def report(text: str) -> None:
    raise AssertionError(text)


def start(**how: Any) -> int:
    return spawn.start(order(**how), {"PATH": spawn.PATH}, console(), report)


# Words.


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        ("/bin/x", ["/bin/x"]),
        (" /bin/x\ta  b\t", ["/bin/x", "a", "b"]),
        ("/bin/x a # b", ["/bin/x", "a"]),
        ("/bin/x a#b", ["/bin/x", "a"]),
        ("+/bin/x", ["/bin/x"]),
        ("@/bin/x $a 'b c'", ["/bin/x", "$a", "'b", "c'"]),
        ("+@/bin/x *", ["/bin/x", "*"]),
        ("@+/bin/x", ["+/bin/x"]),
        (" @/bin/x", ["@/bin/x"]),
        ("# nothing", []),
        ("/bin/x $a # b", ["/bin/sh", "-c", "/bin/x $a # b"]),
        ("a && b", ["/bin/sh", "-c", "a && b"]),
        *(
            (f"a{character}b", ["/bin/sh", "-c", f"a{character}b"])
            for character in "~`!$^&*()=|\\{}[];\"'<>?"
        ),
        *((f"a{character}b", [f"a{character}b"]) for character in "%+,-./:@_é"),
        (" ".join(map(str, range(50))), [str(n) for n in range(50)]),
    ],
)
def test_words(fake: Kernel, process: str, expected: list[str]) -> None:
    assert words(entry(process), "2") == expected


@pytest.mark.parametrize(
    ("action", "runlevels", "shown"),
    [
        ("sysinit", "23", "#"),
        ("boot", "", "*"),
        ("bootwait", "2", "*"),
        ("once", "2sAb", "2sAb"),
        ("once", "", "0123456789"),
        ("ctrlaltdel", "", "S0123456789"),
        ("kbrequest", "", "0123456789"),
    ],
)
def test_initscript(fake: Kernel, action: str, runlevels: str, shown: str) -> None:
    fake.initscript = True
    for stage in (SYSINIT, BOOT, "2"):
        expected = ["/bin/sh", "/etc/initscript", "x", shown, action, "/bin/x $a # b"]
        assert words(entry("+@/bin/x $a # b", action, runlevels), stage) == expected


def test_initscript_is_not_for_level_s(fake: Kernel) -> None:
    fake.initscript = True
    assert words(entry("/bin/x"), "S") == ["/bin/x"]


# Environment.


def test_environment(fake: Kernel) -> None:
    fake.programs["/bin/x"] = 0
    base = base_environment(
        {"HOME": "/", "PATH": "/given", "word": "x", "LANG": "de"}, "/dev/tty9", auto=True
    )
    given = order(INIT_A="1", INIT_VERSION="no")
    spawn.start(given, base, console(), report)
    assert fake.environment == {
        "HOME": "/",
        "word": "x",
        "LANG": "de",
        "PATH": "/sbin:/usr/sbin:/bin:/usr/bin",
        "SHELL": "/bin/sh",
        "CONSOLE": "/dev/tty9",
        "AUTOBOOT": "YES",
        "RUNLEVEL": "2",
        "PREVLEVEL": "N",
        "INIT_A": "1",
        "INIT_VERSION": spawn.VERSION,
    }


@pytest.mark.parametrize(("given", "kept"), [("C.UTF-8", False), ("de_DE.UTF-8", True)])
def test_pythons_own_locale_is_not_passed_on(given: str, kept: bool) -> None:
    assert ("LC_CTYPE" in base_environment({"LC_CTYPE": given}, "/dev/console", auto=False)) == kept


# A start.


def test_a_start(fake: Kernel) -> None:
    fake.programs["/bin/x"] = 0
    assert start(process="/bin/x a") == 4711
    assert fake.asked == [["/bin/x", "/bin/x", "a"]]
    assert fake.how["setsid"]
    assert fake.how["setsigmask"] == []
    assert {1, 2, 13, 15, 17, 25, 64} <= set(fake.how["setsigdef"])
    assert [action[2] for action in fake.how["file_actions"]] == [0, 1, 2]


def test_path_is_searched(fake: Kernel) -> None:
    fake.programs |= {"/usr/sbin/x": errno.EACCES, "/bin/x": 0}
    start(process="x a")
    assert fake.asked == [["/sbin/x", "x", "a"], ["/usr/sbin/x", "x", "a"], ["/bin/x", "x", "a"]]


def test_a_file_without_an_interpreter_line(fake: Kernel) -> None:
    fake.programs |= {"/sbin/x": errno.ENOEXEC, "/bin/sh": 0}
    start(process="x a")
    assert fake.asked[-1] == ["/bin/sh", "/bin/sh", "/sbin/x", "a"]


@pytest.mark.parametrize("process", ["/bin/x a", "x a", "dir/x"])
@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ELOOP, errno.E2BIG, errno.EIO, errno.ENOEXEC]
)
def test_what_cannot_be_executed(fake: Kernel, process: str, number: int) -> None:
    fake.otherwise = number
    with pytest.raises(CannotExecuteError) as refused:
        start(process=process)
    assert (refused.value.command, refused.value.reason) == (process.split()[0], os.strerror(number))


def test_of_several_reasons_the_one_of_a_file_that_is_there(fake: Kernel) -> None:
    fake.programs["/usr/sbin/x"] = errno.EACCES
    with pytest.raises(CannotExecuteError) as refused:
        start(process="x a")
    assert refused.value.reason == "Permission denied"


def test_what_no_process_can_have(fake: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: that was an error in init, which came again as often as the entry was started."""

    def refuse(*_: Any, **__: Any) -> int:
        raise ValueError("illegal environment variable name")

    monkeypatch.setattr(calls, "posix_spawn", refuse)
    with pytest.raises(CannotExecuteError) as refused:
        start()
    assert (refused.value.command, refused.value.reason) == ("/bin/x", "illegal environment variable name")


def test_no_command_at_all(fake: Kernel) -> None:
    with pytest.raises(CannotExecuteError):
        start(process="# nothing")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE])
def test_no_process_to_be_had(fake: Kernel, number: int) -> None:
    fake.otherwise = number
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(CannotForkError):
        start()
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_descriptor_to_be_had(fake: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OSError(errno.EMFILE, "")

    nowhere = console()
    monkeypatch.setattr(calls, "open", fails)
    with pytest.raises(CannotForkError):
        spawn.start(order(), {}, nowhere, report)


# The leader, in this process: what would end it or take our terminal does not.


class Exited(BaseException):
    """_exit(2)."""


class Leader:
    """A kernel for the leader: a list of its calls."""

    def __init__(self, fake: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.said: list[str] = []
        self.statuses: list[int] = []
        self.forks = [0]  # what fork answers, one after the other
        self.status = 0
        self.terminal = True
        fake.programs["/bin/x"] = 0
        note = self.note
        for name in ("setsid", "pthread_sigmask", "dup2", "closerange", "sleep"):
            monkeypatch.setattr(calls, name, note(name))
        monkeypatch.setattr(calls, "signal", lambda number, what: None)
        monkeypatch.setattr(calls, "ioctl", self.ioctl)
        monkeypatch.setattr(calls, "fork", self.fork)
        monkeypatch.setattr(calls, "waitpid", self.waitpid)
        monkeypatch.setattr(calls, "_exit", self.exit)

    def note(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append(name)

    def ioctl(self, fd: int, what: int, how: int = 0) -> None:
        self.calls.append("take terminal")
        if not self.terminal:
            raise OSError(errno.ENOTTY, "")

    def fork(self) -> int:
        self.calls.append("fork")
        answer = self.forks.pop(0)
        if answer < 0:
            raise OSError(errno.EAGAIN, "")
        return answer

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        self.calls.append(f"wait {pid}")
        return pid, self.status

    def exit(self, status: int) -> None:
        self.statuses.append(status)
        raise Exited

    def lead(self, process: str = "/bin/x") -> int:
        with pytest.raises(Exited):
            spawn.start(order(process, owns_console=True), {}, console(), self.said.append)
        return self.statuses[0]  # really there is but one


@pytest.fixture
def leader(fake: Kernel, monkeypatch: pytest.MonkeyPatch) -> Leader:
    return Leader(fake, monkeypatch)


def test_init_only_forks(leader: Leader) -> None:
    leader.forks = [99]
    assert spawn.start(order(owns_console=True), {}, console(), report) == 99
    assert leader.calls == ["fork"]


def test_a_fork_of_inits_that_fails(leader: Leader) -> None:
    leader.forks = [-1]
    with pytest.raises(CannotForkError):
        spawn.start(order(owns_console=True), {}, console(), report)


def test_the_leader_takes_and_gives_back(leader: Leader) -> None:
    leader.forks = [0, 100]
    assert leader.lead() == 0
    interesting = [call for call in leader.calls if call not in ("dup2", "pthread_sigmask", "closerange")]
    assert interesting == ["fork", "setsid", "take terminal", "wait 4711", "fork", "wait 100"]


def test_the_tty_releaser_takes_and_ends(leader: Leader) -> None:
    leader.forks = [0, 0]
    assert leader.lead() == 0
    assert leader.calls[-3:] == ["fork", "setsid", "take terminal"]


def test_where_there_is_no_terminal_nobody_takes_it(leader: Leader) -> None:
    leader.terminal = False
    assert leader.lead() == 0
    assert leader.calls.count("fork") == 1


def test_the_tty_releaser_is_forked_in_the_end(leader: Leader) -> None:
    leader.forks = [0, -1, -1, 100]
    leader.lead()
    assert leader.said == ["cannot fork, retry.."]
    assert leader.calls.count("sleep") == 2
    assert leader.calls[-1] == "wait 100"


def test_the_command_is_spawned_in_the_end(
    leader: Leader, fake: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.programs["/bin/x"] = errno.EAGAIN
    leader.forks = [0, 100]

    def sleep(seconds: float) -> None:
        fake.programs["/bin/x"] = 0

    monkeypatch.setattr(calls, "sleep", sleep)
    leader.lead()
    assert leader.said == ["cannot fork, retry.."]
    assert "wait 4711" in leader.calls


def test_the_leader_tells_what_it_cannot_execute(leader: Leader) -> None:
    leader.forks = [0, 100]
    assert leader.lead("/no/such a") == 127
    assert leader.said == ['cannot execute "/no/such": No such file or directory (id x)']
    assert leader.calls[-1] == "wait 100"


@pytest.mark.parametrize(("status", "expected"), [(3 << 8, 3), (15, 143), (0x8B, 139)])
def test_the_leader_ends_as_its_command(leader: Leader, status: int, expected: int) -> None:
    leader.forks, leader.status = [0, 100], status
    assert leader.lead() == expected


def test_an_error_of_our_own_ends_the_leader_only(leader: Leader, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise RuntimeError

    monkeypatch.setattr(calls, "setsid", fails)
    assert leader.lead() == 127
    assert len(leader.said) == 1
    assert leader.said[0].startswith("error in init: RuntimeError")
