"""A process field as init and sh take it: which program with which words, on which terminal."""

from __future__ import annotations

import re

from sysvinit_py.inittab.entry import SHELL_CHARACTERS
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WORD = re.compile(r"[^ \t]+")
_TOKEN = re.compile(
    r"""[ \t]+
    | (?P<redirect> \d*(?:<<-?|>>|<&|>&|&>|<>|>\||[<>]) )
    | (?P<operator> &&|\|\||;;|\|&|[;&|()] )
    | (?P<word> (?:[^ \t;&|<>()'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+ )
    | (?P<open> . )                                                      # a quote that is never closed
    """,
    re.VERBOSE | re.DOTALL,
)
_UNQUOTED = re.compile(r"""\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")

#: Programs that are a shell, and what their names are as a login shell's, without the dash.
SHELLS = ("sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "csh", "tcsh", "cttyhack")
#: The folders of init scripts, and what they are told.
_SCRIPTS = re.compile(r"(?:^|/)(?:rc|init|rc\d|rcS)\.d/")

#: What sh knows as the beginning of something larger than a command.
KEYWORDS = ("if", "while", "until", "for", "case", "{", "!")

#: The names of terminals that a process field may mention. Only Linux's own and its drivers' are here.
TERMINAL = re.compile(
    r"""(?:/dev/)?(
        console | tty[A-Za-z]{0,8}\d{1,4} | tty[p-za-e][0-9a-f] | (?:vc|ttys?|tts|pts)/\d{1,4}
        | [hx]vc\d{1,4} | duart\d{1,4}
    )$""",
    re.VERBOSE,
)


class Word(Value):
    """A word of a command, without its quotes, and where in the process field it stands (from 0)."""

    text: str
    start: int
    end: int


class Token(Value):
    """A piece of a shell command: ``kind`` is "word", "redirect", "operator" or "open"."""

    kind: str
    text: str  # as written
    start: int


class Command(Value):
    """The first simple command of a process field."""

    program: Word  # what is executed
    called: Word  # what that is to be: the program itself, or BusyBox's applet
    arguments: tuple[Word, ...]
    redirects: tuple[tuple[str, Word], ...] = ()  # the operator, and where to
    background: bool = False  # ends with a single &
    compound: bool = False  # more follows it, or it stands in something larger
    assigns: bool = False  # FOO=1 before it
    said_exec: bool = False  # its exec is written

    @property
    def name(self) -> str:
        """The program's name without its folder; BusyBox's - of a login shell is not part of it."""
        return self.called.text.rpartition("/")[2].removeprefix("-")

    @property
    def is_init_script(self) -> bool:
        """Whether it is a script of the kind that starts and stops a daemon, by the folder that it is in."""
        return bool(_SCRIPTS.search(self.called.text))

    @property
    def script(self) -> str:
        """What it has a shell run, in sh -c SCRIPT; empty if it is no such command."""
        if self.name not in SHELLS:
            return ""
        before = [word.text for word in self.arguments]
        at = next((i for i, word in enumerate(before) if re.fullmatch(r"-[a-z]*c", word)), len(before))
        plain = all(word.startswith("-") for word in before[:at])
        return before[at + 1] if plain and at + 1 < len(before) else ""

    @property
    def operands(self) -> tuple[Word, ...]:
        """The arguments that are no options. An option's own argument counts as one."""
        return tuple(word for word in self.arguments if not word.text.startswith("-") or word.text == "-")

    def has_option(self, *names: str) -> bool:
        """Return whether it has one of these options; ``-n`` is found in ``-abn`` and ``-n5`` too."""
        for word in self.arguments:
            text = word.text
            if text == "--":
                break
            for name in names:
                if text == name or text.startswith(name + "="):
                    return True
                if (
                    len(name) == 2
                    and name[0] == "-"
                    and text[:1] == "-"
                    and text[1:2] != "-"
                    and name[1] in text
                ):
                    return True
        return False


def by_shell(process: str) -> bool:
    """Return whether it has a character that makes init call sh; the flags are the caller's affair."""
    return not SHELL_CHARACTERS.isdisjoint(process)


def plain_words(process: str, offset: int) -> list[Word]:
    """Return the words as init splits them itself: at spaces and tabs; a # anywhere ends it."""
    text = process.partition("#")[0]
    return [Word(found[0], offset + found.start(), offset + found.end()) for found in _WORD.finditer(text)]


def tokens(process: str, offset: int) -> Iterator[Token]:
    """Yield what sh sees in it, up to a comment."""
    for found in _TOKEN.finditer(process):
        kind = found.lastgroup
        if kind == "word" and found[0].startswith("#"):
            return
        if kind:
            yield Token(kind, found[0], offset + found.start())


def plain_command(words: list[Word]) -> Command | None:
    """Return what init runs itself."""
    return _command(words) if words else None


def shell_command(pieces: list[Token]) -> Command | None:
    """Return the first simple command, or None, as for a lone redirection."""
    words: list[Word] = []
    redirects: list[tuple[str, Word]] = []
    compound = background = assigns = said_exec = False
    to = ""
    rest = iter(pieces)
    for token in rest:
        if token.kind == "redirect":
            to = token.text
        elif token.kind == "word" and to:
            redirects.append((to, _word(token)))
            to = ""
        elif token.kind == "word" and not words:
            if token.text in KEYWORDS:
                compound = True
            elif _ASSIGNMENT.match(token.text):
                assigns = True
            elif token.text == "exec" and not said_exec:
                said_exec = True
            else:
                words.append(_word(token))
        elif token.kind == "word":
            words.append(_word(token))
        elif token.kind == "operator" and token.text in "()" and not words:
            compound = True
        elif token.kind == "operator":
            more = next(rest, None) is not None
            background = token.text == "&" and not more
            compound = compound or not (background or token.text == ";") or more
            break
    return _command(words, tuple(redirects), background, compound, assigns, said_exec) if words else None


def ends_with_ampersand(pieces: list[Token]) -> Token | None:
    """Return the & with which a shell's last command goes to the background, also in ( ) or { ; }."""
    at = len(pieces)
    while at and pieces[at - 1].text in (")", "}", ";"):
        at -= 1
    return pieces[at - 1] if at and pieces[at - 1].text == "&" else None


def _command(words: list[Word], *more: Any) -> Command:
    """Return a command of words; ``more`` are the other fields of it."""
    by_applet = words[0].text.rpartition("/")[2] == "busybox" and len(words) > 1
    called, *arguments = words[1:] if by_applet else words
    return Command(words[0], called, tuple(arguments), *more)


def terminal(word: str) -> str:
    """Return the name of the terminal that a word is, without /dev/; empty if it is not one."""
    found = TERMINAL.match(word)
    return found[1] if found else ""


def _word(token: Token) -> Word:
    text = _UNQUOTED.sub(lambda m: m[1] or m[2] or m[3] or "", token.text)
    return Word(text, token.start, token.start + len(token.text))
