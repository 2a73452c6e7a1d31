"""Comments with options for an entry or a file: ``# inittab: NAME[=VALUE] ...`` (behaviour/inittab#options).

PID 1, the process that parses inittab for it, and the linter share this parser. To add an option: a row in
one of the tables here, a field in its record in inittab/entry.py, and a paragraph in man/inittab.5.rst.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL, NEVER
from sysvinit_py.inittab.entry import NO_OPTIONS, EntryOptions, FileOptions, Problem, Span
from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterator
    from typing import Any

    from sysvinit_py.inittab.actions import Action
    from sysvinit_py.inittab.entry import Entry
else:
    import _signal  # and not signal, which imports enum and with it 4 ms and 1 MB

MAX_SECONDS = 86_400
LOG_FORMS = ("prefix", "json", "raw")
_UNITS = {"K": 1 << 10, "M": 1 << 20}
_BLANKS = " \t"


class Option(Value):
    """The value of an option, and the actions for which it has an effect."""

    expected: str = ""  # describes the value; empty: it takes none
    convert: Callable[[str], Any] = bool  # text to value; returns None if it is not valid
    acts_on: Callable[[Action], bool] = bool
    needs: str = ""  # another option, without which it has no effect


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _count(text: str) -> int | None:
    return _number(text) or None


def _size(text: str) -> int | None:
    number = _count(text[:-1] if text[-1:] in _UNITS else text)
    return number and number * _UNITS.get(text[-1:], 1)


def seconds(text: str) -> float | None:
    """Return a duration of up to MAX_SECONDS; None: it is not one."""
    parts = text.split(".")
    if len(parts) > 2 or any(_number(part) is None for part in parts) or float(text) > MAX_SECONDS:
        return None
    return float(text)


def _signals() -> dict[str, int]:
    """Return the signal numbers by name, without SIG, and including RTMIN+1 and RTMAX-1."""
    names = [name for name in dir(_signal) if name.startswith("SIG") and name[3] != "_"]
    known = {name[3:]: int(getattr(_signal, name)) for name in names}
    first, last = known["RTMIN"], known["RTMAX"]
    for number in range(1, last - first + 1):
        known |= {f"RTMIN+{number}": first + number, f"RTMAX-{number}": last - number}
    return known


_SIGNALS = _signals()


def signal_number(text: str) -> int | None:
    """Return the number of a signal, named as for ``stop=``; None: no such signal."""
    return _SIGNALS.get(text.removeprefix("SIG"))


def _destination(text: str) -> str | None:
    is_path = text.startswith("/") and text.isprintable()
    return text if is_path or text in ("stdout", "syslog") else None


def log_form(text: str) -> str | None:
    """Return the text if it is a valid value of ``log=``, else None."""
    return text if text in LOG_FORMS else None


def _starts(action: Action) -> bool:
    return action.when != NEVER


def _captured(action: Action) -> bool:
    """Return whether its output can be logged: boot scripts may ask a question on the console."""
    return _starts(action) and (action.when == IN_LEVEL or not action.owns_console)


def _runs_beside(action: Action) -> bool:
    return action.when == IN_LEVEL and not action.waited


_GRACE = Option(f"seconds, such as 8 or 2.5, up to {MAX_SECONDS}", seconds, _starts)
OF_ENTRY = {
    "log": Option(acts_on=_captured),
    "size": Option("bytes, such as 65536, 64K or 1M", _size, _captured, "log"),
    "keep": Option("a number of files, at least 1", _count, _captured, "log"),
    "main": Option(acts_on=_runs_beside),
    "stop": Option("the name of a signal, such as QUIT or RTMIN+3", signal_number, _starts),
    "grace": _GRACE,
}
OF_FILE = {
    "log-to": Option("an absolute path, stdout or syslog", _destination),
    "log": Option("prefix, json or raw", log_form),
    "grace": _GRACE,
}
ENTRY_MARK, FILE_MARK = "inittab", "inittab-file"
TABLES = {ENTRY_MARK: OF_ENTRY, FILE_MARK: OF_FILE}
_ONE_OF = {
    mark: "one of " + ", ".join(f"{name}=" if row.expected else name for name, row in table.items())
    for mark, table in TABLES.items()
}
#: Where the options of each table belong, for messages about misplaced ones.
_PLACES = {ENTRY_MARK: f"after # {ENTRY_MARK}:", FILE_MARK: f"after # {FILE_MARK}:, above all entries"}
#: Characters of a faulty word that are shown.
_SHOWN = 80


class Word(Value):
    """An option as written in a comment."""

    name: str
    text: str  # as written, with the value
    value: Any
    line: int
    span: Span


class Comments:
    """Collects the options in the comments of one file, whose lines are passed in order.

    A faulty option is skipped; if an option is repeated, the first one counts.
    """

    def __init__(self, file: str, begun: bool = False) -> None:
        """Start without options; ``begun``: the file had an entry before its first comment with options."""
        self._file = file
        self._begun = begun
        self._waiting: list[tuple[int, Span]] = []  # comments for the next entry
        self._given: dict[str, dict[str, Word]] = {mark: {} for mark in TABLES}

    @property
    def of_entry(self) -> tuple[Word, ...]:
        """The options for the next entry."""
        return tuple(self._given[ENTRY_MARK].values())

    @property
    def of_file(self) -> FileOptions:
        """The options for the file."""
        return FileOptions(**_fields(self._given[FILE_MARK]))

    def take(self, number: int, text: str) -> Iterator[Problem]:
        """Parse a comment, if it has options; yield its problems."""
        mark = mark_of(text)
        if not mark:
            return
        head, _, tail = text.partition(":")
        span = Span(len(head) - len(head.lstrip(_BLANKS)) + 1, len(head) + 2)
        if mark == ENTRY_MARK:
            self._waiting.append((number, span))
        elif self._begun:
            yield self._problem(number, span, f"misplaced {mark} comment", "it above all entries")
            return
        tail = tail.removesuffix("\r")
        if not tail.strip(_BLANKS):
            yield self._problem(number, span, f"{mark} comment without an option", _ONE_OF[mark])
        for word, at in _words(tail, span.end):
            fault, expected = self._take_word(mark, word, number, at)
            if fault:
                yield self._problem(number, at, f"{printable(word[:_SHOWN])}: {fault}", expected)

    def bind(self, entry: Entry) -> Entry:
        """Return the entry with the options of the comments above it."""
        given = self.skip()
        return entry.replace(options=EntryOptions(**_fields(given))) if given else entry

    def skip(self) -> dict[str, Word]:
        """Note a line that is not a comment; return the options of the comments above it."""
        self._begun = True
        given = self._given[ENTRY_MARK]
        if self._waiting:
            self._waiting, self._given[ENTRY_MARK] = [], {}
        return given

    def unbound(self) -> Iterator[Problem]:
        """Yield a problem for each comment that is not followed by an entry."""
        for number, span in self._waiting:
            yield self._problem(number, span, f"{ENTRY_MARK} comment without an entry", "one below it")

    def _take_word(self, mark: str, word: str, line: int, span: Span) -> tuple[str, str]:
        """Parse a word; return what is wrong with it, and what was expected."""
        name, equals, text = word.partition("=")
        option = TABLES[mark].get(name)
        if option is None:
            right = [place for other, place in _PLACES.items() if name in TABLES[other]]
            return ("misplaced option", right[0]) if right else ("unknown option", _ONE_OF[mark])
        if name in self._given[mark]:
            return "repeated option", "once; the first one counts"
        value = option.convert(text) if option.expected else not equals or None
        if value is None:
            form = f"{name}= with {option.expected}" if option.expected else f"{name} without a value"
            return "bad value", form
        self._given[mark][name] = Word(name, word, value, line, span)
        return "", ""

    def _problem(self, number: int, span: Span, fault: str, expected: str) -> Problem:
        return Problem(self._file, number, f"{fault} (expected {expected})", span)


def of_entry(text: str) -> EntryOptions:
    """Return the options of an entry from their text."""
    if not text:
        return NO_OPTIONS
    comments = Comments("")
    for _ in comments.take(0, f"#{ENTRY_MARK}:{text}"):
        pass
    return EntryOptions(**_fields(comments.skip()))


def mark_of(comment: str) -> str:
    """Return ENTRY_MARK or FILE_MARK for a comment with options; empty for any other comment."""
    head, colon, _ = comment.partition(":")
    mark = head.strip(_BLANKS).removeprefix("#").lstrip(_BLANKS)
    return mark if colon and mark in TABLES else ""


def _words(text: str, column: int) -> Iterator[tuple[str, Span]]:
    """Yield the words of a text that begins in a column, with their columns."""
    for word in text.replace("\t", " ").split(" "):
        if word:
            yield word, Span(column, column + len(word))
        column += len(word) + 1


def _fields(words: dict[str, Word]) -> dict[str, Any]:
    """Return the fields of EntryOptions or FileOptions for these words."""
    fields = {word.name.replace("-", "_"): word.value for word in words.values()}
    return {"text": " ".join(word.text for word in words.values()), **fields}
