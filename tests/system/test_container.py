"""``init --container``: what behaviour/container promises, in namespaces and with no engine."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import PATIENCE
from tests.system.container import AS_A_CHILD, HARDENED, Container, init_of_ours
from tests.system.witness import wait_until

Run = Callable[..., Container]

pytestmark = pytest.mark.usefixtures("namespaces")

#: A service that says when it is up, and says goodbye.
SERVICE = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done"
DEAF = "trap '' TERM; echo up; while :; do sleep 0.05; done"
WAYS = {"as PID 1": (), "as a child": AS_A_CHILD}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run a container; all are ended after the test."""
    with ExitStack() as stack:

        def start(inittab: str | None, *arguments: str, **options: Any) -> Container:
            folder = tmp_path / str(time.monotonic_ns())
            folder.mkdir()
            for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
                parent.chmod(0o755)
            return stack.enter_context(Container(folder, inittab, *arguments, **options))

        yield start


def lines(text: str) -> list[str]:
    return text.splitlines()


# The exit status.


def test_a_main_job_two_services_and_a_set_up(run: Run) -> None:
    container = run(f"""
        id:2:initdefault:
        s1:2:wait:echo first; echo aside >&2
        web:2:respawn:{SERVICE}
        db:2:respawn:{SERVICE}
        # inittab: main
        job:2:once:sleep 0.3; exit 7
        c0:0:wait:echo last
        c1:0:wait:/sbin/halt -f
    """)
    status, out, err = container.end()
    assert status == 7
    said = lines(out)
    assert said[0] == "s1  | first"
    assert said[-1] == "c0  | last"
    assert sorted(said[1:3]) == ["db  | up", "web | up"]
    assert sorted(said[3:5]) == ["db  | bye", "web | bye"]
    assert "s1  | aside" in lines(err)
    assert "init |" not in err  # a good day


@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("begin", range(0, 256, 32))
@pytest.mark.timeout(300)
def test_every_exit_code(run: Run, through: tuple[str, ...], begin: int) -> None:
    for code in range(begin, begin + 32):
        container = run("id:2:initdefault:\n", "--", "sh", "-c", f"exit {code}", through=through)
        assert container.end()[0] == code


@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS)
def test_every_signal_that_ends_main(run: Run, through: tuple[str, ...]) -> None:
    ends = {*range(1, 32)} - {
        signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
        signal.SIGURG, signal.SIGWINCH,
    }  # fmt: skip
    for number in sorted(ends):
        container = run("id:2:initdefault:\n", "--", "sh", "-c", f"kill -{number} $$", through=through)
        assert container.end()[0] == 128 + number


@pytest.mark.parametrize(
    ("command", "expected"), [("no-such-program", 127), ("/etc/inittab", 126), ("/etc/none/such", 127)]
)
def test_a_command_that_cannot_be_executed(run: Run, command: str, expected: int) -> None:
    status, _, err = run("id:2:initdefault:\n", "--", command).end()
    assert status == expected
    assert f'init | cannot execute "{command}"' in err


def test_set_up_fails(run: Run) -> None:
    """Nothing after it is started, and what runs is stopped."""
    status, out, err = run(f"""
        id:2:initdefault:
        on:2:respawn:{SERVICE}
        s1:2:wait:sleep 0.2; exit 9
        s2:2:wait:echo never
        sv:2:respawn:echo never
        c0:0:wait:echo last
    """).end()
    assert (status, lines(out)) == (9, ["on | up", "on | bye", "c0 | last"])
    assert "init | s1: set-up failed, the container ends with code 9" in lines(err)


@pytest.mark.parametrize("action", ["sysinit", "bootwait"])
def test_set_up_fails_before_the_level(run: Run, action: str) -> None:
    status, out, _ = run(f"""
        id:2:initdefault:
        s1::{action}:kill -9 $$
        sv:2:respawn:echo never
    """).end()
    assert (status, out) == (137, "")


def test_a_throttled_service_ends_the_container(run: Run) -> None:
    status, out, err = run("""
        id:2:initdefault:
        on:2:respawn:sleep 1000
        sv:2:respawn:echo try; exit 3
    """).end()
    assert (status, out.count("try")) == (3, 10)
    assert "init | sv: throttled, the container ends with code 3" in lines(err)
    assert err.count("restarted after code 3") == 1  # at most one a second


