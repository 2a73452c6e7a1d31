"""Sources to a reading: what inittab and the ``*.tab`` files of inittab.d say, as init takes it."""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry, Problem, Reading, with_single_user_shell
from sysvinit_py.inittab.foreign import KINDS
from sysvinit_py.inittab.parser import lines
from sysvinit_py.inittab.sources import DIRECTORY, INITTAB, Source, gather

#: How many refused lines are worth saying why; a file that is no inittab at all can have millions.
MAX_REFUSED = 100


def read(inittab: str = INITTAB, directory: str = DIRECTORY) -> Reading:
    """Read the main file, and the directory's ``*.tab`` files in the order of their names. Never fails."""
    return interpret(gather(inittab, directory))


def interpret(sources: tuple[Source, ...]) -> Reading:
    """Parse the main file, which comes first, and the others.

    Never fails: a file that could not be read is a problem with line 0. The main file is not missed where
    the others make up a whole inittab, which has an initdefault.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    refused = 0
    seen: dict[str, Entry] = {}
    unreadable = False
    for number, source in enumerate(sources):
        missing = source.missing and number == 0
        if source.error and not missing:
            unreadable = True
            problems.append(Problem(source.path, 0, f"cannot be read: {source.error}"))
        foreign = tuple(kind for kind in KINDS if kind.is_one(source.data))
        problems += (Problem(source.path, 0, kind.reason) for kind in foreign)
        for line in lines(source.data, source.path, seen):
            if line.entry:
                entries.append(line.entry)
            elif line.problem and not any(kind.line.match(line.text) for kind in foreign):
                refused += 1
                if refused <= MAX_REFUSED:
                    problems.append(line.problem)
    missing = sources[0].missing and all(entry.action != "initdefault" for entry in entries)
    if missing:
        problems.insert(0, Problem("", 0, "No inittab file found"))
    if refused > MAX_REFUSED:
        problems.append(Problem("", 0, f"{refused - MAX_REFUSED} more lines of inittab are refused"))
    return Reading(with_single_user_shell(entries), tuple(problems), missing, unreadable)
