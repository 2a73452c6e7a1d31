"""What becomes of well-known programs: init sees only the process that it started.

The table is data/daemons.txt, which says how it is read.
"""

from __future__ import annotations

import os
from functools import cache

from sysvinit_py.inittab.getopt import Syntax, UnknownOptionError, parse
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.lint.command import Command

TABLE = os.path.join(os.path.dirname(__file__), "..", "data", "daemons.txt")

DAEMONIZES, FOREGROUND, EXITS, EXITS_LATER, UNKNOWN = "daemonizes", "foreground", "exits", "exits later", ""
#: In the table: not known without an option.
DEPENDS = "depends"
#: With these values an option with a long name is as good as absent.
_OFF = ("no", "off", "false", "0")
_ALWAYS_EXIT = ("--help", "--version")


class Program(Value):
    """A row of the table."""

    kind: str
    any: bool
    syntax: Syntax
    foreground: tuple[str, ...]
    daemonizes: tuple[str, ...]
    exits: tuple[str, ...]


def fate(command: Command) -> tuple[str, str]:
    """Return what becomes of the process, DAEMONIZES to UNKNOWN, and the word that says so."""
    program = find(command.name)
    words = [word.text for word in command.arguments]
    if not program or any("$" in word or "`" in word for word in words):
        return UNKNOWN, ""
    try:
        given = _given(words, program)
    except UnknownOptionError:
        return UNKNOWN, ""
    for item in program.exits:
        if _holds(item.removeprefix("~"), given):
            return EXITS_LATER if item.startswith("~") else EXITS, item.removeprefix("~")
    reasons = [
        (item.count("+"), answer == DAEMONIZES, answer, item)
        for answer, items in ((FOREGROUND, program.foreground), (DAEMONIZES, program.daemonizes))
        for item in items
        if _holds(item, given)
    ]
    return max(reasons)[2:] if reasons else (program.kind, "")


def foreground_option(name: str) -> str:
    """Return the option that keeps a program in the foreground; empty: none is known."""
    program = find(name)
    return next(iter(program.foreground), "").replace("=", " ").partition(",")[0] if program else ""


def find(name: str) -> Program | None:
    """Return a program's row; a version behind its name (php-fpm8.2) is not part of it."""
    rows = _rows()
    row = rows.get(name) or rows.get(name.rstrip("0123456789."))
    return _program(row) if row else None


@cache
def _rows() -> dict[str, str]:
    with open(TABLE, encoding="ascii") as file:
        lines = [line for line in file.read().replace("\n    ", " ").split("\n") if line[:1] not in ("", "#")]
    words = DAEMONIZES, FOREGROUND, EXITS, DEPENDS
    rows = {}
    for line in lines:
        head = line.partition("|")[0].split()
        kind = next(at for at, word in enumerate(head) if word in words)
        rows.update(dict.fromkeys(head[:kind], line[line.index(f" {head[kind]} ") + 1 :]))
    return rows


@cache
def _program(row: str) -> Program:
    columns = [column.split() for column in row.split("|")]
    (kind, *flags), foreground, daemonizes, exits, others = columns
    operands = next((int(flag.partition("=")[2]) for flag in flags if flag.startswith("operands=")), 1000)
    short = "".join(word for word in others if not word.startswith("--"))
    long = [word.removeprefix("--") for word in others if word.startswith("--")]
    for item in "+".join([*foreground, *daemonizes, *exits, *_ALWAYS_EXIT]).split("+"):
        name, value, _ = item.removeprefix("~").replace("~", "=").partition("=")
        if name.startswith("--") or len(name) > 2:
            known = name.lstrip("-")
            if name.startswith("-") and known.rstrip("?") not in [word.rstrip("=?") for word in long]:
                long.append(known + value)
        elif name[:1] == "-" and name[1] not in short:
            short += name[1] + (":" if value else "")
    syntax = Syntax(short, tuple(long), one_dash="one-dash" in flags, most_operands=operands)
    trimmed = (
        tuple(item.rstrip("?") for item in items)
        for items in (foreground, daemonizes, (*exits, *_ALWAYS_EXIT))
    )
    return Program(UNKNOWN if kind == DEPENDS else kind, "any" in flags, syntax, *trimmed)


def _given(words: list[str], program: Program) -> list[tuple[str, str]]:
    """Return the options, with their values, and the operands that count."""
    if program.any:
        options = [(word.partition("=")[0], word.partition("=")[2]) for word in words if word[:1] == "-"]
        return options + [("", word) for word in words if word[:1] != "-"]
    parsed = list(parse(words, program.syntax))
    options = [(name, value) for name, value, _ in parsed if name]
    first = next((value for name, value, _ in parsed if not name), "")
    return [*options, ("", first)] if first else options


def _holds(item: str, given: list[tuple[str, str]]) -> bool:
    """Return whether what an item of the table asks for is given."""
    return all(any(_is(part, name, value) for name, value in given) for part in item.split("+"))


def _is(item: str, name: str, value: str) -> bool:
    if "~" in item:
        wanted, _, part = item.partition("~")
        return name == wanted and part in "_".join(value.split())
    if not item.startswith("-"):
        return not name and item in (value, "*")
    wanted, equals, values = item.partition("=")
    if name.lstrip("-") != wanted.lstrip("-") or name[:1] != wanted[:1]:
        return False
    if values:
        return value in values.split(",")
    return bool(equals) or not (len(name) > 2 and value.lower() in _OFF)
