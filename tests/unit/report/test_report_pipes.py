"""The table of pipes: what init writes is what the logger reads, and half of it is not believed."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.entry import Entry, EntryOptions, FileOptions
from sysvinit_py.report.pipes import Pipe, Table, decode, encode

OPTIONS = EntryOptions("log size=1K", log=True, size=1024)
PIPES = (
    Pipe(Entry("web", "2", "respawn", "httpd", "/etc/inittab", 3, options=OPTIONS), 17, 4711),
    Pipe(Entry("~ \udcff", "2", "once", "x", "/etc/inittab", 5), 18, 4712),
)
TABLE = Table(PIPES, (("/etc/inittab", FileOptions("log-to=/var/log/x", log_to="/var/log/x")),), 812)


@pytest.mark.parametrize("table", [TABLE, Table(), TABLE.replace(logger=0, files=())])
def test_what_is_written_is_read(table: Table) -> None:
    assert decode(encode(table)) == table


def test_what_stands_behind_it_is_of_a_longer_one() -> None:
    """The table is written over the one before."""
    long, short = encode(TABLE), encode(Table())
    assert decode(short + long[len(short) :]) == Table()


@pytest.mark.parametrize("at", range(0, len(encode(TABLE)), 7))
def test_half_of_it_is_not_believed(at: int) -> None:
    """Guards against a logger that opens what a torn table names."""
    data = encode(TABLE)
    for torn in (data[:at], data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]):
        with pytest.raises(ValueError, match=r"."):
            decode(torn)
