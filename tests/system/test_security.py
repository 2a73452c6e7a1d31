"""Only root can talk to init, and nothing outside its program has influence on it (docs/SECURITY.rst)."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import Boot
from tests.system.system import System
from tests.system.witness import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="in the namespace of a user there is nobody else")

pytestmark = pytest.mark.ours_only("about Python, and what C does not check")

INITTAB = "id:2:initdefault:\na:2:respawn:/w A stay\nb:3:once:/w B\n"
EVIL = "open('/run/evil', 'a').write(__name__ + '\\n')\n"

#: Modules that init imports, and those that Python imports by itself if it is let.
NAMES = (
    "os", "sys", "time", "struct", "marshal", "errno", "stat", "termios", "binascii", "fcntl", "select",
    "ctypes", "zlib", "sitecustomize", "usercustomize", "sysvinit_py", "encodings",
)  # fmt: skip


def test_nothing_outside_the_program_has_influence(boot: Boot) -> None:
    """Kernel words with a = in them become init's environment; it begins in /.

    Debian's Python has a sitecustomize of its own, which is a link to one in /etc.
    """
    python = os.path.basename(os.path.realpath("/usr/bin/python3"))
    folders = ("", "/evil", "/sbin", f"/root/.local/lib/{python}/site-packages", f"/etc/{python}")
    files = {f"{folder}/{name}.py": EVIL for folder in folders for name in NAMES}
    environment = {
        "HOME": "/root", "PYTHONPATH": "/evil", "PYTHONHOME": "/evil", "PYTHONSTARTUP": "/evil/os.py",
        "PYTHONINSPECT": "1", "PYTHONWARNINGS": "error::Warning", "PYTHONUSERBASE": "/root/.local",
        "PYTHONBREAKPOINT": "evil", "PYTHONPLATLIBDIR": "/evil", "PYTHONPYCACHEPREFIX": "/run/cache",
        "PYTHONVERBOSE": "1", "PYTHONMALLOC": "debug", "a": "b",
    }  # fmt: skip
    system = boot(INITTAB, files=files, environment=environment)
    assert system.witness.wait("A").env["a"] == "b"  # children have it all, as always
    system.telinit("u")
    wait_until(lambda: b"reloading" in system.console.said, lambda: "a new init")
    system.telinit("3")
    system.witness.wait("B")
    assert not system.path("/run/evil").exists()
    assert not system.path("/run/cache").exists()


@needs_root
def test_the_fifo_is_roots(boot: Boot) -> None:
    system = boot(INITTAB)
    system.witness.wait("A")
    system.wait_ready()
    status = system.path("/run/initctl").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o600, 0)
    assert stat.S_IMODE(system.path("/run").stat().st_mode) & 0o022 == 0


FOREIGN = {
    "a FIFO of somebody else": "mkfifo -m 622 /run/x; chown 1000 /run/x; mv /run/x /run/initctl",
    "a folder that others write to": "chmod 777 /run; rm /run/initctl",
    "a folder of somebody else": "chown 1000 /run; rm /run/initctl",
}


@needs_root
@pytest.mark.parametrize("command", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_fifo_that_is_not_roots_alone_is_not_obeyed(command: str, boot: Boot) -> None:
    system = boot(INITTAB)
    system.witness.wait("A")
    system.wait_ready()
    assert not system.run(["/bin/sh", "-c", command]).returncode
    system.console.expect(b"is not root's alone")
    assert system.run(["/sbin/telinit", "3"], timeout=20).returncode
    assert system.run(["/bin/sh", "-c", "chown 0 /run; chmod 755 /run; rm -f /run/initctl"]).returncode == 0
    system.signal(10)  # SIGUSR1
    system.wait_ready()
    system.telinit("3")
    system.witness.wait("B")


EXPOSED = {
    "chmod o+w /etc/inittab": "/etc/inittab is writable by everybody",
    "chown 1000 /etc/inittab": "/etc/inittab belongs to the user 1000",
    "chmod o+w /etc/inittab.d/x.tab": "/etc/inittab.d/x.tab is writable by everybody",
    "chown 1000 /etc/inittab.d/x.tab": "/etc/inittab.d/x.tab belongs to the user 1000",
    "chmod o+w /etc/inittab.d": "/etc/inittab.d is writable by everybody",
    "chown 1000 /etc/initscript": "/etc/initscript belongs to the user 1000",
    "chmod o+w /etc/initscript": "/etc/initscript is writable by everybody",
}


@needs_root
@pytest.mark.parametrize(("command", "warning"), EXPOSED.items(), ids=EXPOSED)
def test_what_others_may_change_is_obeyed_with_a_warning(command: str, warning: str, boot: Boot) -> None:
    """Regression: not a word was said. It is said once, however often the inittab is read."""
    files = {"/etc/inittab.d/x.tab": "x:4:once:/w X\n", "/etc/initscript": 'eval exec "$4"\n'}
    system = boot(INITTAB, files=files)
    system.witness.wait("A")
    system.wait_ready()
    assert b"root's alone" not in system.console.said
    assert not system.run(["/bin/sh", "-c", command]).returncode
    system.telinit("3")
    system.witness.wait("B")
    system.telinit("q")
    system.telinit("4")
    system.witness.wait("X")
    assert system.console.said.count(f"\rINIT: {warning}: it should be root's alone\r".encode()) == 1


def test_no_control_character_reaches_the_console(boot: Boot) -> None:
    """Regression: ids and commands were said as they are: a title, a bell, C1 and bidi controls."""
    system = boot("a\x1b[:2:respawn:/no\x1b\x07\x9b\u202e\nid:2:initdefault:\nz:2:once:/w A stay\n")
    system.witness.wait("A")
    system.console.expect(b"respawning too fast")
    assert b"\x1b" not in system.console.said
    assert b"\x07" not in system.console.said
    assert b'Id "a\\x1b["' in system.console.said
    assert b'cannot execute "/no\\x1b\\x07\\x9b\\u202e"' in system.console.said


def planted(*links: str) -> Callable[[System], None]:
    def plant(system: System) -> None:
        system.write("/etc/victim", "Oh")
        for link in links:
            system.path(link).symlink_to("/etc/victim")

    return plant


def test_links_are_not_followed(boot: Boot) -> None:
    """To what a boot writes, and to what it reads and removes."""
    links = ("/run/runlevel", "/run/powerstatus")
    system = boot(INITTAB + "c::powerokwait:/w OK\nd::powerfail:/w FAIL\n", before=planted(*links))
    system.witness.wait("A")
    system.wait_ready()
    system.signal(30)  # PWR
    system.witness.wait("FAIL")
    assert system.path("/etc/victim").read_text() == "Oh"
    assert not system.witness.events("OK")


@needs_root
def test_a_link_of_somebody_else_to_a_fifo_is_not_obeyed(boot: Boot) -> None:
    """Where others may make links, but may not remove ours."""

    def plant(system: System) -> None:
        system.path("/run").chmod(0o1777)
        os.mkfifo(system.path("/root/fifo"))
        system.path("/run/initctl").symlink_to("/root/fifo")
        os.chown(system.path("/run/initctl"), 1000, 1000, follow_symlinks=False)

    system = boot(INITTAB, before=plant)
    system.witness.wait("A")
    protects = Path("/proc/sys/fs/protected_symlinks").read_text() == "1\n"  # then the kernel refuses it
    system.console.expect(b"/run/initctl: Permission denied" if protects else b"is not root's alone")
    assert system.run(["/sbin/telinit", "3"], timeout=20).returncode
    system.path("/run/initctl").unlink()
    system.wait_ready()
    system.telinit("3")
    system.witness.wait("B")


@needs_root
def test_only_root_may_ask(boot: Boot) -> None:
    system = boot(INITTAB)
    system.witness.wait("A")
    system.wait_ready()
    done = system.run(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "/bin/sh", "-c",
                       "/sbin/telinit 3; printf x > /run/initctl; kill -HUP 1"])  # fmt: skip
    assert "must be superuser" in done.stderr
    assert "denied" in done.stderr
    assert "not permitted" in done.stderr
    time.sleep(0.2)
    assert system.title == "init [2]"
