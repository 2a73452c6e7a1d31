"""Supervision of services: our runsvdir, sv and svlogd beside Debian's runit; ``--services``.

runsvdir is a child of PID 1, a shell, in namespaces of its own. What is measured of supervision is the sum of
all processes that are not services: ours are two, runit's one more than there are services.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench import packages
from bench.inits import BarePython, Debian, Entry, Init, Ours, Plan
from bench.stamps import END
from bench.tasks import BARE, FIRST, OURS, Measure, Task, Values
from bench.trial import Trial
from sysvinit_py.sandbox.sandbox import Content

RUNIT = "runit"
#: Where the services are inside; the programs.
SERVICES, PROGRAMS = "/services", "/programs"
BEGUN = 7  # a tag: runsvdir is started now
NAMES = ("runsvdir", "runsv", "sv", "svlogd")
#: Seconds after which a run that ends is followed by the next one at once, and some more.
UNTHROTTLED = 1.2
#: What 10,000 services have in supervise/ is too much for a sandbox. runit looks at a new directory twice.
_SCRIPT = f"""\
#!/bin/sh
mkdir {SERVICES} && mount -t tmpfs -o nr_inodes=0 services {SERVICES} && /usr/bin/python3 -IS /make
touch -d '1 hour ago' {SERVICES}
/s {BEGUN}
runsvdir -P {SERVICES} </dev/null >/dev/null 2>/errors &
wait
"""
_MAKE = f"""\
import os
for number in range(COUNT):
    os.mkdir(f"{SERVICES}/{{number:05}}")
    with open(f"{SERVICES}/{{number:05}}/run", "w") as run:
        run.write("#!/bin/sh\\nexec COMMAND\\n")
        os.fchmod(run.fileno(), 0o755)
"""


class Supervision(Init):
    """One whose programs are in a folder."""

    @property
    def programs(self) -> Path:
        """The folder, outside."""
        raise NotImplementedError

    def plan(self, entries: Sequence[Entry]) -> Plan:
        make = _MAKE.replace("COUNT", str(len(entries))).replace("COMMAND", entries[0].command)
        files: dict[str, Content] = {"/sbin/init": _SCRIPT, "/make": make}
        environment = {"PATH": f"{PROGRAMS}:/usr/bin:/bin"}
        return Plan(files, environment=environment, binds=[(str(self.programs), PROGRAMS)])


class OurServices(Supervision, Ours):
    """The one file, by its names."""

    @property
    def programs(self) -> Path:
        folder = packages.CACHE.with_name("bench") / "runit"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "runit"
        file.unlink(missing_ok=True)
        file.write_bytes(self.program.read_bytes())
        file.chmod(0o755)
        for name in NAMES:
            if not (folder / name).is_symlink():
                (folder / name).symlink_to("runit")
        return folder


class Runit(Supervision, Debian):
    """C's."""

    name, package, path = RUNIT, "runit", "usr/bin/runsvdir"

    @property
    def programs(self) -> Path:
        return self.program.parent


def all_inits(ours: Path) -> dict[str, Init]:
    """All of them by name; in the order in which they are run and shown."""
    inits = OurServices(ours), Runit(), BarePython(BARE, "os")
    return {init.name: init for init in inits}


