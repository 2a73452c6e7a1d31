"""runsv, ours and Debian's: the same orders lead to the same words and bytes."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.system.runit_oracle import program
from tests.system.services.conftest import Make
from tests.system.services.supervised import CAT, OURS, ROOT, SLEEP, gaps, is_alive

DEAF = "trap '' TERM; > ready; while :; do sleep 0.05; done"
SLOW = "sleep 0.7"
#: Longer than what is followed by a pause.
LONG = 1.05

#: The signals 32 and 33, which posix_spawn(3) ignores: they are glibc's own.
GLIBC = 0x180000000

#: Files, and steps: what is ordered of the service (or of ``log:``), and what stat then says.
SCENARIOS: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "signals": (
        {"run": DEAF},
        [
            ("t", "run, got TERM"), ("d", "run, got TERM, want down"), ("u", "run, got TERM"),
        ],
    ),
    "pause": (
        {"run": DEAF},
        [
            ("p", "run, paused"), ("d", "run, paused, got TERM, want down"),
            ("c", "run, got TERM, want down"),
        ],
    ),
    "down and paused": (
        {"run": SLEEP},
        [
            ("p", "run, paused"), ("d", "down, paused"),
        ],
    ),
    "down": (
        {"run": SLEEP, "down": ""},
        [
            ("p", "down, paused"), ("c", "down"), ("o", "run, want down"), ("u", "run"),
            ("o", "run, want down"), ("d", "down"),
        ],
    ),
    "finish": (
        {"run": SLEEP, "finish": SLOW},
        [
            ("t", "finish"), ("p", "finish, paused"), ("c", "finish"), ("o", "finish, want down"),
            ("u", "finish"), ("d", "finish, want down"), ("", "down"),
        ],
    ),
    "exit cancelled": (
        {"run": SLEEP, "finish": SLOW},
        [
            ("x", "finish, want exit"), ("u", "finish"), ("", "run"),
        ],
    ),
    "exit, then down": (
        {"run": DEAF},
        [
            ("x", "run, got TERM, want exit"), ("d", "run, got TERM, want down"), ("k", "down"),
        ],
    ),
    "killed": (
        {"run": SLEEP, "finish": SLOW},
        [
            ("p", "run, paused"), ("k", "finish"), ("", "run"),
        ],
    ),
    "noise": (
        {"run": DEAF},
        [
            ("\nXZ t", "run, got TERM"),
        ],
    ),
    "several": (
        {"run": DEAF},
        [
            ("pcdut", "run, got TERM"),
        ],
    ),
    "control/t": (
        {"run": DEAF, "control/t": "exit 0", "control/p": "exit 0"},
        [
            ("d", "run, want down"), ("u", "run"), ("p", "run, paused"),
            ("x", "run, paused, want exit"),
        ],
    ),
    "control/t fails": (
        {"run": DEAF, "control/t": "exit 1"},
        [
            ("d", "run, got TERM, want down"),
        ],
    ),
    "log": (
        {"run": SLEEP, "log/run": CAT},
        [
            ("log:x", "run"), ("log:p", "run, paused"), ("log:c", "run"), ("log:d", "down"),
        ],
    ),
    "log last": (
        {"run": SLEEP, "log/run": "cat > got; exec sleep 1000"},
        [
            ("x", "down"), ("log:", "run, want exit"),
        ],
    ),
    "log down": (
        {"run": SLEEP, "log/run": CAT, "log/down": ""},
        [
            ("log:", "down"), ("log:o", "run, want down"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_orders(service: Make, who: str, name: str) -> None:
    """What is published after each order; pid and status agree with stat."""
    files, steps = SCENARIOS[name]
    one = service(files)
    one.start(who)
    one.wait_stat("down" if "down" in files else "run")
    one.wait(lambda: files["run"] != DEAF or (one.path / "ready").exists())
    if "cancelled" in name or "killed" in name:
        time.sleep(LONG)
    for order, stat in steps:
        slot, _, letters = order.rpartition(":")
        one.order(letters, slot)
        one.wait_stat(stat, slot)


FILES = ["control", "lock", "ok", "pid", "stat", "status"]


def test_files(service: Make, who: str) -> None:
    """Names, kinds and modes; ours has a record in the lock, which Debian's does not mind."""
    one = service({"run": SLEEP, "log/run": CAT, "log/down": ""})
    one.start(who)
    one.wait_stat("run")
    for slot, missing in (("", set()), ("log", {"pid"})):
        folder = one.path / slot / "supervise"
        assert {path.name for path in folder.iterdir()} == set(FILES) - missing
        assert folder.stat().st_mode & 0o777 == 0o700
        modes = {name: oct((folder / name).stat().st_mode) for name in FILES if name not in missing}
        fifo, private, public = "0o10600", "0o100600", "0o100644"
        wanted = {
            "control": fifo,
            "lock": private,
            "ok": fifo,
            "pid": public,
            "stat": public,
            "status": public,
        }
        assert modes == {name: mode for name, mode in wanted.items() if name not in missing}
        assert ((folder / "lock").read_bytes() == b"") == (who != "ours")


