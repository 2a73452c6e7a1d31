"""From a new process to ``exec /sbin/init`` as PID 1 of its own namespaces, and its keeper afterwards.

Run by ``Sandbox`` as a program, in an interpreter of its own: unshare(2) and fork have no business in a
process that has threads. It talks with its caller in lines:

stdin   the ``Plan`` (marshalled), then one byte: go; its end, at any time, ends the sandbox
stdout  ``ready PID``: PID 1 is there and has its root, but has not become init yet; then ``booted``, and
        ``ended STATUS`` (as from wait(2)); or ``refused ERRNO CALL``, and nothing follows
"""

from __future__ import annotations

import marshal
import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from typing import NoReturn, TypedDict

    class Plan(TypedDict):
        """What the caller wishes: init's arguments and environment, and the console's terminal or ""."""

        arguments: list[str]
        environment: dict[str, str]
        console: str
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

#: Capabilities whose power does not end at the namespaces; PID 1 and its children go without.
BEYOND_NAMESPACES = {
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_SYS_MODULE": 16,
    "CAP_SYS_RAWIO": 17,
    "CAP_SYS_PACCT": 20,
    "CAP_SYS_TIME": 25,
    "CAP_MKNOD": 27,
    "CAP_AUDIT_WRITE": 29,
    "CAP_AUDIT_CONTROL": 30,
    "CAP_MAC_OVERRIDE": 32,
    "CAP_MAC_ADMIN": 33,
    "CAP_SYSLOG": 34,
    "CAP_WAKE_ALARM": 35,
    "CAP_BLOCK_SUSPEND": 36,
    "CAP_AUDIT_READ": 37,
}


def main() -> None:
    """Make the namespaces, start PID 1 in them, and keep it until it ends or the caller does."""
    plan: Plan = marshal.load(sys.stdin.buffer)
    try:
        leave_namespaces()
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


def leave_namespaces() -> None:
    """Unshare all: as root if allowed, else as root of a user namespace, whose root this user then is."""
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(NAMESPACES)
    except PermissionError:
        kernel.unshare(NAMESPACES | kernel.CLONE_NEWUSER)
        for name, content in ("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1"):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(content)


def become_init(plan: Plan, status: int) -> NoReturn:
    """Build the root, wait for the caller's go, and exec init in the state in which the kernel starts it."""
    try:
        kernel.set_pdeathsig(_signal.SIGKILL)
        root.build(plan["console"])
        kernel.sethostname(HOSTNAME)
        kernel.loopback_up()
        os.write(status, b"+")  # SIGPIPE's error here: the keeper is gone
        if os.read(0, 1):
            for capability in BEYOND_NAMESPACES.values():
                kernel.capbset_drop(capability)
            forget_the_caller(bool(plan["console"]))
            os.execve(INIT, [INIT, *plan["arguments"]], plan["environment"])
    except OSError as error:
        os.write(status, f"{error.errno} {error.filename or 'write'}".encode())
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
