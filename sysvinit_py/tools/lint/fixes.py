"""Repairs: edits put into a file's bytes, until there is nothing left to repair."""

from __future__ import annotations

import os

from sysvinit_py.tools.lint.sources import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sysvinit_py.tools.lint.finding import Edit, Finding

    Files = tuple[tuple[str, bytes], ...]

#: One fix can make place for another, but not without end.
MAX_ROUNDS = 20


def fixable(findings: Iterable[Finding], *, unsafe: bool) -> list[Finding]:
    """Those that can be repaired."""
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


def write(path: str, data: bytes) -> None:
    """Replace a file at once or not at all. Mode, owner, ACL, label and a link to it stay."""
    from shutil import copystat

    path = os.path.realpath(path)
    new = f"{path}.inittab-lint-{os.getpid()}"
    try:
        old = os.stat(path)
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
                copystat(path, new)  # extended attributes too, where the file system has them
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.replace(new, path)
        except BaseException:
            if os.path.exists(new):
                os.unlink(new)
            raise
    except OSError as error:
        raise UsageError(f"{path}: cannot be repaired: {error.strerror}") from None


def diff(path: str, before: bytes, after: bytes) -> str:
    """What would change, in the unified format."""
    from difflib import unified_diff

    def lines(data: bytes) -> list[str]:
        # Not splitlines, which takes other characters for line ends too.
        return [line + "\n" for line in data.decode("utf-8", "surrogateescape").split("\n")]

    old, new = lines(before), lines(after)
    for text in (old, new):
        text[-1] = text[-1][:-1] and text[-1] + "\\ No newline at end of file\n"
        if not text[-1]:
            text.pop()
    return "".join(unified_diff(old, new, path, path))
