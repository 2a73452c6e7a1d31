"""INT5: how the process field becomes words, and what /bin/sh makes of it."""

from __future__ import annotations

import re
from functools import cache

from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.command import Word
from sysvinit_py.lint.finding import Edit, Fix, Match, printable
from sysvinit_py.lint.inittab import PROCESS, RESPAWNED
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.rules.executables import BUILTINS, NO_PROGRAMS
from sysvinit_py.lint.targets import ALL, BUSYBOX, SYSVINIT_2_88, SYSVINIT_3_06, SYSVINIT_3_14

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.inittab import EntryView, Inittab
    from sysvinit_py.lint.targets import Target

    Patterns = tuple[tuple[str, str, str], ...]


@rule("INT501", "shell-in-between", "info", (SYSVINIT_3_14,))
def shell_in_between(inittab: Inittab) -> Iterator[Match]:
    """A respawned command has characters that make init call /bin/sh for it.

    Then the process that init knows may be the shell, and the command only its child. With ``exec`` before
    it the command takes the shell's place; with ``@`` before it there is no shell at all (but no
    redirections either). sysvinit_py puts ``exec`` before a simple command itself.

    Bad::

        df:2345:respawn:/usr/bin/watch -n30 df >/dev/tty9

    Good::

        df:2345:respawn:exec /usr/bin/watch -n30 df >/dev/tty9
    """
    for view in inittab.views:
        command = view.command
        if not (command and view.by_shell and view.action in RESPAWNED):
            continue
        simple = not (command.compound or command.background or command.assigns or command.said_exec)
        if simple and command.name not in BUILTINS:
            start, _ = view.columns(command.program)
            fix = Fix("write exec before it", (Edit(view.entry.line, start, start, "exec "),))
            yield view.match_word(
                command.program,
                f"a shell stays between init and {printable(command.name)}",
                "write exec before it",
                fix,
            )


@rule("INT502", "lost-behind-exec", "warning", (SYSVINIT_3_06, SYSVINIT_2_88, BUSYBOX))
def lost_behind_exec(inittab: Inittab) -> Iterator[Match]:
    """The command cannot work, or not all of it, behind the ``exec`` that init puts before it.

    sysvinit up to 3.10 and BusyBox give ``exec PROCESS`` to sh. Of ``a && b`` only a is run, ``FOO=1 a``,
    ``(a)`` and a shell's own command such as ``cd`` fail.

    Bad::

        si::sysinit:/bin/mount -a && /etc/init.d/rcS

    Good::

        si::sysinit:/etc/init.d/rcS
    """
    for view in inittab.views:
        command = view.command
        if not view.by_shell or not command:
            continue
        first = view.tokens[0]
        if command.assigns:
            message = f"exec fails at {printable(first.text)}: it is taken for the command"
        elif command.said_exec:
            message = "exec is written once more: init puts one before the command"
        elif first.text in ("(", "{", "if", "while", "until", "for", "case", "!"):
            message = f"exec fails at {first.text}"
        elif command.program.text in NO_PROGRAMS:
            message = f"exec fails: {printable(command.program.text)} is the shell's own command"
        elif command.compound and (lost := _never_reached(view)):
            message = f"what follows {lost} is never run: exec replaces the shell"
        else:
            continue
        hint = "put it into a script" + (", or into sh -c '...'" if inittab.target is BUSYBOX else "")
        yield view.match(PROCESS, f"init puts exec before this: {message}", hint)


def _never_reached(view: EntryView) -> str:
    """Return the operator behind which nothing is run; in a pipeline, or after an &, all is."""
    first = next((token.text for token in view.tokens if token.kind == "operator"), "")
    return first if first in ("&&", "||", ";") else ""


_SINGLE, _DOUBLE = "\x01", "\x02"
_QUOTED = re.compile(r"""(\\.)|('[^']*')|("(?:[^"\\]|\\.)*")""", re.DOTALL)
_BEGIN = r"(?:^|[;&|(])\s*"  # of a command

