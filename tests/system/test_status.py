"""inittab status: what a real PID 1 publishes, seen as root and as a user, from inside and outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import OURS, Boot
from tests.system.system import System
from tests.system.witness import wait_until

INITTAB = """
    id:2:initdefault:
    si::sysinit:/w SI
    r:2:respawn:/w R stay
    f:2:once:/bin/false
    k:2:once:/bin/sh -c 'kill -SEGV $$'
    t:2:respawn:/bin/true
    g:2:respawn:/sbin/getty tty77
    o:a:ondemand:/w O stay
    w:2:wait:/w W stay
    p:2:once:/w P
    z:2:off:/w Z
    x:3:once:/w X stay
"""
STATES = {
    "id": "disabled", "si": "inactive", "r": "running", "f": "failed", "k": "failed", "t": "throttled",
    "g": "no-terminal", "o": "idle", "w": "running", "p": "pending", "z": "disabled", "x": "inactive",
    "~~": "inactive",
}  # fmt: skip
AS_NOBODY = """
import os, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.execv(sys.argv[1], sys.argv[1:])
"""

Done = subprocess.CompletedProcess[str]


def inside(system: System, *arguments: str, user: bool = False) -> Done:
    """Run inittab in the system, as root or as nobody."""
    command = ["/inittab", *arguments]
    return system.run(["/usr/bin/python3", "-ISc", AS_NOBODY, *command] if user else command, 30)


def outside(system: System, *arguments: str) -> Done:
    """Run it here."""
    command = [
        sys.executable,
        "-m",
        "sysvinit_py.clients.inittab.program",
        "status",
        "--pid",
        str(system.pid),
    ]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=30)


def entries(done: Done) -> dict[str, Any]:
    assert done.returncode == 0, done
    return {entry["id"]: entry for entry in json.loads(done.stdout)["entries"]}


def states(system: System) -> dict[str, str]:
    return {id: entry["state"] for id, entry in entries(inside(system, "status", "--json")).items()}


def settled(boot: Boot, inittab: str = INITTAB, **options: Any) -> System:
    system = boot(inittab, files={"/inittab": OURS}, **options)
    system.witness.wait("W")
    wait_until(lambda: states(system)["t"] == "throttled", lambda: str(states(system)))
    return system


@pytest.mark.ours_only("C publishes nothing")
def test_states_as_root_as_a_user_and_from_outside(boot: Boot) -> None:
    system = settled(boot)
    assert states(system) == STATES
    told = entries(inside(system, "status", "--json"))
    assert told == entries(outside(system, "--json"))
    if os.geteuid() == 0:
        assert told == entries(inside(system, "status", "--json", user=True))
    [line] = [line for line in inside(system, "status").stdout.splitlines() if line.startswith("k ")]
    assert "signal 11 SEGV" in line
    assert told["r"]["pid"] == system.witness.wait("R").pid
    assert told["p"]["waits_for"] == "w"
    assert told["g"]["waits_for"] == "/dev/tty77"
    assert (told["t"]["starts"], told["t"]["window"]["starts"]) == (10, 10)
    assert told["f"]["last"]["exit"] == 1


@pytest.mark.ours_only("C publishes nothing")
def test_what_happens_is_seen(boot: Boot) -> None:
    system = settled(boot)
    first = system.witness.wait("R")
    system.run(["kill", "-KILL", str(first.pid)])
    second = system.witness.wait("R", n=2)
    wait_until(
        lambda: entries(inside(system, "status", "--json"))["r"]["pid"] == second.pid, lambda: "the new pid"
    )
    told = entries(inside(system, "status", "--json"))["r"]
    assert (told["starts"], told["last"]["signal"]) == (2, 9)
    system.telinit("3")
    system.witness.wait("X")
    wait_until(lambda: states(system)["x"] == "running", lambda: str(states(system)))
    assert states(system)["r"] == "inactive"
    assert json.loads(inside(system, "status", "--json").stdout)["init"]["level"] == "3"
    system.write("/etc/inittab", "id:3:initdefault:\nnew:3:once:/w NEW stay\n")
    system.telinit("q")
    system.witness.wait("NEW")
    wait_until(lambda: states(system).get("new") == "running", lambda: str(states(system)))
    assert set(states(system)) == {"id", "new", "~~"}


@pytest.mark.ours_only("C publishes nothing")
def test_named_entries_and_exit_codes(boot: Boot) -> None:
    system = settled(boot)
    for names, code in (
        (["r"], 0), (["r", "w"], 0), (["t"], 1), (["f"], 1), (["g"], 1), (["o"], 3), (["x"], 3), (["p"], 3),
        (["r", "x", "f"], 1), (["nothing"], 4), (["getty"], 1), (["w", "nothing"], 4), (["~~"], 3),
        (["\udcff"], 4),
    ):  # fmt: skip
        assert inside(system, "status", *names).returncode == code, names
    assert inside(system, "status", "-o", "id,state", "r", "f").stdout == "r\trunning\nf\tfailed\n"
    assert "source     /etc/inittab:3" in inside(system, "status", "r").stdout
    assert inside(system, "--json").stdout == inside(system, "status", "--json").stdout


@pytest.mark.ours_only("C publishes nothing")
def test_a_re_execution_keeps_what_is_known(boot: Boot) -> None:
    system = settled(boot)
    before = entries(inside(system, "status", "--json"))
    inode = system.path("/run/inittab/status").stat().st_ino
    system.telinit("u")
    wait_until(
        lambda: system.path("/run/inittab/status").stat().st_ino != inode, lambda: "the new init publishes"
    )
    after = entries(inside(system, "status", "--json"))
    for id, entry in before.items():
        for field in ("state", "pid", "starts", "rests_until", "source", "command"):
            assert after[id][field] == entry[field], (id, field)
        assert (after[id]["last"] or {}).get("exit") == (entry["last"] or {}).get("exit")


@pytest.mark.ours_only("where ours publishes")
@pytest.mark.parametrize(
    "spoiled",
    [
        "/bin/sh -c 'mount --bind /run /run; mount -o remount,bind,ro /run'",
        "/bin/ln -s /tmp /run/inittab",
        "/bin/sh -c 'mkdir /run/inittab; chmod 777 /run/inittab'",
        "/bin/touch /run/inittab",
        "/usr/bin/mkfifo /run/inittab",
    ],
    ids=["read-only", "symlink", "folder of all", "file", "fifo"],
)
def test_where_there_is_no_folder_it_is_in_memory(boot: Boot, spoiled: str) -> None:
    """And nothing is written where somebody else has led it."""
    system = settled(boot, INITTAB.replace("/w SI", spoiled))
    assert os.readlink(system.path("/proc/1/fd/12")) == "/memfd:status (deleted)"
    assert states(system) | {"si": ""} == STATES | {"si": ""}
    assert not system.path("/tmp/status").exists()
    if os.geteuid() == 0:
        done = inside(system, "status", user=True)
        assert (done.returncode, "only root may look" in done.stderr) == (7, True)


@pytest.mark.ours_only("where ours publishes")
def test_a_link_in_the_place_of_the_status_is_not_followed(boot: Boot) -> None:
    """A container's root has put it there, and the host's root looks."""
    system = settled(boot)
    status = system.path("/run/inittab/status")
    copy = status.read_bytes()
    status.unlink()
    os.symlink("/etc/passwd", status)
    system.path("/etc/decoy").write_bytes(copy)
    assert set(entries(outside(system, "--json"))) == set(STATES), "descriptor 12 has it still"
    status.unlink()
    os.mkfifo(status)
    assert set(entries(outside(system, "--json"))) == set(STATES)


@pytest.mark.ours_only("where ours publishes")
def test_where_the_file_is_damaged_root_is_shown_what_init_has_open(boot: Boot) -> None:
    system = settled(boot)
    status = system.path("/run/inittab/status")
    content = bytearray(status.read_bytes())
    content[100] ^= 1
    status.unlink()
    status.write_bytes(content)
    assert set(entries(outside(system, "--json"))) == set(STATES)


@pytest.mark.ours_only("where ours publishes")
def test_it_comes_back_where_it_was_removed(boot: Boot) -> None:
    system = settled(boot)
    for name in ("status", "entries"):
        system.path(f"/run/inittab/{name}").unlink()
    system.path("/run/inittab").rmdir()
    system.telinit("q")
    wait_until(system.path("/run/inittab/status").exists, lambda: "the status")
    assert states(system)["r"] == "running"


@pytest.mark.ours_only("where ours publishes")
def test_commands_of_a_private_inittab_are_not_published(boot: Boot) -> None:
    def make_private(system: System) -> None:
        system.path("/etc/inittab").chmod(0o600)

    system = boot(INITTAB, files={"/inittab": OURS}, before=make_private)
    system.witness.wait("W")
    wait_until(system.path("/run/inittab/entries").exists, lambda: "the entries")
    assert b"stay" not in system.path("/run/inittab/entries").read_bytes()
    told = entries(inside(system, "status", "--json"))
    assert (told["r"]["command"], told["r"]["state"], told["id"]["command"]) == (
        "(not public)",
        "running",
        "",
    )


def test_of_another_init_what_utmp_and_proc_tell(boot: Boot, init: Any) -> None:
    if init.ours:
        return  # the other tests
    system = boot("id:2:initdefault:\nr:2:respawn:/w R stay\no:2:once:/bin/true\n", files={"/inittab": OURS})
    pid = system.witness.wait("R").pid
    system.wait_level("2")
    done = inside(system, "status")
    assert done.returncode == 7
    assert "process 1 (init) publishes no status" in done.stderr
    assert done.stdout.startswith("level 2 (from N)")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("r ")]
    assert line.split()[:3] == ["r", "running", str(pid)]
    told = json.loads(inside(system, "status", "--json").stdout)
    assert (told["init"]["version"], told["init"]["level"]) == (None, "2")
    assert outside(system).returncode == 7


@pytest.mark.ours_only("ours hands over to C")
def test_after_c_has_taken_over_the_status_is_not_believed(boot: Boot, oracle_programs: Path) -> None:
    system = settled(boot)
    system.write("/sbin/init.c", (oracle_programs / "init").read_bytes())
    system.path("/sbin/init.c").chmod(0o755)
    system.path("/sbin/init.c").rename(system.path("/sbin/init"))
    system.telinit("u")
    wait_until(lambda: inside(system, "status").returncode == 7, lambda: str(inside(system, "status")), 10)


def test_no_such_process_and_wrong_arguments() -> None:
    command = [sys.executable, "-m", "sysvinit_py.clients.inittab.program"]
    for arguments, code in (
        (["status", "--pid", "999999999"], 4), (["status", "--pid", "x"], 2), (["status", "-o", "x"], 2),
        (["nothing"], 2), (["status", "--help"], 0), (["--version"], 0), (["--help"], 0),
        (["lint", "--version"], 0), (["try", "--version"], 0),
    ):  # fmt: skip
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode == code, done
