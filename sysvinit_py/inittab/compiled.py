"""The compiled copy of the inittab: a reading, beside the files it was made of. It spares a boot the parser.

It counts only where the bytes in it are those of the files, and for the version that made it; anything
else is as if it were not there.
"""

from __future__ import annotations

from sysvinit_py import __version__

PATH = "/etc/inittab.compiled"

_HEADER = f"# inittab as read by sysvinit_py {__version__}; it may be deleted\n".encode()
_DIGITS = 10


def pack(sources: bytes, reading: bytes) -> bytes:
    """Return the copy: of ``sources.dump``, and of ``wire.encode``."""
    return b"%s%0*d%s%s" % (_HEADER, _DIGITS, len(sources), sources, reading)


def unpack(copy: bytes, sources: bytes) -> bytes | None:
    """Return the reading in the copy if it was made of these sources."""
    if not copy.startswith(_HEADER):
        return None
    begin = len(_HEADER) + _DIGITS
    end = begin + len(sources)
    if copy[len(_HEADER) : begin] != b"%0*d" % (_DIGITS, len(sources)) or copy[begin:end] != sources:
        return None
    return copy[end:]
