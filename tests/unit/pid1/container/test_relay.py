"""Output of the entries, on real pipes in the place of init's own streams."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from select import POLLOUT

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.pid1.container import relay as module
from sysvinit_py.pid1.container.relay import Relay


class Streams:
    """Pipes that stand for descriptors 1 and 2."""

    def __init__(self, *, same: bool = False) -> None:
        self.out, write_out = os.pipe()
        self.err, write_err = os.pipe()
        self.ends = {module.STDOUT: write_out, module.STDERR: write_out if same else write_err}
        self._all = [self.out, self.err, write_out, write_err]
        for fd in (self.out, self.err):
            os.set_blocking(fd, False)

    def read(self, fd: int) -> bytes:
        try:
            return os.read(fd, 1 << 20)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        for fd in self._all:
            os.close(fd)


@pytest.fixture(params=[False, True], ids=["two streams", "one stream"])
def streams(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Streams]:
    made = Streams(same=request.param)
    monkeypatch.setattr(module, "STDOUT", made.ends[1])
    monkeypatch.setattr(module, "STDERR", made.ends[2])
    yield made
    made.close()


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[Streams]:
    made = Streams()
    for name, number in (("STDOUT", 1), ("STDERR", 2)):
        monkeypatch.setattr(module, name, made.ends[number])
    monkeypatch.setattr(module, "_NAMES", {made.ends[1]: "stdout", made.ends[2]: "stderr"})
    yield made
    made.close()


def serve(relay: Relay, times: int = 1) -> None:
    for _ in range(times):
        relay.serve({fd for fd, _ in relay.wanted()}, 0.0)


def is_busy(relay: Relay) -> bool:
    """Whether it waits for whoever reads."""
    return any(what == POLLOUT for _, what in relay.wanted())


def make(form: str = "prefix", ids: tuple[str, ...] = ("a", "web"), coloured: bool = False) -> Relay:
    return Relay(form, lambda: ids, coloured)


def test_lines_go_to_their_stream(two: Streams) -> None:
    relay = make()
    capture = relay.capture("a")
    out, err = capture.ends[two.ends[1]], capture.ends[two.ends[2]]
    os.write(out, b"one\ntw")
    os.write(err, b"oops\n")
    serve(relay)
    assert (two.read(two.out), two.read(two.err)) == (b"a   | one\n", b"a   | oops\n")
    os.write(out, b"o\nlast")
    for fd in capture.owned:
        os.close(fd)
    serve(relay, 2)
    assert two.read(two.out) == b"a   | two\na   | last\n"
    assert relay.drained


def test_a_process_may_open_its_stream_again(two: Streams) -> None:
    """Whoever it has become; and its end blocks, as programs expect."""
    relay = make()
    capture = relay.capture("a")
    for fd in capture.owned:
        assert os.fstat(fd).st_mode & 0o777 == 0o622
        assert not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
        os.close(fd)
    serve(relay)


def test_json_names_the_stream(two: Streams) -> None:
    relay = make("json")
    capture = relay.capture("web")
    capture.process = 7
    os.write(capture.ends[two.ends[2]], b'say "x"\n')
    relay.say("own")
    serve(relay)
    own, line = map(json.loads, two.read(two.err).splitlines())
    assert (own["id"], own["pid"], own["line"]) == ("init", os.getpid(), "own")
    assert {name: line[name] for name in line if name != "time"} == {
        "id": "web", "pid": 7, "stream": "stderr", "line": 'say "x"',
    }  # fmt: skip
    for fd in capture.owned:
        os.close(fd)


def test_raw_is_left_alone(two: Streams) -> None:
    relay = make("raw")
    capture = relay.capture("a")
    assert capture.ends == {fd: fd for fd in two.ends.values()}
    assert not capture.owned
    assert relay.wanted() == ()
    relay.say("x\x1b\udcff")
    assert two.read(two.err) == b"init | x\\x1b\\xff\n"


def test_colours_are_of_the_prefix_alone(two: Streams) -> None:
    relay = make(coloured=True)
    capture = relay.capture("a")
    os.write(capture.ends[two.ends[1]], b"x\n")
    serve(relay)
    text = two.read(two.out)
    assert text.startswith(b"\x1b[")
    assert text.endswith(b"ma  \x1b[0m | x\n")
    for fd in capture.owned:
        os.close(fd)


def test_an_odd_id_is_escaped(two: Streams) -> None:
    relay = make(ids=("\x1b[2", "a"))
    capture = relay.capture("\x1b[2")
    os.write(capture.ends[two.ends[1]], b"x\n")
    serve(relay)
    assert two.read(two.out) == b"\\x1b[2 | x\n"
    for fd in capture.owned:
        os.close(fd)


def test_nothing_is_read_while_nobody_reads(streams: Streams) -> None:
    """What was read is kept, and its line is not mixed with another's, whether there is one stream or two."""
    relay = make()
    one, other = relay.capture("a"), relay.capture("web")
    line, written = b"x" * 999 + b"\n", 0
    while not is_busy(relay):
        written += os.write(one.ends[streams.ends[1]], line * 10)
        serve(relay)
    os.write(other.ends[streams.ends[1]], b"other\n")
    relay.say("own")
    serve(relay)
    text = b""
    while piece := streams.read(streams.out):
        text += piece
        serve(relay, 2)
    assert not is_busy(relay)
    assert text.count(b"a   | " + line) == written // 1000
    rest = text.replace(b"a   | " + line, b"").splitlines()
    same = streams.ends[1] == streams.ends[2]
    assert sorted(rest) == ([b"init | own"] if same else []) + [b"web | other"]
    for capture in (one, other):
        for fd in capture.owned:
            os.close(fd)


def test_a_reader_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services are read all the same."""
    out, write_out = os.pipe()
    os.close(out)
    monkeypatch.setattr(module, "STDOUT", write_out)
    monkeypatch.setattr(module, "STDERR", write_out)
    relay = make()
    capture = relay.capture("a")
    for _ in range(3):
        os.write(capture.ends[write_out], b"x\n" * 1000)
        relay.say("own")
        serve(relay)
    for fd in capture.owned:
        os.close(fd)
    serve(relay)
    assert relay.drained
    os.close(write_out)


def test_what_is_there_at_the_end(two: Streams) -> None:
    """Of a stream that somebody keeps open: no more is waited for."""
    relay = make()
    capture = relay.capture("a")
    os.write(capture.ends[two.ends[1]], b"half a line")
    relay.finish()
    assert two.read(two.out) == b"a   | half a line\n"
    assert relay.drained
    for fd in capture.owned:
        os.close(fd)


def test_no_descriptor_is_left_if_there_are_too_few(two: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = make()
    before = len(os.listdir("/proc/self/fd"))
    pipe2, calls_made = os.pipe2, []

    def second_fails(flags: int) -> tuple[int, int]:
        calls_made.append(flags)
        if len(calls_made) == 2:
            raise OSError(24, "EMFILE")
        return pipe2(flags)

    monkeypatch.setattr(calls, "pipe2", second_fails)
    with pytest.raises(OSError, match="EMFILE"):
        relay.capture("a")
    serve(relay)
    assert len(os.listdir("/proc/self/fd")) == before
