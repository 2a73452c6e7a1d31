"""Our telinit and Debian's C telinit, side by side: the bytes they send, what they say, their exit status.

Both run as /run/telinit in a namespace of their own, in which /run is a folder of the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from sysvinit_py.protocol.initctl import RUNLVL, WAIT_TIME
from tests.system.conftest import OURS
from tests.system.system import INITCTL

REPOSITORY = Path(__file__).parents[2]
LAUNCHER = """\
#!/usr/bin/python3 -IS
import sys
sys.path.append("/run")
from sysvinit_py.clients.telinit import main
sys.exit(main())
"""
#: Mounts the folder on /run, and runs the program there, under the name that it is called by.
IN_NAMESPACE = 'mount --make-rprivate / && mount --bind "$1" /run && shift && exec "$@"'


class Outcome(NamedTuple):
    status: int
    sent: bytes
    stdout: str
    stderr: str


Run = Callable[..., Outcome]


def make_fifo(run: Path) -> None:
    os.mkfifo(run / "initctl", 0o600)


def nothing(run: Path) -> None:
    pass


def make_folder(run: Path) -> None:
    (run / "initctl").mkdir()


def dangling_link(run: Path) -> None:
    (run / "initctl").symlink_to("nowhere")


@pytest.fixture
def both(namespaces: None, oracle_programs: Path, tmp_path: Path) -> Callable[..., tuple[Outcome, Outcome]]:
    """Runs ours, then C's, with these arguments, and returns what came of each."""

    def run(
        program: str, *arguments: str, name: str, before: Callable[[Path], None], reader: bool, user: str
    ) -> Outcome:
        folder = tmp_path / program
        folder.mkdir()
        folder.chmod(0o755)
        if program == "ours":
            shutil.copytree(
                REPOSITORY / "sysvinit_py", folder / "sysvinit_py"
            )  # nobody may not be let in there
            (folder / name).write_text(LAUNCHER)
            (folder / name).chmod(0o755)
        else:
            (folder / name).write_bytes((oracle_programs / "init").read_bytes())
            (folder / name).chmod(0o755)
        before(folder)
        as_user = ["setpriv", "--reuid=65534", "--clear-groups"] if user == "nobody" else []
        unshare = ["unshare", "--mount"] + (["--user", "--map-root-user"] if os.geteuid() else [])
        fifo = os.open(folder / "initctl", os.O_RDONLY | os.O_NONBLOCK) if reader else None
        told = subprocess.run(
            [*unshare, "sh", "-c", IN_NAMESPACE, "sh", folder, *as_user, f"/run/{name}", *arguments],
            capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        sent = b""
        if fifo is not None:
            sent = os.read(fifo, 65_536)
            os.close(fifo)
        return Outcome(told.returncode, sent, told.stdout.decode(), told.stderr.decode())

    def run_both(
        *arguments: str,
        name: str = "telinit",
        before: Callable[[Path], None] = make_fifo,
        reader: bool = True,
        user: str = "root",
    ) -> tuple[Outcome, Outcome]:
        with ThreadPoolExecutor() as pool:
            ours, theirs = (
                pool.submit(run, program, *arguments, name=name, before=before, reader=reader, user=user)
                for program in ("ours", "theirs")
            )
            return ours.result(), theirs.result()

    return run_both


def with_our_wait_time(theirs: Outcome, arguments: Sequence[str] = ()) -> Outcome:
    """C 3.06 asks for 3 seconds unless told otherwise, and we for 5 (docs/differences.rst)."""
    magic, command, level, seconds, data = INITCTL.unpack(theirs.sent)
    if command == RUNLVL and not any(word.startswith("-t") for word in arguments):
        assert seconds == 3
        seconds = WAIT_TIME
    return theirs._replace(sent=INITCTL.pack(magic, command, level, seconds, data))


@pytest.mark.parametrize("level", "0123456789SsQqAaBbCcUu")
def test_each_request_is_the_same(level: str, both: Callable[..., tuple[Outcome, Outcome]]) -> None:
    ours, theirs = both(level)
    assert ours == with_our_wait_time(theirs)
    assert ours.status == 0
    assert len(ours.sent) == 384


@pytest.mark.parametrize(
    "arguments",
    [
        ["-t", "7", "3"],
        ["-t7", "3"],
        ["3", "-t", "7"],
        ["-t", "0", "3"],
        ["--", "3"],
        ["-e", "INIT_A=b"],
        ["-eINIT_A=b"],
        ["-e", "INIT_A=b c=d", "-e", "INIT_E"],
        ["-e", "INIT_A=b", "-t", "7"],
        ["-e", "INIT_A=é"],
        ["-e", "INIT_" + "x" * 361],
        ["-e", "INIT_" + "x" * 355, "-e", "INIT_"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_options_are_sent_the_same(
    arguments: list[str], both: Callable[..., tuple[Outcome, Outcome]]
) -> None:
    ours, theirs = both(*arguments)
    assert ours == with_our_wait_time(theirs, arguments)
    assert ours.status == 0
    assert len(ours.sent) == 384


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["-"],
        ["33"],
        ["x"],
        ["3", "4"],
        ["-t", "5"],
        ["-e", "INIT_A=b", "3"],
        ["-x"],
        ["--help", "3"],
        ["--version", "3"],
        ["3", "--version"],
        ["-t"],
        ["-e"],
        ["-e", "x" * 367],
        ["-e", "x" * 360, "-e", "y" * 6],
        ["-e", "x" * 400, "-x"],
        ["-e", "x" * 400, "3"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40] or "none",
)
@pytest.mark.parametrize("name", ["telinit", "init"])
def test_wrong_arguments_are_refused_in_the_same_words(
    name: str, arguments: list[str], both: Callable[..., tuple[Outcome, Outcome]]
) -> None:
    ours, theirs = both(*arguments, name=name)
    words = theirs.stderr.replace("|6|S|", "|6|7|8|9|S|")  # which C takes, too
    assert ours.stderr.startswith(words)
    assert ours._replace(stderr="") == theirs._replace(stderr="")
    assert ours.status == 1


@pytest.mark.parametrize(
    "arguments", [["-e", "FOO=1"], ["-e", ""], ["-e", "INIT_A=b", "-e", "FOO"], ["-t", "-1", "3"]]
)
def test_what_c_sends_and_nobody_means_is_refused(
    arguments: list[str], both: Callable[..., tuple[Outcome, Outcome]]
) -> None:
    """C reports success; its init drops such variables, and kills at once."""
    ours, theirs = both(*arguments)
    assert (theirs.status, len(theirs.sent), theirs.stderr) == (0, 384, "")
    assert (ours.status, ours.sent) == (1, b"")
    assert ours.stderr


def test_help(both: Callable[..., tuple[Outcome, Outcome]]) -> None:
    """C refuses it, with the usage."""
    ours, theirs = both("--help", before=nothing, reader=False)
    assert (theirs.status, ours.status) == (1, 0)
    assert ours.stdout.startswith("Usage: telinit ")
    assert ours.stderr == ""


@pytest.mark.parametrize("before", [nothing, make_folder, dangling_link])
@pytest.mark.parametrize("name", ["telinit", "init"])
def test_without_a_fifo_it_says_the_same(
    name: str, before: Callable[[Path], None], both: Callable[..., tuple[Outcome, Outcome]]
) -> None:
    ours, theirs = both("3", name=name, before=before, reader=False)
    assert ours == theirs
    assert ours.status == 1


def test_without_a_reader_both_give_up_after_three_seconds(
    both: Callable[..., tuple[Outcome, Outcome]],
) -> None:
    started = time.monotonic()
    ours, theirs = both("3", reader=False)
    assert time.monotonic() - started < 4.5
    assert ours == theirs
    assert ours.stderr == "telinit: timeout opening/writing control channel /run/initctl\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("arguments", [[], ["x"], ["3"], ["-x"]])
def test_nobody_may_ask(arguments: list[str], both: Callable[..., tuple[Outcome, Outcome]]) -> None:
    ours, theirs = both(*arguments, before=nothing, reader=False, user="nobody")
    assert ours == theirs
    assert ours.stderr == "telinit: must be superuser.\n"


def test_the_version_is_told_in_the_same_form(both: Callable[..., tuple[Outcome, Outcome]]) -> None:
    ours, theirs = both("--version", before=nothing, reader=False)
    for told in (ours, theirs):
        assert told.status == 0
        assert told.stdout.startswith("SysV init version: ")
        assert told.stdout.endswith("\n\n")
        assert told.stderr == ""


def test_where_nobody_can_hear_it(oracle_programs: Path) -> None:
    """Regression: the status was 120, and Python said why on the other stream."""
    for program in (OURS, oracle_programs / "telinit"):
        with open("/dev/full", "wb") as full:
            version = subprocess.run([program, "--version"], stdout=full, stderr=subprocess.PIPE, check=False)
            usage = subprocess.run([program], stdout=subprocess.PIPE, stderr=full, check=False)
        assert (version.returncode, version.stderr) == (0, b"")
        assert (usage.returncode, usage.stdout) == (1, b"")
