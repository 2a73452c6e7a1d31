"""A run of the linter: what is read is checked, repaired and shown as the options and a config file say."""

from __future__ import annotations

import os
import sys
from collections import Counter
from importlib import import_module

from sysvinit_py.cli import out
from sysvinit_py.cli.options import UsageError
from sysvinit_py.lint.check import check, check_services
from sysvinit_py.lint.config import Config, find_config, read_config
from sysvinit_py.lint.finding import SEVERITIES, printable
from sysvinit_py.lint.root import Root
from sysvinit_py.lint.selection import chosen
from sysvinit_py.lint.services import find
from sysvinit_py.lint.sources import File, Source, handed_down, placed, sources
from sysvinit_py.lint.targets import CONTAINER, TARGETS, Target, guess
from sysvinit_py.linux.beneath import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.cli.options import Values
    from sysvinit_py.lint.finding import Finding
    from sysvinit_py.lint.fixes import Files

CLEAN, FOUND, FAILED = 0, 1, 2

#: More than anybody will read; what is not shown is counted.
MAX_FINDINGS = 10_000


class Run:
    """One run. Raises UsageError if it is asked for what cannot be done."""

    def __init__(self, options: Values) -> None:
        self.options = options
        self.config = _config(options)
        self.format = options.format or self.config.format or "text"
        self.strict = options.strict or self.config.strict
        self.target = TARGETS.get(options.target or self.config.target)  # None: it is guessed
        self.gettys = self.config.getty_names
        self.codes = chosen(options.select or self.config.select, options.ignore or self.config.ignore)
        self.root = _root(options.root or self.config.root)
        words = options.files
        self.is_filter = options.fix and not options.diff and any(handed_down(w) is not None for w in words)
        if self.is_filter and len(words) > 1:
            raise UsageError(f"--fix makes a filter of {printable(words[0])}: no other FILE goes with it")
        self.failed: list[str] = []
        self.found: list[Finding] = []
        self.changed = 0

    def status(self) -> int:
        """Do it all; return the exit status."""
        options = self.options
        if options.unsafe_fixes and not (options.fix or options.diff):
            self._note("--unsafe-fixes repairs nothing without --fix, and shows nothing without --diff")
        folder = self.root.folder if self.root else ""
        inittabs = self._check_services(options.files, folder)
        readable, failed = (
            sources(inittabs, folder, options.stdin_filename, main_optional=self.target is CONTAINER)
            if inittabs or not options.files
            else ([], [])
        )
        self.failed += failed
        for reason in self.failed:
            say(reason)
        for source in readable:
            self._check(source)
        if not options.diff:
            self._show()
        if options.statistics:
            self._count_rules()
        if not options.quiet and (readable or self.found or not self.failed):
            self._summarise()
        if self.failed:
            return FAILED
        serious = ("error", "warning") if self.strict else ("error",)
        is_serious = any(finding.severity in serious for finding in self.found)
        would_change = self.changed and options.diff
        return FOUND if (is_serious or would_change) and not options.exit_zero else CLEAN

    def _note(self, text: str) -> None:
        if not self.options.quiet:
            say(text)

    def _check_services(self, words: list[str], root: str) -> list[str]:
        """Check the folders of services among what was named; return the rest."""
        rest = []
        for word in words:
            is_file = handed_down(word) is not None or not os.path.isdir(word)
            if not is_file and (services := find(placed(word, root, is_folder=True), self.failed)):
                self.found += check_services(services, self.codes, self.failed)
            else:
                rest.append(word)
        return rest

    def _check(self, source: Source) -> None:
        """Check what is read as one; repair it before, if that is asked for."""
        target = self._target(source)
        fragment = bool(self.options.fragment or self.config.fragment or source.fragment)
        exposed = source.exposed()

        def look(files: Files) -> list[Finding]:
            found = check(
                files,
                target,
                fragment=fragment,
                root=self.root,
                codes=self.codes,
                exposed=exposed,
                gettys=self.gettys,
            )
            return [f for f in found if source.asks_for(f.path) or (f.first and source.asks_for(f.first[0]))]

        files = source.files
        if self.options.fix or self.options.diff:
            from sysvinit_py.lint.fixes import repair

            repaired = repair(files, look, unsafe=self.options.unsafe_fixes)
            for part, (_, after) in zip(source.parts, repaired, strict=True):
                self._put(part, after)
            files = files if self.options.diff else repaired
        self.found += look(files)

    def _put(self, file: File, after: bytes) -> None:
        """Put what was repaired where it belongs."""
        from sysvinit_py.lint.fixes import diff, write

        self.changed += file.data != after
        if self.options.diff:
            show(diff(file.path, file.data, after))
        elif file.place is None:
            out.write(after)
        elif file.data != after:
            try:
                write(file.place, file.data, after)
            except UsageError as error:
                self.changed -= 1
                self.failed.append(str(error))
                say(str(error))

    def _target(self, source: Source) -> Target:
        if self.target:
            return self.target
        target = guess(source.parts[0].data)
        path = next(part.path for part in source.parts if source.asks_for(part.path))
        self._note(f"{path}: no --target given, guessed {target.name}")
        return target

    def _show(self) -> None:
        """Write the findings where they are wanted: a filter's output is not the place."""
        render = import_module(f"sysvinit_py.lint.formats.{self.format}").render
        shown, path = self.found[:MAX_FINDINGS], self.options.output_file
        stream = sys.stderr if self.is_filter else sys.stdout
        coloured = self.format == "text" and not path and out.coloured(stream, self.options.color)
        text = render(shown, colour=True) if coloured else render(shown)
        if path:
            from sysvinit_py.lint.fixes import save

            save(path, text.encode())
        elif not self.is_filter:
            show(text)
        elif sys.stderr is not None:
            sys.stderr.write(text)

    def _count_rules(self) -> None:
        """Return a line on standard error for each rule that found something, the most frequent first."""
        for (code, name), count in Counter((f.code, f.name) for f in self.found).most_common():
            say(f"{count:5} {code} {name}")

    def _summarise(self) -> None:
        """Return a line on standard error: how many of which severity."""
        if len(self.found) > MAX_FINDINGS:
            say(f"only the first {MAX_FINDINGS} findings are shown")
        if self.changed:
            say(f"{_count(self.changed, 'file')} {'would be ' if self.options.diff else ''}repaired")
        counts = [
            _count(sum(finding.severity == severity for finding in self.found), severity)
            for severity in SEVERITIES
        ]
        say(", ".join(counts) if self.found else "nothing found")


def _config(options: Values) -> Config:
    if options.config:
        return read_config(options.config)
    refused: list[str] = []
    try:
        path = "" if options.isolated else find_config(os.getcwd(), refused)
    except OSError:  # the working directory is gone
        path = ""
    for reason in refused if not options.quiet else ():
        say(reason)
    return read_config(path, trusted=False) if path else Config()


def _root(folder: str) -> Root | None:
    if not folder:
        return None
    try:
        Place(folder).names()
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None
    return Root(folder)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 or noun == "info" else f"{number} {noun}s"


def show(text: str) -> None:
    """Write what was asked for to standard output."""
    out.write(text)


def say(text: str) -> None:
    """Say something to whoever runs it, on standard error."""
    out.say("inittab-lint", text)
