"""From a new process to ``exec /sbin/init`` as PID 1 of its own namespaces, and its keepers afterwards.

Run by ``Sandbox`` as a program, in an interpreter of its own: unshare(2) and fork have no business in a
process that has threads. Four processes, each the parent of the next:

keeper  in the namespaces and with the rights of the caller; looks at nothing that is inside, and ends it
outer   has left them; PID 1 of a PID namespace is its child
stub    that PID 1: when it dies, for whatever reason, the kernel kills all below it; it answers the caller
init    PID 1 of a PID namespace within, where none of the others can be seen

stdin is the ``Plan`` (marshalled). The first argument is the descriptor of a socket to the caller; its end,
at any time, ends the sandbox. A letter begins each packet. The caller sends

g        go: become init
p        which processes run inside?
c CMD    run a command by sh; with it come descriptors for its output and its errors

and receives

ready    PID 1 has its root, but has not become init yet; with it come a pidfd of it and its root
booted   it has become init
p LIST   some of the processes (marshalled: title and the beginning of /proc/PID/stat); P after the last
c, e     how (as from wait(2)) the command, PID 1 has ended
refused  ERRNO CALL, and nothing follows
"""

from __future__ import annotations

import errno
import marshal
import os
import resource
import select
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    import socket as _socket
    from collections.abc import Callable
    from typing import NoReturn, TypedDict

    class Plan(TypedDict):
        """What the caller wishes."""

        arguments: list[str]  # of init
        environment: dict[str, str]  # of init
        command_environment: dict[str, str]
        console: str  # a terminal, or empty for none
        engine: bool  # whether init finds what an engine for containers gives it
        streams: tuple[int, ...]  # for its output and errors; empty: the console
        confined: bool  # whether what runs inside is not trusted
        files: dict[str, tuple[int, bytes]]  # mode and content, by path
        links: dict[str, str]  # targets of symbolic links, by path
        system: str  # the root file system with the programs; empty: the machine's
        binds: list[tuple[str, str]]  # what else is shown, and where
        memory: int  # bytes; 0: no limit
        pids: int  # 0: no limit
        group: str  # the control group that limits the memory; empty for none
else:
    import _signal
    import _socket

sys.path.append(__file__.removesuffix("/sysvinit_py/sandbox/stage.py"))  # -I leaves us without

from sysvinit_py.linux import namespaces  # noqa: E402
from sysvinit_py.sandbox import cgroup, root  # noqa: E402

INIT = "/sbin/init"
HOSTNAME = "sandbox"
NAMESPACES = (
    namespaces.CLONE_NEWNS | namespaces.CLONE_NEWPID | namespaces.CLONE_NEWUTS | namespaces.CLONE_NEWIPC
    | namespaces.CLONE_NEWNET | namespaces.CLONE_NEWCGROUP
)  # fmt: skip

#: Users of a confined sandbox are these outside, of whom nobody ever hears: systemd's range for containers.
USERS = 1878982656
USER_COUNT = 65536
MAX_LOOK = 512  # bytes of a file of /proc
MACHINE = os.uname().machine


def main() -> None:
    """Start the others, and kill them when the caller is gone."""
    os.umask(0o022)  # init obeys no FIFO in a folder that others may write
    control = _socket.socket(fileno=int(sys.argv[1]))
    plan: Plan = marshal.load(sys.stdin.buffer)
    for passed in control.fileno(), *plan["streams"]:
        os.set_inheritable(passed, False)
    if plan["confined"] and MACHINE not in namespaces.MACHINES:
        refuse(control, OSError(errno.ENOSYS, "", f"seccomp({MACHINE})"))
        return
    base = USERS - USER_COUNT * (os.getpid() % 1024)
    ours, theirs = _socket.socketpair()
    keeper = os.getpid()
    pid = os.fork()
    if not pid:
        guarded(control, lambda: outer(plan, control, theirs, keeper, base))
    theirs.close()
    try:
        if plan["group"]:
            cgroup.enter(plan["group"], pid)
        ours.send(b"+")
        if ours.recv(1):
            map_users(pid, plan, base)
            ours.send(b"+")
    except OSError as error:
        refuse(control, error)
        os.kill(pid, _signal.SIGKILL)
    ours.close()
    wait_for(pid, control)
    os.kill(pid, _signal.SIGKILL)
    os.waitpid(pid, 0)
    if plan["group"]:
        cgroup.remove(plan["group"])


def guarded(control: _socket.socket, function: Callable[[], object]) -> NoReturn:
    """Do it and exit; an error is why there is no sandbox."""
    try:
        function()
    except OSError as error:
        refuse(control, error)
    except BaseException as error:
        refuse(control, OSError(errno.EINVAL, "", f"{type(error).__name__}({error})"))
    os._exit(1)


