"""The inittab that a command line names, and what init reads with it."""

from __future__ import annotations

import os

from sysvinit_py.inittab.sources import DIRECTORY, INITTAB, MAX_BYTES, Source, is_tab
from sysvinit_py.linux.beneath import named_file, read

STDIN = "-"
_MAIN, _FOLDER = os.path.basename(INITTAB), os.path.basename(DIRECTORY)


def source_of(word: str) -> Source:
    """Return the bytes of a file, or of standard input. Raises OSError."""
    if word == STDIN:
        return Source("<stdin>", read(0, MAX_BYTES, "<stdin>"))
    return Source(word, named_file(word).read(MAX_BYTES)[0])


def sources_of(word: str) -> tuple[Source, ...]:
    """Return the same, and with a file named inittab the ``*.tab`` files of the inittab.d beside it."""
    sources = [source_of(word)]
    if os.path.basename(word) != _MAIN:
        return tuple(sources)
    folder = named_file(word).sibling(_FOLDER)
    try:
        names = folder.names()
    except FileNotFoundError:
        names = {}
    except OSError as error:
        return (*sources, Source(folder.shown, error=str(error.strerror)))
    for place in (folder.child(name) for name in names if is_tab(os.fsencode(name))):
        left = MAX_BYTES - sum(len(source.data) for source in sources)
        try:
            sources.append(Source(place.shown, place.read(left)[0]))
        except OSError as error:
            sources.append(Source(place.shown, error=str(error.strerror)))
    return tuple(sources)
