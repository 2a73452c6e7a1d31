"""kill -9 of everything, in any order: each service that is wanted up runs once, and its log goes on.

SYSVINIT_PY_KILLS says how many kills there are (.ci/nightly: many).
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from tests.system.services.directory import Directory
from tests.system.services.supervised import Supervised, is_alive

KILLS = int(os.environ.get("SYSVINIT_PY_KILLS") or 8)
#: Numbers, each once, however often it is started: what was printed stands in the file, too.
COUNT = """\
exec 2>/dev/null
while :; do
    n=$(($(cat next || echo 0) + 1))
    echo $n > next.new; mv next.new next
    echo $n
    sleep 0.02
done"""
NAMES = ("a", "b", "c", "d")


def running(service: Supervised, name: str) -> list[int]:
    """The processes of a slot: a shell or a cat that is in its folder, and not a child of such a one."""
    found: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "cwd") == str(service.path / name).rstrip("/"):
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z" and (path / "comm").read_text() in ("run\n", "sh\n", "cat\n", "sleep\n"):
                    found[int(path.name)] = int(fields[1])
        except OSError:
            pass
    return [pid for pid, parent in found.items() if parent not in found]


def test_kills_in_any_order(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    chance = random.Random(seed)
    with Directory(tmp_path) as services:
        made = {name: services.service(name, COUNT, log="exec cat >> got") for name in NAMES}
        slots = [(service, slot) for service in made.values() for slot in ("", "log")]
        may_miss = dict.fromkeys(NAMES, 1)
        services.start("ours")

        def settled() -> bool:
            if services.process and services.process.poll() is not None:
                services.start("ours")  # as init would
            return all(
                service.is_served(slot) and running(service, slot) == [service.pid(slot)]
                for service, slot in slots
            )

        services.wait(settled, 30)
        for _ in range(KILLS):
            assert services.process
            who = chance.choice(["front", "hub", "both", "run", "log", "log and hub"])
            name = chance.choice(NAMES)
            may_miss[name] += "log" in who or who == "run"
            victims = {
                "front": [services.process.pid], "hub": [services.hub],
                "both": chance.sample([services.process.pid, services.hub], 2),
                "run": [made[name].pid()], "log": [made[name].pid("log")],
                "log and hub": [made[name].pid("log"), services.hub],
            }[who]  # fmt: skip
            for pid in victims:
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)
                if pid == services.process.pid:
                    services.process.wait()
            time.sleep(chance.choice([0, 0.01, 0.1, 0.5, 1.2]))
            services.wait(settled, 30)
        errors = services.errors
        for service in made.values():
            service.order("x")
        services.end(signal.SIGHUP)
        services.wait(lambda: not any(running(service, slot) for service, slot in slots), 30)
        for name, service in made.items():
            numbers = [int(line) for line in service.read("log/got").split()]
            printed = int(service.read("next"))
            assert numbers == sorted(set(numbers)), (seed, name, errors)
            # What is killed itself may have a line that it has not printed, or not written.
            assert printed - len(numbers) <= may_miss[name], (seed, name, errors)
        assert "Error" not in errors, (seed, errors)
