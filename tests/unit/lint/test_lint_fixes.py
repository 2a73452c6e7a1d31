"""Repairs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sysvinit_py.cli.options import UsageError
from sysvinit_py.lint.check import check
from sysvinit_py.lint.finding import Finding
from sysvinit_py.lint.fixes import diff, repair, write
from sysvinit_py.lint.targets import BUSYBOX, SYSVINIT_3_14, SYSVINIT_PY, Target
from sysvinit_py.linux.beneath import named_file


def repaired(data: bytes, *, unsafe: bool = False, target: Target = SYSVINIT_PY) -> bytes:
    def look(files: tuple[tuple[str, bytes], ...]) -> list[Finding]:
        return check(files, target, fragment=True)

    ((_, after),) = repair((("inittab", data),), look, unsafe=unsafe)
    return after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"x:2:once:/x\r\n\r\n# c\r\n", b"x:2:once:/x\n\n# c\n"),
        (b"x:2:once:/x  \t\n", b"x:2:once:/x\n"),
        (b"x:2:once:/x \r\n", b"x:2:once:/x\n"),
        (b"x:2:once:/x", b"x:2:once:/x\n"),
        (b"x:2:once:/x \r", b"x:2:once:/x\n"),
        (b"x:2:OnCe:/x\n", b"x:2:once:/x\n"),
        (b"x:2342:once:/x\n", b"x:234:once:/x\n"),
        (b"x:22:ONCE:/x \r", b"x:2:once:/x\n"),
        (b"\xff\xfe # \n", b"\xff\xfe # \n"),
        (b"x:2:once:/\xff \n", b"x:2:once:/\xff\n"),
        (b"x:2:once:/x \\ \n", b"x:2:once:/x \\ \n"),
        (b"x:2:respwan:/x\n", b"x:2:respwan:/x\n"),
        (b"# c  ", b"# c  \n"),
    ],
)
def test_safe(before: bytes, after: bytes) -> None:
    assert repaired(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"x:2:respwan:/x\n", b"x:2:respawn:/x\n"),
        (b"id:35:initdefault:\n", b"id:5:initdefault:\n"),
        (b"id:3:initdefault\n", b"id:3:initdefault:\n"),
        (b"x:2,3:once:/x\n", b"x:23:once:/x\n"),
        (b"x:0126:respawn:/x\n", b"x:12:respawn:/x\n"),
        (b"x:2:respawn:/x &\n", b"x:2:respawn:/x\n"),
        (b"x:2:respawn:/x >/y\n", b"x:2:respawn:exec /x >/y\n"),
        (b"x:2:respawn:+/x >/y\n", b"x:2:respawn:+exec /x >/y\n"),
        (b"x:06:wait:/bin/umount -a r\n", b"x:06:wait:/bin/umount -a -r\n"),
        (b"p::powerfailnow:/sbin/shutdown -c\n", b"p::powerokwait:/sbin/shutdown -c\n"),
        (
            b"x:2:respawn:/bin/login ttyl </dev/tty1 >/dev/tty1\n",
            b"x:2:respawn:exec /bin/login tty1 </dev/tty1 >/dev/tty1\n",
        ),
        ("x:2:once:/bin/x \u2013h\n".encode(), b"x:2:once:/bin/x -h\n"),
        (b"x:2:once:/b\0in/x\n", b"x:2:once:/bin/x\n"),
        (b"a :2:once:/x\n", b"a:2:once:/x\n"),
        (b"x:2:once:bin/x\n", b"x:2:once:/bin/x\n"),
        (b"x:2:once:/x\ry:2:once:/y\r", b"x:2:once:/x\ny:2:once:/y\n"),
        (b"# inittab-lint: disable=INT301\nx:2:once:/x\n", b"\nx:2:once:/x\n"),
    ],
)
def test_unsafe(before: bytes, after: bytes) -> None:
    target = SYSVINIT_3_14 if b"exec " in after else SYSVINIT_PY  # which does that by itself
    assert repaired(before, target=target) == before
    assert repaired(before, target=target, unsafe=True) == after


def test_for_other_targets() -> None:
    assert repaired(b"x:2:once:/x", target=SYSVINIT_3_14) == b"x:2:once:/x\n"
    assert repaired(b"tty1:3:once: /x", target=BUSYBOX, unsafe=True) == b"tty1::once:/x\n"
    assert repaired(b"::once:/x\\\n/y  \n", target=BUSYBOX) == b"::once:/x\\\n/y\n"


def test_several_files() -> None:
    def look(files: tuple[tuple[str, bytes], ...]) -> list[Finding]:
        return check(files, SYSVINIT_PY, fragment=True)

    files = (("a", b"x:2:once:/x \n"), ("b.tab", b"y:2:once:/y"))
    assert repair(files, look, unsafe=False) == (("a", b"x:2:once:/x\n"), ("b.tab", b"y:2:once:/y\n"))


def test_write_keeps_mode_owner_and_links(tmp_path: Path) -> None:
    path, link = tmp_path / "inittab", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to("inittab")
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    before = path.stat()
    write(named_file(str(link)), b"old", b"new")
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert link.is_symlink()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino  # replaced as a whole
    assert sorted(os.listdir(tmp_path)) == ["inittab", "link"]


def test_write_keeps_extended_attributes(tmp_path: Path) -> None:
    path = tmp_path / "inittab"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.label", b"x")
    except OSError as reason:
        pytest.skip(f"no extended attributes here: {reason}")
    os.utime(path, (0, 0))
    write(named_file(str(path)), b"old", b"new")
    assert os.getxattr(path, "user.label") == b"x"
    assert path.stat().st_mtime > 0


def test_a_write_that_fails_leaves_the_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "inittab"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        write(named_file(str(path)), b"old", b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["inittab"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"a\nb \nc\n", b"a\nb\nc\n", "--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b \n+b\n c\n"),
        (b"a", b"a\n", "--- f\n+++ f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        (b"a\r\n", b"a\n", "--- f\n+++ f\n@@ -1 +1 @@\n-a\\r\n+a\n"),
    ],
)
def test_diff(before: bytes, after: bytes, expected: str) -> None:
    assert diff("f", before, after) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"tty1:2:respawn:/bin/sh \\\n -c important\n", b"tty1::respawn:/bin/sh \\\n -c important\n"),
        (b"::sysinit: /bin/foo\\\n bar\n", b"::sysinit:/bin/foo\\\n bar\n"),
        (b"::sysinit:/bin/x\\\n \\\n\n", b"::sysinit:/bin/x\\\n\\\n\n"),
        (b"::res\\\npwan:/bin/x\n", b"::res\\\npwan:/bin/x\n"),  # in two lines: left alone
        (b"::once:/bin/x\\", b"::once:/bin/x\\\n"),
    ],
)
def test_of_an_entry_of_several_lines_only_what_stands_in_one_is_repaired(
    before: bytes, after: bytes
) -> None:
    """Regression: a repair replaced the last of the lines, whose columns are not those of the fields."""
    assert repaired(before, target=BUSYBOX, unsafe=True) == after
