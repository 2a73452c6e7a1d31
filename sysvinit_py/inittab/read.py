"""Parsing of all files of the inittab together: inittab and the ``*.tab`` files of inittab.d."""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry, FileOptions, Problem, Reading, with_single_user_shell
from sysvinit_py.inittab.foreign import KINDS, Foreign
from sysvinit_py.inittab.options import Comments
from sysvinit_py.inittab.parser import Line, lines
from sysvinit_py.inittab.sources import DIRECTORY, INITTAB, Source, gather

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Problems of lines that are listed; a file that is not an inittab at all can have millions.
MAX_PROBLEMS = 100


def read(inittab: str = INITTAB, directory: str = DIRECTORY) -> Reading:
    """Read the main file, and the directory's ``*.tab`` files in the order of their names. Never fails."""
    return interpret(gather(inittab, directory))


def interpret(sources: tuple[Source, ...]) -> Reading:
    """Parse the main file, which comes first, and the others.

    Never fails: a file that could not be read is a problem with line 0. A missing main file is not a problem
    if one of the others has an initdefault entry.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    files: list[tuple[str, FileOptions]] = []
    more = 0
    seen: dict[str, Entry] = {}
    unreadable = False
    for number, source in enumerate(sources):
        missing = source.missing and number == 0
        if source.error and not missing:
            unreadable = True
            problems.append(Problem(source.path, 0, f"cannot be read: {source.error}"))
        foreign = tuple(kind for kind in KINDS if kind.is_one(source.data))
        problems += (Problem(source.path, 0, kind.reason) for kind in foreign)
        comments = Comments(source.path)
        for problem in _read(lines(source.data, source.path, seen), comments, foreign, entries):
            more += 1
            if more <= MAX_PROBLEMS:
                problems.append(problem)
        if comments.of_file.text:
            files.append((source.path, comments.of_file))
    missing = sources[0].missing and all(entry.action != "initdefault" for entry in entries)
    if missing:
        problems.insert(0, Problem("", 0, "No inittab file found"))
    if more > MAX_PROBLEMS:
        problems.append(Problem("", 0, f"{more - MAX_PROBLEMS} more problems of inittab are not listed"))
    return Reading(with_single_user_shell(entries), tuple(problems), missing, unreadable, tuple(files))


def _read(
    lines: Iterator[Line], comments: Comments, foreign: tuple[Foreign, ...], entries: list[Entry]
) -> Iterator[Problem]:
    """Append the entries of a file's lines, with their options; yield the problems."""
    for line in lines:
        if line.entry:
            entries.append(comments.bind(line.entry))
        elif line.problem:
            comments.skip()
            if not any(kind.line.match(line.text) for kind in foreign):
                yield line.problem
        elif line.kind == "comment":
            yield from comments.take(line.number, line.text)
    yield from comments.unbound()
