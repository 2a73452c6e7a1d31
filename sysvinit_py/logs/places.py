"""The destinations of entries' output: log-to=, log=, size= and keep= in comments of the inittab."""

from __future__ import annotations

import posix as os  # and not os, which takes half a megabyte
import time
from errno import EWOULDBLOCK

from sysvinit_py.linux.syslog import PATH as SYSLOG
from sysvinit_py.logs.folder import RETRY, Folder
from sysvinit_py.logs.lines import Lines
from sysvinit_py.logs.rules import Rules
from sysvinit_py.logs.sinks import Json, Output, Prefix, ToSyslog
from sysvinit_py.logs.stamps import iso
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sysvinit_py.inittab.entry import Entry, FileOptions

#: The folder of logs in memory, with a link to each that is elsewhere, so that readers find all of them.
RUN = "/run/inittab/log"
#: Bytes of current and number of old files: in memory, and elsewhere.
_SIZE_IN_MEMORY, _SIZE_ELSEWHERE = (1 << 16, 1), (1_000_000, 10)
#: The file of groups, and the group that may read the logs.
GROUPS = "/etc/group"
_GROUP = b"adm"
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+~-")
#: Seconds to wait for syslogd; until then output stays in the pipe.
_SYSLOG_PATIENCE = 60.0
#: Seconds until a blocked descriptor is tried again: it may be one that cannot be polled.
_PAUSE = 0.05


class Spec(Value):
    """The destination and the form of an entry's output."""

    id: str
    to: str = RUN  # stdout, syslog, or a folder in which each entry has a log directory
    form: str = ""  # prefix, json, raw; empty: the default of the destination
    size: int = 0
    keep: int = 0

    @property
    def folder(self) -> str:
        """The log directory."""
        return f"{self.to}/{folder_name(self.id)}"


def spec(entry: Entry, files: Mapping[str, FileOptions]) -> Spec:
    """Return the destination of an entry's output; ``files``: the options of the inittab's files."""
    of_file, of_entry = files.get(entry.file), entry.options
    to = (of_file and of_file.log_to) or RUN
    size, keep = _SIZE_IN_MEMORY if to == RUN else _SIZE_ELSEWHERE
    form = of_file.log if of_file else ""
    return Spec(entry.id, to, form, of_entry.size or size, of_entry.keep or keep)


def folder_name(name: str) -> str:
    """Return an id as the name of a folder: all but letters, digits and ``_+~-`` become %XX."""
    raw = name.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if chr(byte) in _SAFE else f"%{byte:02X}" for byte in raw)


class Sink:
    """Base of what writes the output of an entry to its destination."""

    deadline: float | None = None  # when to call flush again, by the monotonic clock

    def flush(self) -> bool:
        """Write what is not written yet; return whether it accepts more."""
        return True

    def write(self, data: bytes) -> None:
        """Accept what was read, after a flush that returned True; empty at the end of the output."""

    def close(self) -> None:
        """Finish."""


def sink(spec: Spec, stdout: Output, warn: Callable[[str], object]) -> Sink:
    """Return the sink for a destination."""
    if spec.to == "stdout":
        return _ToOutput(spec, stdout)
    return _ToSyslog(spec) if spec.to == "syslog" else _ToFolder(spec, warn)


