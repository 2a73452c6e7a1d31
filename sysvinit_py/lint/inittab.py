"""What the rules look at: the files that init reads as one, and each entry with its command."""

from __future__ import annotations

from functools import cached_property

from sysvinit_py.inittab import actions
from sysvinit_py.inittab.getty import DEV, GETTYS, line_of
from sysvinit_py.lint.command import (
    SHELLS,
    Command,
    Token,
    Word,
    by_shell,
    plain_command,
    plain_words,
    shell_command,
    terminal,
    tokens,
)
from sysvinit_py.lint.finding import Edit, Fix, Match

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sysvinit_py.inittab.entry import Entry, Span
    from sysvinit_py.inittab.parser import Document, Line
    from sysvinit_py.lint.root import Root
    from sysvinit_py.lint.targets import Target

#: With what only BusyBox knows.
RESPAWNED = (*actions.RESPAWNED, "askfirst")


class EntryView:
    """An entry, with what rules ask about it."""

    def __init__(self, entry: Entry, line: Line, inittab: Inittab) -> None:
        self.entry = entry
        self.line = line
        self.inittab = inittab
        self.place = entry.file, entry.line
        self.id = entry.id
        self.action = entry.action
        self.runlevels = entry.runlevels

    @cached_property
    def process(self) -> str:
        """The process field; a CR at its end is a rule's own affair, not the command's."""
        return self.entry.process.removesuffix("\r")

    @cached_property
    def levels(self) -> str:
        """The levels that the target takes it to name."""
        if not self.inittab.target.sysv:
            return ""
        levels = self.entry.levels
        if not self.inittab.target.small_s and "s" in self.runlevels:
            return levels.replace("S", "S" if "S" in self.runlevels else "")
        return levels

    @cached_property
    def command_start(self) -> int:
        """How many characters of the process field are flags."""
        start = 0
        if self.inittab.target.sysv:
            start += self.process.startswith("+")
            start += self.inittab.target.at_sign and self.process.startswith("@", start)
        return start

    @cached_property
    def by_shell(self) -> bool:
        """Whether sh runs it."""
        return not self.process[: self.command_start].endswith("@") and by_shell(self.process)

    @cached_property
    def tokens(self) -> list[Token]:
        """What sh sees of it; nothing where sh does not run it."""
        if not self.by_shell:
            return []
        return list(tokens(self.process[self.command_start :], self.command_start))

    @cached_property
    def words(self) -> list[Word]:
        """What init splits it into itself; nothing where sh runs it."""
        if self.by_shell:
            return []
        return plain_words(self.process[self.command_start :], self.command_start)

    @cached_property
    def command(self) -> Command | None:
        """The first simple command, if any."""
        return shell_command(self.tokens) if self.by_shell else plain_command(self.words)

    @cached_property
    def name(self) -> str:
        """The name of the program; empty without a command."""
        return self.command.name if self.command else ""

    @cached_property
    def is_getty(self) -> bool:
        """Whether it offers a login: a getty, or a script that becomes one."""
        if self.name in GETTYS or self.name in self.inittab.gettys:
            return True
        root = self.inittab.root
        script = root.last_command(self.command.program.text) if root and self.command else []
        return script[:1] == ["exec"] and script[1:2] != [] and script[1].rpartition("/")[2] in GETTYS

    @cached_property
    def is_interactive(self) -> bool:
        """Whether it talks to somebody until told to stop: a getty, a login, a shell without a script."""
        if not self.command:
            return False
        if self.is_getty or self.name == "login":
            return True
        if self.name not in SHELLS:
            return False
        return not self.command.has_option("-c") and all(
            word.text.rpartition("/")[2].removeprefix("-") in SHELLS for word in self.command.operands
        )

    @cached_property
    def terminal_word(self) -> Word | None:
        """The word that names the terminal it talks on: a getty's operand, or where stdin comes from."""
        if not self.command:
            return None
        for operator, word in self.command.redirects:
            if operator.lstrip("0") in ("<", "<>") and terminal(word.text):
                return word
        if self.is_getty:
            at = line_of(self.name, [word.text for word in self.command.arguments])
            return None if at is None else self.command.arguments[at]
        return None

    @cached_property
    def terminal(self) -> str:
        """The terminal it talks on, without /dev/; empty if the entry does not say."""
        by_id = "" if self.inittab.target.sysv or not self.is_interactive else terminal(self.id)
        return by_id or (self.terminal_word.text.removeprefix(DEV) if self.terminal_word else "")

    def match(self, field: int, message: str, hint: str = "", fix: Fix | None = None) -> Match:
        """Return a match on one of the four fields."""
        span = self.span(field)
        return Match(self.entry.file, self.entry.line, span.start, span.end, message, hint, fix)

    def match_word(self, word: Word | Token, message: str, hint: str = "", fix: Fix | None = None) -> Match:
        """Return a match on a word of the process field."""
        start, end = self.columns(word)
        return Match(self.entry.file, self.entry.line, start, end, message, hint, fix)

    def columns(self, word: Word | Token) -> tuple[int, int]:
        """Return where in the line a word of the process field stands."""
        at = self.span(PROCESS).start
        end = word.end if isinstance(word, Word) else word.start + len(word.text)
        return at + word.start, at + end

    def span(self, field: int) -> Span:
        """Return where a field stands."""
        assert self.entry.spans
        return self.entry.spans[field]

    def replace(self, field: int, text: str, what: str, *, safe: bool = False) -> Fix:
        """Return a fix that writes another text into a field."""
        span = self.span(field)
        return Fix(what, (Edit(self.entry.line, span.start, span.end, text),), safe)

    def replace_word(self, word: Word | Token, text: str, what: str) -> Fix:
        """Return an unsafe fix that writes another word."""
        return Fix(what, (Edit(self.entry.line, *self.columns(word), text),))


