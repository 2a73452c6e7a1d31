"""The state of re-execution, against what C sysvinit 3.06 wrote and was seen to accept.

See behaviour/reexec#state.
"""

from __future__ import annotations

import pytest

from sysvinit_py import __version__
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.protocol.state import Saved, SavedEntry, decode, encode

#: What C wrote in level 2 after "telinit a" and "telinit u"; r2 had died, and was not reaped yet.
FROM_C = b"""\
12567362VER@(#) init 3.06 miquels@cistron.nl
-RL2
-TL2
-PLN
-SI0
-WR1
-WU1
-ST3
-DB1
RECpw
LEVS0123456789
FL XD
PID0
EXS0
AC powerwait
CMD/bin/true
EOR
RECid
LEV2
PID0
EXS0
AC initdefault
CMD
EOR
RECsi
LEV#
PID0
EXS0
AC sysinit
CMD/bin/true
EOR
RECbo
LEV*
FL RU
FL XD
PID21
EXS0
AC boot
CMD/bin/sleep 1000
EOR
RECbw
LEV*
PID0
EXS0
AC bootwait
CMD/bin/true
EOR
RECr2
LEV2
FL RU
FL XD
PID39
EXS0
AC respawn
CMD/bin/sleep 0.7
EOR
RECo3
LEV2
FL RU
FL XD
PID26
EXS0
AC once
CMD+/bin/sleep 999
EOR
RECon
LEV2
FL XD
PID27
EXS768
AC wait
CMD/bin/sh -c 'exit 3'
EOR
RECo2
LEV2
FL XD
PID28
EXS9
AC once
CMD/bin/sh -c 'kill -9 $$'
EOR
RECod
LEVa
FL RU
FL DE
FL XD
PID38
EXS0
AC ondemand
CMD/bin/sleep 1002
EOR
RECkb
LEV0123456789
FL XD
PID0
EXS0
AC kbrequest
CMD/bin/true
EOR
END
"""

READ_FROM_C = Saved(
    "2",
    "2",
    "N",
    (
        SavedEntry(Entry("pw", "S0123456789", "powerwait", "/bin/true")),
        SavedEntry(Entry("id", "2", "initdefault", "")),
        SavedEntry(Entry("si", "#", "sysinit", "/bin/true")),
        SavedEntry(Entry("bo", "*", "boot", "/bin/sleep 1000"), pid=21, has_run=True),
        SavedEntry(Entry("bw", "*", "bootwait", "/bin/true")),
        SavedEntry(Entry("r2", "2", "respawn", "/bin/sleep 0.7"), pid=39, has_run=True),
        SavedEntry(Entry("o3", "2", "once", "+/bin/sleep 999"), pid=26, has_run=True),
        SavedEntry(Entry("on", "2", "wait", "/bin/sh -c 'exit 3'"), status=768, has_run=True),
        SavedEntry(Entry("o2", "2", "once", "/bin/sh -c 'kill -9 $$'"), status=9, has_run=True),
        SavedEntry(Entry("od", "a", "ondemand", "/bin/sleep 1002"), pid=38, has_run=True, on_demand=True),
        SavedEntry(Entry("kb", "0123456789", "kbrequest", "/bin/true")),
    ),
    wait_time=3,
    version="@(#) init 3.06 miquels@cistron.nl",
)

HEAD = b"12567362VERx\n-RL3\n-TL3\n-PL2\n-SI0\n-WR1\n-WU1\n-ST9\n-DB1\n"
ENTRY = b"RECr1\nLEV23\nFL RU\nPID20\nEXS0\nAC respawn\nCMD/bin/sleep 1\nEOR\n"
R1 = SavedEntry(Entry("r1", "23", "respawn", "/bin/sleep 1"), pid=20)


def with_entry(old: bytes, new: bytes) -> bytes:
    assert old in ENTRY
    return HEAD + ENTRY.replace(old, new) + b"END\n"


def with_head(old: bytes, new: bytes) -> bytes:
    assert old in HEAD
    return HEAD.replace(old, new) + ENTRY + b"END\n"


def test_the_state_of_c_init_is_understood() -> None:
    assert decode(FROM_C) == READ_FROM_C