@pytest.mark.parametrize(
    ("run", "arguments"),
    [("exit 7", "7 0"), ("kill -9 $$", "-1 9"), ("kill $$", "-1 15"), (None, "111 0")],
)
def test_arguments_of_finish(service: Make, who: str, run: str | None, arguments: str) -> None:
    one = service({"finish": 'echo "$@" >> told'} | ({"run": run} if run else {}))
    one.start(who)
    one.wait(lambda: one.read("told") == f"{arguments}\n")
    if run is None:
        assert one.errors == "runsv web: fatal: unable to start ./run: file does not exist\n"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("run", "exit", "access denied"),
        ("run", "exit\n", "exec format error"),
        ("run", "#!/no/such\n", "file does not exist"),
        ("finish", "exit", "access denied"),
        ("finish", "exit\n", "exec format error"),
        ("log/run", "exit", "access denied"),
    ],
)
def test_what_cannot_be_started(service: Make, who: str, name: str, data: str, reason: str) -> None:
    one = service({"run": "exit 1", name: ""})
    (one.path / name).write_text(data)
    (one.path / name).chmod(0o755 if data.endswith("\n") else 0o644)
    one.start(who)
    shown = name.replace("run", "./run").replace("finish", "./finish")
    one.wait(lambda: one.errors.startswith(f"runsv web: fatal: unable to start {shown}: {reason}\n"))


