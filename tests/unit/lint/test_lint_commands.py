"""INT4: the commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysvinit_py.lint.command import Command, Word
from sysvinit_py.lint.daemons import DAEMONIZES, EXITS, FOREGROUND, UNKNOWN, _rows, fate, find
from sysvinit_py.lint.root import Root
from sysvinit_py.lint.targets import BUSYBOX, SYSVINIT_PY, Target
from tests.unit.lint.lint import findings, found


@pytest.fixture
def root(tmp_path: Path) -> Root:
    for name in ("sbin/getty", "usr/bin/runsvdir", "bin/sh"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o755)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/rc").touch(0o644)
    for name, interpreter in (("sh", "/bin/sh -e"), ("perl", " /usr/bin/perl"), ("odd", "")):
        (tmp_path / "etc" / name).write_text(f"#!{interpreter}\n")
        (tmp_path / "etc" / name).chmod(0o755)
    (tmp_path / "sbin/rc").symlink_to("/etc/rc")
    (tmp_path / "sbin/loop").symlink_to("loop")
    (tmp_path / "sbin/out").symlink_to("../../../../../../bin/sh")
    return Root(str(tmp_path))


@pytest.mark.parametrize(
    ("process", "target", "code"),
    [
        ("/sbin/getty 38400 tty1", SYSVINIT_PY, ""),
        ("getty 38400 tty1", SYSVINIT_PY, ""),
        ("+@/sbin/getty 38400 tty1", SYSVINIT_PY, ""),
        ("/usr/bin/runsvdir /service >/dev/null", SYSVINIT_PY, ""),
        ("cd / && /sbin/getty", SYSVINIT_PY, ""),
        ("$GETTY tty1", SYSVINIT_PY, ""),
        ("FOO=1 /sbin/getty", SYSVINIT_PY, ""),
        ("-/bin/sh", BUSYBOX, ""),
        ("-/bin/sh", SYSVINIT_PY, "INT401"),
        ("/sbin/out", SYSVINIT_PY, ""),  # .. stops at the image's /
        ("/sbin/gety 38400 tty1", SYSVINIT_PY, "INT401"),
        ("gety 38400 tty1", SYSVINIT_PY, "INT401"),
        ("/sbin/loop", SYSVINIT_PY, "INT401"),
        ("/sbin/getty/x", SYSVINIT_PY, "INT401"),
        ("FOO=1 /sbin/gety", SYSVINIT_PY, "INT401"),
        ("/etc/rc", SYSVINIT_PY, "INT402"),
        ("/sbin/rc", SYSVINIT_PY, "INT402"),
        ("/etc", SYSVINIT_PY, "INT402"),
        ("/etc/sh", SYSVINIT_PY, ""),
        ("/etc/odd", SYSVINIT_PY, ""),
        ("/etc/perl", SYSVINIT_PY, "INT401"),
    ],
)
def test_root(process: str, target: Target, code: str, root: Root) -> None:
    listed = findings(f"x:2:once:{process}\n", target, root=root, codes=["INT401", "INT402"])
    assert [finding.code for finding in listed] == ([code] if code else [])
    assert findings(f"x:2:once:{process}\n", target, codes=["INT401", "INT402"]) == []


def test_without_a_shell(root: Root) -> None:
    (Path(root.folder) / "bin/sh").unlink()
    text = "x:2:once:/sbin/getty\ny:2:once:/sbin/getty >/x\n"
    assert found(text, root=root, codes=["INT401"]) == ["2:10-25 INT401"]


def test_sulogin_that_init_adds(root: Root) -> None:
    text = "id:2:initdefault:\nx:2:once:/sbin/getty\n"
    assert found(text, root=root, fragment=False, codes=["INT401"]) == ["1:1-1 INT401"]
    assert found(text, root=root, fragment=True, codes=["INT401"]) == []
    assert found(text + "~~:S:wait:/bin/sh\n", root=root, fragment=False, codes=["INT401"]) == []


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        ("/bin/x", []),
        ("etc/rc", ["1:10-16 INT403"]),
        ("./rc", ["1:10-14 INT403"]),
        ("@./rc", ["1:11-15 INT403"]),
        ("~/rc", []),
        ("mount -a", ["1:10-15 INT404"]),
        ("exec mount -a >/x", ["1:15-20 INT404"]),
        ("echo a; mount -a", []),
        (">/dev/null", []),
        ("exec mount -a", []),  # INT508
    ],
)
def test_path(process: str, expected: list[str]) -> None:
    assert found(f"x:2:once:{process}\n", codes=["INT403", "INT404"]) == expected


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        ("/bin/x &", ["1:20-21 INT405"]),
        ("/bin/x & ", ["1:20-21 INT405"]),
        ("/bin/x &&", []),
        ("/bin/x & /bin/y", []),
        ("/usr/sbin/sshd", ["1:13-27 INT405"]),
        ("/usr/sbin/sshd -eD", []),
        ("/usr/sbin/sshd -D", []),
        ("/usr/sbin/sshd -p 22", ["1:13-27 INT405"]),
        ("@/usr/sbin/crond", ["1:14-29 INT405"]),
        ("/usr/sbin/crond -f -l 8", []),
        ("/sbin/syslogd -n", []),
        ("/usr/local/sbin/monit -Ic /etc/monitrc", []),
        ("/usr/sbin/ifplugd -nMlfI -u0 -d1", []),
        ("/usr/bin/xdm -nodaemon", []),
        ("/usr/bin/xdm", ["1:13-25 INT405"]),
        ("/sbin/wpa_supplicant -i wlan0", []),
        ("/sbin/wpa_supplicant -Bi wlan0", ["1:13-33 INT405"]),
        ("/sbin/udevd --daemon", ["1:13-24 INT405"]),
        ("/usr/bin/setsid /bin/sh", ["1:13-28 INT405"]),
        ("/usr/bin/setsid -w /bin/sh", []),
        ("/usr/sbin/sshd -i", []),
        ("/usr/sbin/httpd -DFOREGROUND", []),
        ("/usr/sbin/apache2 -D FOREGROUND", []),
        ("/usr/sbin/lighttpd -f /etc/lighttpd.conf", ["1:13-31 INT405"]),
        ("/usr/sbin/ntpd -q", []),  # not a daemon then
        ("/usr/bin/screen -dmS x", ["1:13-28 INT405"]),
        ("/usr/bin/screen -DmS x", []),
        ("/bin/busybox telnetd -l /bin/sh", ["1:13-25 INT405"]),
        ("/bin/busybox telnetd -F", []),
        ("/bin/busybox", []),
        ("exec /usr/sbin/sshd >/dev/null", ["1:18-32 INT405"]),
        ("/bin/a; /bin/b &", ["1:28-29 INT405"]),
        ("/bin/a & wait", []),
        ("/usr/sbin/sshd && /bin/b", []),
        # Options are parsed: values, --, and the words of a remote command are not options.
        ("/usr/sbin/sshd -o D", ["1:13-27 INT405"]),
        ("/usr/sbin/sshd -- -D", ["1:13-27 INT405"]),
        ("/usr/sbin/sshd -Z", []),  # not known
        ("/usr/bin/ssh host ps -f", []),
        ("/usr/bin/ssh -fN host", ["1:13-25 INT405"]),
        ("/usr/bin/pulseaudio --daemonize=no", []),
        ("/usr/sbin/dnsmasq --conf-file=/k", ["1:13-30 INT405"]),
        ("/usr/sbin/nginx -g 'daemon off;'", []),
        ("/usr/sbin/nginx -s reload", ["1:13-28 INT405"]),
        ("/usr/sbin/apache2 -D SSL", ["1:13-30 INT405"]),
        ("/usr/sbin/apache2 -k stop", ["1:13-30 INT405"]),
        ("/usr/sbin/postfix start-fg", []),
        ("/usr/bin/rsync --daemon --no-detach", []),
        ("/sbin/start-stop-daemon --start --exec /y -- -b", []),
        ("/opt/unknownd -d", []),
        # What ends at once.
        ("/etc/init.d/sshd start", ["1:13-29 INT405"]),
        ("/etc/init.d/sshd", []),
        ("/usr/sbin/service ssh start", ["1:13-30 INT405"]),
        ("/bin/false", ["1:13-23 INT405"]),
        ("/bin/sh -c '/bin/x &'", ["1:13-20 INT405"]),
        ("/bin/sh -c '/usr/sbin/sshd -D'", []),
        ("( /bin/x & )", ["1:22-23 INT405"]),
    ],
)
def test_background_respawn(process: str, expected: list[str]) -> None:
    assert found(f"x:2:respawn:{process}\n", codes=["INT405"]) == expected
    assert found(f"x:2:once:{process}\n", codes=["INT405"]) == []


@pytest.mark.parametrize(
    ("line", "blocks"),
    [
        ("x:2:wait:/sbin/getty 38400 tty1", True),
        ("x::sysinit:/bin/sh", True),
        ("x::bootwait:/bin/bash -l", True),
        ("x:S:wait:/bin/sh", False),
        ("x:S1:wait:/bin/sh", False),
        ("x:S:wait:/sbin/sulogin", False),
        ("x::sysinit:/bin/sh /etc/rc", False),
        ("x::sysinit:/bin/sh -c /etc/rc", False),
        ("x::boot:/bin/sh", False),
        ("x:2:once:/bin/sh", False),
        ("x:2:wait:/bin/login -f root </dev/tty1 >/dev/tty1", True),
        ("x::ctrlaltdel:/bin/sh", True),
        ("x::sysinit:/bin/busybox sh", True),
        ("x::sysinit:/bin/busybox mount -a", False),
        ("x::sysinit:/sbin/syslogd", False),
        ("x::sysinit:/sbin/syslogd -n", True),
        ("x::sysinit:/sbin/syslogd -n &", False),
        ("x::sysinit:/sbin/udevd", True),
        ("x::sysinit:/sbin/udevd -d", False),
        ("x::sysinit:/sbin/udevd --version", False),
        ("x::bootwait:/usr/sbin/ntpd -nq", False),
        ("x:2:wait:/usr/bin/runsvdir /service", True),
        ("x:2:once:/usr/bin/runsvdir /service", False),
        ("x:S:wait:/usr/bin/runsvdir /service", True),
        ("x::sysinit:/sbin/sulogin", True),
        ("x:1:wait:/sbin/sulogin -p", False),
        ("x::sysinit:/usr/bin/tail -f /x", True),
        ("x::sysinit:/usr/bin/tail /x", False),
        ("x:2:wait:/bin/sleep infinity", True),
        ("x:2:wait:/bin/sleep 5", False),
        ("x::sysinit:/etc/init.d/hostapd start", False),
        ("x::sysinit:/usr/sbin/sshd -t", False),
        ("x::sysinit:/usr/sbin/avahi-daemon --reload", False),
        ("x::sysinit:/usr/bin/pulseaudio --daemonize=no", True),
        ("x::sysinit:/usr/sbin/smartd -q never -n", True),
        ("x::sysinit:/usr/sbin/smartd -q onecheck", False),
        ("x::sysinit:/bin/sh -c 'exec /usr/sbin/sshd -D'", True),
    ],
)
def test_blocks_for_ever(line: str, blocks: bool) -> None:
    assert bool(found(line + "\n", codes=["INT406"])) == blocks


@pytest.mark.parametrize(
    ("line", "target", "expected"),
    [
        ("x::sysinit:/sbin/init", SYSVINIT_PY, ["1:12-22 INT407"]),
        ("::sysinit:/sbin/init", BUSYBOX, ["1:11-21 INT407"]),
        ("::restart:/sbin/init", BUSYBOX, []),
        ("ca::ctrlaltdel:/sbin/init 6", SYSVINIT_PY, []),
        ("l0:0:wait:/sbin/telinit u", SYSVINIT_PY, []),
    ],
)
def test_init_by_itself(line: str, target: Target, expected: list[str]) -> None:
    assert found(line + "\n", target, codes=["INT407"]) == expected


@pytest.mark.parametrize(
    ("action", "command", "wrong"),
    [
        ("powerfailnow", '-c "Power Restored; Shutdown Cancelled"', True),
        ("powerfail", "-c", True),
        ("powerwait", '-h now "Power restored"', True),
        ("powerfail", '-f -h +2 "Power Failure; System Shutting Down"', False),
        ("powerfail", "-h now THE POWER IS FAILING", False),
        ("powerokwait", '-c "Power Restored; Shutdown Cancelled"', False),
        ("powerokwait", '-h now "Power failure"', True),
        ("powerokwait", "-r now", False),
        ("powerokwait", '-c "UPS failing"', True),
        ("powerokwait", '-c "Power failure is over, shutdown cancelled"', False),
        ("ctrlaltdel", "-c", False),
    ],
)
def test_contradictory_power(action: str, command: str, wrong: bool) -> None:
    assert bool(found(f"p::{action}:/sbin/shutdown {command}\n", codes=["INT408"])) == wrong


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("x:0:wait:/sbin/halt -dhp", False),
        ("x:6:wait:/sbin/reboot -dk", False),
        ("x:6:wait:/sbin/halt -dhp", True),
        ("x:6:wait:/sbin/poweroff", True),
        ("x:0:wait:/sbin/reboot", True),
        ("x:06:once:/sbin/reboot", True),
        ("x:2:wait:/sbin/reboot", False),
        ("x:6:wait:/sbin/halt --reboot", False),
    ],
)
def test_contradictory_level(line: str, wrong: bool) -> None:
    assert bool(found(line + "\n", codes=["INT409"])) == wrong


@pytest.mark.parametrize(
    ("command", "target", "expected"),
    [
        ("/bin/umount -a -r", SYSVINIT_PY, []),
        ("/bin/umount -a r", SYSVINIT_PY, ["1:24-25 INT410"]),
        ("/bin/umount -a -t nfs", SYSVINIT_PY, []),
        ("/bin/umount -a /mnt", SYSVINIT_PY, []),
        ("/bin/umount r", SYSVINIT_PY, []),
        ("/bin/kill -a", SYSVINIT_PY, ["1:9-18 INT410"]),
        ("/bin/kill -9 1", SYSVINIT_PY, []),
        ("/bin/kill -TERM -1", SYSVINIT_PY, []),
        ("/sbin/shutdown -r", SYSVINIT_PY, ["1:9-23 INT410"]),
        ("/sbin/shutdown -r now", SYSVINIT_PY, []),
        ("/sbin/shutdown -c", SYSVINIT_PY, []),
        ("/sbin/shutdown >/dev/null", BUSYBOX, []),
    ],
)
def test_incomplete_command(command: str, target: Target, expected: list[str]) -> None:
    assert found(f"x::once:{command}\n", target, codes=["INT410"]) == expected


def test_hint_of_an_init_script() -> None:
    """It was told to add the option of the daemon of its name."""
    (finding,) = findings("x:2:respawn:/etc/init.d/sshd start\n", codes=["INT405"])
    assert finding.hint == "use once or wait"


@pytest.mark.parametrize("name", _rows())
def test_each_row_of_the_table_is_understood(name: str) -> None:
    program = find(name)
    assert program
    assert program.kind in (DAEMONIZES, FOREGROUND, EXITS, UNKNOWN)
    assert fate(Command(Word(name, 0, 0), Word(name, 0, 0), (Word("--version", 0, 0),)))[0] == EXITS
    assert fate(Command(Word(name, 0, 0), Word(name, 0, 0), ()))[0] == program.kind


@pytest.mark.parametrize(
    ("line", "found_there"),
    [
        ("x::powerokwait:/sbin/halt -p", True),
        ("x::powerokwait:/sbin/telinit 0", True),
        ("x::powerokwait:/sbin/telinit q", False),
        ("x:2:wait:/sbin/telinit 3", True),
        ("x:2:once:/sbin/init -t 5 6", True),
        ("x:1:wait:/sbin/telinit S", False),
        ("x:2:wait:/sbin/telinit a", False),
        ("x:3:once:/sbin/telinit 3", False),
    ],
)
def test_calls_a_level(line: str, found_there: bool) -> None:
    assert bool(found(line + "\n", codes=["INT408", "INT409"])) == found_there


def test_helpers_that_become_a_getty(tmp_path: Path) -> None:
    """Yocto's start_getty takes the speed and the line."""
    text = "S1:2:respawn:/bin/start_getty 115200 ttyS0 vt102\n"
    assert found(text, codes=["INT301"]) == []
    assert found(text, codes=["INT301"], gettys=["start_getty"]) == ["1:1-3 INT301"]
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/start_getty"
    for last, there in (('exec /sbin/getty -L "$1" "$2"', True), ("/sbin/getty -L $1 $2", False)):
        script.write_text(f"#!/bin/sh\n# exec getty\n{last}\n# end\n")
        assert bool(found(text, codes=["INT301"], root=Root(str(tmp_path)))) == there
