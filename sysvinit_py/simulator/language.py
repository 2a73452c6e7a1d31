"""The language of scenarios: a step on each line, and when it is done.

    at TIME STEP    at a time after the boot; without it at that of the line before
    STEP            one of STEPS
    expect ...      what has to be so, at a time (expect web running at 6s), or in the whole life
    # ...           a comment

In a form, upper case is the place of a value, which VALUES read, and what is in brackets may be left out.
"""

from __future__ import annotations

import re
from itertools import product

from sysvinit_py.simulator.steps import BOOT, OF_LIFE, STEPS
from sysvinit_py.simulator.values import MAX_TIME, REST, VALUES, duration, written_id
from sysvinit_py.simulator.world import ALL
from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import Any

MAX_BYTES, MAX_LINES = 1 << 20, 10_000
#: From the last line to the end of a life that has no ``end``.
TAIL = 10.0


class Mistake(Value):
    """What is wrong with a line."""

    file: str
    line: int
    column: int
    text: str
    reason: str

    def __str__(self) -> str:
        # Each character as it is shown, so that the caret stands below the right one.
        width = len(printable(self.text[: self.column - 1].ljust(self.column - 1)))
        where = f"{printable(self.file)}:{self.line}:{self.column}: {printable(self.reason)}"
        return f"{where}\n  {printable(self.text)}\n  {' ' * width}^"


class ScenarioError(Exception):
    """All that is wrong with a scenario."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class Line(Value):
    """A line of a scenario."""

    form: str
    values: tuple[Any, ...]  # of the form, in order; None where it was left out
    at: float | None = None  # as written
    time: float = 0.0  # when it is done, in seconds after the boot
    number: int = 0
    text: str = ""  # as written
    columns: tuple[int, ...] = ()  # of the values; 0: left out

    @property
    def is_expectation(self) -> bool:
        """Whether it says what has to be so."""
        return self.form.startswith("expect ")

    @property
    def step(self) -> str:
        """The line as it is written in full, but for the time."""
        there = [value is not None for value in self.values]
        [tokens] = [variant.tokens for variant in _OF_FORM[self.form] if variant.has == there]
        return " ".join(
            word if at is None else _WRITTEN.get(word, str)(self.values[at]) for word, at in tokens
        )

    def __str__(self) -> str:
        return f"{'' if self.at is None else f'at {duration(self.at)} '}{self.step}"


class Scenario(Value):
    """A life's steps in the order in which they are done."""

    lines: tuple[Line, ...]
    end: float

    @property
    def files(self) -> list[Line]:
        """The lines that name another inittab."""
        return [line for line in self.lines if line.form == "edit FILE"]

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


#: How values are written that are not as they were read.
_WRITTEN: dict[str, Callable[[Any], str]] = {"TIME": duration, "ID": written_id}
#: Words with which lines begin that prepare the world: before the boot, where no line says ``boot``.
_PREPARES = ("child", "terminal", "forks", "no", "edit", "remove", "inittab")
_COMMENT = re.compile(r"^\s*#.*|\s#.+")  # a # alone is a word


class _Variant(Value):
    """A form without brackets, with what is in some of them."""

    form: str
    tokens: tuple[tuple[str, int | None], ...]  # each word, and which of the values it is, if it is one
    has: list[bool]  # which values are there

    def literals(self, upto: int) -> int:
        """Return how many of the words are not values."""
        return sum(at is None for _, at in self.tokens[:upto])


def _variants(form: str) -> Iterator[_Variant]:
    groups = re.findall(r"\[.*?\]|\S+", form)
    for chosen in product(*((True, False) if group[0] == "[" else (True,) for group in groups)):
        tokens: list[tuple[str, int | None]] = []
        has: list[bool] = []
        for group, is_there in zip(groups, chosen, strict=True):
            for word in group.strip("[]").split():
                if is_there:
                    tokens.append((word, len(has) if word in VALUES else None))
                if word in VALUES:
                    has.append(is_there)
        yield _Variant(form, tuple(tokens), has)


_OF_FORM = {form: tuple(_variants(form)) for form in (*STEPS, *OF_LIFE)}
_BY_WORD: dict[str, list[_Variant]] = {}
for _variant in (variant for variants in _OF_FORM.values() for variant in variants):
    _word, _at = _variant.tokens[0]
    _BY_WORD.setdefault(_word if _at is None else "", []).append(_variant)


class _WrongWordError(Exception):
    """A word that is not what was expected."""

    def __init__(self, at: int, expected: Iterable[str], rank: tuple[int, int] = (0, 0)) -> None:
        super().__init__()
        self.at = at  # the index of the word
        self.expected = list(dict.fromkeys(expected))
        self.rank = rank


class _Words:
    """The words of a line."""

    def __init__(self, text: str) -> None:
        self.text = text
        shown = _COMMENT.sub("", text)
        self.end = len(shown.rstrip())
        self.found = [(match[0], match.start()) for match in re.finditer(r"\S+", shown)]

    def rest(self, at: int, last: int, whole: bool) -> str:
        """Return the words from one to another; ``whole``: what looks like a comment is part of them."""
        text, start = self.found[last - 1]
        return self.text[self.found[at][1] : None if whole else start + len(text)].rstrip()

    def column(self, at: int) -> int:
        """Return the column of a word, or of the end of the line."""
        return (self.found[at][1] if at < len(self.found) else self.end + bool(self.found)) + 1


