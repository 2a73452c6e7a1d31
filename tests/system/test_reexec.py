"""Re-execution: ``telinit u`` (behaviour/reexec).

No child is lost, none runs twice, and nothing that comes meanwhile is missed.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

import pytest

from tests.system.conftest import Boot, Init
from tests.system.system import BOOT_TIME, INITCTL, MAGIC, System
from tests.system.witness import wait_until

RELOADING = b"reloading"


def reexecute(system: System) -> None:
    """Ask for it and wait until the new init is there."""
    before = system.console.said.count(RELOADING)
    system.request(1, "u")
    wait_until(
        lambda: system.console.said.count(RELOADING) > before,
        lambda: f"a new init; {system.console.said[-300:]!r}",
        10,
    )
    system.wait_ready()


def descriptors(system: System) -> dict[str, str]:
    folder, found = system.path("/proc/1/fd"), {}
    for name in sorted(os.listdir(folder), key=int):
        with suppress(FileNotFoundError):  # closed meanwhile
            found[name] = os.readlink(folder / name)
    return found


def resident(system: System) -> int:
    """KiB of memory that are PID 1's own."""
    for line in system.path("/proc/1/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Dirty:", "Anonymous:")):
            return int(line.split()[1])
    raise AssertionError("no such line")


def request(level: str, seconds: int = 5) -> bytes:
    return INITCTL.pack(MAGIC, 1, ord(level), seconds, b"")


EVERYTHING = """
    id:2:initdefault:
    si::sysinit:/w SYSINIT
    bo::boot:/w BOOT stay
    bw::bootwait:/w BOOTWAIT
    wa:23:wait:/w WAIT
    on:23:once:/w ONCE stay
    re:23:respawn:/w RESPAWN stay
    od:a:ondemand:/w DEMAND stay
    th:3:respawn:/w THREE stay
    kb:2:kbrequest:/w KEY
"""


def test_all_goes_on(boot: Boot) -> None:
    system = boot(EVERYTHING)
    system.witness.wait("RESPAWN")
    system.witness.wait("ONCE")
    system.telinit("a")
    system.telinit("-e", "INIT_X=yes", "-e", "INIT_Y=no")
    system.witness.wait("DEMAND")
    before = system.witness.started()
    running = {p.pid for p in system.processes()}
    reexecute(system)
    system.signal(28)  # WINCH: the marks of the entries that wait for an event are right
    system.witness.wait("KEY")
    assert system.witness.started() == [*before, "KEY"]
    assert running <= {p.pid for p in system.processes()}
    system.wait_level("2")
    system.run(["kill", str(system.witness.wait("RESPAWN").pid)])
    again = system.witness.wait("RESPAWN", n=2)
    assert (again.env["INIT_X"], again.env["INIT_Y"]) == ("yes", "no")
    assert (again.env["RUNLEVEL"], again.env["PREVLEVEL"]) == ("2", "N")
    system.telinit("3")
    three = system.witness.wait("THREE")
    assert (three.env["RUNLEVEL"], three.env["PREVLEVEL"]) == ("3", "2")
    assert not system.witness.events("DEMAND", "TERM")  # called on demand: it has a place in every level
    assert [system.witness.started().count(tag) for tag in ("WAIT", "ONCE", "BOOT", "SYSINIT")] == [
        1,
        1,
        1,
        1,
    ]


