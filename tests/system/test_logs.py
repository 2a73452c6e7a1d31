"""Log directories beside Debian's svlogd: each reads and continues what the other has written."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sysvinit_py.logs.folder import Folder
from sysvinit_py.logs.lines import Lines
from sysvinit_py.logs.rules import parse
from sysvinit_py.logs.stamps import STAMPS
from sysvinit_py.logs.stamps import parse as parse_stamp

Svlogd = Callable[..., bytes]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def svlogd(debian_program: Callable[[str, str], Path]) -> Svlogd:
    """Return a function that lets C's svlogd write to a directory; it returns what svlogd says."""
    program = debian_program("runit", "usr/bin/svlogd")

    def run(path: Path, data: bytes, *options: str) -> bytes:
        command = [str(program), *options, str(path)]
        return subprocess.run(command, input=data, stderr=subprocess.PIPE, check=False, timeout=30).stderr

    return run


def ours(path: Path, data: bytes, stamp: str = "", length: int = 1000) -> None:
    """Write to a directory as svlogd does; as many bytes at once as it reads."""
    folder, lines = Folder(str(path), STAMPS.get(stamp), length=length), Lines()
    for start in range(0, len(data), 1024):
        assert folder.write(lines.feed(data[start : start + 1024]))
    folder.write(lines.end())
    assert not folder.busy
    folder.close()


def directory(path: Path, config: str = "") -> Path:
    path.mkdir()
    (path / "config").write_text(config)
    return path


def shape(path: Path) -> list[tuple[str, int, bytes]]:
    """What is in a directory but for the times: suffixes and names, modes, contents."""
    files = sorted(path.iterdir())
    return [(p.name[25:] if p.name[0] == "@" else p.name, p.stat().st_mode, p.read_bytes()) for p in files]


DATA = {
    "short": b"".join(b"%06d\n" % number for number in range(100)),
    "long": b"a" * 1000 + b"\n" + b"b" * 30 + b"\nc\n" + b"d" * 99 + b"\n",
    "mixed": b"".join(b"x" * (number * 37 % 151) + b"\n" for number in range(60)),
    "exact": (b"x" * 99 + b"\n") * 5 + b"y" * 100 + b"\n" + b"z" * 79 + b"\n" + b"w" * 80 + b"\n",
}


@pytest.mark.parametrize(
    "config",
    ["s100\nn0\n", "s100\nn3\n", "s20\nn0\n", "s19\nn0\n", "s1k\n", "s0\n", "", "s100\npweb: \nn0\n"],
)
@pytest.mark.parametrize("data", DATA)
def test_the_same_files_are_written(tmp_path: Path, svlogd: Svlogd, config: str, data: str) -> None:
    one, other = directory(tmp_path / "ours", config), directory(tmp_path / "theirs", config)
    ours(one, DATA[data], length=20)
    svlogd(other, DATA[data], "-l", "20")
    assert shape(one) == shape(other)


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_each_continues_what_the_other_has_begun(tmp_path: Path, svlogd: Svlogd, first: str) -> None:
    path = directory(tmp_path / "log", "s1000\nn0\n")
    for turn in range(6):
        data = b"".join(b"%d %06d\n" % (turn, number) for number in range(50))
        if (turn % 2 == 0) == (first == "ours"):
            ours(path, data, length=20)
        else:
            svlogd(path, data, "-l", "20")
    files = [*sorted(path.glob("@*.s")), path / "current"]
    expected = [b"%d %06d\n" % (turn, number) for turn in range(6) for number in range(50)]
    assert b"".join(file.read_bytes() for file in files) == b"".join(expected)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o744}
    assert not list(path.glob("@*.u")), "a clean end was taken for a crash"


@pytest.mark.parametrize("by_ours", [True, False], ids=["ours", "theirs"])
@pytest.mark.parametrize(
    ("content", "mode"),
    [(b"torn", 0o644), (b"torn", 0o655), (b"", 0o644), (b"whole\n", 0o744), (b"x", 0o700)],
)
def test_a_current_that_a_crash_left(
    tmp_path: Path, svlogd: Svlogd, by_ours: bool, content: bytes, mode: int
) -> None:
    shapes = []
    for run in (ours, svlogd):
        path = directory(tmp_path / run.__name__)
        (path / "current").write_bytes(content)
        (path / "current").chmod(mode)
        run(path, b"new\n")
        shapes.append(shape(path))
    assert shapes[not by_ours] == shapes[by_ours]


KILLED = """
    import sys, time
    from sysvinit_py.logs.folder import Folder
    folder = Folder(sys.argv[1])
    folder.write([b"one\\n", b"tw"])
    print("written", flush=True)
    time.sleep(60)
"""


def test_svlogd_recovers_what_we_left_when_killed(tmp_path: Path, svlogd: Svlogd) -> None:
    path = directory(tmp_path / "log")
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), path], stdout=subprocess.PIPE, cwd=ROOT
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert b"unable to lock" in svlogd(path, b"never\n")
        with pytest.raises(BlockingIOError):
            Folder(str(path))
        writer.kill()
    svlogd(path, b"new\n")
    (torn,) = path.glob("@*.u")
    assert (torn.read_bytes(), (path / "current").read_bytes()) == (b"one\ntw", b"new\n")


