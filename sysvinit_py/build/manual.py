"""Build the man pages from reStructuredText: ``python3 -m sysvinit_py.build.manual DIR``. Needs docutils."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docutils.core import publish_string
from docutils.writers.manpage import Writer

from sysvinit_py import __version__
from sysvinit_py.build.programs import PROGRAMS
from sysvinit_py.cli.options import Program
from sysvinit_py.lint import manual as rules

#: When something last changed in them that a reader may notice.
DATE = "2026-11-26"
_SYNOPSIS = "\nSYNOPSIS\n========\n"
#: Programs whose synopsis is on the page of another one.
TOGETHER = dict.fromkeys(("envdir", "envuidgid", "pgrphack", "setlock", "setuidgid", "softlimit"), "chpst")
#: Programs and verbs that have a page together, by their own names: the page of another one, and its section.
SHARED = {f"inittab-{verb}": ("inittab-stop", 1) for verb in ("start", "restart", "kill")}
SHARED |= {"poweroff": ("halt", 8), "reboot": ("halt", 8)}
SOURCES = Path(__file__).parents[2] / "man"


def pages() -> dict[str, bytes]:
    """Return the man pages by name, such as init.8. Whatever docutils would warn of is an error."""
    written = {
        source.stem: _page(source.read_text(encoding="utf-8"), source)
        for source in sorted(SOURCES.glob("*.rst"))
    }
    written |= {
        f"{name}.{section}": f".so man{section}/{page}.{section}\n".encode()
        for name, (page, section) in SHARED.items()
    }
    return written | {"inittab-lint-rules.7": _page(rules.page(), Path(rules.__file__))}


def _page(text: str, source: Path) -> bytes:
    # What man-pages(7) wants in the first and the last line of a page.
    lines = f"\n:Date: {DATE}\n:Version: sysvinit_py {__version__}\n:Manual section:"
    text = text.replace("\n:Manual section:", lines)
    for program in reversed(described().get(source.name.partition(".")[0], ())):
        text = text.replace(_SYNOPSIS, f"{_SYNOPSIS}{synopsis(program)}", 1)
    page: bytes = publish_string(
        text,
        source_path=str(source),
        writer=Writer(),
        settings_overrides={"output_encoding": "utf-8", "halt_level": 2, "report_level": 2},
    )
    return page.replace(b".SH Name\n", b".SH NAME\n")


def described() -> dict[str, list[Program]]:
    """Return what each page is about, by its name: a program, or verbs of one."""
    programs: list[Program] = []
    for program in PROGRAMS:
        verbs = [program.with_verb(verb.name) for verb in program.verbs if not verb.passes]
        programs += verbs or [program]
    pages: dict[str, list[Program]] = {}
    together = {name: page for name, (page, _) in SHARED.items()} | TOGETHER
    for program in programs:
        name = program.name.replace(" ", "-")
        pages.setdefault(together.get(name, name), []).append(program)
    return pages


def synopsis(program: Program) -> str:
    """Return the ways to call a program in reStructuredText: its name and options bold, values in italics."""

    def marked(match: re.Match[str]) -> str:
        mark = "*" if match[0].isupper() else "**"
        return rf"\ {mark}{match[0]}{mark}\ "

    forms = [form.replace("|", r"\|") for form in program.usage()]
    return (
        "".join("\n| " + re.sub(r"(?<![^\s\[])-{1,2}[\w-]+|[A-Z]+|^[\w-]+", marked, form) for form in forms)
        + "\n"
    )


def main(arguments: list[str]) -> int:
    """Write all pages into the folder named."""
    if len(arguments) != 1:
        print("usage: manual DIR", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        (folder / name).write_bytes(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
