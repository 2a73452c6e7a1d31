"""inittab simulate says what init does: random inittabs and lives, simulated and lived, compared.

What happens in such a life happens at moments that are at least APART from each other, or in one; what is at
the same moment is not compared between entries. A life that came out differently is lived once more, slower.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from sysvinit_py.clients.inittab.history import event_json
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.protocol import control, initctl
from sysvinit_py.report.history import Event
from sysvinit_py.simulator.explore import Dice
from sysvinit_py.simulator.language import parse
from sysvinit_py.simulator.life import Life, simulate
from sysvinit_py.simulator.world import TOKEN
from tests.system.conftest import OURS, Init
from tests.system.system import System

#: How many lives; .ci/nightly has more.
LIVES = int(os.environ.get("SYSVINIT_PY_LIVES", "20"))
AT_ONCE = 10
#: Seconds between two moments, and how much slower a life is lived the second time.
APART, SLOWER = 0.1, 3.0


class Story(NamedTuple):
    """An inittab, what its children do, and what happens."""

    entries: list[tuple[str, str, str, str, int]]  # id, levels, action, what it does, and hundredths
    steps: list[tuple[int, str]]  # hundredths after the boot, and a step of a scenario
    end: int

    def inittab(self, slower: float) -> str:
        """The inittab, so many times as slow."""
        lines = []
        for name, levels, action, words, hundredths in self.entries:
            command = f"/w {name} {words.format(hundredths / 100 * slower)}" if words else ""
            lines.append(f"{name}:{levels}:{action}:{command}\n")
        return "".join(lines)

    def scenario(self, slower: float) -> str:
        """The same as a scenario."""
        said = {"exit": "exit {} after {:.0f}ms", "kill": "signal {} after {:.0f}ms"}
        lines = []
        for name, _, _, words, hundredths in self.entries:
            what, _, number = words.rpartition(" ")[2].partition("=")
            if what in said:
                lines.append(f"child {name} {said[what].format(number, hundredths * 10 * slower)}")
            elif words == "deaf stay":
                lines += [f"child {name} runs", f"child {name} ignores TERM"]
            elif words:
                lines.append(f"child {name} runs")
        lines += [f"at {at * 10 * slower:.0f}ms {step}" for at, step in self.steps]
        return "\n".join((*lines, f"at {self.end * 10 * slower:.0f}ms end"))

    def simulated(self, slower: float = 1.0) -> Life:
        inittab = self.inittab(slower)
        return simulate(interpret((Source("/etc/inittab", inittab.encode()),)), parse(self.scenario(slower)))


def drawn(dice: Dice, ours: bool) -> Story:
    """Any story at all. Where C's init lives it, too, it has only what docs/differences.rst does not."""
    entries = [
        ("id", "23"[dice.below(2)], "initdefault", "", 0),
        ("si", "", "sysinit", "sleep={:.2f} exit=0", 20),
    ]
    actions = (
        "wait",
        "once",
        "respawn",
        "respawn",
        "ondemand",
        "bootwait",
        "boot",
        "powerwait",
        "powerfail",
        "ctrlaltdel",
        "kbrequest",
    )
    for number in range(4 + dice.below(4)):
        action = dice.one_of(actions)
        levels = "".join(level for level in "2345" if dice.below(2)) or "2"
        if action == "ondemand":
            levels = dice.one_of("ab")
        ends = f"sleep={{:.2f}} {dice.one_of(('exit=0', 'exit=3', 'kill=11'))}"
        stays = "deaf stay" if ours and dice.below(4) == 0 else "stay"
        words = ends if action in ("wait", "bootwait", "powerwait", "ctrlaltdel") or dice.below(2) else stays
        entries.append((f"e{number}", levels, action, words, 20 + 5 * dice.below(40)))
    menu = [
        *(f"telinit -t 1 {level}" for level in "2345"), "telinit -t 1 a", "telinit -t 1 b", "telinit -t 1 q",
        "power failed", "SIGINT", "SIGWINCH",
    ]  # fmt: skip
    if ours:
        menu += [f"{verb} e{n} answered ok" for verb in ("stop", "start", "restart") for n in range(4)]
    times = sorted(30 + 5 * dice.below(60) for _ in range(2 + dice.below(3)))
    return Story(entries, [(at, dice.one_of(menu)) for at in times], times[-1] + 70)


def moments(life: Life, story: Story) -> list[float]:
    times = {event.time for event in life.events if (event.what, event.word) != ("step", "end")}
    return sorted((*times, story.end / 100))


def shaken(story: Story) -> Iterator[Story]:
    """Yield the story with other times, a little: where that makes a difference, who is first is chance."""
    for shake in (1, 2):
        entries = [(*entry[:4], entry[4] + shake * number % 3) for number, entry in enumerate(story.entries)]
        yield story._replace(entries=entries)