def test_a_throttled_service_that_ends_with_0(run: Run) -> None:
    assert run("id:2:initdefault:\nsv:2:respawn:/bin/true\n").end()[0] == 1


def test_nothing_is_left_to_run(run: Run) -> None:
    """The first code in the order of the file counts, not in that of time."""
    status, _, _ = run("""
        id:2:initdefault:
        o1:2:once:/bin/true
        o2:2:once:sleep 0.3; (exit 5)
        o3:2:once:(exit 6)
    """).end()
    assert status == 5
    assert run("id:2:initdefault:\no1:2:once:/bin/true\n").end()[0] == 0


def test_what_daemonized_is_something_that_runs(run: Run) -> None:
    container = run(f"""
        id:2:initdefault:
        d:2:wait:setsid sh -c "{SERVICE.replace('"', "")}" &
    """)
    assert container.line() == "d | up\n"
    time.sleep(0.3)
    container.kill()
    assert container.end()[:2] == (0, "d | bye\n")


def test_several_mains(run: Run) -> None:
    status, _, _ = run("""
        id:2:initdefault:
        # inittab: main
        m1:2:respawn:sleep 0.2; (exit 4)
        # inittab: main
        m2:2:once:sleep 1000
    """).end()
    assert status == 4


# To stop.

STOPS = [
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGPWR,
    *(signal.SIGRTMIN + n for n in range(3, 7)),
]


@pytest.mark.parametrize("number", STOPS)
def test_signals_that_stop(run: Run, number: int) -> None:
    container = run(f"id:2:initdefault:\nweb:2:respawn:{SERVICE}\n")
    assert container.line() == "web | up\n"
    container.kill(number)
    status, out, err = container.end()
    assert (status, out) == (0, "web | bye\n")
    assert "init | stopped by SIG" in err


@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS)
@pytest.mark.timed
def test_to_stop_takes_as_long_as_the_longest_child(run: Run, through: tuple[str, ...]) -> None:
    """Ten services that take 0.5 s end side by side, and init 50 ms after them."""
    slow = "trap 'sleep 0.5; exit 0' TERM; echo up; while :; do sleep 0.02; done"
    took = []
    for _ in range(3):
        container = run(
            "id:2:initdefault:\n" + "".join(f"s{n}:2:respawn:{slow}\n" for n in range(10)), through=through
        )
        for _ in range(10):
            container.line()
        took.append(container.stop())
        assert container.end()[0] == 0
    assert min(took) < 0.6 * PATIENCE, took


@pytest.mark.timed
def test_a_deaf_service(run: Run) -> None:
    container = run(f"id:2:initdefault:\nweb:2:respawn:{SERVICE}\ndb:2:respawn:{DEAF}\n")
    container.line(), container.line()
    assert 7.9 < container.stop() < 9.0 * PATIENCE
    status, out, err = container.end()
    assert (status, out) == (137, "web | bye\n")
    assert "init | db: killed after 8.0 s" in lines(err)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--grace", "0.5"], ""), ([], "# inittab-file: grace=0.5"), ([], "# inittab: grace=0.5"),
        (["--grace=0.5"], "# inittab-file: grace=20"), (["--grace", "30"], "# inittab: grace=0.5"),
    ],
)  # fmt: skip
def test_the_grace(run: Run, arguments: list[str], option: str) -> None:
    """The command line's counts before the file's; an entry's only shortens it."""
    above, of_file = ("", option) if "-file" in option else (option, "")
    inittab = f"{of_file}\nid:2:initdefault:\n{above}\ndb:2:respawn:{DEAF}\n"
    container = run(inittab, *arguments)
    container.line()
    assert 0.4 < container.stop() < 4 * PATIENCE
    assert container.end()[0] == 137


def test_the_second_signal_kills(run: Run) -> None:
    container = run(f"id:2:initdefault:\ndb:2:respawn:{DEAF}\n")
    container.line()
    container.kill()
    time.sleep(0.3)
    assert container.stop() < 3 * PATIENCE
    assert container.end()[0] == 137


