"""inittab-install on a root file system made up for it, with the host's /usr."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py import __version__
from sysvinit_py.build import onefile
from sysvinit_py.install import checks, cli

INITTAB = "id:2:initdefault:\nl2:2:respawn:sleep 1000\n"
Run = Callable[..., "subprocess.CompletedProcess[str]"]

REPOSITORY = Path(__file__).parents[3]
#: In a mount namespace of its own; a Python that is given takes the place of the host's, and /sbin may be
#: read-only, or full: then its files are told at the end.
ENTER = """\
root=$1 python=$2 sbin=$3; shift 3
mount --bind -r /usr "$root/usr" # the host's: nothing may be written there
[ -z "$python" ] || mount --bind "$python" "$root/usr/bin/python3"
case $sbin in
    "") exec "$@" ;;
    read-only) mount --bind -r "$root/sbin" "$root/sbin"; exec "$@" ;;
esac
mount -t tmpfs -o size=64k none "$root/sbin"
touch "$root/sbin/init" "$root/sbin/telinit"
for program in shutdown halt poweroff reboot; do install /dev/null "$root/sbin/$program"; done
set +e; "$@"; status=$?
cd "$root/sbin" && echo *
exit $status
"""

PROGRAM = """\
import sys
from pathlib import Path
from sysvinit_py.build import onefile
from sysvinit_py.install import checks, cli
content = Path(sys.argv.pop(1)).read_bytes()
onefile.build = lambda name: content
checks.TRIAL_TIMEOUT = 10
cli.BIN = "/users"  # as /usr is the host's
if not int(sys.argv.pop(1)):
    checks._trial_boot = lambda *_: []
sys.exit(cli.main())
"""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built once only."""
    path = tmp_path_factory.mktemp("built") / "init"
    path.write_bytes(onefile.build())
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with C init, or what passes for it."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("only root can install into another root")
    made = tmp_path / "root"
    for folder in "etc", "sbin", "usr", "dev", "users":
        (made / folder).mkdir(parents=True)
    for link in "bin", "lib", "lib64":
        (made / link).symlink_to(f"usr/{link}")
    shutil.copy("/usr/bin/python3", made / "python")  # the real one, for those that take its place
    (made / "etc/inittab").write_text(INITTAB)
    for program in checks.PROGRAMS:
        (made / "sbin" / program).write_text("#!/bin/sh\n")
        (made / "sbin" / program).chmod(0o755)
    (made / "sbin/init").write_text("C init")
    (made / "sbin/telinit").symlink_to("init")
    return made


@pytest.fixture
def run(root: Path, built: Path) -> Run:
    """Runs inittab-install on the root; ``python``: a script as its Python; ``sbin``: full, read-only.

    The trial boot takes seconds, so most tests do without: ``trial``.
    """

    def run(
        *arguments: str, python: str = "", sbin: str = "", trial: bool = False
    ) -> subprocess.CompletedProcess[str]:
        other = root.parent / "python"
        if python:
            other.write_text(python)
            other.chmod(0o755)
        command = [
            sys.executable,
            "-c",
            PROGRAM,
            str(built),
            str(int(trial)),
            "--root",
            str(root),
            *arguments,
        ]
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
        if path.name not in checks.PROGRAMS
    }


BEFORE: dict[str, str | bytes] = {"init": b"C init", "telinit": "init"}


def test_installs_and_keeps_the_old_init(root: Path, run: Run) -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    assert "init=/sbin/init.sysv" in done.stdout
    assert content(root) == {"init": onefile.build(), "init.sysv": b"C init", "telinit": "init"}
    assert (root / "sbin/init").stat().st_mode & 0o777 == 0o755


def test_users_have_the_program_inittab(root: Path, run: Run) -> None:
    """A link, unless something else has the name; undone with the rest."""
    link = root / "users/inittab"
    done = run()
    assert not done.stderr
    assert os.readlink(link) == "/sbin/init"
    run("--undo")
    assert not link.is_symlink()
    link.write_text("another's")
    run()
    run("--undo")
    assert link.read_text() == "another's"


