"""What the lines of a scenario do, and what those that begin with ``expect`` have to find.

What cannot be done, or is not as expected, raises StepError.
"""

from __future__ import annotations

from sysvinit_py.machine import events as ev
from sysvinit_py.machine.limits import WAIT_TIME
from sysvinit_py.machine.stages import BOOT as BOOT_STAGE
from sysvinit_py.machine.stages import ENTERABLE, SYSINIT
from sysvinit_py.simulator.world import Behaviour, StepError, include

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sysvinit_py.report.history import Event
    from sysvinit_py.simulator.world import World

    Step = Callable[..., object]

_CORE = 0x80  # in a status of wait(2)
RUNS = "runs"
BOOT = ("boot [LEVEL]", "boot -b")
#: What is said to happen, and what events call it.
WHAT = {"starts": "begin", "ends": "end", "rests": "rest"}
#: How a scenario names the stages.
STAGES = {"sysinit": SYSINIT, "boot": BOOT_STAGE} | ENTERABLE


def _put(world: World, name: str, status: int, after: float | None) -> None:
    world.behaviours[name] = Behaviour(status, after)


def _leave_members(world: World, name: str, number: int, seconds: float | None) -> None:
    world.members[name] = number, seconds


def _until(world: World, until: float | None) -> float | None:
    """Return in how many seconds it will be so late."""
    return None if until is None else max(0.0, world.began + until - world.now)


def _assign(world: World, assignment: str) -> None:
    name, equals, value = assignment.partition("=")
    world.feed(ev.VariablesGiven(((name, value if equals else None),)))


def _path(terminal: str) -> str:
    return f"/dev/{terminal.removeprefix('/dev/')}"


def _ask(verb: str) -> Step:
    def ask(world: World, name: str, seconds: int | None, answer: str | None) -> None:
        world.ask(verb, name, None if seconds is None else float(seconds), answer=answer or "ok")

    return ask


def _is(found: str, wanted: str) -> None:
    if found != wanted:
        raise StepError(f"it is {found}" if found else "there is nothing")


# What is said of the whole life: of its events.


def _found(events: Sequence[Event], name: str | None, what: str) -> list[Event]:
    return [event for event in events if event.what == WHAT[what] and name in (None, event.id)]


def _at(event: Event, what: str) -> str:
    return f"{event.id} {what} at {event.time:.3f}"


def _never(events: Sequence[Event], name: str | None, what: str) -> None:
    for event in _found(events, name, what):
        raise StepError(_at(event, what))


def _happens(events: Sequence[Event], name: str, what: str, number: int | None, before: float | None) -> None:
    found = len([event for event in _found(events, name, what) if before is None or event.time < before])
    if not found if number is None else found != number:
        raise StepError(f"{name} {what} {found} times" if found else f"{name} never {what}")


def _in_order(events: Sequence[Event], name: str, what: str, other: str, others: str) -> None:
    first, second = _found(events, name, what), _found(events, other, others)
    if not first:
        raise StepError(f"{name} never {what}")
    if second and second[0].number < first[0].number:
        raise StepError(f"{_at(second[0], others)}, {_at(first[0], what)}")


def _entered(events: Sequence[Event], stage: str, before: float) -> None:
    times = [event.time for event in events if event.what == "level" and event.word == STAGES[stage]]
    if not times or times[0] >= before:
        raise StepError(f"it is entered at {times[0]:.3f}" if times else "it is never entered")


def _said(events: Sequence[Event], text: str, wanted: bool) -> None:
    times = [event.time for event in events if event.what == "message" and text in event.word]
    if bool(times) != wanted:
        raise StepError(f"it is said at {times[0]:.3f}" if times else "it is never said")


