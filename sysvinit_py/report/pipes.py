"""The table of the pipes that take the output of entries: init writes it, and ``inittab logd`` reads it.

It is in memory, at descriptor ``FD`` of init, and handed over with the pipes when init executes another one
of ours. Who reads it while it is being written sees that by the checksum.
"""

from __future__ import annotations

from binascii import crc32

from sysvinit_py.inittab import wire
from sysvinit_py.inittab.entry import Entry, FileOptions, Reading
from sysvinit_py.value import Value

#: Below those that a process gets without asking, and few enough that the kernel needs no larger table.
FD = 63
#: No table is larger.
MAX_BYTES = 4 << 20
_FORM = b"inittab-pipes 1"


class Pipe(Value):
    """A pipe: which entry's, init's descriptor of both of its ends, and the inode, which is its own."""

    entry: Entry
    fd: int
    inode: int


class Table(Value):
    """All pipes, and what comments say of the files in which their entries stand."""

    pipes: tuple[Pipe, ...] = ()
    files: tuple[tuple[str, FileOptions], ...] = ()
    logger: int = 0  # the pid of the process that reads them; 0: none


def encode(table: Table) -> bytes:
    """Return the bytes of a table."""
    ends = " ".join(f"{pipe.fd}:{pipe.inode}" for pipe in table.pipes)
    reading = wire.encode(Reading(tuple(pipe.entry for pipe in table.pipes), files=table.files))
    body = f"{table.logger} {ends}\n".encode() + reading
    return b"%s %d %08x\n%s" % (_FORM, len(body), crc32(body), body)


def decode(data: bytes) -> Table:
    """Return the table that is in the bytes. Raises ValueError if none is: damaged, or half written."""
    head, _, rest = data.partition(b"\n")
    *form, size, checksum = head.split(b" ")
    body = rest[: int(size)]
    if b" ".join(form) != _FORM or b"%08x" % crc32(body) != checksum:
        raise ValueError("not a table of pipes, or a part of one")
    first, _, encoded = body.partition(b"\n")
    logger, *ends = first.decode().split()
    reading = wire.decode(encoded)
    pairs = [map(int, end.split(":")) for end in ends]
    pipes = tuple(Pipe(entry, *pair) for entry, pair in zip(reading.entries, pairs, strict=True))
    return Table(pipes, reading.files, int(logger))
