"""behaviour/telinit, with a real init: our telinit and C's, and C's shutdown and halt, drive ours and C's."""

from __future__ import annotations

from pathlib import Path
from subprocess import DEVNULL

import pytest

from tests.system.conftest import OURS, Boot, Init
from tests.system.oracle import VERSION
from tests.system.system import System
from tests.system.witness import wait_until

LEVELS = """
    id:2:initdefault:
    l2:2:once:/w L2 stay
    l3:3:once:/w L3 stay
    s:S:wait:/w S stay
    l0:0:wait:/w L0 stay
    l1:1:wait:/w L1 stay
    l6:6:wait:/w L6 stay
    a:a:once:/w A stay
"""


@pytest.fixture
def client(init: Init, oracle_programs: Path) -> Path:
    """The other one's telinit: each init is asked by its own in all the other tests."""
    return oracle_programs / "init" if init.ours else OURS


def up(boot: Boot, client: Path) -> System:
    system = boot(LEVELS, files={"/bin2/telinit": client, "/bin2/init": client})
    system.witness.wait("L2")
    return system


@pytest.mark.parametrize(
    ("level", "tag"), [("0", "L0"), ("1", "L1"), ("3", "L3"), ("6", "L6"), ("S", "S"), ("s", "S"), ("a", "A")]
)
def test_levels(boot: Boot, client: Path, level: str, tag: str) -> None:
    system = up(boot, client)
    assert not system.run(["/bin2/telinit", level]).returncode
    system.witness.wait(tag)
    assert (tag == "A") == (not system.witness.events("L2", "TERM"))


@pytest.mark.parametrize("letter", "qQ")
def test_reread(boot: Boot, client: Path, letter: str) -> None:
    system = up(boot, client)
    system.write("/etc/inittab", "id:2:initdefault:\nl2:2:once:/w L2 stay\nn:2:once:/w NEW stay\n")
    assert not system.run(["/bin2/telinit", letter]).returncode
    system.witness.wait("NEW")
    assert not system.witness.events("L2", "TERM")


def test_variables(boot: Boot, client: Path) -> None:
    system = up(boot, client)
    for arguments in (["-e", "INIT_A=1", "-e", "INIT_B=2 3"], ["-e", "INIT_A"], ["3"]):
        assert not system.run(["/bin2/telinit", *arguments]).returncode
    environment = system.witness.wait("L3").env
    assert environment["INIT_B"] == "2 3"
    assert "INIT_A" not in environment


def test_wait_time(boot: Boot, client: Path) -> None:
    system = boot(LEVELS.replace("L2 stay", "L2 deaf stay"), files={"/bin2/telinit": client})
    pid = system.witness.wait("L2").pid
    system.wait_ready()
    assert not system.run(["/bin2/telinit", "-t", "0", "3"]).returncode
    system.wait_gone(pid, timeout=0.7)


def test_called_as_init(boot: Boot, client: Path) -> None:
    """As ``init 3``, which is usual too."""
    system = up(boot, client)
    assert not system.run(["/bin2/init", "3"]).returncode
    system.witness.wait("L3")


@pytest.mark.ours_only("how long our telinit waits; the inits do not differ in this")
def test_no_reader(boot: Boot) -> None:
    """It gives up after 3 s at most."""
    system = up(boot, OURS)
    system.wait_ready()
    said = system.run(["sh", "-c", "kill -USR2 1; sleep 0.1; exec /bin2/telinit 3"], timeout=4)
    assert said.returncode == 1
    assert said.stderr == "telinit: timeout opening/writing control channel /run/initctl\n"


def test_no_fifo(boot: Boot, client: Path) -> None:
    system = up(boot, client)
    system.wait_ready()
    said = system.run(["sh", "-c", "kill -TSTP 1; sleep 0.1; rm /run/initctl; exec /bin2/telinit 3"])
    assert said.returncode == 1
    assert said.stderr == "telinit: /run/initctl: No such file or directory\n"


# C's shutdown, halt and reboot.

LEVELS_AFTER_SHUTDOWN = """
    id:2:initdefault:
    l2:2:once:/w L2 stay
    l0:0:wait:/w L0 stay
    l1:1:wait:/w L1 stay
    l6:6:wait:/w L6 stay
"""


@pytest.fixture
def with_c_programs(boot: Boot, oracle_programs: Path) -> System:
    """Level 2, and Debian's sysvinit-core but for its init."""
    names = {"shutdown": "shutdown", "halt": "halt", "poweroff": "halt", "reboot": "halt"}
    system = boot(
        LEVELS_AFTER_SHUTDOWN,
        files={f"/sbin/{name}": oracle_programs / source for name, source in names.items()},
    )
    system.witness.wait("L2")
    system.wait_ready()
    return system


@pytest.mark.parametrize(
    ("command", "tag", "halt"),
    [
        ("shutdown -h now", "L0", None),
        ("shutdown -hH now", "L0", "HALT"),
        ("shutdown -hP now", "L0", "POWEROFF"),
        ("shutdown -r now", "L6", None),
        ("shutdown now", "L1", None),
        ("shutdown -h -t 1 +0 going down", "L0", None),
        ("halt", "L0", "HALT" if VERSION == "3.14" else None),
        ("poweroff", "L0", "POWEROFF"),
        ("reboot", "L6", None),
    ],
)
def test_shutdown(with_c_programs: System, command: str, tag: str, halt: str | None) -> None:
    system = with_c_programs
    done = system.run(command.split())
    assert not done.returncode, done
    environment = system.witness.wait(tag).env
    assert environment.get("INIT_HALT") == halt
    system.witness.wait("L2", "TERM")


def test_shutdown_cancelled(with_c_programs: System) -> None:
    system = with_c_programs
    with system.start(["shutdown", "-h", "+5"], stdout=DEVNULL) as waiting:
        try:
            pid = system.path("/run/shutdown.pid")
            wait_until(lambda: pid.exists() and pid.read_text().strip(), lambda: "a shutdown that waits")
            assert not system.run(["shutdown", "-c"]).returncode
            assert waiting.wait(5) == 0
        finally:
            waiting.kill()
    assert system.witness.started() == ["L2"]
    assert system.title == "init [2]"


@pytest.mark.parametrize(("command", "ended"), [("halt -f -d", "halted"), ("reboot -f -d", "restarted")])
def test_halt(boot: Boot, oracle_programs: Path, command: str, ended: str) -> None:
    """C's halt as what level 0 calls."""
    system = boot(
        f"id:2:initdefault:\nl2:2:once:/w L2 stay\nl0:0:wait:/sbin/{command}\n",
        files={"/sbin/halt": oracle_programs / "halt", "/sbin/reboot": oracle_programs / "halt"},
    )
    system.witness.wait("L2")
    system.telinit("0")
    assert getattr(system.wait_end(), ended)


@pytest.mark.ours_only("behaviour/signals: 3.10 and newer", but=["3.14"])
def test_sigrtmin_4_calls_shutdown(boot: Boot, oracle_programs: Path) -> None:
    """As machinectl stop sends it."""
    system = boot(LEVELS_AFTER_SHUTDOWN, files={"/sbin/shutdown": oracle_programs / "shutdown"})
    system.witness.wait("L2")
    system.wait_ready()
    system.signal(34 + 4)
    system.witness.wait("L0")
