"""utmp and wtmp records, against those that C sysvinit 3.06 wrote in a container.

See behaviour/children#accounting.
"""

from __future__ import annotations

import struct

import pytest

from sysvinit_py.protocol import utmp
from sysvinit_py.protocol.utmp import Record, place, unpack

RELEASE = "6.18.44-fc-v669"
TIME = 1795316749  # when the records below were written, in seconds

little_endian = pytest.mark.skipif(
    struct.pack("=H", 1) != struct.pack("<H", 1),
    reason="the records were captured on a little-endian machine",
)


def at(seconds: int, microseconds: int) -> int:
    return seconds * 10**9 + microseconds * 1000


def widened(record: bytes) -> bytes:
    """The record as it is on arm64: session, seconds and microseconds have 64 bits, and 4 bytes end it."""
    times = struct.pack("=qqq", *struct.unpack_from("=iII", record, 336))
    return record[:336] + times + record[348:] + bytes(4)


def captured(pieces: dict[int, str]) -> bytes:
    """A record as C wrote it on amd64, its bytes at these offsets, and NULs elsewhere; on arm64 widened."""
    content = bytearray(384)
    for offset, piece in pieces.items():
        content[offset : offset + len(piece) // 2] = bytes.fromhex(piece)
    return widened(bytes(content)) if utmp.SIZE > 384 else bytes(content)


HOST = RELEASE.encode().hex()
#: what → the record that our builder makes, C's in utmp, C's in wtmp (written a moment later).
SAMPLES = {
    "boot": (
        utmp.boot_time(at(TIME, 930821)),
        {0: "02", 8: "7e", 40: "7e7e", 44: "7265626f6f74", 340: "0d5c026b05340e"},
    ),
    # Of C's halt; test_shutdown.py has that write it again.
    "halt in wtmp": (
        utmp.for_wtmp(utmp.shutdown(at(TIME, 930868)), RELEASE),
        {0: "01", 8: "7e7e", 40: "7e7e", 44: "73687574646f776e", 76: HOST, 340: "0d5c026b34340e"},
    ),
    "boot in wtmp": (
        utmp.for_wtmp(utmp.boot_time(at(TIME, 930868)), RELEASE),
        {0: "02", 8: "7e", 40: "7e7e", 44: "7265626f6f74", 76: HOST, 340: "0d5c026b34340e"},
    ),
    "first level": (
        utmp.run_level("2", "N", at(TIME, 930944)),
        {0: "01", 4: "324e", 8: "7e", 40: "7e7e", 44: "72756e6c6576656c", 340: "0d5c026b80340e"},
    ),
    "next level": (
        utmp.run_level("3", "2", at(TIME + 2, 816246)),
        {0: "01", 4: "3332", 8: "7e", 40: "7e7e", 44: "72756e6c6576656c", 340: "0f5c026b76740c"},
    ),
    "start in wtmp": (
        utmp.for_wtmp(utmp.init_process("on", 20, at(TIME, 931454)), RELEASE),
        {0: "05", 4: "14", 40: "6f6e", 76: HOST, 340: "0d5c026b7e360e"},
    ),
    "end": (
        utmp.dead_process("on", 20, at(TIME, 933979)),
        {0: "08", 4: "14", 40: "6f6e", 340: "0d5c026b5b400e"},
    ),
    "end of a session": (
        utmp.dead_process("r1", 19, at(TIME + 1, 949894), line="tty7"),
        {0: "08", 4: "13", 8: "74747937", 40: "7231", 340: "0e5c026b867e0e"},
    ),
}


@little_endian
@pytest.mark.parametrize("what", SAMPLES)
def test_records_are_those_of_c_init(what: str) -> None:
    record, pieces = SAMPLES[what]
    assert record == captured(pieces)
    assert utmp.pack(unpack(record)) == record


@pytest.mark.parametrize(
    ("machine", "size"),
    [
        *((f"{name}-linux-gnu", 384) for name in ("x86_64", "i386", "powerpc64le", "riscv64", "s390x")),
        ("arm-linux-gnueabihf", 384), ("mips64el-linux-gnuabi64", 384),
        ("aarch64-linux-gnu", 400), ("loongarch64-linux-gnu", 400),
    ],
)  # fmt: skip
def test_records_of_other_machines(machine: str, size: int) -> None:
    """Sizes and offsets are those of <utmp.h> there; on arm64 ours used to be those of amd64."""
    fields = (7, 99, b"tty1", b"1", b"joe", b"example.org", 9, 3, 4711, 5, 6, bytes(range(16)))
    record = utmp.layout("x86_64-linux-gnu").pack(*fields)
    assert len(record) == 384
    assert utmp.layout(machine).pack(*fields) == (record if size == 384 else widened(record))
    assert utmp.layout(machine).size == size


def test_a_record_is_read_where_it_stands() -> None:
    one, other = utmp.boot_time(1), utmp.init_process("si", 7, 2)
    content = one + other
    assert unpack(content) == unpack(one)
    assert unpack(content, utmp.SIZE) == unpack(other)
    assert unpack(other).pid == utmp.type_and_pid_of(other)[1] == 7
    with pytest.raises(struct.error):
        unpack(content, utmp.SIZE + 1)


def test_parts_of_a_packed_record() -> None:
    ended = utmp.with_line_of(utmp.dead_process("r1", 10, 3), LOGGED_IN)
    assert unpack(ended) == unpack(utmp.dead_process("r1", 10, 3, line="tty2"))
    assert (*utmp.type_and_pid_of(ended), utmp.id_of(ended)) == (utmp.DEAD_PROCESS, 10, b"r1")
    assert utmp.id_of(NO_ID) == b""


def test_all_fields_are_kept() -> None:
    record = Record(7, 99, "tty1", "1", "joe", "example.org", 9, 3, 4711, 5, 6, bytes(range(16)))
    assert unpack(utmp.pack(record)) == record


def test_what_is_too_long_is_cut_and_what_is_no_utf8_is_kept() -> None:
    record = unpack(utmp.pack(Record(5, 1, "l" * 33, "\udcff1234", "u" * 33, "h" * 257)))
    assert (record.line, record.id, record.user, record.host) == ("l" * 32, "\udcff123", "u" * 32, "h" * 256)


@pytest.mark.parametrize(
    ("when", "seconds"),
    [(at(2**31, 0), 2**31), (at(2**32, 0), 0), (-1, 2**32 - 1)],
    ids=["2038", "2106", "1969"],
)
def test_a_clock_that_is_far_off_does_no_harm(when: int, seconds: int) -> None:
    assert unpack(utmp.boot_time(when)).seconds == seconds


BOOT = utmp.boot_time(1)
LEVEL = utmp.run_level("2", "N", 2)
STARTED = utmp.init_process("r1", 10, 3)
LOGGED_IN = utmp.pack(Record(utmp.USER_PROCESS, 11, "tty2", "2", "joe"))
NO_ID = utmp.pack(Record(utmp.USER_PROCESS, 12, "pts/0", "", "joe"))
NOTHING = bytes(utmp.SIZE)
FILE = (NOTHING, BOOT, LEVEL, STARTED, LOGGED_IN, NO_ID)


@pytest.mark.parametrize(
    ("record", "index"),
    [
        (utmp.boot_time(9), 1),
        (utmp.run_level("3", "2", 9), 2),
        (utmp.pack(Record(utmp.NEW_TIME)), None),
        (utmp.pack(Record(utmp.OLD_TIME)), None),
        (utmp.init_process("r1", 20, 9), 3),
        (utmp.dead_process("r1", 10, 9), 3),
        (utmp.dead_process("2", 11, 9), 4),
        (utmp.init_process("r2", 20, 9), None),
        (utmp.init_process("r", 20, 9), None),
        (utmp.init_process("~~", 20, 9), None),
        (utmp.pack(Record(utmp.USER_PROCESS, 13, "pts/0", "")), 5),
        (utmp.pack(Record(utmp.USER_PROCESS, 13, "pts/0", "x")), 5),
        (utmp.pack(Record(utmp.USER_PROCESS, 13, "tty2", "")), 4),
        (utmp.pack(Record(utmp.USER_PROCESS, 13, "pts/1", "")), None),
    ],
)
def test_a_record_goes_where_pututxline_puts_it(record: bytes, index: int | None) -> None:
    content = b"".join(FILE)
    if index is None:
        assert place(content, record) == (len(content), None)
    else:
        assert place(content, record) == (index * utmp.SIZE, FILE[index])


def test_an_empty_file_is_begun() -> None:
    assert place(b"", BOOT) == (0, None)


def test_half_a_record_at_the_end_is_overwritten() -> None:
    content = BOOT + LEVEL[:100]
    assert place(content, LEVEL) == (utmp.SIZE, None)


def test_half_a_record_is_not_replaced() -> None:
    """Where a record was last, the file may have been cut off since."""
    assert utmp.replaces(STARTED, STARTED)
    assert not utmp.replaces(STARTED, STARTED[:-1])
    assert not utmp.replaces(STARTED, b"")
