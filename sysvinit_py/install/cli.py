"""inittab-install: install this init as /sbin/init and /sbin/telinit of a root file system, or undo that.

The previous init stays as /sbin/init.sysv: the kernel argument init=/sbin/init.sysv boots with it. Refuses
what would not boot, and says what is missing. With --live the running init hands over.
"""

from __future__ import annotations

import math
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sysvinit_py.build import onefile
from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, RefusedError, UsageError, Values
from sysvinit_py.install import checks, files, hot_swap, services
from sysvinit_py.linux.beneath import Tree

OK, REFUSED, USAGE = out.DONE, out.FAILED, out.USAGE

SBIN = "/sbin"
INIT, TELINIT, DRAFT = "init", "telinit", "init.new"
#: The same program as inittab, which is for users, too: a link, unless something else has the name.
BIN, INITTAB = "/usr/bin", "inittab"
#: The names of the previous programs.
KEPT = {INIT: "init.sysv", TELINIT: "telinit.sysv"}
#: The programs that --programs replaces by links to init.
PROGRAMS = (*checks.PROGRAMS, "runlevel")
#: The Debian packages that do the same, beside sysvinit-core and instead of it; where dpkg lists their files.
PACKAGES, LISTS = ("sysvinit-py", "sysvinit-py-core"), "/var/lib/dpkg/info"
#: In the second line of every build.
MARK = b"\n# sysvinit_py "
_MAX_BYTES = 16 << 20

#: ``root``: the option --root, or nothing.
FALL_BACK = f"""\
The previous init is {SBIN}/{KEPT[INIT]}. To fall back, add init={SBIN}/{KEPT[INIT]} to the kernel's command
line, or undo this with inittab-install{{root}} --undo.\
"""


