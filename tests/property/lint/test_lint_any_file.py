"""The whole program on mangled files: it ends with a status, and prints what it should."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from random import Random

import pytest

from sysvinit_py.lint import cli
from sysvinit_py.lint.formats import FORMATS
from sysvinit_py.lint.targets import TARGETS

WORDS = (
    b"id:2:initdefault:", b"si::sysinit:/etc/rcS", b"::askfirst:-/bin/sh",
    b"1:2345:respawn:/sbin/getty 38400 tty1", b"c6:2:respawn:exec /bin/x >& /dev/tty1 &",
    b"# inittab-lint: disable=INT301", b"\n", b"\n", b"\r\n", b":", b"\0", b"\\\n", b"'", b'"', b"#", b"\xff",
)  # fmt: skip


def run(arguments: list[str]) -> tuple[int, bytes]:
    out = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(out)), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(arguments)
        sys.stdout.detach()  # type: ignore[union-attr]
    return status, out.getvalue()


@pytest.mark.parametrize("seed", range(15))
def test_fuzz(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    for number in range(25):
        pieces = (
            random.choice((random.choice(WORDS), random.randbytes(random.randrange(4)))) for _ in range(30)
        )
        data = b"".join(pieces)
        folder = tmp_path / str(number)
        (folder / "inittab.d").mkdir(parents=True)
        half = random.randrange(len(data) + 1)
        (folder / "inittab").write_bytes(data[:half])
        (folder / "inittab.d" / "a.tab").write_bytes(data[half:])
        where = ["--isolated", f"--root={folder}", str(folder)]
        status, out = run([*where, f"--format={random.choice(FORMATS)}"])
        assert status in (0, 1)
        assert status == 0 or out
        chosen = [
            *where,
            f"--target={random.choice(list(TARGETS))}",
        ]  # a repaired file can look like another's
        run([*chosen, "--diff", "--unsafe-fixes"])
        assert (folder / "inittab").read_bytes() == data[:half]
        before = run([*chosen, "--fix", "--unsafe-fixes"])
        assert run([*chosen, "--fix", "--unsafe-fixes"]) == before
        assert sorted(os.listdir(folder)) == ["inittab", "inittab.d"]
