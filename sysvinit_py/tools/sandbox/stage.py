"""From a new process to ``exec /sbin/init`` as PID 1 of its own namespaces, and its keeper afterwards.

Run by ``Sandbox`` as a program, in an interpreter of its own: unshare(2) and fork have no business in a
process that has threads. It talks with its caller in lines:

stdin   the ``Plan`` (marshalled), then one byte: go; its end, at any time, ends the sandbox
stdout  ``ready PID``: PID 1 is there and has its root, but has not become init yet; then ``booted``, and
        ``ended STATUS`` (as from wait(2)); or ``refused ERRNO CALL``, and nothing follows
"""

from __future__ import annotations

import errno
import marshal
import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from typing import NoReturn, TypedDict

    class Plan(TypedDict):
        """What the caller wishes."""

        arguments: list[str]  # of init
        environment: dict[str, str]  # of init
        console: str  # a terminal, or empty for none
        confined: bool  # whether root shall be nobody in particular outside
        files: dict[str, tuple[int, bytes]]  # mode and content, by path
        links: dict[str, str]  # targets of symbolic links, by path
else:
    import _signal

sys.path.append(__file__.removesuffix("/sysvinit_py/tools/sandbox/stage.py"))  # -I leaves us without

from sysvinit_py.tools.sandbox import kernel, root  # noqa: E402

INIT = "/sbin/init"
HOSTNAME = "sandbox"
NAMESPACES = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWCGROUP
)  # fmt: skip

#: Users of a confined sandbox are these outside, of whom nobody ever hears: systemd's range for containers.
USERS = 1878982656
USER_COUNT = 65536


def main() -> None:
    """Make the namespaces, start PID 1 in them, and keep it until it ends or the caller does."""
    plan: Plan = marshal.load(sys.stdin.buffer)
    try:
        leave_namespaces(plan)
    except OSError as error:
        say(f"refused {error.errno} {error.filename}")
        return
    status, child_status = os.pipe()
    pid = os.fork()
    if not pid:
        become_init(plan, child_status)
    os.close(child_status)
    # One byte once the root is built; then an error's text, or the end of file that a successful exec makes.
    if os.read(status, 1) == b"+":
        say(f"ready {pid}")
    refusal = b""
    while part := os.read(status, 4096):
        refusal += part
    if refusal:
        os.waitpid(pid, 0)
        say("refused " + os.fsdecode(refusal))
        return
    say("booted")
    say(f"ended {keep(pid)}")


def leave_namespaces(plan: Plan) -> None:
    """Unshare all: as the root that we are, or, without it and if confined, as root of a user namespace."""
    if not plan["confined"]:
        try:
            kernel.unshare(NAMESPACES)
            return
        except PermissionError:
            pass  # we are not root, or not enough of it
    # Who has left for a user namespace may map none but himself into it: root does it from here.
    here = os.getpid()
    left, leave = os.pipe()
    mapper = os.fork()
    if not mapper:
        os.close(leave)
        if os.read(left, 1):
            map_users(here, plan["console"])
        os._exit(0)
    kernel.unshare(NAMESPACES | kernel.CLONE_NEWUSER)
    os.write(leave, b"+")
    if os.waitpid(mapper, 0)[1]:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), f"write(/proc/{here}/uid_map)")
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def map_users(pid: int, console: str) -> None:
    """Make root of the process's user namespace one without rights outside; if not allowed to, this user."""
    user, group = os.geteuid(), os.getegid()
    try:
        write(f"/proc/{pid}/gid_map", f"0 {USERS} {USER_COUNT}")
        write(f"/proc/{pid}/uid_map", f"0 {USERS} {USER_COUNT}")
        if console:
            os.chown(console, USERS, USERS)
    except OSError:
        write(f"/proc/{pid}/setgroups", "deny")
        write(f"/proc/{pid}/gid_map", f"0 {group} 1")
        write(f"/proc/{pid}/uid_map", f"0 {user} 1")


def write(path: str, content: str) -> None:
    """Write it in one go."""
    with open(path, "w") as file:
        file.write(content)


def become_init(plan: Plan, status: int) -> NoReturn:
    """Build the root, wait for the caller's go, and exec init in the state in which the kernel starts it."""
    try:
        kernel.set_pdeathsig(_signal.SIGKILL)
        root.build(plan["console"])
        root.furnish(plan["files"], plan["links"])
        kernel.sethostname(HOSTNAME)
        kernel.loopback_up()
        os.write(status, b"+")  # SIGPIPE's error here: the keeper is gone
        if os.read(0, 1):
            for capability in kernel.BEYOND_NAMESPACES.values():
                kernel.capbset_drop(capability)
            forget_the_caller(bool(plan["console"]))
            os.execve(INIT, [INIT, *plan["arguments"]], plan["environment"])
    except OSError as error:
        call = f"execve({INIT})" if error.filename == INIT else error.filename
        os.write(status, f"{error.errno} {call}".encode())
    os._exit(1)


def forget_the_caller(console: bool) -> None:
    """Set signals to their defaults, umask to 022, fds 0 to 2 to the console (closed if there is none)."""
    for signal in range(1, _signal.NSIG):
        if signal not in (_signal.SIGKILL, _signal.SIGSTOP):
            try:
                _signal.signal(signal, _signal.SIG_DFL)
            except OSError:
                pass  # 32 and 33 are the C library's own
    os.umask(0o022)
    if console:
        terminal = os.open("/dev/console", os.O_RDWR | os.O_NOCTTY)
        for standard in range(3):
            os.dup2(terminal, standard)
    else:
        os.closerange(0, 3)


def keep(pid: int) -> int:
    """Wait for PID 1's end, or bring it about when the caller is gone; the kernel then ends all others."""
    watched = select.poll()
    watched.register(os.pidfd_open(pid), select.POLLIN)
    watched.register(0, select.POLLIN)
    if any(fd == 0 for fd, _ in watched.poll()):
        os.kill(pid, _signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def say(line: str) -> None:
    """Tell the caller, if it is still there."""
    try:
        os.write(1, line.encode() + b"\n")
    except BrokenPipeError:
        pass


if __name__ == "__main__":
    main()
