"""The files that the project ships: inittab.d/ and the example."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.inittab.parser import Document, parse
from sysvinit_py.inittab.read import interpret, read
from sysvinit_py.inittab.sources import Source
from sysvinit_py.lint.check import check
from sysvinit_py.lint.targets import CONTAINER, SYSVINIT_3_06, SYSVINIT_PY
from sysvinit_py.machine import limits
from sysvinit_py.pid1.container import policy

ROOT = Path(__file__).resolve().parents[3]
SNIPPETS = sorted((ROOT / "inittab.d").iterdir())
EXAMPLE = ROOT / "sysvinit_py" / "data" / "example.inittab"


def document(path: Path) -> Document:
    return parse(path.read_bytes(), path.name)


def test_the_snippets_are_there() -> None:
    assert [path.name for path in SNIPPETS] == [
        "console.tab", "container.tab", "ctrlaltdel.tab", "devices.tab", "getty.tab", "power.tab",
        "serial.tab",
    ]  # fmt: skip


@pytest.mark.parametrize("path", [*SNIPPETS, EXAMPLE], ids=lambda path: path.name)
def test_each_is_clean_and_explains_itself(path: Path) -> None:
    found = document(path)
    assert found.problems == ()
    assert found.entries
    assert found.lines[0].kind == "comment"
    assert found.final_newline
    assert all(len(line.text) <= 120 for line in found.lines)


def test_all_snippets_can_be_used_together() -> None:
    # No id stands twice.
    reading = read("/nonexistent", str(ROOT / "inittab.d"))
    assert reading.problems == ()  # container.tab has an initdefault


def actions(name: str) -> dict[str, str]:
    return {entry.id: entry.action for entry in document(ROOT / "inittab.d" / name).entries}


def test_what_the_snippets_are_for() -> None:
    gettys = document(ROOT / "inittab.d" / "getty.tab").entries
    assert [f"tty{entry.id}" in entry.process.split() for entry in gettys] == [True] * 6
    assert actions("serial.tab") == {"S0": "respawn"}
    assert actions("console.tab") == {"co": "respawn"}
    assert actions("devices.tab") == {"ev": "respawn", "rs": "resume"}
    assert sorted(actions("power.tab").values()) == ["powerfail", "powerfailnow", "powerokwait"]
    assert actions("ctrlaltdel.tab") == {"ca": "ctrlaltdel"}
    assert {"initdefault", "wait", "respawn", "once", "powerfail"} <= set(actions("container.tab").values())


def test_the_example_shows_the_actions() -> None:
    shown = {entry.action for entry in document(EXAMPLE).entries}
    assert set(ACTIONS) - shown == {"off", "kbrequest", "resume"}


def test_the_example_needs_next_to_nothing() -> None:
    def first_word(entry: Entry) -> str:
        return entry.command.split(" ")[0]

    programs = {first_word(entry) for entry in document(EXAMPLE).entries if entry.command}
    assert programs == {"/bin/sh", "/bin/echo"}


#: What Debian's own inittab has, ids and all.
DEBIAN = """\
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
~~:S:wait:/sbin/sulogin --force
l0:0:wait:/etc/init.d/rc 0
l1:1:wait:/etc/init.d/rc 1
l2:2:wait:/etc/init.d/rc 2
l6:6:wait:/etc/init.d/rc 6
z6:6:respawn:/sbin/sulogin --force
ca:12345:ctrlaltdel:/sbin/shutdown -t1 -a -r now
pf::powerwait:/etc/init.d/powerfail start
pn::powerfailnow:/etc/init.d/powerfail now
po::powerokwait:/etc/init.d/powerfail stop
1:2345:respawn:/sbin/getty --noclear 38400 tty1
2:23:respawn:/sbin/getty 38400 tty2
3:23:respawn:/sbin/getty 38400 tty3
4:23:respawn:/sbin/getty 38400 tty4
5:23:respawn:/sbin/getty 38400 tty5
6:23:respawn:/sbin/getty 38400 tty6
"""


@pytest.mark.parametrize("main", ["", DEBIAN], ids=["alone", "beside Debian's"])
@pytest.mark.parametrize("paths", [*([path] for path in SNIPPETS), SNIPPETS], ids=lambda paths: paths[0].name)
def test_the_linter_has_nothing_to_say(paths: list[Path], main: str) -> None:
    """Each was an error beside Debian's inittab, and the container's command was torn at its quotes."""
    files = [(path.name, path.read_bytes()) for path in paths]
    if main:
        files.insert(0, ("inittab", main.encode()))
    found = check(files, SYSVINIT_PY, fragment=not main)
    assert [f"{f.path}:{f.line}: {f.message}" for f in found if f.severity != "info"] == []


def test_the_container_is_one_for_each_init() -> None:
    """Alone: ``init --container`` and C's init refuse nothing of it, and it does what its comments say."""
    data = (ROOT / "inittab.d" / "container.tab").read_bytes()
    found = check([("etc/inittab.d/container.tab", data)], CONTAINER)
    assert [(f.line, f.code) for f in found if f.severity != "info"] == []
    assert [f for f in check([("etc/inittab", data)], SYSVINIT_3_06) if f.severity == "error"] == []
    reading = interpret((Source("/etc/inittab.d/container.tab", data),))
    assert [*policy.refusals(reading, "", command=False)] == []
    roles = {entry.id: policy.role(entry) for entry in reading.entries}
    assert roles["c1"] == policy.SETUP
    assert roles["c2"] == roles["c3"] == policy.SERVICE
    assert roles["c4"] == policy.MAIN
    assert [entry.id for entry in reading.entries if policy.cleans_up(entry, "0")] == ["c5"]
    assert f" {policy.GRACE:g} seconds" in data.decode()
    assert (limits.STARTS_ALLOWED, limits.WINDOW) == (10, 120)
