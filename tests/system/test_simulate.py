"""inittab simulate says what init does: random inittabs and lives, simulated and lived, compared.

What a life is made of, steps and children that end by themselves, is at least APART from each other: two such
causes in one moment are a race in a real life. What follows from a cause may be in its moment, and is not
compared between entries. A life that came out differently is lived once more, slower.

Where an entry is throttled its rest is skipped: the clock of the real init is moved on (laterclock.c).
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sysvinit_py.clients.inittab.history import event_json
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.machine.limits import REST, STARTS_ALLOWED
from sysvinit_py.protocol import control, initctl
from sysvinit_py.report.history import Event
from sysvinit_py.sandbox.sandbox import KERNEL_ENVIRONMENT
from sysvinit_py.simulator.explore import Dice
from sysvinit_py.simulator.language import parse
from sysvinit_py.simulator.life import Life, simulate
from sysvinit_py.simulator.world import TOKEN
from tests.system.conftest import OURS, Init
from tests.system.system import System
from tests.system.witness import CC

#: How many lives; .ci/nightly has more.
LIVES = int(os.environ.get("SYSVINIT_PY_LIVES", "20"))
AT_ONCE = 10
#: Seconds between two moments, and how much slower a life is lived the second time.
APART, SLOWER = 0.1, 3.0
#: Hundredths from a skip to the end of the rest that it shortens. C's throttle goes by whole seconds: its
#: clock is moved on only then, and by so many seconds more.
BEFORE, WHOLE_SECONDS = 20, 2.5
INITTAB, CLOCK, LATER = "/etc/inittab", "/laterclock.so", "/later"
#: How often a story is shaken; and of how many stories one has an entry that is throttled.
SHAKES, LOOPS = 5, 3


class Entry(NamedTuple):
    """A line of an inittab, and what its children do: words for the witness."""

    id: str
    levels: str
    action: str
    words: str = ""  # with a place for the seconds that it takes
    hundredths: int = 0

    def line(self, slower: float) -> str:
        command = f"/w {self.id} {self.words.format(self.hundredths / 100 * slower)}" if self.words else ""
        return f"{self.id}:{self.levels}:{self.action}:{command}"

    def behaviour(self, slower: float) -> Iterator[str]:
        """Yield the same as lines of a scenario."""
        said = {"exit": "exit {} after {:.0f}ms", "kill": "signal {} after {:.0f}ms"}
        what, _, number = self.words.rpartition(" ")[2].partition("=")
        if self.words:
            does = said[what].format(number, self.hundredths * 10 * slower) if what in said else "runs"
            yield f"child {self.id} {does}"
        if self.words == DEAF:
            yield f"child {self.id} ignores TERM"


STAYS, DEAF = "stay", "deaf stay"


class Step(NamedTuple):
    """Something that happens, so many hundredths of a second after the boot."""

    at: int
    text: str
    entry: Entry | None = None  # which the inittab has from now on

    def scenario(self, slower: float) -> list[str]:
        if not self.entry:
            return [self.text]
        return [*self.entry.behaviour(slower), f"{self.text} {self.entry.line(slower)}"]


class Story(NamedTuple):
    """An inittab, and what happens until the end."""

    entries: list[Entry]
    steps: list[Step]
    end: int
    skips: int = 0  # hundredths after the boot, from where most of a rest is skipped; 0: nothing is

    def inittab(self, slower: float) -> str:
        return "".join(f"{entry.line(slower)}\n" for entry in self.entries)

    def scenario(self, slower: float, skipped: float) -> str:
        lines = [line for entry in self.entries for line in entry.behaviour(slower)]
        for step in self.steps:
            at = self.seconds(step.at, slower, skipped)
            lines += [f"at {at:.3f} {text}" for text in step.scenario(slower)]
        return "\n".join((*lines, f"at {self.seconds(self.end, slower, skipped):.3f} end"))

    def seconds(self, at: int, slower: float, skipped: float) -> float:
        """Return the moment on init's clock."""
        return at / 100 * slower + (skipped if self.skips and at > self.skips else 0.0)

    def played(self, slower: float, skipped: float) -> Life:
        inittab = self.inittab(slower)
        return simulate(
            interpret((Source(INITTAB, inittab.encode()),)), parse(self.scenario(slower, skipped))
        )

    def skipped(self, slower: float) -> float:
        """Return how many seconds are skipped: the first entry that rests is released soon after."""
        if not self.skips:
            return 0.0
        before = self._replace(end=self.skips, skips=0, steps=[s for s in self.steps if s.at < self.skips])
        begun = [event.time for event in before.played(slower, 0.0).events if event.what == "rest"]
        return begun[0] + REST - (self.skips + BEFORE) / 100 * slower if begun else 0.0


def some_levels(dice: Dice) -> str:
    return "".join(level for level in "2345" if dice.below(2)) or "2"


def some_end(dice: Dice) -> str:
    return f"sleep={{:.2f}} {dice.one_of(('exit=0', 'exit=3', 'kill=11'))}"


