"""sv beside Debian's: the same words, orders and exit codes; and where ours does better."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, product
from pathlib import Path

import pytest

from sysvinit_py.protocol.supervise import DOWN, FINISH, NOT_UP, UP, Status
from tests.support.patience import PATIENCE
from tests.system.oracle import OracleError
from tests.system.runit_oracle import program, search_path
from tests.system.services.folder import PID, Folder, down, status

ROOT = Path(__file__).parents[3]
BE_SV = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    "from sysvinit_py.clients.runit.sv import main\n"
    "sys.exit(main(sys.argv[1:]))"
)
#: The name that it is called by follows.
OURS = (sys.executable, "-IS", "-c", BE_SV)
#: The one with which a time out takes less than a second.
SOON = {"SVWAIT": "0"}
Words = tuple[str, ...]


class Said(tuple[str, str, int]):
    """Standard output and error, and the exit status."""


def sv(ours: bool, words: Words, called: str = "sv", **variables: str) -> Said:
    command = [*OURS, called] if ours else [called]
    done = subprocess.run(
        [*command, *words], executable=None if ours else oracle(), capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", **variables}, timeout=30 * PATIENCE, check=False,
    )  # fmt: skip
    return Said((re.sub(r"\b\d+s\b", "Ns", done.stdout), done.stderr, done.returncode))


def oracle() -> str:
    try:
        return program("sv")
    except OracleError as reason:
        pytest.skip(f"no oracle: {reason}")


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Callable[..., Folder]]:
    """Makes folders of services, ours and C's of the same name."""
    made: list[Folder] = []
    numbers = count()

    def make(first: Status | None = None, name: str = "web") -> Folder:
        folder = Folder(tmp_path / f"{next(numbers)}" / name, first)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        folder.leave()


@pytest.fixture
def both(folders: Callable[..., Folder]) -> Callable[..., tuple[Said, str]]:
    """Runs ours and C's in the same situation, at the same time, and returns what they said and ordered."""

    def run(
        *words: str,
        first: Status | None = None,
        then: Callable[[], Status] | None = None,
        log: Status | None = None,
        prepare: Callable[[Folder], object] = lambda _: None,
        called: str = "sv",
    ) -> tuple[Said, str]:
        def one(ours: bool) -> tuple[Said, str]:
            folder = folders(first)
            if log:
                folder.add_logger(log)
            prepare(folder)
            variables = {"SVDIR": str(folder.path.parent), "SVWAIT": "5" if then else "0"}
            later = threading.Timer(0.5, lambda: folder.write(then()) if then else None)
            later.start()
            said = sv(ours, words, called, **variables)
            later.join() if then else later.cancel()
            out, err = (text.replace(str(folder.path), "FOLDER") for text in said[:2])
            return Said((out, err, said[2])), folder.orders()

        oracle()
        with ThreadPoolExecutor(2) as pool:
            ours, c = pool.map(one, (True, False))
        assert ours == c, (called, words, first)
        return ours

    return run


def at_once(one: Callable[..., object], *cases: Iterable[object]) -> None:
    """Do it for each combination; most of the time they wait."""
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(lambda case: one(*case), product(*cases))]


Both = Callable[..., tuple[Said, str]]
FIRSTS = {
    "run": status(), "down": down(), "paused": status(paused=True), "finish": status(state=FINISH),
    "finish, want down": status(state=FINISH, want=NOT_UP), "got TERM": status(got_term=True),
    "run, want down": status(want=NOT_UP), "no state": status(state=7),
    "down, paused": status(pid=0, state=DOWN, paused=True),
}  # fmt: skip


@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("normally_down", [True, False])
def test_status(both: Both, first: str, normally_down: bool) -> None:
    def prepare(folder: Folder) -> None:
        if normally_down:
            (folder.path / "down").touch()

    said, orders = both("status", "web", first=FIRSTS[first], prepare=prepare)
    assert "web: " in said[0]
    assert orders == ""
    both("status", "web", first=FIRSTS[first], log=FIRSTS[first], prepare=prepare)


