"""Translation of requests on the FIFO into events (behaviour/initctl)."""

from __future__ import annotations

from sysvinit_py.linux import terminals
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.steering import KILL, RELOAD, VERBS
from sysvinit_py.protocol import control, initctl
from sysvinit_py.protocol.initctl import Bogus, Request, assignments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.machine.machine import Machine

#: Requests that trigger entries, and the event that each stands for. They carry a wait time, too.
CALLS = {
    initctl.POWERFAIL: "power failed",
    initctl.POWERFAILNOW: "power low",
    initctl.POWEROK: "power ok",
    initctl.RESUME: "resume",
}


def _set(request: Request) -> ev.Event:
    return ev.VariablesGiven(tuple(assignments(request.data)))


def _unset(request: Request) -> ev.Event:
    return ev.VariablesGiven(tuple((name, None) for name, _ in assignments(request.data)))


_SIMPLE: dict[int, Callable[[Request], ev.Event]] = {
    initctl.RUNLVL: lambda request: ev.LevelRequested(request.runlevel, request.sleeptime),
    initctl.SETENV: _set,
    initctl.UNSETENV: _unset,
}


def _about_entry(request: Request) -> ev.Event:
    """Return the event of a request for one entry. Raises ValueError if it is malformed."""
    order = control.decode(request.data)
    if order.verb not in (*VERBS, KILL, RELOAD) or (order.verb == KILL and not order.signal):
        raise ValueError("not a verb")
    wait_time = None if request.sleeptime < 0 else float(request.sleeptime)
    return ev.EntryRequested(order.token, order.verb, order.id, order.by, wait_time, order.signal)


def events_of(
    request: Request | Bogus, machine: Machine, report: Callable[[str], None]
) -> tuple[ev.Event, ...]:
    """Return the events of a request; report garbage and unknown requests."""
    if isinstance(request, Bogus):
        report("got bogus initrequest")
        return ()
    if request.cmd in _SIMPLE:
        return (_SIMPLE[request.cmd](request),)
    if request.cmd in CALLS:
        return ev.WaitTimeGiven(request.sleeptime), ev.Called(CALLS[request.cmd])
    if request.cmd == initctl.TERMINALS:
        return (ev.TerminalsSeen(terminals.missing(machine.terminals)),)
    if request.cmd == initctl.ENTRY:
        try:
            return (_about_entry(request),)
        except ValueError as error:
            report(f"got bogus initrequest: {error}")
            return ()
    report("got unimplemented initrequest.")
    return ()
