"""Our utmp and wtmp records, read by the programs that people read them with.

See behaviour/children#accounting.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.packages import PackageError, unpacked
from sysvinit_py.protocol import utmp

HOUR = 3600 * 10**9
BOOTED = 1_700_000_000 * 10**9  # 2023-11-14 22:13:20 UTC
HISTORY = (
    utmp.boot_time(BOOTED),
    utmp.run_level("2", "N", BOOTED + 1),
    utmp.init_process("1", 33, BOOTED + 2),
    utmp.run_level("3", "2", BOOTED + HOUR),
    utmp.dead_process("1", 33, BOOTED + HOUR + 1, line="tty1"),
)


@pytest.fixture
def utmp_file(tmp_path: Path) -> Path:
    content = b""
    for record in HISTORY:
        offset, _ = utmp.place(content, record)
        content = content[:offset] + record + content[offset + utmp.SIZE :]
    file = tmp_path / "utmp"
    file.write_bytes(content)
    return file


@pytest.fixture
def who(debian_program: Callable[[str, str], Path]) -> Path:
    return debian_program("coreutils", "usr/bin/who")


def told(*command: str | Path) -> list[str]:
    ran = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "C", "TZ": "UTC"}
    )
    return [" ".join(line.split()) for line in ran.stdout.splitlines() if line.strip()]


def test_who_knows_the_runlevel_and_the_boot(who: Path, utmp_file: Path) -> None:
    assert told(who, "-r", utmp_file) == ["run-level 3 Nov 14 23:13 last=2"]
    assert told(who, "-b", utmp_file) == ["system boot Nov 14 22:13"]


def test_who_knows_what_has_ended_where(who: Path, utmp_file: Path) -> None:
    assert told(who, "-d", utmp_file) == ["tty1 Nov 14 23:13 33 id=1 term=0 exit=0"]


def test_runlevel_knows_both_levels(utmp_file: Path, oracle_programs: Path) -> None:
    assert told(oracle_programs / "runlevel", utmp_file) == ["2 3"]


def test_last_knows_the_history(debian_program: Callable[[str, str], Path], tmp_path: Path) -> None:
    wtmp = tmp_path / "wtmp"
    wtmp.write_bytes(b"".join(utmp.for_wtmp(record, "6.1.0") for record in HISTORY))
    lines = told(debian_program("util-linux", "usr/bin/last"), "-x", "-f", wtmp)
    assert lines[0].startswith("runlevel (to lvl 3) 6.1.0 Tue Nov 14 23:13")
    assert lines[1].startswith("runlevel (to lvl 2) 6.1.0 Tue Nov 14 22:13 - 23:13 (01:00)")
    assert lines[2].startswith("reboot system boot 6.1.0 Tue Nov 14 22:13")


@pytest.fixture(scope="session")
def wtmpdb() -> list[str]:
    """Debian 13's, whose ``last`` reads no wtmp, with the libraries of its release."""
    names = (
        "libc6",
        "libwtmpdb0",
        "libaudit1",
        "libsystemd0",
        "libsqlite3-0",
        "libcap-ng0",
        "libcap2",
        "wtmpdb",
    )
    try:
        *libraries, folder = (unpacked(name, "trixie") for name in names)
    except PackageError as reason:
        pytest.skip(f"no wtmpdb: {reason}")
    found = {str(path.parent) for root in libraries for path in root.glob("usr/lib/*/lib*.so.*")}
    linker = next(libraries[0].glob("usr/lib/*/ld-linux-*"))
    return [str(linker), "--library-path", ":".join(found), str(folder / "usr/bin/wtmpdb")]


@pytest.mark.timeout(300)  # the packages are downloaded
def test_wtmpdb_takes_over_the_history(wtmpdb: list[str], tmp_path: Path) -> None:
    """docs/shutdown.rst, "last on Debian 13"."""
    wtmp, base = tmp_path / "wtmp", tmp_path / "boots.db"
    ended = utmp.shutdown(BOOTED + 2 * HOUR)
    again = utmp.boot_time(BOOTED + 3 * HOUR)
    wtmp.write_bytes(b"".join(utmp.for_wtmp(record, "6.1.0") for record in (*HISTORY, ended, again)))
    told(*wtmpdb, "import", "-f", base, wtmp)
    lines = told(*wtmpdb, "last", "-x", "-f", base)  # which puts an end below its boot
    assert [line for line in lines if "begins" not in line][1:] == [
        "reboot system boot 6.1.0 Tue Nov 14 22:13 - 00:13 (02:00)",
        "shutdown system down 6.1.0 Wed Nov 15 00:13 - 01:13 (01:00)",
    ]
    assert lines[0].startswith("reboot system boot 6.1.0 Wed Nov 15 01:13")
