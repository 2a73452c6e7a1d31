"""The command line of a program: one table, from which its parser, its usage and its help are derived.

Completions are made of it by completion.py, the SYNOPSIS of the man page by build/manual.py. argparse would
do the first half, and takes longer to import than some of our programs take to run.
"""

from __future__ import annotations

import sys

from sysvinit_py import __version__
from sysvinit_py.cli import out
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any

#: Of the help: what precedes it on a line, and the width.
_INDENT, _WIDTH = " " * 24, 80
#: If there are more options the usage does not list them.
_MANY = 8


class RefusedError(Exception):
    """The program refuses; the text says why, in one or more lines."""


class UsageError(RefusedError):
    """The command line is wrong; the text says which word of it, and why."""


class Option(Value):
    """A row of the table: an option, or, if its name has no dash, an operand."""

    names: str  # such as "-q --quiet"; the last one names the attribute
    value: str = ""  # what the usage calls the value; empty: a flag
    help: str = ""
    kind: Callable[[str], Any] | tuple[str, ...] = str  # converts the text; or the choices
    default: Any = None
    many: bool = False  # may be given again; the attribute is a list
    required: bool = False
    complete: str = ""  # "file", "folder", or a shell command whose lines are words (WORD TAB DESCRIPTION)
    comma: bool = False  # the value is words separated by commas

    @property
    def is_operand(self) -> bool:
        """Whether it is an operand."""
        return self.names[0] != "-"

    @property
    def shown(self) -> str:
        """The name in messages."""
        return self.value if self.is_operand else self.names.split()[-1]

    @property
    def attribute(self) -> str:
        """The attribute of Values that has its value."""
        return self.names.split()[-1].strip("-").replace("-", "_")

    @property
    def synopsis(self) -> str:
        """The form in the usage."""
        text = self.shown if self.is_operand else f"{self.shown} {self.value}".rstrip()
        return (text if self.required else f"[{text}]") + "..." * self.many

    def read(self, text: str) -> Any:
        """Return the value. Raises UsageError."""
        try:
            if not text and self.complete in ("file", "folder"):  # Path("") would be the current one
                raise ValueError("'' is not a file name")
            if callable(self.kind):
                return self.kind(text)
            if text not in self.kind:
                raise ValueError(f"invalid choice: {text!r} (choose from {', '.join(self.kind)})")
        except ValueError as error:
            raise UsageError(f"argument {self.shown}: {error}") from None
        return text


class Values:
    """The values of a command line: an attribute for each row of the table."""

    verb = ""
    answer = ""  # the help or the version, which is printed instead of acting

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


#: What every program has, unless its table says otherwise.
COMMON = Option("-h --help", help="show this help"), Option("--version", help="show the version")
#: The same where -h is something else.
LONG = Option("--help", help="show this help"), COMMON[1]


