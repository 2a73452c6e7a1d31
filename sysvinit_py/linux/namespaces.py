"""The sandbox's system calls, each under the name of its man page (section 2).

All raise OSError with the call as its ``filename``, such as ``unshare(CLONE_NEWPID)``.
"""

from __future__ import annotations

import _socket
import ctypes
import errno
import fcntl
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2

AT_FDCWD = -100
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4

MOVE_MOUNT_F_EMPTY_PATH = 0x4
OPEN_TREE_CLONE = 0x1
KEYCTL_JOIN_SESSION_KEYRING = 1

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38

#: Capabilities that reach beyond the namespaces; PID 1 and its children do not get them.
BEYOND_NAMESPACES = {
    "dac_read_search": 2,
    "sys_module": 16,
    "sys_rawio": 17,
    "sys_pacct": 20,
    "sys_time": 25,
    "mknod": 27,
    "audit_write": 29,
    "audit_control": 30,
    "mac_override": 32,
    "mac_admin": 33,
    "syslog": 34,
    "wake_alarm": 35,
    "block_suspend": 36,
    "audit_read": 37,
}

#: The capabilities of a confined init and its children: no CAP_SYS_ADMIN, so that no mount can be undone.
CONFINED = {
    "chown": 0,
    "dac_override": 1,
    "fowner": 3,
    "fsetid": 4,
    "kill": 5,
    "setgid": 6,
    "setuid": 7,
    "setpcap": 8,
    "net_bind_service": 10,
    "sys_chroot": 18,
    "sys_ptrace": 19,  # start-stop-daemon and pidof read links of /proc
    "sys_boot": 22,
    "sys_tty_config": 26,
}
LAST_CAPABILITY = 63

# The same on every architecture.
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_MOUNT_SETATTR = 442
_SYS_IO_URING_SETUP = 425

#: By machine: AUDIT_ARCH_*, then keyctl, add_key, request_key, perf_event_open, bpf, userfaultfd.
_GENERIC = (219, 217, 218, 241, 280, 282)
MACHINES = {
    "x86_64": (0xC000003E, (250, 248, 249, 298, 321, 323)),
    "aarch64": (0xC00000B7, _GENERIC),
    "riscv64": (0xC00000F3, _GENERIC),
}
_X32 = 0x40000000
_SECCOMP_SET_MODE_FILTER, _PR_SET_SECCOMP = 2, 22
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), call)


def unshare(flags: int) -> None:
    """Move this process to new namespaces; ``flags`` are CLONE_NEW*."""
    names = [name for name, flag in globals().items() if name.startswith("CLONE_NEW") and flags & flag]
    _check(_libc.unshare(flags), f"unshare({'|'.join(names)})")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system, or with MS_BIND a file or folder, at ``target``."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None
    )
    _check(result, f"mount({source}, {target}, {kind or 'bind'})")


def mount_setattr(target: str, attributes: int) -> None:
    """Set attributes (MOUNT_ATTR_*) on a mount and all below it. Linux 5.12."""
    attr = struct.pack("QQQQ", attributes, 0, 0, 0)
    arguments = (ctypes.c_long(AT_FDCWD), target.encode(), ctypes.c_long(AT_RECURSIVE), attr)
    result = _libc.syscall(ctypes.c_long(_SYS_MOUNT_SETATTR), *arguments, ctypes.c_size_t(len(attr)))
    _check(result, f"mount_setattr({target})")


def open_tree(path: str) -> int:
    """Return a descriptor of a detached copy of the mounts at ``path`` and below. Linux 5.2."""
    flags = OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC
    result = _libc.syscall(ctypes.c_long(_SYS_OPEN_TREE), ctypes.c_long(AT_FDCWD), os.fsencode(path), flags)
    _check(result, f"open_tree({path})")
    return int(result)


def move_mount(tree: int, target: str) -> None:
    """Attach a tree of ``open_tree`` at ``target``. Linux 5.2."""
    where = (ctypes.c_long(AT_FDCWD), os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH)
    _check(_libc.syscall(ctypes.c_long(_SYS_MOVE_MOUNT), tree, b"", *where), f"move_mount({target})")


