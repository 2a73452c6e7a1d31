"""The state that an init passes to the one that replaces it: ``telinit u``, behaviour/reexec#state.

The signature, directly followed by lines of a three-character key and a value. As observed from C sysvinit
3.06 for a respawn entry, with notes added::

    12567362VER@(#) init 3.06 miquels@cistron.nl    ignored
    -RL2      runlevel
    -TL2      this level
    -PLN      previous level; N: none
    -SI0      pending signals: decimal, bit N for signal N
    -WR1      0 or 1: the BOOT_TIME record is in wtmp
    -WU1        the same for utmp; -LW and -LU: the RUN_LVL record; C reads and never writes them
    -ST3      wait time, seconds
    -DB1      0 or 1: the boot entries have run
    RECr1     id
    LEV23     runlevels: an empty field is expanded, # is sysinit, * is boot and bootwait
    FL RU     runs; FL DE: started on demand; FL WT: init waits for it
    FL XD     has run; for the entries of events: has not been triggered
    PID24     the process; 0 or -1 if there never was one; it stays when the process has ended
    EXS0      wait status of the last process
    AC respawn
    CMD/bin/sleep 1001    the whole field, with + and @
    EOR
    END

The order within an entry is free, and what follows END is ignored. The variables of telinit -e are in the
environment. C's throttle is lost.

For other input C behaves as follows: a line with an unknown key is skipped, anywhere. At a misplaced known
key (REC within an entry, LEV outside, a late VER) it stops reading, and loses the present entry and all that
follow. An unknown action is off; a process field is truncated to 127 bytes. A missing END is not an error.

So additional keys are safe. In an entry: XTO, when the throttle's window began; XTC, the starts in it; XTR,
the end of its backoff; times in seconds, of a clock that continues through re-execution. Before the entries:
XSV, the complete state in a format of our own; XHI, the last events that were published.
"""

from __future__ import annotations

from sysvinit_py import __version__
from sysvinit_py.inittab.actions import ACTIONS, EVENT_ACTIONS
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SIGNATURE = b"12567362"
FD = 11  # where the new init finds it

_UNKNOWN_ACTION = "off"


class SavedEntry(Value):
    """An entry of the inittab, and its state."""

    entry: Entry  # without its place in the file
    pid: int = 0  # 0: not running
    status: int = 0  # wait status of the last process
    has_run: bool = False
    pending_event: bool = False  # triggered by an event, but not started yet
    on_demand: bool = False  # started by a, b or c
    waited_for: bool = False
    window_opened: float = 0.0  # the throttle's; seconds
    starts: int = 0  # in this window
    rests_until: float = 0.0  # in backoff until then; seconds; 0: not in backoff


class Saved(Value):
    """The state of an init. C writes none before the boot is over, so there is always a runlevel."""

    runlevel: str
    this_level: str
    previous_level: str
    entries: tuple[SavedEntry, ...] = ()
    signals: int = 0  # bit N: signal N is pending
    boot_in_wtmp: bool = True
    boot_in_utmp: bool = True
    runlevel_in_wtmp: bool = True
    runlevel_in_utmp: bool = True
    wait_time: int = 5  # seconds from SIGTERM to SIGKILL
    boot_done: bool = True
    version: str = f"sysvinit_py {__version__}"
    ours: str = ""  # the complete state, which C skips
    history: str = ""  # the published events, which C skips


def _level(text: str) -> str:
    if len(text) != 1:
        raise ValueError(f"{text!r} is not a level")
    return text


def _flag(text: str) -> bool:
    return int(text) != 0


def _pid(text: str) -> int:
    # 1 is init itself, and kill(2) has its own meaning for -1.
    pid = int(text)
    if pid == 1 or not -1 <= pid < 2**31:
        raise ValueError(f"{pid} is not a process of an entry")
    return max(pid, 0)


def _time(text: str) -> float:
    seconds = float(text)
    if seconds - seconds != 0:
        raise ValueError(f"{text} is not a time")
    return seconds


#: By key: the field of Saved, and its parser.
_HEAD: dict[str, tuple[str, Callable[[str], object]]] = {
    "VER": ("version", str),
    "-RL": ("runlevel", _level),
    "-TL": ("this_level", _level),
    "-PL": ("previous_level", _level),
    "-SI": ("signals", int),
    "-WR": ("boot_in_wtmp", _flag),
    "-WU": ("boot_in_utmp", _flag),
    "-LW": ("runlevel_in_wtmp", _flag),
    "-LU": ("runlevel_in_utmp", _flag),
    "-ST": ("wait_time", int),
    "-DB": ("boot_done", _flag),
    "XSV": ("ours", str),
    "XHI": ("history", str),
}
#: By key: the field of SavedEntry, and its parser.
_MARKS: dict[str, tuple[str, Callable[[str], object]]] = {
    "PID": ("pid", _pid),
    "EXS": ("status", int),
    "XTO": ("window_opened", _time),
    "XTC": ("starts", int),
    "XTR": ("rests_until", _time),
}
#: By key: the field of Entry.
_FIELDS = {"LEV": "runlevels", "AC ": "action", "CMD": "process"}
_HEAD_KEYS = (*_HEAD, "REC", "END")
_ENTRY_KEYS = (*_MARKS, *_FIELDS, "FL ", "EOR")


