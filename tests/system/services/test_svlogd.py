"""svlogd beside Debian's: the same input, options, directories and signals lead to the same files and words.

What is better than C is tested where C is seen to fail.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.system.oracle import OracleError
from tests.system.runit_oracle import program

ROOT = Path(__file__).parents[3]
OURS, C = "ours", "C"
BOTH = pytest.mark.parametrize("whose", [OURS, C])
_STAMP = re.compile(rb"@4[0-9a-f]{23}")


def command(whose: str, name: str = "svlogd") -> list[str]:
    """Return the words that execute a program of runit, ours or C's."""
    if whose == OURS:
        return [sys.executable, "-I", "-c", _RUN.format(str(ROOT)), name]
    try:
        return [program(name)]
    except OracleError as reason:
        pytest.skip(str(reason))


_RUN = """
import sys
sys.path.insert(0, {!r})
del sys.argv[0]
from sysvinit_py.clients.runit.__main__ import program
sys.exit(program()())
"""


def until(true: Callable[[], object], what: str, seconds: float = 10) -> None:
    end = time.monotonic() + seconds * PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what} is waited for in vain"
        time.sleep(0.01)


class Running:
    """A logger in a folder of its own, in which it has log directories."""

    def __init__(self, whose: str, cwd: Path, *words: str, dirs: tuple[str, ...] = ("d",)) -> None:
        self.cwd, self.dirs = cwd, dirs
        # Not where the disk may be full.
        self._said = cwd.with_name(f"said by {cwd.name} {len([*cwd.parent.glob('said by *')])}")
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [*command(whose), *words, *dirs], stdin=subprocess.PIPE, stderr=said, cwd=cwd, bufsize=0
            )
        assert self.process.stdin
        self.input = self.process.stdin
        until(self.reads, "a first line")

    def reads(self) -> bool:
        """Whether it sleeps in poll(2) or read(2), so that all is set up."""
        if self.process.poll() is not None:
            return True
        try:
            where = Path(f"/proc/{self.process.pid}/wchan").read_text()
        except OSError:
            return False
        return any(word in where for word in ("poll", "pipe", "nanosleep"))

    def write(self, data: bytes) -> None:
        """Write, and wait until it has been taken, and dealt with."""
        self.input.write(data)
        self.settle()

    def settle(self) -> None:
        time.sleep(0.1 * PATIENCE)
        until(self.reads, "sleep")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)
        self.settle()

    def end(self, *, close: bool = True, seconds: float = 10) -> int:
        if close:
            self.input.close()
        try:
            return self.process.wait(seconds * PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.input.close()

    @property
    def said(self) -> bytes:
        return _STAMP.sub(b"@STAMP", self._said.read_bytes())


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def start(whose: str, *words: str, config: str = "", dirs: tuple[str, ...] = ("d",)) -> Running:
        cwd = tmp_path / whose
        for name in dirs:
            (cwd / name).mkdir(parents=True, exist_ok=True)
            if config:
                (cwd / name / "config").write_text(config)
        running.append(Running(whose, cwd, *words, dirs=dirs))
        return running[-1]

    yield start
    for one in running:
        one.end()


def shape(path: Path) -> list[tuple[str, int, bytes]]:
    """Names without stamps, modes, contents without stamps."""
    return [
        (_STAMP.sub(b"@STAMP", file.name.encode()).decode(), file.stat().st_mode & 0o7777, contents(file))
        for file in sorted(path.iterdir())
    ]


def contents(file: Path) -> bytes:
    text = _STAMP.sub(b"@STAMP", file.read_bytes())
    return re.sub(rb"20..-..-..([_T])..:..:..\.\d{5}", rb"TIME\1", text)


def text(path: Path) -> bytes:
    """All that was written, the oldest first."""
    return b"".join(file.read_bytes() for file in [*sorted(path.glob("@*.[su]")), path / "current"])


LINES = b"one\n\ntab\there\n" + "ü".encode() + b"\x01\n" + b"0123456789\n" * 12 + b"x" * 3000 + b"\nend\n"

#: Options, and the config.
CASES = {
    "plain": ("", ""),
    "-t": ("-t", "s2000\nn3\n"),
    "-t and -l": ("-t -l 20", "s100\nn3\n"),
    "-tt and -l": ("-tt -l 50", "s200\nn0\n"),
    "-tt": ("-tt", "pPREFIX \n"),
    "-ttt": ("-t -t -t", "pPREFIX \n-*tab*\n"),
    "four t": ("-tttt", ""),
    "rotates": ("-v -l 20", "s100\nn2\n"),
    "keeps all": ("-v -l 20", "s100\nn0\n"),
    "-r": ("-r _", ""),
    "-R": ("-R eo", ""),
    "-R of nothing": ("-R ''", ""),
    "-r and -R": ("-rX -Ro", "-*X*\n"),
    "-R and -r": ("-Ro -r X", ""),
    "patterns": ("", "-*\n+one\n+0+1*\n+\n"),
    "copies": ("-t -l 10", "e*\nE+x\npPREFIX\n"),
    "-l that is no number": ("-l five", "-one\n"),
    "-l with a tail": ("-l5x -b 6", "-01234\n"),
    "--": ("-vt --", ""),
    "a processor": ("-v -l 5", "s1k\nn0\n!tr a-z A-Z; echo told >&2; echo state >&5\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_files_and_words(start: Start, case: str) -> None:
    options, config = CASES[case]
    found = []
    for whose in (OURS, C):
        logger = start(whose, *shlex.split(options), config=config)
        logger.write(LINES)
        status = logger.end()
        said = re.sub(rb"20..-..-..([_T])..:..:..\.\d{5}", rb"TIME\1", logger.said)
        # C reads less at once, and so hears earlier of the first end; ends at the same time are one signal.
        told = sorted(line for line in said.splitlines() if b"sigchild" not in line)
        words = told if "processor" in case else said
        found.append((status, words, shape(logger.cwd / "d")))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "words",
    ["", "-z", "-t", "-b 500 -l 1000 d", "-b 1000 -l 1000 d", "-r", "-r ab d", "-r '' d", "-R", "-l", "x y",
     "file", "''", "-"],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, words: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "d").mkdir()
    found = []
    for whose in (OURS, C):
        done = subprocess.run(
            [*command(whose), *shlex.split(words)], cwd=tmp_path, stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=30,
        )  # fmt: skip
        found.append((done.returncode, done.stdout, re.sub(rb"usage: \S+", b"usage: svlogd", done.stderr)))
    assert found[0] == found[1]


def test_one_directory_that_is_locked_does_not_stop_the_others(start: Start) -> None:
    found = []
    for whose in (OURS, C):
        first = start(whose, dirs=("d",))
        second = start(whose, dirs=("d", "other"))
        second.write(b"text\n")
        found.append((second.end(), second.said, text(second.cwd / "other")))
        first.end()
    assert found[0] == found[1]
    assert b"unable to lock directory: d: temporary failure\n" in found[0][1]


#: What is done, in order: text is written, a number is a signal, a function is called with the folder.
Step = bytes | int | Callable[[Path], object]
SIGNALS: dict[str, list[Step]] = {
    "TERM": [b"one\n", signal.SIGTERM],
    "HUP": [b"one\n", signal.SIGHUP, b"two\n"],
    "HUP in a line": [b"one\ntw", signal.SIGHUP, b"o\n"],
    "HUP reads config": [
        b"one\n", lambda path: (path / "d/config").write_text("-two\n"), signal.SIGHUP, b"two\n",
    ],
    "HUP, and all are gone": [b"one\n", lambda path: (path / "d").rename(path / "e"), signal.SIGHUP],
    "ALRM": [signal.SIGALRM, b"one\n", signal.SIGALRM, b"two\n", signal.SIGALRM, signal.SIGALRM],
    "ALRM in a line": [b"one\ntw", signal.SIGALRM, b"o\n"],
}  # fmt: skip


@pytest.mark.parametrize("case", SIGNALS)
def test_signals(start: Start, case: str) -> None:
    found = []
    for whose in (OURS, C):
        logger = start(whose, "-v", "-tt")
        for step in SIGNALS[case]:
            if isinstance(step, bytes):
                logger.write(step)
            elif callable(step):
                step(logger.cwd)
            else:
                logger.signal(step)
        ended = "TERM" in case or "gone" in case
        status = logger.end(close=not ended)
        folder = next(path for path in (logger.cwd / "d", logger.cwd / "e") if path.exists())
        found.append((status, logger.said, shape(folder)))
    assert found[0] == found[1]


def test_hup_opens_what_could_not_be_opened(start: Start, tmp_path: Path) -> None:
    found = []
    for whose in (OURS, C):
        logger = start(whose, "-v", dirs=("d", "late"))
        shutil.rmtree(logger.cwd / "late")
        logger.signal(signal.SIGHUP)
        (logger.cwd / "late").mkdir()
        logger.signal(signal.SIGHUP)
        logger.write(b"text\n")
        found.append((logger.end(), logger.said, shape(logger.cwd / "d"), shape(logger.cwd / "late")))
    assert found[0] == found[1]


def test_udp(start: Start) -> None:
    found = []
    for whose in (OURS, C):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
            heard.bind(("127.0.0.1", 0))
            heard.settimeout(10 * PATIENCE)
            port = heard.getsockname()[1]
            logger = start(whose, "-l", "10", config=f"pPRE \nU127.0.0.1:{port}\n-*no*\n")
            logger.write(b"a\nno\n0123456789\n012345678\n0123456789ABC\n")
            found.append([heard.recv(5000) for _ in range(4)])
            assert logger.end() == 0
            assert text(logger.cwd / "d") == b""
    assert found[0] == found[1]


@pytest.mark.parametrize("first", [OURS, C])
def test_each_continues_what_the_other_has_begun(start: Start, tmp_path: Path, first: str) -> None:
    """Also what the other left when it was killed."""
    other = C if first == OURS else OURS
    for name in (OURS, C):
        (tmp_path / name).mkdir()
    (tmp_path / first / "d").mkdir()
    (tmp_path / other / "d").symlink_to(tmp_path / first / "d")
    expected = b""
    for turn in range(6):
        logger = start((first, other)[turn % 2], config="s200\nn0\n")
        lines = b"".join(b"%d %06d\n" % (turn, number) for number in range(50))
        logger.write(lines)
        expected += lines
        if turn in (2, 3):
            logger.process.kill()
        logger.end()
    assert text(tmp_path / first / "d") == expected


# Better than C.


@BOTH
def test_the_last_line_needs_no_newline(start: Start, whose: str) -> None:
    """C drops it."""
    logger = start(whose)
    logger.write(b"one\ntwo")
    assert logger.end() == 0
    assert text(logger.cwd / "d") == (b"one\ntwo\n" if whose == OURS else b"one\n")


@BOTH
def test_term_ends_in_the_midst_of_a_line(start: Start, whose: str) -> None:
    """C goes on until the line ends or the input does, and drops it all the same."""
    logger = start(whose)
    logger.write(b"one\ntwo")
    logger.process.send_signal(signal.SIGTERM)
    if whose == OURS:
        assert logger.end(close=False) == 0
        assert text(logger.cwd / "d") == b"one\ntwo\n"
    else:
        with pytest.raises(subprocess.TimeoutExpired):
            logger.process.wait(1)


def test_term_takes_the_rest_of_a_line_and_leaves_what_follows(start: Start) -> None:
    """What is not read stays in the pipe, for the next logger: no line is torn, and none is lost."""
    logger = start(OURS)
    logger.write(b"one\ntw")
    logger.process.send_signal(signal.SIGSTOP)
    logger.process.send_signal(signal.SIGTERM)
    logger.input.write(b"o\nthree\n")
    reader = os.open(f"/proc/{logger.process.pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    logger.process.send_signal(signal.SIGCONT)
    assert logger.end(close=False) == 0
    assert text(logger.cwd / "d") + os.read(reader, 100) == b"one\ntwo\nthree\n"
    os.close(reader)


@BOTH
def test_a_processor_that_fails_has_a_rest(start: Start, whose: str) -> None:
    """C starts it some hundred times a second."""
    logger = start(whose, config="s30\n!echo run >>runs; exit 3\n")
    logger.write(b"0123456789\n" * 5)
    until((logger.cwd / "d/runs").exists, "the processor")
    time.sleep(1.5)
    runs = (logger.cwd / "d/runs").read_text().count("run")
    assert (runs <= 3) if whose == OURS else (runs > 20)
    assert b"svlogd: warning: processor failed, restart: d\n" in logger.said
    (logger.cwd / "d/config").unlink()
    for file in (logger.cwd / "d").glob("*.u"):
        file.unlink()
    logger.process.kill()


@BOTH
def test_a_processor_that_is_killed_has_failed(start: Start, whose: str) -> None:
    """C takes that for success, and keeps the nothing that it has written: the lines are lost."""
    logger = start(whose, "-l", "5", config="s30\n!test -e killed && exec cat; : >killed; kill -9 $$\n")
    logger.write(b"0123456789\n" * 3)
    logger.end()
    assert text(logger.cwd / "d") == (b"0123456789\n" * 3 if whose == OURS else b"89\n")


@BOTH
def test_old_files_of_a_processor(start: Start, whose: str) -> None:
    """C keeps one more than it is told."""
    logger = start(whose, "-l", "5", config="s30\nn2\n!cat\n")
    logger.write(b"0123456789\n" * 20)
    logger.end()
    assert len([*(logger.cwd / "d").glob("@*.s")]) == (2 if whose == OURS else 3)


@BOTH
def test_a_directory_that_is_named_twice(start: Start, whose: str) -> None:
    logger = start(whose, "d")
    logger.write(b"once\n")
    assert logger.end() == 0
    assert text(logger.cwd / "d") == b"once\n"
    warned = b"svlogd: warning: unable to lock directory: d: temporary failure\n"
    assert logger.said == (b"" if whose == OURS else warned)


@BOTH
def test_nobody_reads_what_is_copied(start: Start, whose: str) -> None:
    """C ends, and the line after that is lost."""
    logger = start(whose)
    logger.process.send_signal(signal.SIGPIPE)
    time.sleep(0.2)
    assert (logger.process.poll() is None) == (whose == OURS)
    if whose == OURS:
        logger.write(b"more\n")
        assert text(logger.cwd / "d") == b"more\n"


@BOTH
def test_a_size_that_is_none_is_reported(start: Start, whose: str) -> None:
    """C takes ``s 100`` for ``s0``, and never rotates, without a word."""
    logger = start(whose, config="s 100\n")
    logger.write(b"0123456789\n" * 50)
    logger.end()
    warned = b"svlogd: warning: d: config, line 1: not understood, ignored: s 100\n"
    assert logger.said == (warned if whose == OURS else b"")


@BOTH
def test_no_input(tmp_path: Path, whose: str) -> None:
    (tmp_path / "d").mkdir()
    script = 'exec "$@" d <&-'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command(whose)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0
    assert done.stderr.startswith(b"svlogd: warning: unable to read standard input: ")


# A full disk, in a file system of its own.


@pytest.fixture
def small(tmp_path: Path, namespaces: None) -> Iterator[Path]:
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "small", path], check=False).returncode:
        pytest.skip("a file system cannot be mounted")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


NUMBERED = b"".join(b"%07d\n" % number for number in range(10_000))


def fed(logger: Running) -> threading.Thread:
    def feed() -> None:
        logger.input.write(NUMBERED)
        logger.input.close()

    thread = threading.Thread(target=feed)
    thread.start()
    return thread


@BOTH
@pytest.mark.parametrize("number", [0, signal.SIGHUP])
def test_a_full_disk_loses_nothing(small: Path, whose: str, number: int) -> None:
    (small / "d").mkdir()
    (small / "d/config").write_text("s16000\nn0\n")
    (small / "fill").write_bytes(b"x" * 60_000)
    logger = Running(whose, small, "-v", "-l", "20")
    feeding = fed(logger)
    pausing = b"svlogd: pausing: unable to write to current: d: out of disk space\n"
    until(lambda: pausing in logger.said, "a pause")
    if number:
        logger.signal(number)
    (small / "fill").unlink()
    assert logger.end(close=False) == 0
    feeding.join()
    assert text(small / "d") == NUMBERED


@BOTH
def test_old_files_go_for_a_full_disk(small: Path, whose: str) -> None:
    (small / "d").mkdir()
    (small / "d/config").write_text("s16000\nN1\n")
    (small / "fill").write_bytes(b"x" * 60_000)
    logger = Running(whose, small, "-l", "20")
    fed(logger).join()
    assert logger.end(close=False) == 0
    assert b"svlogd: warning: out of disk space, delete: d/@STAMP.s\n" in logger.said
    assert NUMBERED.endswith(text(small / "d"))


@BOTH
def test_term_waits_for_a_full_disk(small: Path, whose: str) -> None:
    (small / "d").mkdir()
    (small / "d/config").write_text("s16000\nn0\n")
    (small / "fill").write_bytes(b"x" * 60_000)
    logger = Running(whose, small, "-v", "-l", "20")
    logger.input.write(NUMBERED[:60_000])
    until(lambda: b"pausing" in logger.said, "a pause")
    logger.process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        logger.process.wait(0.5)
    (small / "fill").unlink()
    reader = os.open(f"/proc/{logger.process.pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    assert logger.end(close=False) == 0
    rest = os.read(reader, 1 << 16)
    os.close(reader)
    lost = len(NUMBERED[:60_000]) - len(text(small / "d") + rest)
    assert lost == 0 if whose == OURS else lost >= 0


# Speed, memory, kills.


@BOTH
def test_kills_between_lines_lose_nothing(start: Start, tmp_path: Path, whose: str) -> None:
    """Three loggers in turn read one pipe, and each is killed while it waits."""
    path = tmp_path / "d"
    path.mkdir()
    (path / "config").write_text("s500\nn0\n")
    reader, writer = os.pipe()
    expected = b""
    for turn in range(4):
        with subprocess.Popen([*command(whose), str(path)], stdin=reader) as logger:
            lines = b"".join(b"%d %04d\n" % (turn, number) for number in range(60))
            os.write(writer, lines)
            expected += lines
            until((path / "current").exists, "its start")
            written = len(expected)
            until(partial(_is_long, path, written), "the lines")
            assert text(path) == expected
            logger.kill()
    os.close(reader)
    os.close(writer)


@pytest.mark.timed
def test_lines_a_second_and_memory(tmp_path: Path) -> None:
    """100,000 lines of 60 bytes a second with stamps, over rotations, at most 10 MB; C's are printed."""
    count = 300_000
    data = b"".join(b"%010d %s\n" % (number, b"x" * 48) for number in range(count))
    best = {OURS: 0.0, C: 0.0}
    for turn in range(5):
        for whose in (C, OURS):
            path = tmp_path / f"{whose}{turn}"
            path.mkdir()
            (path / "config").write_text("n0\n")
            with subprocess.Popen([*command(whose), "-tt", str(path)], stdin=subprocess.PIPE) as logger:
                assert logger.stdin
                until((path / "current").exists, "its start")
                begun = time.monotonic()
                logger.stdin.write(data)
                peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{logger.pid}/status").read_text())
                private = sum(map(int, re.findall(r"Private\S+\s+(\d+)", _smaps(logger.pid))))
                logger.stdin.close()
                logger.wait()
                best[whose] = max(best[whose], count / (time.monotonic() - begun))
            assert b"".join(line[26:] for line in text(path).splitlines(keepends=True)) == data
            shutil.rmtree(path)
        print(f"{best}, ours: {peak and peak[1]} KiB at most, {private} KiB private")
        if best[OURS] > 100_000:
            break
    assert best[OURS] > 100_000
    assert private < 10_000


def _is_long(path: Path, length: int) -> bool:
    return len(text(path)) == length


def _smaps(pid: int) -> str:
    return Path(f"/proc/{pid}/smaps_rollup").read_text()
