"""Run a program of an untrusted root file system.

It sees only that tree, read-only and without devices, and has no network, no privileges and little memory.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
from typing import NamedTuple

from sysvinit_py.linux import namespaces
from sysvinit_py.linux.beneath import Tree

NOBODY = 65534
TIMEOUT = 30  # seconds
LIMITS = {
    resource.RLIMIT_AS: 1 << 30,
    resource.RLIMIT_CPU: TIMEOUT,
    resource.RLIMIT_FSIZE: 1 << 16,
    resource.RLIMIT_NPROC: 64,
    resource.RLIMIT_CORE: 0,
}
NAMESPACES = (
    namespaces.CLONE_NEWNS
    | namespaces.CLONE_NEWPID
    | namespaces.CLONE_NEWUTS
    | namespaces.CLONE_NEWIPC
    | namespaces.CLONE_NEWNET
)
#: Where the tree is mounted: in a new mount namespace, so any directory will do.
PLACE = "/proc"


class Result(NamedTuple):
    """The exit status, and what was written to standard error."""

    status: int
    errors: str


def run(tree: Tree, command: list[str], data: bytes) -> Result:
    """Run ``command`` with ``data`` as its standard input, confined unless the tree is the running system.

    Raises OSError if executing or confining it fails.
    """
    confine = None if tree.is_running else lambda: _confine(tree)
    with tempfile.TemporaryFile() as standard_input, tempfile.TemporaryFile() as errors:
        standard_input.write(data)
        standard_input.seek(0)
        try:
            done = subprocess.run(
                command, stdin=standard_input, stdout=subprocess.DEVNULL, stderr=errors, env={},
                preexec_fn=confine, start_new_session=True, timeout=TIMEOUT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Result(1, f"no answer within {TIMEOUT} s")
        except subprocess.SubprocessError as error:  # raised in _confine
            raise OSError(0, f"cannot be run confined: {error}", command[0]) from None
        errors.seek(0)
        return Result(done.returncode, errors.read(LIMITS[resource.RLIMIT_FSIZE]).decode(errors="replace"))


def _confine(tree: Tree) -> None:
    """Confine this process, which executes the program next."""
    namespaces.unshare(NAMESPACES)
    place = os.open(tree.folder, os.O_PATH | os.O_DIRECTORY)  # now as a mount of this namespace
    if not os.path.samestat(os.fstat(place), tree.status):
        raise OSError(0, "was replaced", str(tree.folder))
    namespaces.mount("none", "/", flags=namespaces.MS_REC | namespaces.MS_PRIVATE)
    namespaces.mount(f"/proc/self/fd/{place}", PLACE, flags=namespaces.MS_BIND | namespaces.MS_REC)
    os.close(place)
    namespaces.mount_setattr(
        PLACE, namespaces.MOUNT_ATTR_RDONLY | namespaces.MOUNT_ATTR_NOSUID | namespaces.MOUNT_ATTR_NODEV
    )
    os.chdir(PLACE)
    namespaces.pivot_root(".", ".")
    namespaces.umount2(".", namespaces.MNT_DETACH)
    _fork_and_wait()  # into the new PID namespace, which ends with its first process
    namespaces.set_pdeathsig(signal.SIGKILL)
    _fork_and_wait()  # so that it is not PID 1, as which it would boot
    for limit, value in LIMITS.items():
        resource.setrlimit(limit, (value, value))
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _fork_and_wait() -> None:
    """Go on as a child, whose exit status the parent takes over."""
    if child := os.fork():
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # Popen waits until nobody has its pipe any more
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
