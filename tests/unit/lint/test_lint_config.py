"""Settings from a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sysvinit_py.cli.options import UsageError
from sysvinit_py.lint.config import Config, find_config, read_config


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_all_settings(tmp_path: Path) -> None:
    path = write(
        tmp_path / "setup.cfg",
        "[other]\nx = 1\n[inittab-lint]\ntarget = busybox\nselect = INT1, INT2\nignore = INT211\n"
        "root = image\nformat = gcc\nstrict = yes\nfragment = off\n",
    )
    assert read_config(path) == Config(
        target="busybox",
        select="INT1, INT2",
        ignore="INT211",
        root=str(tmp_path / "image"),  # beside the file
        format="gcc",
        strict=True,
        fragment=False,
    )


def test_an_empty_section_changes_nothing(tmp_path: Path) -> None:
    assert read_config(write(tmp_path / "x", "[inittab-lint]\n")) == Config()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[inittab-lint]\nselct = INT1\n", "unknown setting 'selct'; known are target, select"),
        ("[inittab-lint]\nstrict = perhaps\n", "strict is yes or no, not 'perhaps'"),
        ("strict = yes\n", "no section headers"),
        ("[inittab-lint]\nstrict = yes\nstrict = no\n", "already exists"),
        ("[x]\n", r"has no section \[inittab-lint\]"),
        ("[inittab-lint]\nroot = \xff\n", "codec"),
        ("[inittab-lint]\ntarget = upstart\n", "unknown target 'upstart'; known are sysvinit_py, "),
        ("[inittab-lint]\nformat = xml\n", "unknown format 'xml'; known are text, gcc"),
        ("[inittab-lint]\nselect = INT1, INT99\n", "unknown rule INT99 "),
        ("[inittab-lint]\nignore = *\n", r"unknown rule \* "),
    ],
)
def test_what_is_not_understood(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.cfg"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=reason) as caught:
        read_config(str(path))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff[inittab-lint]\nselect = INT1\n",
        "[DEFAULT]\nfoo = 1\n[inittab-lint]\nselect = INT1\n",
        "[metadata]\nversion = %(y\n[inittab-lint]\nselect = INT1\ntarget =\n",
    ],
)
def test_what_is_of_no_concern(text: str, tmp_path: Path) -> None:
    assert read_config(write(tmp_path / "setup.cfg", text)) == Config(select="INT1")


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    """Regression: the linter hung."""
    os.mkfifo(tmp_path / "setup.cfg")
    assert find_config(str(tmp_path), []) == ""
    os.mkfifo(tmp_path / ".inittab-lint.cfg")
    with pytest.raises(UsageError, match="not a regular file"):
        read_config(find_config(str(tmp_path), []))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_config(str(tmp_path / "no"))


def test_the_nearest_with_our_section_counts(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    write(tmp_path / "setup.cfg", "[inittab-lint]\n")
    assert find_config(str(below), []) == str(tmp_path / "setup.cfg")
    write(below / "setup.cfg", "# no [inittab-lint]\n[metadata]\nname = x\n  [inittab-lint]\n")
    assert find_config(str(below), []) == str(tmp_path / "setup.cfg")
    write(tmp_path / "a" / ".inittab-lint.cfg", "[inittab-lint]\n")
    assert find_config(str(below), []) == str(tmp_path / "a" / ".inittab-lint.cfg")
    write(below / "setup.cfg", "[inittab-lint]\n")
    assert find_config(str(below), []) == str(below / "setup.cfg")
