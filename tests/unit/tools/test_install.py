"""inittab-install on a root file system made up for it, with the host's /usr."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.tools import install, onefile

Run = Callable[..., "subprocess.CompletedProcess[str]"]

REPOSITORY = Path(__file__).parents[3]
#: In a mount namespace of its own; a Python that is given takes the place of the host's, and /sbin may be
#: read-only, or full: then its files are told at the end.
ENTER = """\
root=$1 python=$2 sbin=$3; shift 3
mount --bind /usr "$root/usr"
[ -z "$python" ] || mount --bind "$python" "$root/usr/bin/python3"
case $sbin in
    "") exec "$@" ;;
    read-only) mount --bind -r "$root/sbin" "$root/sbin"; exec "$@" ;;
esac
mount -t tmpfs -o size=64k none "$root/sbin"
touch "$root/sbin/init" "$root/sbin/telinit"
set +e; "$@"; status=$?
cd "$root/sbin" && echo *
exit $status
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with C init, or what passes for it."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("only root can install into another root")
    made = tmp_path / "root"
    for folder in "etc", "sbin", "usr", "dev":
        (made / folder).mkdir(parents=True)
    for link in "bin", "lib", "lib64":
        (made / link).symlink_to(f"usr/{link}")
    shutil.copy("/usr/bin/python3", made / "python")  # the real one, for those that take its place
    (made / "etc/inittab").write_text("id:2:initdefault:\n")
    (made / "sbin/init").write_text("C init")
    (made / "sbin/telinit").symlink_to("init")
    return made


@pytest.fixture
def run(root: Path) -> Run:
    """Runs inittab-install on the root; ``python``: a script as its Python; ``sbin``: full, read-only."""

    def run(*arguments: str, python: str = "", sbin: str = "") -> subprocess.CompletedProcess[str]:
        other = root.parent / "python"
        if python:
            other.write_text(python)
            other.chmod(0o755)
        command = [sys.executable, "-m", "sysvinit_py.tools.install", "--root", str(root), *arguments]
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", ENTER, "sh", root, other if python else "", sbin, *command],
            capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=60,
        )  # fmt: skip

    return run


def content(root: Path) -> dict[str, str | bytes]:
    """What is in /sbin: links as what they say."""
    return {
        path.name: os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in (root / "sbin").iterdir()
    }


BEFORE = {"init": b"C init", "telinit": "init"}


def test_installs_and_keeps_the_old_init(root: Path, run: Run) -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    assert "init=/sbin/init.sysv" in done.stdout
    assert content(root) == {"init": onefile.build(), "init.sysv": b"C init", "telinit": "init"}
    assert (root / "sbin/init").stat().st_mode & 0o777 == 0o755


def test_can_be_undone(root: Path, run: Run) -> None:
    run()
    assert run("--undo").returncode == 0
    assert content(root) == BEFORE


def test_a_second_time_is_an_update(root: Path, run: Run) -> None:
    run()
    (root / "sbin/init").write_bytes(b"#!/usr/bin/python3 -IS\n# sysvinit_py 0.0.1: an older one\n")
    assert run().returncode == 0
    assert content(root)["init"] == onefile.build()
    assert content(root)["init.sysv"] == b"C init"


def test_an_init_that_came_back_is_kept_instead(root: Path, run: Run) -> None:
    """As after an update of the package with C init."""
    run()
    (root / "sbin/init").unlink()
    (root / "sbin/init").write_text("newer C init")
    assert run().returncode == 0
    assert content(root)["init.sysv"] == b"newer C init"


def test_links_to_another_init_are_kept_as_links(root: Path, run: Run) -> None:
    """As systemd has them."""
    for name, target in ("init", "../usr/bin/true"), ("telinit", "/bin/systemctl"):
        (root / "sbin" / name).unlink()
        (root / "sbin" / name).symlink_to(target)
    before = content(root)
    assert run().returncode == 0
    assert content(root) == {
        "init": onefile.build(),
        "init.sysv": "../usr/bin/true",
        "telinit": "init",
        "telinit.sysv": "/bin/systemctl",
    }
    assert run("--undo").returncode == 0
    assert content(root) == before


def test_a_root_without_init(root: Path, run: Run) -> None:
    (root / "sbin/init").unlink()
    (root / "sbin/telinit").unlink()
    done = run()
    assert "nothing to fall back to" in done.stdout
    assert content(root) == {"init": onefile.build(), "telinit": "init"}
    assert run("--undo").returncode == 0
    assert content(root) == {}


def test_a_link_out_of_the_root_leads_nowhere(root: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / "sbin").rename(root / "real")
    (root / "sbin").symlink_to(tmp_path / "outside")
    assert run().returncode == 1
    assert not list((tmp_path / "outside").iterdir())