def test_a_root_without_shutdown_gets_ours(root: Path, run: Run) -> None:
    """``--programs``; what was there comes back, also after an update."""
    (root / "sbin/shutdown").unlink()
    (root / "sbin/poweroff").unlink()
    (root / "sbin/poweroff").symlink_to("halt")
    before = {path.name: path.lstat().st_ino for path in (root / "sbin").iterdir()}
    for _ in range(2):
        done = run("--programs")
        assert (done.returncode, done.stderr) == (0, "")
        assert {os.readlink(root / "sbin" / name) for name in cli.PROGRAMS} == {"init"}
        assert os.readlink(root / "sbin/poweroff.sysv") == "halt"
        assert not (root / "sbin/shutdown.sysv").exists()
    assert run("--undo").returncode == 0
    assert {path.name: path.lstat().st_ino for path in (root / "sbin").iterdir()} == before
    assert os.readlink(root / "sbin/poweroff") == "halt"


def test_programs_are_not_replaced_unasked(root: Path, run: Run) -> None:
    run()
    assert (root / "sbin/shutdown").read_text() == "#!/bin/sh\n"
    assert not (root / "sbin/runlevel").exists()
    assert "--programs is about an installation of init" in run("--undo", "--programs").stderr


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
INCOMPLETE = PYTHON % "sys.modules['_ctypes'] = None"


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        pytest.param(INCOMPLETE, "_ctypes", id="modules are missing"),
        pytest.param("#!/bin/sh\necho broken >&2; exit 1\n", "broken", id="broken"),
        pytest.param("#!/nowhere/sh\n", "/usr/bin/python3: No such file or directory", id="not executable"),
        pytest.param(OLD, "/sbin/init: Python 3.11 or newer is needed, and", id="old"),
        pytest.param("#!/bin/sh\nprintf 'a\\033[2Jb' >&2; exit 1\n", r"a\x1b[2Jb", id="hostile words"),
    ],
)
def test_a_python_that_would_not_boot_is_refused(root: Path, run: Run, python: str, reason: str) -> None:
    for options in [], ["--force"]:  # which is for what may do all the same
        done = run(*options, python=python)
        assert done.returncode == cli.REFUSED
        assert reason in done.stderr
        assert "apt-get install python3" in done.stderr
        assert done.stderr.count("\n") == 1
        assert content(root) == BEFORE


@pytest.mark.parametrize("python", ["/python", "/opt/python/bin/python3"], ids=["file", "link"])
def test_another_python_runs_it(root: Path, run: Run, python: str) -> None:
    """As images of containers have theirs in /usr/local: the first line is another one, and nothing else."""
    (root / "opt/python/bin").mkdir(parents=True)
    (root / "opt/python/bin/python3").symlink_to("/python")
    done = run("--python", python, python="#!/bin/sh\nexit 1\n")  # where it usually is, there is none
    assert done.returncode == 0, done
    init = (root / "sbin/init").read_bytes()
    assert init == onefile.build().replace(b"/usr/bin/python3", python.encode(), 1)
    assert init.startswith(f"#!{python} -IScimport".encode())
    given = root.parent / "built-for-it"
    given.write_bytes(init)
    assert run("--init", str(given), "--python", onefile.PYTHON).returncode == 0
    assert (root / "sbin/init").read_bytes() == onefile.build()


@pytest.mark.parametrize(
    ("python", "status", "reason"),
    [
        ("python3", 2, "argument --python: 'python3' is not an absolute path without whitespace"),
        ("/opt/my python", 2, "'/opt/my python' is not an absolute path"),
        ("/opt/python\n", 2, r"'/opt/python\n' is not an absolute path"),
        ("/opt/\x1b[2Jpython", 2, r"'/opt/\x1b[2Jpython' is not an absolute path"),
        ("", 2, "'' is not a file name"),
        (f"/{'x' * 38}", 2, "x: longer than the 38 bytes that fit into a first line: make a link to it"),
        (f"/{'x' * 37}", 1, "no /xxxxx"),
        (
            "/no/such/python3",
            1,
            "no /no/such/python3: Python 3.11 or newer with its standard library is needed",
        ),
        ("/etc/inittab", 1, "no /etc/inittab: Python"),
        ("/sbin/halt", 1, "it would not boot with /sbin/halt"),
    ],
)
def test_a_python_that_cannot_run_it(root: Path, run: Run, python: str, status: int, reason: str) -> None:
    if python == "/sbin/halt":
        (root / "sbin/halt").write_text("#!/bin/sh\nexit 1\n")
    done = run("--python", python, "--force")
    assert (done.returncode, content(root)) == (status, BEFORE)
    assert reason in done.stderr


