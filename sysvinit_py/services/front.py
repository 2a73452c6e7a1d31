"""The process called runsvdir: which folders there are, and whether the hub lives (behaviour/services).

It does little else, so that it hardly ever fails. The hub, a child, does what runsv does for all folders; if
there are more than its descriptors are enough for, there are several. If one is killed, all that it has
started becomes this process's children, and the next hub goes on with them.
"""

from __future__ import annotations

from stat import S_ISDIR

from sysvinit_py.linux import calls
from sysvinit_py.linux.descendants import children, descendants
from sysvinit_py.linux.handled_signals import HandledSignals
from sysvinit_py.linux.loop import READABLE, Loop, Source, clock
from sysvinit_py.linux.proc import contents, filesystem_at
from sysvinit_py.linux.title import show
from sysvinit_py.linux.watching import watch
from sysvinit_py.logs.stamps import tai64n
from sysvinit_py.protocol.supervise import reason
from sysvinit_py.services.error_log import ErrorLog
from sysvinit_py.services.hub import Hub
from sysvinit_py.services.hub_process import Entry, HubProcess
from sysvinit_py.services.runsv import FATAL, prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from sysvinit_py.services.hub_process import Identity

#: Seconds between two looks where the kernel does not tell of changes, and until the next one after an error.
_LOOK, _RETRY = 5.0, 1.0
#: Seconds until a service whose supervision has ended is supervised again.
#: The more there are, the longer, so that many cost the others no more than a few.
_AGAIN, _AGAIN_EACH = 3.0, 0.003
#: Seconds from a change to the look at it, so that a flood of changes costs little.
_LULL = 0.02
_CHANGES = (
    calls.IN_CREATE | calls.IN_MOVED_TO | calls.IN_MOVED_FROM | calls.IN_DELETE | calls.IN_ATTRIB
    | calls.IN_DELETE_SELF | calls.IN_MOVE_SELF | calls.IN_ONLYDIR
)  # fmt: skip
#: File systems that other machines change, of which inotify gets no notice.
_REMOTE = ("nfs", "cifs", "smb", "9p", "ceph", "fuse", "virtiofs", "afs", "vboxsf", "gfs", "ocfs")
#: Services that one hub has at most; descriptors that a service with a logger needs, and a hub.
_MOST, _DESCRIPTORS, _OTHERS = 1000, 10, 30
_RESCAN = ".forced-rescan"
_CHUNK = 1 << 16


