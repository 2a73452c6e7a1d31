"""Where C's init would do otherwise: what the linter finds for it alone, and what docs/differences.rst says.

It needs the linter, which is not in the one file.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import ON_DEMAND_LEVELS
from sysvinit_py.lint.check import check
from sysvinit_py.lint.targets import C_INITS, SYSVINIT_PY, TARGETS
from sysvinit_py.machine.stages import SINGLE_USER
from sysvinit_py.machine.steering import KILL, VERBS
from sysvinit_py.simulator.life import MESSAGE, SIGNAL, STEP
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.inittab.sources import Source
    from sysvinit_py.report.history import Event
    from sysvinit_py.simulator.life import Life

NAMES = tuple(target.name for target in C_INITS)


class Difference(Value):
    """What another init does with a line; 0: with the life as a whole."""

    file: str
    line: int
    id: str
    text: str


def _about(life: Life, entry: Entry, *what: str) -> Iterator[Event]:
    return (event for event in life.events if event.id == entry.id and event.what in what)


def _waits_for_terminal(entry: Entry, life: Life) -> bool:
    said = f'Id "{entry.id}" waits for its terminal'
    return any(event.what == MESSAGE and event.word.startswith(said) for event in life.events)


def _starts_in_s(entry: Entry, life: Life) -> bool:
    level = ""
    for event in life.events:
        level = event.word if event.what == "level" else level
        if level == SINGLE_USER and event.what == "begin" and event.id == entry.id:
            return True
    return False


def _is_asked_for(entry: Entry, life: Life) -> bool:
    steps = (event.word.split() for event in life.events if event.what == STEP)
    asked = {words[-1].lower() for words in steps if words[0] == "telinit" and words[1] != "-e"}
    asked &= {*ON_DEMAND_LEVELS}
    return bool(entry.rule.event and asked & set(entry.levels))


def _is_killed(entry: Entry, life: Life) -> bool:
    return any(event.word == "SIGKILL" for event in _about(life, entry, SIGNAL))


#: What C does in docs/differences.rst, and whether that concerns an entry in this life.
OF_ENTRY: dict[str, Callable[[Entry, Life], bool]] = {
    "A getty is started whatever terminal it names, and throttled.": _waits_for_terminal,
    "ondemand entries have a place in level S.": lambda entry, life: (
        entry.action == "ondemand" and SINGLE_USER in entry.levels
    ),
    "``telinit a`` concerns power, key and resume entries, too.": _is_asked_for,
    "Event entries in S take the terminal from sulogin.": lambda entry, life: (
        bool(entry.rule.event) and _starts_in_s(entry, life)
    ),
    "One entry cannot be stopped, started or restarted.": lambda entry, life: any(
        _about(life, entry, *VERBS, KILL)
    ),
    "Whatever is ended gets SIGTERM.": lambda entry, life: bool(entry.options.stop),
    "The wait time is 3 s at the start, and in ``telinit``'s request without ``-t``.": _is_killed,
}


def _says(text: str, times: int = 1) -> Callable[[Life], bool]:
    return lambda life: sum(e.what == MESSAGE and text in e.word for e in life.events) >= times


#: The same, of a life.
OF_LIFE: dict[str, Callable[[Life], bool]] = {
    "A fork that fails stops all work for five seconds.": _says("cannot fork"),
    "``no more processes left in this runlevel`` is said once.": _says("no more processes left", 2),
    "A process group is gone when its leader is.": lambda life: any(
        event.what == STEP and " member" in event.word for event in life.events
    ),
}


def differences(
    sources: Iterable[Source], entries: Iterable[Entry], life: Life, target: str
) -> list[Difference]:
    """Return where the target would do otherwise than ours, line by line."""
    files = [(source.path, source.data) for source in sources]
    ours, theirs = (
        {(finding.path, finding.line, finding.message): finding for finding in check(files, init)}
        for init in (SYSVINIT_PY, TARGETS[target])
    )
    ids = {(entry.file, entry.line): entry.id for entry in entries}
    found = [
        Difference(path, line, ids.get((path, line), ""), message)
        for (path, line, message), finding in theirs.items()
        if (path, line, message) not in ours and finding.severity != "info"
    ]
    for entry in entries:
        texts = [text for text, applies in OF_ENTRY.items() if applies(entry, life)]
        found += [Difference(entry.file, entry.line, entry.id, text) for text in texts]
    found += [Difference("", 0, "", text) for text, applies in OF_LIFE.items() if applies(life)]
    return sorted(found, key=lambda difference: (difference.file, difference.line))
