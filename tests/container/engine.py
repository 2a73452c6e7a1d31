"""podman and docker: the same commands, each engine in a cell of its own, and never with a network."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

from tests.container.cell import STORE, Cell, CellError
from tests.support.patience import PATIENCE

#: Of a machine's own programs, Debian's come first.
PATH = f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}"
#: Engines here may not raise limits, and would try to.
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096")
#: Seconds that a command of an engine may take.
TIMEOUT = 30.0 * PATIENCE

SCRIPT = """\
#!/bin/sh
PATH={path} DOCKER_BUILDKIT=0
export PATH DOCKER_BUILDKIT
command=$1
shift
case $command in
{cases}*) {command} "$@" ;;
esac
"""


class EngineError(Exception):
    """The engine cannot be had, or a command of it has failed; the text says why."""


class Engine:
    """A context manager: the engine runs, or can be run."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    health_options: ClassVar[tuple[str, ...]]  # for a health check that does not take long

    def __init__(self) -> None:
        self._cell = Cell()
        self._exits = contextlib.ExitStack()
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        if missing := [program for program in self.programs if not shutil.which(program, path=PATH)]:
            raise EngineError(f"no {', '.join(missing)} here")
        try:
            self._exits.enter_context(self._cell)
            self.start()
        except CellError as error:
            raise EngineError(str(error)) from None
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def start(self) -> None:
        """Make the engine ready. Raises EngineError."""

    def words(self) -> tuple[str, ...]:
        """Return the command with the options that all of its commands have."""
        raise NotImplementedError

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the engine with pipes."""
        return subprocess.Popen(
            self._cell.command(*self.words(), *arguments),
            env=os.environ | {"PATH": PATH, "DOCKER_BUILDKIT": "0"}, text=True, errors="replace",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def call(
        self, *arguments: str, text: str = "", timeout: float = TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the engine."""
        with self.popen(*arguments) as process:
            try:
                out, errors = process.communicate(text, timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, out, errors)

    def __call__(self, *arguments: str, text: str = "", timeout: float = TIMEOUT) -> str:
        """Return what a command of the engine prints. Raises EngineError."""
        done = self.call(*arguments, text=text, timeout=timeout)
        if done.returncode:
            raise EngineError(f"{self.name} {arguments}: status {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def options(self, command: str) -> tuple[str, ...]:
        """Return the options that a command has here, build or run."""
        # podman takes it as that of a build itself, and then it must have no others below it.
        return ("--network=none", f"--cgroup-parent=/{self._cell.cgroup}.{command}", *LIMITS)

    def build(self, folder: Path, name: str) -> None:
        """Build an image of a folder with a Dockerfile."""
        self("build", "--quiet", *self.options("build"), f"--tag={name}", str(folder), timeout=10 * TIMEOUT)

    def script(self) -> str:
        """Return a program that does what ``docker`` would do, by this engine."""
        to_folder = ("sh", "-c", 'cd "$0" && exec "$@"')
        inside, words = shlex.join(self._cell.command(*to_folder)), shlex.join(self.words())
        command = f'exec {inside} "$PWD" {words} $command'
        cases = "".join(
            f'{name}) {command} {shlex.join(self.options(name))} "$@" ;;\n' for name in ("build", "run")
        )
        return SCRIPT.format(path=PATH, cases=cases, command=command)

    def create_name(self) -> str:
        """Return a name that no container has yet."""
        return f"c{next(self._numbers)}"

    def is_well(self, container: Container) -> bool:
        """Return what the engine's health check says."""
        return container.inspect("{{.State.Health.Status}}") == "healthy"

    def outside(self, pid: int) -> int:
        """Return the number that a process of the engine's world has here."""
        return self._cell.outside(pid)

    def elsewhere(self, *command: str) -> subprocess.Popen[str]:
        """Start a program where the engine runs, in no container."""
        return subprocess.Popen(self._cell.command(*command), stdin=subprocess.DEVNULL, text=True)


class Podman(Engine):
    """It has no daemon. crun does not run everywhere, and runc does."""

    name = "podman"
    programs = ("podman", "runc", "conmon", "catatonit")
    health_options = ("--health-interval=disable",)  # else systemd has to call it

    def options(self, command: str) -> tuple[str, ...]:
        return super().options(command) + ("--log-driver=k8s-file",) * (command == "run")

    def is_well(self, container: Container) -> bool:
        return not self.call("healthcheck", "run", container.name).returncode

    def words(self) -> tuple[str, ...]:
        return (
            "podman", f"--root={STORE}/root", f"--runroot={STORE}/run", f"--tmpdir={STORE}/tmp",
            "--storage-driver=overlay", "--cgroup-manager=cgroupfs", "--runtime=runc",
            "--events-backend=none",
        )  # fmt: skip


class Docker(Engine):
    """Its daemon is ours, and so is the daemon's containerd."""

    name = "docker"
    programs = ("docker", "dockerd", "containerd", "runc", "docker-init")
    health_options = ("--health-interval=300ms", "--health-retries=1")

    def words(self) -> tuple[str, ...]:
        return ("docker", f"--host=unix://{STORE}/sock")

    def start(self) -> None:
        daemon = self._cell.command(
            "dockerd", f"--data-root={STORE}/data", f"--exec-root={STORE}/exec", f"--pidfile={STORE}/pid",
            f"--host=unix://{STORE}/sock", "--bridge=none", "--iptables=false", "--ip6tables=false",
            "--ip-forward=false", "--ip-masq=false", "--default-ulimit=nofile=1024:1024",
            "--exec-opt=native.cgroupdriver=cgroupfs", f"--cgroup-parent=/{self._cell.cgroup}",
        )  # fmt: skip
        log = self._exits.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115
        process = subprocess.Popen(
            daemon, env=os.environ | {"PATH": PATH}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self._exits.callback(process.wait)
        self._exits.callback(process.kill)
        end = time.monotonic() + TIMEOUT
        while self.call("version").returncode:
            if process.poll() is not None or time.monotonic() > end:
                log.seek(0)
                raise EngineError(f"dockerd: {log.read().strip().splitlines()[-1:]}")
            time.sleep(0.1)


ENGINES = {engine.name: engine for engine in (Podman, Docker)}


class Output(NamedTuple):
    """What a container has written: lines of each stream."""

    out: list[str]
    errors: list[str]

    def of(self, id: str) -> list[str]:
        """Return the lines of an entry, without its prefix."""
        parts = (line.partition(" | ") for line in (*self.out, *self.errors))
        return [text for name, bar, text in parts if bar and name.rstrip() == id]


class Container:
    """A container that runs; a context manager, which removes it."""

    def __init__(self, engine: Engine, image: str, *arguments: str, options: Sequence[str] = ()) -> None:
        self.engine = engine
        self.name = engine.create_name()
        self.command = (*engine.options("run"), *options, image, *arguments)

    def __enter__(self) -> Self:
        try:
            self.engine("run", "--detach", f"--name={self.name}", *self.command)
        except EngineError:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove it, whatever it does."""
        self.engine.call("rm", "--force", self.name)

    def inspect(self, template: str) -> str:
        """Return what the engine knows of it."""
        return self.engine("inspect", f"--format={template}", self.name)

    @property
    def pid(self) -> int:
        """The number of its PID 1 here."""
        return self.engine.outside(int(self.inspect("{{.State.Pid}}")))

    def wait(self) -> int:
        """Wait until it has ended, and return its exit status."""
        return int(self.engine("wait", self.name))

    def kill(self, name: str) -> None:
        """Send it a signal."""
        self.engine("kill", f"--signal={name}", self.name)

    def stop(self, seconds: int = 30) -> None:
        """Have the engine stop it, and kill it after so many seconds."""
        self.engine("stop", f"--time={seconds}", self.name)

    def time_to_end(self, number: int, pid: int = 0) -> float:
        """Send its PID 1 a signal; return the seconds until that has ended."""
        pid = pid or self.pid
        with open(os.pidfd_open(pid), "rb", buffering=0) as file:
            began = time.monotonic()
            signal.pidfd_send_signal(file.fileno(), number)
            if not select.select([file], [], [], TIMEOUT)[0]:
                raise TimeoutError(f"{self.name} still runs {TIMEOUT:g} s after signal {number}")
            return time.monotonic() - began

    def logs(self) -> Output:
        """Return what it has written so far."""
        done = self.engine.call("logs", self.name)
        return Output(done.stdout.splitlines(), done.stderr.splitlines())

    def expect(self, id: str, text: str) -> Output:
        """Wait until a line of an entry is a text, and return all output. Raises TimeoutError."""
        return self._expect(lambda output: text in output.of(id), text)

    def _expect(self, is_there: Callable[[Output], bool], text: str) -> Output:
        end = time.monotonic() + TIMEOUT
        while not is_there(output := self.logs()):
            if time.monotonic() > end:
                raise TimeoutError(f"{text!r} is not in {output}")
            time.sleep(0.05)
        return output

    def expect_text(self, text: str) -> Output:
        """Wait until a text is in its output, and return all of that. Raises TimeoutError."""
        return self._expect(lambda output: any(text in line for line in (*output.out, *output.errors)), text)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program in it."""
        return self.engine.call("exec", self.name, *command)
