"""Whatever init publishes is read as it was; whatever is not whole is refused, wherever it is damaged."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine.job import Job
from sysvinit_py.report import slots
from sysvinit_py.report.item import COLUMNS, as_json, header_json, items, row
from sysvinit_py.report.states import state
from tests.unit.report.published import HEADER, publish
from tests.unit.report.test_report_item import SCHEMA

#: Nothing is started in the first hundredth of a second of a boot, which is the same as never.
times = st.floats(1, 1e9)
texts = st.binary(max_size=20).map(
    lambda raw: raw.replace(b"\0", b"").replace(b"\n", b"").decode("utf-8", "surrogateescape")
)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    levels, actions = st.text("0123456789Sabc", max_size=11), st.sampled_from([*ACTIONS])
    files = st.sampled_from(["", "/etc/inittab", "/etc/inittab.d/\udcff.tab"])
    entry = Entry(
        draw(texts), draw(levels), draw(actions), draw(texts), draw(files), draw(st.integers(1, 99))
    )
    job = Job((entry.id, entry.action, 0), entry)
    if draw(st.booleans()):
        return job
    job.told_to_start(draw(times))
    if draw(st.booleans()):
        job.started(draw(st.integers(2, 2**22)))
    if draw(st.booleans()):
        job.ended(draw(times), draw(st.integers(-1, 0xFFFF)))
    if draw(st.booleans()):
        job.not_forked(draw(times))
    if draw(st.booleans()):
        job.rest(draw(times))
    for change in (
        job.trigger,
        job.set_on_demand,
        job.lose_terminal,
        job.forget_run,
        lambda: job.hold("0,pts/3"),
        lambda: job.release("1000,tty1"),
        lambda: job.leave(77),
        lambda: job.told_to_end("level-left"),
        lambda: job.throttle.allows(5.0),
    ):
        if draw(st.booleans()):
            change()
    return job


lists = st.lists(jobs(), max_size=6)


@settings(deadline=None)
@given(lists, st.data(), st.sampled_from(["#", "*", "S", "2"]))
def test_states_are_those_of_the_jobs(listed: list[Job], data: st.DataObject, stage: str) -> None:
    stopping = tuple(job for job in listed if data.draw(st.booleans()))
    status, entries = publish(*listed, stopping=stopping)
    published = slots.read(status, entries)
    published = published.replace(header=published.header.replace(stage=stage))
    shown = [*items(published, 0.0)]
    for job, item in zip(listed, shown, strict=True):
        job.pid = max(job.pid, 0)
        assert item.state == state(job, stage, job in stopping and slots.slot(job, True) != slots.EMPTY)
        assert (item.id, item.pid or 0, item.starts) == (job.entry.id, job.pid, job.starts)
        assert all(isinstance(cell, str) for cell in row(item, COLUMNS, 5.0))
    jsonschema.validate(json.loads(json.dumps(as_json(header_json(HEADER, 0.0), shown))), SCHEMA)


@settings(deadline=None)
@given(lists, st.data())
def test_any_damaged_byte_is_seen(listed: list[Job], data: st.DataObject) -> None:
    files = [*publish(*listed)]
    which = data.draw(st.integers(0, 1))
    at = data.draw(st.integers(0, len(files[which]) - 1))
    damaged = bytearray(files[which])
    damaged[at] ^= data.draw(st.integers(1, 255))
    files[which] = bytes(damaged)
    with pytest.raises((slots.DamagedError, slots.FormError)):
        slots.read(*files)


@settings(deadline=None)
@given(lists, st.data())
def test_any_cut_is_seen(listed: list[Job], data: st.DataObject) -> None:
    files = [*publish(*listed)]
    which = data.draw(st.integers(0, 1))
    files[which] = files[which][: data.draw(st.integers(0, len(files[which]) - 1))]
    with pytest.raises((slots.DamagedError, slots.FormError)):
        slots.read(*files)


@settings(deadline=None)
@given(lists, lists, st.integers(0, 2000), st.sampled_from(["", "ends"]))
def test_what_is_torn_is_seen(before: list[Job], after: list[Job], at: int, busy: str) -> None:
    """Half of one state and half of another: each part is one of the two, or refused."""
    for one, other in zip(before, after, strict=False):
        other.entry = one.entry
    after = [*after, *before[len(after) :]][: len(before)]
    (status, entries), (overwritten, _) = publish(*before), publish(*after, busy=busy)
    try:
        torn = slots.read(overwritten[:at] + status[at:], entries)
    except slots.DamagedError:
        return
    old, new = slots.read(status, entries), slots.read(overwritten, entries)
    assert torn.header in (old.header, new.header)
    for told in zip(torn.slots, old.slots, new.slots, strict=True):
        assert told[0] in told[1:]


@settings(deadline=None)
@given(jobs(), jobs(), st.integers(0, slots.SLOT))
def test_a_torn_slot_is_the_old_one_the_new_one_or_refused(one: Job, other: Job, at: int) -> None:
    other.entry = one.entry
    old, new = (slots.slot(job, False) for job in (one, other))
    status, entries = publish(one)
    torn = status[: slots.HEADER] + new[:at] + old[at:]
    try:
        published = slots.read(torn, entries)
    except slots.DamagedError:
        return
    assert published in [slots.read(status[: slots.HEADER] + slot, entries) for slot in (old, new)]


@settings(deadline=None)
@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_any_bytes_are_refused(status: bytes, entries: bytes) -> None:
    with pytest.raises((slots.DamagedError, slots.FormError)):
        slots.read(status, entries)