#: In the place of Python: another one, after it has done something. Called with -c and code, or by a first
#: line.
PYTHON = """\
#!/bin/sh
case "$1" in
-ISc*) code=${1#-ISc}; shift ;;
*) code=$3; shift 3 ;;
esac
PYTHONHOME=/usr exec /python -c "import sys; %s; exec(sys.argv.pop(1))" "$code" "$@"
"""
OLD = PYTHON % "sys.version_info = (3, 10)"
INCOMPLETE = PYTHON % "sys.modules['ctypes'] = None"


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        pytest.param(INCOMPLETE, "ctypes", id="modules are missing"),
        pytest.param("#!/bin/sh\necho broken >&2; exit 1\n", "broken", id="broken"),
        pytest.param("#!/nowhere/sh\n", "/usr/bin/python3 cannot be run here", id="not executable"),
    ],
)
def test_a_python_that_would_not_boot_is_refused(root: Path, run: Run, python: str, reason: str) -> None:
    done = run(python=python)
    assert done.returncode == install.REFUSED
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert content(root) == BEFORE


def test_an_old_python_is_refused(root: Path, run: Run) -> None:
    done = run(python=OLD)
    assert done.returncode == install.REFUSED
    assert "3.11 or newer is needed: it is Python 3.10" in done.stderr
    assert content(root) == BEFORE


def test_no_python_is_refused(root: Path) -> None:
    command = [sys.executable, "-m", "sysvinit_py.tools.install", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == install.REFUSED
    assert done.stderr.startswith("inittab-install: there is no /usr/bin/python3")
    assert content(root) == BEFORE


def test_neither_inittab_nor_console_is_refused(root: Path, run: Run) -> None:
    (root / "etc/inittab").unlink()
    done = run()
    assert done.returncode == install.REFUSED
    assert "no /etc/inittab" in done.stderr
    assert content(root) == BEFORE


def test_a_console_is_enough(root: Path, run: Run) -> None:
    (root / "etc/inittab").unlink()
    (root / "dev/console").touch()
    assert run().returncode == 0


def test_an_init_of_others_is_refused(root: Path, run: Run) -> None:
    done = run("--init", str(root / "sbin/init"))
    assert done.returncode == install.REFUSED
    assert "is no init of sysvinit_py" in done.stderr


def test_nothing_to_undo(root: Path, run: Run) -> None:
    done = run("--undo")
    assert done.returncode == install.REFUSED
    assert "nothing to undo" in done.stderr
    assert content(root) == BEFORE


@pytest.mark.parametrize(
    ("path", "reason"),
    [("nowhere", "No such file or directory"), ("root/etc", "has no /sbin: is it")],
)
def test_no_root_file_system(root: Path, run: Run, tmp_path: Path, path: str, reason: str) -> None:
    done = run("--root", str(tmp_path / path))
    assert done.returncode == install.REFUSED
    assert reason in done.stderr


def test_a_full_disk_changes_nothing(root: Path, run: Run) -> None:
    done = run(sbin="full")
    assert done.returncode == install.REFUSED
    assert "No space left on device" in done.stderr
    assert done.stdout == "init telinit\n"


def test_a_root_that_is_read_only(root: Path, run: Run) -> None:
    done = run(sbin="read-only")
    assert done.returncode == install.REFUSED
    assert done.stderr == "inittab-install: /sbin/init.new: Read-only file system\n"
    assert content(root) == BEFORE
    assert run().returncode == 0
    done = run("--undo", sbin="read-only")
    assert done.returncode == install.REFUSED
    assert done.stderr == "inittab-install: /sbin/init.sysv: Read-only file system\n"


def test_a_link_in_the_place_of_the_draft_is_not_followed(root: Path, run: Run) -> None:
    """It would be the init of before that is overwritten."""
    (root / "sbin/init.new").symlink_to("init")
    assert run().returncode == 0
    assert content(root) == {"init": onefile.build(), "init.sysv": b"C init", "telinit": "init"}


@pytest.mark.parametrize("option", [[], ["--undo"]])
def test_what_the_package_has_put_there_is_left_to_it(root: Path, run: Run, option: list[str]) -> None:
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/diversions").write_text("/sbin/init\n/sbin/init.sysv\nsysvinit-py\n")
    done = run(*option)
    assert done.returncode == install.REFUSED
    assert "the package sysvinit-py is installed" in done.stderr
    assert content(root) == BEFORE


def test_only_root_can(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert install.main([]) == install.REFUSED
    assert capsys.readouterr().err == "inittab-install: only root can do this\n"
