"""A machine whose process 1 is C's runit goes over to ours while it runs, and back."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.system.oracle import OracleError
from tests.system.runit_oracle import runit
from tests.system.services.onefile import RUNIT
from tests.system.services.stages import Stages
from tests.system.witness import wait_until

ROOT = Path(__file__).parents[3]
#: /usr with Debian's runit in it, which is not this machine's.
PREPARE = """
set -e
mount -t tmpfs -o mode=755 usr "$1/new"; mkdir "$1/new/upper" "$1/new/work"
mount -t overlay -o "lowerdir=$1/package:/usr,upperdir=$1/new/upper,workdir=$1/new/work" overlay /usr
exec /usr/sbin/runit
"""
SCRIPTS = {
    "1": "echo one",
    "2": "PATH=/usr/sbin:/usr/bin; exec runsvdir -P /etc/service",
    "3": "PATH=/usr/sbin:/usr/bin; sv -w20 force-stop /etc/service/*; sv -w20 shutdown /etc/service/*",
}
WEB = {
    "run": 'trap "echo last words; exit" TERM; echo $$; while :; do sleep 0.05; done',
    "log/run": "exec svlogd /var/log",
}

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.skipif(os.geteuid() != 0, reason="root")]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The files of Debian's package, all below what is /usr."""
    try:
        files = runit()
    except OracleError as reason:
        pytest.skip(str(reason))
    for folder in ("bin", "sbin", "lib", "usr/bin", "usr/sbin"):
        if (files / folder).is_dir():
            target = tmp_path / "package" / folder.rpartition("/")[2]
            shutil.copytree(files / folder, target, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "new").mkdir()
    return tmp_path


def install(stages: Stages, *options: str) -> None:
    python = ("env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "sysvinit_py.install.cli")
    done = stages.run(*python, "--runit", "--yes", *options)
    assert done.returncode == 0, done


def shell(stages: Stages, text: str) -> str:
    return stages.run("sh", "-c", f"PATH=/usr/sbin:/usr/bin; {text}").stdout


def serves(stages: Stages, program: str, before: str = "") -> str:
    """Wait until another service than before runs, with its logger, below this runsvdir; return its pid."""

    def look() -> str:
        told = shell(stages, "readlink /proc/$(pgrep -x runsvdir)/exe; sv status web")
        found = re.match(rf".*/{program}.*\nrun: web: \(pid (\d+)\) \d+s; run: log: ", told)
        return found[1] if found and found[1] != before else ""

    return wait_until(look, lambda: shell(stages, "ps -ef; sv status web") + stages.text, 20)


@pytest.mark.nightly
def test_over_and_back_in_a_minute(package: Path) -> None:
    for name, text in WEB.items():
        file = package / "etc" / "service" / "web" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n".replace("/var/log", str(package / "log")))
        file.chmod(0o755)
    (package / "log").mkdir()
    with Stages(package, ("sh", "-c", PREPARE, "sh", str(package)), SCRIPTS) as stages:
        pids = [serves(stages, "runsvdir")]
        began = time.monotonic()
        install(stages, "--init", str(RUNIT))
        assert serves(stages, "runsvdir") == pids[0], "what runs goes on"
        shell(stages, "pkill -HUP -x runsvdir")
        pids.append(serves(stages, "python", pids[-1]))
        assert shell(stages, "sv restart web").startswith("ok: run: web: ")
        pids.append(serves(stages, "python", pids[-1]))
        install(stages, "--undo")
        shell(stages, "pkill -HUP -x runsvdir")
        pids.append(serves(stages, "runsvdir", pids[-1]))
        assert time.monotonic() - began < 60 * PATIENCE
        shell(stages, "> /run/runit.stopit; chmod 100 /run/runit.stopit; kill -CONT 1")
        stages.end()
    lines = (package / "log" / "current").read_text().splitlines()
    assert lines == [line for pid in pids for line in (pid, "last words")]