class _ToFolder(Sink):
    """Writes to a log directory, once it can be opened. Parts of lines are written as they come."""

    def __init__(self, spec: Spec, warn: Callable[[str], object]) -> None:
        self._spec, self._warn = spec, warn
        self._folder: Folder | None = None
        self._trouble = ""
        self._next = 0.0  # when to try to open it
        self._lines, self._json = Lines(), Json(id=spec.id) if spec.form == "json" else None

    @property
    def deadline(self) -> float | None:  # type: ignore[override]
        return self._folder.deadline if self._folder else self._next

    def flush(self) -> bool:
        if self._folder is None and time.monotonic() >= self._next:
            try:
                self._folder = self._opened()
                self._say("")
            except OSError as error:
                locked = error.errno == EWOULDBLOCK
                self._say("somebody else writes to it" if locked else error.strerror or "")
                self._next = time.monotonic() + RETRY
        return self._folder is not None and self._folder.flush()

    def write(self, data: bytes) -> None:
        assert self._folder
        if self._json:
            pieces = self._lines.feed(data) if data else self._lines.end()
            self._folder.write([self._json(pieces, iso(time.time_ns()))] if pieces else [])
        elif data:
            self._folder.write((data,))

    def close(self) -> None:
        try:
            if self._folder:
                self._folder.close()
        except OSError:
            pass  # it is complete but for its mode

    def _opened(self) -> Folder:
        """Open the directory, and make it if necessary. Raises OSError."""
        spec, folder = self._spec, self._spec.folder
        known = f"{RUN}/{folder_name(spec.id)}"
        goes_on = _is_there(known)  # it was written to since the boot
        _make(spec.to, 0o755)
        if _make(folder, 0o750):
            os.chown(folder, -1, _group())
        head = f"{spec.id} | ".encode(errors="surrogateescape") if spec.form == "prefix" else b""
        made = Folder(
            folder, None if spec.form in ("raw", "json") else iso,
            Rules(size=spec.size, keep=spec.keep, prefix=head), warn=self._warn, goes_on=goes_on,
        )  # fmt: skip
        if spec.to != RUN:
            _link(folder, known)
        return made

    def _say(self, trouble: str) -> None:
        """Report a failure once, and its end."""
        if trouble != self._trouble:
            self._warn(f"{self._spec.folder}: {trouble or 'opened'}")
            self._trouble = trouble


class _ToOutput(Sink):
    """Writes to a descriptor that others share."""

    def __init__(self, spec: Spec, output: Output) -> None:
        self._output, self._lines = output, Lines()
        self._prefix, self._json = Prefix(spec.id), Json(id=spec.id) if spec.form == "json" else None
        self._raw = spec.form == "raw"

    @property
    def deadline(self) -> float | None:  # type: ignore[override]
        return time.monotonic() + _PAUSE if self._output.busy else None

    def flush(self) -> bool:
        try:
            return self._output.flush()
        except OSError:
            return True  # it has no reader any more: the output is lost

    def write(self, data: bytes) -> None:
        pieces = self._lines.feed(data) if data else self._lines.end()
        if not pieces:
            return
        if self._json:
            text = self._json(pieces, iso(time.time_ns()))
        else:
            text = b"".join(pieces) if self._raw else self._prefix(pieces)
        try:
            self._output.write(text)
        except OSError:
            pass  # it has no reader any more

    def close(self) -> None:
        self.write(b"")


class _ToSyslog(Sink):
    """Sends to syslog, once syslogd is running."""

    def __init__(self, spec: Spec) -> None:
        self._syslog, self._lines = ToSyslog(spec.id), Lines()
        self._give_up = time.monotonic() + _SYSLOG_PATIENCE

    @property
    def deadline(self) -> float | None:  # type: ignore[override]
        return None if self._ready() else time.monotonic() + 1

    def flush(self) -> bool:
        return self._ready()

    def write(self, data: bytes) -> None:
        self._syslog.write(self._lines.feed(data) if data else self._lines.end())

    def close(self) -> None:
        self.write(b"")
        self._syslog.close()

    def _ready(self) -> bool:
        if self._give_up and (time.monotonic() > self._give_up or _is_there(SYSLOG)):
            self._give_up = 0.0
        return not self._give_up


def _make(path: str, mode: int) -> bool:
    """Make a folder; return False if it exists. Raises OSError."""
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        return False
    return True


def _is_there(path: str) -> bool:
    try:
        os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return True


def _link(target: str, path: str) -> None:
    """Make a link in RUN to a log, for its readers. Errors are ignored."""
    try:
        _make(RUN, 0o755)
        try:
            if os.readlink(path) == target:
                return
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError:  # not a link: the log was in memory before. No name of an id has a dot.
            os.rename(path, f"{path}.{time.time_ns()}")
        os.symlink(target, path)
    except OSError:
        pass


def _group() -> int:
    """Return the id of the group, or -1. getgrnam(3) might block on a server."""
    try:
        with open(GROUPS, "rb") as groups:
            for line in groups.read(1 << 16).split(b"\n"):
                name, _, gid = line.partition(b":x:")
                if name == _GROUP:
                    return int(gid.partition(b":")[0])
    except (OSError, ValueError):
        pass
    return -1
