"""docs/container.rst: its files, and its commands with what they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from docutils.core import publish_doctree

PAGE = Path(__file__).parents[2] / "docs" / "container.rst"


class Command(NamedTuple):
    """A line after ``$``, and the lines that follow it; ``...`` is anything."""

    text: str
    printed: str

    def prints(self, text: str) -> bool:
        """Return whether this is what it prints."""
        parts = re.split(r"(^\.\.\.\n|\.\.\.)", self.printed, flags=re.MULTILINE)
        any_of = {"...\n": "(?s:.*)", "...": ".*"}
        return re.fullmatch("".join(any_of.get(part, re.escape(part)) for part in parts), text) is not None


def _blocks(page: Path = PAGE) -> Iterator[nodes.literal_block]:
    tree = publish_doctree(page.read_text(), source_path=str(page), settings_overrides={"report_level": 5})
    yield from tree.findall(nodes.literal_block)


def write_files(folder: Path) -> None:
    """Write the files of the page; the name of a block is a path."""
    for block in _blocks():
        for name in block["names"]:
            path = folder / name.replace("dockerfile", "Dockerfile")  # docutils has names in lower case
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.astext() + "\n")
            if block.astext().startswith("#!"):
                path.chmod(0o755)


def commands(page: Path = PAGE) -> list[Command]:
    """Return the commands of the page, or another one, in their order."""
    text = "".join(block.astext() + "\n" for block in _blocks(page) if "console" in block["classes"])
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [Command(*part.split("\n", 1)) for part in parts]


def tests() -> set[str]:
    """Return the names of the tests that the page names."""
    return set(re.findall(r"``(test_\w+)``", PAGE.read_text()))