COMMANDS = """
    down once pause cont hup alarm interrupt quit 1 2 term kill exit stop reload restart shutdown force-stop
    force-reload force-restart force-shutdown try-restart s st starting r re resta reload1 force force-x sh
    c ch checks t try- d o p h a i q k e x z 0 S U D E T X - check
"""


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("first", ["run", "down"])
def test_commands(both: Both, waits: bool, first: str) -> None:
    """What each writes, says and ends with, where nothing follows: at once, or when the time is over."""
    at_once(lambda command: both(*["-v"] * waits, command, "web", first=FIRSTS[first]), COMMANDS.split())


#: What comes half a second later.
THEN: dict[str, Callable[[], Status]] = {
    "up": lambda: status(0), "new": lambda: status(0, PID + 1), "down": lambda: down(0),
    "paused": lambda: status(paused=True), "cont": status, "once": lambda: status(0, want=NOT_UP),
}  # fmt: skip
WAITS = [
    ("up", "down", "up"), ("start", "down", "up"), ("down", "run", "down"), ("stop", "run", "down"),
    ("pause", "run", "paused"), ("cont", "paused", "cont"), ("restart", "run", "new"), ("term", "run", "new"),
    ("try-restart", "run", "new"), ("kill", "run", "down"), ("once", "down", "once"),
    ("once", "down", "down"), ("force-restart", "run", "new"), ("force-stop", "run", "down"),
]  # fmt: skip


def test_waits(both: Both) -> None:
    def one(case: tuple[str, str, str]) -> None:
        command, first, then = case
        said, _ = both("-v", command, "web", first=FIRSTS[first], then=THEN[then])
        assert said[0].startswith(f"ok: {'down' if then == 'down' else 'run'}: web: ")

    at_once(one, WAITS)


def _without(name: str) -> Callable[[Folder], None]:
    return lambda folder: (folder.path / "supervise" / name).unlink()


def _short(folder: Folder) -> None:
    (folder.path / "supervise/status").write_bytes(bytes(19))


def _ok_is_a_folder(folder: Folder) -> None:
    (folder.path / "supervise/ok").unlink()
    (folder.path / "supervise/ok").mkdir()


def _ok_is_a_file(folder: Folder) -> None:
    (folder.path / "supervise/ok").unlink()
    (folder.path / "supervise/ok").touch()


@pytest.mark.parametrize(
    "prepare",
    [Folder.leave, _without("ok"), _without("status"), _without("control"), _short, _ok_is_a_folder,
     _ok_is_a_file, Folder.fill],
    ids=["gone", "no ok", "no status", "no control", "short", "ok a folder", "ok a file", "full"],
)  # fmt: skip
def test_troubles(both: Both, prepare: Callable[[Folder], None]) -> None:
    commands = ["status", "down", "exit", "stop", "force-shutdown", "check", "reload"]
    at_once(lambda command: both(command, "web", prepare=prepare), commands)


CHECKS = ["exit 1", "exit 0", "echo a; pwd >&2"]


def test_check(both: Both) -> None:
    def one(command: str, check: str, mode: int) -> None:
        def prepare(folder: Folder) -> None:
            (folder.path / "check").write_text(check)
            (folder.path / "check").chmod(mode)

        both(command, "web", prepare=prepare)

    scripts = [*(f"#!/bin/sh\n{check}\n" for check in CHECKS), "exit 1\n", "#!/none\n"]
    at_once(one, ["check", "stop", "reload"], scripts, [0o755, 0o644])


