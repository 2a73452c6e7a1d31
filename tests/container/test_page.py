"""The examples of docs/container.rst do what it says, under each engine; and so do those of the others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import packages
from tests.container import image, page
from tests.container.conftest import OURS, Start
from tests.container.engine import Container, Engine

#: Debian's packages of the inits that the page compares.
OTHERS = (
    "tini", "supervisor", "python3-pkg-resources", "s6", "execline", "libs6-2.11", "libexecline2.9",
    "libskarnet2.13",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All files of the page."""
    page.write_files(tmp_path)
    shutil.copy(OURS, tmp_path / "base" / "init")
    return tmp_path


def test_page(engine: Engine, folder: Path) -> None:
    """Each command prints what stands below it."""
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(engine.script())
    docker.chmod(0o755)
    environment = os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
    for command in page.commands():
        done = subprocess.run(
            command.text, shell=True, cwd=folder, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        assert not done.returncode, (command, done.stdout)
        assert command.prints(done.stdout), (command, done.stdout)
    engine.call("rm", "--force", "site")


def test_two_lines(folder: Path) -> None:
    """An application needs two of them in its Dockerfile."""
    assert len((folder / "site" / "Dockerfile").read_text().splitlines()) == 2


@pytest.fixture(scope="session")
def others(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with the others."""
    folder = tmp_path_factory.mktemp("others")
    for name in OTHERS:
        try:
            shutil.copytree(
                packages.unpacked(name) / "usr", folder / "usr", symlinks=True, dirs_exist_ok=True
            )
        except packages.PackageError as error:
            pytest.skip(str(error))
    (folder / "Dockerfile").write_text(f"FROM {image.BASE}\nCOPY usr /usr\n")
    engine.build(folder, "others")
    return "others"


#: How each is started with its form of the application.
FORMS = {
    "tini": ("tini", "-g", "--", "/x/tini/start"),
    "s6": ("sh", "-c", "mkdir -p /srv/www; cp -R /x/s6 /run/service; exec s6-svscan /run/service"),
    "supervisord": ("sh", "-c", "mkdir -p /srv/www; exec supervisord -c /x/supervisord/supervisord.conf"),
}


@pytest.mark.parametrize("name", FORMS)
def test_others(engine: Engine, others: str, folder: Path, name: str) -> None:
    """tini and s6 end with the status of the job, supervisord does not end, and its status is 0."""
    options = [f"--volume={folder}:/x"]
    with Container(engine, others, *FORMS[name], options=options) as container:
        if name == "supervisord":
            container.expect_text("exited: job (exit status 3; not expected)")
            container.stop()
        assert container.wait() == (0 if name == "supervisord" else 3)
        output = container.logs()
        assert "working" in output.out, output
        assert not re.search("work.* \\| ", " ".join(output.out))


def test_ours(start: Start, folder: Path) -> None:
    """The same with ours."""
    container = start((folder / "job" / "inittab").read_text())
    assert container.wait() == 3
    assert "work | working" in container.logs().out
