"""What pip gets: sdist and wheel are built, looked at, and the wheel is installed into a place of its own."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from docutils.core import publish_string

from sysvinit_py.build import completion
from sysvinit_py.clients.runit.described import PROGRAMS as RUNIT
from tests.system.system import System
from tests.system.witness import wait_until

REPOSITORY = Path(__file__).parents[3]
PROGRAMS = {f"inittab-{tool}" for tool in ("install", "lint", "fmt", "lsp", "try")} | {
    "inittab",
    "initeventd",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, made from what git has, and the wheel, made from the sdist."""
    return build(tmp_path_factory.mktemp("packaging"), "sources")


def build(folder: Path, name: str, umask: int = 0o022, **environment: str) -> tuple[Path, Path]:
    """Build both, in ``folder``, from sources in a folder below it."""
    sources = folder / name
    for path in tracked():
        target = sources / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((REPOSITORY / path).read_bytes())
        target.chmod((REPOSITORY / path).stat().st_mode & ~umask)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, sources],
        check=True, capture_output=True, cwd=folder, umask=umask, env={**os.environ, **environment},
    )  # fmt: skip
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.mark.timeout(300)
def test_the_same_bytes_wherever_they_are_built(built: tuple[Path, Path], tmp_path: Path) -> None:
    """In another folder, at another time, with another umask, time zone, locale and order of sets."""
    other = {
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "PYTHONHASHSEED": "7",
    }
    again = build(tmp_path, "elsewhere", 0o077, **other)
    for first, second in zip(built, again, strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes(), first.name
    for name in "init", "runit":
        command = [sys.executable, "-m", "sysvinit_py.build.onefile"]
        for place, options in (REPOSITORY, {}), (tmp_path / "elsewhere", {"umask": 0o077, "env": other}):
            target = tmp_path / place.name / name
            subprocess.run([*command, target], cwd=place, check=True, **options)  # type: ignore[call-overload]
        assert (tmp_path / REPOSITORY.name / name).read_bytes() == (
            tmp_path / "elsewhere" / name
        ).read_bytes()
        assert (tmp_path / "elsewhere" / name).stat().st_mode & 0o777 == 0o755


def test_twine_finds_no_fault(built: tuple[Path, Path]) -> None:
    command: list[str | Path] = [sys.executable, "-m", "twine", "check", "--strict", *built]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def tracked() -> list[str]:
    """The files of the repository, or of an unpacked sdist."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not done.returncode:
        return [path for path in done.stdout.splitlines() if (REPOSITORY / path).is_file()]
    listed = (REPOSITORY / "sysvinit_py.egg-info/SOURCES.txt").read_text().splitlines()
    return [path for path in listed if (REPOSITORY / path).is_file()]


def names(built: tuple[Path, Path]) -> tuple[set[str], set[str]]:
    sdist, wheel = built
    with tarfile.open(sdist) as tar, zipfile.ZipFile(wheel) as zipped:
        return {name.partition("/")[2] for name in tar.getnames()}, set(zipped.namelist())


#: Programs that pip does not install.
OF_INIT = ("init", "telinit", "shutdown", "halt", "poweroff", "reboot", "runlevel")
#: Files that are about the repository itself.
LEFT_OUT = (".git", ".github/")


@pytest.mark.timeout(300)
def test_the_sdist_has_all_that_the_repository_has(built: tuple[Path, Path]) -> None:
    missing = set(tracked()) - names(built)[0]
    assert not [path for path in sorted(missing) if not path.startswith(LEFT_OUT)]


def test_the_wheel_has_what_a_user_needs(built: tuple[Path, Path]) -> None:
    in_wheel = names(built)[1]
    data = f"{built[1].name.removesuffix('-py3-none-any.whl')}.data/data/share"
    wanted = {
        path for path in tracked() if path.startswith("sysvinit_py/") and not path.endswith(".gitignore")
    }
    wanted |= {f"{data}/doc/sysvinit_py/{path.name}" for path in (REPOSITORY / "docs").glob("*.rst")}
    wanted |= {
        f"{data}/sysvinit_py/inittab.d/{path.name}" for path in (REPOSITORY / "inittab.d").glob("*.tab")
    }
    wanted |= {f"{data}/sysvinit_py/grammar/inittab.lark"}
    wanted |= {f"{data}/man/man7/inittab-lint-rules.7", f"{data}/man/man1/inittab-try.1"}
    assert wanted <= in_wheel, wanted - in_wheel
    wanted = {f"{data}/{path}" for path in completion.files(without={*RUNIT, *OF_INIT})}
    assert wanted <= in_wheel, wanted - in_wheel
    pages = {name.rpartition("/")[2] for name in in_wheel if "/man/man" in name}
    assert {path.stem for path in (REPOSITORY / "man").glob("*.rst")} <= pages
    assert not [name for name in in_wheel if name.startswith("tests/")]


def test_pages_of_the_system_s_init_are_not_hidden(built: tuple[Path, Path]) -> None:
    """Pip installs neither init nor runit, so ``man init`` must go on to show that of the system."""
    found_by_man = {name.rpartition("/")[2] for name in names(built)[1] if "/share/man/" in name}
    assert found_by_man.isdisjoint({"inittab.5"} | {f"{name}.8" for name in {*RUNIT, *OF_INIT}})
    completed = {Path(name).stem.lstrip("_") for name in names(built)[1] if "complet" in name}
    assert completed.isdisjoint({*RUNIT, *OF_INIT})


def test_the_wheel_installs_the_tools_and_no_init(built: tuple[Path, Path], tmp_path: Path) -> None:
    place = tmp_path / "place"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", place, built[1]], check=True, capture_output=True)
    assert {path.name for path in (place / "bin").iterdir()} == PROGRAMS
    run = {"cwd": tmp_path, "env": {"PYTHONPATH": str(place), "PATH": "/usr/bin:/bin"}}
    for program in sorted(PROGRAMS - {"initeventd"}):  # which stands on libraries that are not installed here
        done = subprocess.run([place / "bin" / program, "--help"], capture_output=True, check=False, **run)  # type: ignore[call-overload]
        assert done.returncode == 0, done
    one = [sys.executable, "-m", "sysvinit_py.build.onefile", "init"]
    subprocess.run(one, check=True, **run)  # type: ignore[call-overload]
    subprocess.run([*one[:-1], tmp_path / "of the repository"], check=True, cwd=REPOSITORY)
    assert (tmp_path / "init").read_bytes() == (tmp_path / "of the repository").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root enters the sandbox")
def test_the_installed_inittab_steers_an_init(built: tuple[Path, Path], tmp_path: Path) -> None:
    """All of it from the wheel: its file of init is PID 1, and its program inittab asks that."""
    place = tmp_path / "place"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", place, built[1]], check=True, capture_output=True)
    run = {"cwd": tmp_path, "env": {"PYTHONPATH": str(place), "PATH": "/usr/bin:/bin"}}
    one = ["/usr/bin/python3", "-m", "sysvinit_py.build.onefile", "init"]
    subprocess.run(one, check=True, **run)  # type: ignore[call-overload]
    files = {f"/wheel/{path.relative_to(place)}": path for path in place.rglob("*.py")}
    inittab = "id:2:initdefault:\n# inittab: log\nt1:2:respawn:/bin/sh -c 'echo here; exec sleep 99'\n"
    with System(tmp_path / "init", inittab, files=files) as system:
        system.wait_level("2")
        system.wait_ready()

        def asked(*words: str) -> str:
            program = "import sys; sys.path.insert(0, '/wheel'); sys.argv[0] = 'inittab';"
            program += "from sysvinit_py.clients.inittab.program import main; sys.exit(main())"
            done = system.run(["/usr/bin/python3", "-Ic", program, *words], 30)
            assert done.returncode == 0, done
            return done.stdout

        check_verbs(asked)


def check_verbs(asked: Callable[..., str]) -> None:
    """The verbs do to the entry t1 what they say."""
    assert asked("start", "t1") == asked("start", "t1")
    assert "t1 running" in " ".join(asked("status", "-o", "id,state", "t1").split())
    asked("stop", "t1")
    assert "t1 stopped" in " ".join(asked("status", "-o", "id,state").split())
    asked("start", "t1")
    asked("restart", "t1")
    assert "t1 running" in " ".join(asked("status", "-o", "id,state", "t1").split())
    wait_until(lambda: _logged(asked), lambda: "the line in its log")
    assert "stop" in asked("history", "t1")


def _logged(asked: Callable[..., str]) -> bool:
    with suppress(AssertionError):  # there is no log before the first line
        return "here" in asked("log", "t1")
    return False


def test_the_metadata_has_what_a_package_page_shows(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as zipped:
        (name,) = (name for name in zipped.namelist() if name.endswith("/METADATA"))
        metadata = email.message_from_bytes(zipped.read(name))
    for field in (
        "Summary",
        "Author",
        "Keywords",
        "Requires-Python",
        "License-File",
        "Description-Content-Type",
    ):
        assert metadata[field], field
    assert "MIT" in (metadata["License"] or metadata["License-Expression"])
    classifiers = metadata.get_all("Classifier") or []
    assert "Operating System :: POSIX :: Linux" in classifiers
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 13, 14)} <= set(classifiers)
    description = metadata.get_payload()
    assert description == (REPOSITORY / "README.rst").read_text()
    publish_string(description, writer="html5", settings_overrides={"halt_level": 2})


@pytest.mark.parametrize(
    ("interpreter", "called", "asked"),
    [
        ("/usr/bin/python3.11 (deleted)", "triggered", True),
        ("/usr/bin/python3.11", "triggered", False),
        ("/usr/bin/python3.11 (deleted)", "configure", False),
        ("/usr/sbin/init (deleted)", "triggered", False),
    ],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the root directory of PID 1")
def test_a_new_python_is_taken_over_by_pid_1(
    tmp_path: Path, interpreter: str, called: str, asked: bool
) -> None:
    """The postinst, with what it calls replaced; in a chroot it asks nobody."""
    for name, does in ("readlink", f"echo '{interpreter}'"), ("telinit", f"echo $@ > {tmp_path}/asked"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    postinst = (REPOSITORY / "debian/sysvinit-py.postinst").read_text()
    # In namespaces: it finds no init.sysv of this machine, an inittab, and we may see the root of PID 1.
    hide = (
        'for f in /usr/sbin /etc; do mount -t tmpfs none $f; done; : >/etc/inittab; sh -c "$0" postinst "$1"'
    )
    hidden = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", hide]
    subprocess.run([*hidden, postinst, called], check=True, env=environment)
    assert (tmp_path / "asked").exists() == asked
    if asked:
        assert (tmp_path / "asked").read_text() == "u\n"
