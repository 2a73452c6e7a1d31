"""The sandbox's system calls, each under the name of its man page (section 2).

All raise OSError whose ``filename`` is the call as one would write it, such as ``unshare(CLONE_NEWPID)``.
"""

from __future__ import annotations

import _socket
import ctypes
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

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24

#: Capabilities whose power does not end at the namespaces; PID 1 and its children go without.
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

_SYS_MOUNT_SETATTR = 442  # the same on every architecture
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), call)


def unshare(flags: int) -> None:
    """Leave the namespaces of ``flags`` (CLONE_NEW*) for new ones."""
    names = [name for name, flag in globals().items() if name.startswith("CLONE_NEW") and flags & flag]
    _check(_libc.unshare(flags), f"unshare({'|'.join(names)})")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Attach a file system, or with MS_BIND another view of a tree, at ``target``."""
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


def umount2(target: str, flags: int) -> None:
    """Detach a file system."""
    _check(_libc.umount2(target.encode(), flags), f"umount2({target})")


def pivot_root(new_root: str, put_old: str) -> None:
    """Make ``new_root`` the root of the mount namespace, with the old one at ``put_old`` below it."""
    _check(_libc.pivot_root(new_root.encode(), put_old.encode()), f"pivot_root({new_root})")


def sethostname(name: str) -> None:
    """Name the UTS namespace."""
    _check(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), f"sethostname({name})")


def set_pdeathsig(signal: int) -> None:
    """Have the kernel send ``signal`` to this process when its parent dies: prctl(PR_SET_PDEATHSIG)."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal)), "prctl(PR_SET_PDEATHSIG)")


def capbset_drop(capability: int) -> None:
    """Keep a capability from this process's later programs: prctl(PR_CAPBSET_DROP)."""
    result = _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
    _check(result, f"prctl(PR_CAPBSET_DROP, {capability})")


def loopback_up() -> None:
    """Bring up the interface lo of a new network namespace: netdevice(7)."""
    socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        fcntl.ioctl(socket.fileno(), _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
    except OSError as error:
        raise OSError(error.errno, error.strerror, "ioctl(SIOCSIFFLAGS, lo)") from None
    finally:
        socket.close()
