"""inittab status --watch: on a terminal the current state, redrawn; else each change as a line.

It wakes when the published files change (inotify), and each second to update times. Init is not involved.
"""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import select
import sys
import time

from sysvinit_py.cli import looking, out
from sysvinit_py.clients.inittab.status import PROGRAM, cells, chosen, details, table, view_of, with_services
from sysvinit_py.inittab.entry import REPEATABLE_ID
from sysvinit_py.linux import calls
from sysvinit_py.report.item import as_json, row
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterator
    from typing import Any

    from sysvinit_py.cli.options import Values
    from sysvinit_py.clients.inittab.status import View
    from sysvinit_py.report.item import Item
else:
    import _signal  # and not signal, which imports enum

#: Seconds between updates without a change; the same without inotify; and between two changes.
_BEAT, _BEAT_DEAF, _LULL = 1.0, 0.2, 0.05
_CHANGES = calls.IN_MODIFY | calls.IN_MOVED_TO | calls.IN_CREATE
_STDOUT = 1
#: Seconds of difference from which on the clock was set; less comes from the time between two reads.
_STEP = 0.5
#: Lines and columns of a terminal whose size is unknown.
_SIZE = 24, 80
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
#: The order in which entries are kept if not all fit: failures first.
_SYMBOLS = "!~+-"
_LINE = ("id", "state", "pid", "starts", "last-end", "command")


def watch(values: Values) -> int:
    """Show the status until interrupted, or until standard output is closed; return the exit status."""
    lines = values.json or values.columns or not _redraws()
    show: Callable[[View], None] = Lines(values) if lines else Screen(in_full=bool(values.ids))
    wake, pid, offset, ids = Wake(), values.pid, looking.boot_time(), None
    try:
        while True:
            if abs(looking.boot_time() - offset) > _STEP:
                offset = looking.boot_time()
            view = view_of(pid, time.time(), offset)
            if view.code and view.pid != 1:
                out.say(PROGRAM, view.note)
                return view.code
            known = with_services(view)
            ids = ids or {item.id for item in chosen(values.ids, known)}
            show(view.replace(listed=[item for item in known if not ids or item.id in ids]))
            pid = view.pid
            if not wake.wait(pid):
                return out.DONE
    except KeyboardInterrupt:
        return out.DONE
    except BrokenPipeError:
        out.forget()
        return out.DONE


def _redraws() -> bool:
    """Return whether standard output is a terminal whose cursor can be moved."""
    from os import environ

    return sys.stdout is not None and sys.stdout.isatty() and environ.get("TERM", "dumb") != "dumb"


class Wake:
    """The events that cause an update: a change of the files, a signal, a closed standard output."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(_STDOUT, 0)  # POLLERR or POLLHUP when the reader has closed it
        read, write = calls.pipe2(calls.O_NONBLOCK | calls.O_CLOEXEC)
        self._poll.register(read, select.POLLIN)
        self._readable = [read]
        _signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGWINCH, lambda *_: None)  # the terminal has another size
        self._inotify = -1
        try:
            self._inotify = calls.inotify_init1(calls.O_NONBLOCK | calls.O_CLOEXEC)
            self._poll.register(self._inotify, select.POLLIN)
            self._readable.append(self._inotify)
        except (ImportError, OSError):  # python3-minimal has no _ctypes
            pass

    def wait(self, pid: int) -> bool:
        """Wait for the next update; return False if standard output was closed."""
        beat = _BEAT if self._listens(pid) else _BEAT_DEAF
        ready = {fd for fd, _ in self._poll.poll(beat * 1000)}
        if self._inotify in ready:
            time.sleep(_LULL)  # changes come in groups
        for fd in ready & {*self._readable}:
            try:
                while calls.read(fd, 1 << 16):
                    pass
            except BlockingIOError:
                pass
        return _STDOUT not in ready

    def _listens(self, pid: int) -> bool:
        """Watch the files, which may have been replaced; return whether that is possible."""
        heard = False
        for place, flags in zip(
            looking.places(pid), (calls.IN_ONLYDIR | calls.IN_DONT_FOLLOW, 0), strict=True
        ):
            try:
                calls.inotify_add_watch(self._inotify, place, _CHANGES | flags)
                heard = True
            except (ImportError, OSError):
                pass
        return heard


class Screen:
    """A terminal, which is redrawn in place."""

    def __init__(self, *, in_full: bool) -> None:
        self._in_full = in_full

    def __call__(self, view: View) -> None:
        """Draw the status, as far as it fits."""
        rows, columns = _SIZE
        try:
            size = posix.get_terminal_size(_STDOUT)
            rows, columns = size.lines or rows, size.columns or columns
        except OSError:
            pass
        lines = [*self._lines(view, rows - 1, columns)][: rows - 1]  # the last one is the cursor's
        out.write(_HOME + "".join(f"{line}{_END_OF_LINE}\n" for line in lines) + _BELOW)

    def _lines(self, view: View, rows: int, columns: int) -> Iterator[str]:
        now = time.time()
        heads = [view.note] if view.note else []
        heads += [] if self._in_full else [printable(view.title)]
        yield from (out.cut(head, columns) for head in heads)
        if self._in_full:
            shown = "\n".join(details(item, now) for item in view.listed)
            yield from (out.cut(line, columns) for line in shown.splitlines())
            return
        room, listed = rows - len(heads) - 1, view.listed  # the header takes one
        if len(listed) > room:
            listed = sorted(listed, key=lambda item: _SYMBOLS.index(item.state.symbol))[: max(room - 1, 0)]
        yield from table(listed, now, columns).splitlines()
        if len(listed) < len(view.listed):
            yield out.cut(f"{len(view.listed) - len(listed)} more", columns)


class Lines:
    """A file or pipe, to which each change is written as a line."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._known: dict[tuple[str, str, int], Item] = {}
        self._init: dict[str, Any] | None = None
        self._note = ""

    def __call__(self, view: View) -> None:
        """Write what has changed."""
        if view.note and view.note != self._note:
            out.say(PROGRAM, view.note)
        now: dict[tuple[str, str, int], Item] = {}
        for item in view.listed:
            number = sum(key[:2] == (item.id, item.action) for key in now) if item.id == REPEATABLE_ID else 0
            now[item.id, item.action, number] = item
        changed = [item for key, item in now.items() if item != self._known.get(key)]
        gone = [key[0] for key in self._known if key not in now]
        told = self._as_json if self._values.json else self._as_text
        text = told(view, changed, gone)
        self._known, self._init, self._note = now, view.init, view.note
        if text:
            out.write(text)

    def _as_json(self, view: View, changed: list[Item], gone: list[str]) -> str:
        if not (changed or gone or view.init != self._init):
            return ""
        return out.as_json(as_json(view.init, changed) | {"gone": gone}) + "\n"

    def _as_text(self, view: View, changed: list[Item], gone: list[str]) -> str:
        now = time.time()
        if self._values.columns:
            return "".join(cells(item, self._values.columns, now) for item in changed)
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        lines = [view.title] if view.init != self._init and not self._values.ids else []
        lines += ["  ".join(row(item, _LINE, now)) for item in changed]
        lines += [f"{name}  gone from the inittab" for name in gone]
        return "".join(f"{at}  {printable(line)}\n" for line in lines)
