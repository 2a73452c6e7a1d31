"""What PID 1, telinit and their like may import, and that PID 1 imports nothing once it serves."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.system.conftest import OURS, Boot
from tests.system.container import Container
from tests.system.services.onefile import RUNIT
from tests.system.services.stages import Stages
from tests.system.system import System
from tests.system.witness import wait_until

PYTHON = "/usr/bin/python3"
FORBIDDEN = {
    "lark", "re", "typing", "dataclasses", "argparse", "logging", "subprocess", "asyncio", "enum", "signal",
    "socket", "collections", "tempfile", "random", "json", "traceback", "site", "ctypes", "struct",
}  # fmt: skip

#: What the kernel and Python make of the first line of the one file, without a new process.
RUN = """
def run(file, *arguments):
    sys.argv = ["-c", file, *arguments]
    with open(file, "rb") as script:
        code = script.readline().decode().partition("-ISc")[2]
    exec(code, {"__name__": "__main__"})
"""

#: Is /sbin/init in our init's place, and has what PID 1 imports written down, and by whom.
SPY = f"""#!{PYTHON} -IS
import sys, posix
{RUN}

def spy(event, arguments):
    if event == "import":
        log = posix.open("/imports", posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT)
        posix.write(log, (str(posix.getpid()) + " " + arguments[0] + chr(10)).encode())
        posix.close(log)

if posix.getpid() == 1:
    for name in list(sys.modules):
        spy("import", (name,))
    sys.addaudithook(spy)
run("/init", *sys.argv[1:])
"""

INITTAB = """
    id:2:initdefault:
    si::sysinit:/w SI
    bw::bootwait:/no/such
    # inittab: log size=1M stop=RTMIN+3 grace=2.5
    a:2:respawn:/w A sleep=0.05
    w:2:wait:/w WAIT
    b:3:once:/w B > /dev/null
    c:a:once:/w C
    s:S:wait:/w S stay
    ca::ctrlaltdel:/w CA
    pf::powerfail:/w PF
    zu::powerwait:/w PW
    q:9:once:/w NINE stay
