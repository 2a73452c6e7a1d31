"""The daemon's files in /run: the pid file, and what init was told."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

PID_FILE = "initeventd.pid"
STATE_FILE = "initeventd.state"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class AlreadyRunningError(Exception):
    """Another daemon has locked the pid file; the message is its pid."""


class PidFile:
    """The pid file, locked; as a context manager it contains the pid.

    The kernel releases the lock of a daemon that was killed.
    """

    def __init__(self, path: Path) -> None:
        """Lock it. Raises AlreadyRunningError if another daemon has, and OSError."""
        self._path = path
        while True:
            # Not readable by others, who could lock it then, and so keep the daemon from running.
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = os.read(self._fd, 32).decode("ascii", "replace").strip()
                os.close(self._fd)
                raise AlreadyRunningError(pid or "?") from None
            if self._is_in_place():
                os.ftruncate(self._fd, 0)  # of the pid of one that was killed
                return
            os.close(self._fd)  # of a daemon that has removed it just now

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._fd), os.stat(self._path))
        except FileNotFoundError:
            return False

    def fileno(self) -> int:
        """Return the descriptor that holds the lock."""
        return self._fd

    def __enter__(self) -> PidFile:
        """Write the pid, after the process has detached itself."""
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


class StateFile:
    """What init was told since the boot, as JSON. Reading never fails, writing does with OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""

    def load(self) -> object:
        """Return what was saved; None: nothing, or nothing of this boot."""
        try:
            saved = json.loads(self._path.read_bytes())
            return saved["told"] if saved["boot"] == self._boot else None
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def save(self, told: dict[str, Any]) -> None:
        """Replace atomically what was saved."""
        draft = self._path.with_name(self._path.name + ".new")
        draft.write_text(json.dumps({"boot": self._boot, "told": told}) + "\n")
        draft.replace(self._path)
