"""Parsing of other programs' command lines, as getopt_long(3) does it."""

from __future__ import annotations

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class UnknownOptionError(ValueError):
    """An option is not in the syntax, so it is unknown whether it takes the next word."""


class Syntax(Value):
    """The options of a program.

    ``short`` is as for getopt: a letter, followed by a colon if the option takes a value, by two if the value
    can only be attached. ``long`` are names; ``=`` at the end marks a required value, ``?`` an optional one.
    """

    short: str = ""
    long: tuple[str, ...] = ()
    one_dash: bool = False  # long options may have a single dash, as in xdm -nodaemon
    most_operands: int = 1000  # options after the last of them belong to another command


def parse(words: Sequence[str], syntax: Syntax) -> Iterator[tuple[str, str, int]]:
    """Yield each option's name with its dashes, its value, and the index of the word that ends it.

    An operand has an empty name, and is the value. Raises UnknownOptionError for an option that is unknown or
    lacks its value.
    """
    at = operands = 0
    ended = False
    while at < len(words):
        word = words[at]
        if word == "--" and not ended:
            ended = True
        elif ended or word[:1] != "-" or word == "-":
            yield "", word, at
            operands += 1
            ended = ended or operands >= syntax.most_operands
        else:
            for name, value in _options(word, syntax):
                if value is None:
                    at += 1
                    if at == len(words):
                        raise UnknownOptionError(word)
                    value = words[at]
                yield name, value, at
        at += 1


def _options(word: str, syntax: Syntax) -> Iterator[tuple[str, str | None]]:
    """Yield the options of one word; the value is None if it is the next word."""
    if word.startswith("--") or (syntax.one_dash and _find(word, syntax)):
        name, equals, value = word.partition("=")
        found = _find(word, syntax)
        if not found or (equals and found[-1] not in "=?"):
            raise UnknownOptionError(word)
        dashes = name[: len(name) - len(name.lstrip("-"))]
        yield dashes + found.rstrip("=?"), None if found[-1] == "=" and not equals else value
        return
    for at in range(1, len(word)):
        _, known, after = syntax.short.partition(word[at])
        if not known or known == ":":
            raise UnknownOptionError(word)
        rest = word[at + 1 :]
        if after[:1] == ":":
            yield "-" + known, rest if rest or after[:2] == "::" else None
            return
        yield "-" + known, ""


def _find(word: str, syntax: Syntax) -> str:
    """Return the long option that a word names, or abbreviates unambiguously; else an empty text."""
    name = word.partition("=")[0].lstrip("-")
    close = [known for known in syntax.long if known.startswith(name)]
    exact = [known for known in close if known.rstrip("=?") == name]
    found = exact or (close if word.startswith("--") else [])
    return found[0] if len(found) == 1 else ""
