"""Escaping of untrusted text for a terminal or a log."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text with control characters, and bytes that are not UTF-8, as escape sequences."""
    return text if text.isprintable() else "".join(map(escaped, text))


def escaped(character: str) -> str:
    """Return a character, escaped unless it is printable; one of surrogateescape as the byte."""
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else ascii(character)[1:-1]