def test_command_lines(both: Both) -> None:
    lines: list[Words] = [
        (), ("-v",), ("-w",), ("-w", "5"), ("status",), ("-x", "status", "web"), ("--", "status", "web"),
        ("-", "status", "web"), ("status", "-v", "web"), ("-vw5", "status", "web"), ("-w5", "status", "web"),
        ("-w", "abc", "stop", "web"), ("-w", "-1", "stop", "web"), ("", "web"), ("y", "web"), ("status", ""),
        ("status", "nope"), ("status", ".x"), ("status", "/none"), ("status", "web", "/none", "web"), ("-h",),
        ("status", *("/none",) * 120), ("-w0", "stop", "web", *("/none",) * 99), ("X",), ("status", "../web"),
        ("-v", "--any", "status", "web"),
    ]  # fmt: skip
    at_once(lambda words: both(*words), lines)


def test_as_an_lsb_script(both: Both) -> None:
    def one(command: str, called: str) -> None:
        both(*[command] * bool(command), called=called, first=down() if command in ("status", "u") else None)

    at_once(one, ["status", "stop", "check", "foo", "u", ""], ["web", "/etc/init.d/web", "./web"])


# Better than C: what C says in the same situation comes first.


def _one(ours: bool, folder: Folder, *words: str, **variables: str) -> Said:
    return sv(ours, words, **{"SVDIR": str(folder.path.parent), **SOON, **variables})


def test_an_order_is_always_written(folders: Callable[..., Folder]) -> None:
    """C leaves up out if the status says so already: after down and up within runsv's pause it stays down."""
    folder = folders()
    _one(False, folder, "up", "web")
    assert folder.orders() == ""
    _one(True, folder, "up", "web")
    assert folder.orders() == "u"


def test_restart_within_the_second_of_the_start(folders: Callable[..., Folder]) -> None:
    """C compares whole seconds, and says ok with the old process."""
    folder = folders(status(-0.9))
    assert _one(False, folder, "restart", "web")[0] == f"ok: run: web: (pid {PID}) Ns\n"
    assert _one(True, folder, "restart", "web")[0] == f"timeout: run: web: (pid {PID}) Ns\n"


def test_once_waits_for_the_start(folders: Callable[..., Folder]) -> None:
    """C takes a service that went down this second for one that has run."""
    folder = folders(down(-0.9))
    assert _one(False, folder, "-v", "once", "web")[0].startswith("ok: down: ")
    assert _one(True, folder, "-v", "once", "web")[0].startswith("timeout: down: ")


def test_stopped_is_down_to_stay(folders: Callable[..., Folder]) -> None:
    """C says ok of one that is about to start, as runsv has not read the order yet."""
    folder = folders(down(want=UP))
    assert _one(False, folder, "-v", "down", "web")[0] == "ok: down: web: Ns, normally up, want up\n"
    assert _one(True, folder, "-v", "down", "web")[0] == "timeout: down: web: Ns, normally up, want up\n"


def test_check_is_of_what_is_wanted(folders: Callable[..., Folder]) -> None:
    """The manual says so; C says ok of any service that is down."""
    folder = folders(down(want=UP))
    assert _one(False, folder, "check", "web")[::2] == ("ok: down: web: Ns, normally up, want up\n", 0)
    assert _one(True, folder, "check", "web")[::2] == ("timeout: down: web: Ns, normally up, want up\n", 1)


def test_a_check_that_is_killed_has_not_passed_and_one_that_hangs_is_not_waited_for(
    folders: Callable[..., Folder],
) -> None:
    """C takes the first for passed, and waits forever for the second."""
    folder = folders()
    check = folder.path / "check"
    check.write_text("#!/bin/sh\nkill -9 $$\n")
    check.chmod(0o755)
    assert _one(False, folder, "check", "web")[2] == 0
    assert _one(True, folder, "check", "web")[2] == 1
    check.write_text("#!/bin/sh\nexec sleep 1000\n")
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([oracle(), "-w0", "check", folder.path], timeout=2, check=False)
    assert _one(True, folder, "check", "web")[2] == 1


