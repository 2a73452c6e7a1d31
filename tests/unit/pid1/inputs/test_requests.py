"""What a request means to the machine."""

from __future__ import annotations

from typing import Any

import pytest

from sysvinit_py.linux import terminals
from sysvinit_py.machine import events as ev
from sysvinit_py.pid1.inputs.requests import events_of
from sysvinit_py.protocol.initctl import Bogus, Request


class Machine:
    terminals = ("/dev/none", "/dev/null")


MACHINE: Any = Machine()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(1, "3", 7), (ev.LevelRequested("3", 7),)),
        (Request(2, sleeptime=1), (ev.WaitTimeGiven(1), ev.Called("power failed"))),
        (Request(3), (ev.WaitTimeGiven(0), ev.Called("power low"))),
        (Request(4), (ev.WaitTimeGiven(0), ev.Called("power ok"))),
        (Request(101, sleeptime=5), (ev.WaitTimeGiven(5), ev.Called("resume"))),
        (Request(102), (ev.TerminalsSeen(("/dev/none",)),)),
        (Request(6, data=b"A=1\0B\0"), (ev.VariablesGiven((("A", "1"), ("B", None))),)),
        (
            Request(103, sleeptime=-1, data=b"0123abcd stop 0,tty1 0 a \xff"),
            (ev.EntryRequested("0123abcd", "stop", "a \udcff", "0,tty1"),),
        ),
        (
            Request(103, sleeptime=0, data=b"0123abcd kill 0 9 web"),
            (ev.EntryRequested("0123abcd", "kill", "web", "0", 0.0, 9),),
        ),
        (
            Request(103, data=b"0123abcd reload 0 0 "),
            (ev.EntryRequested("0123abcd", "reload", "", "0", 0.0),),
        ),
        (Request(7, data=b"A=1\0B\0"), (ev.VariablesGiven((("A", None), ("B", None))),)),
    ],
)
def test_requests(monkeypatch: pytest.MonkeyPatch, request_: Request, expected: tuple[ev.Event, ...]) -> None:
    monkeypatch.setattr(terminals, "missing", lambda paths: tuple(p for p in paths if "none" in p))
    said: list[str] = []
    assert events_of(request_, MACHINE, said.append) == expected
    assert not said


@pytest.mark.parametrize(
    ("request_", "report"),
    [
        (Request(0), "got unimplemented initrequest."),
        (Request(5), "got unimplemented initrequest."),
        (Request(-9), "got unimplemented initrequest."),
        (Bogus(), "got bogus initrequest"),
        (Request(103), "got bogus initrequest: not five words"),
        (Request(103, data=b"0123abcd halt 0 0 web"), "got bogus initrequest: not a verb"),
        (Request(103, data=b"0123abcd kill 0 0 web"), "got bogus initrequest: not a verb"),
    ],
)
def test_what_is_not_understood_is_reported(request_: Request | Bogus, report: str) -> None:
    said: list[str] = []
    assert events_of(request_, MACHINE, said.append) == ()
    assert said == [report]
