"""Requests of the program inittab: what is sent, and what is made of the answer and of what follows."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from sysvinit_py.cli import looking
from sysvinit_py.clients import telinit
from sysvinit_py.clients.inittab import health, history, program, steer
from sysvinit_py.inittab.entry import Problem
from sysvinit_py.linux import calls
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.pid1.inputs.requests import events_of
from sysvinit_py.protocol.initctl import Decoder, Request
from sysvinit_py.report import slots
from sysvinit_py.report.history import Ring
from sysvinit_py.simulator.world import World, entries
from tests.unit.machine.machine_world import do
from tests.unit.report.published import HEADER

INITTAB = """
    id:2:initdefault:
    web:2:respawn:/usr/sbin/nginx -g x
    o2:2:once:/bin/job
    r3:3:respawn:x
    w2:2:wait:x
    p2:2:respawn:x
    ~~:S:wait:x
"""


class Init:
    """A machine that takes requests and is looked at; each look may let something happen before."""

    def __init__(self) -> None:
        self.world = World(INITTAB)
        self.world.boot()
        self.ring = Ring()
        self.happens: list[Callable[[], object]] = []
        self.requests: list[Request] = []
        self.deaf = False
        self.problems: tuple[Problem, ...] = ()
        self.header: dict[str, Any] = {}
        self.clock = 1000.0

    def send(self, content: bytes, path: str) -> None:
        decoder = Decoder()
        for request in (*decoder.feed(content), *decoder.flush()):
            assert isinstance(request, Request)
            self.requests.append(request)
            for event in () if self.deaf else events_of(request, self.world.machine, pytest.fail):
                self.world.feed(event)

    def look(self, pid: int | None) -> tuple[int, slots.Published]:
        if self.happens:
            self.happens.pop(0)()
        machine = self.world.machine
        processes = machine.processes
        self.ring.add(processes.take_notes())
        jobs = processes.jobs.values()
        head = {"stage": machine.position.stage, **self.header}
        status = slots.header(HEADER.replace(**head))
        status += b"".join(slots.slot(job, job.pid in processes.endings) for job in jobs)
        listed = slots.entries(HEADER.reading, [job.entry for job in jobs], self.problems or machine.problems)
        return pid or 1, slots.read(status + self.ring.content, listed)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def init(monkeypatch: pytest.MonkeyPatch) -> Init:
    """Let time pass only for the one who waits."""
    one = Init()

    def sleep(seconds: float) -> None:
        one.clock += max(seconds, 0.05)

    def now(*_: object) -> float:
        return one.clock

    monkeypatch.setattr(looking, "look", one.look)
    monkeypatch.setattr(telinit, "send", one.send)
    monkeypatch.setattr(steer, "time", SimpleNamespace(sleep=sleep, monotonic=now, time=now))
    return one


@pytest.fixture
def run(init: Init, capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        status = program.main(arguments)
        return status, *capfd.readouterr()

    return call


def test_stop_and_start(init: Init, run: Run) -> None:
    assert run("stop", "nginx") == (0, "", "")
    assert "web" not in init.world.alive()
    assert init.requests[-1].sleeptime == -1
    assert run("stop", "web", "-t", "7", "-t", "9") == (0, "", "")
    assert init.requests[-1].sleeptime == 9
    assert run("start", "web") == (0, "", "")
    assert run("restart", "web", "o2") == (0, "", "")
    assert {"web", "o2"} <= set(init.world.alive())
    assert init.world.job("web").asked


def test_it_is_waited_for_what_ends_slowly(init: Init, run: Run) -> None:
    init.world.deaf = {"web"}
    assert run("stop", "web") == (5, "", "inittab: web: stopping still, after 6 s\n")
    assert run("restart", "web", "--timeout", "1") == (5, "", "inittab: web: restarting still, after 1 s\n")
    init.happens = [lambda: None] * 9 + [lambda: init.world.wait(5.1)]
    assert run("restart", "web") == (0, "", "")
    assert run("stop", "web", "--no-wait") == (0, "", "")
    assert "web" in init.world.alive()


def test_what_hangs_is_told(init: Init, run: Run) -> None:
    init.world.frozen = {"web"}
    init.happens = [lambda: None] * 5 + [lambda: init.world.wait(6)]
    status, _, errors = run("stop", "web")
    assert (status, errors) == (1, "inittab: web: its process seems to hang: init has given it up\n")


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("start", "r3"), 6, "r3: init refuses to start it: it has no place in level 2 (its levels: 3)"),
        (("restart", "p2"), 6, "p2: init refuses to restart it: it waits behind w2"),
        (("start", "id"), 6, "id: init refuses to start it: it has no command, or its action starts none"),
        (("kill", "r3"), 6, "r3: init refuses to kill it: it does not run"),
        (("stop", "x"), 4, "x: no entry has this id, and not exactly one runs a program of this name"),
    ],
)
def test_what_is_refused(run: Run, words: tuple[str, ...], status: int, reason: str) -> None:
    assert run(*words) == (status, "", f"inittab: {reason}\n")


def test_an_entry_that_is_gone_meanwhile(init: Init, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def remove() -> None:
        do(init.world, "remove web")
        do(init.world, "telinit q")

    init.world.deaf = {"web"}
    init.happens = [lambda: None, lambda: None, remove]
    assert run("stop", "web") == (4, "", "inittab: web: the entry is gone\n")
    do(init.world, "edit web:2:respawn:x")
    do(init.world, "telinit q")

    def send(content: bytes, path: str) -> None:
        remove()
        init.send(content, path)

    monkeypatch.setattr(telinit, "send", send)
    assert run("stop", "web")[2] == "inittab: web: init refuses to stop it: no entry has this id any more\n"


def test_what_became_of_a_start(init: Init, run: Run) -> None:
    world = init.world
    run("stop", "w2", "web", "o2")
    world.missing = {"web", "o2"}
    assert run("start", "web") == (1, "", "inittab: web: throttled\n")
    assert run("start", "o2") == (1, "", "inittab: o2: failed: exit 127\n")
    world.missing = set()
    for ended, expected in ((0, (0, "", "")), (256, (1, "", "inittab: o2: failed: exit 1\n"))):
        init.happens = [lambda: None, lambda: None, partial(world.end, "o2", ended)]
        assert run("start", "o2") == expected


def test_stable(init: Init, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    world = init.world
    monkeypatch.setattr("sysvinit_py.cli.looking.boot_time", lambda: 0.0)
    begun = init.clock
    assert run("restart", "web", "--stable", "3") == (0, "", "")
    assert init.clock - begun >= 3
    world.now = init.clock
    init.happens = [lambda: None, lambda: None, lambda: None, *[partial(world.end, "web")] * 3]
    assert run("restart", "web", "--stable", "9")[::2] == (
        1,
        "inittab: web: it has ended, and was started again\n",
    )


def test_stable_counts_for_what_runs_already(init: Init, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends again and again runs whenever one looks."""
    monkeypatch.setattr("sysvinit_py.cli.looking.boot_time", lambda: 0.0)
    run("restart", "web", "--no-wait")
    world = init.world
    world.now = init.clock
    world.end("web")
    again = "inittab: web: it has ended, and was started again\n"
    init.happens = [lambda: None, lambda: None, lambda: None, partial(world.end, "web")]
    assert run("start", "web", "--stable", "3")[::2] == (1, again)
    world.now, begun = init.clock, init.clock
    world.end("web")
    assert run("start", "web", "--stable", "3") == (0, "", "")
    assert init.clock - begun >= 3
    init.happens = [lambda: None, lambda: None, lambda: None, partial(world.end, "o2", 256)]
    world.now = init.clock
    run("restart", "o2", "--no-wait")
    init.happens = [lambda: None, lambda: None, lambda: None, partial(world.end, "o2", 0)]
    assert run("start", "o2", "--stable", "3") == (0, "", ""), "it is done"


