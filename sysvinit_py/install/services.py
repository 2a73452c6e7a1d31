"""inittab-install --runit: install runit's programs, or undo that.

Files that have one of their names are kept beside them. The names from daemontools are used only where they
are free.
"""

from __future__ import annotations

import os
from contextlib import suppress

from sysvinit_py.cli import out
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.install import files
from sysvinit_py.linux.beneath import Tree

#: The one file, in init's folder.
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
#: The command that shows that a Python can run it.
PROBE = ("sv", "--version")
#: All names that are links to it.
NAMES = tuple(name for table in (LINKS, DAEMONTOOLS) for names in table.values() for name in names)
#: What is to be done, a line each.
PLAN = [
    f"{SBIN}/{FILE} becomes that of sysvinit_py",
    *(f"in {folder} links to it: {', '.join(names)}" for folder, names in LINKS.items()),
    f"programs that have such names are kept, their names with {KEPT}",
]


def is_ours(file: bytes) -> bool:
    """Return whether the bytes are a build of it."""
    return MARK in file[: files.BEGIN]


def install(tree: Tree, content: bytes) -> None:
    """Put the file and its links in their places. Raises OSError."""
    with tree.at(SBIN).opened(folder=True) as sbin:
        try:
            files.write(sbin, FILE + DRAFT, content)
            if files.exists(sbin, FILE) and not files.is_build(tree, f"{SBIN}/{FILE}", MARK):
                files.keep(sbin, FILE, FILE + KEPT)
            files.replace(sbin, FILE + DRAFT, FILE)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{SBIN}/{FILE}") from None
        finally:
            files.remove(sbin, FILE + DRAFT)
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
            if files.leads_to(held, name, f"{SBIN}/{FILE}"):
                continue
            if files.exists(held, name):
                if not may_replace:
                    continue
                files.keep(held, name, name + KEPT)
            files.link(held, name, f"{SBIN}/{FILE}", name + DRAFT)


def undo(tree: Tree) -> None:
    """Bring back what was there before. Raises RefusedError if it is not installed."""
    if not files.is_build(tree, f"{SBIN}/{FILE}", MARK):
        raise RefusedError(f"{SBIN}/{FILE} is not ours: nothing to undo")
    for names in LINKS, DAEMONTOOLS:
        for folder in names:
            with suppress(FileNotFoundError), tree.at(folder).opened(folder=True) as held:
                for name in names[folder]:
                    if files.leads_to(held, name, f"{SBIN}/{FILE}"):
                        files.restore(held, name, name + KEPT)
    with tree.at(SBIN).opened(folder=True) as sbin:
        files.restore(sbin, FILE, FILE + KEPT)
        os.fsync(sbin)
    print(f"{SBIN}/{FILE} and its links are what they were before.")
