"""The ring of events, as it is written and read."""

from __future__ import annotations

import pytest

from sysvinit_py.report.history import LINE, LINES, SIZE, Event, Ring, read


def changed(ring: Ring, notes: list[tuple[float, str, str, int, int, str]]) -> tuple[int, int]:
    """From where to where an addition has changed the content; it says with what."""
    at, run = ring.add(notes)
    assert bytes(ring.content[at : at + len(run)]) == run
    return at, at + len(run)


START = (12.34, "start", "r2", 100, 0, "")


def test_what_is_noted_is_read() -> None:
    ring = Ring()
    notes = [START, (13.0, "end", "\udcff b%", 100, 139, "level-left"), (14.0, "level", "", 0, 0, "S")]
    assert changed(ring, notes) == (0, 3 * LINE)
    assert read(bytes(ring.content)) == [Event(2 * n, *note) for n, note in enumerate(notes)]
    assert changed(ring, []) == (3 * LINE, 3 * LINE)


@pytest.mark.parametrize("id", ["%", "-", "%41", "a b", "é", "~~", "A1"])
def test_any_id(id: str) -> None:
    ring = Ring()
    ring.add([(1.0, "start", id, 5, 0, "")])
    assert [event.id for event in read(bytes(ring.content))] == [id]


def test_the_last_ones_are_kept_and_what_has_changed_is_told() -> None:
    ring = Ring()
    assert changed(ring, [START] * (LINES - 1)) == (0, SIZE - LINE)
    assert changed(ring, [START]) == (SIZE - LINE, SIZE)
    assert changed(ring, [START]) == (0, LINE)
    assert changed(ring, [START] * LINES) == (0, SIZE), "it wraps around"
    assert [event.number for event in read(bytes(ring.content))] == [*range(2 * LINES + 2, 4 * LINES + 2, 2)]
    assert changed(ring, [START] * 3000) == (0, SIZE), "more than there is room for"


def test_another_init_goes_on() -> None:
    before, after = Ring(), Ring()
    before.add([START] * 1030)
    after.resume(bytes(before.content))
    after.add([(99.0, "end", "r2", 100, 0, "")])
    events = read(bytes(after.content))
    assert [event.number for event in events] == [*range(14, 2062, 2)]
    assert events[-1].what == "end"
    for content in (b"", b"x" * 64, b"x" * SIZE):
        unlike = Ring()
        unlike.resume(content)
        assert changed(unlike, [START]) == (0, LINE)


def test_what_is_damaged_or_not_of_init_is_left_out() -> None:
    ring = Ring()
    ring.add([START, START, START])
    ring.content[LINE + 3] ^= 1
    other = Ring()
    other.add([(1.0, "two words", "r2", 1, 0, "")])
    ring.content[2 * LINE : 3 * LINE] = other.content[:LINE]
    assert [event.number for event in read(bytes(ring.content))] == [0]


def test_a_line_that_is_too_long_is_cut_at_its_end() -> None:
    """Which is the word: an id and numbers have their places."""
    ring = Ring()
    ring._count = 10**8
    ring.add([(123456789.12, "restart", "\udcff" * 4, 4194304, 65535, "x" * 60)])
    [event] = read(bytes(ring.content))
    assert (event.id, event.pid, event.status) == ("\udcff" * 4, 4194304, 65535)


def test_a_respawn_is_one_line() -> None:
    ring = Ring()
    end, begin = (5.0, "end", "r2", 100, 9, "restarted"), (5.0, "begin", "r2", 101, 0, "")
    assert changed(ring, [end, begin]) == (0, LINE)
    assert read(bytes(ring.content)) == [Event(0, *end), Event(1, *begin)]
    for other in ((6.0, *begin[1:]), (5.0, "begin", "r3", 101, 0, ""), (5.0, "level", "r2", 101, 0, "")):
        ring = Ring()
        assert changed(ring, [end, other]) == (0, 2 * LINE), "it does not follow from it"
    ring = Ring()
    long = (123456789.0, "end", "\udcff" * 4, 4194304, 65535, "cannot-execute")
    assert changed(ring, [long, (123456789.0, "begin", "\udcff" * 4, 4194304, 0, "")]) == (0, 2 * LINE), (
        "no room"
    )