class ServicesTrial(Trial):
    """A trial whose supervisor is not PID 1."""

    def own(self) -> Iterator[Path]:
        """Yield the folders in /proc of all processes that supervise: no services, nor PID 1."""
        below = [self._sandbox.pid]
        for pid in below:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                below += map(int, children.read_text().split())
            folder = Path(f"/proc/{pid}")
            if pid != below[0] and folder.joinpath("comm").read_text() not in ("s\n", "sh\n"):
                yield folder

    @property
    def cpu(self) -> float:
        return sum(int((folder / "schedstat").read_text().split()[0]) for folder in self.own()) / 1e9

    @property
    def wakeups(self) -> int:
        count = 0
        for folder in self.own():
            for line in (folder / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    count += int(line.split()[1])
        return count

    @property
    def memory(self) -> dict[str, int]:
        sizes: Counter[str] = Counter()
        for folder in self.own():
            for line in (folder / "smaps_rollup").read_text().splitlines()[1:]:
                sizes[line.split(":")[0]] += int(line.split()[1])
        return sizes

    @property
    def services(self) -> Path:
        """The folder of services, from outside."""
        return self._sandbox.path(SERVICES)

    def start(self, count: int) -> float:
        """Wait until all services run; return the seconds from runsvdir's start until then."""
        last = self.stamps.wait(FIRST, count, timeout=60)[-1].time
        return last - self.stamps.all(BEGUN)[0].time


def _trial(init: Init, words: str, count: int) -> ServicesTrial:
    return ServicesTrial(init, [Entry(f"{FIRST} {words}")] * count)


def start(init: Init, count: int) -> Values:
    """From exec of runsvdir until the last of so many services runs, in folders without supervise/."""
    with _trial(init, "stay", count) as trial:
        seconds = trial.start(count)
        trial.settle()
        return {"time": seconds * 1e3, "CPU": trial.cpu * 1e3}


def restart(init: Init) -> Values:
    """From the end of a service until it runs again; 25 services, of which one ends every 5 ms, after 1 s."""
    count, period = 25, 5000
    with _trial(init, f"turns {count} {period}", count) as trial:
        trial.start(count)
        trial.settle()
        time.sleep(UNTHROTTLED)
        trial.stamps.go()
        started = trial.stamps.wait(FIRST, 2 * count)[count:]
        delays = [
            (start.time - end.time) * 1e3 for start, end in zip(started, trial.stamps.all(END), strict=True)
        ]
        return {"median": statistics.median(delays), "worst": max(delays)}


def flood(init: Init, count: int) -> Values:
    """So many services end within a second, and are started again."""
    with _trial(init, f"turns {count} {1_000_000 // count}", count) as trial:
        trial.start(count)
        trial.settle()
        time.sleep(UNTHROTTLED)
        cpu = trial.cpu
        trial.stamps.go()
        started = trial.stamps.wait(FIRST, 2 * count)[count:]
        ended = trial.stamps.all(END)
        trial.settle()
        delays = [(start.time - end.time) * 1e3 for start, end in zip(started, ended, strict=True)]
        return {"CPU": (trial.cpu - cpu) * 1e3, "median": statistics.median(delays)}


def big(init: Init, count: int) -> Values:
    """From exec of runsvdir until so many services run; memory then; ``sv status`` of all."""
    with _trial(init, "stay", count) as trial:
        seconds = trial.start(count)
        trial.settle()
        sizes = trial.memory
        return {
            "time": seconds * 1e3,
            "CPU": trial.cpu * 1e3,
            "private": (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024,
            "processes": len([*trial.own()]),
            "sv status, CPU": _asked(init, trial, count, 1)["CPU"],
        }


def memory(init: Init, count: int) -> Values:
    """All processes but those of the services."""
    with _trial(init, "stay", count) as trial:
        trial.start(count)
        trial.settle()
        sizes = trial.memory
        return {
            "private": (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024,
            "PSS": sizes["Pss"] / 1024,
        }


def idle(init: Init, seconds: float, count: int = 100) -> Values:
    """Nothing happens."""
    with _trial(init, "stay", count) as trial:
        trial.start(count)
        trial.settle()
        time.sleep(1.2)  # runsvdir looks once more
        wakeups = trial.wakeups
        time.sleep(seconds)
        return {"wakeups": trial.wakeups - wakeups}


def status(init: Init, count: int, runs: int = 10) -> Values:
    """One ``sv status`` of all services; of an interpreter its start."""
    if not isinstance(init, Supervision):
        return _cost([str(init.program), "-ISc", "pass"], {}, runs)
    with _trial(init, "stay", count) as trial:
        trial.start(count)
        trial.settle()
        return _asked(init, trial, count, runs)


def _asked(init: Init, trial: ServicesTrial, count: int, runs: int) -> Values:
    """Return what ``sv status`` of all services costs, from outside."""
    assert isinstance(init, Supervision)
    words = [str(init.programs / "sv"), "status", *(f"{n:05}" for n in range(count))]
    return _cost(words, {"SVDIR": f"/proc/{trial._sandbox.pid}/root{SERVICES}"}, runs)


def _cost(words: list[str], environment: Mapping[str, str], runs: int) -> Values:
    """Return the medians of the time and of the processor time of a command, in milliseconds."""
    times, costs = [], []
    for _ in range(runs):
        began = time.monotonic()
        quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        pid = os.posix_spawn(words[0], words, environment, file_actions=quiet)
        _, code, used = os.wait4(pid, 0)
        times.append((time.monotonic() - began) * 1e3)
        costs.append((used.ru_utime + used.ru_stime) * 1e3)
        if code:
            raise RuntimeError(f"{words[:3]}: status {code}")
    return {"time": statistics.median(times), "CPU": statistics.median(costs)}


def log(init: Init, count: int) -> Values:
    """svlogd -tt takes so many lines, and rotates at a megabyte."""
    assert isinstance(init, Supervision)
    data = b"".join(b'10.0.0.1 - - "GET /index.html HTTP/1.1" 200 %08d\n' % n for n in range(count))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config").write_text("s1000000\nn0\n")
        words = [str(init.programs / "svlogd"), "-tt", folder]
        began = time.monotonic()
        with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
            assert process.stdin
            process.stdin.write(data)
            process.stdin.close()
            _, code, used = os.wait4(process.pid, 0)
            process.returncode = code
        seconds = time.monotonic() - began
        files = [file for file in Path(folder).iterdir() if file.name == "current" or file.name[0] == "@"]
        found = {line.rpartition(b" ")[2] for file in files for line in file.read_bytes().splitlines()}
        return {
            "time": seconds * 1e3,
            "CPU": (used.ru_utime + used.ru_stime) * 1e3,
            "lines lost": count - len(found),
        }


_CPU, _PSS = Measure("CPU", "ms"), Measure("PSS", "MB")


def _task(name: str, run: object, *measures: Measure, inits: tuple[str, ...] = (OURS, RUNIT),
          quick: bool = False, rounds: int = 5) -> Task:  # fmt: skip
    return Task(name, run, measures, inits, quick=quick, rounds=rounds, theirs=RUNIT)  # type: ignore[arg-type]


TASKS = (
    _task("start of 10", partial(start, count=10), Measure("time", "ms"), _CPU),
    _task("start of 100", partial(start, count=100), Measure("time", "ms", 1, RUNIT), _CPU, quick=True),
    _task("start of 300", partial(start, count=300), Measure("time", "ms"), _CPU),
    _task("start of 1,000", partial(start, count=1000), Measure("time", "ms"), _CPU, rounds=3),
    _task("restart", restart, Measure("median", "ms", 3, ""), Measure("worst", "ms"), quick=True),
    _task("1,000 ends in a second", partial(flood, count=1000), Measure("CPU", "ms", 1, RUNIT),
          Measure("median", "ms"), rounds=3),
    *(_task(f"memory, {count} services", partial(memory, count=count), Measure("private", "MB", 6, ""), _PSS,
            rounds=3, quick=count == 10) for count in (10, 100, 300)),
    _task("idle 60 s, 100 services", partial(idle, seconds=60), Measure("wakeups", "", 0, ""), rounds=1),
    _task("idle 6 s, 100 services", partial(idle, seconds=6), Measure("wakeups", "", 0, ""), rounds=1,
          quick=True),
    _task("sv status of 100", partial(status, count=100), Measure("time", "ms", 1.5, BARE),
          Measure("CPU", "ms", 1.5, BARE), inits=(OURS, RUNIT, BARE), quick=True),
    _task("10,000 services", partial(big, count=10_000), Measure("time", "ms"), _CPU,
          Measure("private", "MB"), Measure("processes", ""), Measure("sv status, CPU", "ms"),
          inits=(OURS,), rounds=1),
    _task("svlogd, 500,000 lines", partial(log, count=500_000), Measure("time", "ms", 5000, ""), _CPU,
          Measure("lines lost", "", 0, "")),
)  # fmt: skip
