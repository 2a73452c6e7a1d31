"""INT8: comments with options for an entry, or for its file."""

from __future__ import annotations

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import FileOptions, Problem
from sysvinit_py.inittab.options import FILE_MARK, OF_ENTRY, OF_FILE, Comments, Word
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.finding import Edit, Fix, Match
from sysvinit_py.lint.inittab import line_match
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import OURS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.inittab.parser import Document, Line
    from sysvinit_py.lint.inittab import Inittab

    Found = tuple[Document, Line, Problem | tuple[Word, ...]]


def _read(inittab: Inittab) -> Iterator[Found]:
    """Yield what is wrong with a comment, and the options of each entry that has some."""
    for document in inittab.documents:
        comments = Comments(document.file)
        for line in document.lines:
            if line.kind == "comment":
                for problem in comments.take(line.number, line.text):
                    yield document, line, problem
            elif line.kind != "blank":
                if line.entry and comments.of_entry:
                    yield document, line, comments.of_entry
                comments.skip()
        for problem in comments.unbound():
            yield document, document.lines[problem.line - 1], problem


def options_of(inittab: Inittab) -> dict[tuple[str, int], dict[str, Word]]:
    """Return the options of the entries that have some, by the file and the line of the entry."""
    return {
        (document.file, line.number): {word.name: word for word in words}
        for document, line, words in _read(inittab)
        if not isinstance(words, Problem)
    }


def file_options(inittab: Inittab) -> Iterator[FileOptions]:
    """Yield what comments say of each file."""
    for document in inittab.documents:
        comments = Comments(document.file)
        for line in document.lines:
            if line.kind == "comment":
                list(comments.take(line.number, line.text))
        yield comments.of_file


def _faults(inittab: Inittab, *faults: str) -> Iterator[tuple[Line, Match]]:
    """Yield the lines with such faults, each with a match."""
    for _, line, found in _read(inittab):
        if isinstance(found, Problem) and found.span and any(words in found.reason for words in faults):
            message, _, expected = found.reason.partition(" (expected ")
            hint = f"expected {expected.removesuffix(')')}"
            yield line, Match(found.file, found.line, found.span.start, found.span.end, message, hint)


@rule("INT801", "unknown-option", "error", OURS)
def unknown_option(inittab: Inittab) -> Iterator[Match]:
    """A comment gives an option that init does not know.

    init reports the word and passes over it; the entry and the other options count. A comment that begins
    with ``inittab:`` or ``inittab-file:`` is one with options. To write a word of your own after that, begin
    the comment in another way.

    Bad::

        # inittab: grase=20
        web:2345:respawn:/usr/sbin/httpd -f

    Good::

        # inittab: grace=20
        web:2345:respawn:/usr/sbin/httpd -f
    """
    for line, match in _faults(inittab, ": unknown option"):
        # Not imported before there is a word to guess at.
        from difflib import get_close_matches

        table = OF_FILE if FILE_MARK in line.text.partition(":")[0] else OF_ENTRY
        name = line.text[match.start - 1 : match.end - 1].partition("=")[0]
        for close in get_close_matches(name[:40].lower(), table, 1, 0.6):
            edit = Edit(line.number, match.start, match.start + len(name), close)
            match = match.replace(hint=f"did you mean {close}?", fix=Fix(f"write {close}", (edit,)))
        yield match


@rule("INT802", "bad-option-value", "error", OURS)
def bad_option_value(inittab: Inittab) -> Iterator[Match]:
    """An option has a value that is not one, lacks its value, or has one and takes none.

    init reports the word and passes over it: it is as if the option were not given.

    Bad::

        # inittab: stop=SIGQIUT grace=20s
        web:2345:respawn:/usr/sbin/httpd -f

    Good::

        # inittab: stop=SIGQUIT grace=20
        web:2345:respawn:/usr/sbin/httpd -f
    """
    return (match for _, match in _faults(inittab, ": bad value"))


