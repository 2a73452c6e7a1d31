"""The root file system that PID 1 finds: the host's programs read-only, all else new and in memory.

A tmpfs becomes the root. The host's files are bound into it read-only, never the host's /etc, /home or /var;
then the host's tree is detached, so that nothing inside has a path to it.
"""

from __future__ import annotations

import os

from sysvinit_py.tools.sandbox import kernel

HOST = "/.host"
SIZE = "256m"  # of all files inside together

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
PLAIN = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
READ_ONLY = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
#: Switches in /proc that reach beyond the namespaces.
PROC_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus", "fs", "scsi")
#: Programs that the sandbox brings itself, so the host's are not linked into /sbin.
OWN_PROGRAMS = ("init", "telinit", "shutdown", "halt", "poweroff", "reboot")


def build(console: str) -> None:
    """Build it and make it this mount namespace's root; ``console`` is a terminal, or empty for none."""
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    # Any directory will do: once it is the root, the host's /tmp is to be seen again below HOST.
    kernel.mount("sandbox", "/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"mode=0755,size={SIZE}")
    os.mkdir("/tmp" + HOST)
    kernel.pivot_root("/tmp", "/tmp" + HOST)
    os.chdir("/")
    for directory in DIRECTORIES:
        os.mkdir(directory)
    for shared in ("tmp", "var/tmp", "dev/shm"):
        os.chmod(shared, 0o1777)
    for link, target in SYMLINKS.items():
        os.symlink(target, link)
    _system()
    _proc()
    _sys()
    _dev(console)
    kernel.umount2(HOST, kernel.MNT_DETACH)
    os.rmdir(HOST)


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
            kernel.mount(place, path, flags=kernel.MS_BIND)
    for path, target in links.items():
        os.symlink(target, path)


def _system() -> None:
    _bind_read_only("usr")
    for name in LIBRARIES:
        if os.path.islink(f"{HOST}/{name}"):
            os.symlink(os.readlink(f"{HOST}/{name}"), name)
        elif os.path.isdir(f"{HOST}/{name}"):
            os.mkdir(name)
            _bind_read_only(name)
    # /sbin is a real directory, so that init can lie in it; what else the host has there is linked.
    if os.path.islink(f"{HOST}/sbin"):
        system = "/" + os.readlink(f"{HOST}/sbin").lstrip("/")
    else:
        system = "/.sbin"
        os.mkdir(system)
        _bind_read_only("sbin", system)
    for program in os.listdir(system):
        if program not in OWN_PROGRAMS:
            os.symlink(f"{system}/{program}", f"sbin/{program}")
    for name in ETC:
        if os.path.isdir(f"{HOST}/etc/{name}"):
            os.mkdir(f"etc/{name}")
        elif os.path.isfile(f"{HOST}/etc/{name}"):
            _touch(f"etc/{name}")
        else:
            continue
        _bind_read_only(f"etc/{name}")


def _proc() -> None:
    kernel.mount("proc", "/proc", "proc", PLAIN)
    for name in PROC_READ_ONLY:
        path = f"/proc/{name}"
        if os.path.exists(path):
            kernel.mount(path, path, flags=kernel.MS_BIND)
            kernel.mount_setattr(path, kernel.MOUNT_ATTR_RDONLY)


def _sys() -> None:
    try:
        kernel.mount("sysfs", "/sys", "sysfs", PLAIN | kernel.MS_RDONLY)
    except PermissionError:
        pass  # containers forbid it; init does without


def _dev(console: str) -> None:
    for device in DEVICES:
        _touch(f"dev/{device}")
        kernel.mount(f"{HOST}/dev/{device}", f"/dev/{device}", flags=kernel.MS_BIND)
    options = "newinstance,ptmxmode=0666,mode=0620"
    kernel.mount("devpts", "/dev/pts", "devpts", PLAIN & ~kernel.MS_NODEV, options)
    if console:
        _touch("dev/console")
        kernel.mount(f"{HOST}{console}", "/dev/console", flags=kernel.MS_BIND)


def _bind_read_only(name: str, target: str = "") -> None:
    target = target or f"/{name}"
    kernel.mount(f"{HOST}/{name}", target, flags=kernel.MS_BIND | kernel.MS_REC)
    kernel.mount_setattr(target, READ_ONLY)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
