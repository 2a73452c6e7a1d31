"""inittab edit: edits a copy, checks it, shows its effect, and replaces the inittab with it.

The file may be in a folder that other users may write to: it is opened and replaced relative to a
descriptor of its folder, so that renames on the path have no effect. The copy is in a new private folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from sysvinit_py.cli import out
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.clients import telinit
from sysvinit_py.clients.inittab import plan
from sysvinit_py.clients.inittab.beside import beside
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import MAX_BYTES, Source, gather
from sysvinit_py.linux.beneath import named_file, read
from sysvinit_py.linux.replacing import replace
from sysvinit_py.protocol import initctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.cli.options import Values
    from sysvinit_py.linux.beneath import Walk

NAME = "inittab edit"
#: Tried in this order if neither VISUAL nor EDITOR is set.
_EDITORS = ("editor", "sensible-editor", "vi", "nano")
_LINTER = "import sys; sys.path = {!r}; from sysvinit_py.lint.cli import main; sys.exit(main())"
_QUESTION = "(i)nstall, (e)dit again or (q)uit? "
#: If these fields are unchanged, so is the file.
_SAME = "st_dev", "st_ino", "st_size", "st_mtime_ns"


def edit(values: Values) -> int:
    """Edit the file; return the exit status: 1 if it was changed but not installed."""
    place = named_file(values.file)
    with place.opened(), place.held() as walk:  # the errors of opened() have the file's name
        original = walk.open()
        try:
            with _locked(walk, values.file):
                return _edit(values, walk, original)
        finally:
            os.close(original)


@contextmanager
def _locked(walk: Walk, path: str) -> Iterator[None]:
    """Hold a lock file that only the owner of the folder can create or open.

    The inittab itself is readable, and so could be locked, by any user.
    """
    name = f".{walk.name}.lock"
    how = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        lock = os.open(name, how, 0o600, dir_fd=walk.folder)
    except OSError as error:
        raise RefusedError(f"{path} cannot be replaced: {name} beside it: {error.strerror}") from None
    with open(lock, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(f"{path}: somebody else is editing it") from None
        try:
            yield
        finally:
            with suppress(OSError):
                os.unlink(name, dir_fd=walk.folder)


def _edit(values: Values, walk: Walk, original: int) -> int:
    status = os.fstat(original)
    old = read(original, MAX_BYTES, values.file)
    draft = os.path.join(tempfile.mkdtemp(prefix="inittab-edit."), walk.name)
    with open(draft, "xb") as file:
        file.write(old)
    try:
        new = _edited(draft, old, values)
        if new is None:
            return out.FAILED
        if new != old:
            _replace(walk, original, status, new)
    except (OSError, RefusedError, KeyboardInterrupt) as error:
        reason = getattr(error, "strerror", None) or str(error) or "interrupted"
        raise RefusedError(
            f"{values.file} is not changed: {reason}; what was written is in {draft}"
        ) from None
    out.say(NAME, f"{values.file}: {'not changed' if new == old else 'installed'}")
    shutil.rmtree(os.path.dirname(draft), ignore_errors=True)
    if new != old:
        _have_it_read(values.file)
    return out.DONE


def _edited(draft: str, old: bytes, values: Values) -> bytes | None:
    """Return the edited text, or None if it is not to be installed. Raises OSError, RefusedError."""
    while True:
        command = ["/bin/sh", "-c", f'{_editor()} "$@"', "sh", draft]
        if status := subprocess.run(command, check=False).returncode:
            raise RefusedError(f"the editor has ended with status {status}")
        new, _ = named_file(draft).read(MAX_BYTES)
        if new == old:
            return new
        faulty = _has_faults(new, values.file)
        if (sources := _sources(values.file, new)) and (steps := plan.effect(sources)):
            plan.show(steps, "telinit q")
        if values.yes:
            if faulty:
                raise RefusedError("it has mistakes")
            return new
        answer = _ask()
        if answer == "i":
            return new
        if answer == "q":
            out.say(NAME, f"{values.file}: not changed; what was written is in {draft}")
            return None


def _editor() -> str:
    found = (name for name in _EDITORS if shutil.which(name))
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or next(found, _EDITORS[-1])


def _ask() -> str:
    """Return the letter of the answer; q at the end of the input."""
    while True:
        print(_QUESTION, end="", flush=True)
        line = sys.stdin.readline() if sys.stdin else ""
        if not line or line.strip()[:1].lower() in ("i", "e", "q"):
            return line.strip()[:1].lower() or "q"


def _has_faults(data: bytes, path: str) -> bool:
    """Print what the linter finds, or else what init would refuse; return whether there are errors."""
    if program := beside("inittab-lint"):
        command = [program]
    elif find_spec("sysvinit_py.lint"):
        command = [sys.executable, "-c", _LINTER.format(sys.path)]
    else:
        reading = interpret((Source(path, data),))
        problems = [str(problem) for problem in reading.problems]
        if not (path.endswith(".tab") or any(entry.file for entry in reading.entries)):
            problems.append(f"{path}: no entry: expected lines id:runlevels:action:process")
        out.say(NAME, *problems)
        return bool(problems)
    words = ["--target", "sysvinit_py", "--quiet", "--stdin-filename", path, "-"]
    return bool(subprocess.run([*command, *words], input=data, check=False).returncode)


def _sources(path: str, data: bytes) -> list[Source]:
    """Return init's sources, with the data of this one replaced; none if it is not among them."""
    sources = gather()
    real = os.path.realpath(path)
    if real not in (os.path.realpath(source.path) for source in sources):
        return []
    return [Source(s.path, data) if os.path.realpath(s.path) == real else s for s in sources]


def _replace(walk: Walk, original: int, status: os.stat_result, data: bytes) -> None:
    """Replace the file atomically, unless it has changed. Raises OSError, RefusedError."""
    now = os.stat(walk.name, dir_fd=walk.folder, follow_symlinks=False)
    if any(getattr(now, name) != getattr(status, name) for name in _SAME):
        raise RefusedError("somebody else has changed it meanwhile")
    replace(walk.folder, walk.name, data, original)


def _have_it_read(path: str) -> None:
    """Have init read the inittab, if this file is part of it."""
    if not _sources(path, b""):
        return
    try:
        telinit.write(initctl.encode(initctl.Request(initctl.RUNLVL, "Q", initctl.WAIT_TIME)), initctl.PATH)
    except (OSError, telinit.RefusedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        out.say(NAME, f"init was not told of it: {initctl.PATH}: {reason}")
