"""The kernel's command line (behaviour/boot#arguments)."""

from __future__ import annotations

import pytest

from sysvinit_py.pid1.arguments import Arguments, consoles, parse


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Arguments()),
        *(([level], Arguments(level)) for level in "0123456789S"),
        (["s"], Arguments("S")),
        (["single"], Arguments("S")),
        (["-s"], Arguments("S")),
        (["-b"], Arguments(emergency=True)),
        (["emergency"], Arguments(emergency=True)),
        (["-a"], Arguments(auto=True)),
        (["auto"], Arguments(auto=True)),
        (["-z", "3"], Arguments()),
        (["-z"], Arguments()),
        (["2", "3"], Arguments("3")),
        (["quiet", "a", "A", "23", "", "-", "N"], Arguments()),
        (["auto", "-z", "xxxxxx", "-b", "single"], Arguments("S", emergency=True, auto=True)),
    ],
)
def test_words(words: list[str], expected: Arguments) -> None:
    assert parse(words) == expected


@pytest.mark.parametrize(
    ("cmdline", "ids"),
    [
        ("console=tty0 console=ttyS0,115200", []),
        ("init.autocon=1", []),
        ("init.autocon=0 console=ttyS0", []),
        ("init.autocon=1 console=tty0 console=ttyS0,115200n8 root=/dev/sda", ["0", "S0"]),
        ("console=hvc0 init.autocon=1 console=hvc0\n", ["hvc0"]),
        ("init.autocon=1 console=ttyAMA0", ["AMA0"]),
        ("init.autocon=1 netconsole=x console=ttyLONG12", ["NG12"]),
    ],
)
def test_consoles(cmdline: str, ids: list[str]) -> None:
    entries = consoles(cmdline)
    assert [entry.id for entry in entries] == ids
    assert all((entry.runlevels, entry.action) == ("2345", "respawn") for entry in entries)
    assert all("/sbin/agetty" in entry.process for entry in entries)
