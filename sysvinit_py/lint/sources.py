"""From the words on the command line to the files that init reads as one."""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager
from errno import EFBIG, ELOOP

from sysvinit_py.inittab.sources import DIRECTORY, INITTAB, MAX_BYTES, TOO_BIG, is_tab
from sysvinit_py.linux.beneath import Place, named_file, read
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDIN = "-"
#: No inittab lies deeper than that below a folder that is named.
MAX_DEPTH = 100
#: What a shell hands down, as for <(command): it is open already.
_HANDED_DOWN = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})")
#: What may lie in inittab.d without being meant for init: backups, leftovers of editors and packages.
_LEFTOVERS = (
    "~", ".bak", ".orig", ".rej", ".swp", ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".rpmnew", ".rpmsave",
)  # fmt: skip
_MAIN, _DIRECTORY = os.path.basename(INITTAB), os.path.basename(DIRECTORY)


class File(Value):
    """A file as it was read."""

    path: str  # for people
    data: bytes
    place: Place | None = None  # None: standard input, or what a shell hands down
    exposed: str = ""  # who else can change it


class Source(Value):
    """Files that init reads as one: an inittab and the .tab files of its inittab.d, or a fragment."""

    parts: tuple[File, ...]
    fragment: bool = False
    asked: frozenset[str] = frozenset()  # the files to check, where the others are only read with them
    beside: str = ""  # who else can change what init reads beside them

    @property
    def files(self) -> tuple[tuple[str, bytes], ...]:
        """The path and the content of each."""
        return tuple((part.path, part.data) for part in self.parts)

    def asks_for(self, path: str) -> bool:
        """Return whether a file is one of those to check."""
        return not self.asked or path in self.asked

    def exposed(self) -> dict[str, str]:
        """Return, by path, who else can change what init reads."""
        said = {part.path: part.exposed for part in self.parts if part.exposed}
        if self.beside:
            first = next(part.path for part in self.parts if self.asks_for(part.path))
            said[first] = ", ".join(filter(None, (said.get(first), self.beside)))
        return said


def sources(
    words: list[str], root: str, stdin_name: str, *, main_optional: bool = False
) -> tuple[list[Source], list[str]]:
    """Return what there is to check, and why the rest cannot be read.

    ``main_optional``: if no words are given, an inittab.d without inittab is complete, too.
    """
    found: list[Source] = []
    failed: list[str] = []
    named: dict[str, list[str]] = {}  # the files of one inittab that are named one by one
    for word in words:
        named.setdefault(_main_of(word), []).append(word)
    for word in dict.fromkeys(words):
        descriptor, folder, main = handed_down(word), placed(word, root, is_folder=True), _main_of(word)
        if descriptor is not None:
            with _failing(failed, word):
                name = stdin_name if word == STDIN else word
                found.append(single(name, read(descriptor, MAX_BYTES)))
        elif word and folder.is_folder():
            found += _folder(folder, failed)
        elif not main:
            found += _alone([placed(word, root)], failed)
        elif main in named:
            directory = placed(main.removesuffix(_MAIN) + _DIRECTORY, root, is_folder=True)
            found += _group(placed(main, root), directory, failed, named.pop(main))
    if not words:
        base = Place(root or "/", image=True, shown=root or "/")
        main_file, directory = base.child(INITTAB[1:]), base.child(DIRECTORY[1:])
        found += _group(main_file, directory, failed, main_optional=main_optional)
    return found, failed


def handed_down(word: str) -> int | None:
    """Return the descriptor that a word means, which is open already; None if it means a file."""
    if word in (STDIN, "/dev/stdin"):
        return 0
    match = _HANDED_DOWN.fullmatch(word)
    return int(match[1]) if match else None


def _main_of(word: str) -> str:
    """Return the inittab that a file is, or is read with; empty if it is by itself."""
    above, name = os.path.split(word)
    if os.path.normpath(word) != word.removeprefix("./"):
        return ""
    if in_directory(word) and is_tab(os.fsencode(name)):
        return os.path.join(os.path.dirname(above), _MAIN)
    return word if name == _MAIN else ""


def placed(word: str, root: str, *, is_folder: bool = False) -> Place:
    """Return the place of what was named; what is named below the image is in the image."""
    if root and word and ".." not in word.split("/"):
        path = os.path.relpath(word, root)
        if path.split("/")[0] != "..":
            return Place(root, path, True, word)
    return Place(word, shown=word) if is_folder else named_file(word)


def in_directory(path: str) -> bool:
    """Return whether a file is in an inittab.d."""
    return os.path.basename(os.path.dirname(path)) == _DIRECTORY


