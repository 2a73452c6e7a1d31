"""The tasks: what is measured, on which inits, and the budgets.

A task's function boots an init once and returns a value for each of the task's measures; the bench calls it
for each init in turn, round after round. The table of all tasks is at the end.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.inits import ONCE, Entry, Init
from bench.stamps import END, REAPED
from bench.trial import Trial

Values = Mapping[str, float]

REPOSITORY = Path(__file__).parents[1]

OURS, BY_GRAMMAR, SYSVINIT, BARE = "sysvinit_py", "sysvinit_py, inittab not plain", "sysvinit", "bare python3"
MODULES = "python3 with modules"
BOTH = (OURS, SYSVINIT)
#: Those that can be told to run several things.
SUPERVISORS = (*BOTH, "busybox", "runit")

FIRST, NEXT, DONE = 3, 4, 5  # tags


class Measure(NamedTuple):
    """One number of a task, smaller is better; and how much of it we may need."""

    name: str
    unit: str
    at_most: float | None = None  # times what the reference needs; None: no budget
    reference: str = SYSVINIT  # an init; "": at_most is in the unit


class Task(NamedTuple):
    """A row, or some, of the table."""

    name: str
    run: Callable[[Init], Values]
    measures: tuple[Measure, ...]
    inits: tuple[str, ...] = BOTH
    quick: bool = False  # also with --quick
    rounds: int | None = None  # at most
    ours: str = OURS  # whose budgets the measures have
    theirs: str = SYSVINIT  # what the ratio is to


# Starting.


def last_started(init: Init, count: int, shell: bool = False) -> Values:
    """From exec of the init until the last of ``count`` entries runs."""
    with Trial(init, [Entry(f"{FIRST} stay", ONCE, shell=shell)] * count) as trial:
        return {"time": (trial.stamps.wait(FIRST, count)[-1].time - trial.started) * 1e3}


def respawn(init: Init, others: int = 0, shell: bool = False) -> Values:
    """From the end of a process until its entry runs again; 25 entries, one of which ends every 5 ms."""
    entries, restarts, period = 25, 1 if init.delays_respawn else 8, 5000
    ends = entries * restarts
    turning = Entry(f"{FIRST} turns {ends} {period}", shell=shell)
    with Trial(init, [turning] * entries + _others(others)) as trial:
        trial.stamps.wait(FIRST, entries)
        trial.settle()
        cpu = trial.cpu
        trial.stamps.go()
        started = trial.stamps.wait(FIRST, entries + ends)[entries:]
        ended = trial.stamps.all(END)
        trial.settle()
        delays = [(start.time - end.time) * 1e3 for start, end in zip(started, ended, strict=True)]
        return {
            "median": statistics.median(delays),
            "p99": statistics.quantiles(delays, n=100)[98],
            "CPU of PID 1": (trial.cpu - cpu) * 1e6 / ends,
        }


# Runlevels and inittab.


def switch(init: Init, count: int, deaf: int = 0, shell: bool = False) -> Values:
    """From the request for a level until its first entry runs, with ``count`` processes to end."""
    old = [Entry(f"{FIRST} stay", shell=shell)] * count + [Entry(f"{FIRST} deaf")] * deaf
    with Trial(init, [*old, Entry(f"{NEXT} stay", ONCE, level="3", shell=shell)]) as trial:
        trial.stamps.wait(FIRST, count + deaf)
        trial.settle()
        cpu = trial.cpu
        asked = trial.request("3", wait_time=1)
        seconds = trial.stamps.wait(NEXT)[0].time - asked
        trial.settle()
        return {"time": seconds * 1e3, "CPU of PID 1": (trial.cpu - cpu) * 1e3}


def reread(init: Init, count: int) -> Values:
    """From the request to read an inittab of ``count`` entries until one runs that is new in it.

    Meanwhile orphans end, and the worst delay is the longest that one had to wait to be reaped.
    """
    entries = [Entry(f"{DONE} probe"), *_others(count)]
    with Trial(init, entries) as trial:
        trial.settle()
        trial.write_inittab([*entries, Entry(f"{NEXT} stay")])
        cpu = trial.cpu
        asked = trial.request("q")
        seconds = trial.stamps.wait(NEXT)[0].time - asked
        trial.settle()
        cpu = trial.cpu - cpu
        trial.stamps.go()
        trial.write_inittab(entries)
        time.sleep(0.02)
        trial.request("q")
        time.sleep(seconds + 0.1)
        trial.stamps.stop()
        trial.stamps.wait(DONE)
        return {
            "time": seconds * 1e3,
            "CPU of PID 1": cpu * 1e3,
            "worst reaping delay": trial.stamps.most / 1e6,
        }


def telinit(init: Init) -> Values:
    """One run of telinit, which asks for a variable to be set."""
    runs = 10
    command = "/usr/bin/python3 -IS -c pass" if init.name == BARE else "/sbin/telinit -e INIT_BENCH=1"
    with Trial(init, [Entry(f"{FIRST} time {runs} {command}", ONCE)]) as trial:
        trial.settle()
        trial.stamps.go()
        return {"time": statistics.median(stamp.time * 1e3 for stamp in trial.stamps.wait(FIRST, runs))}


# Standing there.


def orphans(init: Init, count: int) -> Values:
    """So many processes end one after the other whose parents have ended; all fall to PID 1."""
    with Trial(init, [Entry(f"{DONE} orphans {count}", ONCE)]) as trial:
        trial.settle()
        cpu = trial.cpu
        went = time.monotonic()
        trial.stamps.go()
        gone = trial.stamps.wait(REAPED)[0].time
        trial.settle()
        return {
            "CPU of PID 1": (trial.cpu - cpu) * 1e3,
            "time": (gone - went) * 1e3,
            "left at once": trial.stamps.most,
        }


def idle(init: Init, seconds: float) -> Values:
    """Nothing happens, with 10 children."""
    with Trial(init, [Entry(f"{FIRST} stay")] * 10) as trial:
        trial.stamps.wait(FIRST, 10)
        trial.settle()
        wakeups = trial.wakeups
        time.sleep(seconds)
        return {"wakeups": trial.wakeups - wakeups}


def memory(init: Init, count: int) -> Values:
    """PID 1's own, with so many children."""
    with Trial(init, [Entry(f"{FIRST} stay")] * count) as trial:
        trial.stamps.wait(FIRST, count)
        trial.settle()
        sizes = trial.memory
        return {
            "RSS": sizes["Rss"] / 1024,
            "PSS": sizes["Pss"] / 1024,
            "private": (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024,
        }


def lint(init: Init, count: int) -> Values:
    """inittab-lint on so many entries, as installed: with the system's Python."""
    inittab = "id:2:initdefault:\n" + "".join(
        f"{n:04x}:2345:respawn:/sbin/getty -L 38400 ttyS{n} vt100\n" for n in range(count)
    )
    command = ["/usr/bin/python3", "-m", "sysvinit_py.lint.cli", "--isolated", "-"]
    began = time.monotonic()
    done = subprocess.run(command, input=inittab.encode(), cwd=REPOSITORY, capture_output=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode())
    return {"time": seconds * 1e3}


def _others(count: int) -> list[Entry]:
    """Entries of another level."""
    return [Entry("0", level="5")] * count


_TIME = Measure("time", "ms")
_CPU = Measure("CPU of PID 1", "ms")
_RSS = Measure("RSS", "MB", 1.35, MODULES)
_PSS, _PRIVATE = Measure("PSS", "MB"), Measure("private", "MB")

TASKS = (
    Task("first child", partial(last_started, count=1), (Measure("time", "ms", 3, BARE),),
         (*SUPERVISORS, BY_GRAMMAR, "tini", BARE)),
    Task("last of 100 once", partial(last_started, count=100), (Measure("time", "ms", 0.75),),
         (*SUPERVISORS, BY_GRAMMAR, BARE), quick=True),
    Task("last of 1,000 once", partial(last_started, count=1000), (Measure("time", "ms", 0.75),),
         (*BOTH, BY_GRAMMAR, "busybox", BARE)),
    Task("respawn", respawn,
         (Measure("median", "ms", 0.5), Measure("p99", "ms", 0.6), Measure("CPU of PID 1", "µs")),
         (*SUPERVISORS, BARE), quick=True),
    Task("last of 100 once, by the shell", partial(last_started, count=100, shell=True), (_TIME,),
         (*BOTH, BARE)),
    Task("respawn, by the shell", partial(respawn, shell=True),
         (Measure("median", "ms"), Measure("p99", "ms"), Measure("CPU of PID 1", "µs")), (*BOTH, BARE)),
    Task("switch, 100 to end, by the shell", partial(switch, count=100, shell=True), (_TIME, _CPU)),
    Task("respawn, 10,000 other entries", partial(respawn, others=10_000),
         (Measure("median", "ms"), Measure("p99", "ms"), Measure("CPU of PID 1", "µs"))),
    Task("switch, 1 to end", partial(switch, count=1), (_TIME, _CPU)),
    Task("switch, 100 to end", partial(switch, count=100), (Measure("time", "ms", 0.75), _CPU), quick=True),
    Task("switch, 1,000 to end", partial(switch, count=1000), (Measure("time", "ms", 0.5), _CPU)),
    Task("switch, one ignores TERM for 1 s", partial(switch, count=0, deaf=1), (_TIME, _CPU)),
    Task("5,000 orphans", partial(orphans, count=5000),
         (Measure("CPU of PID 1", "ms", 0.8), _TIME, Measure("left at once", "")),
         (*BOTH, "busybox", "runit", "tini"), quick=True),
    Task("50,000 orphans", partial(orphans, count=50_000),
         (Measure("CPU of PID 1", "ms", 0.8), _TIME, Measure("left at once", "")),
         (*BOTH, "tini"), rounds=3),
    *(Task(f"re-read {count:,} entries", partial(reread, count=count),
           (Measure("time", "ms", most), Measure("CPU of PID 1", "ms", budget),
            Measure("worst reaping delay", "ms", 5 if budget else None, "")), (*BOTH, BY_GRAMMAR))
      for count, most, budget in ((10, 3, None), (1000, None, None), (10_000, 0.8, 0.5))),
    Task("telinit", telinit, (Measure("time", "ms", 3, BARE),), (*BOTH, BARE)),
    Task("idle 6 s", partial(idle, seconds=6), (Measure("wakeups", "", 0, ""),),
         SUPERVISORS, quick=True, rounds=1),
    Task("idle 60 s", partial(idle, seconds=60), (Measure("wakeups", "", 0, ""),), BOTH, rounds=1),
    Task("memory, 10 children", partial(memory, count=10),
         (_RSS, _PSS, _PRIVATE), (*SUPERVISORS, BARE, MODULES), quick=True),
    Task("memory, 1,000 children", partial(memory, count=1000),
         (_RSS, _PSS, _PRIVATE), (*BOTH, "busybox", BARE, MODULES)),
    *(Task(f"inittab-lint on {count:,} entries", partial(lint, count=count), (_TIME,), (OURS,))
      for count in (100, 10_000)),
)  # fmt: skip