def test_our_state_is_the_one_of_c_with_our_keys_besides() -> None:
    """Without them, and the pids of what runs no more, each of C's lines is there, and in its order."""
    ours = [
        line for line in encode(READ_FROM_C).decode().splitlines() if line[:3] not in ("XTO", "XTC", "XTR")
    ]
    expected = (
        FROM_C.decode().replace("-WU1", "-WU1\n-LW1\n-LU1").replace("PID27", "PID0").replace("PID28", "PID0")
    )
    assert sorted(ours) == sorted(expected.splitlines())
    ids = [line for line in ours if line.startswith("REC")]
    assert ids == [line for line in expected.splitlines() if line.startswith("REC")]


def test_the_bytes_of_a_small_state() -> None:
    """C 3.06 was seen to take this very state: r1 went on, r2 was started."""
    one = SavedEntry(
        Entry("r1", "23", "respawn", "/bin/sleep 1"), 20, 768, True,
        window_opened=123.5, starts=3, rests_until=400.0,
    )  # fmt: skip
    saved = Saved("3", "3", "2", (one, SavedEntry(Entry("w2", "3", "wait", "/bin/w"), waited_for=True)))
    head = f"12567362VERsysvinit_py {__version__}\n".encode()
    assert encode(saved) == head + (
        b"-RL3\n-TL3\n-PL2\n-SI0\n-WR1\n-WU1\n-LW1\n-LU1\n-ST5\n-DB1\n"
        b"RECr1\nLEV23\nFL RU\nFL XD\nPID20\nEXS768\nXTO123.5\nXTC3\nXTR400.0\n"
        b"AC respawn\nCMD/bin/sleep 1\nEOR\n"
        b"RECw2\nLEV3\nFL WT\nPID0\nEXS0\nXTO0.0\nXTC0\nXTR0.0\nAC wait\nCMD/bin/w\nEOR\n"
        b"END\n"
    )


@pytest.mark.parametrize(
    ("entry", "levels"),
    [
        (Entry("1", "", "respawn", ""), b"0123456789"),
        (Entry("1", "", "ctrlaltdel", ""), b"S0123456789"),
        (Entry("1", "Sb", "ondemand", ""), b"Sb"),
        (Entry("1", "s", "wait", ""), b"s"),
        (Entry("1", "23", "sysinit", ""), b"#"),
        (Entry("1", "", "boot", ""), b"*"),
        (Entry("1", "", "bootwait", ""), b"*"),
    ],
)
def test_levels_are_written_out_as_c_does(entry: Entry, levels: bytes) -> None:
    assert b"\nLEV" + levels + b"\n" in encode(Saved("2", "2", "N", (SavedEntry(entry),)))


@pytest.mark.parametrize(
    "action", ["powerwait", "powerfail", "powerokwait", "powerfailnow", "ctrlaltdel", "kbrequest"]
)
@pytest.mark.parametrize("pending", [True, False])
def test_an_event_that_is_kept_is_the_missing_mark_has_run(action: str, pending: bool) -> None:
    """C was seen to start a kbrequest entry that came without FL XD, and none that came with it."""
    state = with_entry(
        b"FL RU\nPID20\nEXS0\nAC respawn", f"{'' if pending else 'FL XD'}\nAC {action}".encode()
    )
    (entry,) = decode(state).entries
    assert (entry.pending_event, entry.has_run) == (pending, False)
    assert (b"FL XD" in encode(decode(state))) is not pending


