"""What must not stop init: errors of its own, for real, and a machine where things are missing or wrong."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import Boot
from tests.system.system import INITCTL, MAGIC, System
from tests.system.witness import wait_until

PACKAGE = Path(__file__).parents[2] / "sysvinit_py"

pytestmark = pytest.mark.ours_only("about errors of our own, and what C is not expected to survive")

INITTAB = """
    id:2:initdefault:
    si::sysinit:/w SYSINIT
    st:23:respawn:/w STAYS stay
    l2:2:respawn:/w TWO stay
    l3:3:once:/w THREE stay
    l0:0:wait:/sbin/halt
"""

Faulty = Callable[..., Path]


@pytest.fixture
def faulty(tmp_path: Path) -> Faulty:
    """Build an init with code added at the end of some of its modules."""

    def build(**additions: str) -> Path:
        package = tmp_path / "sysvinit_py"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "sandbox", "lint"))
        for module, code in additions.items():
            with (package / "pid1" / f"{module}.py").open("a") as file:
                file.write(f"\n\n{code}\n")
        command = ["/usr/bin/python3", "-m", "sysvinit_py.build.onefile", str(tmp_path / "init")]
        subprocess.run(command, cwd=tmp_path, check=True)
        return tmp_path / "init"

    return build


def raising(name: str, error: str, when: str = "True", place: str = "Init") -> str:
    """Code that makes a method of Init, or of another class, raise."""
    return f"""\
import sys

def _broken(self, *arguments, _whole={place}.{name}):
    if {when}:
        {error}
    return _whole(self, *arguments)