def test_svlogd_holds_the_lock_that_we_take(
    tmp_path: Path, debian_program: Callable[[str, str], Path]
) -> None:
    path = directory(tmp_path / "log")
    program = debian_program("runit", "usr/bin/svlogd")
    with subprocess.Popen([program, path], stdin=subprocess.PIPE) as running:
        deadline = time.monotonic() + 10
        while not (path / "current").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(BlockingIOError):
            Folder(str(path))
        assert running.stdin is not None
        running.stdin.close()
    ours(path, b"ours\n")
    assert (path / "current").read_bytes() == b"ours\n"


@pytest.mark.parametrize("name", ["t", "tt", "ttt"])
def test_stamps_are_svlogds(tmp_path: Path, svlogd: Svlogd, name: str) -> None:
    """TAI64N is 10 s ahead of UTC, as daemontools has it, in lines and in names."""
    now = time.time_ns()
    texts = []
    for run, options in ((ours, (name,)), (svlogd, ("-" + name,))):
        path = directory(tmp_path / run.__name__, "pP-\n")
        run(path, b"text\n", *options)
        stamp, _, text = (path / "current").read_bytes().partition(b" ")
        assert abs(parse_stamp(stamp) - now) < 20 * 10**9
        texts.append((len(stamp), text))
    assert texts == [texts[0]] * 2
    assert texts[0][1] == b"P-text\n"


def test_old_files_are_counted_as_svlogd_does(tmp_path: Path, svlogd: Svlogd) -> None:
    names = ["01.t", "02.s", "03.s", "04.t", "05", "06.s.gz", "07.x"]
    shapes = []
    for run, options in ((ours, ("", 20)), (svlogd, ("-l", "20"))):
        path = directory(tmp_path / run.__name__, "n2\ns30\n")
        for name in names:
            (path / f"@400000006b07f17d117ed0{name}").touch()
        run(path, b"a" * 22 + b"\n", *options)
        shapes.append(shape(path))
    assert shapes[0] == shapes[1]


def test_patterns_are_svlogds(tmp_path: Path, svlogd: Svlogd) -> None:
    """Any pattern of a few characters. C reads beyond the end of a line at a plus: z stands there."""
    chance = random.Random(8)
    for number in range(40):
        pattern = "".join(chance.choices("ab*+", k=chance.randrange(6))).rstrip("+").encode()
        texts = sorted({"".join(chance.choices("ab*+", k=chance.randrange(7))).encode() for _ in range(100)})
        path = directory(tmp_path / str(number), f"-{pattern.decode()}\n")
        svlogd(path, b"".join(b"zzzzzzzz\n" + text + b"\n" for text in texts))
        rules = parse(b"-" + pattern, str)
        kept = [text for text in (path / "current").read_bytes().split(b"\n")[:-1] if text != b"zzzzzzzz"]
        assert [text for text in texts if rules.select(text)[0]] == kept, pattern


def test_the_processor_does_the_same(tmp_path: Path, svlogd: Svlogd) -> None:
    config = "s40\nn0\n!tr a-z A-Z; cat /dev/fd/4; echo state >/dev/fd/5\n"
    data = b"a" * 30 + b"\n" + b"b" * 31 + b"\nc\n"
    one, other = directory(tmp_path / "ours", config), directory(tmp_path / "theirs", config)
    folder = Folder(str(one), length=20)
    folder.write(Lines().feed(data))
    deadline = time.monotonic() + 20
    while folder.busy and time.monotonic() < deadline:
        time.sleep(0.01)
        folder.flush()
    folder.close()
    svlogd(other, data, "-l", "20")
    assert shape(one) == shape(other)


# A disk of 64 KiB.


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "log", path], check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted: requires root")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def test_a_disk_that_is_full_for_a_while_loses_no_line(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysvinit_py.logs.folder.RETRY", 0.01)
    (small / "other").write_bytes(bytes(40 << 10))
    path = directory(small / "log")
    warned: list[str] = []
    folder = Folder(str(path), warn=warned.append)
    lines = [b"%060d\n" % number for number in range(600)]  # 36 KiB
    for start in range(0, 600, 10):
        deadline = time.monotonic() + 10
        while not folder.write(lines[start : start + 10]):
            assert time.monotonic() < deadline
            assert warned == [f"pausing: unable to write to current: {path}: No space left on device"]
            (small / "other").unlink(missing_ok=True)
            time.sleep(0.02)
    folder.close()
    assert (path / "current").read_bytes() == b"".join(lines)
    assert len(warned) == 2


def test_the_disk_is_never_fuller_than_the_rules_say(small: Path) -> None:
    """With N, a full disk costs old files, never the newest lines."""
    path = directory(small / "log", "s8k\nn50\nN1\n")
    folder = Folder(str(path))
    lines = [b"%060d\n" % number for number in range(5000)]
    for start in range(0, 5000, 100):
        assert folder.write(lines[start : start + 100])
    assert not folder.busy
    folder.close()
    files = [*sorted(path.glob("@*")), path / "current"]
    written = b"".join(file.read_bytes() for file in files)
    assert b"".join(lines).endswith(written)
    assert len(written) > 16 << 10


def test_a_killed_writer_never_grows_the_directory(tmp_path: Path) -> None:
    """Each kill leaves a current that is set aside: those are counted, too, unlike in C."""
    path = directory(tmp_path / "log", "n3\n")
    for _ in range(8):
        child = os.fork()
        if not child:
            Folder(str(path)).write([b"one\n"])
            os._exit(0)
        os.waitpid(child, 0)
    assert len(list(path.glob("@*.u"))) == 3
