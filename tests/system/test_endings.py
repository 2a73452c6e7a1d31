"""behaviour/runlevels#ending: SIGTERM, SIGKILL, and when a process counts as gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGHUP, SIGKILL

import pytest

from tests.system.conftest import Boot, Init
from tests.system.syslogd import Syslogd
from tests.system.system import System
from tests.system.witness import wait_until

FREEZER = Path("/sys/fs/cgroup/freezer")


def test_the_whole_group_gets_the_signal(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:@/w LEADER member=MEMBER stay\nb:3:once:/w B\n")
    leader, member = system.witness.wait("LEADER"), system.witness.wait("MEMBER")
    assert leader.pgid == member.pgid == leader.pid
    system.telinit("3")
    system.witness.wait("LEADER", "TERM")
    system.witness.wait("MEMBER", "TERM")
    assert system.witness.wait("B")


def test_init_goes_on_as_soon_as_all_are_gone(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A stay\nb:3:once:/w B\n")
    system.witness.wait("A")
    system.telinit("-t", "60", "3")
    system.witness.wait("A", "TERM")
    system.witness.wait("B")


@pytest.mark.parametrize("seconds", [0, -5, 1])
def test_sigkill_after_the_wait_time(boot: Boot, seconds: int) -> None:
    system = boot("id:2:initdefault:\na:2:once:@/w DEAF deaf deafmember=MEMBER stay\nb:3:once:/w B\n")
    deaf, member = system.witness.wait("DEAF"), system.witness.wait("MEMBER")
    system.wait_ready()
    system.request(1, "3", seconds)
    next_one = system.witness.wait("B")
    assert not system.alive(deaf.pid)
    system.wait_gone(member.pid)
    if seconds > 0:
        assert seconds <= next_one.time - system.witness.wait("DEAF", "TERM").time < seconds + 2


@pytest.mark.parametrize("command", [1, 2, 3, 4])
def test_wait_time_comes_with_requests_and_stays_for_sighup(boot: Boot, log: Syslogd, command: int) -> None:
    """With those about the power too."""
    system = boot("id:2:initdefault:\na:2:once:/w DEAF deaf stay\nb:2:once:/w B stay\n", before=log.listen)
    deaf = system.witness.wait("DEAF")
    system.witness.wait("B")
    system.wait_ready()
    system.request(command, "q", 0)
    system.request(0)
    log.expect("got unimplemented initrequest.")
    system.write("/etc/inittab", "id:2:initdefault:\nb:2:once:/w B stay\nc:2:once:/w C\n")
    system.signal(SIGHUP)
    assert system.witness.wait("C", timeout=4)  # the wait time at the start is longer
    assert not system.alive(deaf.pid)


@pytest.mark.ours_only(
    "behaviour/runlevels#ending: a group is gone when no member is left; C looks at leaders only"
)
def test_a_member_that_outlives_its_leader_is_killed(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:@/w LEADER deafmember=MEMBER stay\nb:3:once:/w B\n")
    system.witness.wait("LEADER")
    member = system.witness.wait("MEMBER")
    system.telinit("-t", "1", "3")
    term = system.witness.wait("LEADER", "TERM")
    assert system.witness.wait("B").time - term.time >= 1
    assert not system.alive(member.pid)


#: A leader with a member in its group whose parent has left that, and does not reap it.
LEAVES_A_ZOMBIE = """\
#!/usr/bin/python3 -IS
import os, signal, sys, time
if not os.fork():
    member = os.fork()
    if not member:
        if "deaf" in sys.argv:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif "dead" in sys.argv:
            os._exit(0)
        time.sleep(60)
    os.setsid()
    os.close(os.open("/ready", os.O_CREAT))
    time.sleep(60)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("member", "request_", "least", "most"),
    [
        ("dead", "3", 0, 1.5),
        ("alive", "3", 0, 1.5),
        ("dead", "S", 0, 1.5),
        ("dead", "q", 0, 1.5),
        pytest.param("deaf", "3", 2, 3.5),
    ],
)
def test_zombies_of_somebody_else_are_nobody(
    init: Init, boot: Boot, member: str, request_: str, least: float, most: float
) -> None:
    """Regression: init waited for them until SIGKILL and longer, and said that they seem to hang.

    C waits for leaders only: not for the deaf member.
    """
    least = least if init.ours else 0
    tail = "b:3:once:/w B\nc:S:wait:/w B\n"
    system = boot(
        f"id:2:initdefault:\na:2:once:@/leaves {member}\n{tail}", files={"/leaves": LEAVES_A_ZOMBIE}
    )
    wait_until(system.path("/ready").exists, lambda: "the member's parent")
    system.wait_ready()
    if request_ == "q":
        system.write("/etc/inittab", f"id:2:initdefault:\nd:2:once:/w B\n{tail}")
    begin = time.monotonic()
    system.telinit("-t", "2", request_)
    assert least <= system.witness.wait("B").time - begin < most
    assert b"seems to hang" not in system.console.said


def test_who_has_left_the_group_is_not_followed(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:@/w LEADER leaver=LEAVER stay\nb:3:once:/w B\n")
    system.witness.wait("LEADER")
    leaver = system.witness.wait("LEAVER")
    system.telinit("3")
    system.witness.wait("B")
    assert system.alive(leaver.pid)
    assert not system.witness.events("LEAVER", "TERM")


def test_an_ended_entry_has_nothing_to_end(boot: Boot) -> None:
    """What its leader has left behind stays."""
    system = boot("id:2:initdefault:\na:2:wait:@/w LEADER member=MEMBER\nb:3:once:/w B\n")
    member = system.witness.wait("MEMBER")
    system.wait_gone(system.witness.wait("LEADER").pid)
    system.telinit("3")
    system.witness.wait("B")
    assert system.alive(member.pid)


# A process that cannot be ended


@pytest.fixture
def freezer(init: Init) -> Iterator[Path]:
    """A control group whose processes not even SIGKILL ends while it is frozen (cgroup v1)."""
    folder = FREEZER / f"sysvinit_py-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as reason:
        pytest.skip(f"no freezer: {reason}")
    yield folder
    (folder / "freezer.state").write_text("THAWED")
    for pid in (folder / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):  # it may have been killed while it was frozen
            os.kill(int(pid), SIGKILL)
    wait_until(lambda: not (folder / "cgroup.procs").read_text(), lambda: "an empty freezer")
    folder.rmdir()


def outside(system: System, pid: int) -> int:
    """The number outside of a process inside."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:"))
            same = os.readlink(status.with_name("ns") / "pid") == os.readlink(f"/proc/{system.pid}/ns/pid")
        except (OSError, StopIteration):
            continue
        if same and int(numbers.split()[-1]) == pid:
            return int(status.parent.name)
    raise LookupError(pid)


def test_what_cannot_be_killed_is_given_up(boot: Boot, freezer: Path) -> None:
    system = boot("id:2:initdefault:\nab:2:once:/w FROZEN stay\nb:3:once:/w B\n")
    frozen = system.witness.wait("FROZEN")
    (freezer / "cgroup.procs").write_text(str(outside(system, frozen.pid)))
    (freezer / "freezer.state").write_text("FROZEN")
    system.telinit("-t", "0", "3")
    system.console.expect(f"\rINIT: Pid {frozen.pid} [id ab] seems to hang\r\r\n".encode())
    system.witness.wait("B")
