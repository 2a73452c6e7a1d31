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
        ("/sbin/smart_agetty -L 9600 ttyS0", "/dev/ttyS0"),
        ("/bin/busybox getty -L ttyS0 115200 vt100", "/dev/ttyS0"),
        ("exec /bin/busybox getty 0 ttyS0", "/dev/ttyS0"),
        ("qingy tty1", "/dev/tty1"),
        # The argument of an option is not the terminal.
        ("/sbin/agetty --autologin ttyx 38400 console", "/dev/console"),
        ("/sbin/agetty --autologin=ttyx 38400 console", "/dev/console"),
        ("/sbin/agetty --autol ttyx 38400 console", "/dev/console"),
        ("/sbin/agetty -a ttyx console", "/dev/console"),
        ("/sbin/agetty -attyx console", "/dev/console"),
        ("/sbin/agetty -8ca ttyx console", "/dev/console"),
        ("/sbin/agetty 38400 -l /dev/login tty1", "/dev/tty1"),
        ("/sbin/agetty -L=always -H tty9 -- 9600 ttyS1", "/dev/ttyS1"),
        ("/sbin/agetty --local-line ttyS1", "/dev/ttyS1"),
        ("/sbin/agetty -o '-p -- tty9' --noclear tty1 linux", "/dev/tty1"),
        ('/sbin/agetty -I "AT tty9" ttyS0', "/dev/ttyS0"),
        ("/sbin/agetty -I '' tty1", "/dev/tty1"),
        ("/sbin/agetty -mt60 38400,19200 ttyS0 vt100", "/dev/ttyS0"),
        ("/sbin/getty -nl /sbin/autologin 38400 tty1", "/dev/tty1"),
        ("/sbin/mgetty -x0 -p tty9 -s 57600 ttyS1 ttyS2", "/dev/ttyS1"),
        ("/sbin/mingetty --delay 3 --autologin console tty2", "/dev/tty2"),
        ("/sbin/rungetty tty3 -u root -- top tty5", "/dev/tty3"),
        ("/sbin/rungetty --autologin tty9 tty3", "/dev/tty3"),
        ("/sbin/fgetty tty4 --noclear", "/dev/tty4"),
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
        "/sbin/ngetty tty1 tty2",  # serves those that there are
        "/bin/busybox",
        "/bin/busybox sh tty1",
        # What takes the word is an option that is not known, or the option's value is not plain.
        "/sbin/agetty --fancy tty1",
        "/sbin/agetty -Z tty1",
        "/sbin/mgetty --autologin tty1",
        "/sbin/fbgetty -x tty1",
        "/sbin/agetty --no tty1",  # --noclear, --nohints and others
        "/sbin/agetty --noclear=yes tty1",
        "/sbin/agetty -H tty1",
        "/sbin/agetty -l $LOGIN tty1",
        '/sbin/agetty -H "$HOST tty9" tty1',
        "/sbin/agetty -I 'ab tty9",
        "/sbin/agetty -I \"a' tty9 'b\" tty1",
        r"/sbin/agetty -I a\ tty9 tty1",
        "@/sbin/agetty -o '-p -- x' tty1",
        "/sbin/agetty vt100 tty1",  # vt100 is its terminal
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
