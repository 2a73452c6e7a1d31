"""The manual and the docs say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sysvinit_py.lint.cli import PROGRAM
from sysvinit_py.lint.config import Config
from sysvinit_py.lint.formats import FORMATS
from sysvinit_py.lint.rules import RULES
from sysvinit_py.lint.targets import TARGETS
from tests.unit.lint.test_lint_corpus import STOCK

REPOSITORY = Path(__file__).parents[3]
MAN = REPOSITORY / "man" / "inittab-lint.1.rst"

OPTIONS = [name for row in PROGRAM.options for name in row.names.split() if name != "-h"]


def test_the_man_page_has_all() -> None:
    text = MAN.read_text()
    for word in (*OPTIONS, *TARGETS, *FORMATS, *Config._fields):
        assert f"**{word}**" in text, word


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("inittab", True),
        ("rootfs/etc/inittab", True),
        ("rootfs/etc/inittab.d/ttyS0.tab", True),
        ("rootfs/etc/inittab.d/ttyS0", True),
        ("board/x.inittab", True),
        ("rootfs/etc/inittab.d/README", False),
        ("rootfs/etc/inittab.d/.gitignore", False),
        ("rootfs/etc/inittab~", False),
        ("docs/inittab.rst", False),
    ],
)
def test_pre_commit_hands_over_what_init_would_read(path: str, checked: bool) -> None:
    text = (REPOSITORY / ".pre-commit-hooks.yaml").read_text()
    files, excluded = (re.findall(rf"^  {key}: (.*)$", text, re.MULTILINE) for key in ("files", "exclude"))
    assert len(files) == len(excluded) == text.count("- id:")
    for files_of_hook, excluded_of_hook in zip(files, excluded, strict=True):
        is_checked = re.search(files_of_hook, path) and not re.search(excluded_of_hook, path)
        assert bool(is_checked) == checked


def test_each_finding_in_a_stock_file_is_justified() -> None:
    _, _, table = (REPOSITORY / "docs" / "lint.rst").read_text().partition("What is found in stock files\n")
    for found in STOCK.values():
        for item in found:
            assert f" {item.split()[1]} " in table, item


def test_the_docs_name_real_rules() -> None:
    for path in (REPOSITORY / "docs" / "lint.rst", MAN):
        for code in re.findall(r"\bINT\d{3}\b", path.read_text()):
            assert code in RULES, code


def test_the_docs_are_well_formed() -> None:
    from docutils.core import publish_string

    text = (REPOSITORY / "docs" / "lint.rst").read_text()
    publish_string(text, writer="null", settings_overrides={"halt_level": 2, "report_level": 2})
