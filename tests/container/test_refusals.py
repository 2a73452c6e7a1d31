"""What cannot work is refused within a second, with status 2 and a line that says why; nothing is asked."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from tests.container.conftest import Start
from tests.container.engine import Container, Engine, EngineError
from tests.container.image import INIT

WORKS = "a:2:respawn:sleep 1000\n"


def lasted(container: Container) -> float:
    """Return the seconds that it ran, as the engine says."""
    said = container.inspect("{{.State.StartedAt}} {{.State.FinishedAt}}")
    times = re.findall(r"([\d-]+)[T ](\d+:\d+:\d+)\.(\d{1,6})", said)
    began, ended = (datetime.fromisoformat(f"{day}T{time}.{part:0<6}") for day, time, part in times)
    return (ended - began).total_seconds()


REFUSED = {
    "no inittab": (None, [], r"no inittab: neither /etc/inittab nor /etc/inittab\.d/\*\.tab"),
    "unknown action": (f"{WORKS}b:2:respwan:true\n", [], r"/etc/inittab:3.*respwan.*respawn"),
    "not a line": (f"{WORKS}b:2\n", [], r"/etc/inittab:3"),
    "unknown option of an entry": (f"# inittab: mian\n{WORKS}", [], r"/etc/inittab:2.*mian"),
    "nothing to run": ("a:3:respawn:sleep 1000\n", [], r"nothing to run in level 2"),
    "level 0": (f"id:0:initdefault:\n{WORKS}", [], r"initdefault 0 would end the container at once"),
    "level 6": (f"id:6:initdefault:\n{WORKS}", [], r"initdefault 6 would end the container at once"),
    "level S": (f"id:S:initdefault:\n{WORKS}", [], r"level S has no place in a container"),
    "unknown option": (WORKS, ["--grase"], r"unknown option --grase"),
    "grace": (WORKS, ["--grace", "8s"], r'--grace requires seconds, not "8s"'),
    "log": (WORKS, ["--log=xml"], r"--log"),
    "two mains": (f"# inittab: main\n{WORKS}", ["--", "true"],
                  r"two mains: a is marked, and a command was given"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("terminal", [[], ["--tty"]], ids=["", "on a terminal"])
def test_refused(start: Start, name: str, terminal: list[str]) -> None:
    inittab, arguments, reason = REFUSED[name]
    container = start(inittab, *arguments, options=terminal)
    assert container.wait() == 2, container.logs()
    output = container.logs()
    assert re.search(rf"^init: {reason}|^init: .*{reason}", "\n".join((*output.out, *output.errors))), output
    assert terminal or output.out == []
    assert lasted(container) < 1


@pytest.mark.parametrize("arguments", [[], ["--"], ["--level=3"], ["--level", "3", "--"]], ids=" ".join)
def test_not_refused(start: Start, arguments: list[str]) -> None:
    container = start("a:23:respawn:sh -c 'echo up $RUNLEVEL; exec sleep 1000'\n", *arguments)
    container.expect("a", f"up {3 if any('3' in word for word in arguments) else 2}")
    container.stop()
    assert container.wait() == 0


def test_check_in_an_image(engine: Engine, tmp_path: Path) -> None:
    """``RUN container-init --check`` has the build fail, not the container."""
    (tmp_path / "Dockerfile").write_text(f"FROM {INIT}\nCOPY inittab /etc/\nRUN container-init --check\n")
    (tmp_path / "inittab").write_text(f"id:2:initdefault:\n{WORKS}")
    engine.build(tmp_path, "checked")
    (tmp_path / "inittab").write_text("a:2:respwan:true\nb:2\n")
    with pytest.raises(EngineError):
        engine.build(tmp_path, "checked")
