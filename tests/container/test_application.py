"""An application of two services, a set-up script and a job ends with the right status, and says all."""

from __future__ import annotations

import signal
import statistics
import time
from typing import NamedTuple

import pytest

from tests.container import image
from tests.container.conftest import Start
from tests.container.engine import Container
from tests.container.services import APPLICATION, DEAF, LAST, variables

#: A user, no right, nothing to write on, and little of everything.
HARDENED = (
    "--user=1000", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=20",
    "--memory=64m",
)  # fmt: skip
ON_TERM = "trap '{}' TERM; echo up; sleep 1000 & wait"
STOPPED = ("TERM",)
#: Seconds that init may take longer than its longest child.
LATE = 0.05


class Row(NamedTuple):
    """A row of the table of exit statuses: what the application does, and what comes of it."""

    name: str
    status: int
    changed: dict[str, str]
    signals: tuple[str, ...] = ()
    said: str = ""  # by init
    bye: int = 2  # of the services


MAIN_ENDS = [
    *(Row(f"exit {code}", code, {"MAIN": f"{LAST}exit {code}"})
      for code in (0, 1, 3, 42, 126, 127, 128, 255)),
    *(Row(f"by {name}", 128 + signal.Signals[f"SIG{name}"], {"MAIN": f"{LAST}kill -{name} $$"})
      for name in ("HUP", "KILL", "SEGV", "TERM")),
]  # fmt: skip
ROWS = [
    *MAIN_ENDS,
    Row("stopped", 0, {}, STOPPED, bye=3),
    Row("stopped, main by its signal", 0, {"MAIN": "echo up; exec sleep 1000"}, STOPPED),
    Row("stopped, main as by its signal", 0, {"MAIN": ON_TERM.format("exit 143")}, STOPPED),
    Row("stopped, main's own status", 5, {"MAIN": ON_TERM.format("exit 5")}, STOPPED),
    Row("stopped, a service fails", 0, {"WEB": ON_TERM.format("exit 5")}, STOPPED, bye=2),
    Row("stopped, one is killed", 137, {"WEB": DEAF}, STOPPED, "web"),
    Row("stopped, one is killed, main's own status", 5,
        {"WEB": DEAF, "MAIN": ON_TERM.format("exit 5")}, STOPPED, "web", bye=1),
    Row("main ends, one is killed", 3, {"WEB": DEAF, "MAIN": f"{LAST}exit 3"}, (), "web", bye=1),
    Row("set-up fails", 7, {"SETUP": "exit 7"}, (), "si", bye=0),
    Row("set-up by a signal", 137, {"SETUP": "kill -KILL $$"}, (), "si", bye=0),
    Row("stopped in set-up", 0, {"SETUP": "echo up; exec sleep 1000"}, STOPPED, bye=0),
    Row("throttled", 4, {"WEB": "exit 4"}, (), "web", bye=2),
    Row("throttled, always 0", 1, {"WEB": "exit 0"}, (), "web", bye=2),
]  # fmt: skip


def run(start: Start, row: Row, *options: str, name: str = image.INIT) -> Container:
    """Let the application do what the row says."""
    container = start(APPLICATION, "--grace=1", options=(*variables(**row.changed), *options), name=name)
    for number in row.signals:
        for id in ("web", "work", "main") if "SETUP" not in row.changed else ("si",):
            container.expect(id, "up")
        container.kill(number)
    return container


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_status(start: Start, row: Row) -> None:
    """The table of exit statuses (docs/container.rst), and all services could finish."""
    container = run(start, row)
    assert container.wait() == row.status
    output = container.logs()
    assert sum(line.endswith("| bye") for line in output.out) == row.bye, output
    said = [line for line in output.errors if line.startswith("init")]
    assert row.said in " ".join(said), output
    assert said or not row.said, output


@pytest.mark.parametrize("row", [ROWS[2], ROWS[12], ROWS[17]], ids=lambda row: row.name)
@pytest.mark.parametrize("options", [HARDENED, ("--user=1000",), ("--read-only",), ("--init",)], ids=" ".join)
def test_status_where_little_is_allowed(start: Start, row: Row, options: tuple[str, ...]) -> None:
    """Also with neither root nor a place to write, and not as PID 1."""
    container = run(start, row, *options)
    assert container.wait() == row.status, container.logs()
    assert sum(line.endswith("| bye") for line in container.logs().out) == row.bye, container.logs()


@pytest.mark.parametrize("row", [ROWS[2], ROWS[12]], ids=lambda row: row.name)
def test_status_with_a_minimal_python(start: Start, row: Row) -> None:
    """Debian's python3-minimal is enough: it has neither termios nor ctypes."""
    container = run(start, row, name=image.MINIMAL)
    assert container.wait() == row.status, container.logs()


def test_status_of_a_command(start: Start) -> None:
    """A command is the main job, and what cannot be executed has the shell's status."""
    inittab = APPLICATION.replace("# inittab: main\nmain", "more")
    options = tuple(variables(MAIN="exit 0"))
    for command, status in ((("sh", "-c", "exit 3"), 3), (("missing",), 127), (("/etc/passwd",), 126)):
        assert start(inittab, "--", *command, options=options).wait() == status


def test_status_when_nothing_runs(start: Start) -> None:
    """Without a main job it is that of the first, in the order of the file, that has failed."""
    file = "a:2:once:sleep 0.2\nb:2:once:sh -c 'sleep 0.3; exit 4'\nc:2:once:sh -c 'exit 5'\n"
    assert start(file).wait() == 4
    assert start(file.replace("exit 4", "exit 0")).wait() == 5
    assert start("a:2:once:true\nb:2:wait:true\n").wait() == 0


def test_time_of_a_stop(start: Start) -> None:
    """Eight signals stop it, within its longest child and 50 ms: all at once, and no grace is slept."""
    lasts = 0.3
    times = []
    for name in ("TERM", "INT", "QUIT", "PWR", *(f"RTMIN+{n}" for n in range(3, 7))):
        container = start(APPLICATION, options=(*variables(), f"--env=SECONDS={lasts}"))
        for id in ("web", "work", "main"):
            container.expect(id, "up")
        base, _, more = name.partition("+")
        times.append(container.time_to_end(signal.Signals[f"SIG{base}"] + int(more or 0)) - lasts)
        assert container.wait() == 0, name
        assert sum(line.endswith("| bye") for line in container.logs().out) == 3, (name, container.logs())
    assert statistics.median(times) < LATE, times
    assert max(times) < 1, times


def test_engine_stops_it(start: Start) -> None:
    """The engine's own stop, with which nothing has to be told of the image."""
    container = start(APPLICATION, options=variables())
    container.expect("main", "up")
    began = time.monotonic()
    container.stop()
    assert time.monotonic() - began < 5
    assert container.wait() == 0


def test_time_of_a_deaf_service(start: Start) -> None:
    """It is killed after the grace, eight seconds: before the engine's ten are over."""
    container = start(APPLICATION, options=variables(WEB=DEAF))
    for id in ("web", "work", "main"):
        container.expect(id, "up")
    assert 8 <= container.time_to_end(signal.SIGTERM) <= 9
    assert container.wait() == 137


def test_second_signal(start: Start) -> None:
    """Who is in a hurry sends it twice."""
    container = start(APPLICATION, options=variables(WEB=DEAF))
    for id in ("web", "work", "main"):
        container.expect(id, "up")
    container.kill("INT")
    container.expect("work", "bye")
    assert container.time_to_end(signal.SIGINT) < 1
    assert container.wait() == 137