def test_undo_takes_no_python(root: Path, run: Run) -> None:
    done = run("--undo", "--python", "/python")
    assert done.returncode == 2
    assert "takes no --python" in done.stderr


#: What it finds of the host, its rights and its network it writes on stderr, and fails.
SPY = """\
#!/bin/sh
exec 9>&2 2>&1
found=
see() {{ found="$found $1"; }}
[ ! -e /proc/1 ] || see proc
[ ! -e {outside} ] || see outside
[ ! -e /../../../../../{outside} ] || see above
(: >/touched) && see wrote
(: >/dev/device) && see device
kill -9 {pid} && see killed
[ "$(id -u) $(id -G)" = "65534 65534" ] || see rights
setsid sleep 987654 &
echo "found:$found." >&9
exit 1
"""


def test_the_python_of_a_root_is_run_confined(root: Path, run: Run, tmp_path: Path) -> None:
    """The root may be somebody else's: its programs get no rights here, whatever they do."""
    outside = tmp_path / "outside"
    outside.write_text("x")
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        done = run(python=SPY.format(outside=outside, pid=bystander.pid))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert "python3: found:.; " in done.stderr, done.stderr
    assert not (root / "touched").exists()
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"987654" in _read(path)]
    assert not left


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_no_python_is_refused(root: Path) -> None:
    command = [sys.executable, "-m", "sysvinit_py.install.cli", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == cli.REFUSED
    assert done.stderr.startswith("inittab-install: no /usr/bin/python3: Python 3.11 or newer")
    assert content(root) == BEFORE


def refused(root: Path, done: subprocess.CompletedProcess[str], *reasons: str) -> None:
    assert done.returncode == cli.REFUSED
    for reason in reasons:
        assert reason in done.stderr
    assert done.stderr.endswith("inittab-install: nothing was changed\n")
    assert done.stdout == ""
    assert content(root) == BEFORE


def test_no_inittab_is_refused(root: Path, run: Run) -> None:
    (root / "etc/inittab").unlink()
    refused(root, run(), "no /etc/inittab: apt-get install sysvinit-core", "or write one: inittab(5)")


def test_an_inittab_in_parts_is_enough(root: Path, run: Run) -> None:
    (root / "etc/inittab.d").mkdir()
    (root / "etc/inittab").rename(root / "etc/inittab.d/all.tab")
    assert run().returncode == 0


@pytest.mark.parametrize(
    ("inittab", "reason"),
    [
        (b"hello world\nfoo:bar\n", "/etc/inittab:1: id field too long"),
        (os.urandom(4096), "/etc/inittab:1: "),
        (b"", "/etc/inittab:1: no entries"),
        (b"# nothing\n", "/etc/inittab:1: no entries"),
        (b"id:2:initdefault:\n", "nothing but initdefault"),
        (b"id:6:initdefault:\nl2:2:respawn:sleep 1\n", "the machine reboots as soon as it has booted"),
        (INITTAB.encode() + b"l3:3:respwan:sleep 1\n", "/etc/inittab:3: "),
        (b"[Unit]\nDescription=none\n", "/etc/inittab:1: "),
        (b"::respawn:/bin/sh\n", "/etc/inittab:1: missing id field"),
    ],
    ids=[
        "words",
        "garbage",
        "empty",
        "comments",
        "nothing to start",
        "reboots",
        "misspelt",
        "unit",
        "BusyBox",
    ],
)
def test_an_inittab_that_would_not_do_is_refused(root: Path, run: Run, inittab: bytes, reason: str) -> None:
    (root / "etc/inittab").write_bytes(inittab)
    refused(root, run(), reason)
    done = run("--force")
    assert done.returncode == 0
    assert reason in done.stderr


def test_an_init_that_does_not_stay_is_refused(root: Path, run: Run) -> None:
    """The trial boot finds what no look at the files does."""
    comment = b"# License: MIT (the parser: MPL-2.0, see its source)."
    ends = b"import posix\nposix.getpid() != 1 or posix._exit(3)#"
    built = onefile.build()
    assert comment in built
    init = root.parent / "init"
    init.write_bytes(built.replace(comment, ends.ljust(len(comment), b"#"), 1))
    refused(root, run("--init", str(init), trial=True), "it does not boot in the sandbox: PID 1 exited")
    assert run("--init", str(init), "--force", trial=True).returncode == 0


def test_what_boots_is_installed_without_a_word_on_stderr(root: Path, run: Run) -> None:
    done = run(trial=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "line",
    ["si::sysinit:/bin/sleep 1000", "si::sysinit:/usr/bin/yes 0123456789012345678901234567890123456789"],
)
def test_what_does_not_settle_is_told(root: Path, run: Run, line: str) -> None:
    """Regression: refused, and with it each root whose scripts cannot mount what is in its /etc/fstab."""
    (root / "etc/inittab").write_text(f"{INITTAB}{line}\n")
    done = run(trial=True)
    assert done.returncode == 0
    assert "inittab-install: the trial boot in the sandbox: " in done.stderr


def test_the_trial_boot_uses_the_programs_of_the_root(root: Path, run: Run) -> None:
    """And what fails in the sandbox may do so for want of rights: it is said, and is no reason to refuse."""
    (root / "etc/inittab").write_text(f"{INITTAB}si::sysinit:/sbin/only-there\n")
    script = root / "sbin/only-there"
    script.write_text("#!/bin/sh\n! mount -t tmpfs none /mnt 2>/dev/null\n")
    script.chmod(0o755)
    done = run(trial=True)
    assert (done.returncode, done.stderr) == (0, "")
    script.unlink()
    done = run(trial=True)
    assert done.returncode == 0
    assert 'sandbox: settled in runlevel 2; but: INIT: cannot execute "/sbin/only-there' in done.stderr


def test_the_trial_boot_changes_nothing_and_leaves_nothing(root: Path, run: Run) -> None:
    command = "for x in /etc/x /sbin/x /usr/x /x; do echo x >$x; done; sleep 1000 & :"
    (root / "etc/inittab").write_text(f"{INITTAB}si::sysinit:{command}\n")
    before = sorted(root.rglob("*"))
    assert run("--dry-run", trial=True).returncode == 0
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize("place", ["sbin/systemd", "opt/systemd/systemd", "etc/busybox"])
def test_another_kind_of_init_is_refused(root: Path, run: Run, place: str) -> None:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_text("ELF")
    (root / "sbin/init").unlink()
    (root / "sbin/init").symlink_to(f"/{place}")
    before = content(root)
    done = run()
    assert done.returncode == cli.REFUSED
    name = "BusyBox" if "busybox" in place else "systemd"
    assert f"/sbin/init is that of {name}, which does not read /etc/inittab as a SysV init" in done.stderr
    assert content(root) == before


@pytest.mark.parametrize("missing", [checks.PROGRAMS, checks.PROGRAMS[:1], checks.PROGRAMS[-1:]])
def test_a_root_without_shutdown_is_refused(root: Path, run: Run, missing: tuple[str, ...]) -> None:
    for program in missing:
        (root / "sbin" / program).unlink()
        (root / "sbin" / program).symlink_to("systemctl")
    (root / "sbin/systemctl").write_text("ELF")
    (root / "sbin/systemctl").chmod(0o755)
    done = run()
    assert f"{missing[0]} (it is that of systemd)" in done.stderr
    assert "apt-get install sysvinit-core" in done.stderr
    assert done.returncode == cli.REFUSED
    (root / "sbin/systemctl").chmod(0o644)
    assert f"no {', '.join(missing)}: apt-get install sysvinit-core" in run().stderr


def test_an_init_of_others_is_refused(root: Path, run: Run) -> None:
    done = run("--init", str(root / "sbin/init"))
    assert done.returncode == cli.REFUSED
    assert "not the init of sysvinit_py" in done.stderr


def test_nothing_to_undo(root: Path, run: Run) -> None:
    done = run("--undo")
    assert done.returncode == cli.REFUSED
    assert "nothing to undo" in done.stderr
    assert content(root) == BEFORE


@pytest.mark.parametrize(
    ("path", "reason"),
    [("nowhere", "No such file or directory"), ("root/etc", "has no /sbin: not a root file system")],
)
def test_no_root_file_system(root: Path, run: Run, tmp_path: Path, path: str, reason: str) -> None:
    done = run("--root", str(tmp_path / path))
    assert done.returncode == cli.REFUSED
    assert reason in done.stderr


def test_a_full_disk_changes_nothing(root: Path, run: Run) -> None:
    done = run(sbin="full")
    assert done.returncode == cli.REFUSED
    assert "No space left on device" in done.stderr
    assert done.stdout == "halt init poweroff reboot shutdown telinit\n"


def test_a_root_that_is_read_only(root: Path, run: Run) -> None:
    done = run(sbin="read-only")
    assert done.returncode == cli.REFUSED
    assert done.stderr == "inittab-install: /sbin/init.new: Read-only file system\n"
    assert content(root) == BEFORE
    assert run().returncode == 0
    done = run("--undo", sbin="read-only")
    assert done.returncode == cli.REFUSED
    assert done.stderr == "inittab-install: /sbin/init.sysv: Read-only file system\n"


def test_a_link_in_the_place_of_the_draft_is_not_followed(root: Path, run: Run) -> None:
    """It would be the init of before that is overwritten."""
    (root / "sbin/init.new").symlink_to("init")
    assert run().returncode == 0
    assert content(root) == {"init": onefile.build(), "init.sysv": b"C init", "telinit": "init"}


@pytest.mark.parametrize("package", cli.PACKAGES)
@pytest.mark.parametrize("option", [[], ["--undo"]])
def test_what_the_package_has_put_there_is_left_to_it(
    root: Path, run: Run, option: list[str], package: str
) -> None:
    lists = root / cli.LISTS[1:]
    lists.mkdir(parents=True)
    (lists / f"{package}.list").write_text("/.\n/usr/sbin/init\n")
    done = run(*option)
    assert done.returncode == cli.REFUSED
    assert f"the package {package} is installed" in done.stderr
    assert content(root) == BEFORE


def test_a_package_that_was_removed_is_none(root: Path, run: Run) -> None:
    """Until it is purged dpkg lists what is left of it."""
    lists = root / cli.LISTS[1:]
    lists.mkdir(parents=True)
    (lists / f"{cli.PACKAGES[0]}.list").write_text("/var/lib/sysvinit-py\n")
    assert run().returncode == 0


def test_only_root_can(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main([]) == cli.REFUSED
    assert capsys.readouterr().err == "inittab-install: requires root\n"


def test_a_dry_run_changes_nothing(root: Path, run: Run) -> None:
    done = run("--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"would be done to {root}:",
        f"  /sbin/init becomes sysvinit_py {__version__}",
        "  the present /sbin/init is kept as /sbin/init.sysv",
    ]
    assert content(root) == BEFORE
    assert run("--dry-run", "--undo").returncode == cli.REFUSED
    run()
    after = content(root)
    assert "replaces another build" in run("--dry-run").stdout
    assert run("--dry-run", "--undo").returncode == 0
    assert content(root) == after


def test_a_dry_run_refuses_what_an_installation_would(root: Path, run: Run) -> None:
    (root / "etc/inittab").unlink()
    refused(root, run("--dry-run"), "no /etc/inittab")


@pytest.mark.parametrize(
    "options",
    [
        ["--undo", "--init", "/dev/null"],
        ["--patience", "3"],
        ["--live", "--patience", "-1", "--root", "/"],
        ["--live", "--patience", "nan", "--root", "/"],
        ["--undo", "--force"],
        ["--yes", "--dry-run"],
        ["--live"],
        ["--li", "--root", "/"],
        ["word"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_fit_together(root: Path, run: Run, options: list[str]) -> None:
    done = run(*options)
    assert done.returncode == cli.USAGE
    assert "error: " in done.stderr
    assert content(root) == BEFORE


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"inittab-install (sysvinit_py) {__version__}\n"


#: Inside, the made-up root is /; what is asked is answered on a terminal, or there is none.
RUNNING = """\
mount --bind "$1" "$1"
mount --bind /usr "$1/usr"
mkdir -p "$1/proc" "$1/tmp" "$1/repository"
mount -t proc none "$1/proc"
touch "$1/dev/null"; mount --bind /dev/null "$1/dev/null"
mount --bind "$2" "$1/repository"
mount -t tmpfs none "$1/tmp"
root=$1; shift 2
exec chroot "$root" /usr/bin/env PYTHONPATH=/repository /usr/bin/python3 "$@"
"""


@pytest.fixture
def run_inside(root: Path, built: Path) -> Run:
    """Runs inittab-install where the made-up root is the running system."""

    def run_inside(*arguments: str, types: bytes | None = None) -> subprocess.CompletedProcess[str]:
        shutil.copy(built, root / "built")
        master, terminal = os.openpty()
        try:
            os.write(master, types or b"\x04")
            command = ["unshare", "--mount", "sh", "-ec", RUNNING, "sh", str(root), str(REPOSITORY)]
            return subprocess.run(
                [*command, "-c", PROGRAM, "/built", "0", *arguments],
                stdin=subprocess.DEVNULL if types is None else terminal,
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
        finally:
            os.close(master)
            os.close(terminal)

    return run_inside


@pytest.mark.parametrize("options", [[], ["--root", "/."], ["--root", "/proc/self/root"]], ids=str)
def test_the_running_system_is_not_changed_unasked(root: Path, run_inside: Run, options: list[str]) -> None:
    """Whatever it is called."""
    done = run_inside(*options)
    assert done.returncode == cli.REFUSED, done
    assert done.stdout.startswith("to be done to the running system:\n")
    assert (
        done.stderr == "inittab-install: this is the running system: confirm with --yes, or on a terminal\n"
    )
    assert content(root) == BEFORE


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"yesterday\n", b"\x04"])
def test_no_is_no(root: Path, run_inside: Run, answer: bytes) -> None:
    done = run_inside(types=answer)
    assert done.returncode == cli.REFUSED
    assert done.stderr == "inittab-install: nothing was changed\n"
    assert content(root) == BEFORE


def test_yes_on_a_terminal_and_by_option(root: Path, run_inside: Run) -> None:
    done = run_inside(types=b"y\n")
    assert done.returncode == 0, done
    assert cli.is_ours((root / "sbin/init").read_bytes())
    assert run_inside("--undo").returncode == cli.REFUSED
    assert run_inside("--undo", "--yes").returncode == 0
    assert content(root) == BEFORE


@pytest.mark.parametrize("place", ["sbin", "etc", "etc/inittab", "etc/inittab.d", "var", "sbin/init"])
@pytest.mark.parametrize("way", ["absolute", "upwards", "magic"])
def test_no_link_leads_out_of_the_root(root: Path, run: Run, tmp_path: Path, place: str, way: str) -> None:
    """Nor one of /proc, should that be mounted there: what is outside is neither read nor changed."""
    outside = tmp_path / "outside"
    (outside / "lib/dpkg/info").mkdir(parents=True)
    for name in "inittab", "a.tab", "init", *(f"lib/dpkg/info/{package}.list" for package in cli.PACKAGES):
        (outside / name).write_text("secret\n/sbin/init\n# sysvinit_py secret")
    target = outside / "inittab" if place == "etc/inittab" else outside
    target = outside / "init" if place == "sbin/init" else target
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    prefix = {"absolute": "", "upwards": "/.." * 20, "magic": "/proc/self/root"}[way]
    real = root / place
    if real.is_dir() and not real.is_symlink():
        real.rename(root / "moved")
    else:
        real.unlink(missing_ok=True)
    if way == "magic":
        (root / "proc").symlink_to("/usr/none")  # unless it is mounted there it leads nowhere at all
        (root / "proc").unlink()
        (root / "proc").mkdir()
    real.symlink_to(f"{prefix}{target}")
    done = run("--force")
    assert "secret" not in done.stdout + done.stderr
    assert "package" not in done.stderr
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "place", ["etc/inittab", "sbin/init", "etc/inittab.d/a.tab", f"{cli.LISTS[1:]}/{cli.PACKAGES[0]}.list"]
)
def test_nothing_blocks(root: Path, run: Run, place: str) -> None:
    """A FIFO in the place of a file would have root wait for a writer."""
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).unlink(missing_ok=True)
    os.mkfifo(root / place)
    done = run()
    if place != "sbin/init":  # which is not read, but kept
        assert done.returncode == cli.REFUSED
        assert done.stderr == f"inittab-install: /{place}: not a regular file\n"
