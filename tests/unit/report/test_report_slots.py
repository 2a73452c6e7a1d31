"""The published bytes: what is written is what is read, and what is not whole is refused."""

from __future__ import annotations

from binascii import crc32

import pytest

from sysvinit_py.inittab.entry import Entry, Problem
from sysvinit_py.machine.job import Job
from sysvinit_py.report import history, slots
from tests.unit.report.published import HEADER, publish, shown

RESPAWN = Entry("r", "23", "respawn", "/bin/r -x", "/etc/inittab", 3)


def job(entry: Entry = RESPAWN) -> Job:
    return Job((entry.id, entry.action, 0), entry)


def test_an_entry_that_was_never_started_has_an_empty_slot() -> None:
    assert slots.slot(job(), False) == slots.EMPTY
    [(entry, fields)] = slots.read(*publish(job())).slots
    assert entry == RESPAWN
    assert slots.job_of(entry, fields).saved() == job().saved()


def test_a_job_comes_back_with_what_rules_ask_for() -> None:
    one = job()
    one.trigger()
    one.set_on_demand()
    one.told_to_start(5.0)
    one.not_started()
    one.rest(9.0)
    one.ended(7.0, 256)
    [(entry, fields)] = slots.read(*publish(one)).slots
    back = slots.job_of(entry, fields)
    for mark in (
        "pid",
        "status",
        "has_run",
        "on_demand",
        "pending_event",
        "rests_until",
        "lacks_terminal",
        "forking",
    ):
        assert getattr(back, mark) == getattr(one, mark), mark


def test_a_start_that_is_not_answered_is_no_process() -> None:
    one = job()
    one.told_to_start(5.0)
    [item] = shown(one)
    assert item.pid is None


def test_a_slot_holds_the_largest_numbers() -> None:
    one = job()
    one.stand_at(99_999)
    one.told_to_start(1e9)
    one.started(2**22)
    one.starts = 10**9
    one.throttle.opened, one.throttle.starts = 1e9, 10
    one.rests_until = one.ended_at = 1e9
    one.status = 0xFFFF
    one.forking = one.pending_event = one.on_demand = one.lacks_terminal = True
    assert len(slots.slot(one, True)) == slots.SLOT


def test_the_header_comes_back() -> None:
    status, _ = publish()
    assert slots.read_header(status) == HEADER
    assert len(slots.header(HEADER.replace(version="v" * 60, boot="b" * 36))) == slots.HEADER


def test_unknown_fields_of_a_later_version_are_ignored() -> None:
    assert slots.read_header(forged_header("new=1\n")) == HEADER
    one = job()
    one.told_to_start(5.0)
    text = slots.slot(one, False)[: -slots._CRC].decode().rstrip()
    status, entries = publish(one)
    status = status[: slots.HEADER] + slots._sealed(f"{text} more 17 ", slots.SLOT)
    [(entry, fields)] = slots.read(status, entries).slots
    assert slots.job_of(entry, fields).has_run


def test_another_form_is_named() -> None:
    status = slots._sealed("inittab-status 2\nversion=9\n", slots.HEADER)
    with pytest.raises(slots.FormError, match=r"'inittab-status 2' instead of form 1"):
        slots.read(status, b"")


@pytest.mark.parametrize("names", [(), HEADER._fields], ids=["field missing", "no number"])
def test_a_header_that_says_too_little(names: tuple[str, ...]) -> None:
    with pytest.raises(slots.DamagedError, match="the header"):
        slots.read_header(forged_header("started=x\n", names))


def test_status_and_entries_are_of_the_same_reading() -> None:
    status, entries = publish(job())
    other, others_entries = publish(job(), reading=8)
    for pair in ((status, others_entries), (other, entries)):
        with pytest.raises(slots.DamagedError, match="not those of the status"):
            slots.read(*pair)
    with pytest.raises(slots.DamagedError, match="640 bytes of status for 2 entries"):
        slots.read(status, publish(job(), job(RESPAWN.replace(id="s")))[1])


def test_a_slot_in_the_wrong_place_is_refused() -> None:
    jobs = [job(), job(RESPAWN.replace(id="s"))]
    for one in jobs:
        one.told_to_start(5.0)
    status, entries = publish(*jobs)
    swapped = status[: slots.HEADER] + status[-slots.SLOT :] + status[slots.HEADER : -slots.SLOT]
    with pytest.raises(slots.DamagedError, match="slot 0 is that of another entry"):
        slots.read(swapped, entries)


def test_start_time() -> None:
    fields = " ".join(map(str, range(3, 53)))
    assert slots.start_time(f"1 (a) b (c) {fields}") == 22
    for wrong in ("", "1 (init)", "1 (init) S x"):
        with pytest.raises((ValueError, IndexError)):
            slots.start_time(wrong)


FORGED = [
    "", "x", "0 x", "0 5 0 1 nan 0 0 0 0 .", "0 5 0 1 1e30 0 0 0 0 .", "0 5 0 1 -1 0 0 0 0 .",
    "0 5 0 1 1 1 1 1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORGED)
def test_a_checksum_proves_nothing(text: str) -> None:
    """What a container's root has written is read by the host's: no number in it breaks who reads it."""
    status, entries = publish(job())
    with pytest.raises(slots.DamagedError, match="slot 0"):
        slots.read(status[: slots.HEADER] + slots._sealed(text, slots.SLOT), entries)
    with pytest.raises(slots.DamagedError, match="the header: '1e30' is not a time"):
        slots.read_header(forged_header("since=1e30\n"))


def forged_header(more: str, names: tuple[str, ...] = HEADER._fields) -> bytes:
    """Fields of HEADER, and more."""
    fields = "".join(f"{name}={getattr(HEADER, name)}\n" for name in names)
    return slots._sealed(f"inittab-status {slots.FORM}\n{fields}{more}", slots.HEADER)


def test_entries_of_another_version() -> None:
    body = b"inittab reading 2"
    status, _ = publish()
    entries = b"inittab-entries 7 %08x\n%s" % (crc32(body), body)
    with pytest.raises(slots.FormError, match="the entries: "):
        slots.read(status, entries)


def test_problems_history_and_answers_are_published() -> None:
    one = Job(("r", "respawn", 0), Entry("r", "2", "respawn", "x"))
    status, _ = publish(one)
    ring = history.Ring()
    ring.add([(5.0, "start", "r", 7, 0, ""), (5.0, "answer", "", 0, 0, "0123abcd:ok:5")])
    problem = Problem("/etc/inittab", 3, "missing id field")
    listed = slots.entries(7, [one.entry], [problem])
    read = slots.read(status + ring.content, listed)
    assert read.problems == (problem,)
    assert history.answers(read.history) == ["0123abcd:ok:5"]
    assert [event.what for event in history.read(read.history)] == ["start"]
    with pytest.raises(slots.DamagedError):
        slots.read(status + ring.content[:-1], listed)


def test_a_header_of_an_older_version_has_less() -> None:
    text = slots.header(HEADER)[: slots.HEADER - 9].decode().replace("handed=", "later=")
    assert slots.read_header(slots._sealed(text, slots.HEADER)) == HEADER
    with pytest.raises(slots.DamagedError):
        slots.read_header(slots._sealed(text.replace("stage=", "st="), slots.HEADER))


def test_a_slot_never_writes_over_the_next_one() -> None:
    one = Job(("r", "respawn", 0), Entry("r", "2", "respawn", "x"))
    one.hold("x" * 200)
    assert len(slots.slot(one, True)) == slots.SLOT
