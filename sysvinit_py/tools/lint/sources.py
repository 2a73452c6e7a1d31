"""From the words on the command line to the files that init reads as one."""

from __future__ import annotations

import os
import stat

from sysvinit_py.inittab.sources import DIRECTORY, INITTAB
from sysvinit_py.value import Value

#: No inittab is larger; what is, is something else.
MAX_BYTES = 1 << 20

STDIN = "-"
#: What may lie in inittab.d without being meant for init: backups, leftovers of editors and packages.
_LEFTOVERS = (
    "~",
    ".bak",
    ".orig",
    ".rej",
    ".swp",
    ".dpkg-old",
    ".dpkg-dist",
    ".dpkg-new",
    ".rpmnew",
    ".rpmsave",
)


class UsageError(Exception):
    """Something on the command line, or in a config file, cannot be done; the text says what in one line."""


class Source(Value):
    """Files that init reads as one: an inittab and the .tab files of its inittab.d, or a fragment."""

    files: tuple[tuple[str, bytes], ...]  # path and content
    fragment: bool = False


def sources(words: list[str], root: str, stdin_name: str) -> tuple[list[Source], list[str]]:
    """What there is to check, and why some of it cannot be read."""
    found: list[Source] = []
    failed: list[str] = []
    for word in dict.fromkeys(words):
        try:
            if word == STDIN:
                found.append(_single(stdin_name, _content(0, stdin_name)))
            elif os.path.isdir(word):
                found += _folder(word, failed)
            else:
                found.append(_single(word, load(word)))
        except UsageError as error:
            failed.append(str(error))
    if not words:
        found += _main(root.rstrip("/") + INITTAB, root.rstrip("/") + DIRECTORY, failed)
    return found, failed


def load(path: str) -> bytes:
    """Read a file that can be an inittab."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not (stat.S_ISREG(os.fstat(descriptor).st_mode) or _is_handed_down(path)):
                raise UsageError(f"{path}: not a regular file")
            os.set_blocking(descriptor, True)
            return _content(descriptor, path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError:  # a NUL in the name
        raise UsageError(f"{path!r}: no such file") from None


def _is_handed_down(path: str) -> bool:
    """Whether it is a shell's <(command), or standard input by another name."""
    return path.startswith(("/dev/fd/", "/proc/self/fd/")) or path == "/dev/stdin"


def _content(descriptor: int, path: str) -> bytes:
    data = b""
    try:
        while chunk := os.read(descriptor, 1 << 16):
            data += chunk
            if len(data) > MAX_BYTES:
                raise UsageError(f"{path}: over {MAX_BYTES >> 20} MiB, which is no inittab")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    return data


def _single(path: str, data: bytes) -> Source:
    in_directory = os.path.basename(os.path.dirname(path)) == "inittab.d"
    return Source(((path, data),), fragment=in_directory or path.endswith(".tab"))


def _folder(folder: str, failed: list[str]) -> list[Source]:
    """A folder means its inittab and inittab.d; an inittab.d means its .tab files."""
    if os.path.basename(os.path.abspath(folder)) == "inittab.d":
        return _tabs(folder, failed)
    inittab, directory = os.path.join(folder, "inittab"), os.path.join(folder, "inittab.d")
    if os.path.lexists(inittab):
        return _main(inittab, directory, failed)
    if not os.path.isdir(directory):
        raise UsageError(f"{folder}: holds neither inittab nor inittab.d")
    return _tabs(directory, failed)


def _main(inittab: str, directory: str, failed: list[str]) -> list[Source]:
    main = _readable([inittab], failed)
    tabs = _tabs(directory, failed)
    read_too = [file for source in tabs if _is_read(source) for file in source.files]
    if not main:
        return tabs
    return [Source((*main, *read_too)), *(source for source in tabs if not _is_read(source))]


def _is_read(source: Source) -> bool:
    name = os.path.basename(source.files[0][0])
    return name.endswith(".tab") and not name.startswith(".")


def _tabs(directory: str, failed: list[str]) -> list[Source]:
    """The .tab files of a folder in the order in which init reads them, as one; then each file it ignores."""
    try:
        names = sorted(os.listdir(directory), key=os.fsencode)
    except FileNotFoundError:
        return []
    except OSError as error:
        failed.append(f"{directory}: {error.strerror}")
        return []
    meant = [name for name in names if not (name.startswith(".") or name.lower().startswith("readme"))]
    paths = [os.path.join(directory, name) for name in meant if not name.endswith(_LEFTOVERS)]
    files = _readable([path for path in paths if os.path.isfile(path)], failed)
    read = tuple(file for file in files if file[0].endswith(".tab"))
    ignored = [_single(*file) for file in files if not file[0].endswith(".tab")]
    return [Source(read, fragment=True), *ignored] if read else ignored


def _readable(paths: list[str], failed: list[str]) -> list[tuple[str, bytes]]:
    """Those that can be read, with their content; why the others cannot is added to ``failed``."""
    files: list[tuple[str, bytes]] = []
    for path in paths:
        try:
            files.append((path, load(path)))
        except UsageError as error:
            failed.append(str(error))
    return files
