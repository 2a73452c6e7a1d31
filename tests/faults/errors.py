"""Which errors each system call of PID 1 may report: the ERRORS sections of the man pages.

Left out is what says that the caller is wrong, such as EFAULT and EBADF, and EINTR, after which Python calls
again (PEP 475).
"""

from __future__ import annotations

from errno import (
    E2BIG,
    EACCES,
    EAGAIN,
    EBUSY,
    ECONNREFUSED,
    ECONNRESET,
    EDQUOT,
    EEXIST,
    EFBIG,
    EINVAL,
    EIO,
    EISDIR,
    ELOOP,
    EMFILE,
    ENETDOWN,
    ENFILE,
    ENOBUFS,
    ENODEV,
    ENOENT,
    ENOEXEC,
    ENOLCK,
    ENOMEM,
    ENOSPC,
    ENOSYS,
    ENOTCONN,
    ENOTDIR,
    ENOTTY,
    ENXIO,
    EOVERFLOW,
    EPERM,
    EPIPE,
    EROFS,
    ESRCH,
    ETXTBSY,
)  # fmt: skip

ERRORS: dict[str, tuple[int, ...]] = {
    # Files.
    "open": (
        EACCES, EBUSY, EDQUOT, EIO, EISDIR, ELOOP, EMFILE, ENFILE, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTDIR,
        ENXIO, EOVERFLOW, EPERM, EROFS, ETXTBSY, EAGAIN,
    ),
    "close": (),  # calls.close keeps them to itself, see test_close_never_fails
    "read": (EAGAIN, EINVAL, EIO, EISDIR),
    "write": (EAGAIN, EDQUOT, EFBIG, EINVAL, EIO, ENOSPC, EPERM, EPIPE),
    "pread": (EINVAL, EIO, EISDIR, ENXIO, EOVERFLOW),
    "chmod": (EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS),
    "fchmod": (EIO, EPERM, EROFS),
    "getcwd": (),  # fails for a folder that was removed only
    "ftruncate": (EFBIG, EINVAL, EIO, EPERM, ETXTBSY),
    "pwrite": (EDQUOT, EFBIG, EINVAL, EIO, ENOSPC, EPERM),
    "readlink": (EACCES, EINVAL, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR),
    "listdir": (EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR),
    "fstat": (EIO, ENOMEM, EOVERFLOW),
    "stat": (EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW),
    "access": (EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR, EROFS),
    "mkfifo": (EACCES, EDQUOT, EEXIST, ENOENT, ENOSPC, ENOTDIR, EROFS),
    "mkdir": (EACCES, EDQUOT, EEXIST, ELOOP, ENOENT, ENOMEM, ENOSPC, ENOTDIR, EPERM, EROFS),
    "rename": (EACCES, EBUSY, EDQUOT, EINVAL, EISDIR, ELOOP, ENOENT, ENOMEM, ENOSPC, ENOTDIR, EPERM, EROFS),
    "unlink": (EACCES, EBUSY, EIO, EISDIR, ELOOP, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS),
    "lseek": (EINVAL, EOVERFLOW, ENXIO),
    "memfd_create": (EMFILE, ENFILE, ENOMEM, ENOSYS),
    "pipe2": (EMFILE, ENFILE),
    "dup2": (EBUSY, EMFILE),
    "closerange": (),  # says nothing (close_range(2) would)
    "chdir": (EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR),
    "umask": (),  # always succeeds
    "strerror": (),  # a text, and no system call
    "uname": (),  # fails with EFAULT only
    "fcntl": (EACCES, EAGAIN, EBUSY, EINVAL, EPERM),
    "lockf": (EACCES, EAGAIN, EINVAL, ENOLCK),
    # Processes.
    "fork": (EAGAIN, ENOMEM, ENOSYS),
    "posix_spawn": (
        EAGAIN, ENOMEM, EMFILE, ENFILE, E2BIG, EACCES, EIO, EISDIR, ELOOP, ENOENT, ENOEXEC, ENOTDIR, EPERM,
        ETXTBSY,
    ),
    "getpid": (),  # always succeeds
    "geteuid": (),  # always succeeds
    "waitpid": (),  # ECHILD is an answer: there are no children
    "waitid": (),  # ECHILD is the answer that is asked for
    "kill": (EPERM, ESRCH),
    "killpg": (EPERM, ESRCH),
    "getpgid": (EPERM, ESRCH),
    "setsid": (EPERM,),
    "become_subreaper": (EINVAL,),
    "_exit": (),  # does not return
    "execve": (
        E2BIG, EACCES, EAGAIN, EIO, EISDIR, ELOOP, EMFILE, ENFILE, ENOENT, ENOEXEC, ENOMEM, ENOTDIR, ETXTBSY,
    ),
    "sync": (),  # always succeeds
    "reboot": (EINVAL, EPERM),
    # Signals.
    "signal": (),  # fails with EINVAL only
    "pthread_sigmask": (),
    "set_wakeup_fd": (),  # the pipe is one, and does not block
    "signalfd": (EMFILE, ENFILE, ENODEV, ENOMEM),
    # Sockets.
    "socket": (EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES),
    "socket.connect": (EACCES, EAGAIN, ECONNREFUSED, ENOENT, ENOTDIR),
    "socket.send": (EAGAIN, ECONNREFUSED, ECONNRESET, ENETDOWN, ENOBUFS, ENOMEM, ENOTCONN, EPIPE),
    # Terminals.
    "ioctl": (EINVAL, EIO, ENOTTY, EPERM),
    "isatty": (),  # says no
    "take_terminal": (EINVAL, EIO, ENOTTY, EPERM),
    "tcsetpgrp": (EINVAL, ENOTTY, EPERM),
    "tcgetattr": (EIO, ENOTTY),
    "tcsetattr": (EIO, ENOTTY, EINVAL),
    # Waiting and time.
    "poll": (EINVAL, ENOMEM),
    "clock_gettime": (),  # a clock that is there has always the time
    "clock_gettime_ns": (),
    "sleep": (),
    "inotify_init1": (EMFILE, ENFILE, ENOMEM),
    "inotify_add_watch": (EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC),
}  # fmt: skip

#: Calls that init makes in a child of its own only; tests/system sees to those.
IN_CHILDREN = ("closerange", "_exit", "take_terminal")
#: Calls that only the init of a container makes.
IN_CONTAINERS = ("become_subreaper", "getpgid", "tcsetpgrp")
#: Calls that only runit's init makes: test_runit.py.
IN_RUNIT = ("chmod",)
#: Calls that no PID 1 makes, but what supervises services does: test_supervision.py.
IN_PROGRAMS: dict[str, tuple[int, ...]] = {
    "epoll": (EMFILE, ENFILE, ENOMEM),
    "fchdir": (EACCES, EIO),
    "fchown": (EIO, EPERM, EROFS),
    "flock": (ENOLCK,),
    "fsync": (),  # of the client that edits
    "pidfd_open": (EMFILE, ENFILE, ENODEV, ENOMEM),
    "pidfd_send_signal": (EPERM,),
    "sigtimedwait": (),  # of clients
    "reboot_with": (),  # of halt
    "sched_getscheduler": (ENOSYS, EPERM),
    "sched_param": (),  # no call
    "sched_setscheduler": (ENOSYS, EPERM, ESRCH),
    "socketpair": (EMFILE, ENFILE, ENOMEM),
    "timerfd_create": (),  # of initeventd
    "timerfd_settime": (),
}
