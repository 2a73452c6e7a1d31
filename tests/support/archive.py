"""The tar file of a Debian root, made once by mmdebstrap and kept."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Sequence
from pathlib import Path

#: mmdebstrap ends with us, even if we are killed: with its processes, mounts and temporary files.
CONTAINED = (
    "setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
    "sh", "-ec", 'mount -t tmpfs tmpfs /mnt; TMPDIR=/mnt exec "$@"', "sh",
)  # fmt: skip


def make(archive: Path, command: Sequence[str]) -> None:
    """Make the archive by the command if it is missing. Raises CalledProcessError, with its stderr."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (archive.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test runs may be parallel
        if not archive.exists():
            draft = archive.with_suffix(".draft.tar")
            # A session of its own: when it fails it ends all that are in its group.
            subprocess.run(
                [*CONTAINED, *command, draft],
                check=True, start_new_session=True, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            draft.rename(archive)