"""


def imports(system: System) -> list[tuple[int, str]]:
    """What was imported so far: the pid, the module."""
    lines = system.path("/imports").read_text().splitlines()
    return [(int(pid), module) for pid, module in (line.split() for line in lines)]


@pytest.mark.ours_only("C imports nothing")
def test_pid_1(boot: Boot) -> None:
    """Once it serves, whatever happens, not a module more; in what it forks neither."""
    system = boot(INITTAB, init=OURS, files={"/init": OURS, "/sbin/init": SPY})
    system.wait_ready()
    # The FIFO is open before the first entries run, and _ctypes is imported after they were started.
    wait_until(lambda: any(module == "_ctypes" for _, module in imports(system)), lambda: "_ctypes")
    system.witness.wait("A", n=2)
    before = imports(system)
    assert "sysvinit_py.pid1.sysv" in [module for _, module in before]
    system.witness.wait("A", n=2)
    system.wait_ready()
    for number, tag in ((signal.SIGINT, "CA"), (signal.SIGPWR, "PF"), (signal.SIGWINCH, "")):
        system.signal(number)
        if tag:
            system.witness.wait(tag)
    system.send(b"bogus")
    system.console.expect(b"bogus")
    for command in (0, 2, 3, 4, 6, 7):
        system.request(command, data=b"INIT_X=1\0")
    system.console.expect(b"unimplemented")
    system.signal(signal.SIGUSR2)
    system.signal(signal.SIGUSR1)
    time.sleep(0.05)
    system.wait_ready()
    system.write("/etc/inittab", system.path("/etc/inittab").read_text() + "bad line\n")
    system.request(1, "a", 1)
    system.console.expect(b"id field too long")
    system.witness.wait("C")
    system.request(1, "3", 1)
    system.witness.wait("B")
    system.wait_ready()
    system.request(1, "S", 1)
    system.witness.wait("S")
    assert imports(system)[len(before) :] == []
    modules = {module.partition(".")[0] for _, module in before}
    assert not modules & FORBIDDEN
    assert {pid for pid, _ in before} == {1}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("telinit", ["--version"]),
        ("telinit", ["x"]),
        ("telinit", ["-e", "y"]),
        ("shutdown", ["-z"]),
        ("halt", ["-z"]),
        ("runlevel", ["/nonexistent"]),
    ],
)
def test_what_asks_init(tmp_path: Path, name: str, arguments: list[str]) -> None:
    """Of the one file, not of the package: in this the modules are the same."""
    (tmp_path / name).symlink_to(OURS)
    script = (
        f"import sys\n{RUN}"
        f"try: run({str(tmp_path / name)!r}, *sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)\n"
    )
    command = [PYTHON, "-IS", "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = {module.partition(".")[0] for module in done.stdout.splitlines()[-1].split()}
    assert "sysvinit_py" in modules
    assert not modules & FORBIDDEN
    assert "sysvinit_py.pid1.sysv" not in done.stdout


def test_int_ends_nothing_half_way() -> None:
    """Regression: while the modules were made, Python's handler of SIGINT ended PID 1 with a traceback."""
    script = (
        f"import sys, _signal\n{RUN}"
        "handlers = []\n"
        "def spy(event, arguments):\n"
        "    if event == 'import': handlers.append(_signal.getsignal(2))\n"
        "sys.addaudithook(spy)\n"
        f"try: run({str(OURS)!r}, '--version')\n"
        "except SystemExit: pass\n"
        "print({*handlers})\n"
    )
    done = subprocess.run([PYTHON, "-IS", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{ {signal.Handlers.SIG_DFL.value} }"


#: Runs init, and says on standard error what it imports.
SPY_ON_CONTAINER = f"""
import sys, posix
{RUN}
def spy(event, arguments):
    if event == "import":
        posix.write(2, ("import " + arguments[0] + chr(10)).encode())

sys.addaudithook(spy)
run(*sys.argv[1:])
"""


@pytest.mark.usefixtures("namespaces")
def test_a_container(tmp_path: Path) -> None:
    """Neither termios nor _ctypes, which python3-minimal has not, and no more once it serves."""
    inittab = """
        id:2:initdefault:
        a:2:respawn:echo up >&2; echo up; trap "exit 0" TERM; while :; do sleep 0.02; done
    """
    init = (PYTHON, "-IS", "-c", SPY_ON_CONTAINER, str(OURS), "--container")
    with Container(tmp_path, inittab, "--log", "json", init=init) as container:
        assert "up" in container.line()
        inside = Path(f"/proc/{container.pid}/root/etc/inittab")
        inside.write_text(f"{inside.read_text()}b:2:once:echo new\nc:2:respwan:x\n")
        container.kill(signal.SIGHUP)
        time.sleep(0.5)
        inside.write_text(inside.read_text().replace("c:2:respwan:x\n", ""))
        container.kill(signal.SIGHUP)
        assert "new" in container.line()
        container.kill(signal.SIGUSR1)
        container.kill()
        status, _, err = container.end()
    assert status == 0
    before, _, after = err.partition('"up"')
    modules = {line.split()[1] for line in before.splitlines() if line.startswith("import ")}
    assert "sysvinit_py.pid1.container.main" in modules
    assert not {module.partition(".")[0] for module in modules} & (FORBIDDEN | {"termios", "_ctypes"})
    assert "import " not in after


@pytest.mark.usefixtures("namespaces")
def test_runit(tmp_path: Path) -> None:
    """Through all stages and signals."""
    serve = (
        "echo serves; for name in HUP CONT INT; do kill -$name 1; sleep 0.1; done; (sleep 0 &);"
        " : >/run/runit.stopit; chmod 100 /run/runit.stopit; kill -CONT 1; sleep 30"
    )
    scripts = {"1": "kill -INT 1; exit 7", "2": serve, "3": "echo shuts down", "ctrlaltdel": "echo keys"}
    runit = (PYTHON, "-IS", "-c", SPY_ON_CONTAINER, str(RUNIT))
    with Stages(tmp_path, runit, scripts, console=False) as stages:
        status, told = stages.end()
    assert status == 7
    assert "shuts down" in told
    assert "keys" in told
    before, _, after = told.partition("serves\n")
    modules = {line.split()[1] for line in before.splitlines() if line.startswith("import ")}
    assert "sysvinit_py.pid1.runit.main" in modules
    assert not {module.partition(".")[0] for module in modules} & FORBIDDEN
    assert not [module for module in modules if module.startswith("sysvinit_py.pid1.sysv")]
    assert "import " not in after


@pytest.mark.ours_only("C has no containers")
def test_pid_1_of_a_machine_imports_nothing_of_a_container(boot: Boot) -> None:
    system = boot(INITTAB, init=OURS, files={"/init": OURS, "/sbin/init": SPY})
    system.wait_ready()
    wait_until(lambda: any(module == "_ctypes" for _, module in imports(system)), lambda: "_ctypes")
    modules = [module for _, module in imports(system)]
    assert "sysvinit_py.pid1.sysv" in modules
    assert not [m for m in modules if m.startswith(("sysvinit_py.pid1.container.", "sysvinit_py.logs"))]