{place}.{name} = _broken
"""


ONCE = 'not any(word.startswith("--errors") for word in sys.argv)'
ERRORS = {
    "exception": "raise ValueError('a fault')",
    "recursion": "_broken(self)",
    "memory": "bytes(1 << 60)",
    "exit": "raise SystemExit",
    "interrupt": "raise KeyboardInterrupt",
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_said_and_init_goes_on(error: str, faulty: Faulty, boot: Boot) -> None:
    """It is in the way of a request; the new process image obeys it, and has all the children."""
    system = boot(INITTAB, init=faulty(init=raising("_take_requests", error, ONCE)))
    stays = system.witness.wait("STAYS")
    system.witness.wait("TWO")
    system.telinit("3")
    system.witness.wait("THREE")
    assert b"error in init: " in system.console.said
    assert system.alive(stays.pid)
    assert system.witness.started().count("STAYS") == 1
    system.run(["kill", str(stays.pid)])
    system.witness.wait("STAYS", n=2)


def test_an_error_at_boot(faulty: Faulty, boot: Boot) -> None:
    code = raising("start", "raise ValueError('a fault')", ONCE, "Reader")
    system = boot(INITTAB, init=faulty(reader=code))
    system.witness.wait("TWO")
    assert system.witness.started().count("SYSINIT") == 1


def test_an_error_that_stays_ends_in_the_last_resort(faulty: Faulty, boot: Boot, init: object) -> None:
    """It reaps, keeps a sulogin, and becomes a good init again with all that there was."""
    sulogin = "#!/bin/sh\nexec /w SULOGIN stay\n"
    program = faulty(init=raising("_take_requests", "raise ValueError('a fault')"))
    system = boot(INITTAB, init=program, files={"/sbin/sulogin": sulogin})
    stays, two = system.witness.wait("STAYS"), system.witness.wait("TWO")
    system.telinit("q")
    sulogin_start = system.witness.wait("SULOGIN", timeout=10)
    assert sulogin_start.fds["0"] == "/dev/console"
    assert system.console.said.count(b"error in init: ValueError: a fault") == 3
    system.run(["kill", str(two.pid)])
    system.wait_gone(two.pid)
    system.run(["kill", str(sulogin_start.pid)])
    system.wait_gone(sulogin_start.pid)
    system.write("/sbin/init", getattr(init, "program"))  # noqa: B009
    system.telinit("u")
    system.witness.wait("TWO", n=2, timeout=10)
    assert system.alive(stays.pid)
    assert system.witness.started().count("STAYS") == 1
    system.telinit("3")
    system.witness.wait("THREE")


@pytest.mark.parametrize("level", ["0", "6"])
def test_the_last_resort_halts(level: str, faulty: Faulty, boot: Boot) -> None:
    """By what the inittab has for 0, and by force for 6, for which it has nothing."""
    program = faulty(init=raising("_take_requests", "raise ValueError('a fault')"))
    system = boot(INITTAB, init=program)
    system.witness.wait("TWO")
    system.telinit("q")
    system.console.expect(b"only reaps now", timeout=10)
    system.request(1, level)
    end = system.wait_end(20)
    assert end.halted if level == "0" else end.restarted


@pytest.mark.parametrize("module", ["barrier", "last_resort", "handover"])
def test_errors_in_the_barrier_itself(module: str, faulty: Faulty, boot: Boot) -> None:
    """PID 1 does not end; that is all that is promised then."""
    broken = {
        "barrier": "def describe(error):\n    raise ValueError",
        "last_resort": "LastResort.turn = None",
        "handover": "def serialized(*_):\n    raise ValueError",
    }
    code = {module: broken[module], "init": raising("_take_requests", "raise ValueError('a fault')")}
    system = boot(INITTAB, init=faulty(**code))
    system.witness.wait("TWO")
    system.telinit("q")
    time.sleep(2)
    assert not system.end


def limit(system: System, what: str) -> None:
    assert not system.run(["prlimit", "--pid=1", f"--{what}"]).returncode


@pytest.mark.parametrize(
    ("none", "enough"), [("nproc=1:4096", "nproc=4096:4096"), ("nofile={free}:4096", "nofile=1024:4096")]
)
def test_no_more_processes_or_descriptors(none: str, enough: str, boot: Boot) -> None:
    """EAGAIN, EMFILE: what cannot be started now is started once that is possible."""
    system = boot(INITTAB, confined=True)  # the kernel does not limit the number of root's processes
    stays = system.witness.wait("STAYS")
    system.witness.wait("TWO")
    system.wait_ready()
    taken = os.listdir(system.path("/proc/1/fd"))
    limit(system, none.format(free=next(n for n in range(20) if str(n) not in taken)))
    os.kill(outside(system, stays.pid), 15)
    system.wait_gone(stays.pid)
    time.sleep(1.2)  # it is tried once more
    assert system.witness.started().count("STAYS") == 1
    limit(system, enough)
    system.witness.wait("STAYS", n=2)
    system.send(INITCTL.pack(MAGIC, 1, ord("3"), 5, b""))
    system.witness.wait("THREE")


def test_no_memory(boot: Boot) -> None:
    """Regression: what could not be read for want of it was the end of PID 1: no new init had enough."""
    system = boot(INITTAB)
    stays = system.witness.wait("STAYS")
    system.witness.wait("TWO")
    system.wait_ready()
    status = system.path("/proc/1/status").read_text()
    size = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmSize:"))
    limit(system, f"as={size * 1024}:unlimited")
    system.write("/etc/inittab", INITTAB + "".join(f"{n:04d}:4:once:{'x' * 90}\n" for n in range(9000)))
    system.request(1, "q")
    system.console.expect(b"error in init: MemoryError", timeout=10)
    os.kill(outside(system, stays.pid), 15)
    system.wait_gone(stays.pid)
    assert not system.end
    limit(system, "as=unlimited:unlimited")
    system.send(INITCTL.pack(MAGIC, 1, ord("u"), 5, b""))
    system.witness.wait("STAYS", n=2, timeout=20)


def shell(command: str) -> Callable[[System], None]:
    def act(system: System) -> None:
        done = system.run(["/bin/sh", "-c", command])
        assert not done.returncode, done

    return act


TROUBLES = {
    "a full /run": "mount -t tmpfs -o size=4k full /run && head -c 1M /dev/zero > /run/f; true",
    "a read-only /run": "mount --bind /run /run && mount -o remount,ro,bind /run",
    "no /proc": "umount -l /proc",
    "no /dev/null": "umount -l /dev/null; rm -f /dev/null",
    "no /dev/log": "rm -f /dev/log",
    "utmp is a directory": "rm -f /run/utmp; mkdir /run/utmp",
    "wtmp is a FIFO": "rm -f /var/log/wtmp; mkfifo /var/log/wtmp",
    "inittab is a directory": "rm /etc/inittab; mkdir /etc/inittab",
    "inittab is a FIFO": "rm /etc/inittab; mkfifo /etc/inittab",
}


@pytest.mark.parametrize("command", TROUBLES.values(), ids=TROUBLES.keys())
def test_trouble_after_boot(command: str, boot: Boot) -> None:
    system = boot(INITTAB)
    stays = system.witness.wait("STAYS")
    system.witness.wait("TWO")
    system.wait_ready()
    shell(command)(system)
    os.kill(outside(system, stays.pid), 15)
    system.witness.wait("STAYS", n=2)
    system.wait_ready()
    system.send(INITCTL.pack(MAGIC, 1, ord("3"), 5, b""))
    system.witness.wait("THREE")
    assert b"error in init" not in system.console.said


@pytest.mark.parametrize(
    "command",
    ["umount -l /proc", "umount -l /dev/null; rm -f /dev/null", "rm -rf /run"],
    ids=lambda c: c.split()[-1],
)
def test_trouble_at_boot(command: str, boot: Boot) -> None:
    system = boot(INITTAB, before=shell(command))
    stays = system.witness.wait("STAYS")
    system.witness.wait("TWO")
    os.kill(outside(system, stays.pid), 15)
    system.witness.wait("STAYS", n=2)
    system.path("/run").mkdir(exist_ok=True)  # and now there is one
    wait_until(system.path("/run/initctl").exists, lambda: "the FIFO", 10)
    system.send(INITCTL.pack(MAGIC, 1, ord("3"), 5, b""))
    system.witness.wait("THREE")
    assert b"error in init" not in system.console.said


POWER_STATUS = {
    "a FIFO": "mkfifo /run/powerstatus",
    "a folder": "mkdir /run/powerstatus",
    "a link to itself": "ln -s powerstatus /run/powerstatus",
    "a device": "ln -s /dev/zero /run/powerstatus",
    "garbage": "head -c 5M /dev/urandom | tr -d OL > /run/powerstatus",
    "a folder, and an old one": "mkdir /run/powerstatus; echo O > /etc/powerstatus",
}


@pytest.mark.parametrize("command", POWER_STATUS.values(), ids=POWER_STATUS.keys())
def test_any_power_status(command: str, boot: Boot) -> None:
    """What says nothing means that the power fails (behaviour/signals)."""
    system = boot(INITTAB + "pf::powerfail:/w FAILED\n")
    stays = system.witness.wait("STAYS")
    system.wait_ready()
    shell(command)(system)
    system.signal(30)
    system.witness.wait("FAILED")
    os.kill(outside(system, stays.pid), 15)
    system.witness.wait("STAYS", n=2)


INITSCRIPTS = {
    "zeros": b"\0" * 1000,
    "garbage": random.Random(6).randbytes(4000),
    "without end": b"while :; do :; done\n",
    "ends at once": b"exit 1\n",
    "closes everything": b"exec <&- >&- 2>&-\nexec nothing\n",
    "kills its parent": b"kill -9 $PPID 1 0\n",
}


@pytest.mark.parametrize("script", INITSCRIPTS.values(), ids=INITSCRIPTS.keys())
def test_any_initscript(script: bytes, boot: Boot) -> None:
    """Entries are not started by it; init is none the worse, and starts them once it is gone."""
    system = boot(INITTAB)
    stays = system.witness.wait("STAYS")
    system.wait_ready()
    system.write("/etc/initscript", script)
    os.kill(outside(system, stays.pid), 15)
    time.sleep(0.5)
    system.path("/etc/initscript").unlink()
    system.run(["pkill", "-9", "-f", "initscript"])
    system.request(1, "q")  # it may rest for the throttle
    system.witness.wait("STAYS", n=2)
    system.request(1, "3")
    system.witness.wait("THREE")
    assert b"error in init" not in system.console.said


def outside(system: System, pid: int) -> int:
    """The number that a process inside has outside."""
    children = Path(f"/proc/{system.pid}/task/{system.pid}/children").read_text().split()
    for child in children:
        status = Path(f"/proc/{child}/status").read_text()
        if re.search(rf"^NSpid:\t{child}\t.*\b{pid}$", status, re.MULTILINE):
            return int(child)
    raise AssertionError(pid)


def test_a_stopped_console(boot: Boot) -> None:
    """Flow control: a terminal that takes nothing must not stop init."""
    system = boot(INITTAB)
    system.witness.wait("TWO")
    system.wait_ready()
    system.console.pause()
    for _ in range(2000):
        system.request(1, "x")  # said on the console: bad runlevel
        time.sleep(0.0005)
    system.run(["kill", str(system.witness.wait("STAYS").pid)])
    system.witness.wait("STAYS", n=2)
    system.request(1, "3")
    system.witness.wait("THREE")
    system.console.resume()
    system.console.expect(b"bad runlevel: X")


@pytest.mark.parametrize("number", [9, 19], ids=["killed", "stuck"])
def test_a_parser_in_trouble(number: int, boot: Boot) -> None:
    """Killed, another one is started; stuck, it is done without once there is something else to read."""
    system = boot(INITTAB)
    stays = system.witness.wait("STAYS")
    system.witness.wait("TWO")
    system.wait_ready()
    inittab = system.path("/etc/inittab").read_text() + "nw:2:once:/w NEW\nnot plain\n"
    system.write("/etc/inittab", inittab)
    system.request(1, "q")

    def parser() -> int:
        return next((p.pid for p in system.processes() if "--read-inittab" in p.title), 0)

    system.run(["kill", f"-{number}", str(wait_until(parser, lambda: "the parser"))])
    os.kill(outside(system, stays.pid), 15)
    system.witness.wait("STAYS", n=2)  # nobody waits for it meanwhile
    if number == 19:
        system.write("/etc/inittab", inittab + "xx:4:once:/w X\n")
        system.request(1, "q")
    system.witness.wait("NEW", timeout=10)


def test_usr_is_gone(boot: Boot) -> None:
    """Nothing can be started any more, not even the parser; init itself needs nothing from there."""
    system = boot(INITTAB)
    stays = system.witness.wait("STAYS")
    system.wait_ready()
    assert not system.run(["umount", "-l", "/usr"]).returncode
    os.kill(outside(system, stays.pid), 15)
    system.console.expect(b'cannot execute "/w"')
    system.path("/etc/inittab").write_text("id:2:initdefault:\nnot plain\n")  # so that it has to be parsed
    system.request(1, "3")
    system.wait_level("3")
    system.console.expect(b"inittab is not read", timeout=10)
    system.request(1, "u")
    system.console.expect(b"Attempt to re-exec failed")
    assert b"error in init" not in system.console.said
    assert not system.end
