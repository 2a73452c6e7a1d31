"""What the programs of a container write arrives: whole lines, each on the stream it was written to."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.container.conftest import Start
from tests.container.engine import Container
from tests.container.services import APPLICATION, ENDS, variables

COUNT = 3000
#: Writes so many lines, each of another length.
WRITES = 'i=0; while [ $i -lt $COUNT ]; do i=$((i+1)); echo "$0 $i ${TEXT%${TEXT#????????}}$TEXT"; done'


def writers(count: int) -> list[str]:
    """Return the engine's options that give WRITES its variables."""
    return [f"--env=WRITES={WRITES}", f"--env=COUNT={count}", "--env=TEXT=abcdefghijklmnopqrstuvwxyz"]


def test_lines_of_two_writers_are_whole(start: Start) -> None:
    """None is lost, cut, or mixed with another one."""
    file = 'one:2:once:sh -c "$WRITES" one\ntwo:2:once:sh -c "$WRITES" two\n'
    container = start(file, options=writers(COUNT))
    assert container.wait() == 0
    output = container.logs()
    assert output.errors == []
    assert len(output.out) == 2 * COUNT
    for id in "one", "two":
        lines = output.of(id)
        assert [int(line.split()[1]) for line in lines] == list(range(1, COUNT + 1))
        assert {re.sub(r"\d+", "N", line) for line in lines} == {f"{id} N abcdefghabcdefghijklmnopqrstuvwxyz"}


def test_last_words(start: Start) -> None:
    """What a service writes when it is told to stop arrives, to the last line, with a newline or without."""
    last = "trap 'seq 2000; printf end; exit' TERM; echo up; sleep 1000 & wait"
    container = start(APPLICATION, options=variables(WEB=last, WORKER=last))
    for id in ("web", "work", "main"):
        container.expect(id, "up")
    container.kill("TERM")
    assert container.wait() == 0
    for id in "web", "work":
        assert container.logs().of(id) == ["up", *map(str, range(1, 2001)), "end"]


def test_streams(start: Start) -> None:
    """stdout stays stdout, and stderr stderr; init itself is silent on a good day."""
    container = start('a:2:once:sh -c "echo out; echo error >&2"\nweb1:2:once:echo out\n')
    assert container.wait() == 0
    output = container.logs()
    assert sorted(output.out) == ["a    | out", "web1 | out"]
    assert output.errors == ["a    | error"]


def test_dev_stdout_of_another_user(start: Start) -> None:
    """A server that has given up root opens it as its log."""
    writes = "sh -c 'id -u >/dev/stdout; echo no >/dev/stderr'"
    command = f"setpriv --reuid=1000 --regid=1000 --clear-groups {writes}"
    container = start('a:2:once:sh -c "$COMMAND"\n', options=[f"--env=COMMAND={command}"])
    assert container.wait() == 0
    output = container.logs()
    assert (output.out, output.errors) == (["a | 1000"], ["a | no"])


def test_long_lines_come_in_pieces(start: Start) -> None:
    container = start("a:2:once:sh -c \"head -c 200000 /dev/zero | tr '\\\\0' x; echo; echo end\"\n")
    assert container.wait() == 0
    lines = container.logs().out
    assert lines[-1] == "a | end"
    assert lines[0].startswith("a | x")
    assert {line[:5] for line in lines[1:-1]} == {"a + x"}
    assert sum(line.count("x") for line in lines) == 200_000


def test_json(start: Start) -> None:
    """An object a line, of init's own lines, too."""
    container = start('a:2:respawn:sh -c "echo out; echo \'er\\"ror\' >&2; exit 4"\n', "--log=json")
    assert container.wait() == 4
    output = container.logs()
    objects = [json.loads(line) for line in output.out]
    assert {(o["id"], o["stream"], o["line"]) for o in objects} == {("a", "stdout", "out")}
    errors = [json.loads(line) for line in output.errors]
    assert {o["id"] for o in errors} == {"a", "init"}
    assert {o["line"] for o in errors if o["id"] == "a"} == {'er"ror'}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", o["time"]) for o in objects + errors)


def test_raw(start: Start) -> None:
    """For those that write JSON themselves: nothing is added, and init copies nothing."""
    container = start("a:2:once:echo out\n", "--log", "raw")
    assert container.wait() == 0
    assert container.logs() == (["out"], [])


def test_orphans(start: Start) -> None:
    """A thousand are left behind at once: none stays, and not a word of them."""
    orphans = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); (sleep 0.2 &); done; echo made; exec sleep 1000"
    container = start('a:2:once:sh -c "$ORPHANS"\n', options=[f"--env=ORPHANS={orphans}"])
    container.expect("a", "made")
    time.sleep(0.7)
    assert [child.state for child in children(container.pid)] == ["S"]
    assert container.logs() == (["a | made"], [])


def test_nothing_wakes_it(start: Start) -> None:
    container = start("a:2:respawn:sleep 1000\n")
    time.sleep(1)
    status = Path(f"/proc/{container.pid}/status")
    counts = []
    for _ in range(2):
        [count] = re.findall(r"^voluntary_ctxt_switches:\t(\d+)", status.read_text(), re.MULTILINE)
        counts.append(count)
        time.sleep(3)
    assert counts[0] == counts[1]


def test_stalled_reader(start: Start) -> None:
    """Nobody reads what it writes: it stops in time."""
    container = start("a:2:respawn:yes\nb:2:respawn:sleep 1000\n")
    pid = container.pid
    [parent] = re.findall(r"^PPid:\t(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    os.kill(int(parent), signal.SIGSTOP)  # conmon, or containerd-shim
    try:
        time.sleep(1)
        assert container.time_to_end(signal.SIGTERM, pid) < 4
    finally:
        os.kill(int(parent), signal.SIGCONT)
    assert container.wait() == 0


class Child:
    """A process that PID 1 has."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def children(pid: int) -> list[Child]:
    """Return the children of a process."""
    return [Child(int(child)) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("log", ["prefix", "json", "raw"])
def test_terminal(start: Start, log: str) -> None:
    """With -t the command gets the terminal, and its lines are those of the terminal."""
    command = ("sh", "-c", "test -t 0 && echo a terminal; tty")
    container: Container = start(
        "a:2:respawn:sleep 1000\n", f"--log={log}", "--", *command, options=["--tty", f"--env=ENDS={ENDS}"]
    )
    assert container.wait() == 0
    assert "a terminal" in " ".join(container.logs().out)
