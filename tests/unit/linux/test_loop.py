"""The loop, with sources of the test's own: in which order, how long, and what an error leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE, Loop, Source, clock


class Pipe(Source):
    """Yields what is written to it, a word at a time."""

    deadline: float | None = None

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.closed = False
        self.served = 0

    def send(self, text: bytes) -> None:
        os.write(self.write_end, text)

    def wanted(self) -> tuple[tuple[int, int], ...]:
        return ((-1 if self.closed else self.read_end, READABLE),)

    def serve(self, ready: set[int], now: float) -> Iterator[bytes]:
        self.served += 1
        if self.read_end in ready:
            yield from os.read(self.read_end, 100).split()
        if self.is_due(now):
            self.deadline = None
            yield b"due"


@pytest.fixture
def pipes() -> Iterator[tuple[Pipe, Pipe]]:
    pipes = Pipe(), Pipe()
    yield pipes
    for pipe in pipes:
        os.close(pipe.read_end)
        os.close(pipe.write_end)


def turn(loop: Loop) -> list[bytes]:
    taken: list[bytes] = []
    loop.turn(taken.extend)
    return taken


def test_sources_are_served_in_their_order(pipes: tuple[Pipe, Pipe]) -> None:
    loop = Loop(pipes)
    for pipe, text in zip(reversed(pipes), (b"c d", b"a b"), strict=True):
        pipe.send(text)
    assert turn(loop) == [b"a", b"b", b"c", b"d"]


def test_a_deadline_ends_the_wait_and_not_too_early(pipes: tuple[Pipe, Pipe]) -> None:
    loop = Loop(pipes)
    pipes[1].deadline = clock() + 0.02
    assert turn(loop) == [b"due"]
    pipes[0].deadline = clock() - 1
    assert turn(loop) == [b"due"]


def test_the_wait_is_as_long_as_the_first_deadline(
    pipes: tuple[Pipe, Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int | None] = []

    class Poll:
        def register(self, fd: int, what: int) -> None:
            pass

        def poll(self, timeout: int | None) -> list[tuple[int, int]]:
            waits.append(timeout)
            return []

    monkeypatch.setattr(calls, "poll", Poll)
    monkeypatch.setattr(calls, "clock_gettime", lambda clock: 100.0)
    loop = Loop(pipes)
    for first, second in ((None, None), (100.5, 200.0), (None, 99.0), (100.0 + 2**31, None)):
        pipes[0].deadline, pipes[1].deadline = first, second
        turn(loop)
    assert waits == [None, 501, 0, 2**31 - 1]


def test_a_source_holds_those_after_it(pipes: tuple[Pipe, Pipe]) -> None:
    """Neither its descriptor nor its deadline wakes the loop."""
    first, second = pipes
    loop = Loop(pipes)
    second.send(b"later")
    second.deadline = clock() - 100
    first.send(b"now")
    first.holds_others = True
    assert turn(loop) == [b"now"]
    assert not second.served
    first.holds_others = False
    assert turn(loop) == [b"later", b"due"]


def test_a_closed_descriptor_is_not_waited_for(pipes: tuple[Pipe, Pipe]) -> None:
    first, second = pipes
    loop = Loop(pipes)
    first.send(b"a")
    second.send(b"b")
    assert turn(loop) == [b"a", b"b"]
    first.send(b"c")
    second.send(b"d")
    first.closed = True
    assert turn(loop) == [b"d"]
    first.closed = False
    assert turn(loop) == [b"c"]


def test_an_error_while_registering_leaves_nothing_out(
    pipes: tuple[Pipe, Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: what was registered half was taken for whole, and some sources were not waited for."""
    first, second = pipes
    loop = Loop(pipes)
    first.send(b"a")
    assert turn(loop) == [b"a"]

    class Fails:
        def register(self, fd: int, what: int) -> None:
            raise MemoryError

        def poll(self, timeout: int | None) -> list[tuple[int, int]]:
            return []

    first.closed = True  # for one turn it wants something else
    with monkeypatch.context() as patch:
        patch.setattr(calls, "poll", Fails)
        with pytest.raises(MemoryError):
            turn(loop)
    first.closed = False
    second.send(b"b")
    first.send(b"c")
    assert turn(loop) == [b"c", b"b"]


def test_an_event_is_taken_in_before_the_next_is_made(pipes: tuple[Pipe, Pipe]) -> None:
    """A request may be about what the one before it has changed."""
    steps: list[str] = []

    class Requests(Source):
        deadline: float | None = 0.0

        def serve(self, ready: set[int], now: float) -> Iterator[str]:
            for name in "ab":
                steps.append(f"{name} is made")
                yield name

    def take(events: object) -> None:
        assert isinstance(events, Iterator)
        steps.extend(f"{event} is taken in" for event in events)

    Loop([Requests()]).turn(take)
    assert steps == ["a is made", "a is taken in", "b is made", "b is taken in"]


def test_what_raises_leaves_the_rest_ready(pipes: tuple[Pipe, Pipe]) -> None:
    class Broken(Source):
        deadline: float | None = 0.0

        def serve(self, ready: set[int], now: float) -> Iterator[str]:
            self.deadline = None
            raise ValueError("broken")

    loop = Loop([Broken(), *pipes])
    pipes[0].send(b"a")
    with pytest.raises(ValueError, match="broken"):
        turn(loop)
    loop = Loop(pipes)  # in the next process image
    assert turn(loop) == [b"a"]


def test_no_deadline_is_too_far_away(pipes: tuple[Pipe, Pipe]) -> None:
    """poll(2) takes an int, and no infinity."""
    pipes[0].deadline = float("inf")
    pipes[1].send(b"a")
    assert turn(Loop(pipes)) == [b"a"]
