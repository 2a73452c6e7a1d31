"""Requests on the FIFO: the bytes, and finding the next good one after bad ones (behaviour/initctl)."""

from __future__ import annotations

import struct
import time

import pytest

from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.initctl import Bogus, Decoder, Request, assignments, encode, environment_data

MAGIC = struct.pack("=i", 0x03091969)
THREE = Request(initctl.RUNLVL, "3", 5)
FIVE = Request(initctl.RUNLVL, "5", 5)
POWER = Request(initctl.POWERFAIL)
BOGUS = Bogus()


def decoded(*reads: bytes) -> list[Request | Bogus]:
    decoder = Decoder()
    return [found for read in reads for found in decoder.feed(read)] + decoder.flush()


@pytest.mark.parametrize(
    ("request_", "head"),
    [
        (Request(initctl.RUNLVL, "3", 3), "69190903 01000000 33000000 03000000"),
        (Request(initctl.RUNLVL, "2", -5), "69190903 01000000 32000000 fbffffff"),
        (Request(initctl.RUNLVL, "u", 3), "69190903 01000000 75000000 03000000"),
        (Request(initctl.SETENV, data=b"INIT_A=b\0INIT_C"), "69190903 06000000 00000000 00000000"),
    ],
)
def test_the_bytes_are_those_of_c_telinit(request_: Request, head: str) -> None:
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        pytest.skip("captured on a little-endian machine")
    sent = encode(request_)
    assert len(sent) == 384
    assert sent[:16].hex(" ", 4) == head
    assert sent[16:] == request_.data.ljust(368, b"\0")


