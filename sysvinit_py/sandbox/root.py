"""The root file system that PID 1 finds: the host's programs read-only, all else new and in memory.

A tmpfs becomes the root. The host's files are bound into it read-only, never the host's /etc, /home or /var;
then the host's tree is detached, so that nothing inside has a path to it.
"""

from __future__ import annotations

import errno
import os
import stat

from sysvinit_py.linux import namespaces

HOST = "/.host"
SYSTEM = "/.system"  # the tree that is used instead of the host's
SIZE = 256 << 20  # of all files inside together, where memory is not limited
INODES = 65536
COPIED_FILE, COPIED_NAMES = 4 << 20, 20000  # of another system's /etc and /var, at most

DIRECTORIES = (
    "usr", "etc", "etc/inittab.d", "sbin", "dev", "dev/pts", "dev/shm", "proc", "sys", "run", "tmp", "root",
    "home", "mnt", "var", "var/lib", "var/log", "var/tmp",
)  # fmt: skip
SYMLINKS = {
    "var/run": "../run",
    "dev/ptmx": "pts/ptmx",
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "/proc/self/fd/0",
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
}
LIBRARIES = ("bin", "lib", "lib32", "lib64", "libx32")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
#: What programs of /usr want to read in /etc, and holds no secrets.
ETC = ("alternatives", "ld.so.cache", "localtime", "login.defs", "nsswitch.conf", "pam.d", "security")
#: What no file system of ours needs to offer.
PLAIN = namespaces.MS_NOSUID | namespaces.MS_NODEV | namespaces.MS_NOEXEC
READ_ONLY = namespaces.MOUNT_ATTR_RDONLY | namespaces.MOUNT_ATTR_NOSUID | namespaces.MOUNT_ATTR_NODEV
#: Switches in /proc that reach beyond the namespaces.
PROC_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus", "fs", "scsi")
#: Files in it that tell of the host; they are empty to who is not trusted.
PROC_EMPTY = ("kcore", "keys", "key-users", "kallsyms", "kmsg", "timer_list", "sched_debug", "latency_stats")
#: Programs that the sandbox brings itself, so the host's are not linked into /sbin.
OWN_PROGRAMS = ("init", "telinit", "inittab", "shutdown", "halt", "poweroff", "reboot")


def open_trees(system: str, binds: list[tuple[str, str]]) -> dict[str, int]:
    """Return what is to be shown inside, by place, taken where the caller's rights and names still count."""
    return {
        target: namespaces.open_tree(source)
        for source, target in [*([(system, SYSTEM)] if system else []), *binds]
    }


def build(console: str, system: str, trees: dict[str, int], memory: int, confined: bool) -> None:
    """Build it and make it this mount namespace's root; ``console`` is a terminal, or empty for none."""
    namespaces.mount("none", "/", flags=namespaces.MS_REC | namespaces.MS_PRIVATE)
    # Any directory will do: once it is the root, the host's /tmp is to be seen again below HOST.
    options = f"mode=0755,size={memory // 2 or SIZE},nr_inodes={INODES}"
    namespaces.mount("sandbox", "/tmp", "tmpfs", namespaces.MS_NOSUID | namespaces.MS_NODEV, options)
    os.mkdir("/tmp" + HOST)
    namespaces.pivot_root("/tmp", "/tmp" + HOST)
    os.chdir("/")
    for directory in DIRECTORIES:
        os.mkdir(directory)
    for shared in ("tmp", "var/tmp", "dev/shm"):
        os.chmod(shared, 0o1777)
    _dev(console)
    _proc(confined)
    _sys()
    if system:
        # The links of another system lead nowhere else: the host's tree is gone before they are followed.
        _detach(HOST)
        os.mkdir(SYSTEM)
        namespaces.move_mount(trees.pop(SYSTEM), SYSTEM)
        _system(SYSTEM)
        _copy(SYSTEM)
        _detach(SYSTEM)
    else:
        _system(HOST)
        for name in ETC:
            if os.path.exists(f"{HOST}/etc/{name}"):
                _bind_read_only(HOST, f"etc/{name}")
        _detach(HOST)
    for link, target in SYMLINKS.items():
        if not os.path.lexists(link):
            os.symlink(target, link)
    for target, tree in trees.items():
        if os.path.isdir(f"/proc/self/fd/{tree}"):
            os.makedirs(target, exist_ok=True)
        elif not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _touch(target)
        namespaces.move_mount(tree, target)
        namespaces.mount_setattr(target, READ_ONLY)