def single(path: str, data: bytes) -> Source:
    """Return a file that is read by itself."""
    return _single(File(path, data))


def _single(file: File) -> Source:
    return Source((file,), in_directory(file.path) or file.path.endswith(".tab"))


def _alone(places: list[Place], failed: list[str]) -> list[Source]:
    """Read each by itself."""
    found = []
    for place in places:
        with _failing(failed, place.shown):
            found.append(_single(_read(place, MAX_BYTES, place.owner())))
    return found


def _folder(folder: Place, failed: list[str]) -> list[Source]:
    """Return what a folder means: each inittab in it, at any depth, with its inittab.d."""
    if os.path.basename(os.path.abspath(folder.shown)) == _DIRECTORY:
        return _group(None, folder, failed)
    found: list[Source] = []
    left, empty = [folder], not failed
    while left:
        at, names = left.pop(), dict[str, bool]()
        with _failing(failed, at.shown):
            if at.path.count("/") > MAX_DEPTH:
                raise OSError(ELOOP, f"more than {MAX_DEPTH} folders deep")
            names = at.names()
        below = [name for name in names if names[name] and name != _DIRECTORY and not name.startswith(".")]
        left += [at.child(name) for name in reversed(below)]
        others = [name for name in names if name.endswith(f".{_MAIN}") and not names[name]]
        has_main = not names.get(_MAIN, True)
        if has_main or _DIRECTORY in names:
            found += _group(at.child(_MAIN) if has_main else None, at.child(_DIRECTORY), failed)
            empty = False
        found += _alone([at.child(name) for name in others], failed)
    if empty and not found and not failed:
        failed.append(f"{folder.shown}: holds neither inittab nor inittab.d")
    return found


def _group(
    main: Place | None,
    directory: Place,
    failed: list[str],
    asked: Iterable[str] = (),
    *,
    main_optional: bool = False,
) -> list[Source]:
    """Read an inittab and its inittab.d as one; and each file there that init ignores, by itself.

    With ``asked`` only these files count; the others are read for what they have in common with them.
    """
    names: dict[str, bool] = {}
    with _failing([] if asked else failed, directory.shown, but=FileNotFoundError):
        names = directory.names()
    meant = {name for name in names if not names[name] and _is_meant(name)}
    meant.update(os.path.basename(path) for path in asked if not main or path != main.shown)
    in_order = sorted(map(os.fsencode, meant))
    places = [main] if main else []
    places += [directory.child(os.fsdecode(name)) for name in in_order if is_tab(name)]
    parts: list[File] = []
    for place in places:
        but = FileNotFoundError if main_optional and place is main and len(places) > 1 else ()
        with _failing([] if asked and place.shown not in asked else failed, place.shown, but):
            left = MAX_BYTES - sum(len(part.data) for part in parts)
            parts.append(_read(place, left, (main or directory).owner()))
    found = []
    if parts and not (asked and {part.path for part in parts}.isdisjoint(asked)):
        fragment = parts[0].place is not main and not main_optional
        found.append(Source(tuple(parts), fragment, frozenset(asked), _neighbours(main, directory)))
    ignored = [] if asked else [name for name in in_order if not is_tab(name)]
    return found + _alone([directory.child(os.fsdecode(name)) for name in ignored], failed)


def _is_meant(name: str) -> bool:
    """Return whether a file of inittab.d is there for init."""
    return not (name.startswith(".") or name.lower().startswith("readme") or name.endswith(_LEFTOVERS))


def _read(place: Place, limit: int, owner: int) -> File:
    data, status = place.read(limit)
    return File(place.shown, data, place, exposed(status, owner))


def _neighbours(main: Place | None, directory: Place) -> str:
    """Return what else init goes by, and who else can change it."""
    beside = [directory, main.sibling("initscript")] if main else [directory]
    said = []
    for place in beside:
        with _failing([], ""):
            told = exposed(place.status(), (main or directory).owner())
            said += [f"{place.shown}: {told}"] if told else []
    return ", ".join(said)


def exposed(status: os.stat_result, owner: int) -> str:
    """Who can change a file but root, whoever runs this, and whoever has the folder named."""
    if status.st_mode & stat.S_IWOTH:
        return "anybody can change it"
    return "" if status.st_uid in (0, os.geteuid(), owner) else f"user {status.st_uid} can change it"


@contextmanager
def _failing(failed: list[str], path: str, but: type[OSError] | tuple[()] = ()) -> Iterator[None]:
    """Tell of an error, and go on."""
    try:
        yield
    except but:
        pass
    except OSError as error:
        failed.append(f"{path}: {TOO_BIG if error.errno == EFBIG else error.strerror}")