def outer(plan: Plan, control: _socket.socket, mapper: _socket.socket, keeper: int, base: int) -> None:
    """Leave the namespaces, start the stub and wait for it."""
    os.chdir("/")  # whose root is changed with it
    mapper.recv(1)  # we are in the control group
    confined, rooted = plan["confined"], os.geteuid() == 0
    trees = root.open_trees(plan["system"], plan["binds"]) if rooted else {}
    if confined and rooted:
        # What runs inside is counted as one user's, outside; that one is nobody else.
        try:
            os.setgroups([])
            os.setresgid(base, base, base)
            namespaces.setuid_with_capabilities(base)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"setresuid({base})") from None
        limit(plan)
    namespaces.unshare(NAMESPACES if rooted and not confined else NAMESPACES | namespaces.CLONE_NEWUSER)
    mapper.send(b"u")
    if not mapper.recv(1):
        os._exit(1)  # the keeper has said why
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if not rooted:
        trees = root.open_trees(plan["system"], plan["binds"])
        limit(plan)
    if confined:
        namespaces.set_dumpable(0)  # nothing of ours can be traced from inside
    namespaces.set_pdeathsig(_signal.SIGKILL)
    pid = os.fork() if os.getppid() == keeper else -1
    if not pid:
        guarded(control, lambda: Stub(plan, control, trees).run())
    if pid > 0:
        os.waitpid(pid, 0)
    os._exit(0)


def limit(plan: Plan) -> None:
    """Limit what it takes; where no control group does so, memory is limited a process at a time."""
    limits = [(resource.RLIMIT_CORE, 0)] if plan["confined"] else []
    if plan["pids"]:
        limits.append((resource.RLIMIT_NPROC, plan["pids"]))
    if plan["memory"]:
        limits.append((resource.RLIMIT_FSIZE, plan["memory"]))
        if not plan["group"]:
            limits.append((resource.RLIMIT_AS, plan["memory"]))
    for what, most in limits:
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def map_users(pid: int, plan: Plan, base: int) -> None:
    """Make root of the process's user namespace one without rights outside: nobody, or else this user."""
    if os.geteuid():
        write(f"/proc/{pid}/setgroups", "deny")
        write(f"/proc/{pid}/gid_map", f"0 {os.getegid()} 1")
        write(f"/proc/{pid}/uid_map", f"0 {os.geteuid()} 1")
    elif plan["confined"]:
        write(f"/proc/{pid}/gid_map", f"0 {base} {USER_COUNT}")
        write(f"/proc/{pid}/uid_map", f"0 {base} {USER_COUNT}")
        if plan["console"]:
            os.chown(plan["console"], base, base)


def write(path: str, content: str) -> None:
    """Write it in one go; the error is named like a call's."""
    try:
        with open(path, "w") as file:
            file.write(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"write({path})") from None