PROGRAM = Program(
    "inittab-install",
    __doc__ or "",
    (
        Option("--root", "DIR", "the root file system (default: /)", Path, Path("/"), complete="folder"),
        Option("--init", "FILE", "a built init, or runit (default: it is built now)", Path, complete="file"),
        Option("--python", "PATH", f"the Python that is to run it there (default: {onefile.PYTHON})",
            complete="file"),
        Option("--runit", help="install runit's programs, and not init"),
        Option("--programs", help="replace shutdown, halt, poweroff, reboot and runlevel, too"),
        Option("--undo", help="restore the previous init, and programs"),
        Option("--live", help="have the running C sysvinit hand over, or take over"),
        Option("--yes", help="do not ask before the running system is changed"),
        Option("--dry-run", help="check everything, say what would be done, change nothing"),
        Option("--force",
            help="install in spite of problems; with --live --undo: even if C sysvinit loses entries"),
        Option("--patience", "SECONDS",
            f"with --live: how long each of the two inits may take (default: {hot_swap.PATIENCE:g})", float),
    ),
    forms=(
        "[--root DIR] [--init FILE] [--python PATH] [--programs] [--live [--patience SECONDS]]"
        " [--yes | --dry-run] [--force]",
        "--runit [--root DIR] [--init FILE] [--python PATH] [--undo] [--yes | --dry-run]",
        "--undo [--root DIR] [--live [--force] [--patience SECONDS]] [--yes | --dry-run]",
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command inittab-install; return its exit status."""
    return PROGRAM.run(_run, arguments)


def _conflict(options: Values, tree: Tree) -> str:
    """Return which options are incompatible; empty: none."""
    conflicts = {
        "--undo brings back the previous init, and takes no --init": options.undo and options.init,
        "--undo brings back the previous init, and takes no --python": options.undo and options.python,
        "--programs is about an installation of init": options.programs and (options.undo or options.runit),
        "--patience needs --live": options.patience is not None and not options.live,
        "--patience takes a positive number of seconds": not 0 < (options.patience or 1) < math.inf,
        "--undo --force needs --live": options.undo and options.force and not options.live,
        "--dry-run changes nothing: --yes does not fit": options.dry_run and options.yes,
        "--runit is not about init: neither --live nor --force fits": options.runit
        and (options.live or options.force),
        "--live is about the running system, not about another root": options.live and not tree.is_running,
    }
    return next((text for text, holds in conflicts.items() if holds), "")


def _run(options: Values) -> int:
    """Check everything, show what will be done, and do it. Raises RefusedError."""
    if os.geteuid() != 0:
        raise RefusedError("requires root")
    tree = Tree(options.root)
    if conflict := _conflict(options, tree):
        raise UsageError(conflict)
    _require_root_file_system(tree)
    if options.runit:
        return _run_runit(options, tree)
    _require_no_package(tree)
    patience = hot_swap.PATIENCE if options.patience is None else options.patience
    if options.undo:
        version = _require_way_back(options.force) if options.live else _require_ours(tree)
        if _agreed(options, tree, [f"{SBIN}/{INIT} becomes what it was before installation"]):
            give_back(tree, version, patience) if options.live else undo(tree)
        return OK
    init = _file(options, "init", is_ours)
    if options.live:
        hot_swap.require(hot_swap.C)
    if problems := checks.problems(tree, init, options.programs):
        if not options.force:
            raise RefusedError("\n".join([*problems, "nothing was changed"]))
        for problem in problems:
            _report(problem)
    if _agreed(options, tree, _plan(tree, init, options.programs)):
        if options.live:
            take_over(tree, init, patience, options.programs)
        else:
            install(tree, init, options.programs)
    return OK


def _run_runit(options: Values, tree: Tree) -> int:
    """Do that for runit's programs. Raises RefusedError."""
    if options.undo:
        if _agreed(options, tree, ["runit's programs become what they were before installation"]):
            services.undo(tree)
        return OK
    file = _file(options, "runit", services.is_ours)
    checks.probe(tree, file, services.PROBE)
    if _agreed(options, tree, services.PLAN):
        services.install(tree, file)
    return OK


def _file(options: Values, name: str, is_ours: Callable[[bytes], bool]) -> bytes:
    """Return the file to be installed, with its Python. Raises RefusedError."""
    file: bytes = options.init.read_bytes() if options.init else onefile.build(name)
    if not is_ours(file):
        raise RefusedError(f"{options.init}: not the {name} of sysvinit_py")
    if options.python:
        try:
            file = onefile.with_python(file, options.python)
        except ValueError as error:
            raise UsageError(f"argument --python: {error}") from None
    return file


def _require_root_file_system(tree: Tree) -> None:
    if not tree.resolve(SBIN)[0]:
        raise RefusedError(f"{tree.folder} has no {SBIN}: not a root file system")


def _require_no_package(tree: Tree) -> None:
    for package in PACKAGES:
        with suppress(FileNotFoundError, NotADirectoryError):
            listed, _ = tree.at(f"{LISTS}/{package}.list").read(_MAX_BYTES)
            if f"{SBIN}/{INIT}\n".encode() in listed:  # one that was removed, and not purged, has a list, too
                raise RefusedError(f"the package {package} is installed, and does this: update or remove it")


def _require_ours(tree: Tree) -> str:
    if not _has_ours(tree):
        raise RefusedError(f"{SBIN}/{INIT} is not ours: nothing to undo")
    return ""


def _has_ours(tree: Tree) -> bool:
    return files.is_build(tree, f"{SBIN}/{INIT}", MARK)


def _plan(tree: Tree, init: bytes, programs: bool) -> list[str]:
    """Return what will be done, a line each."""
    version = init[: init.index(b"\n", len(init.partition(b"\n")[0]) + 1)].rpartition(MARK)[2].split()[0]
    lines = [f"{SBIN}/{INIT} becomes sysvinit_py {version.decode(errors='replace')}"]
    if programs:
        lines.append(f"{', '.join(PROGRAMS)} become links to it; those that are there are kept as NAME.sysv")
    if _has_ours(tree):
        return [*lines, "which replaces another build of it"]
    if tree.resolve(f"{SBIN}/{INIT}")[0]:
        lines.append(f"the present {SBIN}/{INIT} is kept as {SBIN}/{KEPT[INIT]}")
    return lines


def _agreed(options: Values, tree: Tree, plan: list[str]) -> bool:
    """Show what will be done; return whether to do it. Raises RefusedError if it is not confirmed."""
    if not options.dry_run and (options.yes or not tree.is_running):
        return True
    where = "the running system" if tree.is_running else str(tree.folder)
    plan = [*plan, "the running init hands over at once"] if options.live else plan
    print(f"{'would be done to' if options.dry_run else 'to be done to'} {where}:")
    print("\n".join(f"  {line}" for line in plan), flush=True)
    if options.dry_run:
        return False
    if not (sys.stdin and sys.stdin.isatty()):
        raise RefusedError("this is the running system: confirm with --yes, or on a terminal")
    try:
        answer = input("Go on? [y/N] ")
    except (EOFError, KeyboardInterrupt):
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise RefusedError("nothing was changed")
    return True


def install(tree: Tree, init: bytes, programs: bool = False) -> None:
    """Put ``init`` in the place of /sbin/init. At every moment there is an init."""
    with tree.at(SBIN).opened(folder=True) as sbin:
        try:
            files.write(sbin, DRAFT, init)
            if not _has_ours(tree) and files.exists(sbin, INIT):
                files.keep(sbin, INIT, KEPT[INIT])
            if files.exists(sbin, TELINIT) and not _leads_to_init(sbin, TELINIT):
                files.replace(sbin, TELINIT, KEPT[TELINIT])
            files.replace(sbin, DRAFT, INIT)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{SBIN}/{error.filename or DRAFT}") from None
        finally:
            with suppress(OSError):
                files.remove(sbin, DRAFT)
        if not files.exists(sbin, TELINIT):
            os.symlink(INIT, TELINIT, dir_fd=sbin)
        if programs:
            _link_programs(sbin)
        os.fsync(sbin)
        kept = files.exists(sbin, KEPT[INIT])
    _link_inittab(tree)
    print(f"{SBIN}/{INIT} is sysvinit_py now.")
    root = "" if tree.is_running else f" --root {shlex.quote(str(tree.folder))}"
    print(FALL_BACK.format(root=root) if kept else "There was no init before: nothing to fall back to.")


def undo(tree: Tree) -> None:
    """Restore what was there before the installation."""
    with tree.at(SBIN).opened(folder=True) as sbin:
        kept = files.exists(sbin, KEPT[INIT])
        try:
            if files.exists(sbin, KEPT[TELINIT]):
                files.replace(sbin, KEPT[TELINIT], TELINIT)
            elif not kept:
                files.remove(sbin, TELINIT)
            files.restore(sbin, INIT, KEPT[INIT])
            _unlink_programs(sbin)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{SBIN}/{error.filename}") from None
        os.fsync(sbin)
    _unlink_inittab(tree)
    print(f"{SBIN}/{INIT} is what it was before.")


def _link_programs(sbin: int) -> None:
    """Make the links; existing programs are kept, and at every moment there is one."""
    for name in PROGRAMS:
        try:
            if files.exists(sbin, name) and not _leads_to_init(sbin, name):
                files.keep(sbin, name, f"{name}.sysv")
            files.link(sbin, name, INIT, DRAFT)
        except OSError as error:
            _report(f"{SBIN}/{name} is not replaced: {error.strerror}")


def _unlink_programs(sbin: int) -> None:
    for name in PROGRAMS:
        if files.exists(sbin, f"{name}.sysv"):
            files.replace(sbin, f"{name}.sysv", name)
        elif _leads_to_init(sbin, name):
            files.remove(sbin, name)


def _link_inittab(tree: Tree) -> None:
    """Make the link to inittab. A failure is only reported."""
    try:
        with tree.at(BIN).opened(folder=True) as folder:
            if not files.exists(folder, INITTAB):
                os.symlink(f"{SBIN}/{INIT}", INITTAB, dir_fd=folder)
    except OSError as error:
        _report(f"{BIN}/{INITTAB} is not made: {error.strerror}")


def _unlink_inittab(tree: Tree) -> None:
    with suppress(OSError), tree.at(BIN).opened(folder=True) as folder:
        if files.leads_to(folder, INITTAB, f"{SBIN}/{INIT}"):
            files.remove(folder, INITTAB)


def take_over(tree: Tree, init: bytes, patience: float, programs: bool = False) -> None:
    """Install ``init``, and have the running C sysvinit hand over to it; if that fails, undo it."""
    hot_swap.swap(hot_swap.OURS, lambda: install(tree, init, programs), lambda: undo(tree), patience)
    print(
        f"PID 1 is sysvinit_py now, in level {hot_swap.level()}."
        " inittab-install --live --undo is the way back."
    )


def _require_way_back(force: bool) -> str:
    """Return the version of C sysvinit that would take over. Raises RefusedError if it would lose entries."""
    hot_swap.require(hot_swap.OURS)
    kept = Path(SBIN, KEPT[INIT])
    version = hot_swap.c_version(kept)
    if not version:
        raise RefusedError(f"{kept} is not C sysvinit, and no other init can take over")
    lost = hot_swap.losses(version)
    for loss in lost:
        _report(f"C sysvinit {version} would lose {loss}")
    if lost and not force:
        raise RefusedError("nothing was changed; --force goes back all the same")
    return version


def give_back(tree: Tree, version: str, patience: float) -> None:
    """Undo the installation, and have C sysvinit take over."""
    ours, _ = tree.at(f"{SBIN}/{INIT}").read(_MAX_BYTES)
    with tree.at(SBIN).opened(folder=True) as sbin:
        programs = _leads_to_init(sbin, PROGRAMS[0])
    hot_swap.swap(hot_swap.C, lambda: undo(tree), lambda: install(tree, ours, programs), patience)
    print(f"PID 1 is C sysvinit {version} now, in level {hot_swap.level()}.")


def is_ours(init: bytes) -> bool:
    """Return whether the bytes are a build of this init."""
    return MARK in init[: files.BEGIN]


def _leads_to_init(sbin: int, name: str) -> bool:
    """Return whether the program is a link to init, and so runs what is installed as init."""
    return files.leads_to(sbin, name, INIT, f"{SBIN}/{INIT}", f"/usr{SBIN}/{INIT}")


def _report(line: str) -> None:
    out.say(PROGRAM.name, line)


if __name__ == "__main__":
    sys.exit(main())
