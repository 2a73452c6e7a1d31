"""Services whose supervisor was killed: ours goes on with them, Debian's starts a second copy."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.system.services.conftest import Make
from tests.system.services.supervised import CAT, SLEEP, Supervised, gaps, is_alive

COUNT = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"


def started(one: Supervised, who: str) -> tuple[int, int]:
    one.start(who)
    one.wait_stat("run")
    one.wait_stat("run", "log")
    return one.pid(), one.pid("log")


def test_after_kill_9(service: Make, who: str) -> None:
    """The same two processes, the same pipe, no line lost; Debian's has two copies of each."""
    one = service({"run": COUNT, "log/run": "exec cat >> got"})
    pids = started(one, who)
    before = one.status()
    one.wait(lambda: one.read("log/got").count("\n") > 20)
    one.kill_runsv()
    assert all(map(is_alive, pids))
    one.start(who)
    one.wait_stat("run")
    if who == "oracle":
        one.wait(lambda: one.pid() not in (0, pids[0]))
        assert all(map(is_alive, pids))
        return
    assert (one.pid(), one.pid("log")) == pids
    assert one.status() == before
    os.kill(pids[1], signal.SIGKILL)
    one.wait(lambda: one.pid("log") not in (0, pids[1]))
    have = one.read("log/got").count("\n")
    one.wait(lambda: one.read("log/got").count("\n") > have + 20)
    assert one.exit() == 0
    assert not any(map(is_alive, pids))
    assert gaps(one.read("log/got")) <= 1


def test_from_debians_and_back(service: Make, oracle: str) -> None:
    """Debian's leaves no record when it is killed: status is enough. After ours, Debian's goes on."""
    one = service({"run": COUNT, "log/run": "exec cat >> got"})
    pids = started(one, oracle)
    one.kill_runsv()
    one.start("ours")
    assert (one.pid(), one.pid("log")) == pids
    os.kill(pids[1], signal.SIGKILL)
    one.wait(lambda: one.pid("log") not in (0, pids[1]))
    assert one.exit() == 0
    assert not (one.path / "supervise/lock").read_bytes()
    for who in (oracle, "ours"):
        started(one, who)
        assert one.exit() == 0
    numbers = [int(line) for line in one.read("log/got").split()]
    assert 1 in numbers[1:]


def test_how_it_ended_is_unknown(service: Make) -> None:
    """Nobody but its parent learns that; finish is told so."""
    one = service({"run": SLEEP, "finish": "echo $* >> told", "log/run": CAT})
    pid, _ = started(one, "ours")
    one.kill_runsv()
    one.start("ours")
    os.kill(pid, signal.SIGTERM)
    one.wait(lambda: one.read("told") == "-1 0\n")
    one.wait(lambda: one.pid() not in (0, pid))


def test_it_ended_meanwhile(service: Make) -> None:
    one = service({"run": SLEEP, "finish": "echo $* >> told", "log/run": CAT})
    pid, _ = started(one, "ours")
    one.kill_runsv()
    os.kill(pid, signal.SIGKILL)
    one.start("ours")
    one.wait(lambda: one.read("told") == "-1 0\n")
    one.wait(lambda: one.pid() not in (0, pid))


def test_what_was_down_stays_down(service: Make) -> None:
    """A kill of the supervisor does not start what somebody has stopped; leaving in good order forgets it."""
    one = service({"run": SLEEP})
    one.start("ours")
    one.wait_stat("run")
    one.order("d")
    one.wait_stat("down")
    one.kill_runsv()
    one.start("ours")
    time.sleep(0.1)
    assert one.stat() == "down"
    assert one.exit() == 0
    one.start("ours")
    one.wait_stat("run")


def test_a_finish_is_gone_on_with(service: Make) -> None:
    one = service({"run": SLEEP, "finish": "echo >> told; sleep 1"})
    one.start("ours")
    one.wait_stat("run")
    one.order("d")
    one.wait_stat("finish, want down")
    one.wait(lambda: one.read("told"))
    one.kill_runsv()
    one.start("ours")
    assert one.stat() == "finish, want down"
    one.wait_stat("down")
    assert one.read("told") == "\n"


@pytest.mark.parametrize("name", ["status", "lock"])
@pytest.mark.parametrize(
    "damage", [b"", b"\xff" * 20, b"nonsense\n", b"\0" * 300, b"- 1 2 3\n", b"a b c d\n"]
)
def test_damaged_records(service: Make, name: str, damage: bytes) -> None:
    """What makes no sense is not believed: the service is started anew."""
    one = service({"run": SLEEP})
    one.start("ours")
    one.wait_stat("run")
    pid = one.pid()
    one.kill_runsv()
    os.kill(pid, signal.SIGKILL)
    (one.path / "supervise" / name).write_bytes(damage)
    one.start("ours")
    one.wait(lambda: one.pid() not in (0, pid) and one.stat() == "run")


def test_another_process_with_that_pid(service: Make) -> None:
    """A pid alone proves nothing: it must have been started when the record says."""
    one = service({"run": SLEEP})
    one.start("ours")
    one.wait_stat("run")
    pid = one.pid()
    one.kill_runsv()
    os.kill(pid, signal.SIGKILL)
    record = one.path / "supervise/lock"
    *words, noted = record.read_text().split()
    status = one.path / "supervise/status"
    for file, data in ((status, status.read_bytes()), (record, bytes.fromhex(noted))):
        changed = data[:12] + os.getpid().to_bytes(4, "little") + data[16:]
        file.write_bytes(changed if file == status else " ".join([*words, changed.hex()]).encode())
    one.start("ours")
    one.wait(lambda: one.pid() not in (0, pid, os.getpid()))
    assert one.exit() == 0
