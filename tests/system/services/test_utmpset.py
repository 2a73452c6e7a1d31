"""utmpset beside Debian's, in a mount namespace with a utmp and wtmp of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sysvinit_py.protocol.utmp import SIZE, Record, pack, unpack
from tests.system.services.test_svlogd import OURS, C, command

SCRIPT = """
mount -t tmpfs run /run; mount -t tmpfs log /var/log; cd "$1"; shift
test ! -e utmp || cp utmp /var/run/utmp; test ! -e wtmp || cp wtmp /var/log/wtmp
"$@"; status=$?
rm -f utmp wtmp; test ! -e /var/run/utmp || cp /var/run/utmp .
test ! -e /var/log/wtmp || cp -p /var/log/wtmp .
exit $status
"""


def record(type_: int, line: str) -> Record:
    return Record(type_, 77, line, line[-4:], "joe", "there", 3, 4, 9, 1000, 5, bytes(range(16)))


Found = tuple[int, str, list[Record] | None, list[Record] | None]


def run(path: Path, whose: str, utmp: list[Record] | None, words: list[str], rest: bytes = b"") -> Found:
    """Return its exit status, what it says, and the records of both files, all times as 0."""
    path.mkdir()
    if utmp is not None:
        (path / "utmp").write_bytes(b"".join(map(pack, utmp)) + rest)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", path, *command(whose, "utmpset"), *words],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    usage = done.stderr.replace(f"usage: {command(C, 'utmpset')[0]}", "usage: utmpset")
    return done.returncode, done.stdout + usage, records(path / "utmp"), records(path / "wtmp")


def records(path: Path) -> list[Record] | None:
    if not path.exists():
        return None
    content = path.read_bytes()
    found = [unpack(content, at) for at in range(0, len(content) - SIZE + 1, SIZE)]
    return [each if each.seconds == 1000 else each.replace(seconds=0) for each in found]


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize(
    ("utmp", "words"),
    [
        (None, ["tty1"]),
        ([], ["tty1"]),
        ([record(type_, "tty1") for type_ in range(10)], ["tty1"]),
        ([record(7, "tty2"), record(7, "tty1"), record(7, "tty1")], ["tty1"]),
        ([record(7, "tty2"), record(7, "tty1")], ["-w", "tty1"]),
        ([record(7, "tty1")], ["-ww", "--", "tty1", "more"]),
        ([record(7, "tty1")], ["tty1", "-w"]),
        ([record(7, "tty10")], ["-w", "tty1"]),
        ([record(7, "x" * 32)], ["x" * 31]),
        ([record(7, "")], ["-w", ""]),
        ([record(7, "tty1")], []),
        ([record(7, "tty1")], ["-w"]),
        ([record(7, "tty1")], ["-x", "tty1"]),
    ],
)
def test_the_same_records_and_words(tmp_path: Path, utmp: list[Record] | None, words: list[str]) -> None:
    ours, theirs = (run(tmp_path / whose, whose, utmp, words, b"torn") for whose in (OURS, C))
    assert ours == theirs


@pytest.mark.usefixtures("namespaces")
def test_wtmp_is_made_for_root_alone(tmp_path: Path) -> None:
    status, said, _, wtmp = run(tmp_path / "folder", OURS, [record(7, "tty1")], ["-w", "tty1"])
    assert (status, said, wtmp) == (0, "", [Record(8, line="tty1")])
    assert (tmp_path / "folder/wtmp").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("namespaces")
def test_a_line_may_fill_its_field(tmp_path: Path) -> None:
    """C does not find it."""
    line = "x" * 32
    ours, theirs = (run(tmp_path / whose, whose, [record(7, line)], [line]) for whose in (OURS, C))
    assert (ours[0], theirs[0]) == (0, 111)
    assert ours[2] == [record(8, line).replace(user="", host="", seconds=0)]