def _match(variant: _Variant, words: _Words, first: int, last: int) -> tuple[list[Any], list[int]]:
    """Return the values that the words from ``first`` on have in a form, and their columns."""
    values: list[Any] = [None] * len(variant.has)
    columns = [0] * len(variant.has)
    at = first
    for n, (token, slot) in enumerate(variant.tokens):
        rank = variant.literals(n), n
        if slot is None:
            if at >= last or words.found[at][0] != token:
                raise _WrongWordError(at, [f'"{token}"'], rank)
        else:
            read, expected = VALUES[token]
            if at >= last:
                raise _WrongWordError(at, [expected], rank)
            try:
                takes_rest = token in REST
                values[slot] = read(
                    words.rest(at, last, token == "ENTRY") if takes_rest else words.found[at][0]
                )
                columns[slot] = words.column(at)
            except ValueError as error:
                raise _WrongWordError(at, [str(error) or expected], rank) from None
            if takes_rest:
                return values, columns
        at += 1
    if at < last:
        raise _WrongWordError(
            at, ["the end of the line"], (variant.literals(len(variant.tokens)), len(variant.tokens))
        )
    return values, columns


def _line(words: _Words, number: int) -> Line:
    """Return what a line says. Raises _WrongWordError."""
    first, last, time = 0, len(words.found), None
    if words.found[0][0] == "at":
        first, at = 2, 1
    elif words.found[0][0] == "expect" and last > 3 and words.found[-2][0] == "at":
        at = last - 1
        last -= 2
    else:
        at = 0
    if at:
        read, expected = VALUES["TIME"]
        try:
            time = read(words.found[at][0] if at < len(words.found) else "")
        except ValueError as error:
            raise _WrongWordError(at, [str(error) or expected]) from None
    word = words.found[first][0] if first < last else ""
    faults = []
    for variant in (*_BY_WORD.get(word, ()), *_BY_WORD[""]):
        try:
            values, columns = _match(variant, words, first, last)
        except _WrongWordError as fault:
            faults.append(fault)
        else:
            return Line(variant.form, tuple(values), time, time or 0.0, number, words.text, tuple(columns))
    best = max(fault.rank for fault in faults)
    if best[0] == 0:
        raise _WrongWordError(first, [*(f'"{word}"' for word in ("at", *_BY_WORD) if word), "ID ends"])
    chosen = [fault for fault in faults if fault.rank == best]
    raise _WrongWordError(chosen[0].at, [text for fault in chosen for text in fault.expected])


def parse(text: str, file: str = "") -> Scenario:
    """Return the scenario of a text. Raises ScenarioError, which has all mistakes."""
    lines: list[Line] = []
    mistakes: list[Mistake] = []
    raw = text.split("\n")
    if len(text) > MAX_BYTES or len(raw) > MAX_LINES:
        reason = f"too long: a scenario has up to {MAX_LINES} lines, and {MAX_BYTES} bytes"
        raise ScenarioError([Mistake(file, 1, 1, "", reason)])
    for number, line in enumerate(raw, 1):
        words = _Words(line.rstrip("\r"))
        try:
            if words.found:
                lines.append(_line(words, number))
        except _WrongWordError as fault:
            *others, last = fault.expected
            expected = f"{', '.join(others)} or {last}" if others else last
            there = fault.at < len(words.found)
            reason = f"expected {expected}{f', not {words.found[fault.at][0]}' if there else ''}"
            mistakes.append(Mistake(file, number, words.column(fault.at), words.text, reason))
    if mistakes:
        raise ScenarioError(mistakes)
    return in_order(lines)


def in_order(lines: Iterable[Line]) -> Scenario:
    """Return the scenario of lines as they were written: each gets its time, and the boot its place."""
    timed: list[Line] = []
    now = end = 0.0
    for line in lines:
        now = now if line.at is None else line.at
        timed.append(line if line.time == now else line.replace(time=now))
        if line.form == "wait TIME":
            now += line.values[0]
        end = max(end, now)
    timed.sort(key=lambda line: line.time)
    if not any(line.form in BOOT for line in timed):
        prepares = [
            line.form in OF_LIFE or (line.at is None and line.form.split()[0] in _PREPARES) for line in timed
        ]
        at = prepares.index(False) if False in prepares else len(timed)
        timed.insert(at, Line(BOOT[0], (None,)))
    ends = [line.time for line in timed if line.form == "end"]
    return Scenario(tuple(_timed(timed)), ends[0] if ends else end + TAIL)


def _timed(lines: Iterable[Line]) -> Iterator[Line]:
    """Give a time to those that would get another one from the line before them, which is a new one."""
    now = 0.0
    for line in lines:
        if line.form not in OF_LIFE:
            if line.at is None and line.time != now:
                line = line.replace(at=line.time)
            now = line.time + (line.values[0] if line.form == "wait TIME" else 0.0)
        yield line


def contradictions(scenario: Scenario, ids: Collection[str], file: str) -> list[Mistake]:
    """Return the mistakes that no line has by itself; ``ids``: those of all its inittabs."""
    booted = [line for line in scenario.lines if line.form in BOOT]
    found = []
    for line in scenario.lines:
        if line in booted[1:]:
            found.append((line, 1, "it has booted before"))
        if line.form in OF_LIFE and line.at is not None:
            found.append((line, 1, "this is asked of the whole life, and has no time"))
        elif line.form not in OF_LIFE and line.time > scenario.end:
            found.append((line, 1, f"nothing happens after the end at {duration(scenario.end)}"))
        if line.time > MAX_TIME / 1e6:
            found.append((line, 1, "a life has at most 366 days"))
        for word, at in _OF_FORM[line.form][0].tokens:
            if word != "ID" or at is None or (name := line.values[at]) is None:
                continue
            if name not in ids and not (name == ALL and line.form.startswith("child ")):
                found.append((line, line.columns[at or 0], f"no entry has the id {written_id(name)}"))
    return [Mistake(file, line.number, column, line.text, reason) for line, column, reason in found]
