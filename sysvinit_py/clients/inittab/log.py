"""inittab log: the logged output of entries, with their starts and ends in between."""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque
from contextlib import suppress
from heapq import merge

from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.clients.inittab.history import said
from sysvinit_py.clients.inittab.status import named, services
from sysvinit_py.linux.beneath import Place
from sysvinit_py.logs.places import RUN, folder_name
from sysvinit_py.logs.sinks import Json
from sysvinit_py.logs.stamps import iso, parse
from sysvinit_py.report.history import Event, read
from sysvinit_py.report.item import SERVICE, items
from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from sysvinit_py.cli.options import Values
    from sysvinit_py.report.item import Item

_CHUNK = 1 << 16
#: Seconds between two reads with --follow.
_PAUSE = 0.2
#: Seconds by which the last line may be later than the end of its process, as the logger stamps it when read.
_SLACK = 0.001
#: Seconds by which two times of one event may differ.
_SAME = 0.01
#: The form of a time stamp, and a translation of digits to zeros to compare with it.
_STAMP, _ZEROS = b"0000-00-00T00:00:00.000000Z", bytes.maketrans(b"123456789", b"000000000")
_JSON = b'{"time": "'
_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Line(Value):
    """A line of a log, or an event of the entry."""

    stamp: bytes  # ISO, which sorts by time; empty: unknown
    id: str
    text: bytes  # as it is in the log
    is_event: bool = False


def since(text: str) -> str:
    """Return a time as the beginning of a stamp, or ``boot`` or ``start``. Raises ValueError."""
    if text in ("boot", "start"):
        return text
    if text[-1:] in _UNITS and text[:-1].isascii() and text[:-1].isdigit() and len(text) < 10:
        return iso(max(0, time.time_ns() - int(text[:-1]) * _UNITS[text[-1]] * 10**9)).decode()
    for form in _FORMATS:
        try:
            return time.strftime(form, time.strptime(text.removesuffix("Z"), form))  # 2026-1-6 does not sort
        except ValueError:
            pass
    raise ValueError(f"{text!a} is not a time: boot, start, 90s, 10m, 2h, 1d, or 2026-11-26T12:05 in UTC")


class Log:
    """The log directory of an entry, read from its oldest line on, then its new lines."""

    def __init__(self, entry: str, place: Place, *, of_service: bool = False) -> None:
        self._id, self._place, self._of_service = entry, place, of_service
        self._inode, self._offset = -1, 0  # how far it was read
        self._rest = b""  # of a line that is not complete
        self._stamp = b""

    def check(self) -> None:
        """Raise OSError unless the directory exists and is readable."""
        if not self._id:
            raise FileNotFoundError  # the path would be the parent folder of all logs
        self._place.names()

    def lines(self, *, to_the_end: bool) -> Iterator[Line]:
        """Yield the lines that were not read yet; ``to_the_end``: also an incomplete last one."""
        while not (yield from self._read()):
            pass
        if to_the_end and self._rest:
            yield self._line(self._rest)
            self._rest = b""

    def _read(self) -> Generator[Line, None, bool]:
        """Yield the complete unread lines; return False if a file was renamed or removed meanwhile."""
        for name, inode in self._unread():
            try:
                with self._place.child(name).opened() as fd:
                    status = os.fstat(fd)
                    if status.st_ino != inode:
                        return False
                    if inode != self._inode or status.st_size < self._offset:
                        self._inode, self._offset = inode, 0
                    while chunk := os.pread(fd, _CHUNK, self._offset):
                        self._offset += len(chunk)
                        *whole, self._rest = (self._rest + chunk).split(b"\n")
                        yield from map(self._line, whole)
            except FileNotFoundError:
                return False
        return True

    def _unread(self) -> list[tuple[str, int]]:
        """Return the files with unread lines, and their inodes, the oldest first. Raises OSError."""
        if self._inode == self._inode_of("current"):
            return [("current", self._inode)]
        names = [name for name in self._place.names() if name[:1] == "@" and name[-2:] in (".s", ".u")]
        found = [(name, inode) for name in (*names, "current") if (inode := self._inode_of(name))]
        inodes = [inode for _, inode in found]
        return found[inodes.index(self._inode) :] if self._inode in inodes else found

    def _inode_of(self, name: str) -> int:
        try:
            return self._place.child(name).status().st_ino
        except FileNotFoundError:
            return 0  # it is being rotated, or was removed

    def _line(self, line: bytes) -> Line:
        start = len(_JSON) if line.startswith(_JSON) else 0
        stamp = line[start : start + len(_STAMP)]
        if stamp.translate(_ZEROS) == _STAMP:
            self._stamp = stamp
        elif self._of_service:
            with suppress(ValueError):  # of svlogd's forms, or none
                self._stamp = iso(parse(line.partition(b" ")[0]))
        return Line(self._stamp, self._id, line)


