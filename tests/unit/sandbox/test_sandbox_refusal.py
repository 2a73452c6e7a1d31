"""What the sandbox says when the kernel refuses it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sysvinit_py.sandbox.refusal import SWITCHES, NamespaceError


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A /proc/sys that forbids nothing."""
    for name, _, allowing in SWITCHES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(allowing + "\n")
    return tmp_path


@pytest.mark.parametrize(("name", "forbidding", "allowing"), SWITCHES)
def test_switch_is_named(settings: Path, name: str, forbidding: str, allowing: str) -> None:
    (settings / name).write_text(forbidding + "\n")
    said = str(NamespaceError("unshare(CLONE_NEWUSER)", errno.EPERM, settings))
    assert said.startswith("unshare(CLONE_NEWUSER): Operation not permitted; ")
    assert f"sysctl {name.replace('/', '.')}={allowing}" in said


@pytest.mark.parametrize(
    ("call", "number", "advice"),
    [
        ("unshare(CLONE_NEWUSER)", errno.EPERM, "run it as root"),
        ("mount_setattr(/usr)", errno.ENOSYS, "Linux 5.12"),
        ("execve(/sbin/init)", errno.ENOENT, "is the init a program"),
    ],
)
def test_no_switch(settings: Path, call: str, number: int, advice: str) -> None:
    said = str(NamespaceError(call, number, settings))
    assert advice in said
    assert "\n" not in said


def test_kernel_without_switches(tmp_path: Path) -> None:
    assert "run it as root" in str(NamespaceError("unshare(CLONE_NEWUSER)", errno.EPERM, tmp_path))
