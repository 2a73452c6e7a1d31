"""Scenarios with what follows from each step: ``STEP -> EFFECT; EFFECT``, compared in order.

Steps are those of simulator/steps.py, and MORE. Effects read as WORDS says. Starts, signals and questions are
always compared, other kinds of effects if the scenario names the kind anywhere; what is said is of a kind if
its first word is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sysvinit_py import __version__
from sysvinit_py.inittab.entry import Problem
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.simulator.language import parse
from sysvinit_py.simulator.steps import STEPS
from sysvinit_py.simulator.world import World

#: How effects read in a scenario; the first word is the kind.
WORDS: dict[type[fx.Effect], Callable[[Any, World], str]] = {
    fx.Start: lambda e, w: f"{'try' if e.terminal in w.gone else 'start'} {e.entry.id}",
    fx.Signal: lambda e, w: f"{'signal ' * isinstance(e.name, int)}{e.name} {w.id_of(e.group)}",
    fx.WatchTerminals: lambda e, w: f"watch {len(w.machine.awaited)}",
    fx.Say: lambda e, w: "say " + e.text.replace(__version__, "0"),
    fx.AskLevel: lambda e, w: "ask",
    fx.StopAsking: lambda e, w: "stop-asking",
    fx.SaneConsole: lambda e, w: "sane-console",
    fx.ShowStage: lambda e, w: f"show {e.stage}",
    fx.ReadInittab: lambda e, w: "read",
    fx.RecordBoot: lambda e, w: "record-boot",
    fx.RecordLevel: lambda e, w: f"record-level {e.level} from {e.old}",
    fx.RecordStart: lambda e, w: f"record-start {e.id}",
    fx.RecordEnd: lambda e, w: f"record-end {e.id}",
    fx.Reexecute: lambda e, w: "re-execute",
    fx.Probe: lambda e, w: f"probe {w.id_of(e.group)}",
}
ALWAYS = {"start", "TERM", "KILL", "signal", "ask"}

#: Steps that take apart what a simulation does at once.
MORE: dict[str, Callable[[World], object]] = {
    "look": lambda w: w.look_at_terminals(),
    "re-execution": lambda w: w.reexecute(),
    "inittab incomplete": lambda w: w.feed(
        ev.InittabRead(w.inittab, (Problem("x.tab", 0, "cannot be read"),), complete=False)
    ),
    "inittab is slow": lambda w: setattr(w, "answers", False),
    "inittab is read": lambda w: w.feed(w.inittab_read()),
}


def do(world: World, step: str) -> None:
    """Carry out one step."""
    if step in MORE:
        MORE[step](world)
        return
    [line] = (line for line in parse(step).lines if line.number)
    STEPS[line.form](world, *line.values)


def play(inittab: str, scenario: str) -> World:
    """Play a scenario; AssertionError names the line that came out differently."""
    world = World(inittab)
    lines = [line.strip() for line in scenario.split("\n") if line.strip()]
    wanted = [effect for line in lines for effect in _effects_of(line)]
    kinds = ALWAYS | set(map(_kind, wanted))
    came: list[str] = []
    for line in lines:
        world.effects.clear()
        step = line.split("->")[0].strip()
        do(world, step)
        shown = [WORDS[type(effect)](effect, world) for effect in world.effects]
        came.append(f"{step} -> {'; '.join(s for s in shown if _kind(s) in kinds)}")
    normal = [f"{line.split('->')[0].strip()} -> {'; '.join(_effects_of(line))}" for line in lines]
    for n, (is_, should) in enumerate(zip(came, normal, strict=True)):
        assert is_ == should, "\n".join(["", *came[:n], f"  is:     {is_}", f"  should: {should}"])
    return world


def _kind(effect: str) -> str:
    first, *more = effect.split()
    return f"say {more[0]}" if first == "say" else first


def _effects_of(line: str) -> list[str]:
    _, _, effects = line.partition("->")
    return [" ".join(effect.split()) for effect in effects.split(";") if effect.strip()]