def test_of_one_id_what_has_no_place_is_not_waited_for(init: Init, run: Run) -> None:
    """The inittab has ~~ in S, or init itself; another one is what can be started."""
    init.world.inittab = (*init.world.inittab, *entries("~~:2:respawn:y"))
    do(init.world, "telinit q")
    init.world.end("w2")
    for verb in ("stop", "start", "restart"):
        assert run(verb, "~~") == (0, "", ""), verb
    assert "~~" in init.world.alive()


def test_kill(init: Init, run: Run) -> None:
    assert run("kill", "web", "-s", "sighup") == (0, "", "")
    assert run("kill", "web", "-s", "9") == (0, "", "")
    assert [effect.name for effect in init.world.effects if isinstance(effect, fx.Signal)] == [1, 9]
    for word in ("NONE", "0", "65", "-1"):
        assert run("kill", "web", "-s", word)[0] == 2, word


def test_init_does_not_answer(init: Init, run: Run) -> None:
    init.deaf = True
    assert run("stop", "web") == (
        5,
        "",
        "inittab: web: init has not answered in 5 s; inittab history may tell more\n",
    )
    assert run("reload", "--timeout", "2") == (5, "", "inittab: the inittab is not read yet, after 2 s\n")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), "must be superuser, or the user that init runs as"),
        (FileNotFoundError(2, "No such file or directory"), "no control channel: No such file or directory"),
        (
            telinit.RefusedError("/run/initctl is not a fifo"),
            "no control channel: /run/initctl is not a fifo",
        ),
    ],
)
def test_no_way_to_ask(run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    def fail(content: bytes, path: str) -> None:
        raise error

    monkeypatch.setattr(telinit, "send", fail)
    assert run("stop", "web") == (4, "", f"inittab: {reason}\n")


def test_another_init(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(pid: int | None) -> None:
        raise looking.ForeignError

    monkeypatch.setattr(looking, "look", fail)
    for words in (("stop", "x"), ("wait", "x", "running"), ("reload",), ("history",)):
        status, _, errors = run(*words)
        assert (status, "another init" in errors) == (7, True)
    assert run("health")[0] == 1


def test_wait(init: Init, run: Run) -> None:
    assert run("wait", "web", "running")[0] == 0
    assert run("wait", "o2", "done", "--timeout", "3")[::2] == (5, "inittab: o2: running still, after 3 s\n")
    init.happens = [*[lambda: None] * 5, partial(init.world.end, "o2", 256)]
    assert run("wait", "o2", "done")[::2] == (1, "inittab: o2: failed: exit 1\n")
    assert run("wait", "o2", "stopped")[0] == 0
    for words in (("wait", "web"), ("wait", "web", "gone"), ("wait",), ("wait", "web", "done", "more")):
        assert run(*words)[0] == 2


def test_health(init: Init, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def ill(*words: str) -> str:
        status, output, errors = run("health", *words)
        assert (status, output) == (bool(errors), "")
        return errors

    assert ill() == "inittab: p2: pending\n"
    assert not ill("web")
    init.world.end("w2", 0)
    init.world.end("o2", 256)
    assert ill() == "inittab: o2: failed: exit 1\n"
    run("start", "o2")
    monkeypatch.setattr("posix.readlink", lambda path: calls.FIRST_PID_NAMESPACE)
    assert not ill()
    run("stop", "web")
    assert not ill()
    assert ill("web") == "inittab: web: stopped\n"
    assert ill("--pid", "7") == "inittab: web: stopped\n", "which is a container's"
    monkeypatch.setattr("posix.readlink", lambda path: "pid:[1]")
    assert ill() == "inittab: web: stopped\n"
    assert "no entry has this id" in ill("none")
    assert run("health", "--none")[0] == 2
    assert [item["id"] for item in json.loads(run("health", "--json", "o2")[1])["entries"]] == ["o2"]
    init.header = {"stage": "#", "level": ""}
    assert ill("id") == "inittab: init is starting\n"
    init.header = {"busy": "ends"}
    assert ill("id") == "inittab: init waits for processes to end\n"


def test_health_of_a_container(init: Init, capfd: pytest.CaptureFixture[str]) -> None:
    """init --container --status: the same in other words."""
    assert health.main([]) == 1
    assert capfd.readouterr().err == "init: p2: pending\n"
    assert health.main(["web"]) == 0
    assert health.main(["--none"]) == 2


def test_reload(init: Init, run: Run) -> None:
    assert run("reload") == (0, "", "")
    init.problems = (Problem("/etc/inittab", 3, "x\x1b: unknown action field"),)
    assert run("reload") == (1, "", "inittab: /etc/inittab[3]: x\\x1b: unknown action field\n")
    init.problems, init.world.readable = (), False
    status, _, errors = run("reload")
    assert (status, errors.splitlines()) == (
        1,
        [
            "inittab: the inittab is incomplete, or cannot be read: all stays as it was",
            "inittab: cannot read inittab",
        ],
    )


def test_history(init: Init, run: Run) -> None:
    world = init.world
    world.end("web", 11 | 0x80)
    run("restart", "web")
    do(world, "telinit 3")
    do(world, "edit r3:3:off:x")
    do(world, "telinit q")
    status, output, _ = run("history")
    header, *lines = output.splitlines()
    said = [line.split("  ")[-1].strip() for line in lines]
    assert (status, header.split()) == (0, ["TIME", "ID", "EVENT"])
    assert any(line.endswith("ended: signal 11 SEGV, core") for line in said)
    assert any(line.startswith("restart requested by ") for line in said)
    assert any(line.endswith("(restarted)") for line in said)
    assert "level 3" in said
    assert "stage #" in said
    assert said[-2:] == ["inittab read", f"process {world.last_pid} ended: signal 15 TERM (action-changed)"]
    assert len(run("history", "-n", "3")[1].splitlines()) == 4
    assert len(run("history", "-n", "0")[1].splitlines()) == 1
    for name in ("web", "nginx", "p2"):
        assert {line.split()[2] for line in run("history", name)[1].splitlines()[1:]} <= {"web", "p2"}
    do(world, "remove web")
    do(world, "telinit q")
    assert {line.split()[2] for line in run("history", "web")[1].splitlines()[1:]} == {"web"}, "it is gone"
    assert {run("history", name)[0] for name in ("none", "nginx", "")} == {4}
    output = run("history")[1]
    lines = output.splitlines()[1:]
    told = json.loads(run("history", "--json")[1])
    schema = Path(history.__file__).parents[2] / "data/history.schema.json"
    jsonschema.validate(told, json.loads(schema.read_text()))
    numbers = [event["number"] for event in told["events"]]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == len(lines)
    required = json.loads(schema.read_text())["properties"]["events"]["items"]["required"]
    assert set(told["events"][0]) == set(required)


def test_every_event_and_verb_is_known(init: Init) -> None:
    schema = json.loads((Path(history.__file__).parents[2] / "data/history.schema.json").read_text())
    known = set(schema["properties"]["events"]["items"]["properties"]["event"]["enum"])
    assert known == history._SAID.keys() | {"stop", "start", "restart", "kill"}


@pytest.mark.parametrize(("login", "who"), [("1000\n", "1000"), ("4294967295\n", "7"), ("x", "7")])
def test_who_asks(
    init: Init, run: Run, monkeypatch: pytest.MonkeyPatch, login: str, who: str, tmp_path: Path
) -> None:
    (tmp_path / "loginuid").write_text(login)
    monkeypatch.setattr(steer, "open", lambda path: (tmp_path / "loginuid").open(), raising=False)
    monkeypatch.setattr("posix.getuid", lambda: 7)
    monkeypatch.setattr("posix.ttyname", lambda fd: "/dev/pts/3")
    run("stop", "web")
    assert init.world.job("web").asked == f"{who},pts/3"


def test_the_order_is_one_that_init_takes(init: Init, run: Run) -> None:
    run("stop", "web")
    [event] = events_of(init.requests[-1], init.world.machine, pytest.fail)
    assert isinstance(event, ev.EntryRequested)