def stories(ours: bool, seed: int) -> Iterator[Story]:
    """Yield stories whose moments are far enough apart, and of which all steps can be done."""
    dice = Dice(seed)
    while True:
        story = drawn(dice, ours)
        life = story.simulated()
        if life.failures or min(b - a for a, b in pairwise(moments(life, story))) < APART:
            continue
        told = simulated_history(life)
        if all(simulated_history(other.simulated()) == told for other in shaken(story)):
            yield story


def by_entry(events: list[dict[str, Any]]) -> dict[str, list[tuple[Any, ...]]]:
    """What has happened to each entry, and the levels, in order."""
    fields = ("event", "id", "level", "exit", "signal", "why")
    told = [tuple(event[field] for field in fields) for event in events if event["event"] != "read"]
    ids = {event["id"] for event in events if event["id"]}
    return {name: [event for event in told if event[1] in (name, None)] for name in sorted(ids)}


def simulated_history(life: Life) -> dict[str, list[tuple[Any, ...]]]:
    own = ("step", "message", "signal")
    return by_entry([event_json(event, 0.0) for event in life.events if event.what not in own])


def real_history(system: System, seconds: float) -> dict[str, list[tuple[Any, ...]]]:
    done = system.run(["/inittab", "history", "--json"], 60)
    events = json.loads(done.stdout)["events"]
    begun = next(datetime.fromisoformat(event["time"]) for event in events if event["event"] == "begin")
    return by_entry(
        [e for e in events if (datetime.fromisoformat(e["time"]) - begun).total_seconds() < seconds]
    )


def simulated_witness(life: Life) -> dict[str, list[str]]:
    """What the entries would write down."""
    seen: dict[str, list[str]] = {}
    level = ""
    for event in life.events:
        level = event.word if event.what == "level" else level
        if word := _written(event, level):
            seen.setdefault(event.id, []).append(word)
    return seen


def _written(event: Event, level: str) -> str:
    if event.what == "begin":
        return f"start {level if level not in '#*' else 'boot'}"
    if event.what == "signal" and event.word == "SIGTERM":
        return "TERM"
    by_itself = event.what == "end" and not event.word and event.status in (0, 3 << 8)
    return "end" if by_itself else ""


def real_witness(system: System, story: Story, until: float) -> dict[str, list[str]]:
    actions = {name: action for name, _, action, _, _ in story.entries}
    seen: dict[str, list[str]] = {}
    for event in system.witness.events():
        word = event.event
        if event.time >= until or word not in ("start", "TERM", "end"):
            continue
        if word == "start":
            level = event.env["RUNLEVEL"]
            word = f"start {'boot' if actions[event.tag] in ('sysinit', 'boot', 'bootwait') else level}"
        seen.setdefault(event.tag, []).append(word)
    return seen


def do(system: System, step: str) -> None:
    """Do to a real init what the scenario's step does to the simulated one."""
    first, *words = step.split()
    if first == "telinit":
        system.request(1, words[2], int(words[1]))
    elif first == "power":
        system.request(2, seconds=1)
    elif first in ("SIGINT", "SIGWINCH"):
        system.signal(getattr(signal, first))
    else:
        data = control.encode(control.Order(TOKEN, first, words[0], "0,tty1"))
        system.request(initctl.ENTRY, seconds=control.NOT_GIVEN, data=data)


def lived(story: Story, init: Init, slower: float) -> str:
    """Live it; return what is different."""
    life = story.simulated(slower)
    end = story.end / 100 * slower
    with System(init.program, story.inittab(slower), files={"/inittab": OURS}) as system:
        begun = system.witness.wait("si", timeout=30).time
        for at, step in story.steps:
            time.sleep(max(0.0, begun + at / 100 * slower - time.monotonic()))
            do(system, step)
        time.sleep(max(0.0, begun + end - time.monotonic()))
        pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
            (real_witness(system, story, begun + end), simulated_witness(life))
        ]
        if init.ours:
            pairs.append((real_history(system, end), simulated_history(life)))
    differ = [
        f"{name}\n  is:   {real.get(name)}\n  told: {told.get(name)}"
        for real, told in pairs
        for name in {*real, *told}
        if real.get(name) != told.get(name)
    ]
    return "\n".join((story.inittab(slower), story.scenario(slower), *differ)) if differ else ""


@pytest.mark.timeout(60 + 20 * LIVES)
def test_what_is_told_happens(init: Init, namespaces: None) -> None:
    """Per entry: the same starts and ends, in the same levels, for the same reasons, in the same order."""
    source = stories(init.ours, seed=21 if init.ours else 306)
    chosen = [next(source) for _ in range(LIVES // 2)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(lambda story: lived(story, init, 1.0), chosen))
    different = [story for story, differs in zip(chosen, said, strict=True) if differs]
    for story in different:  # it may have been the machine's noise: alone, and slower
        if differs := lived(story, init, SLOWER):
            pytest.fail(differs)
