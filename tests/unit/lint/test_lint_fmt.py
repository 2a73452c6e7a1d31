"""inittab-fmt: files, standard input, exit status, and what is not written."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.clients.inittab import program
from sysvinit_py.inittab.sources import MAX_BYTES
from sysvinit_py.lint import fixes, fmt, layout

UGLY, NEAT = b" a:32:Once:/a \r\n# c \n\n\n", b"a:23:once:/a \r\n# c\n"
PLAIN_UGLY, PLAIN = b" a:32:Once:/a\n", b"a:23:once:/a\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = fmt.main(arguments)
        told = capfd.readouterr()
        return status, told.out, told.err

    return call


def test_a_file_is_formatted_once(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "inittab"
    path.write_bytes(PLAIN_UGLY)
    path.chmod(0o640)
    assert run("inittab") == (0, "", "inittab-fmt: inittab: formatted\n")
    assert path.read_bytes() == PLAIN
    assert path.stat().st_mode & 0o777 == 0o640
    before = path.stat()
    assert run("inittab") == (0, "", "")
    assert path.stat() == before
    assert os.listdir(tmp_path) == ["inittab"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_stays(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "inittab"
    path.write_bytes(PLAIN_UGLY)
    os.chown(path, 1234, 2345)
    assert run("inittab")[0] == 0
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_check_and_diff_change_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "neat").write_bytes(PLAIN)
    (tmp_path / "ugly").write_bytes(PLAIN_UGLY)
    assert run("--check", "neat") == (0, "", "")
    assert run("--check", "neat", "ugly") == (1, "", "inittab-fmt: ugly: would be formatted\n")
    status, shown, _ = run("--diff", "neat", "ugly")
    assert (status, shown) == (1, "--- ugly\n+++ ugly\n@@ -1 +1 @@\n- a:32:Once:/a\n+a:23:once:/a\n")
    assert run("--diff", "--check", "neat") == (0, "", "")
    assert (tmp_path / "ugly").read_bytes() == PLAIN_UGLY


def test_a_return_that_stays_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "inittab").write_bytes(UGLY)
    status, _, said = run("inittab")
    assert (status, (tmp_path / "inittab").read_bytes()) == (0, NEAT)
    assert "inittab: 1 lines end with CR LF, and keep the CR" in said


@pytest.mark.parametrize("arguments", [["-"], ["/dev/stdin"], ["--target", "sysvinit_py", "-"]])
def test_standard_input(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "sysvinit_py.lint.fmt", *arguments]
    done = subprocess.run(command, input=PLAIN_UGLY, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, PLAIN, b"")
    done = subprocess.run([*command, "--check"], input=PLAIN_UGLY, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_the_target_counts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "inittab").write_bytes(b"a:s:once:/a\n")
    assert run("--check", "--target", "sysvinit-3.06", "inittab")[0] == 0
    assert run("--check", "--target", "sysvinit_py", "inittab")[0] == 1
    assert run("--target", "openrc", "inittab")[0] == 2
    (tmp_path / "busybox").write_bytes(b"::askfirst:-/bin/sh\n tty1::respawn:/a\n")
    assert run("--check", "busybox") == (0, "", "")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "No such file or directory"),
        (lambda path: path.mkdir(), "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.write_bytes(b"#" * (MAX_BYTES + 1)), "too big"),
        (lambda path: path.symlink_to("/etc/passwd"), "leads out"),
    ],
)
def test_what_cannot_be_read(run: Run, tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    """And the others are formatted."""
    make(tmp_path / "bad")
    (tmp_path / "ugly").write_bytes(PLAIN_UGLY)
    status, _, said = run("bad", "ugly")
    assert status == 2
    assert said.startswith("inittab-fmt: bad: ")
    assert reason in said
    assert (tmp_path / "ugly").read_bytes() == PLAIN


def test_a_link_within_the_folder_stays_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(PLAIN_UGLY)
    (tmp_path / "link").symlink_to("real")
    assert run("link")[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == PLAIN


def test_what_would_read_differently_is_not_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inittab").write_bytes(PLAIN)
    monkeypatch.setattr(layout, "_lines", lambda *_: iter(["a:2:once:/b", ""]))
    status, _, said = run("inittab")
    assert status == 2
    assert "inittab: not formatted: sysvinit_py would no longer read the same in line 1\n" in said
    assert (tmp_path / "inittab").read_bytes() == PLAIN


def test_a_disk_that_is_full(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inittab").write_bytes(PLAIN_UGLY)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fixes.os, "fsync", full)  # type: ignore[attr-defined]
    assert run("inittab") == (2, "", "inittab-fmt: inittab: cannot be written: No space left on device\n")
    assert (tmp_path / "inittab").read_bytes() == PLAIN_UGLY
    assert os.listdir(tmp_path) == ["inittab"]


def test_names_are_escaped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "\x1b[31m").write_bytes(b" # \x1b[0m \n")
    status, shown, said = run("--diff", "\x1b[31m")
    assert (status, "\x1b" in shown + said) == (1, False)


def test_it_is_a_verb_of_inittab(run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inittab").write_bytes(PLAIN_UGLY)
    assert program.main(["fmt", "--check", "inittab"]) == 1
    assert "would be formatted" in capfd.readouterr().err


def test_nothing_is_formatted_by_default(run: Run) -> None:
    status, _, said = run()
    assert status == 2
    assert "required: FILE" in said


def test_standard_output_is_closed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "stdout", None)
    assert fmt.main(["x"]) == 2
    assert "standard output is closed" in capfd.readouterr().err