def test_lsb_status_is_the_services_own(folders: Callable[..., Folder], tmp_path: Path) -> None:
    """C's is the logger's, and 1 if nothing is known."""
    for first, log, c, ours in ((status(), down(), 3, 0), (down(), status(), 0, 3)):
        folder = folders(first)
        folder.add_logger(log)
        base = {"SVDIR": str(folder.path.parent)}
        assert sv(False, ("status",), "web", **base)[2] == c
        assert sv(True, ("status",), "web", **base)[2] == ours
    assert sv(False, ("status",), "none", SVDIR=str(tmp_path))[2] == 1
    assert sv(True, ("status",), "none", SVDIR=str(tmp_path))[2] == 4


@pytest.mark.parametrize(("ours", "killed"), [(False, "dk"), (True, "d")])
def test_a_service_says_how_long_it_takes_to_stop(
    folders: Callable[..., Folder], ours: bool, killed: str
) -> None:
    """Not killed before that, also if sv was told otherwise: C kills a database after 7 seconds."""
    folder = folders()
    (folder.path / "wait").write_text("3\n")
    stopping = threading.Timer(2, folder.write, [down(-2)])
    stopping.start()
    said = _one(ours, folder, "-w1", "force-stop", "web")
    stopping.join()
    assert folder.orders() == killed
    assert said[0].startswith("ok: down: " if ours else "kill: run: ")


def test_w_wins_over_what_the_service_says(folders: Callable[..., Folder]) -> None:
    folder = folders()
    (folder.path / "wait").write_text("30\n")
    assert _one(True, folder, "-w0", "stop", "web")[2] == 1
    (folder.path / "wait").write_text("0\n")
    assert sv(True, ("stop", str(folder.path)))[0].startswith("timeout: ")