ID, RUNLEVELS, ACTION, PROCESS = range(4)


class Inittab:
    """The files that init reads as one, as the target reads them."""

    def __init__(
        self,
        documents: tuple[Document, ...],
        target: Target,
        *,
        fragment: bool = False,
        root: Root | None = None,
        exposed: Mapping[str, str] | None = None,
        gettys: Collection[str] = (),
    ) -> None:
        self.documents = documents
        self.target = target
        self.fragment = fragment  # only a part: not asked for what a whole one needs
        self.root = root
        self.exposed = exposed or {}  # by path: what is not only root's to change
        self.gettys = gettys  # further programs that offer a login
        self.views = [
            EntryView(line.entry, line, self)
            for document in documents
            for line in document.lines
            if line.entry is not None
        ]

    @cached_property
    def whole(self) -> bool:
        """Whether it can be asked for what an inittab should have."""
        return bool(not self.fragment and self.views and not self.only_default)

    @cached_property
    def only_default(self) -> bool:
        """Whether it names the default level and nothing else: what other inits left of inittab."""
        return bool(self.views) and all(view.action == "initdefault" for view in self.views)

    @cached_property
    def actions(self) -> frozenset[str]:
        """All actions there are, those of refused lines too: what is wrong with these is said already."""
        refused = (
            line.text.split(":") for document in self.documents for line in document.lines if line.problem
        )
        written = {fields[2].strip().lower() for fields in refused if len(fields) > 2}
        return frozenset(written.union(view.action for view in self.views))

    def starts_in(self, level: str) -> bool:
        """Return whether an entry is started on entering a level."""
        started = (*actions.LEVEL_ACTIONS, *RESPAWNED)
        return any(level in view.levels and view.action in started for view in self.views)

    def match(self, message: str, hint: str = "") -> Match:
        """Return a match on the file as a whole: an empty place at its beginning."""
        return Match(self.documents[0].file, 1, 1, 1, message, hint)


def line_match(document: Document, line: Line, message: str, hint: str = "", fix: Fix | None = None) -> Match:
    """Return a match on a whole line."""
    return Match(document.file, line.number, 1, len(line.text) + 1, message, hint, fix)