@rule("INT803", "repeated-option", "error", OURS)
def repeated_option(inittab: Inittab) -> Iterator[Match]:
    """An option is given twice for one entry, or twice for the file.

    The first one counts, and init reports the others. Several comments above an entry count as one.

    Bad::

        # inittab: stop=QUIT grace=5
        # inittab: grace=20
        web:2345:respawn:/usr/sbin/httpd -f

    Good::

        # inittab: stop=QUIT grace=20
        web:2345:respawn:/usr/sbin/httpd -f
    """
    return (match for _, match in _faults(inittab, ": repeated option"))


@rule("INT804", "unbound-option", "error", OURS)
def unbound_option(inittab: Inittab) -> Iterator[Match]:
    """A comment with options has no entry below it, or no option in it.

    Options are for the next entry of the same file; a refused line is one, too. init reports the comment.

    Bad::

        web:2345:respawn:/usr/sbin/httpd -f
        # inittab: stop=QUIT

    Good::

        # inittab: stop=QUIT
        web:2345:respawn:/usr/sbin/httpd -f
    """
    return (match for _, match in _faults(inittab, " comment without "))


@rule("INT805", "misplaced-option", "error", OURS)
def misplaced_option(inittab: Inittab) -> Iterator[Match]:
    """An option of the file is given to an entry, one of an entry to the file, or the file's come late.

    Comments with options for the file stand above all its entries, so that nobody has to look for them.
    init reports what is misplaced and passes over it.

    Bad::

        # inittab: log log-to=/var/log/inittab
        web:2345:respawn:/usr/sbin/httpd -f

    Good::

        # inittab-file: log-to=/var/log/inittab
        # inittab: log
        web:2345:respawn:/usr/sbin/httpd -f
    """
    return (match for _, match in _faults(inittab, ": misplaced option", f"misplaced {FILE_MARK} comment"))


@rule("INT806", "idle-option", "warning", OURS)
def idle_option(inittab: Inittab) -> Iterator[Match]:
    """An option does nothing for such an entry.

    ``size`` and ``keep`` are about the log that ``log`` asks for. What owns the console during the boot is
    not logged, as it may ask for something. ``main`` is for what runs on beside the others. initdefault
    starts nothing. An entry that is ``off`` keeps its options for later, and is not reported.

    Bad::

        # inittab: main
        rc:2:wait:/etc/rc 2

    Good::

        # inittab: main
        web:2:respawn:/usr/sbin/httpd -f
    """
    for _, line, words in _read(inittab):
        if isinstance(words, Problem) or not line.entry or line.entry.action == "off":
            continue
        given = {word.name for word in words}
        for word in words:
            option = OF_ENTRY[word.name]
            if not option.acts_on(line.entry.rule):
                why = f"for {line.entry.action}"
            elif option.needs and option.needs not in given:
                why = f"without {option.needs}"
            else:
                continue
            message = f"{word.name} does nothing {why}"
            yield Match(line.entry.file, word.line, word.span.start, word.span.end, message)


@rule("INT807", "option-past-entry", "warning", OURS)
def option_past_entry(inittab: Inittab) -> Iterator[Match]:
    """Between options and the entry that gets them there is an entry that was made a comment.

    They were hardly meant for the entry below it, which gets them now.

    Bad::

        # inittab: stop=QUIT
        #web:2345:respawn:/usr/sbin/httpd -f
        db:2345:respawn:/usr/sbin/postgres

    Good::

        ## inittab: stop=QUIT
        #web:2345:respawn:/usr/sbin/httpd -f
        db:2345:respawn:/usr/sbin/postgres
    """
    for document, line, words in _read(inittab):
        if isinstance(words, Problem):
            continue
        for between in document.lines[words[0].line : line.number - 1]:
            fields = between.text.lstrip("#" + BLANKS).split(":", 3)
            if len(fields) > 3 and fields[2].lower() in ACTIONS:
                message = f"a comment: the options above it are for the entry in line {line.number}"
                yield line_match(document, between, message, "make the comment with the options ## inittab:")
