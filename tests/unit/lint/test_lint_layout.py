"""The common layout: what is changed, what is left, and that it is read as before."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.lint import layout
from sysvinit_py.lint.layout import MeaningError, formatted, kept_returns
from sysvinit_py.lint.reading import read
from sysvinit_py.lint.suppressions import Suppressions
from sysvinit_py.lint.targets import (
    ALL,
    BUSYBOX,
    SYSVINIT_2_88,
    SYSVINIT_3_06,
    SYSVINIT_3_14,
    SYSVINIT_PY,
    Target,
)
from tests.support.corpus import samples

A = b"a:2:once:/a\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"\n \n\t\n", b""),
        (b" \t a:2:once:/a\n", A),
        (b"a:2:once:/a", A),
        (b"\n\n" + A + b" \n\t\n\n" + A.replace(b"a:", b"b:") + b"\n\n", A + b"\n" + b"b:2:once:/a\n"),
        (b"a:2:OnCe:/a\n", A),
        (b"a:3s2S2:once:/a\n", b"a:23S:once:/a\n"),
        (b"a:cb1a0:once:/a\n", b"a:01abc:once:/a\n"),
        (b"id:s:initdefault:\n", b"id:S:initdefault:\n"),
        (b"  # c \t\r\n" + A, b"# c\n" + A),
        (b"# c", b"# c\n"),
        (b"#\n" + A + b"   ", b"#\n" + A),
        (b"  # inittab-lint: disable=INT301 \t\n\n\n" + A, b"# inittab-lint: disable=INT301\n\n" + A),
        (b"\t# inittab: log size=1M \r\n" + A, b"# inittab: log size=1M\n" + A),
    ],
)
def test_it_is_laid_out(before: bytes, after: bytes) -> None:
    assert formatted(before, SYSVINIT_PY) == after


@pytest.mark.parametrize(
    "kept",
    [
        b"a :2:once:/a\n",  # whitespace belongs to the fields
        b"a:2:once: /a  b \n",
        b"a:2:once:/a\r\n",  # and a CR to the command
        b"a:23x:once:/a\n",
        b"a:3 2:once:/a\n",
        b"a:BA:once:/a\n",
        b"  bad line\n",
        b"a:2:once:/a\n  a:2:ONCE:/b\n",  # the second one is refused
        b"\r\n",
        b"   # c \\  \n",
        b"# inittab: log \r\r\n" + A,  # the second CR makes a word of it
        "  \u2003a:2:oncE:/a\n".encode(),
        b"\xef\xbb\xbfa:2:once:/a\n# c\n\xff:2:once:/\xfe\n",
        b"  a:2:once:/\0\n",
    ],
)
def test_it_is_left(kept: bytes) -> None:
    kept = kept.replace("  \u2003".encode(), "\u2003".encode()).replace(b"oncE", b"once")
    assert formatted(kept, SYSVINIT_PY) == kept


@pytest.mark.parametrize(
    ("target", "before", "after"),
    [
        (SYSVINIT_3_06, b" a:s2:ONCE:/a", b"a:s2:once:/a\n"),  # s is not S there
        (SYSVINIT_3_06, b"a:S2:once:/a\0b\n", b"a:S2:once:/a\0b\n"),
        (SYSVINIT_3_06, "a:2:\u212abrequest:/a\n".encode(), "a:2:\u212abrequest:/a\n".encode()),
        (SYSVINIT_2_88, b"   " + b"a:2:once:" + b"x" * 250 + b"\n", None),
        (SYSVINIT_3_14, b"# c ", b"# c\n"),
        (SYSVINIT_3_14, A + b"b:2:ONCE:/b", None),  # never read
        (SYSVINIT_3_06, A + b"  ", None),  # refused: no id
        (BUSYBOX, b" tty1::respawn:/a\n", None),  # a space in the name of the terminal
        (BUSYBOX, b"::once:/a \\\n\n\n\n::once:/b", b"::once:/a \\\n\n\n::once:/b\n"),
        (BUSYBOX, b"# c\\\n::once:/a\n", None),
        (BUSYBOX, b"# c\\ \n::once:/a\n", None),
        (BUSYBOX, b"::once:/a\\", b"::once:/a\\\n"),
        (BUSYBOX, b"# c \n\n\n::once:/a\n", b"# c\n\n::once:/a\n"),
    ],
)
def test_what_another_init_would_read_differently_is_left(
    target: Target, before: bytes, after: bytes | None
) -> None:
    assert formatted(before, target) == (before if after is None else after)


@pytest.mark.parametrize("target", ALL, ids=lambda target: str(target.name))
@pytest.mark.parametrize("sample", samples(), ids=lambda sample: str(sample.name))
def test_real_ones_are_read_as_before(sample: object, target: Target) -> None:
    data = getattr(sample, "path").read_bytes()  # noqa: B009
    after = formatted(data, target)
    assert formatted(after, target) == after
    one, other = (read(text, "", target, {}) for text in (data, after))
    assert [entry.process for entry in one.entries] == [entry.process for entry in other.entries]
    assert [(e.id, e.action, e.in_s) for e in one.entries if target.small_s] == [
        (e.id, e.action, e.in_s) for e in other.entries if target.small_s
    ]
    assert len(one.problems) == len(other.problems)


def test_options_and_suppressions_stay_with_their_entry() -> None:
    data = b"# inittab-file: log-to=/l \n \n\n # inittab: stop=INT \n\n\n\n"
    data += b"# inittab-lint: disable=INT301\r\n b:2:Once:/b\n"
    after = formatted(data, SYSVINIT_PY)
    one, other = (interpret((Source("f", text),)) for text in (data, after))
    assert one.files == other.files
    assert one.entries[0].options == other.entries[0].options
    assert one.entries[0].options.stop == 2
    assert Suppressions(read(after, "", SYSVINIT_PY, {})).hide("INT301", after.count(b"\n"))


def test_returns_that_stay_are_counted() -> None:
    assert kept_returns(b"# c\r\n\r\n" + A + b"b:2:once:/b\r\n", SYSVINIT_PY) == 2
    assert kept_returns(A, SYSVINIT_PY) == 0


@pytest.mark.parametrize("change", ["process", "id", "order"])
def test_nothing_is_returned_that_reads_differently(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard: whatever the layout does to a line, it is seen."""
    lines = {
        "process": lambda *_: iter(["a:2:once:/b", ""]),
        "id": lambda *_: iter(["b:2:once:/a", ""]),
        "order": lambda *_: iter(["a:2:once:/a", "a:2:once:/a", ""]),
    }
    monkeypatch.setattr(layout, "_lines", lines[change])
    with pytest.raises(MeaningError, match=r"sysvinit_py would no longer read the same in line [012]"):
        formatted(A, SYSVINIT_PY)


def test_a_comment_that_lost_its_entry_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_lines", lambda *_: iter(["a:2:once:/a", "# inittab: main", ""]))
    with pytest.raises(MeaningError):
        formatted(b"# inittab: main\n" + A, SYSVINIT_PY)
