"""What runit's programs share: command lines as they take them, and how they complain."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class UsageError(Exception):
    """The command line is wrong; the text, if any, says in runit's words how."""


def options(words: list[str], letters: str) -> Iterator[tuple[str, str]]:
    """Take options from the front of the words, and yield letters and values; ``letters`` as for getopt(3).

    Raises UsageError.
    """
    while words and words[0][:1] == "-" and words[0] != "-":
        word = words.pop(0)
        if word[:2] == "--":
            return  # whatever follows the two
        for at, letter in enumerate(word[1:], 2):
            _, known, after = letters.partition(letter)
            if not known or letter == ":":
                first = encoded(letter)[:1].decode(errors="surrogateescape")
                raise UsageError(f"illegal option -- {first}")
            if after[:1] != ":":
                yield letter, ""
                continue
            if not word[at:] and not words:
                raise UsageError(f"option requires an argument -- {letter}")
            yield letter, word[at:] or words.pop(0)
            break


def wrong_usage(name: str, wrong: UsageError, form: str) -> None:
    """Say what is wrong, if that is known, and how the program is used."""
    complain(f"{name}: {wrong}\n" * bool(str(wrong)) + f"usage: {form}\n\n")


def is_there(path: str) -> bool:
    """Return whether something has this name, be it a link that leads nowhere."""
    try:
        posix.lstat(path)
    except OSError:
        return False
    return True


def number(text: str) -> int:
    """Return digits, or none, as C's programs read them into 64 bits. Raises ValueError."""
    if text.strip("0123456789"):
        raise ValueError(f"{text!a} is not a number")
    return int(text or "0") % 2**64


def encoded(text: str) -> bytes:
    """Return the bytes of which Python has made text, as os.fsencode does."""
    return text.encode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())


def complain(text: str) -> None:
    """Write to standard error, unless nobody can read it."""
    try:
        posix.write(2, encoded(text))
    except OSError:
        pass