#: What has to be so in the whole life, whose events they are given when it is over.
OF_LIFE: dict[str, Step] = {
    "expect level STAGE before TIME": _entered,
    "expect [ID] never WHAT": _never,
    "expect ID WHAT [COUNT times] [before TIME]": _happens,
    "expect ID WHAT before ID WHAT": _in_order,
    "expect message TEXT": lambda events, text: _said(events, text, True),
    "expect no message TEXT": lambda events, text: _said(events, text, False),
}
#: Each form of a line, and what it does.
STEPS: dict[str, Step] = {
    "boot [LEVEL]": lambda w, level: w.boot(level or ""),
    "boot -b": lambda w: w.boot(emergency=True),
    "wait TIME": lambda w, seconds: w.wait(seconds),
    "end": lambda w: None,
    "child ID exit STATUS after TIME": lambda w, name, status, after: _put(w, name, status << 8, after),
    "child ID signal SIGNAL [CORE] after TIME": lambda w, name, number, core, after: _put(
        w, name, number | (_CORE if core else 0), after
    ),
    "child ID runs": lambda w, name: _put(w, name, 0, None),
    "child ID members COUNT [for TIME]": _leave_members,
    "child ID ignores TERM": lambda w, name: include(w.deaf, name),
    "child ID hangs": lambda w, name: include(w.frozen, name),
    "child ID thaws": lambda w, name: include(w.frozen, name, False),
    "child ID is missing": lambda w, name: include(w.missing, name),
    "child ID is there": lambda w, name: include(w.missing, name, False),
    "ID ends [with STATUS]": lambda w, name, status: w.end(name, (status or 0) << 8),
    "ID leaves a member": lambda w, name: w.leave_member(name),
    "member of ID ends": lambda w, name: w.end_members(name),
    "forks fail [until TIME]": lambda w, until: w.set_forks(False, _until(w, until)),
    "forks work": lambda w: w.set_forks(True),
    "terminal TERMINAL missing [until TIME]": lambda w, name, until: w.unplug(_path(name), _until(w, until)),
    "terminal TERMINAL there": lambda w, name: w.plug(_path(name)),
    "telinit [-t SECONDS] LEVEL": lambda w, seconds, level: w.feed(
        ev.LevelRequested(level, WAIT_TIME if seconds is None else float(seconds))
    ),
    "telinit -e ASSIGNMENT": _assign,
    "SIGHUP": lambda w: w.feed(ev.RereadRequested()),
    "SIGINT": lambda w: w.feed(ev.Called("ctrlaltdel")),
    "SIGWINCH": lambda w: w.feed(ev.Called("kbrequest")),
    "power POWER": lambda w, what: w.feed(ev.Called(f"power {what}")),
    "ctrlaltdel": lambda w: w.feed(ev.Called("ctrlaltdel")),
    "ctrl-alt-del": lambda w: w.feed(ev.Called("ctrlaltdel")),
    "kbrequest": lambda w: w.feed(ev.Called("kbrequest")),
    "resume": lambda w: w.feed(ev.Called("resume")),
    "wait time SECONDS": lambda w, seconds: w.feed(ev.WaitTimeGiven(float(seconds))),
    "answer [TEXT]": lambda w, text: w.feed(ev.LevelAnswered(text or "")),
    "no answer": lambda w: w.feed(ev.NoAnswer()),
    "no console": lambda w: setattr(w, "console", False),
    "stop ID [-t SECONDS] [answered WORD]": _ask("stop"),
    "start ID [-t SECONDS] [answered WORD]": _ask("start"),
    "restart ID [-t SECONDS] [answered WORD]": _ask("restart"),
    "kill ID [-s SIGNAL] [answered WORD]": lambda w, name, number, answer: w.ask(
        "kill", name, None, number or 15, answer or "ok"
    ),
    "edit ENTRY": lambda w, line: w.edit(line),
    "edit FILE": lambda w, file: w.take(w.files[file]),
    "remove ID": lambda w, name: w.remove(name),
    "inittab unreadable": lambda w: setattr(w, "readable", False),
    "expect ID STATE": lambda w, name, word: _is(w.state(name), "running" if word == RUNS else word),
    "expect ID held back by [ID]": lambda w, name, by: _is(w.holder(name), by or ""),
    "expect waits for [TEXT]": lambda w, what: _is(w.waits(), what or ""),
    "expect level STAGE": lambda w, stage: _is(w.machine.position.stage, STAGES[stage]),
}