def test_start_up_errors(service: Make, who: str, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        begun = OURS if who == "ours" else [program("runsv")]
        done = subprocess.run(
            [*begun, *words], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr.replace(str(Path(begun[0])), "runsv")

    one = service({"run": SLEEP})
    one.start(who)
    one.wait_stat("run")
    before = one.status()
    service({"supervise/control": ""}, "plain")
    service({"supervise": ""}, "file")
    (tmp_path / "none").write_text("")
    fatal = "runsv {}: fatal: {}\n".format
    assert run("nowhere") == (111, fatal("nowhere", "unable to change to directory: file does not exist"))
    assert run("none") == (111, fatal("none", "unable to change to directory: not a directory"))
    assert run("web") == (111, fatal("web", "unable to lock supervise/lock: temporary failure"))
    assert run("plain") == (111, fatal("plain", "supervise/control exists but is not a fifo"))
    assert run("file") == (111, fatal("file", "unable to open supervise/lock: not a directory"))
    assert run() == run("a", "b") == (1, "usage: runsv dir\n\n")
    assert one.status() == before, "the holder's files are untouched"


def test_what_processes_are_given(service: Make, who: str) -> None:
    """Environment, umask, descriptors, signals, session, folder: runsv's own."""
    tell = """\
for fd in /proc/$$/fd/*; do readlink "$fd"; done | grep -v "^pipe\\|^/dev/null\\|errors$\\|/web/" > {0}.fds
grep "^Sig[BI]" /proc/self/status > {0}.signals
umask > {0}.umask
pwd > {0}.cwd
env | grep "^SOME\\|^LC\\|^LANG" > {0}.env
ps -o pgid=,sid= -p $$ > {0}.ids
echo {0} line
"""
    files = {"run": tell.format("run") + SLEEP, "log/run": CAT}
    one = service(files | {"control/h": tell.format("h"), "finish": tell.format("finish")})
    os.environ["SOME"] = "a=b"
    runsv = one.start(who, umask=0o027, start_new_session=True)
    one.wait(lambda: one.read("log/got") == "run line\n")
    one.order("h")
    one.wait(lambda: one.read("log/got") == "run line\nh line\n")
    one.order("x")
    assert runsv.wait(10) == 0
    assert one.read("log/got") == "run line\nh line\nfinish line\n"
    for name in ("run", "h", "finish"):
        assert one.read(f"{name}.fds") == ""
        assert [int(line.split()[1], 16) & ~GLIBC for line in one.read(f"{name}.signals").splitlines()] == [
            0,
            0,
        ]
        assert one.read(f"{name}.umask") == "0027\n"
        assert one.read(f"{name}.cwd") == f"{one.path}\n"
        assert one.read(f"{name}.env").splitlines() == [
            f"{key}={value}" for key, value in os.environ.items() if key.startswith(("SOME", "LC", "LANG"))
        ]
        assert one.read(f"{name}.ids").split() == [str(runsv.pid)] * 2


def test_order_of_control_programs(service: Make, who: str) -> None:
    files = {f"control/{letter}": f"echo {letter} >> told" for letter in "utdxcpo"}
    one = service(files | {"run": DEAF, "control/k": "echo k >> told; exit 1"})
    one.start(who)
    one.wait(lambda: (one.path / "ready").exists())
    one.order("pcdxk")
    assert one.runsv
    assert one.runsv.wait(10) == 0
    assert one.read("told").split() == ["u", "p", "c", "t", "d", "t", "x", "k"]


def test_a_control_program_that_cannot_be_executed(service: Make, who: str) -> None:
    """It is said, and the signal is sent. C's names no letter; regression: ours said nothing."""
    one = service({"run": SLEEP, "control/t": "", "finish": "exec cp /dev/null done"})
    (one.path / "control/t").write_text("#!/no/such\n")
    (one.path / "control/t").chmod(0o755)
    one.start(who)
    one.wait_stat("run")
    one.order("d")
    one.wait_stat("down")
    letter = "t" if who == "ours" else "?"
    assert one.errors == f"runsv web: fatal: unable to run control/{letter}: file does not exist\n"


def test_a_logger_whose_folder_is_locked(service: Make, who: str) -> None:
    """The service waits for it; only ours says why."""
    one = service({"run": SLEEP, "log/run": CAT, "log/supervise/lock": ""})
    lock = (one.path / "log/supervise/lock").open("r+")
    fcntl.flock(lock, fcntl.LOCK_EX)
    threading.Timer(0.5, lock.close).start()
    one.start(who)
    one.wait_stat("run")
    one.wait_stat("run", "log")
    told = "runsv web: warning: unable to start ./run: unable to lock log/supervise/lock: temporary failure\n"
    assert (told in one.errors) is (who == "ours")


def test_throttle(service: Make, who: str) -> None:
    """A pause after a cycle shorter than a second, none after a longer one, whatever part was long."""
    short = service({"run": "date +%s.%N >> told; exec sleep 0.2"}, "short")
    long = service({"run": "date +%s.%N >> told; exec sleep 1.1"}, "long")
    finish = service({"run": "date +%s.%N >> told", "finish": "sleep 1.1"}, "finish")
    for one in (short, long, finish):
        one.start(who)
    for one, low, high in ((short, 1.2, 1.5), (long, 1.1, 1.4), (finish, 1.1, 1.4)):
        while len(one.read("told").split()) < 3:
            time.sleep(0.05)
        told = [float(word) for word in one.read("told").split()]
        assert low <= min(told[1] - told[0], told[2] - told[1]) <= high, one.path.name


def test_nothing_is_lost_between_run_and_log(service: Make, who: str) -> None:
    """Lines reach the logger in order, whichever side is killed."""
    one = service(
        {"run": "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done", "log/run": "exec cat >> got"}
    )
    one.start(who)
    one.wait(lambda: one.read("log/got").count("\n") > 20)
    os.kill(one.pid("log"), signal.SIGKILL)
    have = one.read("log/got").count("\n")
    one.wait(lambda: one.read("log/got").count("\n") > have + 20)
    one.order("x")
    assert one.runsv
    assert one.runsv.wait(10) == 0
    assert gaps(one.read("log/got")) <= 1


@pytest.mark.parametrize("how", ["x", "TERM"])
def test_exit_waits_for_finish_and_log(service: Make, who: str, how: str) -> None:
    one = service(
        {
            "run": "trap 'exit 3' TERM; > ready; while :; do sleep 0.05; done",
            "finish": "echo $*; sleep 0.2",
            "log/run": "cat > got; sleep 0.2; echo end >> got",
        }
    )
    runsv = one.start(who)
    one.wait_stat("run")
    one.wait(lambda: (one.path / "ready").exists())
    if how == "x":
        one.order("x")
    else:
        runsv.send_signal(signal.SIGTERM)
    assert runsv.wait(10) == 0
    assert one.read("log/got") == "3 0\nend\n"
    assert (one.stat(), one.stat("log")) == ("down", "down")


@pytest.mark.parametrize(
    "number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM]
)
def test_other_signals_kill_runsv(service: Make, who: str, number: signal.Signals) -> None:
    one = service({"run": SLEEP})
    runsv = one.start(who)
    one.wait_stat("run")
    runsv.send_signal(number)
    assert runsv.wait(10) == -number
    assert is_alive(one.pid())


def test_a_dangling_supervise(service: Make, who: str, tmp_path: Path) -> None:
    """The target of the link is made, its parents are not."""
    one = service({"run": SLEEP})
    (one.path / "supervise").symlink_to(tmp_path / "state")
    one.start(who)
    one.wait_stat("run")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_modes_are_kept(service: Make, who: str) -> None:
    """How another user is let in."""
    one = service({"run": SLEEP})
    folder = one.path / "supervise"
    folder.mkdir(mode=0o750)
    os.mkfifo(folder / "control")
    os.mkfifo(folder / "ok")
    for name in ("control", "ok"):
        (folder / name).chmod(0o622)
    one.start(who)
    one.wait_stat("run")
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, folder / "control", folder / "ok")] == [
        "0o750",
        "0o622",
        "0o622",
    ]