def encode(saved: Saved) -> bytes:
    """Serialize the state, with its signature."""
    head = {key: _written(getattr(saved, field)) for key, (field, _) in _HEAD.items()}
    lines = [key + text for key, text in head.items() if text or key not in ("XSV", "XHI")]
    for entry in saved.entries:
        lines += _entry_lines(entry)
    lines.append("END\n")
    return SIGNATURE + "\n".join(lines).encode("utf-8", "surrogateescape")


def _written(field: object) -> str:
    return str(int(field)) if isinstance(field, bool) else str(field)


def _entry_lines(saved: SavedEntry) -> list[str]:
    entry = saved.entry
    flags = {
        "RU": saved.pid,
        "DE": saved.on_demand,
        # Where an event starts the entry, C's mark "has run" is the opposite of "has been triggered".
        "XD": not saved.pending_event if entry.action in EVENT_ACTIONS else saved.has_run,
        "WT": saved.waited_for,
    }
    return [
        f"REC{entry.id}",
        f"LEV{entry.stages}",
        *(f"FL {flag}" for flag, is_set in flags.items() if is_set),
        *(key + _written(getattr(saved, field)) for key, (field, _) in _MARKS.items()),
        f"AC {entry.action}",
        f"CMD{entry.process}",
        "EOR",
    ]


def decode(state: bytes) -> Saved:
    """Return the state that was serialized. Raises ValueError naming the line at fault.

    Unknown keys are skipped, and an unknown action is off, as in C.
    """
    if not state.startswith(SIGNATURE):
        raise ValueError("line 1: no signature")
    reader = _Reader()
    lines = state[len(SIGNATURE) :].decode("utf-8", "surrogateescape").split("\n")
    for number, line in enumerate(lines, start=1):
        try:
            reader.take(line[:3], line[3:])
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if reader.saved is not None:
            return reader.saved
    raise ValueError(f"line {len(lines)}: no END")


class _Reader:
    """Parses the lines one by one; ``saved`` is the result after END."""

    def __init__(self) -> None:
        self.saved: Saved | None = None
        self._head: dict[str, Any] = {}
        self._entries: list[SavedEntry] = []
        self._in_entry = False
        self._id = ""
        self._fields: dict[str, str] = {}
        self._marks: dict[str, Any] = {}
        self._flags: set[str] = set()

    def take(self, key: str, text: str) -> None:
        if key in _HEAD_KEYS and self._in_entry:
            raise ValueError(f"{key} within an entry")
        if key in _ENTRY_KEYS and not self._in_entry:
            raise ValueError(f"{key} outside an entry")
        if key in _HEAD:
            field, read = _HEAD[key]
            self._head[field] = read(text)
        elif key in _MARKS:
            field, read = _MARKS[key]
            self._marks[field] = read(text)
        elif key in _FIELDS:
            self._fields[_FIELDS[key]] = text
        elif key == "FL ":
            self._flags.add(text)
        elif key == "REC":
            self._in_entry, self._id = True, text
            self._fields, self._marks, self._flags = {}, {}, set()
        elif key == "EOR":
            self._entries.append(self._entry())
            self._in_entry = False
        elif key == "END":
            self.saved = self._all()

    def _entry(self) -> SavedEntry:
        if "runlevels" not in self._fields:
            raise ValueError(f"no LEV in the entry {self._id}")
        action = self._fields.get("action", "")
        if action not in ACTIONS:
            action = _UNKNOWN_ACTION
        by_event, marked = action in EVENT_ACTIONS, "XD" in self._flags
        if "RU" not in self._flags:
            self._marks["pid"] = 0
        return SavedEntry(
            Entry(self._id, self._fields["runlevels"], action, self._fields.get("process", "")),
            has_run=marked and not by_event,
            pending_event=by_event and not marked,
            on_demand="DE" in self._flags,
            waited_for="WT" in self._flags,
            **self._marks,
        )

    def _all(self) -> Saved:
        for key in ("-RL", "-TL", "-PL"):
            if _HEAD[key][0] not in self._head:
                raise ValueError(f"no {key} before END")
        return Saved(entries=tuple(self._entries), **self._head)
