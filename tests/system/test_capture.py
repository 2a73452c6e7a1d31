"""Output of entries in logs: init makes the pipes, and inittab logd reads them."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.conftest import OURS, Boot
from tests.system.system import System
from tests.system.test_counts import calls_of
from tests.system.test_hot_swap import swap
from tests.system.test_status import AS_NOBODY
from tests.system.witness import wait_until

RUN = "/run/inittab/log"
STAMP = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ", re.M)
pytestmark = pytest.mark.ours_only("C has no logs of entries")

WEB = """\
id:2:initdefault:
# inittab: log
web:2:respawn:/bin/sh -c 'echo out; echo err >&2; exec sleep 1000'
r:2:respawn:/w R stay
"""
#: Reads numbers from a FIFO, and writes so many lines.
COUNTER = """\
import sys
at = 0
while True:
    with open("/feed") as feed:
        for word in feed.read().split():
            for number in range(at, at + int(word)):
                sys.stdout.write(f"line {number}\\n")
                if number % 10 == 0:
                    sys.stdout.flush()
            at += int(word)
            sys.stdout.flush()
"""
#: Its system calls: of a respawn of an entry whose output is captured.
CAPTURED_RESPAWN = 34


def text(system: System, entry: str = "web", folder: str = RUN) -> bytes:
    """All that is in the log of an entry, the oldest first, without the stamps."""
    directory = system.path(f"{folder}/{entry}")
    try:
        files = [*sorted(directory.glob("@*")), directory / "current"]
        return STAMP.sub(b"", b"".join(path.read_bytes() for path in files))
    except OSError:
        return b""


def logger(system: System, command: bytes = b"inittab logd") -> int:
    """The pid, as inside, of the logger, or of another command; 0: there is none."""
    for process in system.processes():
        try:
            if command in system.path(f"/proc/{process.pid}/cmdline").read_bytes():
                return process.pid
        except OSError:
            pass
    return 0


def wait_text(system: System, expected: bytes, entry: str = "web", folder: str = RUN) -> None:
    wait_until(lambda: text(system, entry, folder) == expected, lambda: repr(text(system, entry, folder)))


def test_both_streams_are_in_the_log(boot: Boot) -> None:
    system = boot(WEB)
    wait_text(system, b"out\nerr\n")
    system.witness.wait("R")
    assert b"out" not in system.console.said
    assert system.path(f"{RUN}/web").stat().st_mode & 0o777 == 0o750


def test_of_the_first_byte_on_and_without_a_newline(boot: Boot) -> None:
    """A boot entry writes before there is a logger; a prompt has no newline, and is there all the same."""
    system = boot(
        """
        id:2:initdefault:
        # inittab: log
        b::boot:/bin/sh -c 'echo early; printf "name: "; exec sleep 1000'
        """
    )
    wait_text(system, b"early\nname: ", "b")


def test_entries_that_own_the_console_are_not_captured(boot: Boot) -> None:
    """fsck asks there; a sysinit entry would fill the pipe before there is a logger."""
    system = boot(
        """
        id:2:initdefault:
        # inittab: log
        si::sysinit:/bin/sh -c 'echo from sysinit'
        # inittab: log
        w:2:wait:/bin/sh -c 'echo from wait'
        """
    )
    system.console.expect(b"from sysinit")
    wait_text(system, b"from wait\n", "w")
    assert not system.path(f"{RUN}/si").exists()


def counting(boot: Boot, options: str = "log size=10M", head: str = "", folder: str = RUN) -> System:
    """A system with an entry that counts, and nothing read of it yet."""
    system = boot(
        f"{head}id:2:initdefault:\n# inittab: {options}\nc:2:respawn:/usr/bin/python3 -IS /counter\n",
        files={"/counter": COUNTER},
        before=lambda root: os.mkfifo(root.path("/feed")),
    )
    system.path("/feed").write_text("1\n")
    wait_text(system, b"line 0\n", "c", folder)
    return system


def end_counter(system: System) -> None:
    """Kill the counter; return when its next process runs, so that no process that dies reads the FIFO."""
    pid = logger(system, b"/counter")
    system.run(["kill", str(pid)])
    wait_until(lambda: logger(system, b"/counter") not in (0, pid), lambda: "the next counter")


def lines(first: int, end: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, end))


def test_nothing_is_lost_or_repeated_when_an_idle_logger_is_killed(boot: Boot) -> None:
    system = counting(boot)
    at = 1
    for _ in range(5):
        pid = logger(system)
        system.run(["kill", "-KILL", str(pid)])
        system.path("/feed").write_text("500\n")
        at += 500
        wait_text(system, lines(0, at), "c")
        assert logger(system) not in (0, pid)


def test_a_kill_under_load_loses_one_read_at_most_and_repeats_nothing(boot: Boot) -> None:
    """So many kills, at moments of chance: each takes what was read and not written, a part of 64 KiB."""
    system, kills, count = counting(boot), 6, 60_000
    system.path("/feed").write_text(f"{count}\n")
    for _ in range(kills):
        time.sleep(random.random() / 20)
        if pid := logger(system):
            system.run(["kill", "-KILL", str(pid)])
    wait_until(lambda: text(system, "c").endswith(b"line %d\n" % count), lambda: "the last line", 30)
    written, whole = text(system, "c"), set(lines(0, count + 1).splitlines())
    found = [line for line in written.splitlines() if line in whole]
    assert len(found) == len(set(found))
    assert len(lines(0, count + 1)) - len(written) <= kills << 16
    assert len(written.splitlines()) - len(found) <= 2 * kills


def test_pipes_and_logger_outlive_a_reexecution(boot: Boot) -> None:
    system = counting(boot)
    pid = logger(system)
    system.telinit("u")
    system.path("/feed").write_text("10\n")
    wait_text(system, lines(0, 11), "c")
    assert logger(system) == pid
    system.run(["kill", "-KILL", str(pid)])
    end_counter(system)  # its next process has the same pipe
    system.path("/feed").write_text("10\n")
    wait_text(system, lines(0, 11) + lines(0, 10), "c")
    assert logger(system) != pid


def test_what_is_changed_in_the_inittab_counts_at_once(boot: Boot) -> None:
    """Another destination takes effect while the entry runs."""
    system = boot(WEB)
    wait_text(system, b"out\nerr\n")
    system.path("/var/log").mkdir(parents=True, exist_ok=True)
    system.write("/etc/inittab", "# inittab-file: log-to=/var/log/inittab log=prefix\n" + WEB)
    system.telinit("q")
    system.run(["sh", "-c", "kill $(pidof sleep)"])
    wait_text(system, b"web | out\nweb | err\n", folder="/var/log/inittab")
    assert os.readlink(system.path(f"{RUN}/web")) == "/var/log/inittab/web"


def test_system_calls_of_a_captured_respawn(boot: Boot, tmp_path: Path) -> None:
    """Fewer than those of one that has the console: that has to be opened."""
    system = boot("id:2:initdefault:\n# inittab: log\nr:2:respawn:/w R stay\n")
    first = system.witness.wait("R")
    wait_until(lambda: logger(system), lambda: "a logger")
    time.sleep(0.3)
    with calls_of(system, tmp_path / "strace") as calls:
        system.run(["kill", "-KILL", str(first.pid)])
        second = system.witness.wait("R", n=2)
    assert 0 < sum(calls.values()) <= CAPTURED_RESPAWN, calls
    assert second.fds["0"] == "/dev/null"
    assert second.fds["1"] == second.fds["2"]
    assert second.fds["1"].startswith("pipe:")
    assert set(second.fds) == {"0", "1", "2"}


def test_memory_of_the_logger(boot: Boot) -> None:
    """Ten megabytes where a bare Python has eight."""
    system = counting(boot)
    system.path("/feed").write_text("10000\n")
    wait_text(system, lines(0, 10001), "c")
    memory = re.compile(r"VmRSS:\s+(\d+) kB")
    ours = memory.search(system.path(f"/proc/{logger(system)}/status").read_text())
    bare = memory.search(system.run(["python3", "-ISc", "print(open('/proc/self/status').read())"]).stdout)
    assert ours
    assert bare
    assert int(ours[1]) - int(bare[1]) < 3584


def show(system: System, *arguments: str) -> str:
    """What inittab log prints, as root, and not to a terminal."""
    done = system.run(["/inittab", "log", *arguments], 30)
    assert done.returncode == 0, done
    return done.stdout


def test_inittab_log_shows_lines_and_what_became_of_the_process(boot: Boot) -> None:
    system = boot(WEB, files={"/inittab": OURS})
    wait_text(system, b"out\nerr\n")
    system.run(["sh", "-c", "kill -SEGV $(pidof sleep)"])
    wait_text(system, b"out\nerr\nout\nerr\n")
    words = [line.split(" ", 1)[1] for line in show(system, "web").splitlines()]
    pid = system.run(["pidof", "sleep"]).stdout.strip()
    [first_pid] = re.findall(r"process (\d+) ended", words[3])
    assert words == [
        f"-- started, process {first_pid} --", "out", "err",
        f"-- process {first_pid} ended: signal 11 SEGV --",
        f"-- started, process {pid} --", "out", "err",
    ]  # fmt: skip
    assert not system.run(["/inittab", "restart", "web"]).returncode
    wait_text(system, b"out\nerr\n" * 3)
    words = [line.split(" ", 1)[1] for line in show(system, "web").splitlines()][len(words) :]
    assert words[0].startswith("-- restart requested by 0")
    assert words[1] == f"-- process {pid} ended: signal 15 TERM (restarted) --"
    assert words[3:] == ["out", "err"]
    assert len(show(system, "web", "-n", "1").splitlines()) == 1
    assert show(system, "web", "--since", "start").count(" out\n") == 1
    event, first = map(json.loads, show(system, "web", "--json").splitlines()[:2])
    assert (event["kind"], first["id"], first["line"]) == ("event", "web", "out")
    assert not show(system, "web", "--since", "2999-01-01")


def test_inittab_log_follows_across_rotations(boot: Boot) -> None:
    """Each line once, though the files are smaller than what is written between two looks."""
    system = counting(boot, "log size=4K keep=200")
    # What a shell starts in the background ignores SIGINT, and so would all that the tests start.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "sysvinit_py.clients.inittab.program"]
    command += ["log", "c", "-f", "--pid"]
    with subprocess.Popen([*command, str(system.pid)], stdout=subprocess.PIPE) as following:
        assert following.stdout
        try:
            for number in range(5):
                system.path("/feed").write_text("2000\n")
                wait_text_end(system, b"line %d\n" % (2000 * (number + 1)))
            got: list[bytes] = []
            while not got or got[-1] != b"line 10000":
                line = following.stdout.readline().rstrip(b"\n").split(b" ", 1)[1]
                if not line.startswith(b"--"):
                    got.append(line)
        finally:
            following.send_signal(signal.SIGINT)
    assert got == lines(0, 10001).splitlines()
    assert following.returncode == 0


def wait_text_end(system: System, expected: bytes) -> None:
    wait_until(lambda: text(system, "c").endswith(expected), lambda: repr(text(system, "c")[-80:]))


def test_hostile_lines_are_escaped_on_a_terminal(boot: Boot) -> None:
    system = boot(
        """
        id:2:initdefault:
        # inittab: log
        web:2:once:/bin/sh -c 'printf "\\\\033]0;owned\\\\007 \\\\377 a\\\\tb\\\\n"'
        """,
        files={"/inittab": OURS},
    )
    wait_text(system, b"\x1b]0;owned\x07 \xff a\tb\n")
    assert "\\x1b]0;owned\\x07 \\xff a\tb" in on_terminal(system, "log", "web")


def on_terminal(system: System, *arguments: str) -> str:
    """What inittab shows on a terminal."""
    main, terminal = pty.openpty()
    try:
        with system.start(["/inittab", *arguments], stdin=terminal, stdout=terminal, stderr=terminal) as done:
            assert done.wait(30) == 0
        return os.read(main, 1 << 16).decode()
    finally:
        os.close(main)
        os.close(terminal)


def test_whose_log_cannot_be_read(boot: Boot) -> None:
    system = boot(WEB, files={"/inittab": OURS})
    wait_text(system, b"out\nerr\n")
    done = system.run(["/inittab", "log", "r"])
    assert (done.returncode, done.stderr) == (
        4,
        "inittab: r: no log: none was written to a folder (see log and log-to= in inittab(5))\n",
    )
    if os.geteuid() == 0:
        done = system.run(["/usr/bin/python3", "-ISc", AS_NOBODY, "/inittab", "log", "web"])
        assert (done.returncode, "only root, and the group adm, may read logs" in done.stderr) == (4, True)


def test_a_full_disk_is_waited_for(boot: Boot) -> None:
    """Nothing is lost; it is reported once, and once more when it is over."""
    system = counting(boot, "log size=10M", "# inittab-file: log-to=/full\n", folder="/full")
    assert system.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", "/full/c"]).returncode == 0
    count = 20_000
    system.path("/feed").write_text(f"{count}\n")
    system.console.expect(
        b"inittab logd: pausing: unable to write to current: /full/c: No space left on device"
    )
    time.sleep(0.5)
    assert system.console.said.count(b"pausing") == 1
    assert system.run(["mount", "-o", "remount,size=10m", "/full/c"]).returncode == 0
    system.console.expect(b"inittab logd: /full/c: written again")
    wait_until(
        lambda: text(system, "c", "/full").endswith(b"line %d\n" % count),
        lambda: repr(text(system, "c", "/full")[-80:]),
        20,
    )
    assert text(system, "c", "/full") == lines(1, count + 1)


def test_a_directory_that_is_missing_is_waited_for(boot: Boot) -> None:
    """A file system may be mounted later: what comes meanwhile is kept, and init goes on."""
    system = boot(f"# inittab-file: log-to=/later/logs\n{WEB}", files={"/inittab": OURS})
    system.console.expect(b"inittab logd: /later/logs/web: No such file or directory")
    system.witness.wait("R")
    system.path("/later").mkdir()
    wait_text(system, b"out\nerr\n", folder="/later/logs")


def test_a_console_that_takes_nothing_does_not_stop_init(boot: Boot) -> None:
    """With log-to=stdout the logger writes there; one that is stopped holds up writers, and nobody else."""
    system = boot(f"# inittab-file: log-to=stdout\n{WEB}")
    system.console.expect(b"web | out")
    system.console.expect(b"web | err")
    system.console.pause()
    system.run(["sh", "-c", "kill $(pidof sleep)"])
    system.telinit("3")
    system.wait_level("3")


def test_a_log_that_is_rotated_from_outside(boot: Boot) -> None:
    system = counting(boot)
    system.path(f"{RUN}/c/current").rename(system.path(f"{RUN}/c/current.1"))
    system.path("/feed").write_text("2\n")
    wait_text(system, lines(1, 3), "c")


def test_json_lines(boot: Boot) -> None:
    system = boot(f"# inittab-file: log=json\n{WEB}", files={"/inittab": OURS})
    wait_until(lambda: text(system).count(b"\n") == 2, lambda: repr(text(system)))
    found = [json.loads(line) for line in text(system).splitlines()]
    assert [(line["id"], line["line"]) for line in found] == [("web", "out"), ("web", "err")]
    assert found[0] in map(json.loads, show(system, "web", "--json").splitlines())


def test_the_last_lines_are_written_when_the_logger_is_told_to_end(boot: Boot) -> None:
    """At the end of the machine all are sent SIGTERM at once, and what they say of that comes after it."""
    system = boot(
        """
        id:2:initdefault:
        # inittab: log
        w:2:once:/bin/sh -c 'trap "sleep 0.2; echo bye; exit" TERM; echo hi; while :; do sleep 0.1; done'
        """
    )
    wait_text(system, b"hi\n", "w")
    system.run(["sh", "-c", f"kill {logger(system)} {logger(system, b'trap')}"])
    wait_text(system, b"hi\nbye\n", "w")
    current = system.path(f"{RUN}/w/current")
    wait_until(lambda: current.stat().st_mode & 0o777 == 0o744 or logger(system), lambda: "its end")


def test_another_init_takes_over(boot: Boot, oracle_programs: Path) -> None:
    """C knows of no pipes: the logger reads to the end of what is written, and ends. Ours makes new ones."""
    system = counting(boot)
    swap(system, oracle_programs / "init")
    system.path("/feed").write_text("3\n")
    wait_text(system, lines(0, 4), "c")
    end_counter(system)
    wait_until(lambda: not logger(system), lambda: "the end of the logger")
    swap(system, OURS)
    # What C hands over says nothing of options: the file has to be read again, as the new entry shows.
    with system.path("/etc/inittab").open("a") as inittab:
        inittab.write("z:2:once:/w Z\n")
    system.telinit("q")
    system.witness.wait("Z")
    end_counter(system)
    system.path("/feed").write_text("2\n")
    wait_text(system, lines(0, 4) + lines(0, 2), "c")