def test_sv_of_debian(service: Make, who: str) -> None:
    """Debian's sv speaks to ours."""
    one = service({"run": SLEEP, "log/run": CAT})
    one.start(who)
    one.wait_stat("run")

    def sv(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [program("sv"), *words, str(one.path)], capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stdout.replace(str(one.path), "web")

    status, text = sv("status")
    assert status == 0
    assert text.startswith(f"run: web: (pid {one.pid()}) ")
    assert f"; run: log: (pid {one.pid('log')}) " in text
    for verb, begin in (("down", ""), ("stop", "ok: down: web: "), ("start", "ok: run: web: (pid ")):
        status, text = sv(verb)
        assert status == 0, text
        assert text.startswith(begin)
    assert sv("shutdown") == (0, "ok: web: runsv not running\n")
    assert sv("status") == (1, "fail: web: runsv not running\n")


# What is better than Debian's; each holds both ways.


def test_orders_in_the_pause(service: Make, who: str) -> None:
    """Debian's acts on an order given in the pause when that is over; ours acts at once."""
    one = service({"run": "exit 1"})
    one.start(who)
    one.wait(lambda: one.status()[16:] == b"\0u\0\0")
    one.order("d")
    time.sleep(0.2)
    assert one.status()[17:18] == (b"d" if who == "ours" else b"u")
    one.order("x")
    began = time.monotonic()
    assert one.runsv
    assert one.runsv.wait(10) == 0
    assert (time.monotonic() - began < 0.3) == (who == "ours")


def test_kill_during_finish(service: Make, who: str) -> None:
    """Regression: k in finish had Debian's say down and leave finish behind."""
    one = service({"run": SLEEP, "finish": "sleep 0.5; echo end > told"})
    runsv = one.start(who)
    one.wait_stat("run")
    one.order("d")
    one.wait_stat("finish, want down")
    one.order("kx")
    assert runsv.wait(10) == 0
    assert one.read("told") == ("end\n" if who == "ours" else "")


def test_a_folder_that_is_made_anew(service: Make, who: str) -> None:
    """Ours goes on in the folder that has the old one's name; for Debian's there is none any more."""
    one = service({"run": SLEEP})
    one.start(who)
    one.wait_stat("run")
    pid = one.wait_sleep()
    shutil.rmtree(one.path)
    one.make({"run": SLEEP + " # new"})
    if who == "oracle":
        time.sleep(1.5)
        assert not one.is_served()
        os.kill(pid, signal.SIGKILL)
        return
    one.wait(one.is_served)
    assert (one.stat(), one.pid()) == ("run", pid)
    time.sleep(max(0.0, LONG - 0.3))
    one.order("t")
    one.wait(lambda: one.pid() not in (0, pid))
    assert one.errors == "" or "unable to" in one.errors


def test_a_folder_that_is_removed_for_good(service: Make, who: str) -> None:
    """The service goes on, and removing succeeds: nothing is put into the folder meanwhile."""
    one = service({"run": SLEEP})
    one.start(who)
    one.wait_stat("run")
    pid = one.wait_sleep()
    shutil.rmtree(one.path)
    time.sleep(0.5)
    assert not one.path.exists()
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_logger_that_is_added_later(service: Make, who: str) -> None:
    """Ours looks again at each start of run; Debian's never does."""
    one = service({"run": "while :; do echo line; sleep 0.05; done"})
    one.start(who)
    one.wait_stat("run")
    time.sleep(LONG)
    one.make({"log/run": CAT})
    one.order("t")
    if who == "oracle":
        time.sleep(0.3)
        assert not (one.path / "log/supervise").exists()
        return
    one.wait(lambda: one.read("log/got").startswith("line\n"))
    assert one.exit() == 0


def test_a_repeated_failure_fills_no_disk(service: Make, who: str) -> None:
    """Debian's writes a line a second; ours the first, second, fourth one, with a count."""
    one = service({})
    one.start(who)
    line = "runsv web: fatal: unable to start ./run: file does not exist"
    time.sleep(2.3)
    lines = one.errors.splitlines()
    assert lines == ([line, f"{line} (2 times)"] if who == "ours" else [line] * 3)
