"""A reading on its way to PID 1: nothing is lost, nothing false is believed, and it costs little."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from sysvinit_py.inittab.entry import Entry, EntryOptions, FileOptions, Problem, Reading
from sysvinit_py.inittab.wire import decode, encode

ROOT = Path(__file__).resolve().parents[3]

FULL = Reading(
    entries=(
        Entry("a", "2", "wait", "x:y", "/etc/inittab", 1),
        Entry("\udcff", "", "respawn", "", "/etc/inittab.d/\u00e9.tab", 12),
        Entry("~~", "S", "wait", "/sbin/sulogin"),
    ),
    problems=(Problem("/etc/inittab", 3, "missing id field"), Problem("", 0, "No inittab file found")),
)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("unreadable", [False, True])
@pytest.mark.parametrize("reading", [FULL, Reading(), FULL.replace(entries=()), FULL.replace(problems=())])
def test_there_and_back(reading: Reading, missing: bool, unreadable: bool) -> None:
    sent = reading.replace(missing=missing, unreadable=unreadable)
    assert decode(encode(sent)) == sent


OPTIONS = EntryOptions("main grace=1", main=True, grace=1.0)
WITH_OPTIONS = FULL.replace(
    entries=(
        *FULL.entries,
        FULL.entries[0].replace(options=EntryOptions("main grace=1", main=True, grace=1.0)),
    ),
    files=(("/etc/inittab", FileOptions("log=raw", log="raw")), ("", FileOptions("grace=2", grace=2.0))),
)


def test_options_come_through() -> None:
    assert decode(encode(WITH_OPTIONS)) == WITH_OPTIONS


def test_without_options_the_form_is_as_it_was() -> None:
    """So an init and a parser of different versions understand each other where there are none."""
    sent = encode(FULL)
    assert sent.startswith(b"inittab reading 1\0no\0no\x003\x002\0a\x002\0wait\0x:y\0/etc/inittab\x001\0")
    assert sent.endswith(b"\0\x000\0No inittab file found\0end of reading")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x003\0main grace=1\0", b"\x004\0main grace=1\0"),
        (b"\x003\0main grace=1\0", b"\0-1\0main grace=1\0"),
        (b"\x003\0main grace=1\0", b"\0x\0main grace=1\0"),
        (b"main grace=1", b"main grace=x"),
        (b"main grace=1", b""),
        (b"log=raw", b"main"),
        (b"\0inittab-file\0/etc", b"\0inittab\0/etc"),
        (b"\0inittab-file\0/etc", b"\0inittab-lint\0/etc"),
        (b"\0grace=2\0", b"\0"),
        (b"\0grace=2\0", b"\0grace=2\0\0"),
    ],
)
def test_garbled_options_are_refused(old: bytes, new: bytes) -> None:
    whole = encode(WITH_OPTIONS)
    assert whole.count(old) == 1
    with pytest.raises(ValueError, match=r"reading|int"):
        decode(whole.replace(old, new))


def test_every_part_of_an_answer_is_refused() -> None:
    whole = encode(FULL)
    for end in range(len(whole)):
        with pytest.raises(ValueError, match=r"reading|int"):
            decode(whole[:end])


@pytest.mark.parametrize("extra", [b"x", b"\0", b"\0end of reading", encode(FULL)])
def test_more_than_an_answer_is_refused(extra: bytes) -> None:
    for data in (encode(FULL) + extra, extra + encode(FULL)):
        with pytest.raises(ValueError, match="reading"):
            decode(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"inittab reading 1", b"inittab reading 2"),
        (b"\x00no\x00no\x00", b"\x00no\x00\x00"),
        (b"\x00no\x00no\x00", b"\x00maybe\x00no\x00"),
        (b"\x003\x002\x00", b"\x002\x002\x00"),
        (b"\x003\x002\x00", b"\x00-3\x002\x00"),
        (b"\x003\x002\x00", b"\x005\x00-2\x00"),
        (b"\x003\x002\x00", b"\x00x\x002\x00"),
        (b"\x0012\x00", b"\x001x\x00"),
        (b"\x00wait\x00", b"\x00shout\x00"),
        (b"\x00wait\x00", b"\x00WAIT\x00"),
    ],
)
def test_a_garbled_answer_is_refused(old: bytes, new: bytes) -> None:
    whole = encode(FULL)
    assert old in whole
    garbled = whole.replace(old, new)
    with pytest.raises(ValueError, match=r"reading|int"):
        decode(garbled)


def test_equal_texts_are_kept_once() -> None:
    # Each entry names its file, its action and its levels: PID 1 has no room for a copy each.
    sent = Reading(tuple(Entry(f"{n}", "2345", "respawn", "x", "/etc/inittab", n) for n in range(2)))
    first, second = decode(encode(sent)).entries
    assert first.file is second.file
    assert first.action is second.action
    assert first.runlevels is second.runlevels


@pytest.mark.timed
def test_ten_thousand_entries_do_not_hold_pid_1_up() -> None:
    process = "/sbin/getty -L 38400 tty1 vt100"
    entries = tuple(Entry(f"{n:x}", "2345", "respawn", process, "/etc/inittab", n) for n in range(10_000))
    answer = encode(Reading(entries))
    start = time.process_time()
    decode(answer)
    assert time.process_time() - start < 0.2  # measured: 0.017


def test_import_budget() -> None:
    forbidden = {
        "re", "typing", "dataclasses", "enum", "argparse", "logging", "subprocess", "asyncio", "collections",
        "signal", "socket", "tempfile", "random", "json", "lark",
        "sysvinit_py.inittab.parser", "sysvinit_py.inittab._grammar", "sysvinit_py.inittab.read",
    }  # fmt: skip
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import sysvinit_py.inittab.wire;"
        f"print('sysvinit_py.inittab.entry' in sys.modules, *{forbidden!r} & set(sys.modules))"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-IS", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_pauses_while_many_entries_are_made() -> None:
    """So that no child of PID 1 is left unreaped meanwhile."""
    pauses: list[int] = []
    reading = Reading(tuple(Entry(f"{n:04}", "2", "once", "x") for n in range(2400)))
    assert decode(encode(reading), pause=lambda: pauses.append(1)) == reading
    assert len(pauses) >= 10