def some_entry(dice: Dice, name: str, actions: tuple[str, ...], ours: bool) -> Entry:
    action = dice.one_of(actions)
    levels = dice.one_of("ab") if action == "ondemand" else some_levels(dice)
    stays = DEAF if ours and dice.below(4) == 0 else STAYS
    ends = action in ("wait", "bootwait", "powerwait", "ctrlaltdel") or dice.below(2)
    return Entry(name, levels, action, some_end(dice) if ends else stays, 20 + 5 * dice.below(40))


IN_LEVELS = ("wait", "once", "respawn", "respawn", "ondemand")
AT_BOOT = ("bootwait", "boot", "sysinit")
ACTIONS = (*IN_LEVELS, *AT_BOOT[:2], "powerwait", "powerfail", "ctrlaltdel", "kbrequest")
EVENTS = ("power failed", "SIGINT", "SIGWINCH")


def some_edit(dice: Dice, at: int, entries: list[Entry], ours: bool) -> Iterator[Step]:
    """Yield an edit of the inittab, and perhaps a request to read it; without one the next level is it."""
    chosen = entries[2 + dice.below(len(entries) - 2)]
    what = dice.below(4 if ours else 3)
    if what == 0:
        yield Step(at, f"remove {chosen.id}")
    elif what == 1 or chosen.action not in IN_LEVELS or chosen.words == DEAF:
        yield Step(at, "edit", some_entry(dice, "new", IN_LEVELS, ours=False))
    elif what == 2:
        other = some_entry(dice, chosen.id, IN_LEVELS, ours=False)
        yield Step(at, "edit", chosen._replace(words=other.words, hundredths=other.hundredths))
    else:  # C ends what the levels before do not name
        yield Step(at, "edit", chosen._replace(levels=some_levels(dice), action=dice.one_of(IN_LEVELS[:4])))
    if dice.below(3):
        yield Step(at, "telinit -t 1 q")


