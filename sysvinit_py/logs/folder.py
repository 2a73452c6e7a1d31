"""A log directory compatible with svlogd: each of the two can continue the other's (docs/logs.rst).

All files are opened relative to the directory's descriptor, and only ``config`` may be a link.
"""

from __future__ import annotations

import fcntl
import posix as os  # and not os, which takes half a megabyte
import stat
import time
from errno import EDQUOT, ENOSPC

from sysvinit_py.logs.rules import Rules, parse
from sysvinit_py.logs.stamps import parse as parse_stamp
from sysvinit_py.logs.stamps import tai64n
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Callable, Iterable

RETRY = 3.0  # seconds
#: Seconds until a processor that has failed is started again.
PROCESSOR_PAUSE = 1.0
_CONFIG_BYTES = 1 << 16
_NAME_LENGTH = len("@400000006b07f17d117ed02c.s")
_HEXADECIMAL = frozenset("0123456789abcdef")
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PROCESSOR = """[ -e state ] || >state; exec <"$1.u" >"$1.t" 4<state 5>newstate; exec sh -c "$2" """


class Folder:
    """An open log directory; it is locked until it is closed. Raises OSError if opening it fails.

    stamp    makes the stamp of a line (STAMPS)
    rules    replace the file ``config``
    length   the number of bytes of a line that patterns, copies and UDP get
    copy     gets the lines for standard error
    warn     gets a message when something fails, and when it works again
    info     gets what svlogd -v prints
    reason   returns the text for an error
    goes_on  a ``current`` that was not closed properly is intact, as only its writer was killed; its last
             line may be continued
    """

    def __init__(
        self,
        path: str,
        stamp: Callable[[int], bytes] | None = None,
        rules: Rules | None = None,
        *,
        length: int = 1000,
        copy: Callable[[bytes], object] = bytes,
        warn: Callable[[str], object] = str,
        info: Callable[[str], object] = str,
        reason: Callable[[OSError], str | None] = lambda error: error.strerror,
        goes_on: bool = False,
    ) -> None:
        self.path, self._stamp, self._given, self._length = path, stamp, rules, length
        self._copy, self._warn, self._info, self._reason, self._goes_on = copy, warn, info, reason, goes_on
        self._dir = self._lock = self._current = -1
        self._mode = 0o755  # of the directory, if it has to be made again
        self._pending = b""
        self._at_start, self._kept = True, True  # the state of the line that is being written
        self._retry: float | None = None
        self._wanted = False  # whether to rotate
        self._doing = self._trouble = ""
        self._child: subprocess.Popen[bytes] | None = None
        self._unprocessed, self._process_after = "", 0.0
        self._udp: socket.socket | None = None
        self._size, self._opened = 0, time.monotonic()
        self._open()

    @property
    def deadline(self) -> float | None:
        """When to call ``flush``, by the monotonic clock; also call it when a processor has ended."""
        aged = self._opened + self.rules.age if self.rules.age else None
        wanted = [
            self._process_after if self._unprocessed and not self._child else None,
            aged if self._retry is None else self._retry,
        ]
        return min((when for when in wanted if when is not None), default=None)

    @property
    def busy(self) -> bool:
        """Whether something is not written yet, or not processed."""
        return bool(self._pending or self._wanted or self._unprocessed)

    @property
    def by_line(self) -> bool:
        """Whether ``write`` needs each line as a piece of its own."""
        return bool(self.rules.patterns or self.rules.udp)

    def write(self, pieces: Iterable[bytes]) -> bool:
        """Write what Lines returned. Returns False, and takes nothing, while earlier pieces are not written.

        Unless ``by_line``, a piece may be many lines, and the last one may continue in the next piece.
        """
        if not self.flush():
            return False
        self._pending = b"".join(self._lines(pieces))
        self.flush()
        return True

    def flush(self) -> bool:
        """Do what is due, and retry what could not be written; return whether everything is written."""
        try:
            if self._dir < 0:  # it could not be opened again
                self._make_again()
            self._process()
            if self._retry is None or time.monotonic() >= self._retry:
                self._retry = None
                self._drain()
        except OSError as error:
            self._retry = time.monotonic() + RETRY
            self._say(f"pausing: unable to {self._doing} current: {self.path}: {self._reason(error)}")
        else:
            if self._retry is None:
                self._say("")
        return not self._pending

    def rotate(self) -> None:
        """Rotate now, if current is not empty."""
        self._wanted = self._size > 0
        self.flush()

    def close(self) -> None:
        """Mark current as complete, and unlock the directory. What ``busy`` is about is dropped."""
        try:
            if self._current >= 0:
                self._info(f"close: {self.path}")
                self._complete()
        finally:
            self._release()

    def reopen(self) -> None:
        """Close and reopen it, with the present config; what is not written yet is kept.

        Raises OSError; ``flush`` then tries it again.
        """
        try:
            self.close()
        except OSError:
            pass  # as after a crash: current is set aside
        self._retry = None
        self._open()

    def _lines(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return the pieces as they are written, without those that are not kept."""
        now = time.time_ns()
        head = (self._stamp(now) + b" " if self._stamp else b"") + self.rules.prefix
        if not self.by_line:
            return (self._headed(b"".join(pieces), head),)
        written: list[bytes] = []
        for piece in pieces:
            if self._at_start:
                self._kept = self._chosen(piece, head)
            if self._kept:
                written += (head, piece) if self._at_start else (piece,)
            self._at_start = piece.endswith(b"\n")
        return written

    def _headed(self, data: bytes, head: bytes) -> bytes:
        """Put the head before each line that begins in the data."""
        if not (data and head):
            return data
        headed = data[:-1].replace(b"\n", b"\n" + head) + data[-1:]
        headed = head + headed if self._at_start else headed
        self._at_start = data.endswith(b"\n")
        return headed

    def _chosen(self, piece: bytes, head: bytes) -> bool:
        """Copy the beginning of a line to standard error and UDP as configured; return whether it is kept."""
        text = piece[: self._length + 1].removesuffix(b"\n")
        kept, copied = self.rules.select(text[: self._length])
        if copied or (kept and self.rules.udp):
            short = head + (text if len(text) < self._length else text[: self._length] + b"...") + b"\n"
            if copied:
                self._copy(short)
            if kept and self.rules.udp:
                self._send(short, self.rules.udp)
        return kept and not self.rules.udp_only

    def _send(self, line: bytes, address: tuple[str, int]) -> None:
        import socket

        try:
            if self._udp is None:
                self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._udp.sendto(line, address)
        except OSError as error:
            self._warn(f"failure sending through udp: {self.path}: {self._reason(error)}; a line is lost")

    # Opening and closing.

    def _open(self) -> None:
        """Open the directory, and set aside a current that a crash has left. On failure all is closed."""
        try:
            self._open_all()
        except OSError:
            self._release()
            raise

    def _open_all(self) -> None:
        self._dir = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._mode = stat.S_IMODE(os.fstat(self._dir).st_mode)
        self._lock = os.open("lock", _APPEND, 0o600, dir_fd=self._dir)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.rules = self._given or parse(self._config(), lambda text: self._warn(f"{self.path}: {text}"))
        there = "current" in os.listdir(self._dir)
        if there:
            found = os.stat("current", dir_fd=self._dir, follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode) or (
                found.st_size and not found.st_mode & stat.S_IXUSR and not self._goes_on
            ):
                self._rename("u")
                there = False
        self._open_current()
        self._info(f"{'append' if there else 'new'}: {self.path}/current")

    def _open_current(self) -> None:
        self._doing = "open"
        self._current = os.open("current", _APPEND, 0o644, dir_fd=self._dir)
        os.fchmod(self._current, 0o644)
        self._size, self._opened = os.fstat(self._current).st_size, time.monotonic()
        self._wanted = False
        if self._goes_on and self._size:
            self._at_start = self._last_byte() == b"\n"
        self._goes_on = False

    def _last_byte(self) -> bytes:
        current = os.open("current", _READ | os.O_NOFOLLOW, dir_fd=self._dir)
        try:
            return os.pread(current, 1, self._size - 1)
        finally:
            os.close(current)

    def _config(self) -> bytes:
        try:
            config = os.open("config", _READ, dir_fd=self._dir)
            try:
                content = os.read(config, _CONFIG_BYTES)
                self._info(f"read: {self.path}/config")
                return content
            finally:
                os.close(config)
        except FileNotFoundError:
            return b""
        except OSError as error:
            self._warn(f"unable to read config: {self.path}: {self._reason(error)}")
            return b""

    def _release(self) -> None:
        for descriptor in {self._current, self._lock, self._dir} - {-1}:
            try:
                os.close(descriptor)
            except OSError:
                pass  # it is closed all the same
        self._current = self._lock = self._dir = -1
        if self._udp:
            self._udp.close()
            self._udp = None

    def _make_again(self) -> None:
        """Make the directory, or current, which was removed, again."""
        self._release()
        try:
            os.mkdir(self.path, self._mode)
        except FileExistsError:
            pass
        self._open()

    # Writing and rotation.

    def _drain(self) -> None:
        """Write all that is pending, and rotate when that is due."""
        if self._current < 0 or not self._in_place():
            self._make_again()
        while True:
            if self.rules.age and time.monotonic() >= self._opened + self.rules.age:
                self._wanted, self._opened = self._size > 0, time.monotonic()
            if self._wanted and not self._turn_over():
                return
            if not self._pending:
                return
            end, self._wanted = self._portion()
            done = self._write(self._pending[:end])
            self._pending = self._pending[done:]
            self._size += done
            self._wanted = self._wanted and done == end

    def _in_place(self) -> bool:
        """Return whether current is the file at its path: neither moved nor mounted over."""
        try:
            found = os.stat(f"{self.path}/current", follow_symlinks=False)
        except FileNotFoundError:
            return False
        ours = os.fstat(self._current)
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def _portion(self) -> tuple[int, bool]:
        """Return how many bytes to write to current, and whether it is full then."""
        size, have = self.rules.size, len(self._pending)
        if not size:
            return have, False
        room = max(0, size - self._size)
        soft = max(1, room - self._length) if size >= self._length else room
        end = self._pending.find(b"\n", soft - 1, room) + 1 if room else 0
        return (end or min(room, have)), bool(end) or have >= room

    def _write(self, data: bytes) -> int:
        """Write some of it; while the disk is full, remove old files as far as the rules allow."""
        self._doing = "write to"
        while True:
            try:
                return os.write(self._current, data) if data else 0
            except OSError as error:
                old = self._old_files()
                if error.errno not in (ENOSPC, EDQUOT) or not 0 < self.rules.least < len(old):
                    raise
                self._warn(f"out of disk space, delete: {self.path}/{old[0]}")
                if not self._remove(old[0]):
                    raise

    def _turn_over(self) -> bool:
        """Rotate; return False if that has to wait for the processor."""
        if self._unprocessed:
            return False
        self._doing = "rename"
        self._complete()
        stem = self._rename("u" if self.rules.processor else "s", self._size)
        if self.rules.processor:
            self._unprocessed = stem
        self._process()
        self._open_current()
        return True

    def _complete(self) -> None:
        """Close current, with the mode that marks it as complete."""
        current, self._current = self._current, -1
        try:
            os.fsync(current)
            os.fchmod(current, 0o744)
        finally:
            os.close(current)

    def _rename(self, suffix: str, size: int = 0) -> str:
        """Rename current to an old file, and return the stem of the name.

        If there are too many, the oldest one that can be removed is removed. If the clock was set back the
        name is still later than all others, or this one would be removed.
        """
        stem = tai64n(time.time_ns()).decode()
        there = [name[:-2] for name in os.listdir(self._dir) if _is_stem(name[:-2])]
        if there and stem <= (last := max(there)):
            stem = tai64n(parse_stamp(last.encode()) + 1).decode()
        os.rename("current", f"{stem}.{suffix}", src_dir_fd=self._dir, dst_dir_fd=self._dir)
        if size:
            self._info(f"rename: {self.path}/current {stem}.{suffix} {size}")
        if self.rules.keep and (
            gone := next(filter(self._remove, self._old_files()[: -self.rules.keep]), "")
        ):
            self._info(f"delete: {self.path}/{gone}")
        return stem

    def _remove(self, name: str) -> bool:
        try:
            os.unlink(name, dir_fd=self._dir)
        except OSError as error:
            self._warn(f"unable to unlink: {self.path}/{printable(name)}: {self._reason(error)}")
            return False
        return True

    def _old_files(self) -> list[str]:
        """Return the old files, the oldest first; remove what a processor has left unfinished."""
        old = []
        for name in sorted(os.listdir(self._dir)):
            if name[:1] == "@" and len(name) == _NAME_LENGTH and name[:-2] != self._unprocessed:
                if name.endswith(".t"):
                    self._remove(name)
                else:
                    old.append(name)
        return old

    # The processor.

    def _process(self) -> None:
        """Start the processor if it is due, and check whether it has ended."""
        stem = self._unprocessed
        if not stem or time.monotonic() < self._process_after:
            return
        try:
            if self._child is None:
                import subprocess

                self._info(f"processing: {self.path}/{stem}.u")
                words: list[str | bytes] = ["-c", _PROCESSOR, "sh", stem, self.rules.processor]
                self._child = subprocess.Popen(["/bin/sh", *words], cwd=self.path)
            if (status := self._child.poll()) is None:
                return
            self._child = None
            if status == 0:
                self._processed(stem)
                return
        except OSError:
            pass  # starting it has failed, or its output is missing
        if f"{stem}.u" in os.listdir(self._dir):
            self._warn(f"processor failed, restart: {self.path}")
            self._process_after = time.monotonic() + PROCESSOR_PAUSE
        else:
            self._unprocessed = ""  # it was removed meanwhile

    def _processed(self, stem: str) -> None:
        """Keep the output of the processor for a file."""
        os.chmod(f"{stem}.t", 0o744, dir_fd=self._dir)
        for source, target in ((f"{stem}.t", f"{stem}.s"), ("newstate", "state")):
            os.rename(source, target, src_dir_fd=self._dir, dst_dir_fd=self._dir)
        os.unlink(f"{stem}.u", dir_fd=self._dir)
        self._info(f"processed: {self.path}/{stem}.s")
        self._unprocessed = ""

    def _say(self, trouble: str) -> None:
        """Report a failure once, and its end."""
        if trouble != self._trouble:
            self._warn(trouble or f"{self.path}: written again")
            self._trouble = trouble


def _is_stem(name: str) -> bool:
    """Return whether it is a TAI64N stamp after 1970."""
    return name[:2] == "@4" and len(name) == _NAME_LENGTH - 2 and _HEXADECIMAL.issuperset(name[1:])