def umount2(target: str, flags: int) -> None:
    """Unmount a file system."""
    _check(_libc.umount2(target.encode(), flags), f"umount2({target})")


def pivot_root(new_root: str, put_old: str) -> None:
    """Make ``new_root`` the root of the mount namespace, with the old one at ``put_old`` below it."""
    _check(_libc.pivot_root(new_root.encode(), put_old.encode()), f"pivot_root({new_root})")


def sethostname(name: str) -> None:
    """Set the host name of the UTS namespace."""
    _check(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), f"sethostname({name})")


def set_pdeathsig(signal: int) -> None:
    """Have the kernel send ``signal`` to this process when its parent dies: prctl(PR_SET_PDEATHSIG)."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal)), "prctl(PR_SET_PDEATHSIG)")


def capbset_drop(capability: int) -> None:
    """Drop a capability, if it exists, from the bounding set: prctl(PR_CAPBSET_DROP)."""
    result = _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
    if ctypes.get_errno() != errno.EINVAL:
        _check(result, f"prctl(PR_CAPBSET_DROP, {capability})")


def set_dumpable(dumpable: int) -> None:
    """Set whether this process may be traced, until it executes a program: prctl(PR_SET_DUMPABLE)."""
    _check(_libc.prctl(PR_SET_DUMPABLE, ctypes.c_ulong(dumpable), 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def setuid_with_capabilities(user: int) -> None:
    """Become a user, and keep all capabilities: prctl(PR_SET_KEEPCAPS), capset(2)."""
    _check(_libc.prctl(PR_SET_KEEPCAPS, ctypes.c_ulong(1), 0, 0, 0), "prctl(PR_SET_KEEPCAPS)")
    header, sets = struct.pack("II", 0x20080522, 0), ctypes.create_string_buffer(24)
    _check(_libc.capget(header, sets), "capget()")
    _, *permitted = struct.unpack("IIIIII", sets.raw)
    low, high = permitted[0], permitted[3]
    os.setresuid(user, user, user)
    _check(_libc.capset(header, struct.pack("IIIIII", low, low, 0, high, high, 0)), "capset()")


def set_no_new_privs() -> None:
    """Have execve(2) grant no privileges from now on: prctl(PR_SET_NO_NEW_PRIVS)."""
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")


def join_session_keyring(machine: str) -> None:
    """Replace the caller's session keyring by a new one: keyctl(KEYCTL_JOIN_SESSION_KEYRING)."""
    number = MACHINES[machine][1][0]
    arguments = (ctypes.c_long(KEYCTL_JOIN_SESSION_KEYRING), None)
    _check(_libc.syscall(ctypes.c_long(number), *arguments), "keyctl(KEYCTL_JOIN_SESSION_KEYRING)")


def refuse_calls(machine: str) -> None:
    """Install a seccomp(2) filter against keyrings, calls that are only a risk here, and foreign ABIs.

    It holds for this process and all of its descendants.
    """
    architecture, calls = MACHINES[machine]
    refused = [*calls, _SYS_IO_URING_SETUP]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ ...
    left = len(refused)
    program = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 0, left + 3, architecture),
        (load, 0, 0, 0),  # seccomp_data.nr
        (at_least, left + 1, 0, _X32),
        *((equal, left - index, 0, call) for index, call in enumerate(refused)),
        (answer, 0, 0, _ALLOW),
        (answer, 0, 0, _REFUSE | errno.EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    filter = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    result = _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER), filter, 0, 0)
    _check(result, "prctl(PR_SET_SECCOMP)")


def loopback_up() -> None:
    """Bring up the interface lo of a new network namespace: netdevice(7)."""
    socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        fcntl.ioctl(socket.fileno(), _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
    except OSError as error:
        raise OSError(error.errno, error.strerror, "ioctl(SIOCSIFFLAGS, lo)") from None
    finally:
        socket.close()
