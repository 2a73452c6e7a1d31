"""runit's programs in containers: what a page about runit under docker types, and what it could not have.

With C's only SIGCONT and a file that had been prepared led to the third stage; docker stop killed all.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sysvinit_py.install.services import LINKS
from tests.container import image
from tests.container.engine import Container, Engine
from tests.support.patience import PATIENCE
from tests.system.services.onefile import RUNIT

IMAGE = "tested-runit"
LAST_STAGE = """\
echo i am /etc/runit/3 file
echo 'Waiting for services to stop...'
sv -w196 force-stop /etc/service/*
sv -w196 shutdown /etc/service/*
echo shutdown completed"""
#: It ends late, with a word; and its logger shows whether it was left the time to read that.
WEB = 'trap "sleep 0.5; echo last words; exit" TERM; echo up; while :; do sleep 0.05; done'
LOGGER = 'while read -r line; do echo "log: $line"; done; sleep 0.3; echo "log ends"'
FILES = {
    "runit/1": "echo i am /etc/runit/1 file",
    "runit/2": "echo i am /etc/runit/2 file; exec runsvdir -P /etc/service",
    "runit/3": LAST_STAGE,
    "sv/web/run": WEB,
    "sv/web/log/run": LOGGER,
    "sv/other/run": "exec sleep 1000",
}
LINES = " && ".join(f"ln -s /sbin/runit {folder}/{name}" for folder in LINKS for name in LINKS[folder])
DOCKERFILE = f"""\
FROM {image.INIT}
COPY runit /sbin/
COPY etc /etc
RUN {LINES} && mkdir /etc/service && ln -s /etc/sv/web /etc/sv/other /etc/service/
ENTRYPOINT []
"""
ENTER, LEAVE = "- runit: enter stage: /etc/runit/", "- runit: leave stage: /etc/runit/"

Start = Callable[..., Container]


@pytest.fixture(scope="module")
def runit(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with the programs, the stages and two services."""
    folder = tmp_path_factory.mktemp("runit")
    for name, text in FILES.items():
        file = folder / "etc" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
    shutil.copy(RUNIT, folder / "runit")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    engine.build(folder, IMAGE)
    return IMAGE


@pytest.fixture
def run(engine: Engine, runit: str) -> Iterator[Start]:
    """Start a container, and wait until its services run."""
    with ExitStack() as exits:

        def run(*command: str, options: tuple[str, ...] = ()) -> Container:
            container = exits.enter_context(Container(engine, runit, *command, options=options))
            container.expect_text("log: up")
            until(lambda: sv(container, "status", "other").startswith("run: "), container)
            return container

        yield run


def until(true: Callable[[], object], container: Container) -> None:
    end = time.monotonic() + 15 * PATIENCE
    while not true():
        assert time.monotonic() < end, container.logs()
        time.sleep(0.1)


def sv(container: Container, *words: str) -> str:
    return container.execute("sv", *words).stdout


def ends_well(container: Container) -> None:
    """The service had its time, and its logger has read all."""
    told = [line.removeprefix("SV | ") for line in container.logs().out]
    assert [line for line in told if line.startswith("log")] == ["log: up", "log: last words", "log ends"]


def test_stop_is_a_shutdown(run: Start) -> None:
    container = run("runit")
    container.stop()
    assert container.wait() == 0
    out, errors = container.logs()
    assert [line for line in out if not line.startswith(("ok: ", "log"))] == [
        "i am /etc/runit/1 file", "i am /etc/runit/2 file", "i am /etc/runit/3 file",
        "Waiting for services to stop...", "shutdown completed",
    ]  # fmt: skip
    assert [line for line in errors if line.startswith("- runit: ")][1:] == [
        f"{ENTER}1", f"{LEAVE}1", f"{ENTER}2", f"{LEAVE}2", f"{ENTER}3", f"{LEAVE}3",
        "- runit: sending KILL signal to all processes...", "- runit: power off...",
    ]  # fmt: skip
    ends_well(container)


def test_signals_of_the_engine(run: Start) -> None:
    """CONT needs the file, as ever; HUP does nothing; runit-init has both; KILL is the end."""
    container = run("runit")
    for name in ("HUP", "CONT"):
        container.kill(name)
    assert sv(container, "status", "web").startswith("run: web: ")
    assert container.execute("sh", "-c", "> /run/runit.stopit; chmod 100 /run/runit.stopit").returncode == 0
    container.kill("CONT")
    assert container.wait() == 0
    ends_well(container)
    container = run("runit")
    container.kill("KILL")
    assert container.wait() == 137
    assert "i am /etc/runit/3 file" not in container.logs().out


def test_runit_init_asks_for_another_start(run: Start) -> None:
    """What an engine sees of it is the status."""
    container = run("runit")
    container.execute("runit-init", "6")
    assert container.wait() == 129
    ends_well(container)


def test_what_fails_is_the_exit_status(run: Start) -> None:
    container = run("runit", options=("--env=X=1",))
    container.execute("sh", "-c", "sed -i 's/^echo shutdown.*/exit 5/' /etc/runit/3")
    container.stop()
    assert container.wait() == 5


@pytest.mark.parametrize(("option", "status"), [("-P", 0), ("-PH", 111)])
def test_runsvdir_alone(run: Start, option: str, status: int) -> None:
    """Without stages: as the first process, runsvdir does not leave its services alone."""
    container = run("runsvdir", option, "/etc/service")
    container.stop()
    assert container.wait() == status
    ends_well(container)


@pytest.mark.parametrize("main", ["", "# inittab: main\\n"], ids=["a service", "the main job"])
def test_below_our_init(run: Start, main: str) -> None:
    """Services in folders, beside the entries of an inittab."""
    inittab = f"id:2:initdefault:\\n{main}SV:2:respawn:/usr/bin/runsvdir -P /etc/service\\n"
    container = run("sh", "-c", f"printf '{inittab}' >/etc/inittab; exec container-init")
    container.stop()
    assert container.wait() == 0
    ends_well(container)


def test_who_kills_the_supervisor_leaves_no_orphans_behind(run: Start) -> None:
    """C's services are PID 1's then, and sv start makes a second copy of each."""
    container = run("runit")
    before = sv(container, "status", "web").partition(")")[0]
    container.execute("sh", "-c", "kill -9 $(grep -lx runsv /proc/[0-9]*/comm | cut -d/ -f3)")
    until(lambda: sv(container, "status", "web").startswith(before), container)
    assert sv(container, "start", "web").startswith(f"ok: {before}")
    zombies = container.execute("sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status").stdout
    assert zombies == ""
