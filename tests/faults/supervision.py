"""Supervision on the real kernel, with one system call that fails: a life in a scratch folder.

``python -m tests.faults.supervision FOLDER WHO [NAME PLACE ERROR]`` has runsvdir or runsv supervise services,
gives orders, kills loggers and supervisors, and prints what is wrong afterwards, in JSON. The call NAME that
the line PLACE makes fails for a while with the number ERROR.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from sysvinit_py.linux import calls
from sysvinit_py.services import front, hub_process, runsv, service, unit
from tests.support.patience import PATIENCE

#: Seconds: how long a call fails, how long a step may take, and how often an order is repeated until then.
FAILS, STEP, AGAIN = 0.25, 20.0, 1.0
RUN = "#!/bin/sh\necho $$; echo $$ >> starts; exec sleep 1000\n"
LOG = "#!/bin/sh\nexec cat >> got\n"
#: What has several calls that fail.
OBJECTS = {"poll": ("poll",), "epoll": ("register", "poll"), "socketpair": ("send", "recv")}
#: Answers, and what is tried in vain after an error only.
NEVER_FAIL = ("close", "waitpid", "_exit", "sleep")


class Faults:
    """Takes the place of the seam's calls; notes which line makes which."""

    def __init__(self, folder: Path, name: str = "", place: str = "", number: int = 0) -> None:
        self._places, self._tripped = folder / "places", folder / "tripped"
        self._fault, self._number = (name, place), number
        self._noted: set[tuple[str, str]] = set()
        self._until: float | None = None

    def set(self) -> None:
        """Put them there."""
        names = [name for name, thing in vars(calls).items() if callable(thing) and not name.startswith("_")]
        for name in names:
            setattr(calls, name, self._wrapped(name, getattr(calls, name)))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.call(name)
            made = real(*arguments, **named)
            if name not in OBJECTS:
                return made
            if name == "socketpair":
                return tuple(Wrapped(self, "socket", one) for one in made)
            return Wrapped(self, name, made)

        return call

    def call(self, name: str) -> None:
        """Fail, if it is this one's turn."""
        frame: FrameType | None = sys._getframe(1)
        while frame and frame.f_code.co_filename in (__file__, calls.__file__):
            frame = frame.f_back
        assert frame
        key = name, f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
        if key not in self._noted:
            self._noted.add(key)
            with self._places.open("a") as file:
                file.write(" ".join(key) + "\n")
        if key != self._fault:
            return
        if self._until is None:
            self._until = time.monotonic() + FAILS if not self._tripped.exists() else 0.0
            self._tripped.touch()
        if time.monotonic() < self._until:
            raise OSError(self._number, os.strerror(self._number))


class Wrapped:
    """An object whose methods may fail."""

    def __init__(self, faults: Faults, kind: str, real: Any) -> None:
        self._faults, self._kind, self._real = faults, kind, real

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name not in {name for names in OBJECTS.values() for name in names}:
            return method

        def call(*arguments: Any) -> Any:
            self._faults.call(f"{self._kind}.{name}")
            return method(*arguments)

        return call


