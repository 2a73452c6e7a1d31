"""inittab status --watch: what is drawn, and which lines are written."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from sysvinit_py.cli.options import Values
from sysvinit_py.clients.inittab import watch
from sysvinit_py.clients.inittab.program import STATUS
from sysvinit_py.clients.inittab.status import View
from sysvinit_py.report.item import Item, header_json
from tests.unit.report.published import HEADER, shown
from tests.unit.report.test_report_item import SCHEMA, job, run


def view(*items: Item, **changes: object) -> View:
    return View(1, header_json(HEADER, 0.0), [*items], "level 2", **changes)  # type: ignore[arg-type]


def lines_of(*arguments: str) -> watch.Lines:
    values: Values = STATUS.parse(["--watch", *arguments])
    return watch.Lines(values)


ITEMS = shown(run(job("r:2:respawn:/w \x1b[31m")), run(job("f:2:once:/bin/false"), 256), job("n:3:once:/n"))


def test_json_tells_what_was_not_so_before_and_what_is_gone(capfd: pytest.CaptureFixture[str]) -> None:
    lines = lines_of("--json")
    r, f, n = ITEMS
    for seen in (view(r, f, n), view(r, f, n), view(r, f.replace(starts=9), n), view(r, n)):
        lines(seen)
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    for document in told:
        jsonschema.validate(document, SCHEMA)
    assert [[item["id"] for item in document["entries"]] for document in told] == [["r", "f", "n"], ["f"], []]
    assert [document["gone"] for document in told] == [[], [], ["f"]]


def test_several_with_one_id_are_told_apart(capfd: pytest.CaptureFixture[str]) -> None:
    lines = lines_of("-o", "id,starts")
    one, other = (item.replace(id="~~", starts=n) for n, item in enumerate((ITEMS[0], ITEMS[0])))
    for _ in range(2):
        lines(view(one, other))
    lines(view(one, other.replace(starts=7)))
    assert capfd.readouterr().out == "~~\t0\n~~\t1\n~~\t7\n"


def test_text_is_escaped_and_a_note_is_given_once(capfd: pytest.CaptureFixture[str]) -> None:
    lines = lines_of()
    for note in ("C", "C", "", "C"):
        lines(view(ITEMS[0], note=note))
    captured = capfd.readouterr()
    title, entry = captured.out.splitlines()
    assert title.endswith("  level 2")
    assert entry.endswith(r"/w \x1b[31m")
    assert captured.err == "inittab: C\ninittab: C\n"


@pytest.mark.parametrize(("rows", "ids"), [(4, "frn"), (3, "f"), (2, ""), (1, ""), (0, "")])
def test_what_is_wrong_comes_first_where_there_is_no_room(rows: int, ids: str) -> None:
    picture = [*watch.Screen(in_full=False)._lines(view(*ITEMS[:1], *ITEMS[2:], ITEMS[1]), rows + 1, 20)]
    assert [line[0] for line in picture[2 : 2 + len(ids)]] == (["r", "n", "f"] if ids == "frn" else [*ids])
    assert all(len(line) <= 20 for line in picture)


def test_in_full_the_details_are_drawn(capfd: pytest.CaptureFixture[str]) -> None:
    watch.Screen(in_full=True)(view(*ITEMS[1:2], note="C"))
    text = capfd.readouterr().out
    assert text.startswith("\x1b[HC\x1b[K\nf  failed\x1b[K\n")
    assert text.endswith("\x1b[J")
