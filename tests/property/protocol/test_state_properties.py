"""The state of re-execution: what is saved comes back, and damage is told as what it is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import MAX_RUNLEVELS, Entry
from sysvinit_py.protocol.state import SIGNATURE, Saved, SavedEntry, decode, encode

EVENTS = ("powerwait", "powerfail", "powerokwait", "powerfailnow", "ctrlaltdel", "kbrequest", "resume")
BOOT_LEVELS = {"sysinit": "#", "boot": "*", "bootwait": "*"}


def text(max_size: int, min_size: int = 0) -> st.SearchStrategy[str]:
    """What can stand in a line of the inittab: any bytes but newline and NUL."""
    content = st.binary(min_size=min_size, max_size=max_size).filter(lambda some: not {0, 10} & {*some})
    return content.map(lambda some: some.decode("utf-8", "surrogateescape"))


times = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def saved_entries(draw: st.DrawFn) -> SavedEntry:
    """As they come back: levels written out, no mark that the action does not have."""
    action = draw(st.sampled_from(tuple(ACTIONS)))
    runlevels = BOOT_LEVELS.get(action) or draw(text(MAX_RUNLEVELS, min_size=1))
    return SavedEntry(
        Entry(draw(text(4)), runlevels, action, draw(text(40))),
        draw(st.one_of(st.just(0), st.integers(2, 2**31 - 1))),
        draw(st.integers(0, 0xFFFF)),
        action not in EVENTS and draw(st.booleans()),
        action in EVENTS and draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(times),
        draw(st.integers(0, 10)),
        draw(times),
    )


levels = st.sampled_from("0123456789SN")
flags = st.booleans()
states = st.builds(
    Saved, levels, levels, levels, st.lists(saved_entries(), max_size=4).map(tuple), st.integers(0, 2**32),
    flags, flags, flags, flags, st.integers(-(2**31), 2**31 - 1), flags, text(20),
)  # fmt: skip


@given(states)
def test_what_is_saved_comes_back(saved: Saved) -> None:
    assert decode(encode(saved)) == saved


@given(states, st.data())
def test_half_a_state_is_none(saved: Saved, data: st.DataObject) -> None:
    state = encode(saved)
    whole = len(state) - len("\n")
    with pytest.raises(ValueError, match="line "):
        decode(state[: data.draw(st.integers(0, whole - 1))])


@given(states, st.integers(0), st.binary(max_size=20))
def test_a_damaged_state_is_read_or_refused(saved: Saved, where: int, damage: bytes) -> None:
    state = encode(saved)
    where %= len(state)
    refused_or_read(state[:where] + damage + state[where + len(damage) :])


@given(st.binary())
@example(b"")
@example(b"END")
@example(b"-RL2\n-TL2\n-PLN\n-ST" + b"9" * 5000 + b"\nEND\n")
@example(b"-RL2\n-TL2\n-PLN\nREC1\nLEV2\nPID9999999999\nEOR\nEND\n")
@example(b"-RL2\n-TL2\n-PLN\nREC1\nLEV\nAC sysinit\nEOR\nEND\n")
@example(b"-RL2\n-TL2\n-PLN\nREC1\nLEV2\nXTOnan\nEOR\nEND\n")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    refused_or_read(SIGNATURE + content)


def refused_or_read(state: bytes) -> None:
    try:
        read = decode(state)
    except ValueError as refusal:
        said = str(refusal)
    else:
        said = "line "
        as_we_write_it = decode(encode(read))
        assert decode(encode(as_we_write_it)) == as_we_write_it
    assert said.startswith("line ")