def test_a_terminal_is_told_who_is_waited_for(folders: Callable[..., Folder]) -> None:
    folder = folders()
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", 0) as seen:
        done = subprocess.run([*OURS, "sv", "-w1", "stop", folder.path], stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        assert f"sv: waiting up to 0 s for {folder.path}\x1b[K".encode() in seen.read(1000)
    assert done.stdout.startswith(b"timeout: run: ")


def test_json_and_quiet(folders: Callable[..., Folder]) -> None:
    """The object of inittab status --json; and the exit status, which C has for LSB scripts only."""
    folder = folders(status(got_term=True))
    folder.add_logger(down())
    said = _one(True, folder, "--json", "status", "web")
    init, entries = (json.loads(said[0])[name] for name in ("init", "entries"))
    assert init["version"] is None
    assert [(entry["id"], entry["state"]) for entry in entries] == [
        ("web", "restarting"),
        ("web/log", "stopped"),
    ]
    assert said[1:] == ("", 0)
    assert _one(True, folder, "--quiet", "status", "web") == ("", "", 0)
    folder.write(down())
    assert _one(True, folder, "--quiet", "status", "web") == ("", "", 3)
    assert _one(True, folder, "--quiet", "status", "web", "none") == ("", "", 4)
    assert _one(True, folder, "--json", "status", "none")[1] == "sv: none: file does not exist\n"
    assert _one(True, folder, "--json", "stop", "web")[2] == 100
    oracle()
    assert _one(False, folder, "--json", "status", "web")[0].startswith("down: "), "words"


@pytest.mark.parametrize("ago", [-100_000, 1.7e9], ids=["backwards", "forwards"])
def test_the_time_of_a_clock_that_was_set(folders: Callable[..., Folder], ago: float) -> None:
    """A process runs neither since tomorrow nor since before the boot; C's says 0, or billions of seconds."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        folder = folders(status(ago, process.pid))
        time.sleep(2.1)
        ours, c = (
            subprocess.run([*program, "status", folder.path], stdout=subprocess.PIPE, text=True, check=True)
            for program in ((*OURS, "sv"), (oracle(),))
        )
        told = json.loads(_one(True, folder, "--json", "status", "web")[0])["entries"][0]["since"]
        process.kill()
    seconds = [int(said.stdout.rpartition(") ")[2].rstrip("s\n")) for said in (ours, c)]
    assert 2 <= seconds[0] < 60
    assert seconds[1] == 0 if ago < 0 else seconds[1] > 1e9
    assert told[:8] == time.strftime("%Y-%m-", time.gmtime())


@pytest.mark.timed
def test_a_hundred_services_take_little_more_than_the_interpreter(folders: Callable[..., Folder]) -> None:
    names = [str(folders().path) for _ in range(100)]
    python = [sys.executable, "-IS", "-c", "pass"]

    def least(command: list[str]) -> float:
        def once() -> float:
            began = time.monotonic()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            return time.monotonic() - began

        return min(once() for _ in range(15))

    assert least([*OURS, "sv", "status", *names]) <= 1.5 * least(python) + 0.005


# With a runsv of Debian's.


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Path]:
    """A folder with a service, and a logger, below Debian's runsvdir, which is ended with them."""
    oracle()
    for name, text in (("web/run", "exec sleep 1000"), ("web/log/run", "exec cat"), ("bad/run", "exit 1")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    process = subprocess.Popen(
        [program("runsvdir"), "-P", tmp_path], env={"PATH": search_path()},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(lambda: sv(True, ("--quiet", "status", "web", "web/log"), SVDIR=str(tmp_path))[2] == 0)
        yield tmp_path
    finally:
        process.kill()
        process.wait()
        for ours in (True, False):
            sv(ours, ("-w9", "force-shutdown", *map(str, tmp_path.iterdir())))


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10 * PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_on_debians_runsv(services: Path) -> None:
    def run(*words: str) -> str:
        return re.sub(r"pid \d+", "pid N", sv(True, words, SVDIR=str(services))[0])

    assert run("status", "web") == "run: web: (pid N) Ns; run: log: (pid N) Ns\n"
    assert run("stop", "web") == "ok: down: web: Ns, normally up\n"
    assert run("-v", "once", "web") == "ok: run: web: (pid N) Ns, want down\n"
    assert run("start", "web") == "ok: run: web: (pid N) Ns\n"
    assert run("restart", "web") == "ok: run: web: (pid N) Ns\n"
    assert run("-v", "pause", "web") == "ok: run: web: (pid N) Ns, paused\n"
    assert run("force-reload", "web") == "ok: run: web: (pid N) Ns\n"
    assert run("-v", "up", "web/log") == "ok: run: web/log: (pid N) Ns\n"


def test_an_exit_that_runsvdir_will_undo_is_said_to_be(services: Path) -> None:
    """C says ok, and seconds later it runs again."""
    said = sv(True, ("exit", "bad"), SVDIR=str(services))
    assert said[0] == ""
    assert re.fullmatch(r"sv: bad: runsvdir \(\d+\) starts its runsv again within seconds: .*\n", said[1])
    assert sv(True, ("down", "web"), SVDIR=str(services))[1] == ""
    assert sv(True, ("exit", "web/log"), SVDIR=str(services))[1] == "", "a logger ignores that"


def test_a_logger_that_is_not_known(folders: Callable[..., Folder]) -> None:
    """C warns, and shows the service's status as the logger's."""
    folder = folders()
    (folder.path / "log").mkdir()
    warning = "warning: web/log: unable to open supervise/ok: file does not exist\n"
    own = f"run: web: (pid {PID}) Ns; {warning}"
    assert _one(False, folder, "status", "web")[::2] == (f"{own}run: log: (pid {PID}) Ns\n", 1)
    assert _one(True, folder, "status", "web")[::2] == (own, 1)


def test_what_cannot_be_written_is_said(folders: Callable[..., Folder]) -> None:
    """C exits 0."""
    folder = folders()
    with open("/dev/full", "w") as full:
        c = subprocess.run([oracle(), "status", folder.path], stdout=full, check=False)
        ours = subprocess.run(
            [*OURS, "sv", "status", folder.path], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert c.returncode == 0
    assert (ours.returncode, ours.stderr) == (100, b"sv: unable to write: out of disk space\n")
