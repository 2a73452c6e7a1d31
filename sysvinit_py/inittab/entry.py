"""The content of an inittab as typed values: entries and problems (inittab(5); behaviour/inittab)."""

from __future__ import annotations

from sysvinit_py.inittab.actions import (
    ACTIONS,
    ALSO_IF_EMPTY,
    AT_BOOT,
    AT_SYSINIT,
    IN_LEVEL,
    NEVER,
    NOT_IN_S,
    ON_EVENT,
    Action,
)
from sysvinit_py.value import Value

MAX_ID = 4  # bytes
MAX_RUNLEVELS = 11  # characters
MAX_ACTION = 32  # bytes; used only for the reason given when a longer one is refused
MAX_LINE = 4096  # bytes
REPEATABLE_ID = "~~"  # the only id that may stand more than once

DIGIT_LEVELS = "0123456789"
LEVELS = DIGIT_LEVELS + "S"
ON_DEMAND_LEVELS = "abc"

#: Characters that make a process field go through /bin/sh.
SHELL_CHARACTERS = frozenset("~`!$^&*()=|\\{}[];\"'<>?")

#: The rule of an action that only another init knows, for the linter.
_UNKNOWN = Action(NEVER)


class Span(Value):
    """The columns of a field, in characters, from 1; the end is exclusive."""

    start: int
    end: int


class EntryOptions(Value):
    """The options in the comments above an entry; inittab/options.py parses them."""

    text: str = ""  # the options as written; empty: none
    log: bool = False
    size: int = 0  # of a log file, in bytes; 0: not given
    keep: int = 0  # number of log files; 0: not given
    main: bool = False
    stop: int = 0  # a signal's number; 0: not given
    grace: float | None = None  # seconds


class FileOptions(Value):
    """The options of a file, in the comments at its beginning."""

    text: str = ""
    log_to: str = ""  # an absolute path, stdout or syslog
    log: str = ""  # prefix, json or raw
    grace: float | None = None  # seconds


NO_OPTIONS = EntryOptions()


class Entry(Value):
    """A line ``id:runlevels:action:process`` that init accepts. Bytes that are not UTF-8 are surrogates."""

    id: str
    runlevels: str  # as written
    action: str  # lower case, one of ACTIONS
    process: str  # as written, with + and @
    file: str = ""
    line: int = 0
    spans: tuple[Span, Span, Span, Span] | None = None  # id, runlevels, action, process; None off the wire
    options: EntryOptions = NO_OPTIONS

    @property
    def place(self) -> str:
        """Its file and line, as messages show them."""
        return f"{self.file}[{self.line}]"

    @property
    def rule(self) -> Action:
        """The properties of its action."""
        return ACTIONS.get(self.action, _UNKNOWN)

    @property
    def levels(self) -> str:
        """The levels it names, of 0-9, S, a, b, c: normalized to that case, and empty ones expanded."""
        if not self.runlevels:
            return ("S" if self.rule.in_s == ALSO_IF_EMPTY else "") + DIGIT_LEVELS
        return self.runlevels.replace("s", "S").replace("A", "a").replace("B", "b").replace("C", "c")

    @property
    def stages(self) -> str:
        """The stages in which it may run, as shown to users and scripts: ``#``, ``*``, or its levels."""
        when = self.rule.when
        return when if when in (AT_SYSINIT, AT_BOOT) else self.runlevels or self.levels

    @property
    def in_s(self) -> bool:
        """Whether it may run in level S."""
        rule = self.rule
        return rule.when in (IN_LEVEL, ON_EVENT) and rule.in_s != NOT_IN_S and "S" in self.levels

    @property
    def accounting(self) -> bool:
        """Whether its processes are recorded in utmp and wtmp: not with a leading ``+``."""
        return not self.process.startswith("+")

    @property
    def no_shell(self) -> bool:
        """Whether a leading ``@`` (or ``+@``) has it executed without /bin/sh."""
        return self.process.removeprefix("+").startswith("@")

    @property
    def by_shell(self) -> bool:
        """Whether /bin/sh runs its command."""
        return not self.no_shell and not SHELL_CHARACTERS.isdisjoint(self.command)

    @property
    def command(self) -> str:
        """The process field without its flags; empty: the entry does nothing."""
        return self.process.removeprefix("+").removeprefix("@")


#: Added if no entry can start in level S, so that single user mode has a shell (behaviour/inittab#sulogin).
SULOGIN = Entry("~~", "S", "wait", "/sbin/sulogin")


def with_single_user_shell(entries: list[Entry]) -> tuple[Entry, ...]:
    """Return the entries, followed by SULOGIN if none of them starts a process in level S."""
    has_shell = any(entry.in_s and entry.command for entry in entries)
    return (*entries,) if has_shell else (*entries, SULOGIN)


class Problem(Value):
    """A line, or a file, that init refuses, and why. ``reason`` begins as behaviour/messages says."""

    file: str  # empty: not about a file
    line: int  # from 1; 0: the whole file
    reason: str
    span: Span | None = None  # the columns at fault; None: the whole line

    def __str__(self) -> str:
        if not self.file:
            return self.reason
        where = f"{self.file}[{self.line}]" if self.line else self.file
        return f"{where}: {self.reason}"


class Reading(Value):
    """The content of inittab and the files of inittab.d, as init understands it."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    missing: bool = False  # the main file does not exist; at boot it counts as empty
    unreadable: bool = False  # a file exists, but could not be read
    files: tuple[tuple[str, FileOptions], ...] = ()  # paths and options

    @property
    def complete(self) -> bool:
        """Whether a re-read may act on it; if something could not be read, nothing is changed."""
        return not (self.missing or self.unreadable)
