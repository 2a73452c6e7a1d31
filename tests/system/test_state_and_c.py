"""The state of re-execution, exchanged with Debian's C init: we read what it writes, it takes what we write.

behaviour/reexec#state. The state is handed over by little programs in the place of an init of ours.
"""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.protocol.state import FD, Saved, SavedEntry, decode, encode
from sysvinit_py.sandbox.sandbox import Content
from tests.system.system import System
from tests.system.witness import wait_until

pytestmark = pytest.mark.usefixtures("namespaces")

#: In the place of /sbin/init: keeps what it is handed.
TAKER = f"""\
#!/usr/bin/python3 -IS
import os, sys, time
with open({FD}, "rb") as state, open("/run/taken", "wb") as taken:
    taken.write(state.read())
with open("/run/environment", "w") as environment:
    print(sys.argv[1:], os.environ.get("INIT_KEPT"), file=environment)
while True:
    time.sleep(1000)
"""
#: Before init: has a child, and hands over /state, in which PID1 to PID3 are processes of the child's.
GIVER = f"""\
#!/usr/bin/python3 -IS
import os
with open("/state", "rb") as file:
    state = file.read()
pid = os.fork()
if pid == 0:
    os.setsid()
    os.execv("/bin/sleep", ["sleep", "1001"])
reading, writing = os.pipe()
os.dup2(reading, {FD})
os.write(writing, state.replace(b"PID2147483647", b"PID%d" % pid))
os.close(reading)
os.close(writing)
os.execv("/sbin/c-init", ["/sbin/init", "--init"])
"""
SLEEPER = 2**31 - 1  # stands for the child in /state


def titles(sandbox: System) -> list[str]:
    return [process.title for process in sandbox.processes()]


def wait_for(sandbox: System, what: Callable[[list[str]], object]) -> None:
    wait_until(lambda: what(titles(sandbox)), lambda: f"{titles(sandbox)}; {sandbox.console.said!r}")


def give(oracle_programs: Path, entries: Sequence[SavedEntry]) -> System:
    """C init, re-executed with these entries in level 3."""
    state = encode(Saved("3", "3", "2", tuple(entries)))
    files: dict[str, Content | None] = {
        "/state": state, "/sbin/init": GIVER, "/sbin/c-init": oracle_programs / "init",
    }  # fmt: skip
    return System(oracle_programs / "init", None, files=files)


def test_we_read_what_c_writes(oracle_programs: Path) -> None:
    inittab = """
        id:2:initdefault:
        si::sysinit:/bin/true
        bo::boot:/bin/sleep 1001
        r1:23:respawn:/bin/sleep 1002
        on:2:wait:/bin/sh -c 'exit 3'
        no:2:once:+/bin/sleep 1003
        od:a:ondemand:/bin/sleep 1004
        pf::powerfail:/bin/true
    """
    files: dict[str, Content | None] = {"/sbin/c-init": oracle_programs / "init", "/taker": TAKER}
    with System(oracle_programs / "init", textwrap.dedent(inittab), files=files) as sandbox:
        wait_for(sandbox, lambda seen: "/bin/sleep 1003" in seen)
        assert not sandbox.run(["/sbin/c-init", "-e", "INIT_KEPT=yes"]).returncode
        assert not sandbox.run(["/sbin/c-init", "a"]).returncode
        wait_for(sandbox, lambda seen: "/bin/sleep 1004" in seen)
        os.replace(sandbox.path("/taker"), sandbox.path("/sbin/init"))
        assert not sandbox.run(["/sbin/c-init", "u"]).returncode
        environment = sandbox.path("/run/environment")
        wait_until(lambda: environment.exists() and environment.read_text(), lambda: "the state")
        saved = decode(sandbox.path("/run/taken").read_bytes())
        pid = {process.title[-4:]: process.pid for process in sandbox.processes()}
        assert environment.read_text() == "['--init'] yes\n"
    assert (saved.runlevel, saved.this_level, saved.previous_level, saved.wait_time) == ("2", "2", "N", 3)
    assert {entry.entry.id: entry for entry in saved.entries} == {
        "id": SavedEntry(Entry("id", "2", "initdefault", "")),
        "si": SavedEntry(Entry("si", "#", "sysinit", "/bin/true")),
        "bo": SavedEntry(Entry("bo", "*", "boot", "/bin/sleep 1001"), pid["1001"], has_run=True),
        "r1": SavedEntry(Entry("r1", "23", "respawn", "/bin/sleep 1002"), pid["1002"], has_run=True),
        "on": SavedEntry(Entry("on", "2", "wait", "/bin/sh -c 'exit 3'"), status=3 << 8, has_run=True),
        "no": SavedEntry(Entry("no", "2", "once", "+/bin/sleep 1003"), pid["1003"], has_run=True),
        "od": SavedEntry(
            Entry("od", "a", "ondemand", "/bin/sleep 1004"), pid["1004"], has_run=True, on_demand=True
        ),
        "pf": SavedEntry(Entry("pf", "S0123456789", "powerfail", "/bin/true")),
    }


def test_c_goes_on_with_what_we_write(oracle_programs: Path) -> None:
    """Our own keys are skipped, what runs is not started again, what should run is, what was called too."""
    entries = [
        SavedEntry(Entry("ca", "", "ctrlaltdel", "/bin/sleep 1006")),
        SavedEntry(
            Entry("r1", "23", "respawn", "/bin/sleep 1001"),
            SLEEPER,
            has_run=True,
            window_opened=12.5,
            starts=3,
        ),
        SavedEntry(Entry("o1", "3", "once", "/bin/sleep 1002"), status=256, has_run=True),
        SavedEntry(Entry("k1", "3", "kbrequest", "/bin/sleep 1003"), pending_event=True),
        SavedEntry(Entry("k2", "3", "kbrequest", "/bin/sleep 1004")),
        SavedEntry(Entry("r2", "3", "respawn", "/bin/sleep 1005"), rests_until=312.5),
    ]
    with give(oracle_programs, entries) as sandbox:
        running = ["/bin/sleep 1003", "/bin/sleep 1005", "sleep 1001"]
        wait_for(sandbox, lambda seen: sorted(seen[1:]) == running)
        assert not sandbox.run(["/sbin/c-init", "-e", "INIT_X"]).returncode
        time.sleep(0.1)  # for what should not start
        assert sorted(titles(sandbox)[1:]) == running
        sandbox.run(["/sbin/c-init", "-t", "1", "4"])
        wait_for(sandbox, lambda seen: seen == ["init [4]"])


@pytest.mark.parametrize("waited_for", [True, False])
def test_c_waits_for_an_entry_by_our_mark(waited_for: bool, oracle_programs: Path) -> None:
    entries = [
        SavedEntry(Entry("w1", "3", "wait", "/bin/sleep 1001"), SLEEPER, waited_for=waited_for, has_run=True),
        SavedEntry(Entry("r1", "3", "respawn", "/bin/sleep 1002")),
    ]
    with give(oracle_programs, entries) as sandbox:
        wait_for(sandbox, lambda seen: "sleep 1001" in seen and seen[0] == "init [3]")
        if waited_for:
            assert not sandbox.run(["/sbin/c-init", "-e", "INIT_X"]).returncode
            assert "/bin/sleep 1002" not in titles(sandbox)
            (sleeper,) = (process for process in sandbox.processes() if process.title == "sleep 1001")
            sandbox.run(["kill", str(sleeper.pid)])
            wait_for(sandbox, lambda seen: "sleep 1001" not in seen)
        wait_for(sandbox, lambda seen: "/bin/sleep 1002" in seen)