def test_the_first_signal_after_the_end_of_main_kills_nobody(run: Run) -> None:
    slow = "trap 'sleep 1; echo bye; exit 0' TERM; while :; do sleep 0.02; done"
    container = run(f"""
        id:2:initdefault:
        sv:2:respawn:{slow}
        # inittab: main
        m:2:once:sleep 0.2; echo over; exit 3
    """)
    assert container.line() == "m  | over\n"
    time.sleep(0.3)
    container.kill()
    assert container.end()[:2] == (3, "sv | bye\n")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("trap 'exit 0' TERM", 0), ("trap 'exit 5' TERM", 5), ("trap 'exit 143' TERM", 0), ("", 0),
        ("trap 'kill -9 $$' TERM", 137),
    ],
)  # fmt: skip
def test_the_status_of_main_that_was_stopped(run: Run, command: str, expected: int) -> None:
    loop = f"{command}; echo up; while :; do sleep 0.02; done".lstrip("; ")
    container = run("id:2:initdefault:\n", "--", "sh", "-c", loop)
    container.line()
    container.kill()
    assert container.end()[0] == expected


def test_a_signal_of_its_own(run: Run) -> None:
    container = run("""
        id:2:initdefault:
        # inittab: main stop=QUIT
        m:2:once:trap 'echo quit; exit 131' QUIT; trap 'echo term' TERM; echo up; while :; do sleep 0.02; done
    """)
    container.line()
    container.kill()
    assert container.end()[:2] == (0, "m | quit\n")


def test_stopped_during_set_up(run: Run) -> None:
    container = run("""
        id:2:initdefault:
        s1:2:wait:trap 'echo told; exit 5' TERM; echo up; while :; do sleep 0.02; done
        sv:2:respawn:echo never
        c0:0:wait:echo last
    """)
    container.line()
    container.kill()
    assert container.end()[:2] == (0, "s1 | told\nc0 | last\n")


def test_stopped_by_its_first_child(run: Run) -> None:
    """In the first millisecond."""
    for _ in range(10):
        assert run("id:2:initdefault:\ns1::sysinit:kill -TERM $PPID\nx:2:respawn:sleep 9\n").end(5)[0] == 0


def test_clean_up_has_the_same_grace(run: Run) -> None:
    container = run(f"""
        id:2:initdefault:
        web:2:respawn:{SERVICE}
        c0:0:wait:echo cleaning; sleep 1000
        c1:0:wait:echo never
    """, "--grace", "1")  # fmt: skip
    container.line()
    assert 0.8 < container.stop() < 4 * PATIENCE
    assert container.end()[:2] == (137, "web | bye\nc0  | cleaning\n")


def test_daemons_are_told(run: Run) -> None:
    """Also one that another user's session, and a dead parent, hide; and a deaf one is killed."""
    container = run(f"""
        id:2:initdefault:
        w:2:wait:setsid sh -c "{SERVICE.replace('"', "")}" & setsid setsid sh -c "{DEAF.replace('"', "")}" &
        sv:2:respawn:sleep 1000
    """, "--grace", "1")  # fmt: skip
    container.line(), container.line()
    container.kill()
    status, out, err = container.end()
    assert (status, out) == (137, "w  | bye\n")
    assert "processes that left their entry: killed" in err


def test_nobody_else_is_told(run: Run) -> None:
    """As a child with the machine's processes to see: only its own descendants."""
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        inside = 'sleep 60 & neighbour=$!; "$@"; kill -0 $neighbour && echo untouched'
        container = run(
            f"id:2:initdefault:\nweb:2:respawn:{SERVICE}\n", "--", "sh", "-c", "sleep 0.2; exit 3",
            through=("sh", "-c", inside, "sh"),
        )  # fmt: skip
        assert container.end()[1].endswith("untouched\n")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


# Output.


def test_no_line_is_lost_cut_or_mixed(run: Run) -> None:
    write = 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "$0 $i and so on and so on"; done'
    status, out, err = run(f"""
        id:2:initdefault:
        a:2:once:exec sh -c '{write}; kill -TERM $PPID' alpha
        b:2:once:exec sh -c '{write}; sleep 9' beta
    """).end(30)
    by_name = [[line for line in lines(out) if name in line] for name in ("alpha", "beta")]
    assert by_name[0] == [f"a | alpha {n} and so on and so on" for n in range(1, 3001)]
    assert by_name[1] == [f"b | beta {n} and so on and so on" for n in range(1, len(by_name[1]) + 1)]
    assert len(lines(out)) == sum(map(len, by_name))
    assert status == 0, err


