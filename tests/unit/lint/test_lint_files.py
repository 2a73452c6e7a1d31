"""INT0: files."""

from __future__ import annotations

from sysvinit_py.lint.check import check
from sysvinit_py.lint.targets import BUSYBOX, SYSVINIT_2_88, SYSVINIT_3_06, SYSVINIT_PY
from tests.unit.lint.lint import found


def test_not_an_inittab() -> None:
    assert found("#!/bin/sh\nset -e\nexit 1\n", fragment=False) == [
        "2:1-7 INT001",
        "2:1-7 INT104",
        "3:1-7 INT104",
    ]
    assert "INT001" not in " ".join(found("x:2:once:/x\nnonsense\n"))
    assert found("x:2:respwan:/x\n") == ["1:5-12 INT107"]  # misspelt, but an inittab
    assert found("#" * 300 + "\n", SYSVINIT_3_06) == ["1:1-301 INT109"]


def test_empty_inittab() -> None:
    for empty in (b"", b"\n\n", b"# nothing"):
        assert found(empty, fragment=False, codes=["INT002"]) == ["1:1-1 INT002"]
        assert found(empty, fragment=True, codes=["INT002"]) == []
    # It is enough to say that.
    assert found(b"", fragment=False) == ["1:1-1 INT002"]


def test_ignored_drop_in() -> None:
    line = "S0:2:respawn:/sbin/getty 115200 ttyS0\n"
    assert found(line, path="etc/inittab.d/x") == ["1:1-38 INT003"]
    assert found(line, path="etc/inittab.d/.x.tab") == ["1:1-38 INT003"]
    assert found(line, path="etc/inittab.d/x.tab") == []
    assert found(line, SYSVINIT_2_88, path="etc/inittab.d/x.tab") == ["1:1-38 INT003"]
    assert found("::once:/x\n", BUSYBOX, path="etc/inittab.d/x.tab") == ["1:1-10 INT003"]
    assert found(line, path="etc/x") == []


def test_files_are_asked_together() -> None:
    main = b"id:2:initdefault:\nsi::sysinit:/x\n~~:S:wait:/x\nl0:06:wait:/x\nl2:2:wait:/x\n"
    tab = b"ca::ctrlaltdel:/sbin/reboot\n"
    assert [f.code for f in check([("inittab", main)], SYSVINIT_PY)] == ["INT213"]
    assert check([("inittab", main), ("inittab.d/a.tab", tab)], SYSVINIT_PY) == []