class Published(Value):
    """What init publishes about an entry: its item, if it is in the inittab, and its events."""

    item: Item | None = None
    events: tuple[Event, ...] = ()  # on the clock of the item


def events(name: str, published: Published) -> list[Line]:
    """Return the events of the entry as lines, the oldest first."""
    return [
        Line(iso(round(when * 10**9)), name, said(event).encode(errors="surrogateescape"), True)
        for when, event in _in_order(published)
    ]


def _in_order(published: Published) -> Iterator[tuple[float, Event]]:
    """Yield the events with their times: an end comes after the last line, a start before the first one."""
    item, happened = published.item, [*published.events]
    known = []
    if item and item.last and item.last[0]:
        known.append(Event(0, item.last[0], "end", item.id, 0, *item.last[1:]))
    if item and item.pid and item.since:
        known.append(Event(1, item.since, "begin", item.id, item.pid, 0, ""))
    for event in known:  # they may have been overwritten in the ring buffer
        if not any(e.what == event.what and abs(e.time - event.time) < _SAME for e in happened):
            happened.append(event)
    before = 0.0
    for event in sorted(happened, key=lambda event: (event.time, event.number)):
        before = max(before, event.time + {"end": _SLACK, "begin": -_SLACK}.get(event.what, 0.0))
        yield before, event


class _Formatter:
    """Formats lines for the output."""

    def __init__(self, ids: list[str], *, as_json: bool) -> None:
        self._prefixed = len(ids) > 1
        self._wide = max(map(len, ids), default=0)
        self._json = {entry: Json(id=entry) for entry in ids} if as_json else {}
        self._event = {entry: Json(id=entry, kind="event") for entry in ids} if as_json else {}
        self._terminal = sys.stdout is not None and sys.stdout.isatty()
        self._coloured = out.coloured(sys.stdout)

    def __call__(self, line: Line) -> bytes:
        if self._json:
            if line.text.startswith(_JSON) and _is_json(line.text):
                return line.text + b"\n"
            text = line.text if line.is_event else line.text.removeprefix(line.stamp + b" ")
            make = self._event if line.is_event else self._json
            return make[line.id]((text + b"\n",), line.stamp)
        head = f"{line.id:<{self._wide}} | " if self._prefixed else ""
        text = line.stamp + b" -- " + line.text + b" --" if line.is_event else line.text
        if not self._terminal:
            return head.encode(errors="surrogateescape") + text + b"\n"
        parts = text.decode(errors="surrogateescape").split("\t")
        shown = printable(head) + "\t".join(map(printable, parts))
        return (out.paint(shown, "2" if line.is_event and self._coloured else "") + "\n").encode()


def _is_json(text: bytes) -> bool:
    """Return whether the text is JSON: in a raw log any line may begin like ours, or be truncated."""
    try:
        from json import loads

        loads(text, parse_constant=int)  # int() refuses NaN and Infinity
    except ImportError:  # python3-minimal
        return text.endswith(b"}")
    except (ValueError, RecursionError):
        return False
    return True


