"""inittab-install --runit: have runit's programs be ours, or undo that.

What has one of their names is kept beside it. The names that runit has from daemontools are ours only where
nothing else has them.
"""

from __future__ import annotations

import os
from contextlib import suppress

from sysvinit_py.cli import out
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.install.files import exists, keep, remove, replace, write
from sysvinit_py.linux.beneath import Tree

#: The one file, in the folder of the same name as init's.
SBIN, FILE = "/sbin", "runit"
#: Links to it; where Debian has them, and runsvdir where inittabs look for it, too.
LINKS = {
    "/sbin": ("runit-init",),
    "/usr/sbin": ("runsvchdir", "runsvdir", "utmpset"),
    "/usr/bin": ("chpst", "runsv", "runsvdir", "sv", "svlogd"),
}
DAEMONTOOLS = {"/usr/bin": ("envdir", "envuidgid", "pgrphack", "setlock", "setuidgid", "softlimit")}
KEPT, DRAFT = ".runit", ".new"
MARK = b"\n# runit of sysvinit_py "
#: What says that a Python can run it.
PROBE = ("sv", "--version")
_BEGIN = 200
#: All that are links to it.
NAMES = tuple(name for table in (LINKS, DAEMONTOOLS) for names in table.values() for name in names)
#: What is done, a line each.
PLAN = [
    f"{SBIN}/{FILE} becomes that of sysvinit_py",
    *(f"in {folder} links to it: {', '.join(names)}" for folder, names in LINKS.items()),
    f"programs that have such names are kept, their names with {KEPT}",
]


def is_ours(file: bytes) -> bool:
    """Return whether the bytes are a build of it."""
    return MARK in file[:_BEGIN]


def install(tree: Tree, content: bytes) -> None:
    """Put the file and its links in their places. Raises OSError."""
    with tree.at(SBIN).opened(folder=True) as sbin:
        try:
            write(sbin, FILE + DRAFT, content)
            if exists(sbin, FILE) and not _is_installed(tree):
                keep(sbin, FILE, FILE + KEPT)
            replace(sbin, FILE + DRAFT, FILE)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{SBIN}/{FILE}") from None
        finally:
            remove(sbin, FILE + DRAFT)
        os.fsync(sbin)
    for names, may_replace in ((LINKS, True), (DAEMONTOOLS, False)):
        for folder in names:
            try:
                _link(tree, folder, names[folder], may_replace)
            except OSError as error:
                out.say("inittab-install", f"{folder}: no links there: {error.strerror}")
    print(f"{SBIN}/{FILE} and its links are sysvinit_py now; undo this with inittab-install --runit --undo.")


def _link(tree: Tree, folder: str, names: tuple[str, ...], may_replace: bool) -> None:
    with tree.at(folder).opened(folder=True) as held:
        for name in names:
            if _is_link(held, name):
                continue
            if exists(held, name):
                if not may_replace:
                    continue
                keep(held, name, name + KEPT)
            remove(held, name + DRAFT)
            os.symlink(f"{SBIN}/{FILE}", name + DRAFT, dir_fd=held)
            replace(held, name + DRAFT, name)


def undo(tree: Tree) -> None:
    """Bring back what was there before. Raises RefusedError if it is not installed."""
    if not _is_installed(tree):
        raise RefusedError(f"{SBIN}/{FILE} is not ours: nothing to undo")
    for names in LINKS, DAEMONTOOLS:
        for folder in names:
            with suppress(FileNotFoundError), tree.at(folder).opened(folder=True) as held:
                for name in names[folder]:
                    if _is_link(held, name):
                        _give_back(held, name)
    with tree.at(SBIN).opened(folder=True) as sbin:
        _give_back(sbin, FILE)
        os.fsync(sbin)
    print(f"{SBIN}/{FILE} and its links are what they were before.")


def _give_back(folder: int, name: str) -> None:
    if exists(folder, name + KEPT):
        replace(folder, name + KEPT, name)
    else:
        remove(folder, name)


def _is_installed(tree: Tree) -> bool:
    with suppress(OSError):
        return is_ours(tree.at(f"{SBIN}/{FILE}").beginning(_BEGIN))
    return False


def _is_link(folder: int, name: str) -> bool:
    with suppress(OSError):
        return os.readlink(name, dir_fd=folder) == f"{SBIN}/{FILE}"
    return False