def drawn(dice: Dice, ours: bool, loops: bool) -> Story:
    """Any story at all. Where C's init lives it, too, it has only what docs/differences.rst does not."""
    entries = [
        Entry("id", "23"[dice.below(2)], "initdefault"),
        Entry("si", "", "sysinit", "sleep={:.2f} exit=0", 20),
    ]
    entries += [some_entry(dice, f"e{n}", ACTIONS, ours) for n in range(2 if loops else 4 + dice.below(4))]
    period = 20 + 5 * dice.below(3)
    if loops:
        entries.append(Entry("loop", "23" + "45"[: dice.below(3)], "respawn", some_end(dice), period))
    menu = [
        *(f"telinit -t 1 {level}" for level in "2345"), "telinit -t 1 a", "telinit -t 1 b", "telinit -t 1 q",
        *EVENTS,
    ]  # fmt: skip
    if ours:
        menu += [f"{verb} e{n} answered ok" for verb in ("stop", "start", "restart") for n in range(2)]
    lasts = 40 + period * STARTS_ALLOWED + 5 * dice.below(10) if loops else 330
    times = sorted(30 + 5 * dice.below(lasts // 5 - 6) for _ in range(2 + dice.below(3)))
    if loops:  # and after it
        times = [at for at in times if dice.below(2)]
        times += sorted(lasts + BEFORE + 10 + 5 * dice.below(lasts // 5) for _ in range(1 + dice.below(2)))
    steps = []
    for at in times:
        edits = dice.below(3) == 0
        steps += [*some_edit(dice, at, entries, ours)] if edits else [Step(at, dice.one_of(menu))]
    end = max(times[-1] + 70, 2 * lasts if loops else 0)  # with the second rest
    return Story(entries, steps, end, lasts if loops else 0)


def is_clear(story: Story, life: Life, skipped: float) -> bool:
    """Return whether its moments are apart, each has one cause, and what is skipped has none."""
    happened = [event for event in life.events if (event.what, event.word) != ("step", "end")]
    skips = [story.skips / 100, story.skips / 100 + skipped] if skipped else []
    if any(skips[0] <= event.time <= skips[1] for event in happened if skips):
        return False
    causes = [event.time for event in happened if event.what == "end" and not event.word]
    causes.append(life.seconds)
    causes += {event.time for event in happened if event.what == "step"}
    causes += {event.time for event in happened if event.what == "signal" and event.word == "SIGKILL"}
    moments = {*(event.time for event in happened), *skips, life.seconds}
    return len(causes) == len({*causes}) and min(b - a for a, b in pairwise(sorted(moments))) >= APART - 1e-6


def is_forgotten(story: Story, life: Life) -> bool:
    """Return whether an entry is started by an event that came before a re-read, at which C forgets it."""
    ids = {entry.id for entry in story.entries if entry.action not in (*IN_LEVELS, *AT_BOOT)}
    called = [event.time for event in life.events if event.what == "step" and event.word in EVENTS]
    read = [event.time for event in life.events if event.what == "read"]
    return any(
        max(at for at in called if at <= event.time) < when < event.time
        for event in life.events
        for when in read
        if event.what == "begin" and event.id in ids
    )


def shaken(story: Story, skipped: float) -> Iterator[Life]:
    """Yield lives with other times, a little: where that makes a difference, who is first is chance."""
    for seed in range(SHAKES):
        dice = Dice(seed)
        entries = [entry._replace(hundredths=entry.hundredths + dice.below(3)) for entry in story.entries]
        yield story._replace(entries=entries).played(1.0, skipped)


def stories(ours: bool, seed: int) -> Iterator[Story]:
    """Yield stories whose moments are far enough apart, and of which all steps can be done."""
    dice = Dice(seed)
    for number in count():
        while not is_certain(story := drawn(dice, ours, loops=number % LOOPS == 0), ours):
            pass
        yield story


def is_certain(story: Story, ours: bool) -> bool:
    skipped = story.skipped(1.0)
    if story.skips and not skipped:
        return False
    life = story.played(1.0, skipped)
    if life.failures or not is_clear(story, life, skipped) or (not ours and is_forgotten(story, life)):
        return False
    told = simulated_history(life)
    return all(simulated_history(other) == told for other in shaken(story, skipped))


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
    actions = {entry.id: entry.action for entry in story.entries}
    seen: dict[str, list[str]] = {}
    for event in system.witness.events():
        word = event.event
        if event.time >= until or word not in ("start", "TERM", "end"):
            continue
        if word == "start":
            level = event.env["RUNLEVEL"]
            word = f"start {'boot' if actions.get(event.tag) in ('sysinit', 'boot', 'bootwait') else level}"
        seen.setdefault(event.tag, []).append(word)
    return seen


def do(step: Step, slower: float, system: System) -> None:
    """Do to a real init what the scenario's step does to the simulated one."""
    first, *words = step.text.split()
    if first in ("edit", "remove"):
        name = step.entry.id if step.entry else words[0]
        lines = {line.partition(":")[0]: line for line in system.path(INITTAB).read_text().splitlines()}
        lines[name] = step.entry.line(slower) if step.entry else ""
        system.write(INITTAB, "".join(f"{line}\n" for line in lines.values() if line))
    elif first == "telinit":
        system.request(1, words[2], int(words[1]))
    elif first == "power":
        system.request(2, seconds=1)
    elif first in ("SIGINT", "SIGWINCH"):
        system.signal(getattr(signal, first))
    else:
        data = control.encode(control.Order(TOKEN, first, words[0], "0,tty1"))
        system.request(initctl.ENTRY, seconds=control.NOT_GIVEN, data=data)


def move_on(seconds: float, system: System) -> None:
    """Move init's clock on, and have it look at it."""
    with system.path(LATER).open("r+b") as file:
        file.write(struct.pack("=q", int(seconds * 1e9)))
    system.signal(signal.SIGCHLD)


def lived(story: Story, init: Init, clock: Path, slower: float) -> str:
    """Live it; return what is different."""
    skipped = story.skipped(slower)
    life = story.played(slower, skipped)
    end = story.end / 100 * slower
    acts: list[tuple[int, Callable[[System], None]]]
    acts = [(step.at, partial(do, step, slower)) for step in story.steps]
    if story.skips:
        at, more = (story.skips, 0.0) if init.ours else (story.skips + BEFORE, WHOLE_SECONDS)
        acts.append((at, partial(move_on, skipped + more)))
    files = {"/inittab": OURS, CLOCK: clock, LATER: bytes(8)}
    environment = KERNEL_ENVIRONMENT | {"LD_PRELOAD": CLOCK}
    with System(init.program, story.inittab(slower), files=files, environment=environment) as system:
        begun = system.witness.wait("si", timeout=30).time
        for at, act in sorted(acts, key=lambda act: act[0]):
            time.sleep(max(0.0, begun + at / 100 * slower - time.monotonic()))
            act(system)
        time.sleep(max(0.0, begun + end - time.monotonic()))
        pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
            (real_witness(system, story, begun + end), simulated_witness(life))
        ]
        if init.ours:
            pairs.append((real_history(system, end + skipped), simulated_history(life)))
    differ = [
        f"{name}\n  is:   {real.get(name)}\n  told: {told.get(name)}"
        for real, told in pairs
        for name in {*real, *told}
        if real.get(name) != told.get(name)
    ]
    return "\n".join((story.inittab(slower), story.scenario(slower, skipped), *differ)) if differ else ""


@pytest.fixture(scope="session")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded into an init, so that its clock can be moved on."""
    library = tmp_path_factory.mktemp("clock") / "laterclock.so"
    source = Path(__file__).with_name("laterclock.c")
    subprocess.run([CC, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, source], check=True)
    return library


@pytest.mark.timeout(60 + 20 * LIVES)
def test_what_is_told_happens(init: Init, clock: Path, namespaces: None) -> None:
    """Per entry: the same starts and ends, in the same levels, for the same reasons, in the same order."""
    source = stories(init.ours, seed=21 if init.ours else 306)
    chosen = [next(source) for _ in range(LIVES // 2)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(lambda story: lived(story, init, clock, 1.0), chosen))
    different = [story for story, differs in zip(chosen, said, strict=True) if differs]
    # It may have been the machine's noise: alone, and slower.
    if differs := [*filter(None, (lived(story, init, clock, SLOWER) for story in different))]:
        pytest.fail("\n\n".join(differs))
