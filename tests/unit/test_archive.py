"""A Debian root's archive: what makes it leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import archive
from tests.system.witness import wait_until

REPOSITORY = Path(__file__).parents[2]
#: As mmdebstrap it has a child that ignores signals.
MAKES = "trap '' HUP INT TERM; flock \"$0\" sh -c 'echo begun; sleep 1000' & wait"
PROGRAM = f"""\
import sys
from pathlib import Path
from tests.support import archive
archive.make(Path(sys.argv[1]), ["sh", "-c", {MAKES!r}, sys.argv[2]])
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make one")


def test_what_makes_it_ends_with_us(tmp_path: Path) -> None:
    """Regression: mmdebstrap went on, with its mounts, after a Ctrl-C or a kill."""
    lock, command = tmp_path / "held", [sys.executable, "-c", PROGRAM]
    lock.touch()
    with subprocess.Popen(
        [*command, tmp_path / "root.tar", lock], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout
        begun = select.select([program.stdout], [], [], 30)[0]
        program.kill()
    assert begun
    with lock.open() as file:
        wait_until(lambda: is_free(file.fileno()), lambda: "it goes on")


def is_free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_one_that_failed_is_not_kept(tmp_path: Path) -> None:
    """What ends its whole group does not end us."""
    made = tmp_path / "root.tar"
    with pytest.raises(subprocess.CalledProcessError) as error:
        archive.make(made, ["sh", "-c", 'echo no >&2; touch "$0"; kill -HUP 0; exit 1'])
    assert error.value.stderr == "no\n"
    assert not made.exists()
    archive.make(made, ["touch"])
    assert made.exists()