def test_the_commands_have_the_numbers_of_initreq_h() -> None:
    commands = (
        initctl.START, initctl.RUNLVL, initctl.POWERFAIL, initctl.POWERFAILNOW,
        initctl.POWEROK, initctl.BSD, initctl.SETENV, initctl.UNSETENV,
    )  # fmt: skip
    assert commands == tuple(range(8))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request(initctl.SETENV, data=bytes(369)), "data of 369 bytes, at most 368 fit"),
        (Request(2**31), f"{2**31} is not an int32"),
        (Request(initctl.RUNLVL, "2", -(2**31) - 1), f"{-(2**31) - 1} is not an int32"),
    ],
)
def test_what_does_not_fit_is_refused(request_: Request, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encode(request_)


@pytest.mark.parametrize(
    ("code", "runlevel"),
    [(0x33, "3"), (0x7E, "~"), (0, "?"), (0x20, "?"), (0x7F, "?"), (0x133, "?"), (-1, "?"), (2**31 - 1, "?")],
)
def test_a_level_is_one_printable_character_whatever_its_code(code: int, runlevel: str) -> None:
    assert decoded(struct.pack("=iiii368x", 0x03091969, 1, code, 5)) == [Request(initctl.RUNLVL, runlevel, 5)]


def test_an_unknown_command_is_a_request_all_the_same() -> None:
    assert decoded(encode(Request(99))) == [Request(99)]


GOOD = encode(THREE)
NEXT = encode(FIVE)
ODD_REQUEST = Request(initctl.RUNLVL, "3", 5, bytes(367) + MAGIC[:1])
ODD = encode(ODD_REQUEST)


@pytest.mark.parametrize(
    ("reads", "found"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([GOOD], [THREE], id="one"),
        pytest.param([GOOD + NEXT + encode(POWER)], [THREE, FIVE, POWER], id="several in a read"),
        pytest.param([GOOD[:100], GOOD[100:]], [THREE], id="in two reads"),
        pytest.param([b"hello\n" + GOOD], [BOGUS, THREE], id="a line before"),
        pytest.param([b"x" * 384 + GOOD], [BOGUS, THREE], id="wrong magic"),
        pytest.param([bytes(100_000) + GOOD], [BOGUS, THREE], id="much before"),
        pytest.param([GOOD + b"x" * 50 + NEXT], [THREE, BOGUS, FIVE], id="a long one"),
        pytest.param([GOOD[:100] + NEXT], [BOGUS, FIVE], id="a short one"),
        pytest.param([GOOD[:4] + NEXT], [BOGUS, FIVE], id="nothing but a magic number"),
        pytest.param([GOOD[:383] + NEXT], [BOGUS, FIVE], id="short by one"),
        pytest.param([MAGIC * 1000 + NEXT], [BOGUS, FIVE], id="magic over and over"),
        pytest.param([b"x" + GOOD[:20] + b"y" + GOOD[:30] + NEXT], [BOGUS, FIVE], id="one run of all kinds"),
        pytest.param([b"x" + GOOD + b"x" + NEXT], [BOGUS, THREE, BOGUS, FIVE], id="two runs"),
        pytest.param([GOOD[:383]], [BOGUS], id="a short one and no more"),
        pytest.param([b"x"], [BOGUS], id="garbage and no more"),
        pytest.param([MAGIC[:2]], [BOGUS], id="half a magic number and no more"),
        pytest.param([b"x" + MAGIC[:2]], [BOGUS], id="garbage, then half a magic number"),
        pytest.param([b"x" + MAGIC[:3], GOOD[3:]], [BOGUS, THREE], id="magic cut by a read"),
        pytest.param([MAGIC[:3] + GOOD], [BOGUS, THREE], id="half a magic number before"),
        pytest.param([GOOD[:382] + NEXT[:2], NEXT[2:]], [BOGUS, FIVE], id="magic at the end of the short"),
        pytest.param([ODD + NEXT], [ODD_REQUEST, FIVE], id="ends as if in magic, another follows"),
        pytest.param([ODD], [ODD_REQUEST], id="ends as if in magic"),
        pytest.param([ODD + MAGIC[1:3]], [ODD_REQUEST, BOGUS], id="and more"),
    ],
)  # fmt: skip
def test_bad_ones_are_told_once_a_run_and_good_ones_are_all_found(
    reads: list[bytes], found: list[Request | Bogus]
) -> None:
    assert decoded(*reads) == found


def test_a_request_is_found_as_soon_as_it_is_whole() -> None:
    assert Decoder().feed(GOOD) == [THREE]


def test_garbage_is_told_as_soon_as_it_is_seen_and_again_after_the_fifo_was_empty() -> None:
    decoder = Decoder()
    assert decoder.feed(b"x") == [BOGUS]
    assert decoder.feed(b"y" * 10_000) == []
    assert decoder.flush() == []
    assert decoder.feed(b"z") == [BOGUS]


def test_nothing_is_left_over_after_a_flush() -> None:
    decoder = Decoder()
    decoder.feed(GOOD[:100])
    assert decoder.flush() == [BOGUS]
    assert decoder.flush() == []
    assert decoder.feed(GOOD) == [THREE]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"x" * 384, id="text"),
        pytest.param(MAGIC * 96, id="magic"),
        pytest.param(MAGIC[:3] * 128, id="nearly magic"),
        pytest.param(GOOD[:100], id="short"),
    ],
)
@pytest.mark.timed
def test_a_flood_costs_little(message: bytes) -> None:
    """Seconds of CPU for it would be too much: a flood starves nothing (behaviour/serving#floods)."""
    decoder = Decoder()
    read = message * (65_536 // len(message))  # as much as a FIFO holds
    started = time.process_time()
    for _ in range(100):
        decoder.feed(read)
    assert time.process_time() - started < 1.0


def test_little_is_kept_of_an_endless_message() -> None:
    decoder = Decoder()
    for _ in range(100):
        decoder.feed(b"x" * 65_536 + MAGIC)
    assert len(decoder._rest) < initctl.SIZE + 4


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", []),
        (b"INIT_A=b", [("INIT_A", "b")]),
        (b"INIT_A=b\0INIT_C\0", [("INIT_A", "b"), ("INIT_C", None)]),
        (b"INIT_A=\0", [("INIT_A", "")]),
        (b"INIT_A=b=c d\0", [("INIT_A", "b=c d")]),
        (b"INIT_A=b\0\0INIT_C\0", [("INIT_A", "b")]),
        (b"PATH=/\0=x\0", [("PATH", "/"), ("", "x")]),
        (b"INIT_A=\xff", [("INIT_A", "\udcff")]),
    ],
)
def test_variables_are_read_up_to_an_empty_one(data: bytes, found: list[tuple[str, str | None]]) -> None:
    assert assignments(data) == found


def test_variables_are_written_with_a_nul_after_each() -> None:
    assert environment_data([b"INIT_A=b", b"INIT_C"]) == b"INIT_A=b\0INIT_C\0"


@pytest.mark.parametrize("items", [[b"a" * 366], [b"a" * 360, b"b" * 5]])
def test_as_many_variables_fit_as_in_c_telinit(items: list[bytes]) -> None:
    assert len(encode(Request(initctl.SETENV, data=environment_data(items)))) == initctl.SIZE


@pytest.mark.parametrize("items", [[b"a" * 367], [b"a" * 360, b"b" * 6]])
def test_more_variables_than_c_telinit_takes_are_refused(items: list[bytes]) -> None:
    with pytest.raises(ValueError, match="369 bytes of variables, at most 368 fit"):
        environment_data(items)
