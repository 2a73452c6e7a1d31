"""Whether a process group has a live member left, and not only zombies that their parent does not reap.

Signal 0 does not tell the two apart, but /proc does. Reading it takes long if there are many processes, so it
is read for all groups together, and at increasing intervals.
"""

from __future__ import annotations

from sysvinit_py.linux import calls

#: Seconds between the first two scans of /proc, doubled each time, and at most. Between SIGKILL and giving up
#: (limits.HANG_TIME) it is scanned at 0, 0.03, 0.09, 0.21 and 0.45 s.
_FIRST, _LONGEST = 0.03, 0.5
_DEAD = b"ZX"
#: Fields of /proc/PID/stat, from 0, counted from behind the name.
_STATE, _GROUP, _THREADS = 0, 2, 17


class Groups:
    """Checks groups that were sent a signal, and whose leader was reaped."""

    def __init__(self) -> None:
        self.signalled()

    def signalled(self) -> None:
        """Forget the last scan, as a signal was sent since; the next one may be at once."""
        self._alive: set[int] | None = None
        self._next_look, self._pause = 0.0, _FIRST

    def is_gone(self, group: int, now: float) -> bool:
        """Return whether no process of the group is alive; False if unknown, as without /proc."""
        try:
            calls.killpg(group, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # it exists, but may not be signalled
        if now >= self._next_look:
            self._next_look, self._pause = now + self._pause, min(2 * self._pause, _LONGEST)
            self._alive = _alive()
            if self._alive is not None and group not in self._alive:
                again = _alive()  # a process may have been forked during the scan
                self._alive = None if again is None else self._alive | again
        return self._alive is not None and group not in self._alive


def _alive() -> set[int] | None:
    """Return the groups of all live processes; None: /proc does not show them."""
    groups = set()
    try:
        if int(_stat("self")[0]) != calls.getpid():
            return None  # of another PID namespace
        for name in calls.listdir("/proc"):
            if name.isdigit():
                try:
                    fields = _stat(name)[1].split()
                except (FileNotFoundError, ProcessLookupError):
                    continue  # it has ended meanwhile
                # The main thread may have ended before the others: a zombie with threads lives.
                if fields[_STATE] not in _DEAD or int(fields[_THREADS]) > 1:
                    groups.add(int(fields[_GROUP]))
    except (OSError, ValueError, IndexError):
        return None
    return groups


def _stat(process: str) -> tuple[bytes, bytes]:
    """Return the parts of a process's stat file before and after the name."""
    file = calls.open(f"/proc/{process}/stat", calls.O_RDONLY)
    try:
        text = calls.read(file, 4096)
    finally:
        calls.close(file)
    return text.partition(b"(")[0], text.rpartition(b")")[2]  # a name may hold anything
