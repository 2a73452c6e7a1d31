"""inittab-install --live: on a machine that runs C sysvinit, and back, with all that can be in the way."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import CompletedProcess
from textwrap import dedent
from typing import Any

import pytest

from tests.system.conftest import OURS
from tests.system.oracle import VERSION
from tests.system.system import System
from tests.system.test_hot_swap import INITTAB
from tests.system.test_survival import Faulty, faulty, raising
from tests.system.witness import program, wait_until

__all__ = ["faulty"]  # a fixture

PACKAGE = Path(__file__).parents[2] / "sysvinit_py"
C_RUNS, OURS_RUNS = r"/sbin/init", r"/usr/bin/python3.*"

#: Not just any init.*: what the machine has in its /sbin is in the sandbox's, too.
LEFT_BEHIND = ("/sbin/init.new", "/sbin/init.sysv", "/sbin/telinit.sysv")

Begin = Callable[..., System]


def tools() -> dict[str, Path]:
    """The package; the sandbox does not have the repository."""
    paths = (path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {f"/root/sysvinit_py/{path.relative_to(PACKAGE)}": path for path in paths}


@pytest.fixture
def begin(namespaces: None, oracle_programs: Path) -> Iterator[Begin]:
    """Boot C sysvinit, or another, with inittab-install at hand."""
    with ExitStack() as running:

        def boot(inittab: str = INITTAB, init: Path = oracle_programs / "init", **files: Any) -> System:
            there = {"/w": program(), **tools(), "/root/init": OURS, **files}
            return running.enter_context(System(init=init, inittab=dedent(inittab), files=there))

        yield boot


def install(system: System, *arguments: str) -> CompletedProcess[str]:
    command = ["/usr/bin/python3", "-m", "sysvinit_py.install.cli", "--live", "--yes", *arguments]
    path = {"PATH": "/sbin:/bin", "PYTHONPATH": "/root"}
    return system.run(command, timeout=50, env=path)


def forth(system: System, *arguments: str) -> CompletedProcess[str]:
    return install(system, "--init", "/root/init", *arguments)


def back(system: System, *arguments: str) -> CompletedProcess[str]:
    return install(system, "--undo", *arguments)


THERE_AND_BACK = (forth, OURS_RUNS), (back, C_RUNS)


def runs(system: System) -> str:
    return os.readlink(system.path("/proc/1/exe")).removesuffix(" (deleted)")


def children(system: System) -> set[int]:
    return {process.pid for process in system.processes() if process.title.startswith("/w ")}


def respawns(system: System, tag: str) -> None:
    n = system.witness.started().count(tag)
    system.run(["kill", str(system.witness.wait(tag, n=n).pid)])
    assert system.witness.wait(tag, n=n + 1).env["INIT_X"] == "yes"


def begun(begin: Begin, **options: Any) -> System:
    """With a level entered, an entry called on demand, and a variable."""
    system = begin(**options)
    system.witness.wait("RESPAWN")
    system.witness.wait("TWO")
    system.telinit("a")
    system.telinit("-e", "INIT_X=yes")
    system.witness.wait("DEMAND")
    return system


def test_there_and_back_and_there(begin: Begin, oracle_programs: Path) -> None:
    system = begun(begin)
    for direction, program_running in THERE_AND_BACK * 2:
        started, before = system.witness.started(), children(system)
        done = direction(system)
        assert done.returncode == 0, done
        assert re.fullmatch(program_running, runs(system))
        assert done.stdout.splitlines()[-1].startswith("PID 1 is ")
        assert system.title == "init [2]"
        assert (system.witness.started(), children(system)) == (started, before)
        respawns(system, "RESPAWN")
        respawns(system, "DEMAND")
    assert system.path("/sbin/init").read_bytes() == (oracle_programs / "init").read_bytes()
    assert not [name for name in LEFT_BEHIND if os.path.lexists(system.path(name))]


def test_a_wait_entry_goes_on_being_waited_for(begin: Begin) -> None:
    system = begin("id:2:initdefault:\nw1:2:wait:/w WAITED stay\nr1:2:respawn:/w AFTER stay\n")
    waited = system.witness.wait("WAITED")
    system.wait_ready()
    for done in forth(system), back(system), forth(system):
        assert done.returncode == 0, done
    system.telinit("-e", "INIT_X=1")  # something to do, for an init that does not wait
    assert system.witness.started() == ["WAITED"]
    system.run(["kill", str(waited.pid)])
    system.witness.wait("AFTER")
    assert system.witness.started() == ["WAITED", "AFTER"]


def test_single_user_mode(begin: Begin) -> None:
    system = begin("id:S:initdefault:\nw1:S:wait:/w SHELL stay\n")
    system.witness.wait("SHELL")
    system.wait_ready()
    for direction, program_running in THERE_AND_BACK:
        done = direction(system)
        assert "in level S" in done.stdout, done
        assert re.fullmatch(program_running, runs(system))
    assert system.witness.started() == ["SHELL"]


def refused(system: System, done: CompletedProcess[str], reason: str) -> None:
    """One line says why; neither the file nor PID 1 is another, and nothing was left behind."""
    assert done.returncode == 1, done
    # There may be no sandbox in a sandbox for the trial boot, and its /usr is read-only.
    ignored = "the trial boot", "nothing was changed", "/usr/bin/inittab is not made"
    (said,) = (line for line in done.stderr.splitlines() if not any(words in line for words in ignored))
    assert reason in said
    assert not [name for name in LEFT_BEHIND if os.path.lexists(system.path(name))]
    assert b"reloading" not in system.console.said


SLEEPER = "id:2:initdefault:\na:23456789:respawn:/w A stay\n"


@pytest.mark.parametrize(
    ("inittab", "command", "reason"),
    [
        (SLEEPER.replace("id:2", "id:9"), "", "this is level 9"),
        ("id:2:initdefault:\nsi::sysinit:/w A stay\n", "", "the boot is not over"),
        (SLEEPER, "rm /etc/inittab", "no /etc/inittab: apt-get install sysvinit-core"),
        (SLEEPER, "kill -USR2 1; sleep 0.3", "PID 1 does not read /run/initctl"),
    ],
    ids=["level 9", "boot", "no inittab", "no FIFO"],
)
def test_c_that_would_not_hand_over(inittab: str, command: str, reason: str, begin: Begin) -> None:
    system = begin(inittab)
    system.witness.wait("A")
    system.wait_ready()
    assert not system.run(["/bin/sh", "-c", command]).returncode
    refused(system, forth(system), reason)
    assert runs(system) == C_RUNS


def test_another_root(begin: Begin) -> None:
    """What is put in the place of /sbin/init there is not what PID 1 would execute."""
    system = begin(SLEEPER)
    system.witness.wait("A")
    system.wait_ready()
    other = "mount -t tmpfs -o mode=755 none /sbin && cp /bin/true /sbin/init"
    command = "python3 -m sysvinit_py.install.cli --live --yes --init /root/init"
    path = {"PATH": "/bin:/usr/sbin", "PYTHONPATH": "/root"}
    done = system.run(["unshare", "--mount", "/bin/sh", "-c", f"{other} && {command}"], env=path)
    refused(system, done, "/sbin/init is not the one that PID 1 would execute")


def test_only_from_c_to_ours_and_back(begin: Begin) -> None:
    ours = begin(init=OURS)
    ours.witness.wait("TWO")
    ours.wait_ready()
    refused(ours, forth(ours), "PID 1 is sysvinit_py, not C sysvinit")
    refused(ours, back(ours), "/sbin/init.sysv is not C sysvinit")
    c = begin()
    c.witness.wait("TWO")
    c.wait_ready()
    refused(c, back(c), "PID 1 is C sysvinit, not sysvinit_py")


def test_c_is_deaf(begin: Begin) -> None:
    """It never reads the request, which is taken back: it must not be obeyed when nobody reckons with it."""
    system = begun(begin)
    system.signal(20)  # TSTP
    time.sleep(0.2)
    done = forth(system, "--patience", "1")
    refused(system, done, "PID 1 did not execute /sbin/init: all is as before")
    system.signal(18)  # CONT
    respawns(system, "RESPAWN")
    assert b"reloading" not in system.console.said
    assert runs(system) == C_RUNS
    system.telinit("-t", "1", "3")
    system.witness.wait("THREE")


def test_a_new_init_that_fails_is_rolled_back(begin: Begin, faulty: Faulty) -> None:
    """It can be loaded, and never takes over: as its last resort it makes room for C again."""
    broken = faulty(succession=raising("Succession._go_on", "raise ValueError('a fault')"))
    system = begun(begin, **{"/root/init": broken, "/sbin/sulogin": "#!/bin/sh\nexec /w SULOGIN stay\n"})
    started, before = system.witness.started(), children(system)
    done = forth(system, "--patience", "5")
    assert done.returncode == 1
    assert "did not take over; the one of before has" in done.stderr
    assert b"a fault" in system.console.said
    assert runs(system) == C_RUNS
    assert system.title == "init [2]"
    assert [tag for tag in system.witness.started() if tag != "SULOGIN"] == started
    assert before <= children(system)
    respawns(system, "RESPAWN")
    respawns(system, "DEMAND")


def test_the_way_back_tells_what_c_would_lose(begin: Begin) -> None:
    """And does not go it unless that is wanted."""
    inittab = f"{dedent(INITTAB)}lg:2:respawn:/w LONG stay {'x' * 150}\nrs:2:resume:/w RESUMED\n"
    number = inittab.count("\n")
    system = begin(inittab)
    system.witness.wait("TWO")
    system.wait_ready()
    assert forth(system).returncode == 0
    system.telinit("q")
    system.witness.wait("LONG")
    tabs = {"/etc/inittab.d/x.tab": "x1:2:respawn:/w X stay\nx2:2:respawn:/w Y stay\n"}
    for path, text in tabs.items():
        system.write(path, text)
    done = back(system)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    lost = [f"/etc/inittab:{number}: resume", "/etc/inittab.d/x.tab:2: never read"]
    if VERSION == "3.06":
        lost.insert(0, f"/etc/inittab:{number - 1}: process")
    *losses, last = told
    assert last == "inittab-install: nothing was changed; --force goes back all the same"
    for line, begins in zip(losses, lost, strict=True):
        assert line.startswith(f"inittab-install: C sysvinit {VERSION} would lose {begins}")
    assert re.fullmatch(OURS_RUNS, runs(system))
    assert back(system, "--force").returncode == 0
    assert runs(system) == C_RUNS


def test_no_way_back_in_levels_that_c_does_not_know(begin: Begin) -> None:
    system = begin(SLEEPER)
    system.witness.wait("A")
    system.wait_ready()
    assert forth(system).returncode == 0
    system.telinit("8")
    system.wait_level("8")
    done = back(system)
    assert "this is level 8" in done.stderr
    assert re.fullmatch(OURS_RUNS, runs(system))


def test_c_that_cannot_be_executed(begin: Begin) -> None:
    """It says its version, and is gone then: ours goes on, and its file is back in its place."""
    system = begun(begin)
    assert forth(system).returncode == 0
    fake = "#!/run/sh\nrm /run/sh; echo SysV init version: 3.06\n"
    system.path("/sbin/init.sysv").unlink()
    system.write("/sbin/init.sysv", fake)
    system.write("/run/sh", Path("/bin/sh").resolve())
    done = back(system, "--patience", "1")
    assert done.returncode == 1
    assert "PID 1 did not execute /sbin/init: all is as before" in done.stderr
    wait_until(lambda: b"Attempt to re-exec failed" in system.console.said, lambda: "its message")
    assert system.path("/sbin/init").read_bytes() == OURS.read_bytes()
    respawns(system, "RESPAWN")