class Life:
    """The services, and who supervises them."""

    def __init__(self, folder: Path, who: str, faults: Faults) -> None:
        self.folder, self._who, self._faults = folder / "service", who, faults
        self.supervisors: dict[str, int] = {}
        self.folder.mkdir()
        calls.become_subreaper()
        for name in ("a", "b"):
            self.make(name, log=name == "a")

    def make(self, name: str, log: bool = False) -> None:
        new = self.folder.parent / f"new-{name}"
        for path, text in {"run": RUN, **({"log/run": LOG} if log else {})}.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text)
            (new / path).chmod(0o755)
        new.rename(self.folder / name)

    def supervise(self) -> None:
        """Start whoever supervises, anew if it has ended, as init would do."""
        for name in ("",) if self._who == "runsvdir" else ("a", "b"):
            if not is_alive(self.supervisors.get(name, 0)):
                self.supervisors[name] = self._start(name)

    def _start(self, name: str) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            errors = os.open(self.folder.parent / "errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(errors, 2)
            os.dup2(errors, 1)
            os.closerange(3, 64)
            for module in (unit, service):
                module.PAUSE = 0.1  # type: ignore[attr-defined]
            front._AGAIN, front._RETRY, hub_process._HUB_MAY_END = 0.3, 0.1, 0.1
            self._faults.set()
            path = str(self.folder / name)
            if name:
                os._exit(runsv.main(["runsv", path]))
            os._exit(front.serve(["runsvdir"], path, "", session=True, handles_term=False))
        except BaseException as error:
            os.write(2, f"ended: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(111)

    # What is seen of a service.

    def pid(self, name: str) -> int:
        try:
            return int((self.folder / name / "supervise/pid").read_text() or 0)
        except (OSError, ValueError):
            return 0

    def is_served(self, name: str) -> bool:
        try:
            os.close(os.open(self.folder / name / "supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def runs(self, *names: str) -> bool:
        return all(self.is_served(name) and is_alive(self.pid(name)) for name in names)

    def order(self, name: str, letter: str) -> None:
        try:
            control = os.open(self.folder / name / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return
        os.write(control, letter.encode())
        os.close(control)

    def hub(self) -> int:
        found = [child for child in children(self.supervisors[""]) if is_hub(child)]
        return found[0] if found else 0

    # Steps.

    def until(self, what: str, true: Callable[[], object], act: Callable[[], object] = int) -> None:
        """Wait until something is so; what leads to it is done again and again, as an administrator would."""
        end, again = time.monotonic() + STEP * PATIENCE, 0.0
        while not true():
            if time.monotonic() >= again:
                act()
                again = time.monotonic() + AGAIN
            if time.monotonic() > end:
                raise AssertionError(what)
            self.reap()
            if self._who != "nobody":
                self.supervise()
            time.sleep(0.01)

    def reap(self) -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    def renewed(self, name: str, act: Callable[[int], object]) -> None:
        """Do something to a process until another one has taken its place."""
        pid = self.pid(name)
        self.until(
            f"{name} is started again",
            lambda: self.pid(name) not in (0, pid) and self.runs(name),
            lambda: act(pid) if self.pid(name) == pid else None,
        )

    def kill(self, pid: int) -> None:
        try:
            if pid > 0:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def live(self) -> None:
        """All that happens. Raises AssertionError."""
        self.supervise()
        self.until("all run", lambda: self.runs("a", "b", "a/log"))
        self.renewed("a", lambda _: self.order("a", "t"))
        self.until("each line is logged", self.is_logged)
        self.renewed("a/log", self.kill)
        self.until("a is down", lambda: self.pid("a") == 0, lambda: self.order("a", "d"))
        self.until("a is up", lambda: self.runs("a"), lambda: self.order("a", "u"))
        self.order("a", "pc")
        pids = [self.pid(name) for name in ("a", "b", "a/log")]
        if self._who == "runsvdir":
            self.directory_changes()
            self.until("there is a hub", self.hub)
            killed = [self.hub()]
        else:
            killed = [*self.supervisors.values()]
        for pid in killed:
            self.kill(pid)
            while is_alive(pid):
                time.sleep(0.001)
        self.until("all are served again", lambda: self.runs("a", "b", "a/log"))
        now = [self.pid(name) for name in ("a", "b", "a/log")]
        assert now == pids, f"other processes after the kill of the supervisor: {pids}, {now}"
        self.renewed("a", self.kill)
        self.until("each line is logged", self.is_logged)
        self.renewed("a/log", self.kill)
        self.judge()
        self.leave()

    def directory_changes(self) -> None:
        """A service comes and goes."""
        self.make("c")
        self.until("c runs", lambda: self.runs("c"))
        pid = self.pid("c")
        (self.folder / "c").rename(self.folder.parent / "gone")
        self.until("c is gone", lambda: not is_alive(pid))
        os.kill(self.supervisors[""], signal.SIGALRM)

    def judge(self) -> None:
        """Each runs once, nothing else does, and no line is lost. Raises AssertionError."""
        self.until("each line is logged", self.is_logged)
        assert len((self.folder / "b/starts").read_text().split()) == 1, "b was disturbed"
        for name in ("a", "a/log", "b"):
            self.until(f"{name} runs once", functools.partial(self.runs_once, name))

    def is_logged(self) -> bool:
        files = (self.folder / "a" / name for name in ("starts", "log/got"))
        starts, got = (file.read_text().split() if file.exists() else [] for file in files)
        return {*starts, str(self.pid("a"))} <= {*got} and len({*got}) == len(got)

    def runs_once(self, name: str) -> bool:
        return [self.pid(name)] == [
            pid for pid in descendants()
            if cwd(pid) == str(self.folder / name) and comm(pid) in ("sh", "sleep", "cat")
        ]  # fmt: skip

    def leave(self) -> None:
        """All end, loggers too."""
        if self._who == "runsvdir":
            os.kill(self.supervisors[""], signal.SIGHUP)
        self._who = "nobody"
        self.until("all have ended", lambda: not descendants(), self.exit_all)

    def exit_all(self) -> None:
        for name in "ab":
            self.order(name, "x")

    def clean(self) -> None:
        for _ in range(3):
            for pid in descendants():
                self.kill(pid)
            time.sleep(0.02)
            self.reap()


def children(pid: int) -> list[int]:
    try:
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return []


def descendants(pid: int | None = None) -> list[int]:
    """What descends from this process, and has not ended."""
    found = children(pid or os.getpid())
    return [one for child in found for one in (child, *descendants(child)) if is_alive(one)]


def is_alive(pid: int) -> bool:
    try:
        return pid > 0 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def is_hub(pid: int) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return comm(pid) == "runsv" or title.startswith(b"runsv\0")


def cwd(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def main(folder: str, who: str, name: str = "", place: str = "", number: str = "0") -> NoReturn:
    """Live, and print what is wrong."""
    path, problem = Path(folder), ""
    life = Life(path, who, Faults(path, name, place, int(number)))
    try:
        life.live()
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    finally:
        life.clean()
    errors = (path / "errors").read_text() if (path / "errors").exists() else ""
    places = sorted({tuple(line.split()) for line in (path / "places").read_text().splitlines()})
    tripped = (path / "tripped").exists()
    print(json.dumps({"problem": problem, "errors": errors, "places": places, "tripped": tripped}))
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