def test_last_words(run: Run) -> None:
    """All that was written before the end, the last line without a newline, too."""
    last = "trap 'seq 2000; printf end; exit 0' TERM; echo up; while :; do sleep 0.02; done"
    container = run(f"id:2:initdefault:\na:2:respawn:{last}\nb:2:respawn:{last}\n")
    container.line(), container.line()
    container.kill()
    _, out, _ = container.end()
    for name in "ab":
        assert [line for line in lines(out) if line[0] == name] == [
            *(f"{name} | {n}" for n in range(1, 2001)), f"{name} | end",
        ]  # fmt: skip


def test_json(run: Run) -> None:
    inittab = "id:2:initdefault:\nw:2:wait:printf 'a\"\\377'; echo oops >&2\n"
    status, out, err = run(inittab, "--log", "json", "--", "sh", "-c", "kill -9 $$").end()
    [line] = map(json.loads, lines(out))
    assert [line["id"], line["stream"], line["line"]] == ["w", "stdout", 'a"\ufffd']
    assert len(line["time"]) == len("2026-11-26T12:05:19.123Z")
    assert line["pid"] > 1
    [other] = map(json.loads, lines(err))
    assert [other["id"], other["stream"], other["line"]] == ["w", "stderr", "oops"]
    assert status == 137


def test_raw(run: Run) -> None:
    status, out, err = run(
        "# inittab-file: log=raw\nid:2:initdefault:\nw:2:wait:printf half; echo oops >&2\n", "--", "echo", "x"
    ).end()
    assert (status, out, err) == (0, "halfx\n", "oops\n")


def test_a_reader_that_stalls_does_not_stall_the_stop(run: Run) -> None:
    container = run("""
        id:2:initdefault:
        w:2:respawn:yes
        sv:2:respawn:trap 'exit 0' TERM; while :; do sleep 0.02; done
    """)
    time.sleep(0.5 * PATIENCE)  # it is full by now
    assert container.stop() < 3 * PATIENCE
    assert container.wait() == 0


def test_a_reader_that_went_away(run: Run) -> None:
    container = run(f"id:2:initdefault:\nw:2:respawn:yes\nweb:2:respawn:{SERVICE}\n")
    container.line()
    os.close(os.dup(container.stdout))
    os.dup2(os.open("/dev/null", os.O_RDONLY), container.stdout)
    time.sleep(0.3)
    assert container.stop() < 3 * PATIENCE
    assert container.wait() == 0


def test_dev_stdout_can_be_opened_again(run: Run) -> None:
    """By another user, too: the pipe is root's."""
    switch = "setpriv --reuid=1000 --clear-groups " if os.geteuid() == 0 else ""
    status, out, err = run(
        "id:2:initdefault:\n", "--", *f"{switch}sh -c".split(), "echo one >/dev/stdout; echo two >/dev/stderr"
    ).end()  # fmt: skip
    assert (status, out, err) == (0, "main | one\n", "main | two\n")


def test_nothing_of_the_inherited_streams_is_changed(run: Run) -> None:
    """O_NONBLOCK would be set for all who share them."""
    reads, writes = os.pipe()
    try:
        run("id:2:initdefault:\n", "--", "echo", "x", stdout=writes, stderr=writes).wait()
        assert os.get_blocking(writes)
        assert os.read(reads, 100) == b"main | x\n"
    finally:
        os.close(reads)
        os.close(writes)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_not_open(run: Run, tmp_path: Path, closed: str) -> None:
    """It leads nowhere, for the command as well; the file that init is read from may have taken its place."""
    seen = tmp_path / "seen"
    look = f"readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >>{seen}"
    through = ("sh", "-c", f'"$@" {closed}; echo $? >>{seen}', "sh")
    run("id:2:initdefault:\n", "--", "sh", "-c", look, through=through).end()
    stdin, *others, status = lines(seen.read_text())
    assert (stdin, len(others), status) == ("/dev/null", 2, "0")