def furnish(files: dict[str, tuple[int, bytes]], links: dict[str, str]) -> None:
    """Put files (mode, content) and symbolic links (targets) into it, and the directories on their way.

    What the kernel shows in a file of /proc, such as /proc/cmdline, is hidden behind ours.
    """
    for path, (mode, content) in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(path):
            os.unlink(path)  # to a program of the host's, which this one replaces
        of_proc = path.startswith("/proc/")
        place = "/" + path.replace("/", ".") if of_proc else path
        with open(place, "wb") as file:
            file.write(content)
        os.chmod(place, mode)
        if of_proc:
            namespaces.mount(place, path, flags=namespaces.MS_BIND)
    for path, target in links.items():
        os.symlink(target, path)


def _system(system: str) -> None:
    """Show the programs and libraries that are below ``system``."""
    _bind_read_only(system, "usr")
    for name in LIBRARIES:
        if os.path.islink(f"{system}/{name}"):
            os.symlink(os.readlink(f"{system}/{name}"), name)
        elif os.path.isdir(f"{system}/{name}"):
            _bind_read_only(system, name)
    # /sbin is a real directory, so that init can lie in it; what else the host has there is linked.
    if os.path.islink(f"{system}/sbin"):
        programs = "/" + os.readlink(f"{system}/sbin").lstrip("/")
    else:
        programs = "/.sbin"
        _bind_read_only(system, "sbin", programs)
    for program in os.listdir(programs):
        if program not in (OWN_PROGRAMS if system == HOST else OWN_PROGRAMS[:3]):
            os.symlink(f"{programs}/{program}", f"sbin/{program}")


def _copy(system: str) -> None:
    """Copy another system's /etc as far as anybody may read it, and the folders alone of its /var."""
    names = 0
    for top in ("etc", "var"):
        for folder, folders, files in os.walk(f"{system}/{top}"):
            place = folder.removeprefix(f"{system}/")
            os.makedirs(place, exist_ok=True)
            for name in [*folders, *files]:
                source, target = f"{folder}/{name}", f"{place}/{name}"
                if os.path.islink(source) and not os.path.lexists(target):
                    os.symlink(os.readlink(source), target)
                elif name in files and top == "etc":
                    _copy_file(source, target)
            names += len(folders) + len(files)
            if names > COPIED_NAMES:
                raise OSError(errno.E2BIG, os.strerror(errno.E2BIG), f"copy(/{top})")


def _copy_file(source: str, target: str) -> None:
    try:
        file = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return  # a secret, a socket, or a link that is there already
    with open(file, "rb") as opened:
        status = os.fstat(file)
        if stat.S_ISREG(status.st_mode) and status.st_size <= COPIED_FILE:
            with open(target, "wb") as copy:
                copy.write(opened.read(COPIED_FILE))
            os.chmod(target, status.st_mode & 0o777)


def _proc(confined: bool) -> None:
    namespaces.mount("proc", "/proc", "proc", PLAIN)
    if confined:
        # Whoever is root of a new user namespace could mount again.
        with open("/proc/sys/user/max_user_namespaces", "w") as most:
            most.write("0")
        for name in PROC_EMPTY:
            if os.path.exists(f"/proc/{name}"):
                namespaces.mount("/dev/null", f"/proc/{name}", flags=namespaces.MS_BIND)
    for name in PROC_READ_ONLY:
        path = f"/proc/{name}"
        if os.path.exists(path):
            namespaces.mount(path, path, flags=namespaces.MS_BIND)
            namespaces.mount_setattr(path, namespaces.MOUNT_ATTR_RDONLY)


def _sys() -> None:
    try:
        namespaces.mount("sysfs", "/sys", "sysfs", PLAIN | namespaces.MS_RDONLY)
    except PermissionError:
        pass  # containers forbid it; init does without


def _dev(console: str) -> None:
    for device in DEVICES:
        _touch(f"dev/{device}")
        namespaces.mount(f"{HOST}/dev/{device}", f"/dev/{device}", flags=namespaces.MS_BIND)
        namespaces.mount_setattr(
            f"/dev/{device}", READ_ONLY & ~namespaces.MOUNT_ATTR_NODEV
        )  # it is written all the same
    options = "newinstance,ptmxmode=0666,mode=0620"
    namespaces.mount("devpts", "/dev/pts", "devpts", PLAIN & ~namespaces.MS_NODEV, options)
    if console:
        _touch("dev/console")
        namespaces.mount(f"{HOST}{console}", "/dev/console", flags=namespaces.MS_BIND)


def _bind_read_only(system: str, name: str, target: str = "") -> None:
    """Show a file or folder of ``system``; a link there is none of ours."""
    target = target or f"/{name}"
    if os.path.isdir(f"{system}/{name}"):
        os.makedirs(target, exist_ok=True)
    else:
        _touch(target)
    namespaces.mount(f"{system}/{name}", target, flags=namespaces.MS_BIND | namespaces.MS_REC)
    namespaces.mount_setattr(target, READ_ONLY)


def _detach(tree: str) -> None:
    namespaces.umount2(tree, namespaces.MNT_DETACH)
    os.rmdir(tree)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