class Program(Value):
    """A program, or one of its verbs: its name, what it does, and its table."""

    name: str
    about: str
    rows: tuple[Option, ...] = ()
    epilog: str = ""
    forms: tuple[str, ...] = ()  # of the usage, after the name; empty: made of the rows
    verbs: tuple[Program, ...] = ()  # options before the verb are those that all verbs have
    default: str = ""  # the verb of a command line that begins with an option, and names none
    passes: bool = False  # all words are passed to another program
    prefixes: bool = False  # long options may be abbreviated
    failed: int = out.FAILED  # exit status if it is refused, or cannot be done
    common: tuple[Option, ...] = COMMON  # rows, after all others
    misused: int = out.USAGE  # exit status if the command line is wrong
    error: str = "error: "  # the prefix of messages about the command line

    def run(self, act: Callable[[Values], int], arguments: Sequence[str] | None = None) -> int:
        """Parse the arguments, by default those of the process, and act; return the exit status."""
        try:
            values = self.parse(sys.argv[1:] if arguments is None else arguments)
            status = out.DONE if values.answer else act(values)
            out.write(values.answer)  # which flushes what was printed, too
            return status
        except UsageError as error:
            out.say(self.name, f"{self.error}{error}")
            return self.misused
        except RefusedError as error:
            out.say(self.name, *str(error).splitlines())
        except BrokenPipeError:  # the reader has closed the pipe, as head(1) does
            out.forget()
            return out.FAILED
        except OSError as error:
            out.forget()
            about = error.filename2 or error.filename
            out.say(self.name, f"{about}: {error.strerror}" if about else str(error.strerror or error))
        except KeyboardInterrupt:
            out.say(self.name, "interrupted")
        return self.failed

    @property
    def table(self) -> tuple[Option, ...]:
        """All rows, with those that every program has."""
        verbs = tuple(verb.name for verb in self.verbs)
        verb = (Option("verb", "VERB", "what to do", verbs, required=True),) if verbs else ()
        return (*verb, *self.rows, *self.common)

    @property
    def options(self) -> list[Option]:
        """The rows that are options."""
        return [row for row in self.table if not row.is_operand]

    @property
    def operands(self) -> list[Option]:
        """The rows that are operands."""
        return [row for row in self.table if row.is_operand]

    def with_verb(self, name: str) -> Program:
        """Return a verb as a program, which has the options of all verbs, too."""
        verb = next(verb for verb in self.verbs if verb.name == name)
        rows = (*self.rows, *verb.rows)
        return verb.replace(name=f"{self.name} {name}", rows=rows, prefixes=self.prefixes)

    def parse(self, arguments: Sequence[str]) -> Values:
        """Return the values of the arguments. Raises UsageError."""
        others = ("-h", "--help", "--version", *(verb.name for verb in self.verbs))
        begins = all(word[:1] == "-" for word in arguments[:1])
        if self.default and begins and not set(others) & set(arguments):
            arguments = (self.default, *arguments)
        values = Values()
        try:
            self._parse(iter(arguments), values)
        except UsageError as error:
            raise UsageError(f"{error} ({self.name} --help lists the options)") from None
        return values

    def _parse(self, words: Iterator[str], values: Values) -> None:
        found, operands = values.__dict__, self.operands
        for row in self.table:
            found.setdefault(row.attribute, [] if row.many else row.default if row.value else False)
        for option, text in self._split(iter(("--", *words)) if self.passes else words):
            if not option and not operands:
                raise UsageError(f"unrecognized arguments: {text or repr(text)}")
            row = option or operands[0]
            value = row.read(text) if row.value else True
            if row.many:
                found[row.attribute].append(value)
            else:
                found.pop(row.attribute)  # keeps the order in which they were given
                found[row.attribute] = value
            if values.help or values.version:
                values.answer = self.help() if values.help else f"{self.name} (sysvinit_py) {__version__}\n"
                return
            if self.verbs and values.verb:
                self.with_verb(values.verb)._parse(words, values)
                return
            if not option and not row.many:
                del operands[0]
        if missing := [row.shown for row in operands if row.required and found[row.attribute] in (None, [])]:
            raise UsageError(f"the following arguments are required: {', '.join(missing)}")

    def _split(self, words: Iterator[str]) -> Iterator[tuple[Option | None, str]]:
        """Yield options with their values, and operands with None, split as by getopt_long(3)."""
        known = {name: row for row in self.options for name in row.names.split()}
        for word in words:
            if word == "--":
                yield from ((None, operand) for operand in words)
            elif len(word) < 2 or word[0] != "-":
                yield None, word
            elif word[1] == "-":
                name, equals, text = word.partition("=")
                row = known[self._whole(name, known)]
                if equals and not row.value:
                    raise UsageError(f"argument {row.shown}: takes no value, not {text!r}")
                yield row, text if equals else _value(row, words)
            else:
                for at, letter in enumerate(word[1:], 2):
                    row = known[self._whole(f"-{letter}", known)]
                    if row.value:
                        yield row, word[at:] or _value(row, words)
                        break
                    yield row, ""

    def _whole(self, name: str, known: Collection[str]) -> str:
        begun = [other for other in known if self.prefixes and name[:2] == "--" and other.startswith(name)]
        if name in known or len(begun) == 1:
            return name if name in known else begun[0]
        if begun:
            raise UsageError(f"ambiguous option: {name} could match {', '.join(begun)}")
        raise UsageError(f"unrecognized arguments: {name}")

    def usage(self) -> list[str]:
        """Return the lines of the usage."""
        options = [row.synopsis for row in self.rows if not row.is_operand]
        options = ["[OPTION]..."] if len(options) > _MANY else options
        forms = self.forms or [" ".join([*options, *(row.synopsis for row in self.operands)])]
        lines = [f"{self.name} {form}".rstrip() for form in forms]
        if self.verbs and not self.forms:
            lines = [line for verb in self.verbs for line in self.with_verb(verb.name).usage()[:-1]]
        return [*lines, f"{self.name} --help | --version"]

    def help(self) -> str:
        """Return what ``--help`` prints."""
        from textwrap import fill

        usage = f"\n{_INDENT[:7]}".join(self.usage())
        text = f"usage: {usage}\n\n{self.about.strip()}\n\n"
        rows = [(f"{', '.join(row.names.split())} {row.value}", row.help) for row in self.options]
        rows = [(row.value, row.help) for row in self.operands] + rows
        for left, right in [*rows, *((verb.name, verb.about) for verb in self.verbs)]:
            first = f"  {left} ".ljust(len(_INDENT))
            text += "" if len(first) == len(_INDENT) else f"{first.rstrip()}\n"
            first = first if len(first) == len(_INDENT) else _INDENT
            text += fill(right, _WIDTH, initial_indent=first, subsequent_indent=_INDENT) + "\n"
        return f"{text}\n{self.epilog}\n" if self.epilog else text


def _value(row: Option, words: Iterator[str]) -> str:
    """Return the next word, as the value of the option."""
    text = next(words, None) if row.value else ""
    if text is None:
        raise UsageError(f"argument {row.shown}: expected one argument")
    return text
