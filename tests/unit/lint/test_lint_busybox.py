"""INT7: BusyBox; and where things stand in what it joins from several lines."""

from __future__ import annotations

import pytest

from sysvinit_py.lint.targets import BUSYBOX
from tests.unit.lint.lint import findings, found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::sysinit:/etc/rcS", []),
        ("tty1:3:respawn:/sbin/getty 38400 tty1", ["1:6-7 INT701"]),
        ("rcS::sysinit:/etc/rcS", ["1:1-4 INT702"]),
        ("null::sysinit:/etc/rcS", []),
        ("vc/2::askfirst:-/bin/sh", []),
        ("ttyXYZ::askfirst:-/bin/sh", []),
        ("hvc0::respawn:/bin/login root", []),
        ("::respawn:/sbin/getty 115200 ttyS1", ["1:30-35 INT703"]),
        ("::sysinit: /etc/rcS", ["1:11-12 INT704"]),
        ("::sysinit: /etc/rcS >/x", []),
        ("# a \\\n::sysinit:/etc/rcS", ["1:1-5 INT705"]),
        ("::sysinit:/bin/a # b \\\n::sysinit:/etc/rcS", ["1:18-22 INT705"]),
        ("::sysinit:/bin/a \\\n-b # c", []),
        ("# a \\", []),  # joined to nothing
        ("::restart:/sbin/init\n::restart:/sbin/b\n::restart:/sbin/c", ["2:3-10 INT707", "3:3-10 INT707"]),
        ("::restart:/sbin/init\n::shutdown:/sbin/init 0", []),
        ("::once:/bin/a\n::sysinit:/bin/a\n::wait:/bin/a", ["1:8-14 INT708", "2:11-17 INT708"]),
        ("tty1::once:/bin/a\n/dev/tty1::wait:/bin/a", ["1:12-18 INT708"]),
        ("tty1::once:/bin/a\ntty2::once:/bin/a", []),
        # The first restart is lost to the shutdown, so the second counts.
        ("::restart:/bin/a\n::restart:/sbin/init\n::shutdown:/bin/a", ["1:11-17 INT708"]),
    ],
)
def test_busybox(text: str, expected: list[str]) -> None:
    assert found(text + "\n", BUSYBOX) == expected


def test_shared_console() -> None:
    assert found("::askfirst:-/bin/sh\n::respawn:/sbin/syslogd -n\n::respawn:/bin/sh\n", BUSYBOX) == [
        "3:11-18 INT706"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::sysinit:/bin/mount \\\n-a\n::once:\\\n", ["3:1-8 INT102"]),
        ("::nonsense:\\\n/bin/mount\n::once:/x\\\n\\\n", ["1:3-11 INT107"]),
        ("::once:/x\n::non\\\nsense:/x", ["2:3-6 INT107"]),
        ("\\\n\\\ntty1:2\\\n3:askfirst:/x", ["3:6-7 INT701"]),
        ("::respawn:/bin/a \\\n&& /bin/b 'c", ["1:11-18 INT502", "2:11-12 INT504"]),
        ("::respawn:\\\n/bin/\\\na &", ["3:3-4 INT405"]),
        ("::once:/\xc3\\\n\xa9", ["1:9-10 INT602"]),  # two bytes of one character
        ("::once:/x \\\n \\\n", ["1:10-11 INT603"]),
        ("::once:/x\\", ["1:11-11 INT604"]),  # behind the backslash
    ],
)
def test_the_place_is_in_the_line_as_written(text: str, expected: list[str]) -> None:
    """Regression: what stands in any of the joined lines was shown at the last of them."""
    final = "" if "INT604" in expected[-1] else "\n"
    assert found(f"{text}{final}".encode("latin-1"), BUSYBOX) == expected


def test_the_line_that_is_shown_is_the_one_of_the_place() -> None:
    (finding,) = findings("tty1::respawn:/sbin/getty \\\n 38400 \\\n tty2\n", BUSYBOX)
    assert (finding.line, finding.text) == (1, "tty1::respawn:/sbin/getty \\")


def test_a_comment_excuses_all_lines_of_the_next_entry() -> None:
    text = "# inittab-lint: disable=INT504\n::once:/bin/a \\\n 'b\n"
    assert found(text, BUSYBOX) == []