class Front(Source):
    """The directory, and what follows from its changes.

    handles_term  TERM is as HUP, and the end is waited for
    """

    deadline: float | None = 0.0  # when to look

    def __init__(self, directory: str, log: ErrorLog | None, *, session: bool, handles_term: bool) -> None:
        self.directory, self._session = directory, session
        self._log = log
        self.hubs = [HubProcess(session, directory)]
        self._handles_term = handles_term
        self.status: int | None = None
        self._leaving: int | None = None  # the exit status, once all have ended
        self._last_number = 0
        self._not_before: dict[Identity, float] = {}
        self._told: dict[Identity, tuple[str, float]] = {}  # why not, and when it is news again
        self._said: set[str] = set()  # complaints of the last look, which are not repeated
        self._inotify = -1
        self._polls = False  # nobody would tell of a change
        self.signals = HandledSignals(
            {calls.SIGCHLD: self.reap, calls.SIGALRM: self.rescan, calls.SIGHUP: self.hang_up,
             calls.SIGTERM: self.terminate}
        )  # fmt: skip
        self._sources: list[Source] = [self.signals, *self.hubs, *([log] if log else []), self]

    def run(self) -> int:
        """Serve; return the exit status."""
        loop = Loop(self._sources)
        while self.status is None:
            try:
                loop.turn(self._take)
            except Exception as error:  # nothing of ours may end what looks after all
                self.say(f"warning: {type(error).__name__}: {error}")
                calls.sleep(_RETRY)
                self.signals.again(calls.SIGCHLD)
                self._look_at(clock())
        return self.status

    def _take(self, events: Iterable[Any]) -> None:
        for number, why in events:
            self._gone(number, why)
        for hub in self.hubs:
            if hub.start_at is not None and hub.start_at <= clock() and self._leaving is None:
                self._start_hub(hub)

    def say(self, text: str) -> None:
        """Report something as runsvdir does."""
        Hub.say(f"runsvdir {self.directory}: {text}")

    # The hubs.

    def _start_hub(self, hub: HubProcess) -> None:
        others = [self._inotify, *([self._log.fd] if self._log else [])]
        others += [fd for other in self.hubs for fd, _ in other.wanted()]
        try:
            hub.start(others)
        except OSError as error:
            self.say(f"warning: unable to fork for runsv: {reason(error)}")
            hub.start_at = clock() + _RETRY
            return
        is_first, entries, hub.entries = self._last_number == 0, hub.entries, {}
        for entry in entries.values():
            number = self._add(entry, hub)
            if entry.leaving:
                hub.tell(f"forget {number}")
        try:
            if is_first:
                self._scan()
        finally:
            hub.tell("ready")
        if is_first:
            self._become_subreaper()  # services start while _ctypes is imported
        self._look_at(clock())

    def _become_subreaper(self) -> None:
        try:
            if calls.getpid() != 1:
                calls.become_subreaper()
        except (OSError, ImportError) as error:
            self.say(f"warning: unable to adopt what a dead runsv leaves: {error}")

    def _add(self, entry: Entry, hub: HubProcess) -> int:
        self._last_number += 1
        hub.entries[self._last_number] = entry
        hub.tell(f"add {self._last_number} {entry.path}")
        return self._last_number

    def _with_room(self) -> HubProcess:
        """Return a hub that takes one more service, a new one if all are full."""
        import resource  # as the hub does

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        room = _MOST if hard < 0 else min(_MOST, (hard - _OTHERS) // _DESCRIPTORS)
        for hub in self.hubs:
            if len(hub.entries) < max(room, 1) and not hub.alone:
                return hub
        return self._new_hub()

    def _entries(self) -> list[Entry]:
        return [entry for hub in self.hubs for entry in hub.entries.values()]

    def _gone(self, number: int, why: str) -> None:
        if not number:  # a hub is ready
            self.reap()
            return
        entry = next((hub.entries.pop(number) for hub in self.hubs if number in hub.entries), None)
        wait = _AGAIN + _AGAIN_EACH * len(self._not_before)
        if entry and not entry.leaving:
            self._not_before[entry.identity] = clock() + wait
            told, until = self._told.get(entry.identity, ("", 0.0))
            if why and (why != told or until < clock()):
                Hub.say(f"runsv {entry.name}: fatal: {why}")
            self._told[entry.identity] = why, clock() + 2 * wait + _LOOK
        self._look_at(clock() if entry and entry.leaving else clock() + wait)

    def reap(self) -> None:
        """Take children that have ended. What a dead hub has left waits until the next one can be told."""
        while pid := self._ended_child():
            is_hub = False
            for hub in self.hubs:
                is_hub |= hub.pid == pid
                ended, status = calls.waitpid(hub.pid, calls.WNOHANG) if hub.pid else (0, 0)
                if ended:
                    self._hub_ended(hub, status)
            if is_hub:
                continue
            if self._leaving is None and not all(hub.is_ready or hub.alone for hub in self.hubs):
                return
            _, status = calls.waitpid(pid, 0)
            for hub in self.hubs:
                hub.tell(f"ended {pid} {status}")

    def _ended_child(self) -> int:
        """Return a child that has ended, which is still to be reaped; 0 if no child has."""
        try:
            ended = calls.waitid(calls.P_ALL, 0, calls.WEXITED | calls.WNOHANG | calls.WNOWAIT)
        except ChildProcessError:
            if self._leaving is not None:
                self.status = self._leaving
            return 0
        return ended.si_pid if ended else 0

    def _hub_ended(self, hub: HubProcess, status: int) -> None:
        hub.ended()
        if hub.busy is not None:
            self._isolate(hub, hub.busy)
            hub.busy = None
        if self._leaving is None:
            self.say(f"warning: runsv has ended ({status}), it is started again.")
        elif status:
            self._end_orphans()

    def _isolate(self, hub: HubProcess, number: int) -> None:
        """Give the service that has held up a hub one of its own, where it harms nobody."""
        entry = hub.entries.pop(number, None)
        if entry:
            self.say(f"warning: {entry.name} takes too long, it is supervised apart from the others.")
            own = next((other for other in self.hubs if other.alone and not other.entries), None)
            own = own or self._new_hub(alone=True)
            self._add(entry, own)
        hubs = [other.pid for other in self.hubs]
        for pid in children():  # what the hub was about to start: it may yet do so, and would be nobody's
            try:
                if pid not in hubs and contents(f"/proc/{pid}/comm") == "runsv\n":
                    calls.kill(pid, calls.SIGKILL)
            except OSError:
                pass

    def _new_hub(self, *, alone: bool = False) -> HubProcess:
        self.hubs.append(HubProcess(self._session, self.directory, alone=alone))
        self._sources.append(self.hubs[-1])
        return self.hubs[-1]

    def _end_orphans(self) -> None:
        for pid in descendants():
            for number in (calls.SIGTERM, calls.SIGCONT):
                try:
                    calls.kill(pid, number)
                except OSError:
                    pass

    # Signals.

    def hang_up(self) -> None:
        """End all services, and then this process; as PID 1 after them, otherwise at once."""
        self._leave(FATAL, wait=calls.getpid() == 1)

    def terminate(self) -> None:
        """End this process alone, unless it was told to care, or is the first of a container."""
        is_first = calls.getpid() == 1
        if self._handles_term or is_first:
            self._leave(FATAL if self._handles_term else 0, wait=True)
        else:
            self.status = 0

    def _leave(self, status: int, wait: bool) -> None:
        for hub in self.hubs:
            hub.end()
        self.deadline = None
        if wait and any(hub.pid for hub in self.hubs):
            self._leaving = status
        else:
            self.status = status

    def rescan(self) -> None:
        """Leave a label in the directory, and read it anew."""
        try:
            flags = calls.O_WRONLY | calls.O_CREAT | calls.O_TRUNC | calls.O_CLOEXEC | calls.O_NOFOLLOW
            file = calls.open(f"{self.directory}/{_RESCAN}", flags | calls.O_NONBLOCK, 0o644)
            try:
                calls.write(file, tai64n(calls.clock_gettime_ns(calls.CLOCK_REALTIME)))
            finally:
                calls.close(file)
        except OSError as error:
            self.say(f"warning: unable to write {_RESCAN}: {reason(error)}")
        self._look_at(0.0)

    # The directory.

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the watch, unless it is known already that it is time to look."""
        return ((self._inotify, READABLE),)

    def serve(self, ready: set[int], now: float) -> tuple[()]:
        """Look when it is time, which is a moment after a change."""
        if self._inotify in ready:
            calls.read(self._inotify, _CHUNK)
            self._look_at(now + _LULL)
        if self.deadline is not None and self.deadline <= now and self.hubs[0].pid:
            self._look()
        return ()

    def _look_at(self, when: float) -> None:
        if self._leaving is None:
            self.deadline = when if self.deadline is None else min(self.deadline, when)

    def _look(self) -> None:
        """Look at the directory, and have the hub do what follows; be told of changes from now on."""
        self._watch()
        self._scan()

    def _scan(self) -> None:
        self.deadline = None
        said, self._said = self._said, set()
        try:
            folder = calls.open(self.directory, calls.O_RDONLY | calls.O_DIRECTORY | calls.O_CLOEXEC)
        except OSError as error:
            self._warn(said, f"unable to stat {self.directory}: {reason(error)}")
            self._look_at(clock() + _RETRY)
            return
        try:
            self._compare(folder, said)
        finally:
            calls.close(folder)
        waits = [when for when in self._not_before.values() if when > clock()]
        for when in [*waits, *([clock() + _LOOK] if self._polls or self._said else [])]:
            self._look_at(when)

    def _watch(self) -> None:
        """Have the kernel tell of changes from now on."""
        calls.close(self._inotify)
        self._inotify, self._polls = -1, True
        try:
            self._inotify = calls.inotify_init1(calls.O_CLOEXEC | calls.O_NONBLOCK)
            calls.inotify_add_watch(self._inotify, self.directory, _CHANGES)
            path = self.directory.rstrip("/")
            path = path if path.startswith("/") else f"{calls.getcwd()}/{path}"
            watch(self._inotify, path, calls.IN_CREATE | calls.IN_MOVED_TO | calls.IN_ONLYDIR)
            self._polls = filesystem_at(self.directory).startswith(_REMOTE)
        except (OSError, ImportError):
            pass

    def _compare(self, folder: int, said: set[str]) -> None:
        found = self._found(folder, said)
        base = calls.readlink(f"/proc/self/fd/{folder}")
        entries = self._entries()
        staying = {entry.identity: entry for entry in entries if not entry.leaving}
        missing = {identity: entry for identity, entry in staying.items() if identity not in found}
        ending = [*missing.values(), *(entry for entry in entries if entry.leaving)]
        names, identities = {entry.name for entry in ending}, {entry.identity for entry in ending}
        now = clock()
        for identity, name in found.items():
            if identity in staying:
                staying[identity].path = f"{base}/{name}"
                continue
            waits = name in names or identity in identities or self._not_before.get(identity, 0) > now
            if not waits:
                self._not_before.pop(identity, None)
                self._add(Entry(identity, f"{base}/{name}"), self._with_room())
        for hub in self.hubs:
            for number, entry in hub.entries.items():
                if entry.identity in missing and not entry.leaving:
                    entry.leaving = True
                    hub.tell(f"forget {number}")
        for identity in self._told.keys() - found.keys():
            del self._told[identity]
            self._not_before.pop(identity, None)

    def _found(self, folder: int, said: set[str]) -> dict[Identity, str]:
        """Return the folders that are there, or that links lead to."""
        found: dict[Identity, str] = {}
        for name in calls.listdir(f"/proc/self/fd/{folder}"):
            if name.startswith("."):
                continue
            try:
                status = calls.stat(name, dir_fd=folder)
            except OSError as error:
                self._warn(said, f"unable to stat {name}: {reason(error)}")
                continue
            if S_ISDIR(status.st_mode):
                found.setdefault((status.st_dev, status.st_ino), name)
        return found

    def _warn(self, said: set[str], text: str) -> None:
        self._said.add(text)
        if text not in said:
            self.say(f"warning: {text}")


def serve(words: list[str], directory: str, log: str, *, session: bool, handles_term: bool) -> int:
    """Be runsvdir; return the exit status. ``words`` are those of the command line before the log."""
    prepare()
    errors = ErrorLog(words, log) if log else None
    if errors:
        errors.show()
    else:
        show("\0".join(words))
    return Front(directory, errors, session=session, handles_term=handles_term).run()
