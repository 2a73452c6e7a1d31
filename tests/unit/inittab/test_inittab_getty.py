"""Which terminal an entry needs."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.inittab.getty import terminal_of


def terminal(process: str, action: str = "respawn") -> str:
    return terminal_of(Entry("x", "2", action, process))


@pytest.mark.parametrize(
    ("process", "wanted"),
    [
        ("/sbin/getty 38400 tty1", "/dev/tty1"),
        ("/sbin/agetty --noclear tty1 linux", "/dev/tty1"),
        ("/sbin/agetty -L 115200 ttyS0 vt102", "/dev/ttyS0"),
        ("/sbin/agetty -a root -t 60 hvc0", "/dev/hvc0"),
        ("/sbin/agetty 38400 vc/1 linux", "/dev/vc/1"),
        ("/sbin/agetty 38400 /dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/sbin/mgetty -s 9600 /dev/modem", "/dev/modem"),
        ("mingetty tty7", "/dev/tty7"),
        ("+/usr/local/sbin/fbgetty\ttty2", "/dev/tty2"),
        ("+@/sbin/agetty 38400 ttyGS0 $TERM", "/dev/ttyGS0"),
        ("exec /sbin/agetty ttyAMA0 >/dev/null 2>&1", "/dev/ttyAMA0"),
        ("exec  getty console", "/dev/console"),
        (r"/sbin/agetty -I '\033(K' tty1 9600", "/dev/tty1"),
    ],
)
def test_getty_names_its_terminal(process: str, wanted: str) -> None:
    assert terminal(process) == wanted


@pytest.mark.parametrize(
    "process",
    [
        "",
        "exec",
        "+@",
        "# /sbin/getty tty1",
        "/sbin/getty # tty1",
        "/sbin/getty",
        "/sbin/agetty 38400 -",
        "/sbin/agetty 38400 $TTY",
        "/sbin/agetty 38400 - </dev/tty1",
        "/bin/login -f root tty1 </dev/tty1",
        "/usr/bin/tail -f /var/log/syslog >/dev/tty12",
        "/usr/bin/watch df /dev/tty8",
        "/sbin/smart_agetty -L 9600 ttyS0",
        "/bin/sh -c getty tty1",
        "echo getty tty1",
    ],
)
def test_any_other_command_needs_none(process: str) -> None:
    assert terminal(process) == ""


@pytest.mark.parametrize("action", ["once", "wait", "off", "sysinit", "boot", "powerfail"])
def test_only_what_is_started_again(action: str) -> None:
    """Started once it does not come back too fast: as SysV would."""
    assert terminal("/sbin/getty tty1", action) == ""
