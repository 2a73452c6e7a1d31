"""Output of programs: text, tables, JSON, messages and colours, and the exit codes."""

from __future__ import annotations

import posix
import sys

from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import TextIO

#: Exit codes; of a status 0, 3 and 4 are LSB's. The last one: PID 1 is not ours.
DONE, FAILED, USAGE, NOT_RUNNING, CANNOT_LOOK, TIMEOUT, REFUSED, FOREIGN = range(8)


def write(content: str | bytes) -> None:
    """Write to standard output, unless it is closed. Raises OSError with "cannot write" as the file name."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(content.encode(errors="replace") if isinstance(content, str) else content)
            sys.stdout.buffer.flush()
        except OSError as error:
            error.filename = "cannot write"
            raise


def forget() -> None:
    """Discard output that cannot be written, as Python would report an error when it flushes it at exit."""
    try:
        write("")
    except OSError:
        _discard(1)


def _discard(fd: int) -> None:
    posix.dup2(posix.open("/dev/null", posix.O_WRONLY), fd)


def say(program: str, *lines: str) -> None:
    """Write the lines to standard error, each with the program's name, unless it is closed."""
    try:
        if sys.stderr is not None and lines:
            # Azure Pipelines executes ##vso[...] as a command.
            shown = (printable(line).replace("##", "\\x23" * 2 if "[" in line else "##") for line in lines)
            print("\n".join(f"{program}: {line}" for line in shown), file=sys.stderr, flush=True)
    except OSError:
        _discard(2)  # as in forget()


def coloured(stream: TextIO | None, when: str = "auto") -> bool:
    """Return whether to colour what is written there: ``auto``, ``always`` or ``never``."""
    if when != "auto" or stream is None or not stream.isatty():
        return when == "always"
    from os import environ  # takes 2 ms, for a terminal only

    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """Return the text in a colour, such as ``1;31``, or unchanged if that is empty."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def width() -> int:
    """Return how many columns standard output has; 0: it is not a terminal, and nothing need be cut."""
    try:
        return posix.get_terminal_size(1).columns
    except OSError:
        return 0


def columns(text: str) -> int:
    """Return how many columns of a terminal printable text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, most: int) -> str:
    """Return the text, truncated with an ellipsis to at most this many columns."""
    if columns(text) <= most:
        return text
    kept = text[: max(most - 1, 0)]
    while columns(kept) > most - 1 > 0:
        kept = kept[:-1]
    return f"{kept}…"


def table(
    rows: Iterable[Sequence[str]], right: Collection[int] = (), most: int = 0, colours: Sequence[str] = ()
) -> str:
    """Return rows, the first one the header, escaped, in aligned columns.

    ``right``: the columns to align right. ``most``: the columns of a terminal at which lines are truncated.
    ``colours``: one for each row.
    """
    # A column at a time, and each cell measured once: there may be thousands of rows.
    padded = []
    for at, column in enumerate(zip(*rows, strict=True)):
        cells = [cell if cell.isprintable() else printable(cell) for cell in column]
        sizes = [len(cell) if cell.isascii() else columns(cell) for cell in cells]
        widest = max(sizes)
        gaps = [" " * (widest - size) for size in sizes]
        padded.append(
            [gap + cell if at in right else cell + gap for cell, gap in zip(cells, gaps, strict=True)]
        )
    text = ""
    for number, row in enumerate(zip(*padded, strict=True)):
        line = "  ".join(row).rstrip()
        text += paint(cut(line, most) if most else line, colours[number] if colours else "") + "\n"
    return text


def as_json(value: object) -> str:
    """Return JSON in ASCII, on one line, without the json module, which is slow to import.

    A byte that is not UTF-8 becomes U+FFFD.
    """
    if isinstance(value, str):
        plain = value.isascii() and value.isprintable() and '"' not in value and "\\" not in value
        return f'"{value if plain else "".join(map(_escaped, value))}"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_json(key)}: {as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_json, value)) + "]"
    text = repr(value)
    return {"None": "null", "True": "true", "False": "false"}.get(text, text)


def _escaped(character: str) -> str:
    if 0xD800 <= ord(character) <= 0xDFFF:  # a byte of os.fsdecode
        return "\\ufffd"
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
