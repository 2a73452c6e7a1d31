"""INT3: which entry talks on which terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysvinit_py.lint.root import Root
from sysvinit_py.lint.targets import BUSYBOX, SYSVINIT_3_06, SYSVINIT_PY, Target
from tests.unit.lint.lint import findings, found


@pytest.mark.parametrize(
    ("id", "terminal", "right"),
    [
        ("1", "tty1", True),
        ("c1", "tty1", True),
        ("c1", "vc/1", True),
        ("v1", "tty1", True),
        ("12", "tty12", True),
        ("S0", "ttyS0", True),
        ("s0", "ttyS0", True),
        ("T0", "ttyS0", True),
        ("T0", "ttyAMA0", True),
        ("AMA0", "ttyAMA0", True),
        ("mxc3", "ttymxc3", True),
        ("cons", "console", True),
        ("co", "xvc0", True),
        ("ttyM", "ttyMT0", True),
        ("1", "ttyE0", True),  # BSD counts from 0
        ("4", "ttyE3", True),
        ("c1", "hvc1", True),
        ("1", "/dev/tty1", True),
        ("1", "tty2", False),
        ("c6", "tty1", False),
        ("c1", "ttyS0", False),
        ("2", "vc/1", False),
        ("1", "ttyE1", True),
        ("1", "tty11", False),
        ("S1", "ttyS0", False),
        ("USB0", "ttyUSB1", False),
        ("AMA0", "ttyS0", True),  # another kind: free
        ("tty1", "tty2", False),
        ("tty1", "ttyS0", True),
        ("hvc0", "hvc1", False),
    ],
)
def test_getty_id(id: str, terminal: str, right: bool) -> None:
    expected = [] if right else [f"1:1-{len(id) + 1} INT301"]
    assert found(f"{id}:2:respawn:/sbin/agetty 38400 {terminal} linux\n") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tty1::respawn:/sbin/getty 38400 tty1", []),
        ("tty4::respawn:/sbin/getty 38400 tty5", ["1:1-5 INT301"]),
        ("null::respawn:/sbin/getty 38400 tty5", []),
        ("console::respawn:/sbin/getty -L ttyS0 115200 vt100", []),
    ],
)
def test_getty_id_for_busybox(line: str, expected: list[str]) -> None:
    assert found(line + "\n", BUSYBOX) == expected


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("1:23:respawn:/sbin/getty 38400 tty1", "x:3:respawn:/sbin/mingetty tty1", True),
        ("1:23:respawn:/sbin/getty 38400 tty1", "x:45:respawn:/sbin/getty 38400 tty1", False),
        ("1:23:respawn:/sbin/getty 38400 tty1", "x:3:off:/sbin/getty 38400 tty1", False),
        ("1:23:respawn:/sbin/getty 38400 /dev/tty1", "x:3:respawn:/bin/login </dev/tty1 >/dev/tty1", True),
        ("1:23:respawn:/sbin/getty 38400 tty1", "x:3:respawn:/bin/top >/dev/tty1", False),
    ],
)
def test_shared_terminal(one: str, other: str, shared: bool) -> None:
    listed = found(f"{one}\n{other}\n", codes=["INT302"])
    assert [item.partition(":")[0] for item in listed] == (["2"] if shared else [])


def test_shared_terminal_of_busybox() -> None:
    text = "tty4::askfirst:-/bin/sh\ntty4::respawn:/sbin/getty 38400 tty5\n"
    text += "tty2::once:cat x\ntty2::respawn:/bin/sh\n"
    assert found(text, BUSYBOX) == ["2:1-5 INT301", "2:1-5 INT302"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1:2:respawn:/bin/login -f pi ttyl </dev/tty1 >/dev/tty1", ["1:30-34 INT304"]),
        ("1:2:respawn:/bin/login -f pi tty1 </dev/ttyI >/dev/tty1", ["1:36-45 INT304"]),
        ("S0:2:respawn:/sbin/getty 115200 ttySO", ["1:33-38 INT304"]),
        ("O0:2:respawn:/sbin/getty 115200 ttyO0", []),  # OMAP
        ("x:2:respawn:/bin/x /dev/tty", []),
        ("x:2:respawn:/bin/x ttyO", []),
        ("x:2:respawn:/bin/x ttype", []),
    ],
)
def test_misspelt_terminal(line: str, expected: list[str]) -> None:
    assert found(line + "\n", codes=["INT304"]) == expected


@pytest.mark.parametrize(
    ("process", "half"),
    [
        ("/bin/login -f root </dev/tty1 2>&1", True),
        ("/bin/login -f root </dev/tty1 >/dev/tty1 2>&1", False),
        ("/bin/login -f root <>/dev/tty1 >&0 2>&0", False),
        ("/bin/login -f root </dev/tty1 >>/dev/tty1", False),
        ("/bin/sh </dev/tty1", True),
        ("/bin/sh /etc/script </dev/tty1", False),
        ("/bin/cat </dev/tty1", False),
    ],
)
def test_half_redirected(process: str, half: bool) -> None:
    assert bool(found(f"1:2:respawn:{process}\n", codes=["INT305"])) == half


@pytest.mark.parametrize(
    ("process", "lacks"),
    [
        ("/sbin/getty 38400", True),
        ("/sbin/agetty -8 115200,38400", True),
        ("/sbin/mgetty -x0 -D ttyS1", False),
        ("/sbin/agetty - linux", False),
        ("/sbin/mingetty myowntty", False),
        ("/sbin/agetty 38400 </dev/tty1 >/dev/tty1", False),
    ],
)
def test_getty_without_terminal(process: str, lacks: bool) -> None:
    assert bool(found(f"1:2:respawn:{process}\n", codes=["INT306"])) == lacks


def test_missing_terminal(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "tty").touch()
    root = Root(str(tmp_path))
    line = "2:2:respawn:/sbin/getty 38400 tty2\n"
    assert found(line, root=root, codes=["INT303"]) == []  # an empty /dev is filled at boot
    (tmp_path / "dev" / "tty1").touch()
    assert found(line, root=root, codes=["INT303"]) == ["1:31-35 INT303"]
    assert found("tty2::respawn:/bin/sh\n", BUSYBOX, root=root, codes=["INT303"]) == ["1:1-5 INT303"]
    output = "x:2:once:/bin/x >/dev/tty9 2>/dev/null\n"
    assert found(output, root=root, codes=["INT303"]) == ["1:18-27 INT303"]
    (tmp_path / "dev" / "tty2").symlink_to("tty1")
    assert found(line, root=root, codes=["INT303"]) == []


@pytest.mark.parametrize(
    ("process", "target", "waits"),
    [
        ("/sbin/getty 38400 tty2", SYSVINIT_PY, True),
        ("/sbin/getty 38400 tty2", SYSVINIT_3_06, False),
        ("/bin/sh </dev/tty2 >/dev/tty2 2>&1", SYSVINIT_PY, False),
    ],
)
def test_missing_terminal_that_init_waits_for(
    tmp_path: Path, process: str, target: Target, waits: bool
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "tty1").touch()
    options = {"root": Root(str(tmp_path)), "codes": ["INT303"]}
    [finding] = findings(f"2:2:respawn:{process}\n", target, **options)
    assert ("init will wait" in finding.hint) == waits
