"""What the targets accept. That it is true is tested in tests/system/lint, by running them."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.parser import parse
from sysvinit_py.lint.reading import JoinedLine, read
from sysvinit_py.lint.targets import (
    BUSYBOX,
    SYSVINIT_2_88,
    SYSVINIT_3_06,
    SYSVINIT_3_14,
    SYSVINIT_PY,
    TARGETS,
    Target,
    guess,
)

SOME = b"# c\n\nid:2:initdefault:\n x:S:Wait:+@/bin/a:b \n\xff:2:once:/\xfe\nbad\n"


def test_ours_is_the_parser_itself() -> None:
    assert read(SOME, "f", SYSVINIT_PY, {}) == parse(SOME, "f")


@pytest.mark.parametrize("target", [SYSVINIT_2_88, SYSVINIT_3_06, SYSVINIT_3_14])
def test_c_agrees_where_nothing_is_odd(target: Target) -> None:
    ours, theirs = parse(SOME, "f"), read(SOME, "f", target, {})
    assert theirs.entries == ours.entries
    assert [line.kind for line in theirs.lines] == [line.kind for line in ours.lines]
    assert [line.text for line in theirs.lines] == [line.text for line in ours.lines]
    assert theirs.final_newline == ours.final_newline


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("data", [b"", b"\n", b"x", SOME, SOME[:-1], b"a\\\nb\\\n", b"a\\", b"\\"])
def test_lines_are_the_file(target: Target, data: bytes) -> None:
    document = read(data, "f", target, {})
    written: list[str] = []
    for line in document.lines:
        assert line.number == len(written) + 1
        written += line.written if isinstance(line, JoinedLine) else [line.text]
    text = "\n".join(written) + "\n" * (document.final_newline and bool(data))
    assert text.encode("utf-8", "surrogateescape") == data


def test_a_nul_ends_the_line_for_c() -> None:
    (entry,) = read(b"x:2:once:/a\0:/b\n", "f", SYSVINIT_3_06, {}).entries
    assert entry.process == "/a"


def test_busybox_joins_lines_and_cuts_at_a_hash() -> None:
    (entry,) = read(b"tty1::once:/a \\\nb # c\n", "f", BUSYBOX, {}).entries
    assert (entry.id, entry.action, entry.process, entry.line) == ("tty1", "once", "/a b ", 1)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (b"", SYSVINIT_PY),
        (b"::sysinit:/x\n", BUSYBOX),
        (b"tty1::askfirst:/x\n", BUSYBOX),
        (b"id:2:initdefault:\n", SYSVINIT_PY),
        (b"#::sysinit:/x\n#::sysinit:/x\nid:2:initdefault:\n", SYSVINIT_PY),
        (b"1:2345:respawn:/sbin/getty 38400 tty1\n", SYSVINIT_PY),
        (b"tty1::respawn:/sbin/getty 38400 tty1\n", SYSVINIT_PY),
        (b"si::sysinit:/x\n", SYSVINIT_PY),
        (b"::sysinit:/x\n:3:initdefault:\n::ctrlaltdel:/x\n", BUSYBOX),
        (b"\xff\xfe::", SYSVINIT_PY),
    ],
)
def test_guess(text: bytes, target: Target) -> None:
    assert guess(text) is target