# What children are given.


@pytest.mark.parametrize("command", [True, False])
def test_the_environment(run: Run, command: bool) -> None:
    given = {
        "PATH": "/usr/bin:/bin",
        "LC_CTYPE": "C.UTF-8",
        "INIT_X": "1",
        "ODD": "a=\udcff b",
        "TERM": "x",
        "SHELL": "/s",
    }
    show = ["cat", "/proc/self/environ"]
    inittab = "id:2:initdefault:\n" + ("" if command else "e:2:once:cat /proc/self/environ\n")
    container = run(inittab, "--log=raw", *(["--", *show] if command else []), environment=given)
    status, out = container.wait(), os.read(container.stdout, 9999)
    pairs = [os.fsdecode(pair) for pair in out.rstrip(b"\0").split(b"\0")]
    assert status == 0
    extra = {pair.partition("=")[0] for pair in pairs} - set(given)
    assert extra - {"CONSOLE", "PWD", "OLDPWD"} == {"RUNLEVEL", "PREVLEVEL", "INIT_VERSION"}
    assert {f"{name}={value}" for name, value in given.items()} <= set(pairs)
    assert {"RUNLEVEL=2", "PREVLEVEL=N"} <= set(pairs)


def test_the_rest_that_is_inherited(run: Run, tmp_path: Path) -> None:
    """The working directory, the umask, limits, PATH; and no signal is ignored or blocked."""
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\npwd; umask; ulimit -n; grep -E 'Sig(Ign|Blk)' /proc/self/status\n")
    program.chmod(0o755)
    container = run(
        "id:2:initdefault:\no:2:once:only-here\n",
        through=("sh", "-c", f'cd "{tmp_path}"; umask 027; ulimit -n 321; trap "" HUP USR1; exec "$@"', "sh"),
        environment={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    status, out, err = container.end()
    cwd, umask, files, blocked, ignored = (line.removeprefix("o | ") for line in lines(out))
    assert (status, cwd, umask, files, err) == (0, str(tmp_path), "0027", "321", "")
    assert int(blocked.split()[1], 16) == 0
    assert not int(ignored.split()[1], 16) & ~(3 << 31)  # the C library's own two


def test_the_command_gets_standard_input(run: Run) -> None:
    container = run("id:2:initdefault:\nsv:2:respawn:cat; sleep 9\n", "--", "cat", stdin=subprocess.PIPE)
    container._process.stdin.write(b"typed\n")  # type: ignore[union-attr]
    container._process.stdin.close()  # type: ignore[union-attr]
    container._process.stdin = None
    assert container.end()[:2] == (0, "main | typed\n")


def test_the_command_gets_the_terminal(run: Run) -> None:
    """In the foreground: Ctrl-C is its, and a job control shell works; the exit status is its."""
    master, slave = pty.openpty()
    try:
        script = "trap 'echo got it; exit 6' INT; tty >/dev/null && echo up; while :; do sleep 0.02; done"
        container = run(
            "id:2:initdefault:\nsv:2:respawn:sleep 1000\n", "--", "sh", "-c", script,
            stdin=slave, stdout=slave, stderr=slave, through=("setsid", "--ctty", "--wait"),
        )  # fmt: skip
        said = b""
        while b"up" not in said:
            said += os.read(master, 100)
        os.write(master, b"\x03")
        assert container.wait() == 6
        assert b"got it" in os.read(master, 1000)
    finally:
        os.close(master)
        os.close(slave)


def test_signals_for_main(run: Run) -> None:
    said = "; ".join(f"trap 'echo {name}' {name}" for name in ("USR1", "USR2", "WINCH"))
    script = f"{said}; echo up; while :; do sleep 0.02; done"
    container = run("id:2:initdefault:\nsv:2:respawn:sleep 1000\n", "--", "sh", "-c", script)
    container.line()
    for name in ("USR1", "USR2", "WINCH"):
        container.kill(signal.Signals[f"SIG{name}"])
        assert container.line() == f"main | {name}\n"
    container.kill()
    assert container.end()[0] == 0


# What is refused.

REFUSED: dict[str, tuple[str | None, list[str]]] = {
    "init: no inittab: neither /etc/inittab nor /etc/inittab.d/*.tab": (None, []),
    "init: /etc/inittab:2: respwan: no such action (respawn?)": (
        "id:2:initdefault:\na:2:respwan:x\nb:2:once:x\n", []
    ),
    "init: /etc/inittab:2: id field too long": ("id:2:initdefault:\nabcde:2:once:x\nb:2:once:x\n", []),
    "init: /etc/inittab:2: nope: unknown option": ("id:2:initdefault:\n# inittab: nope\nb:2:once:x\n", []),
    "init: nothing to run in level 2": ("id:2:initdefault:\na:3:respawn:x\nc:2:off:x\n", []),
    "init: initdefault 0 would end the container at once": ("id:0:initdefault:\na:2:once:x\n", ["--", "x"]),
    "init: initdefault 6 would end the container at once": ("id:6:initdefault:\na:2:once:x\n", ["--", "x"]),
    "init: --level 0 would end the container at once": ("id:2:initdefault:\na:2:once:x\n", ["--level", "0"]),
    "init: level S has no place in a container": ("id:S:initdefault:\na:2:once:x\n", ["--", "x"]),
    "init: unknown option --grase": ("id:2:initdefault:\na:2:once:x\n", ["--grase", "3"]),
    'init: --grace requires seconds, not "8s"': ("id:2:initdefault:\na:2:once:x\n", ["--grace", "8s"]),
    "init: --grace requires seconds": ("id:2:initdefault:\na:2:once:x\n", ["--grace"]),
    "init: two mains: web is marked, and a command was given": (
        "id:2:initdefault:\n# inittab: main\nweb:2:respawn:x\n", ["--", "x"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused(run: Run, message: str, check: bool) -> None:
    inittab, arguments = REFUSED[message]
    status, out, err = run(inittab, *(["--check"] if check else []), *arguments).end()
    assert (status, out) == (2, "")
    assert err.startswith(message)


@pytest.mark.timed
def test_it_is_refused_within_a_second(run: Run) -> None:
    took = []
    for _ in range(3):
        begun = time.monotonic()
        assert run("id:2:initdefault:\na:2:respwan:x\n").end()[0] == 2
        took.append(time.monotonic() - begun)
    assert min(took) < 1 * PATIENCE, took


def test_all_complaints_are_said(run: Run) -> None:
    _, _, err = run("a:2:respwan:x\nabcde:2:once:x\n", "--check").end()
    assert len(lines(err)) == 3


def test_check(run: Run) -> None:
    """Nothing is written, and nothing started."""
    inittab = "id:2:initdefault:\na:2:once:echo started\n"
    container = run(inittab, "--check", through=("sh", "-c", '"$@"; echo $?; ls -A /run /etc', "sh"))
    assert container.end() == (0, "0\n/etc:\ninittab\n\n/run:\n", "")


def test_tab_files_alone(run: Run, tmp_path: Path) -> None:
    """There need not be a main inittab; and they are read again."""
    shell = (
        "mkdir -p /etc/inittab.d; echo 'a:2:respawn:echo one; sleep 99' >/etc/inittab.d/a.tab;"
        " echo 'id:2:initdefault:' >/etc/inittab.d/i.tab; exec \"$@\""
    )
    container = run(None, through=("sh", "-c", shell, "sh"))
    assert container.line() == "a | one\n"
    Path(f"/proc/{container.pid}/root/etc/inittab.d/b.tab").write_text("b:2:once:echo two\n")
    container.kill(signal.SIGHUP)
    assert container.line() == "b | two\n"


# To read the inittab again, requests, status.


def test_the_inittab_is_read_again(run: Run) -> None:
    container = run(f"id:2:initdefault:\na:2:respawn:{SERVICE}\n")
    assert container.line() == "a | up\n"
    inittab = Path(f"/proc/{container.pid}/root/etc/inittab")
    inittab.write_text("id:2:initdefault:\nb:2:respawn:echo new; sleep 99\n")
    container.kill(signal.SIGHUP)
    assert sorted([container.line(), container.line()]) == ["a | bye\n", "b | new\n"]
    inittab.write_text("id:2:initdefault:\nb:2:respwan:x\nc:2:once:echo never\n")
    container.kill(signal.SIGHUP)
    time.sleep(0.5)
    container.kill()
    status, out, err = container.end()
    assert (status, out) == (0, "")
    assert "init | /etc/inittab:2: respwan: no such action" in err


def test_the_link_reads_the_inittab_again(run: Run, tmp_path: Path) -> None:
    """What is not plain is read by a child, which is the same program and has the link's name."""
    link = tmp_path / "container-init"
    link.symlink_to(init_of_ours())
    container = run(f"id:2:initdefault:\na:2:respawn:{SERVICE}\n", init=(str(link),))
    container.line()
    inittab = Path(f"/proc/{container.pid}/root/etc/inittab")
    inittab.write_text(f"id:2:initdefault:\na:2:respawn:{SERVICE}\nb:2:respwan:x\n")
    container.kill(signal.SIGHUP)
    assert container.error_line() == "init | /etc/inittab:3: respwan: no such action\n"


def inside(container: Container, *command: str, user: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command in the container, as an engine's exec does."""
    enter = [
        "nsenter",
        f"--target={container.pid}",
        "--mount",
        "--pid",
        f"--setuid={user}",
        f"--setgid={user}",
    ]
    return subprocess.run([*enter, *command], capture_output=True, text=True, timeout=20 * PATIENCE)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="nsenter as another user requires root")


@needs_root
@pytest.mark.parametrize("level", "06")
def test_telinit(run: Run, level: str) -> None:
    container = run(f"""
        id:2:initdefault:
        a:2:respawn:{SERVICE}
        c0:0:wait:echo zero
        c6:6:wait:echo six
    """)
    container.line()
    assert inside(container, init_of_ours(), "u").returncode == 0  # means nothing
    assert inside(container, init_of_ours(), level).returncode == 0
    status, out, err = container.end()
    assert (status, lines(out)) == (0, ["a  | bye", f"c{level} | {'zero' if level == '0' else 'six'}"])
    assert "telinit u has no meaning in a container" in err


@needs_root
@pytest.mark.parametrize("user", [0, 1000])
@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS)
def test_status(run: Run, user: int, through: tuple[str, ...]) -> None:
    """Of a hardened one, too: no writable directory, no capability, and not root."""
    hardened = {"read_only": True} if user else {}
    container = run(
        f"""
        id:2:initdefault:
        a:2:respawn:{SERVICE}
        w:2:wait:sleep 3
        o:2:once:/bin/true
        f:2:once:sleep 3; exit 1
        """,
        through=(*through, *(HARDENED if user else ())), **hardened,
    )  # fmt: skip
    assert container.line() == "a | up\n"
    health = (init_of_ours(), "--container", "--status")
    starting = inside(container, *health, user=user)
    assert (starting.returncode, "pending" in starting.stderr) == (1, True)
    wait_until(lambda: inside(container, *health, user=user).returncode == 0, lambda: "all is well")
    assert not inside(container, *health, user=user).stderr
    shown = json.loads(inside(container, *health, "--json", "a", user=user).stdout)
    assert [entry["state"] for entry in shown["entries"]] == ["running"]
    assert inside(container, *health, "nope", user=user).returncode == 1
    assert inside(container, *health, "--nope", user=user).returncode == 2
    wait_until(lambda: inside(container, *health, user=user).returncode == 1, lambda: "f has failed")
    assert inside(container, *health, "a", user=user).returncode == 0
    container.kill()
    assert container.end()[0] == 0


def test_status_without_an_init(run: Run) -> None:
    container = run(None, init=("sh", "-c", f"{init_of_ours()} --container --status; exit $?"))
    status, _, err = container.end()
    assert (status, err[:5]) == (1, "init:")


def test_hardened(run: Run) -> None:
    """Quiet, too: what cannot be had is not spoken of."""
    user = HARDENED if os.geteuid() == 0 else ()
    for through in (user, (*AS_A_CHILD, *user)):
        container = run(f"id:2:initdefault:\na:2:respawn:{SERVICE}\n", through=through, read_only=True)
        assert container.line() == "a | up\n"
        container.kill()
        status, out, err = container.end()
        assert (status, out) == (0, "a | bye\n")
        assert [line for line in lines(err) if "Terminated" not in line] == ["init | stopped by SIGTERM"]


def test_the_link_is_the_option(run: Run, tmp_path: Path) -> None:
    link = tmp_path / "container-init"
    link.symlink_to(init_of_ours())
    assert run("id:2:initdefault:\n", "--", "sh", "-c", "exit 3", init=(str(link),)).end()[0] == 3
    assert run("id:2:initdefault:\n", "--check", "--", "true", init=(str(link),)).end()[0] == 0


def test_a_thousand_orphans(run: Run) -> None:
    """None of them is left as a zombie, or spoken of."""
    orphans = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); (sleep 0.01 &); done"
    count = "sleep 0.7; ps -eo state | grep -c Z"
    status, out, err = run("id:2:initdefault:\n", "--", "sh", "-c", f"{orphans}; {count}").end(30)
    assert (status, out.strip(), err) == (1, "main | 0", "")


def test_nothing_wakes_it(run: Run) -> None:
    container = run("id:2:initdefault:\na:2:respawn:echo up; exec sleep 1000\n")
    container.line()
    time.sleep(0.3)

    def switches() -> int:
        status = Path(f"/proc/{container.pid}/status").read_text()
        return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])

    pid = container.pid
    before = switches()
    time.sleep(6)  # a FIFO that cannot be had would be looked for every 5 s
    assert switches() == before
    assert pid == container.pid


# Steering, and what is refused later.


def inittab_of(container: Container, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``inittab VERB --pid PID`` from outside, as the user who runs the container."""
    verb, *rest = words
    module = "sysvinit_py.clients.inittab.program"
    command = [sys.executable, "-m", module, verb, "--pid", str(container.pid), *rest]
    return subprocess.run(command, capture_output=True, text=True, timeout=30 * PATIENCE)


def test_a_restart_of_main_is_no_end_of_the_container(run: Run) -> None:
    container = run(f"""
        id:2:initdefault:
        # inittab: main
        app:2:once:{SERVICE}
    """)
    assert container.line() == "app | up\n"
    done = inittab_of(container, "restart", "app")
    assert done.returncode == 0, done
    assert [container.line(), container.line()] == ["app | bye\n", "app | up\n"]
    container.stop()
    assert container.end()[0] == 0


def test_main_above_what_is_waited_for_is_refused(run: Run) -> None:
    container = run("id:2:initdefault:\n# inittab: main\nw:2:wait:true\nx:2:once:true\n")
    status, _, err = container.end()
    assert (status, err) == (
        2, "init: /etc/inittab:3: w: main above a wait entry: expected a respawn or once entry\n"
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "# nothing\n", "id:2:initdefault:\nx:3:once:true\n"])
def test_an_inittab_without_anything_to_run_is_not_taken(run: Run, tmp_path: Path, text: str) -> None:
    container = run(f"id:2:initdefault:\nweb:2:respawn:{SERVICE}\n")
    assert container.line() == "web | up\n"
    Path(f"/proc/{container.pid}/root/etc/inittab").write_text(text)
    container.kill(signal.SIGHUP)
    assert container.error_line() == "init | nothing to run in level 2\n"
    container.stop()
    status, out, _ = container.end()
    assert (status, out) == (0, "web | bye\n")


def test_an_empty_command_is_not_found(run: Run) -> None:
    """As a shell, tini and docker have it."""
    assert run("id:2:initdefault:\n", "--", "").end()[0] == 127


def test_a_service_that_is_stopped_hears_of_the_end(run: Run) -> None:
    container = run(f"id:2:initdefault:\nweb:2:respawn:{SERVICE}\n")
    assert container.line() == "web | up\n"
    assert inittab_of(container, "kill", "-s", "STOP", "web").returncode == 0
    assert container.stop() < 4
    assert container.end()[:2] == (0, "web | bye\n")


def test_too_few_descriptors_are_told_once(run: Run) -> None:
    services = "".join(f"a{number}:2:respawn:sleep 100\n" for number in range(9))
    few = ("sh", "-c", 'ulimit -n 20; exec "$@"', "sh")
    container = run(f"id:2:initdefault:\n{services}", through=few)
    time.sleep(2.5)
    container.stop()
    _, _, err = container.end()
    assert err.count("cannot be started, and is tried again: Too many open files: see ulimit -n") == 1