#: What bash understands and dash does not: a pattern whose group is the place, what it is, what to write.
#: In the text that is searched, what is in single quotes is blotted out; for OUTSIDE, what is in any quotes.
INSIDE: Patterns = (
    (r"(\$\{\w+(?:/|\^|,|:\d|\[))", "this ${...} is", "use sed or cut"),
    (r"(\$(?:RANDOM|UID|EUID|HOSTNAME|BASH\w*)\b)", "this variable is", ""),
)
OUTSIDE: Patterns = (
    (_BEGIN + r"(\[\[)\s", "[[ is", "use ["),
    (_BEGIN + r"(function|source|pushd|popd|declare|typeset|let|shopt|select)\s", "this command is", ""),
    (r"(?<!>)(&>>?)", "&> is", "use >FILE 2>&1"),
    (r"([<>]&)(?=\s*[^\s\d$&-])", ">& FILE is", "use >FILE 2>&1"),
    (r"(<<<)", "<<< is", "use a pipe"),
    (r"(\|&)", "|& is", "use 2>&1 |"),
    (r"(?:^|[\s=])([<>]\()", "<(...) is", "use a pipe"),
    (r"(\b\w+\+?=\()", "an array is", ""),
    (rf"(\${_SINGLE})", "$'...' is", "use printf"),
    (r"(?<!\$)(\{[^{}\s,]*,[^{}\s]*\})", "{a,b} is", "write the words out"),
)
#: What BusyBox's sh understands however it is built.
NOT_DASH: Patterns = ((_BEGIN + r"(?:\[|test)\s[^;&|(]*\s(==)\s", "== is", "use ="),)
#: Only of a shell's own echo: init's exec would find the program, which has a -e.
OWN_ECHO: Patterns = ((_BEGIN + r"echo\s+(-[nE]*e)", "echo -e is", "use printf"),)
_MAYBE_IN_BUSYBOX = "works only where BusyBox is built with bash compatibility"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _blot(text: str, *, double: bool) -> str:
    """Hide what is quoted, at the same length."""

    def blot(found: re.Match[str]) -> str:
        if found[3]:
            return _DOUBLE * len(found[0]) if double else found[0]
        return _SINGLE * len(found[0])

    return _QUOTED.sub(blot, text)


@rule("INT503", "bashism", "warning", ALL)
def bashism(inittab: Inittab) -> Iterator[Match]:
    """The command needs bash, but /bin/sh runs it.

    On many systems /bin/sh is dash or BusyBox's ash. There ``>& file``, ``&>``, ``[[``, ``<<<``,
    ``source``, ``echo -e`` and others fail, or mean something else.

    Bad::

        sv:2345:respawn:/usr/bin/runsvdir /var/service >& /tmp/log

    Good::

        sv:2345:respawn:/usr/bin/runsvdir /var/service >/tmp/log 2>&1
    """
    target = inittab.target
    outside = OUTSIDE
    if target is not BUSYBOX:
        outside += NOT_DASH
    if not target.exec_prefix:
        outside += OWN_ECHO
    for view in inittab.views:
        if not view.by_shell:
            continue
        text = view.process[view.command_start :]
        for double, patterns in ((False, INSIDE), (True, outside)):
            blotted = _blot(text, double=double)
            for pattern, what, instead in patterns:
                for found in _compiled(pattern).finditer(blotted):
                    at = view.command_start + found.start(1)
                    word = Word(found[1], at, at + len(found[1]))
                    hint = _MAYBE_IN_BUSYBOX if target is BUSYBOX else instead
                    yield view.match_word(word, f"{what} bash, but {_shell(target)} runs this", hint)


def _shell(target: Target) -> str:
    return "BusyBox's sh" if target is BUSYBOX else "/bin/sh"


@rule("INT504", "open-quote", "warning", ALL)
def open_quote(inittab: Inittab) -> Iterator[Match]:
    """A quote is opened and never closed, or a backslash ends the line.

    sh refuses the whole command.

    Bad::

        kb::kbrequest:/bin/echo "Keyboard request

    Good::

        kb::kbrequest:/bin/echo "Keyboard request"
    """
    for view in inittab.views:
        opened = next((token for token in view.tokens if token.kind == "open"), None)
        if opened:
            what = "a backslash ends the command" if opened.text == "\\" else f"{opened.text} is never closed"
            yield view.match_word(opened, what)


