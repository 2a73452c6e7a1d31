"""INT4: the commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint import findings, found

from sysvinit_py.tools.lint.root import Root
from sysvinit_py.tools.lint.targets import BUSYBOX, SYSVINIT_PY, Target


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
