"""PID 1 of a container: ours beside tini with a script, s6, runit and supervisord; ``--containers``.

Each is PID 1 of namespaces of its own, as in a container. Its standard output is a pipe that is read here. No
engine is needed, and none is measured: a stop is a SIGTERM, and SIGKILL after ten seconds, as engines do.
"""

from __future__ import annotations

import os
import re
import select
import signal
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from bench import packages
from bench.inits import ONCE, Debian, Entry, Init, Ours, Plan
from bench.stamps import BYE, END
from bench.tasks import DONE, FIRST, Measure, Task, Values
from bench.trial import Trial
from sysvinit_py.sandbox.sandbox import Content, Sandbox

OURS, SUPERVISORD = "container-init", "supervisord"
#: The entry whose end is that of the container; the last one.
MAIN = "main"
#: Standard output inside.
OUTPUT = "/output"
#: Seconds after which an engine kills a container that was to stop.
ENGINE = 10.0
#: What Debian's packages have is seen below this.
PACKAGES = "/packages"
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ContainerInit(Init):
    """One that is started by a script as an engine would: with nothing but its output."""

    def plan(self, entries: Sequence[Entry]) -> Plan:
        script = f"#!/bin/sh\nexec {self.command} </dev/null >{OUTPUT} 2>&1\n"
        files: dict[str, Content] = {"/sbin/init": script, **self.files(entries)}
        return Plan(files, environment={"PATH": PATH, "HOME": "/", **self.environment}, binds=self.binds)

    command: str
    environment: Mapping[str, str] = {}

    @property
    def binds(self) -> Sequence[tuple[str, str]]:
        """What is shown inside."""
        return ()

    @abstractmethod
    def files(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        """What tells it to run the entries."""

    @property
    @abstractmethod
    def size(self) -> int:
        """The bytes that it adds to a minimal Debian."""


class OursInContainer(ContainerInit, Ours):
    """init --container."""

    name, command = OURS, "/sbin/container-init"

    def files(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        inittab = "id:2:initdefault:\n"
        for number, entry in enumerate(entries):
            is_main = entry.action == MAIN
            inittab += "# inittab: main\n" * is_main
            inittab += f"{number:02}:2:{ONCE if is_main else entry.action}:{entry.command}\n"
        return {"/sbin/container-init": self.program, "/etc/inittab": inittab}

    @property
    def size(self) -> int:
        return self.program.stat().st_size + packages.size("python3-minimal") - packages.size()


class DebianInContainer(ContainerInit, Debian):
    """One of Debian's."""

    also: Sequence[str] = ()  # packages that it needs

    @property
    def binds(self) -> Sequence[tuple[str, str]]:
        return [(str(packages.unpacked(name)), f"{PACKAGES}/{name}") for name in (self.package, *self.also)]

    @property
    def size(self) -> int:
        return packages.size(self.package) - packages.size()


class TiniAndScript(DebianInContainer):
    """What most people write."""

    name, package, path = "tini, script", "tini", "usr/bin/tini"
    command = f"{PACKAGES}/tini/usr/bin/tini -g -- /start"

    def files(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        *others, last = entries
        lines = (f"{entry.command} &\n" for entry in others)
        return {"/start": f"#!/bin/sh\n{''.join(lines)}exec {last.command}\n"}


class S6(DebianInContainer):
    """s6-svscan with the scripts of its FAQ.

    It has the path of s6-supervise built in. /usr is the machine's, so it gets another path, as long as that.
    """

    name, package, path = "s6", "s6", "usr/bin/s6-svscan"
    also = ("execline", "libs6-2.11", "libexecline2.9", "libskarnet2.13")
    command = "/sbin/s6-svscan /services"
    BUILT_IN, BINARIES = "/usr/bin/", "/opt/bin/"
    FINISH = """\
#!/bin/sh
[ "$1" = 256 ] && status=$((128 + $2)) || status=$1
echo $status >/run/status
exec s6-svscanctl -t /services
"""

    @property
    def environment(self) -> Mapping[str, str]:  # type: ignore[override]
        libraries = (f"{PACKAGES}/{name}/usr/lib/x86_64-linux-gnu" for name in self.also)
        return {
            "LD_LIBRARY_PATH": ":".join(libraries),
            "PATH": f"{self.BINARIES}:{PATH}",
        }

    @property
    def binds(self) -> Sequence[tuple[str, str]]:
        return [*super().binds, (str(self.program.parent), self.BINARIES)]

    def files(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        supervise, other = (f"{folder}s6-supervise".encode() for folder in (self.BUILT_IN, self.BINARIES))
        changed = packages.CACHE / "s6-svscan"
        changed.write_bytes(self.program.read_bytes().replace(supervise, other))
        changed.chmod(0o755)
        files: dict[str, Content] = {
            "/services/.s6-svscan/finish": "#!/bin/sh\nexit $(cat /run/status 2>/dev/null)\n",
            "/sbin/s6-svscan": changed,
        }
        for number, entry in enumerate(entries):
            files[f"/services/{number:02}/run"] = f"#!/bin/sh\nexec {entry.command}\n"
            if entry.action == MAIN:
                files[f"/services/{number:02}/finish"] = self.FINISH
        return files


class RunitInContainer(DebianInContainer):
    """runsvdir."""

    name, package, path = "runit", "runit", "usr/bin/runsvdir"
    also = ("runit-helper",)
    command = "runsvdir -P /services"
    environment: Mapping[str, str] = {"PATH": f"{PACKAGES}/runit/usr/bin:{PATH}"}

    def files(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        return {f"/services/{n:02}/run": f"#!/bin/sh\nexec {e.command}\n" for n, e in enumerate(entries)}


class Supervisord(DebianInContainer):
    """With what its users write into the file for a container."""

    name, package, path = SUPERVISORD, "supervisor", "usr/bin/supervisord"
    also = ("python3-pkg-resources",)
    command = f"/usr/bin/python3 {PACKAGES}/supervisor/usr/bin/supervisord -n -c /etc/supervisord.conf"
    HEAD = "[supervisord]\nuser=root\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/run/supervisord.pid\n"
    LOG = "startsecs=0\nstdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n"

    @property
    def environment(self) -> Mapping[str, str]:  # type: ignore[override]
        folders = (f"{PACKAGES}/{name}/usr/lib/python3/dist-packages" for name in (self.package, *self.also))
        return {"PYTHONPATH": ":".join(folders)}

    def files(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        programs = (
            f"[program:{number:02}]\ncommand={entry.command}\nautorestart={entry.action != MAIN}\n{self.LOG}"
            for number, entry in enumerate(entries)
        )
        return {"/etc/supervisord.conf": self.HEAD + "".join(programs)}


def all_inits(ours: Path) -> dict[str, Init]:
    """All of them by name; in the order in which they are run and shown."""
    inits = OursInContainer(ours), TiniAndScript(), S6(), RunitInContainer(), Supervisord()
    return {init.name: init for init in inits}


class ContainerTrial(Trial):
    """A trial with a pipe as standard output, of which the end of PID 1 is waited for."""

    def _prepare(self, sandbox: Sandbox) -> None:
        output = sandbox.path(OUTPUT)
        os.mkfifo(output)
        self.output = os.open(output, os.O_RDONLY | os.O_NONBLOCK)
        super()._prepare(sandbox)

    def __enter__(self) -> Self:
        super().__enter__()
        self._process = os.pidfd_open(self._sandbox.pid)
        return self

    def __exit__(self, *how: Any) -> None:
        super().__exit__(*how)
        for fd in self._process, self.output:
            os.close(fd)

    def end(self, number: int = 0) -> tuple[float, int]:
        """Send PID 1 a signal, if any; return the seconds until its end, and its status as a shell has it."""
        began = time.monotonic()
        signal.pidfd_send_signal(self._process, number)
        end = began + ENGINE
        while not select.select([self._process], [], [], 0)[0]:
            self.read(end)
            if time.monotonic() >= end:
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
                end += ENGINE
        seconds = time.monotonic() - began
        status = os.waitstatus_to_exitcode(self._sandbox.wait_end().status)
        return seconds, 128 - status if status < 0 else status

    def read(self, end: float) -> bytes:
        """Return what is written until a time, or until PID 1 has ended; empty: nothing more."""
        ready, _, _ = select.select([self.output, self._process], [], [], max(0.0, end - time.monotonic()))
        if self.output not in ready:
            return b""
        data = os.read(self.output, 1 << 20)
        if not data:
            time.sleep(0.001)  # nobody has it open
        return data

    def lines(self, count: int, timeout: float) -> tuple[float, list[bytes]]:
        """Read until there were so many lines; return when that was, and what was read."""
        end = time.monotonic() + timeout
        parts, left = [], count
        while left > 0 and time.monotonic() < end:
            parts.append(self.read(end))
            left -= parts[-1].count(b"\n")
        return time.monotonic(), b"".join(parts).splitlines()

    def own(self) -> Iterator[Path]:
        """Yield the folders in /proc of all processes that are not those of the entries."""
        below = [self._sandbox.pid]
        for pid in below:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                below += map(int, children.read_text().split())
            if (folder := Path(f"/proc/{pid}")).joinpath("comm").read_text() != "s\n":
                yield folder


# Stopping.


def stop(init: Init, *, slow: int, milliseconds: int = 0, quick: int = 0, deaf: int = 0) -> Values:
    """SIGTERM to PID 1, with services that need so long to end, others, and those that do not hear it."""
    words = ["deaf"] * deaf + [f"ends {milliseconds}"] * slow + ["ends 0"] * quick
    with ContainerTrial(init, [Entry(f"{FIRST} {word}") for word in words]) as trial:
        trial.stamps.wait(FIRST, len(words))
        time.sleep(0.1)
        seconds, status = trial.end(signal.SIGTERM)
        return {
            "time": seconds * 1e3,
            "beyond the longest": seconds * 1e3 - milliseconds,
            "could not finish": slow + quick - len(trial.stamps.all(BYE)),
            "status": status,
        }


def main_ends(init: Init, status: int) -> Values:
    """The main job ends with a status, beside two services."""
    entries = [*[Entry(f"{FIRST} ends 0")] * 2, Entry(f"{FIRST} exits {status}", MAIN)]
    with ContainerTrial(init, entries) as trial:
        trial.stamps.wait(FIRST, 3)
        trial.stamps.go()
        return {"status": trial.end()[1]}


# Standing there.


def first_service(init: Init) -> Values:
    """From exec until the first of two services runs."""
    with ContainerTrial(init, [Entry(f"{FIRST} stay")] * 2) as trial:
        return {"time": (trial.stamps.wait(FIRST)[0].time - trial.started) * 1e3}


def memory(init: Init, count: int) -> Values:
    """All processes but those of the services."""
    with ContainerTrial(init, [Entry(f"{FIRST} stay")] * count) as trial:
        trial.stamps.wait(FIRST, count)
        trial.settle()
        sizes: Counter[str] = Counter()
        for folder in trial.own():
            sizes["processes"] += 1
            for line in (folder / "smaps_rollup").read_text().splitlines()[1:]:
                name, size = line.split()[:2]
                sizes[name] += int(size)
        return {"RSS": sizes["Rss:"] / 1024, "PSS": sizes["Pss:"] / 1024, "processes": sizes["processes"]}


def log(init: Init, count: int) -> Values:
    """Two services write so many lines together."""
    form = re.compile(rb'(?:.* \| )?(\d+) (\d+) 10\.0\.0\.1 - - "GET /index\.html HTTP/1\.1" 200 \.')
    tags = range(10, 12)
    with ContainerTrial(init, [Entry(f"{tag} lines {count // 2}") for tag in tags]) as trial:
        for tag in tags:
            trial.stamps.wait(tag)
        trial.settle()
        trial.stamps.go()
        began = time.monotonic()
        ended, lines = trial.lines(count, 60)
        whole = {match.groups() for line in lines if (match := form.fullmatch(line))}
        trial.stamps.wait(END, 2)
        return {"time": (ended - began) * 1e3, "lines cut or lost": count - len(whole)}


def orphans(init: Init, count: int) -> Values:
    """So many end at once whose parents have ended."""
    with ContainerTrial(init, [Entry(f"{DONE} orphans {count}")]) as trial:
        trial.settle()
        trial.read(time.monotonic())
        trial.stamps.go()
        made = trial.stamps.wait(DONE)[0].time
        time.sleep(max(0.0, made + 0.5 - time.monotonic()))
        left = sum(process.state == "Z" for process in trial._sandbox.processes())
        said = b""
        while part := trial.read(time.monotonic()):
            said += part
        return {"left after 0.5 s": left, "lines said": said.count(b"\n")}


def image_size(init: Init) -> Values:
    """What it adds to a minimal Debian."""
    assert isinstance(init, ContainerInit)
    return {"size": init.size / 1e6}


_ALL = (OURS, "tini, script", "s6", "runit", SUPERVISORD)


def _measure(name: str, unit: str, at_most: float | None = None) -> Measure:
    return Measure(name, unit, at_most, "")


def _task(name: str, run: Any, *measures: Measure, rounds: int | None = None) -> Task:
    return Task(name, run, measures, _ALL, rounds=rounds, ours=OURS)


_STATUS, _FINISH = _measure("status", "", 0), _measure("could not finish", "", 0)
_MB = _measure("RSS", "MB", 11.5), _measure("PSS", "MB"), _measure("processes", "")

TASKS = (
    _task("stop, one of two needs 300 ms", partial(stop, slow=1, milliseconds=300, quick=1),
          _measure("beyond the longest", "ms", 50), _FINISH, _STATUS),
    _task("stop, 10 need 500 ms each", partial(stop, slow=10, milliseconds=500),
          _measure("time", "ms", 550), _FINISH, _STATUS),
    _task("stop, one of two is deaf", partial(stop, slow=1, deaf=1),
          _measure("time", "ms", 9000), _FINISH, _measure("status", ""), rounds=3),
    _task("main job ends with 3", partial(main_ends, status=3), _measure("status", ""), rounds=3),
    _task("first service", first_service, _measure("time", "ms", 80)),
    _task("memory, 2 services", partial(memory, count=2), *_MB, rounds=3),
    _task("memory, 10 services", partial(memory, count=10), *_MB, rounds=3),
    _task("100,000 lines of two", partial(log, count=100_000),
          _measure("time", "ms", 2000), _measure("lines cut or lost", "", 0)),
    _task("1,000 orphans", partial(orphans, count=1000), _measure("left after 0.5 s", "", 0),
          _measure("lines said", "", 0)),
    _task("image", image_size, _measure("size", "MB"), rounds=1),
)  # fmt: skip
