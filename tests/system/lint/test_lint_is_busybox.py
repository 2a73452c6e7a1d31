"""For the target busybox the errors are the lines that Debian's BusyBox refuses; and its quirks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.lint.check import check
from sysvinit_py.lint.reading import JoinedLine, read
from sysvinit_py.lint.targets import BUSYBOX
from tests.system.lint.bare import BusyBoxInit
from tests.system.lint.mutants import mutants, originals


@pytest.fixture(scope="module")
def busybox(debian_program: Callable[[str, str], Path]) -> Path:
    """Debian's static BusyBox, unpacked, never installed."""
    return debian_program("busybox-static", "bin/busybox")


@pytest.fixture(scope="module")
def busybox_init(busybox: Path, namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> BusyBoxInit:
    return BusyBoxInit(tmp_path_factory.mktemp("bare") / "root", busybox)


def compare(init: BusyBoxInit, data: bytes) -> None:
    if data.endswith((b"\\", b"\\\n")):
        return  # what is added to it to see its end would be joined to it
    document = read(data, "inittab", BUSYBOX, {})
    last = {  # it names an entry of several lines by the last of them
        line.number: line.number + (len(line.written) - 1 if isinstance(line, JoinedLine) else 0)
        for line in document.lines
    }
    assert [last[problem.line] for problem in document.problems] == init.bad_lines(data), data
    errors = [f for f in check([("inittab", data)], BUSYBOX) if f.severity == "error"]
    assert len(errors) == len(document.problems), data


def test_corpus(busybox_init: BusyBoxInit) -> None:
    for data in originals():
        compare(busybox_init, data)


@pytest.mark.parametrize("seed", range(100, 103))
def test_mutants(seed: int, busybox_init: BusyBoxInit) -> None:
    for data in mutants(seed, 200):
        if b"inittab-lint" not in data:
            compare(busybox_init, data)


@pytest.mark.parametrize(
    "data",
    [
        b"::once:/x\n::Once:/x\n:: once:/x\n::once :/x\n::once: /x\n",
        b"::initdefault:\n::off:/x\n::boot:/x\n::powerfail:/x\n::askfirst:/x\n::restart:/x\n::shutdown:/x\n",
        b"  # a\n# b\n \n\n\t\n#\n",
        b"::once:\n::once:#x\n::once:/x#y\n::once\n::\n:\n:::\n::::\n",
        b"abcdefghijk:1234567890123:once:/x\n : :once:/x\n",
        b"::once:/x\\\n/y\n::bad\\\n:/x\n#\\\n::bad:\n\\\n\\\n\n::bad:\n",
        b"::once:/\0x\n\0::once:/x\n::on\0ce:/x\n\0\n::once:\0/x\n",
        b"::once:" + b"x" * 6000 + b"\n" + b"#" * 6000 + b"\n::bad:/x\n",
    ],
)
def test_edges(data: bytes, busybox_init: BusyBoxInit) -> None:
    compare(busybox_init, data)


def codes(inittab: bytes) -> list[str]:
    return [f.code for f in check([("inittab", inittab)], BUSYBOX) if f.severity != "info"]


@pytest.mark.parametrize(
    ("inittab", "at_boot", "code"),
    [
        (b"::sysinit:/a\n::sysinit:/b\n::once:/a\n", [b"/b"], ["INT708"]),
        (b"::sysinit:/a\n::sysinit:/b\nnull::once:/a\n", [b"/a", b"/b"], []),
    ],
)
def test_of_two_entries_with_one_command_the_first_is_lost(
    inittab: bytes, at_boot: list[bytes], code: list[str], busybox_init: BusyBoxInit
) -> None:
    tried = re.findall(rb"can't run '(.+?)'", busybox_init.said(inittab + b"::sysinit:/c\n"))
    assert tried[: tried.index(b"/c")] == at_boot
    assert codes(inittab) == code


@pytest.mark.parametrize(
    ("inittab", "restarted", "code"),
    [
        (b"::restart:/a\n::restart:/b\n", b"/a", ["INT707"]),
        (b"::restart:/a\n::restart:/b\n::shutdown:/a\n", b"/b", ["INT708"]),
    ],
)
def test_the_first_restart_counts(
    inittab: bytes, restarted: bytes, code: list[str], busybox_init: BusyBoxInit
) -> None:
    *_, last = re.findall(rb"can't run '(.+?)'", busybox_init.said(inittab, restart=True))
    assert last == restarted
    assert codes(inittab) == code


@pytest.fixture(scope="module")
def shells(busybox: Path, namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> BusyBoxInit:
    """Here commands can run: sh, echo and printf."""
    init = BusyBoxInit(tmp_path_factory.mktemp("shells") / "root", busybox)
    (init.root / "bin").mkdir()
    shutil.copy(busybox, init.root / "bin/busybox")
    for name in ("sh", "echo", "printf"):
        (init.root / "bin" / name).symlink_to("busybox")
    return init


@pytest.mark.parametrize(
    ("process", "printed", "code"),
    [
        ("echo a 2>/dev/null", "a", ""),
        ("echo a && echo b", "a", "INT502"),
        ("FOO=1 echo a", "exec: line 0: FOO=1: not found", "INT502"),
        ("cd / ; echo a", "exec: line 0: cd: not found", "INT502"),
        ("exec echo a", "can't run 'exec'", "INT508"),
        ("(echo a)", "syntax error", "INT502"),
        ("printf 'a b'", "a b", ""),
        ("-sh -c 'echo a; echo b'", "a\nb", ""),
        ("echo a # b", "a", ""),
        ("+echo a", "can't run '+echo'", "INT507"),
        (" echo a", "can't run ''", "INT704"),
        (" echo a 2>&1", "a", ""),
    ],
)
def test_commands(process: str, printed: str, code: str, shells: BusyBoxInit) -> None:
    line = f"::sysinit:{process}\n"
    said = shells.said(line.encode()).partition(b"can't run '/the-last-line'")[0].replace(b"\r", b"")
    assert printed in said.decode()
    assert codes(line.encode()) == ([code] if code else [])
