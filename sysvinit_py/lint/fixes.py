"""Repairs: edits put into a file's bytes, until there is nothing left to repair."""

from __future__ import annotations

import os
import stat
from errno import EBUSY

from sysvinit_py.cli.options import UsageError
from sysvinit_py.inittab.sources import MAX_BYTES
from sysvinit_py.lint.finding import printable
from sysvinit_py.lint.sources import handed_down
from sysvinit_py.linux.beneath import Place, named_file, read
from sysvinit_py.linux.replacing import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sysvinit_py.lint.finding import Edit, Finding

    Files = tuple[tuple[str, bytes], ...]

#: One fix can make place for another, but not without end.
MAX_ROUNDS = 20

#: How diff says it. No line can have a newline in it.
_UNFINISHED = "\n\\ No newline at end of file"


def fixable(findings: Iterable[Finding], *, unsafe: bool) -> list[Finding]:
    """Return the findings that can be repaired."""
    return [finding for finding in findings if finding.fix and (finding.fix.safe or unsafe)]


def repair(files: Files, check: Callable[[Files], list[Finding]], *, unsafe: bool) -> Files:
    """Repair what can be repaired, look again, and so on."""
    for _ in range(MAX_ROUNDS):
        found = fixable(check(files), unsafe=unsafe)
        repaired = tuple(
            (path, _edited(data, [f for f in found if f.path == path])) if found else (path, data)
            for path, data in files
        )
        if repaired == files:
            break
        files = repaired
    return files


def _edited(data: bytes, findings: list[Finding]) -> bytes:
    """Put in the fixes, each whole or not at all: one that overlaps an earlier one waits a round."""
    taken: dict[int, list[Edit]] = {}
    for finding in findings:
        edits = finding.fix.edits if finding.fix else ()
        if any(_overlaps(edit, other) for edit in edits for other in taken.get(edit.line, ())):
            continue
        for edit in edits:
            taken.setdefault(edit.line, []).append(edit)
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    for number, edits_of_line in taken.items():
        text = lines[number - 1]
        for edit in sorted(edits_of_line, key=lambda edit: edit.start, reverse=True):
            text = text[: edit.start - 1] + edit.text + text[edit.end - 1 :]
        lines[number - 1] = text
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _overlaps(one: Edit, other: Edit) -> bool:
    return one.start <= other.end and other.start <= one.end


def write(place: Place, before: bytes, after: bytes) -> None:
    """Replace what a file holds, at once or not at all. Mode, owner, ACL, label and a link to it stay.

    Raises UsageError if writing fails, or if the file has changed since it was read.
    """
    try:
        with place.held() as walk:
            old = walk.open()
            try:
                if read(old, MAX_BYTES) != before:
                    raise OSError(EBUSY, "was changed meanwhile")
                replace(walk.folder, walk.name, after, old)
            finally:
                os.close(old)
    except OSError as error:
        raise UsageError(f"{place.shown}: cannot be written: {error.strerror}") from None


def save(path: str, data: bytes) -> None:
    """Write a file that was named: at once, and not through a link out. Raises UsageError."""
    descriptor = 1 if path == "/dev/stdout" else 2 if path == "/dev/stderr" else handed_down(path)
    place = named_file(path)
    try:
        if descriptor is not None:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
        elif place.exists():
            with place.held() as walk:
                old = walk.open()
                try:
                    if stat.S_ISREG(os.fstat(old).st_mode):  # not /dev/null
                        replace(walk.folder, walk.name, data, old)
                finally:
                    os.close(old)
        else:
            with Place(place.folder).held() as walk:
                replace(walk.found, place.path, data)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def diff(path: str, before: bytes, after: bytes) -> str:
    """Return what would change, in the unified format, to be read: control characters are escaped."""
    from difflib import unified_diff

    def lines(data: bytes) -> list[str]:
        # Not splitlines, which takes other characters for line ends too.
        *whole, last = data.decode("utf-8", "surrogateescape").split("\n")
        return whole + [last + _UNFINISHED] * bool(last)

    shown = printable(path)
    compared = unified_diff(lines(before), lines(after), shown, shown, lineterm="")
    escaped = (_UNFINISHED.join(map(printable, line.split(_UNFINISHED))) for line in compared)
    return "".join(f"{line}\n" for line in escaped)
