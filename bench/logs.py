"""Lines a second through sysvinit_py/logs, and the memory that it takes: python -m bench.logs [LINES]."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sysvinit_py.logs import places
from sysvinit_py.logs.folder import Folder
from sysvinit_py.logs.lines import Lines
from sysvinit_py.logs.rules import parse
from sysvinit_py.logs.sinks import Json, Output, Prefix
from sysvinit_py.logs.stamps import STAMPS

READ = 1 << 16  # bytes, as much as a pipe holds
TEXT = b'10.0.0.1 - - "GET /index.html HTTP/1.1" 200 %08d\n'

Write = Callable[[list[bytes]], object]


@contextmanager
def folder(stamp: str = "", config: bytes = b"") -> Iterator[Write]:
    with tempfile.TemporaryDirectory() as path:
        opened = Folder(path, STAMPS.get(stamp), parse(config, print))
        yield opened.write
        opened.close()


@contextmanager
def relay(*, as_json: bool) -> Iterator[Write]:
    prefix, objects = Prefix("web"), Json(id="web", pid=1)
    with open(os.devnull, "wb") as null:
        output = Output(null.fileno())
        if as_json:
            yield lambda lines: output.write(objects(lines, STAMPS["iso"](time.time_ns())))
        else:
            yield lambda lines: output.write(prefix(lines))


@contextmanager
def entry() -> Iterator[Write]:
    """As inittab logd writes the log of an entry."""
    with tempfile.TemporaryDirectory() as path:
        sink = places.sink(places.Spec("web", path, size=1 << 20, keep=5), Output(2), print)

        def write(lines: list[bytes]) -> None:
            assert sink.flush()
            sink.write(b"".join(lines))

        yield write
        sink.close()


SINKS: dict[str, Callable[[], AbstractContextManager[Write]]] = {
    "directory": folder,
    "directory, ISO stamps": lambda: folder("iso"),
    "directory, TAI64N, two patterns": lambda: folder("t", b"-*debug*\n+*\n"),
    "log of an entry": entry,
    "prefix": lambda: relay(as_json=False),
    "JSON lines": lambda: relay(as_json=True),
}


def measure(name: str, count: int) -> float:
    """Return lines a second, cut from a pipe's full reads and written."""
    data = b"".join(TEXT % number for number in range(count))
    with SINKS[name]() as write:
        lines = Lines()
        began = time.perf_counter()
        for start in range(0, len(data), READ):
            write(lines.feed(data[start : start + READ]))
        return count / (time.perf_counter() - began)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    for name in SINKS:
        print(f"{name:34}{measure(name, count):12,.0f} lines/s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB, the lines included")


if __name__ == "__main__":
    main()