class Stub:
    """PID 1 of the namespace around the inside's."""

    def __init__(self, plan: Plan, control: _socket.socket, trees: dict[str, int]) -> None:
        self._plan = plan
        self._control = control
        self._trees = trees
        self._ends: dict[int, tuple[bytes, int]] = {}  # what to say of whose end, by pidfd

    def run(self) -> None:
        """Start init and answer the caller until it ends, or the caller does."""
        namespaces.set_pdeathsig(_signal.SIGKILL)
        if self._plan["confined"]:
            try:
                namespaces.join_session_keyring(MACHINE)
            except OSError:
                pass  # a kernel or a container without keyrings
        namespaces.unshare(namespaces.CLONE_NEWPID)
        status, child_status = os.pipe()
        go, child_go = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(child_go)
            self._become_init(child_status, go)
        os.close(child_status)
        os.close(go)
        # One byte once the root is built; then an error's text, or the end of file that exec makes.
        refusal = os.read(status, 1)
        if refusal == b"+":
            # What is mounted there now, whatever becomes of the name.
            self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
            pidfd = os.pidfd_open(pid)
            inside = [] if self._plan["confined"] else [os.open("/", os.O_PATH | os.O_DIRECTORY)]
            send(self._control, b"ready", pidfd, *inside)
            os.write(child_go, receive(self._control)[0])
            refusal = b""
        while part := os.read(status, 4096):
            refusal += part
        if refusal:
            send(self._control, b"refused " + refusal)
            return
        send(self._control, b"booted")
        self._ends[pidfd] = b"e", pid
        self._answer()

    def _answer(self) -> None:
        requests = {b"p": self._list, b"c": self._start}
        control = self._control.fileno()
        while True:
            poll = select.poll()
            for fd in (control, *self._ends):
                poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll():
                if fd == control:
                    request, fds = receive(self._control)
                    requests[request[:1]](request[1:], fds)
                    continue
                letter, pid = self._ends.pop(fd)
                send(self._control, letter + str(os.waitpid(pid, 0)[1]).encode())
                os.close(fd)
                if letter == b"e":
                    return

    def _list(self, _: bytes, __: list[int]) -> None:
        """Tell of the processes what the kernel knows; nothing inside has a say in where this looks."""
        some: list[tuple[bytes, bytes]] = []
        for folder in filter(str.isdecimal, os.listdir(self._proc)):
            try:
                some.append((self._read(f"{folder}/cmdline"), self._read(f"{folder}/stat")))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            if len(some) == 100:
                send(self._control, b"p" + marshal.dumps(some))
                some = []
        send(self._control, b"P" + marshal.dumps(some))

    def _read(self, name: str) -> bytes:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._proc)
        try:
            return os.read(file, MAX_LOOK)
        finally:
            os.close(file)

    def _start(self, command: bytes, streams: list[int]) -> None:
        """Start a command beside init, with no more than that has, and what it says to the streams."""
        pid = os.fork()
        if not pid:
            try:
                os.setsid()
                os.chdir("/")
                for fd, stream in enumerate([os.open("/dev/null", os.O_RDONLY), *streams]):
                    os.dup2(stream, fd)
                self._confine()
                forget_the_caller()
                os.execve("/bin/sh", [b"sh", b"-c", command], self._plan["command_environment"])
            except OSError as error:
                os.write(2, f"{error.filename}: {error.strerror}\n".encode())
            os._exit(126)
        for stream in streams:
            os.close(stream)
        self._ends[os.pidfd_open(pid)] = b"c", pid

    def _become_init(self, status: int, go: int) -> NoReturn:
        """Build the root, wait for the caller's go, and exec init as the kernel does."""
        plan = self._plan
        try:
            namespaces.set_pdeathsig(_signal.SIGKILL)
            root.build(plan["console"], plan["system"], self._trees, plan["memory"], plan["confined"])
            root.furnish(plan["files"], plan["links"])
            namespaces.sethostname(HOSTNAME)
            namespaces.loopback_up()
            os.write(status, b"+")  # SIGPIPE's error here: the stub is gone
            if os.read(go, 1):
                self._confine()
                forget_the_caller()
                take_streams(plan)
                os.execve(INIT, [INIT, *plan["arguments"]], plan["environment"])
        except OSError as error:
            call = f"execve({INIT})" if error.filename == INIT else error.filename
            os.write(status, f"{error.errno} {call}".encode())
        os._exit(1)

    def _confine(self) -> None:
        """Give up, for good, what an init does not need, or what reaches beyond the namespaces."""
        confined = self._plan["confined"]
        kept = namespaces.CONFINED.values()
        for capability in range(namespaces.LAST_CAPABILITY + 1):
            if capability not in kept if confined else capability in namespaces.BEYOND_NAMESPACES.values():
                namespaces.capbset_drop(capability)
        if confined:
            namespaces.set_no_new_privs()
            namespaces.refuse_calls(MACHINE)


def forget_the_caller() -> None:
    """Set signals to their defaults."""
    for signal in range(1, _signal.NSIG):
        if signal not in (_signal.SIGKILL, _signal.SIGSTOP):
            try:
                _signal.signal(signal, _signal.SIG_DFL)
            except OSError:
                pass  # 32 and 33 are the C library's own


def take_streams(plan: Plan) -> None:
    """Set fds 0 to 2 to the console or the streams; with neither, close them."""
    if plan["streams"]:
        streams = [os.open("/dev/null", os.O_RDONLY), *plan["streams"]]
    elif plan["console"]:
        if plan["engine"]:
            os.setsid()  # whose terminal it becomes
        streams = [os.open("/dev/console", os.O_RDWR | (0 if plan["engine"] else os.O_NOCTTY))] * 3
    else:
        os.closerange(0, 3)
        return
    for fd, stream in enumerate(streams):
        os.dup2(stream, fd)


def wait_for(pid: int, control: _socket.socket) -> None:
    """Wait until the process has ended, or the caller is gone."""
    watched = select.poll()
    watched.register(os.pidfd_open(pid), select.POLLIN)
    watched.register(control.fileno(), 0)  # POLLHUP
    watched.poll()


def refuse(control: _socket.socket, error: OSError) -> None:
    """Tell the caller why there is no sandbox."""
    send(control, f"refused {error.errno} {error.filename}".encode(errors="surrogateescape"))


def send(control: _socket.socket, packet: bytes, *fds: int) -> None:
    """Tell the caller, if it is still there."""
    rights = struct.pack(f"{len(fds)}i", *fds)
    ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)] if fds else []
    try:
        control.sendmsg([packet], ancillary)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)


def receive(control: _socket.socket) -> tuple[bytes, list[int]]:
    """Return the caller's next packet and the descriptors that came with it; exit if the caller is gone."""
    packet, ancillary, *_ = control.recvmsg(1 << 16, _socket.CMSG_SPACE(8), _socket.MSG_CMSG_CLOEXEC)
    if not packet:
        os._exit(1)
    return packet, [fd for _, _, rights in ancillary for (fd,) in struct.iter_unpack("i", rights)]


if __name__ == "__main__":
    main()