def log(values: Values) -> int:
    """Show the logs; return the exit status."""
    found = _published(values)
    root = os.open("/" if values.pid in (None, 1) else f"/proc/{values.pid}/root", os.O_PATH | os.O_DIRECTORY)
    logs = [_log(entry, published.item, root) for entry, published in found.items()]
    shown = _Formatter([*found], as_json=values.json)
    lines = _merged(logs, found, values)
    try:
        for line in lines if values.lines is None else deque(lines, values.lines):
            out.write(shown(line))
        if values.follow:
            _follow(logs, values, shown)
    except KeyboardInterrupt:
        if not values.follow:
            raise
    return out.DONE


def _log(entry: str, item: Item | None, root: int) -> Log:
    """Return the log of an entry, or of a service."""
    path, of_service = f"{RUN}/{folder_name(entry)}", item is not None and item.action == SERVICE
    if item and of_service:
        from sysvinit_py.clients.runit.items import log_folder

        path = log_folder((item.command or "").removesuffix("/run"))
    return Log(entry, Place(root, path, image=True, shown=path), of_service=of_service)


def _published(values: Values) -> dict[str, Published]:
    """Return the named entries, and what init publishes about them."""
    offset = looking.boot_time()
    listed: list[Item] = []
    happened: list[Event] = []
    init = 0
    try:
        init, published = looking.look(values.pid)
        listed = [*items(published, offset)]
        happened = [event.replace(time=event.time + offset) for event in read(published.history)]
    except (looking.CannotLookError, looking.ForeignError):
        pass
    found: dict[str, Item | None] = {}
    known: list[Item] = []
    for name in values.ids:
        if not (items_of := named(name, listed)):
            known = known or [service for item in listed for service in services(item, init)]
            items_of = [service for service in known if service.id == name]
        found.update({item.id: item for item in items_of} if items_of else {name: None})
    return {
        name: Published(item, tuple(event for event in happened if event.id == name))
        for name, item in found.items()
    }


def _merged(logs: list[Log], found: dict[str, Published], values: Values) -> Iterator[Line]:
    """Return the lines and events of all entries, ordered by time."""
    streams: list[Iterable[Line]] = []
    for one, (name, published) in zip(logs, found.items(), strict=True):
        try:
            one.check()
        except OSError as error:
            raise RefusedError(_reason(name, error)) from None
        streams += one.lines(to_the_end=not values.follow), events(name, published)
    begin = _begin(values.since, [published.item for published in found.values()])
    merged = merge(*streams, key=lambda line: line.stamp)
    return (line for line in merged if line.stamp >= begin or not line.stamp)


def _begin(text: str | None, found: list[Item | None]) -> bytes:
    if text == "boot":
        return iso(time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    if text == "start":
        begun = [item.since - _SLACK for item in found if item and item.pid and item.since]
        return iso(round(min(begun) * 10**9)) if begun else b""
    return (text or "").encode()


def _reason(name: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        shown = name or repr(name)
        return f"{shown}: no log: none was written to a folder (see log and log-to= in inittab(5))"
    hint = ": only root, and the group adm, may read logs" if isinstance(error, PermissionError) else ""
    return f"{name}: {error.strerror}{hint}"


def _follow(logs: list[Log], values: Values, shown: _Formatter) -> None:
    last = iso(time.time_ns())
    stdout = select.poll()
    stdout.register(1, 0)  # POLLERR or POLLHUP when the reader has closed it
    while not stdout.poll(_PAUSE * 1000):
        found = _published(values)
        new = [line for name, of in found.items() for line in events(name, of) if line.stamp > last]
        last = max([last, *(line.stamp for line in new)])
        lines = [line for one in logs for line in _new(one)]
        for line in merge(lines, sorted(new, key=lambda line: line.stamp), key=lambda line: line.stamp):
            out.write(shown(line))


def _new(one: Log) -> list[Line]:
    try:
        return [*one.lines(to_the_end=False)]
    except OSError:
        return []  # it is being rotated, or moved