@rule("INT505", "too-many-words", "warning", (SYSVINIT_3_06, SYSVINIT_2_88, SYSVINIT_3_14))
def too_many_words(inittab: Inittab) -> Iterator[Match]:
    """The command has more words than init passes on.

    C sysvinit splits a command into 14 words and silently drops the rest.

    Bad::

        x:5:respawn:/bin/a 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15

    Good::

        x:5:respawn:/bin/a 1 2 3 4 5 6 7 8 9 10 11 12 13
    """
    most = inittab.target.max_words
    for view in inittab.views:
        if len(view.words) > most:
            yield view.match_word(
                view.words[most],
                f"init passes {most} words and drops the rest from here",
                "put it into a script",
            )


@rule("INT506", "comment-in-process", "warning", ALL)
def comment_in_process(inittab: Inittab) -> Iterator[Match]:
    """There is a # in the process field.

    It ends the command wherever it stands, even within a word; C sysvinit then passes an empty word at the
    end. A comment belongs on a line of its own. Where sh runs the command, in an entry that runs nothing,
    and for BusyBox behind a blank, it does no harm and is not reported.

    Bad::

        1:2345:respawn:/sbin/getty 38400 tty1 # first console

    Good::

        # first console
        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        text = view.line.text.removesuffix("\r")
        start = view.span(PROCESS).start - 1
        at = text.find("#", start if inittab.target.sysv else 1)
        if at < 0 or view.action in ("initdefault", "off") or (inittab.target.sysv and view.by_shell):
            continue
        comment = at == start or text[at - 1] in BLANKS
        if comment and inittab.target is BUSYBOX:  # as Buildroot writes its inittab
            continue
        if comment and inittab.target.comment_is_a_word:
            message = "a comment here gives the command an empty last word"
        elif comment:
            message = "# ends the command: a comment belongs on a line of its own"
        else:
            message = "# ends the command in the middle of a word"
        yield Match(view.entry.file, view.entry.line, at + 1, len(text) + 1, message)


@rule("INT507", "misplaced-flag", "warning", ALL)
def misplaced_flag(inittab: Inittab) -> Iterator[Match]:
    """A + or @ does not stand where init looks for it.

    ``+`` (no accounting) must be the first character of the process field and ``@`` (no shell) the first
    after it. ``@+`` and a blank before them are taken for the command. sysvinit-2.88 does not know the
    ``@``, BusyBox knows neither.

    Bad::

        1:2345:respawn:@+/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:+@/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        rest = view.process[view.command_start :]
        if not rest.lstrip(BLANKS).startswith(("+", "@")):
            continue
        known = "+@" if inittab.target.at_sign else "+" if inittab.target.sysv else ""
        if rest[0] not in known + BLANKS:
            yield view.match(PROCESS, f"{inittab.target.name} does not know the {rest[0]}")
        else:
            yield view.match(PROCESS, "+ and @ count only at the very beginning, as in +@/sbin/getty")


_SHELL_WORD = re.compile(r"\d*[<>]|[|&;]+$|.*[\"'`$;]")


@rule("INT508", "no-shell", "warning", ALL)
def no_shell(inittab: Inittab) -> Iterator[Match]:
    """The command needs a shell, but init runs it by itself.

    Without a character that calls for sh init looks for a program of that name, and no program is called
    ``exec`` or ``cd``. Behind an ``@`` there is no shell at all: a redirection, a quote or a variable is
    handed to the program as it is written.

    Bad::

        1:2345:respawn:exec /sbin/getty 38400 tty1
        x:2345:once:@/bin/dmesg >/var/log/dmesg

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
        x:2345:once:/bin/dmesg >/var/log/dmesg
    """
    for view in inittab.views:
        if not view.words or view.action in ("initdefault", "off"):
            continue
        program, *arguments = view.words
        if program.text in NO_PROGRAMS:
            message = f"{printable(program.text)} is the shell's own command, but no shell runs this"
            yield view.match_word(program, message)
        elif odd := next((word for word in arguments if _SHELL_WORD.match(word.text)), None):
            yield view.match_word(odd, f"no shell takes care of {printable(odd.text)} behind the @")
