"""An Init of the test's own parts: what a source raises is reported, and the others are served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import Source
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.machine import Machine
from sysvinit_py.pid1.init import Init
from sysvinit_py.pid1.survival import barrier, last_resort
from sysvinit_py.pid1.survival.barrier import Errors


class ServesForeverError(BaseException):
    """The end of the test's run."""


class Once(Source):
    """Has one event, or one error, at once."""

    deadline: float | None = 0.0

    def __init__(self, event: ev.Event | None) -> None:
        self.event = event

    def serve(self, ready: set[int], now: float) -> Iterator[ev.Event]:
        self.deadline = None
        if self.event is None:
            raise ValueError("broken")
        yield self.event


class Succession:
    """Can never hand over."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def hand_over(self, *more: str) -> None:
        self.asked += more
        raise OSError

    def hand_over_if_wanted(self) -> None:
        pass

    def rescue(self) -> None:
        pass


class Parts:
    """An Init that waits for these sources, and what has become of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports: list[str] = []
        self.recorded = 0
        self.succession: Any = Succession()
        self.machine = Machine()
        monkeypatch.setattr(calls, "sleep", lambda seconds: None)
        monkeypatch.setattr(barrier, "log_to_kernel", lambda text: None)

    def init(self, *sources: Source, **more: Any) -> Init:
        driver = Driver(self.machine, lambda effect: None, lambda: 0.0)
        options: dict[str, Any] = {
            "errors": Errors(), "report": self.report, "records": (self.record,),
            "withdraw": lambda: self.reports.append("withdrawn"), "first": (), **more,
        }  # fmt: skip
        return Init(sources, driver, self.succession, **options)

    def report(self, text: str, console: bool = True, log: bool = True) -> None:
        self.reports.append(text)

    def record(self) -> None:
        self.recorded += 1


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    return Parts(monkeypatch)


def serve_until_idle(init: Init, turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run it, for so many turns."""
    left = iter(range(turns))
    whole = init.turn

    def turn() -> None:
        if next(left, None) is None:
            raise ServesForeverError
        whole()

    def after_error(error: BaseException, _whole: Any = init._after_error) -> None:
        if isinstance(error, ServesForeverError):
            raise error
        _whole(error)

    monkeypatch.setattr(init, "turn", turn)
    monkeypatch.setattr(init, "_after_error", after_error)
    with pytest.raises(ServesForeverError):
        init.run()


def test_what_a_source_raises_does_not_starve_the_others(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = ev.WaitTimeGiven(7)
    serve_until_idle(parts.init(Once(None), Once(event)), 2, monkeypatch)
    assert parts.machine.wait_time == 7
    assert [report.partition(" at ")[0] for report in parts.reports] == ["error in init: ValueError: broken"]
    assert [word.startswith("--errors=1@") for word in parts.succession.asked] == [True]
    assert parts.recorded == 2


def test_a_first_step_that_raises_is_left_out(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def fails() -> None:
        raise KeyboardInterrupt

    init = parts.init(Once(ev.WaitTimeGiven(7)), first=(fails, lambda: done.append(1)))
    serve_until_idle(init, 1, monkeypatch)
    assert done == [1]
    assert parts.machine.wait_time == 7


def test_errors_in_a_row_end_in_the_last_resort(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr(last_resort, "serve", lambda *arguments: served.append(arguments))
    serve_until_idle(parts.init(Once(None), Once(None), Once(None)), 3, monkeypatch)
    assert len(parts.succession.asked) == 2
    assert len(served) == 1
