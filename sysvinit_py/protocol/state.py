"""The state that an init hands to the one that replaces it: ``telinit u``, behaviour/reexec#state.

The signature, and right behind it one line each: a key of three characters and its value. As C sysvinit 3.06
was seen to write it for a respawn entry, its notes added::

    12567362VER@(#) init 3.06 miquels@cistron.nl    text that nobody reads
    -RL2      runlevel
    -TL2      this level
    -PLN      previous level; N: none
    -SI0      signals that were not handled yet: decimal, bit N for signal N
    -WR1      0 or 1: the BOOT_TIME record stands in wtmp
    -WU1        the same in utmp; -LW and -LU: the RUN_LVL record; C reads and never writes them
    -ST3      wait time, seconds
    -DB1      0 or 1: the boot entries have run
    RECr1     id
    LEV23     runlevels: an empty field is written out, # is sysinit, * is boot and bootwait
    FL RU     runs; FL DE: started on demand; FL WT: init waits for it
    FL XD     has run; for the entries that an event starts: has not been triggered
    PID24     the process; 0 or -1 if there never was one; it stays when the process has ended
    EXS0      how it ended before, as wait(2) has it
    AC respawn
    CMD/bin/sleep 1001    the whole field, with + and @
    EOR
    END

Within an entry the order is free; what comes after END is left alone. The variables of telinit -e are in the
environment. C's throttle is lost.

What C makes of other input: a key it does not know is skipped with its line, anywhere. At a known key out of
place (REC within an entry, LEV outside, a late VER) it stops reading, and the entry it was at is lost, with
all after it. An action it does not know is off; a process field is cut at 127 bytes. No END is no error.

So our own keys are safe. In the entry: XTO, when the throttle's window opened; XTC, the starts in it; XTR,
until when the entry rests; times in seconds, of a clock that goes on through a re-execution. Before the
entries: XSV, if there is something to say, everything once more in a form that is only ours; XHI, the last
events that were published.
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
    """An entry of the inittab as it was last read, and what has become of it."""

    entry: Entry  # without its place in the file
    pid: int = 0  # 0: it does not run
    status: int = 0  # how it ended the last time, as wait(2) has it
    has_run: bool = False
    pending_event: bool = False  # an event has triggered it, and it could not run yet
    on_demand: bool = False  # started by a, b or c
    waited_for: bool = False
    window_opened: float = 0.0  # the throttle's; seconds
    starts: int = 0  # in this window
    rests_until: float = 0.0  # seconds; 0: it does not rest


class Saved(Value):
    """What an init knows. C writes no state before the boot is over, so there is always a runlevel."""

    runlevel: str
    this_level: str
    previous_level: str
    entries: tuple[SavedEntry, ...] = ()
    signals: int = 0  # bit N: signal N came and was not handled yet
    boot_in_wtmp: bool = True
    boot_in_utmp: bool = True
    runlevel_in_wtmp: bool = True
    runlevel_in_utmp: bool = True
    wait_time: int = 5  # seconds from SIGTERM to SIGKILL
    boot_done: bool = True
    version: str = f"sysvinit_py {__version__}"
    ours: str = ""  # what C's form has no words for; C skips it
    history: str = ""  # the same of what was published


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


#: Key → field of Saved, how it is read.
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
#: Key → field of SavedEntry, how it is read.
_MARKS: dict[str, tuple[str, Callable[[str], object]]] = {
    "PID": ("pid", _pid),
    "EXS": ("status", int),
    "XTO": ("window_opened", _time),
    "XTC": ("starts", int),
    "XTR": ("rests_until", _time),
}
#: Key → field of Entry.
_FIELDS = {"LEV": "runlevels", "AC ": "action", "CMD": "process"}
_HEAD_KEYS = (*_HEAD, "REC", "END")
_ENTRY_KEYS = (*_MARKS, *_FIELDS, "FL ", "EOR")


def encode(saved: Saved) -> bytes:
    """Return the state with its signature."""
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
    """Return the state from its bytes, signature first. Raises ValueError naming the line at fault.

    Keys that we do not know are skipped, and an action that we do not know is off, as in C.
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
    """Takes the lines one by one; ``saved`` is what they say, once END has come."""

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
