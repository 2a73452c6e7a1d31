"""Text from outside made fit for a terminal or a log."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return text with control characters, and bytes that are not UTF-8, as escape sequences."""
    return text if text.isprintable() else "".join(map(escaped, text))


def escaped(character: str) -> str:
    """Return a character as it may be shown; one that stands for a byte (surrogateescape) as that byte."""
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else ascii(character)[1:-1]
