"""The command line of ``init --container`` (init(8), CONTAINERS)."""

from __future__ import annotations

from sysvinit_py import __version__
from sysvinit_py.inittab.options import log_form, seconds
from sysvinit_py.pid1.container import policy
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any


class UsageError(Exception):
    """The command line is wrong; the message names the word at fault."""


class Arguments(Value):
    """The options and the command."""

    grace: float | None = None  # seconds
    log: str = ""  # the form of the output
    level: str = ""
    check: bool = False
    answer: str = ""  # the usage or the version, if only that is printed
    command: tuple[str, ...] = ()


def _level(text: str) -> str | None:
    for problem in policy.bad_level(text.upper(), "--level"):
        raise UsageError(problem)
    return text


#: By name: the converter of the text, which returns None if it is not valid; and what is expected.
_OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "--grace": (seconds, "seconds"),
    "--log": (log_form, "prefix, json or raw"),
    "--level": (_level, "a level"),
}


USAGE = """\
usage: init --container [--grace SECONDS] [--log prefix|json|raw] [--level LEVEL]
                        [--check] [-- COMMAND [ARGUMENT...]]
       init --container --status [--json] [ID...]
"""
_ANSWERS = {"--help": USAGE, "--version": f"init (sysvinit_py) {__version__}\n"}


def parse(words: Sequence[str]) -> Arguments:
    """Parse the words, without the program's name and ``--container``. Raises UsageError."""
    rest = iter(words)
    options = dict(_split(rest))
    return Arguments(command=(*rest,), **options)


def _split(words: Iterator[str]) -> Iterator[tuple[str, Any]]:
    for word in words:
        name, equals, text = word.partition("=")
        if word == "--":
            return
        if word == "--check":
            yield "check", True
        elif word in _ANSWERS:
            yield "answer", _ANSWERS[word]
        elif name in _OPTIONS:
            read, expected = _OPTIONS[name]
            given = text if equals else next(words, None)
            value = None if given is None else read(given)
            if value is None:
                raise UsageError(
                    f"{name} requires {expected}" + ("" if given is None else f', not "{given}"')
                )
            yield name.removeprefix("--"), value
        elif word.startswith("-"):
            raise UsageError(f"unknown option {word}")
        else:
            raise UsageError(f"{word}: a command has to follow --")
