"""The one file under a Python that is too old: it says so, and PID 1 does not end."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sysvinit_py.build import onefile
from tests.system.conftest import OURS
from tests.system.system import System
from tests.system.witness import wait_until

PYTHON = "/root/python"
#: Called as the first line of the file calls Python.
OLD = """\
#!/usr/bin/python3 -IS
import sys
sys.version_info = (3, 9, 18, "final", 0)
code = sys.argv.pop(1)[len("-ISc"):]
sys.argv[0] = "-c"
exec(code)
"""
NEW = '#!/bin/sh\nexec /usr/bin/python3 "$@"\n'
REASON = b"/sbin/init: Python 3.11 or newer is needed, and /usr/bin/python3 is 3.9"
INITTAB = "id:2:initdefault:\na:2:respawn:/w A stay\n"
SULOGIN = "#!/bin/sh\necho maintenance\nread line\n"


def system(python: str, **files: str | bytes | Path) -> System:
    """A system whose /sbin/init is ours, run by ``python``."""
    content = OURS.read_bytes().replace(b"/usr/bin/python3", PYTHON.encode(), 1)
    files = {PYTHON: python, "/sbin/sulogin": SULOGIN, **files}
    return System(OURS, INITTAB, files={**files, "/sbin/init": content})


@pytest.mark.parametrize("file", [onefile.LOADER, onefile.TOO_OLD], ids=lambda file: file.name)
def test_an_old_python_can_read_the_loader(file: Path) -> None:
    """What it cannot parse, it cannot say anything about."""
    ast.parse(file.read_text(), feature_version=(3, 4))


def test_becomes_the_previous_init(namespaces: None, oracle_programs: Path) -> None:
    with system(OLD, **{"/sbin/init.sysv": oracle_programs / "init"}) as booted:
        booted.witness.wait("A")
        assert booted.console.said.splitlines()[0] == b"INIT: " + REASON
        assert booted.title == "init [2]"
        assert not booted.path("/proc/1/exe").readlink().name.startswith("python")


def test_gives_a_shell_and_boots_when_python_is_new_enough(namespaces: None) -> None:
    with system(OLD) as booted:
        booted.console.expect(b"maintenance")
        assert booted.console.said.splitlines()[0] == b"INIT: " + REASON
        booted.console.type(b"\r")  # nothing has changed: another shell
        wait_until(
            lambda: booted.console.said.count(b"maintenance") == 2, lambda: "another shell", timeout=15
        )
        assert booted.witness.started() == []
        booted.write(PYTHON, NEW)
        booted.console.type(b"\r")
        booted.witness.wait("A", timeout=15)


def test_without_sulogin_it_does_not_end(namespaces: None) -> None:
    """Nor without a console: there is nothing to do but to reap."""
    with system(OLD, **{"/sbin/sulogin": "#!/nowhere\n"}) as booted:
        booted.console.expect(REASON)
        orphan = booted.run(["/bin/sh", "-c", "sleep 0.1 & echo $!"]).stdout.strip()
        booted.wait_gone(int(orphan), timeout=15)
        assert booted.end is None


def test_telinit_and_version_fail_with_the_reason(namespaces: None) -> None:
    with system(NEW) as booted:
        booted.witness.wait("A")
        booted.wait_ready()
        booted.write(PYTHON, OLD)
        for command in ["/sbin/init", "--version"], ["/sbin/telinit", "q"]:
            done = booted.run(command)
            assert done.returncode == 1
            assert done.stderr.encode() == REASON.replace(b"/sbin/init", command[0].encode()) + b"\n"
            assert done.stdout == ""


def test_telinit_u_refuses_it(namespaces: None) -> None:
    with system(NEW) as booted:
        booted.witness.wait("A")
        booted.wait_ready()
        booted.write(PYTHON, OLD)
        booted.request(1, "u")
        wait_until(
            lambda: b"Attempt to re-exec failed" in booted.console.said, lambda: "its message", timeout=15
        )
        booted.run(["kill", str(booted.witness.wait("A").pid)])
        booted.witness.wait("A", n=2)
        assert booted.title == "init [2]"