@pytest.mark.parametrize(
    ("state", "entries"),
    [
        pytest.param(HEAD + b"END\n", (), id="no entry"),
        pytest.param(HEAD + ENTRY + b"END", (R1,), id="no newline after END"),
        pytest.param(HEAD + ENTRY + b"END\nRECx\nEND\n", (R1,), id="more after END"),
        pytest.param(
            HEAD + b"XAB 1\nXYZ\n\nX\n" + ENTRY + b"END\n", (R1,), id="keys not known before entries"
        ),
        pytest.param(with_entry(b"PID", b"XAB 1 2\nXYZ\n-XX9\nPID"), (R1,), id="keys not known in an entry"),
        pytest.param(with_head(b"-SI0", b"-SI0\n-XX1 hello"), (R1,), id="keys not known in the head"),
        pytest.param(with_entry(b"FL RU", b"FL RU\nFL ZZ"), (R1,), id="a flag that is not known"),
        pytest.param(
            HEAD + b"RECr1\nCMD/bin/sleep 1\nAC respawn\nPID20\nFL RU\nLEV23\nEOR\nEND\n",
            (R1,),
            id="any order",
        ),
        pytest.param(with_entry(b"PID20", b"PID 20"), (R1,), id="a blank before a number"),
        pytest.param(with_entry(b"PID20", b"PID-1"), (R1.replace(pid=0),), id="no process: -1"),
        pytest.param(with_entry(b"FL RU\n", b""), (R1.replace(pid=0),), id="a process that has ended"),
        pytest.param(
            with_entry(b"FL RU", b"FL RU\nFL WT\nFL DE\nFL XD"),
            (R1.replace(waited_for=True, on_demand=True, has_run=True),),
            id="all flags",
        ),
        pytest.param(
            with_entry(b"EOR", b"XTO1.5\nXTC3\nXTR301.25\nEOR"),
            (R1.replace(window_opened=1.5, starts=3, rests_until=301.25),),
            id="the throttle",
        ),
        pytest.param(
            with_entry(b"AC respawn", b"AC RESPAWN"),
            (R1.replace(entry=Entry("r1", "23", "off", "/bin/sleep 1")),),
            id="an action that is not known",
        ),
        pytest.param(
            with_entry(b"AC respawn\nCMD/bin/sleep 1", b""),
            (R1.replace(entry=Entry("r1", "23", "off", "")),),
            id="no action and no process",
        ),
    ],
)
def test_what_c_accepts_is_accepted(state: bytes, entries: tuple[SavedEntry, ...]) -> None:
    assert decode(state).entries == entries


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (b"-SI0", b"-SI268435456", {"signals": 1 << 28}),
        (b"-WR1", b"-WR0", {"boot_in_wtmp": False}),
        (b"-WU1", b"-WU0", {"boot_in_utmp": False}),
        (b"-WU1", b"-WU1\n-LW0", {"runlevel_in_wtmp": False}),
        (b"-WU1", b"-WU1\n-LU0", {"runlevel_in_utmp": False}),
        (b"-ST9", b"-ST-1", {"wait_time": -1}),
        (b"-DB1", b"-DB0", {"boot_done": False}),
        (b"-TL3", b"-TL4", {"this_level": "4"}),
        (b"VERx", b"VERanything goes", {"version": "anything goes"}),
    ],
)
def test_the_head_is_read(old: bytes, new: bytes, changes: dict[str, object]) -> None:
    plain = Saved("3", "3", "2", (R1,), wait_time=9, version="x")
    assert decode(with_head(old, new)) == plain.replace(**changes)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (b"", "line 1: no signature"),
        (HEAD[1:] + b"END\n", "line 1: no signature"),
        (HEAD + ENTRY, "line 18: no END"),
        (HEAD + ENTRY[:40], "line 16: no END"),
        (with_head(b"-RL3\n", b""), "line 17: no -RL before END"),
        (with_head(b"-TL3\n", b""), "line 17: no -TL before END"),
        (with_head(b"-PL2\n", b""), "line 17: no -PL before END"),
        (with_head(b"-RL3", b"-RL"), "line 2: '' is not a level"),
        (with_head(b"-RL3", b"-RL34"), "line 2: '34' is not a level"),
        (with_head(b"-ST9", b"-ST"), "line 8: invalid literal"),
        (with_head(b"-WR1", b"-WRyes"), "line 6: invalid literal"),
        (with_head(b"-DB1", b"-DB1\nLEV3"), "line 10: LEV outside an entry"),
        (with_head(b"-DB1", b"-DB1\nXTO3"), "line 10: XTO outside an entry"),
        (with_head(b"-DB1", b"-DB1\nEOR"), "line 10: EOR outside an entry"),
        (with_entry(b"PID20", b"RECr2"), "line 13: REC within an entry"),
        (with_entry(b"PID20", b"-RL2"), "line 13: -RL within an entry"),
        (with_entry(b"EOR\n", b""), "line 17: END within an entry"),
        (with_entry(b"LEV23\n", b""), "line 16: no LEV in the entry r1"),
        (with_entry(b"PID20", b"PIDx"), "line 13: invalid literal"),
        (with_entry(b"PID20", b"PID1"), "line 13: 1 is not a process of an entry"),
        (with_entry(b"PID20", b"PID-2"), "line 13: -2 is not a process of an entry"),
        (with_entry(b"PID20", b"PID2147483648"), "line 13: 2147483648 is not a process of an entry"),
        (with_entry(b"EOR", b"XTRnan\nEOR"), "line 17: nan is not a time"),
        (with_entry(b"EOR", b"XTO-inf\nEOR"), "line 17: -inf is not a time"),
    ],
)
def test_damage_is_told_with_its_line(state: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(state)