@pytest.mark.ours_only("behaviour/reexec#state: INIT_* cannot be unset after C's re-exec")
def test_variables_are_unset_afterwards(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nre:2:respawn:/w A stay\n")
    system.witness.wait("A")
    system.telinit("-e", "INIT_X=yes", "-e", "INIT_Y=1")
    reexecute(system)
    system.telinit("-e", "INIT_X")
    system.run(["kill", str(system.witness.wait("A").pid)])
    env = system.witness.wait("A", n=2).env
    assert "INIT_X" not in env
    assert env["INIT_Y"] == "1"


def test_wait_time_is_kept(boot: Boot) -> None:
    """The time of the last request counts for SIGHUP, in the new init too (behaviour/runlevels#wait-time)."""
    system = boot("id:2:initdefault:\nre:2:respawn:/w A deaf stay\nx:2:respawn:/w X stay\n")
    system.witness.wait("A")
    system.witness.wait("X")
    system.telinit("-t", "1", "u")
    wait_until(lambda: RELOADING in system.console.said, lambda: "a new init")
    system.wait_ready()
    system.write("/etc/inittab", "id:2:initdefault:\nx:2:respawn:/w X stay\n")
    system.signal(1)
    term = system.witness.wait("A", "TERM")
    system.wait_gone(term.pid)
    assert 0.7 < time.monotonic() - term.time < 2.5


@pytest.mark.ours_only("behaviour/throttle: C loses the throttle")
def test_throttle_is_kept(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nre:2:respawn:/w A read\nx:2:respawn:/w X stay\n")
    for n in range(1, 8):
        system.run(["kill", str(system.witness.wait("A", n=n).pid)])
    system.witness.wait("A", n=8)
    reexecute(system)
    for n in range(8, 11):
        system.run(["kill", str(system.witness.wait("A", n=n).pid)])
    system.console.expect(b"respawning too fast")
    reexecute(system)
    time.sleep(0.3)
    assert system.witness.started().count("A") == 10


def test_who_dies_in_the_gap_is_reaped_and_respawned(boot: Boot) -> None:
    system = boot("id:2:initdefault:\n" + "".join(f"r{n}:2:respawn:/w R{n} sleep=0.{n}5\n" for n in range(4)))
    system.witness.wait("R3")
    for _ in range(6):
        reexecute(system)
    counts = {f"R{n}": system.witness.started().count(f"R{n}") for n in range(4)}
    for tag, count in counts.items():
        if count < 10:  # then it is not throttled
            system.witness.wait(tag, n=count + 1)
    assert not [p for p in system.processes() if p.state == "Z"]
    for n in range(4):
        running = [p for p in system.processes() if p.title.startswith(f"/w R{n} ")]
        assert len(running) <= 1


@pytest.mark.ours_only("C loses what is in its FIFO when it re-executes")
def test_requests_in_the_gap_are_obeyed(boot: Boot) -> None:
    """Also those that were read together with the request to re-execute."""
    system = boot(
        "id:2:initdefault:\na:2:respawn:/w A stay\nb:3:once:/w B\nc:4:once:/w C\nd:a:ondemand:/w D stay\n"
    )
    system.witness.wait("A")
    system.wait_ready()
    system.send(request("u") + request("3"))
    system.witness.wait("B")
    system.send(request("u"))
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:  # whatever it is doing: somebody holds the FIFO open
        system.send(request("a"))
        time.sleep(0.002)
    system.send(request("4"))
    system.witness.wait("C")
    system.witness.wait("D")


@pytest.mark.ours_only("C refuses to re-execute itself then")
def test_during_sysinit(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        s1::sysinit:/w S1 read
        s2::sysinit:/w S2
        bo::boot:/w BOOT stay
        l2:2:once:/w L2
    """)
    system.witness.wait("S1")
    system.wait_ready()
    reexecute(system)
    wait_until(lambda: system.title == "init boot", lambda: system.title)
    system.console.type(b"go on\n")
    system.witness.wait("L2")
    system.witness.wait("BOOT")
    assert system.witness.started()[:2] == ["S1", "S2"]
    assert sorted(system.witness.started()[2:]) == ["BOOT", "L2"]  # neither waits for the other
    assert BOOT_TIME in [record.type for record in system.records()]


@pytest.mark.ours_only("C waits for the ends")
def test_while_processes_are_being_ended(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nd:2:respawn:/w DEAF deaf stay\nn:3:once:/w NEXT\n")
    system.witness.wait("DEAF")
    system.wait_ready()
    system.send(request("3", 1))
    term = system.witness.wait("DEAF", "TERM")
    reexecute(system)
    assert system.witness.wait("NEXT").time - term.time > 0.8
    assert not system.alive(term.pid)
    assert len(system.witness.events("DEAF", "TERM")) == 1


@pytest.mark.ours_only("C does not serve while it asks")
def test_while_the_level_is_asked_for(boot: Boot) -> None:
    system = boot("l3:3:once:/w L3\n")
    system.console.expect(b"Enter runlevel: ")
    system.wait_ready()
    reexecute(system)
    system.console.expect(b"Enter runlevel: ")
    system.console.type(b"3\n")
    system.witness.wait("L3")


@pytest.mark.ours_only("C refuses in levels 7 to 9")
@pytest.mark.parametrize("level", ["1", "9", "S"])
def test_in_any_level(level: str, boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:9S1:respawn:/w B stay\nc:2:once:/w C stay\n")
    system.witness.wait("A")
    system.telinit(level)
    system.witness.wait("B")
    reexecute(system)
    system.wait_level(level)
    system.telinit("2")
    assert system.witness.wait("A", n=2).env["PREVLEVEL"] == level
    assert system.witness.started().count("B") == 1


@pytest.mark.ours_only("the state is C's secret between two of C")
def test_a_state_that_no_pipe_holds(boot: Boot) -> None:
    """The pipe takes 64 KiB at once."""
    lines = [f"{n:04d}:3:once:/w {'x' * 90}\n" for n in range(1500)]
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\n" + "".join(lines))
    system.witness.wait("A")
    reexecute(system)
    system.run(["kill", str(system.witness.wait("A").pid)])
    system.witness.wait("A", n=2)
    wait_until(lambda: len(system.processes()) == 2, lambda: f"the writer's end; {system.processes()}")


BROKEN = {
    "an interpreter that fails": "#!/bin/false\n",
    "a Python that is not whole": "#!/usr/bin/python3 -IS\nimport nothing\n",
}


@pytest.mark.ours_only("C needs no interpreter that could be broken")
@pytest.mark.parametrize("program", BROKEN.values(), ids=BROKEN.keys())
def test_an_init_that_does_not_start_is_not_executed(program: str, boot: Boot) -> None:
    """Regression: telinit u in the middle of an upgrade of Python was the end of PID 1."""
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:3:once:/w B\n")
    system.witness.wait("A")
    system.wait_ready()
    system.path("/sbin/init").unlink()
    system.write("/sbin/init", program)
    system.request(1, "u")
    system.console.expect(b"Attempt to re-exec failed: /sbin/init does not start")
    system.run(["kill", str(system.witness.wait("A").pid)])
    system.witness.wait("A", n=2)
    system.request(1, "3")
    system.witness.wait("B")


@pytest.mark.ours_only("C is executed whatever there is")
@pytest.mark.parametrize("size", [60, 300, 1500, 20_000, 65_536, 300_000])
def test_an_init_that_is_cut_short_is_not_executed(size: int, boot: Boot) -> None:
    """Regression: what only telinit needs was looked at, and the rest was the end of PID 1."""
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:3:once:/w B\n")
    system.witness.wait("A")
    system.wait_ready()
    whole = system.path("/sbin/init").read_bytes()
    system.path("/sbin/init").unlink()
    system.write("/sbin/init", whole[:size])
    system.request(1, "u")
    system.console.expect(b"Attempt to re-exec failed: /sbin/init does not start")
    system.request(1, "3")
    system.witness.wait("B")


@pytest.mark.ours_only("C's state is lost with its writer")
@pytest.mark.parametrize("number", [9, 19], ids=["killed", "stopped"])
def test_the_writer_of_the_state_can_be_done_without(number: int, boot: Boot) -> None:
    """Regression: killed, init booted anew and forgot its children; stopped, it waited for a minute."""
    killer = f"""\
import os
while True:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{{pid}}/stat") as stat, open(f"/proc/{{pid}}/cmdline") as title:
                if title.read().startswith("init ") and stat.read().rpartition(")")[2].split()[1] == "1":
                    fds = os.listdir(f"/proc/{{pid}}/fd")
                    if any(os.readlink(f"/proc/{{pid}}/fd/{{fd}}").startswith("pipe:") for fd in fds):
                        os.kill(int(pid), {number})
        except OSError:
            pass
"""
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\n", files={"/killer.py": killer})
    system.witness.wait("A")
    system.wait_ready()
    with system.start(["/usr/bin/python3", "-IS", "/killer.py"]) as process:
        try:
            for _ in range(15):
                reexecute(system)
                # What is written before that is lost with the writer.
                wait_until(lambda: "/run/initctl" in descriptors(system).values(), lambda: "its FIFO")
        finally:
            process.kill()
    assert system.console.said.count(b"booting") == 1
    assert system.witness.started() == ["A"]


@pytest.mark.parametrize(
    "program", ["#!/nowhere\n", None, "#!/bin/sh\n"], ids=["no interpreter", "gone", "mode"]
)
@pytest.mark.ours_only("C says so too, but after a while only")
def test_an_init_that_cannot_be_executed(program: str | None, boot: Boot) -> None:
    """All goes on as before, with nothing left open, however often."""
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:3:once:/w B\n")
    system.witness.wait("A")
    system.wait_ready()
    time.sleep(0.3)  # until nothing is open any more that the beginning needs
    before = descriptors(system)
    system.path("/sbin/init").unlink()
    if program is not None:
        system.path("/sbin/init").write_text(program)
    for n in range(1, 4):
        system.request(1, "u")
        wait_until(
            lambda n=n: system.console.said.count(b"Attempt to re-exec failed") == n,  # type: ignore[misc]
            lambda: "its message",
        )
    wait_until(lambda: len(system.processes()) == 2, lambda: f"the writer's end; {system.processes()}")
    assert descriptors(system).keys() == before.keys()
    system.request(1, "3")
    system.witness.wait("B")
    system.run(["kill", str(system.witness.wait("A").pid)])


GARBAGE = {
    "nothing": b"",
    "garbage": b"garbage" * 1000,
    "only the signature": b"12567362",
    "a damaged state": b"12567362VER1\n-RL2\n-TL2\nRECxx\nREC",
}


@pytest.mark.ours_only("whatever is there must not stop a boot")
@pytest.mark.parametrize("left", GARBAGE.values(), ids=GARBAGE.keys())
def test_what_is_no_state_does_not_stop_a_boot(left: bytes, boot: Boot, init: Init) -> None:
    first = f"""\
#!/usr/bin/python3 -IS
import os
reading, writing = os.pipe()
os.dup2(reading, 11)
os.write(writing, {left!r})
os.close(writing)
os.execv("/sbin/our-init", ["init", "--init"])
"""
    files = {"/sbin/our-init": init.program}
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\n", init=first, files=files)
    assert "11" not in system.witness.wait("A", timeout=10).fds
    system.wait_level("2")


NO_PIPES = {
    "a device": "os.open('/dev/zero', os.O_RDONLY)",
    "a folder": "os.open('/', os.O_RDONLY)",
    "the console": "os.open('/dev/console', os.O_RDWR)",
    "a file": "os.open('/etc/passwd', os.O_RDWR)",
    "a socket": "socket.socketpair()[0].detach()",
    "an event descriptor": "os.eventfd(0)",
    "a write end": "os.pipe()[1]",
    "a pipe that nobody writes to": "os.pipe()[0]",
}


@pytest.mark.ours_only("whatever is there must not stop a boot")
@pytest.mark.parametrize("opened", NO_PIPES.values(), ids=NO_PIPES.keys())
def test_something_else_in_the_place_of_the_state(opened: str, boot: Boot, init: Init) -> None:
    first = f"""\
#!/usr/bin/python3 -IS
import os, socket
os.dup2({opened}, 11)
os.execv("/sbin/our-init", ["init", "--init"])
"""
    system = boot(
        "id:2:initdefault:\na:2:respawn:/w A stay\n", init=first, files={"/sbin/our-init": init.program}
    )
    assert "11" not in system.witness.wait("A", timeout=10).fds


@pytest.mark.ours_only("C has no such promise to keep")
@pytest.mark.timeout(900)
def test_many_in_a_row_under_load(boot: Boot) -> None:
    """Children die, orphans arrive, requests come in; nothing is lost, nothing grows.

    REEXECUTIONS=1000 in the environment for more.
    """
    times = int(os.environ.get("REEXECUTIONS", "100"))
    system = boot("""
        id:2:initdefault:
        st:2:respawn:/w STAYS stay
        or:2:respawn:/bin/sh -c 'while :; do (sleep 0.01 & exec sleep 0.02 &); sleep 0.02; done'
        dy:a:ondemand:/bin/sh -c 'while :; do sleep 0.3; done'
        on:2:once:/w ONCE stay
    """)
    system.witness.wait("STAYS")
    system.witness.wait("ONCE")
    system.telinit("a")
    for _ in range(3):
        reexecute(system)
    time.sleep(0.3)  # until nothing is open any more that the beginning needs
    before, memory = descriptors(system), resident(system)
    for n in range(times):
        system.telinit("-e", f"INIT_N={n}")
        if n % 10 == 0:
            system.run(["kill", str(system.witness.events("STAYS")[-1].pid)])
        reexecute(system)
        if n % 10 == 0:
            system.request(1, "q")  # clears the throttle
            system.witness.wait("STAYS", n=n // 10 + 2)
    wait_until(
        lambda: descriptors(system).keys() == before.keys(), lambda: f"{before}, {descriptors(system)}"
    )
    assert resident(system) < memory * 1.05 + 100
    system.run(["kill", str(system.witness.events("STAYS")[-1].pid)])
    assert system.witness.wait("STAYS", n=len(range(0, times, 10)) + 2).env["INIT_N"] == str(times - 1)
    assert system.witness.started().count("ONCE") == 1
    assert system.witness.started().count("STAYS") == len(range(0, times, 10)) + 2
    assert sum("sleep 0.3" in p.title and p.ppid == 1 for p in system.processes()) == 1
    time.sleep(0.5)
    assert not [p for p in system.processes() if p.state == "Z" and p.ppid == 1 and _older(system, p.pid)]


def _older(system: System, pid: int) -> bool:
    """Whether it is still a zombie after a second."""
    time.sleep(1)
    return any(p.pid == pid and p.state == "Z" for p in system.processes())
