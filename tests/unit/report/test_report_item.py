"""Items: what people and programs are told, in JSON and in rows."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

import sysvinit_py
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine.job import Job
from sysvinit_py.report import item as report
from sysvinit_py.report import slots
from sysvinit_py.report.item import Item
from sysvinit_py.report.states import OF_SERVICES, STATES
from tests.unit.report.published import HEADER, publish, shown

SCHEMA = json.loads((Path(sysvinit_py.__file__).parent / "data" / "status.schema.json").read_text())


def job(text: str, file: str = "/etc/inittab") -> Job:
    id, levels, action, process = text.split(":", 3)
    entry = Entry(id, levels, action, process, file, 1)
    return Job((entry.id, entry.action, 0), entry)


def run(one: Job, status: int | None = None, began: float = 10.0) -> Job:
    one.told_to_start(began)
    one.started(100)
    if status is not None:
        one.ended(began + 1, status)
    return one


def test_a_process_that_runs() -> None:
    one = run(job("r:23:respawn:/usr/sbin/web -f"))
    one.throttle.allows(10.0)
    assert shown(one) == [
        Item(
            "r", "respawn", "23", STATES["running"], pid=100, since=1010.0, starts=1, window=(1010.0, 1),
            command="/usr/sbin/web -f", source=("/etc/inittab", 1),
        )
    ]  # fmt: skip


CASES: dict[str, tuple[Callable[[], Job], str]] = {
    "running": (lambda: run(job("o:2:once:x")), "running"),
    "done": (lambda: run(job("o:2:once:x"), 0), "done"),
    "failed": (lambda: run(job("o:2:once:x"), 256), "failed"),
    "idle": (lambda: job("o:a:ondemand:x"), "idle"),
    "inactive": (lambda: job("o:3:once:x"), "inactive"),
    "disabled": (lambda: job("o:2:off:x"), "disabled"),
    "pending": (lambda: job("o:2:once:x"), "pending"),
}


@pytest.mark.parametrize(("make", "word"), CASES.values(), ids=CASES)
def test_states(make: Callable[[], Job], word: str) -> None:
    [item] = shown(make())
    assert item.state == STATES[word]


def test_what_is_alike_is_told_apart_where_it_has_to_be() -> None:
    """Guards the shortcut that decides a state once for all entries that are alike."""
    jobs = [run(job(f"{n}:2:once:x"), n * 256) for n in range(3)]
    jobs += [run(job("r:2:once:x")), job("n:2:once:"), job("a:3:once:x"), job("b:2:respawn:x")]
    words = [item.state.word for item in shown(*jobs, stopping=(jobs[3],))]
    assert words == ["done", "failed", "failed", "stopping", "disabled", "inactive", "pending"]


def test_what_is_waited_for() -> None:
    before, waits, after = run(job("b:2:wait:x")), run(job("w:2:wait:x")), job("a:2:once:x")
    called = job("k:2:kbrequest:x")
    called.trigger()
    getty = job("g:2:respawn:/sbin/getty tty9")
    getty.told_to_start(3.0)
    getty.not_started()
    items = shown(before, waits, after, called, getty)
    assert [item.waits_for for item in items] == [None, None, "b", "b", "/dev/tty9"]
    assert [item.waits_for for item in shown(job("a:2:once:x"), busy="ends")] == ["ends"]
    assert [item.waits_for for item in shown(job("a:2:once:x"))] == [None], "nobody"


def test_rest_of_the_throttle() -> None:
    one = run(job("r:2:respawn:x"), 9)
    one.rest(400.0)
    [item] = shown(one)
    assert (item.state.word, item.rests_until, item.last, item.since) == (
        "throttled",
        1400.0,
        (1011.0, 9, ""),
        1011.0,
    )


def test_nobody_knows_when() -> None:
    """Regression: what C has handed over has no times."""
    one = job("r:2:respawn:x", file="")
    one.adopt_child(7)
    [item] = shown(one)
    assert (item.pid, item.since, item.starts, item.source) == (7, None, 0, None)
    ended = job("o:2:once:x")
    ended.status = 256
    [item] = shown(ended)
    assert item.last == (None, 256, "")


def all_kinds() -> list[Item]:
    resting = run(job("t:2:respawn:x"), 139)
    resting.throttle.allows(10.0)
    resting.rest(400.0)
    raw = job("\udcff:2:once:/bin/\udcfe \x1b[2J", file="/etc/inittab.d/\udcff.tab")
    return shown(
        run(job("r:2:respawn:x")),
        run(job("f:2:once:x"), 256),
        resting,
        raw,
        job("d::off:"),
        job("p:2:once:x"),
    )


def as_json(busy: str = "") -> Any:
    header = HEADER.replace(busy=busy)
    return json.loads(json.dumps(report.as_json(report.header_json(header, 1000.0), all_kinds())))


def test_json_is_what_the_schema_says() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for busy in ("", "inittab", "answer", "ends"):
        jsonschema.validate(as_json(busy), SCHEMA)
    by_hand = report.as_json(
        dict.fromkeys(report.INIT) | {"prevlevel": "N"}, [Item("i", "", "", STATES["done"])]
    )
    jsonschema.validate(json.loads(json.dumps(by_hand)), SCHEMA)


def test_the_schema_knows_all_fields_and_states() -> None:
    """A field that is not in it is one that nobody can rely on."""
    item = SCHEMA["$defs"]["item"]
    assert item["properties"]["state"]["enum"] == [*OF_SERVICES]
    for told in as_json()["entries"]:
        assert {name for name in told if not name.endswith("_raw")} == set(item["required"])
        assert set(told) <= set(item["properties"])
        for part in ("window", "last", "source"):
            if told[part]:
                assert set(told[part]) <= set(item["properties"][part]["properties"])
    assert set(as_json()["init"]) == set(SCHEMA["properties"]["init"]["required"])
    assert as_json()["form"] == SCHEMA["properties"]["form"]["const"]


def test_json_has_the_services_of_an_entry() -> None:
    service = Item("web", report.SERVICE, "", STATES["running"], 7, 1.0)
    first, second, *_ = all_kinds()
    listed = {first.id: [service]}
    told = report.as_json(
        report.header_json(HEADER, 1000.0), [first, second], lambda item: listed.get(item.id, [])
    )
    told = json.loads(json.dumps(told))
    jsonschema.validate(told, SCHEMA)
    assert [entry.get("services", []) for entry in told["entries"]] == [[report.item_json(service)], []]


def test_json_in_full() -> None:
    entries = {entry["id"]: entry for entry in as_json()["entries"]}
    assert entries["t"] == {
        "id": "t", "action": "respawn", "levels": "2", "state": "throttled", "pid": None,
        "since": "1970-01-01T00:16:51.000Z", "starts": 1,
        "window": {"opened": "1970-01-01T00:16:50.000Z", "starts": 1},
        "rests_until": "1970-01-01T00:23:20.000Z", "waits_for": None,
        "last": {
            "ended": "1970-01-01T00:16:51.000Z", "exit": None, "signal": 11, "core": True, "why": "itself",
        },
        "command": "x", "source": {"file": "/etc/inittab", "line": 1}, "asked": None,
    }  # fmt: skip
    assert entries["f"]["last"] == {
        "ended": "1970-01-01T00:16:51.000Z",
        "exit": 1,
        "signal": None,
        "core": False,
        "why": "itself",
    }


def test_bytes_that_are_not_utf8_are_marked() -> None:
    [told] = [entry for entry in as_json()["entries"] if "id_raw" in entry]
    assert (told["id"], told["command"]) == ("�", "/bin/� \x1b[2J")
    assert b64decode(told["id_raw"]) == b"\xff"
    assert b64decode(told["command_raw"]) == b"/bin/\xfe \x1b[2J"
    assert b64decode(told["source"]["file_raw"]) == b"/etc/inittab.d/\xff.tab"
    assert "levels_raw" not in told


def test_rows() -> None:
    names = list(report.COLUMNS)
    cells = [dict(zip(names, report.row(item, names, 1021.0), strict=True)) for item in all_kinds()]
    assert cells[0] == {
        "id": "r", "action": "respawn", "levels": "2", "state": "running", "symbol": "+", "pid": "100",
        "since": "11 s", "starts": "1", "window": "-", "rests": "-", "waits-for": "-", "last-end": "-",
        "why": "-", "asked": "-", "command": "x", "source": "/etc/inittab:1",
    }  # fmt: skip
    assert (cells[2]["rests"], cells[2]["last-end"], cells[2]["window"]) == (
        "6 min 19 s",
        "signal 11 SEGV, core",
        "1",
    )
    bare = dict(zip(names, report.row(Item("i", "", "", STATES["done"]), names, 0.0), strict=True))
    assert {bare[name] for name in names} == {"i", "", "done", "+", "-"}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exit 0"),
        (256, "exit 1"),
        (9, "signal 9 KILL"),
        (139, "signal 11 SEGV, core"),
        (63, "signal 63"),
        (137 << 8, "exit 137 (signal KILL)"),
        (255 << 8, "exit 255"),
    ],
)
def test_how_it_ended(status: int, words: str) -> None:
    assert report.how_it_ended(status) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3725, "1 h 2 min"), (200_000, "2 d 7 h")],
)
def test_ago(seconds: float, words: str) -> None:
    assert report.ago(1000.0, 1000.0 + seconds) == words


def test_program_of() -> None:
    assert [report.program_of(item) for item in shown(job("a:2:once:/usr/sbin/web -f"), job("b:2:off:"))] == [
        "web",
        "",
    ]
    assert report.program_of(Item("i", "", "", STATES["done"])) == ""


def test_a_reading_of_many() -> None:
    jobs = [run(job(f"{n}:2:once:x"), 0) for n in range(300)]
    assert [entry.id for entry, _ in slots.read(*publish(*jobs)).slots] == [str(n) for n in range(300)]


def test_what_was_given_up_ended_nobody_knows_how() -> None:
    one = run(job("r:2:once:x"))
    one.given_up(9.0)
    [item] = shown(one)
    assert item.last == (1009.0, -1, "given-up")
    assert report.item_json(item)["last"] == {
        "ended": "1970-01-01T00:16:49.000Z", "exit": None, "signal": None, "core": False, "why": "given-up",
    }  # fmt: skip
    assert report.row(item, ["last-end", "why"], 0.0) == ["unknown", "given-up"]


def test_who_has_asked_is_told() -> None:
    one = run(job("r:2:respawn:x"), 15)
    one.hold("1000,pts/3")
    [item] = shown(one)
    assert (item.state.word, item.asked) == ("stopped", "1000,pts/3")
