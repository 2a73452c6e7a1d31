"""Requests for one entry: every row of the tables of docs/status.rst, as a scenario (see machine_world)."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.entry import EntryOptions
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import rules, steering
from sysvinit_py.machine.state import restore, save
from sysvinit_py.simulator.world import TOKEN, World, answers_of
from tests.unit.machine.machine_world import do, play

INITTAB = """
    id:2:initdefault:
    si::sysinit:x
    bw::bootwait:x
    bo::boot:x
    w2:2:wait:x
    o2:2:once:x
    r2:2:respawn:x
    rr:23:respawn:x
    gt:2:respawn:/sbin/getty tty1
    oa:a:ondemand:x
    kb:2:kbrequest:x
    ca::ctrlaltdel:x
    of:2:off:x
    no:2:respawn:
    r3:3:respawn:x
    ~~:S:wait:x
"""
IN_2 = """
    boot      -> start si
    si ends   -> start bw
    bw ends   -> start bo; start w2
    w2 ends   -> start o2; start r2; start rr; start gt
"""
THROTTLED = (
    "child r2 is missing ->\n"
    + IN_2.replace("start r2; start rr; start gt", "start r2; start rr; start gt" + "; start r2" * 9)
    + "expect r2 throttled ->\n"
)

#: The first table: what the entry does, and what the verbs do to it.
STATES: dict[str, str] = {
    "runs, respawn: stop": f"""{IN_2}
        stop r2     -> TERM r2
        expect r2 stopped ->
        wait 1000   ->
        expect r2 stopped ->
        stop r2     ->
        start r2    -> start r2
        expect r2 running ->
    """,
    "runs, respawn: start is nothing, restart": f"""{IN_2}
        start r2    ->
        restart r2  -> TERM r2; start r2
    """,
    "stop kills after the wait time, which nobody else waits for": f"""{IN_2}
        child r2 ignores TERM ->
        stop r2     -> TERM r2
        expect r2 stopping ->
        expect waits for   ->
        rr ends     -> start rr
        wait 4.9    ->
        wait 0.2    -> KILL r2
        expect r2 stopped ->
    """,
    "-t: the wait time of this one request; 0 is SIGKILL at once": f"""{IN_2}
        child r2 ignores TERM ->
        child rr ignores TERM ->
        stop r2 -t 20 -> TERM r2
        restart rr -t 0 -> TERM rr; KILL rr; start rr
        wait 19     ->
        wait 2      -> KILL r2
    """,
    "not what the last telinit left behind": f"""{IN_2}
        wait time 60 ->
        child r2 ignores TERM ->
        stop r2     -> TERM r2
        wait 6      -> KILL r2
    """,
    "restart waits until no member of the group is left": f"""{IN_2}
        r2 leaves a member ->
        child r2 ignores TERM ->
        restart r2  -> TERM r2
        expect r2 restarting ->
        r2 ends     ->
        expect r2 restarting ->
        wait 1      ->
        member of r2 ends ->
        wait 0.1    -> start r2
        expect r2 running ->
    """,
    "runs, once: ended, and has run; start and restart begin it anew": f"""{IN_2}
        stop o2     -> TERM o2
        expect o2 stopped ->
        telinit q   ->
        start o2    -> start o2
        restart o2  -> TERM o2; start o2
        o2 ends     ->
        expect o2 done    ->
    """,
    "runs, wait: what waits for it goes on": """
        boot        -> start si
        si ends     -> start bw
        bw ends     -> start bo; start w2
        stop w2     -> TERM w2; start o2; start r2; start rr; start gt
        expect w2 stopped ->
    """,
    "runs, wait: restarted, it holds the others back all the time": """
        boot        -> start si
        si ends     -> start bw
        bw ends     -> start bo; start w2
        w2 leaves a member ->
        child w2 ignores TERM ->
        restart w2  -> TERM w2
        w2 ends     ->
        expect o2 held back by w2 ->
        member of w2 ends ->
        wait 0.1    -> start w2
        w2 ends     -> start o2; start r2; start rr; start gt
    """,
    "runs, bootwait that hangs: the boot goes on": """
        boot        -> start si
        si ends     -> start bw
        child bw hangs    ->
        stop bw     -> TERM bw
        wait 6      -> KILL bw; start bo; start w2
    """,
    "runs, an event's: it waits for the next one": f"""{IN_2}
        kbrequest   -> start kb
        stop kb     -> TERM kb
        expect kb idle    ->
        kbrequest   -> start kb
        restart kb  -> TERM kb; start kb
        kb ends     ->
    """,
    "is ending by a stop: start and restart let it start when it is gone": f"""{IN_2}
        child r2 ignores TERM ->
        stop r2     -> TERM r2
        stop r2     ->
        start r2    ->
        expect r2 restarting ->
        stop r2     ->
        expect r2 stopping ->
        restart r2  ->
        wait 6      -> KILL r2; start r2
    """,
    "is ending by a stop, and only members are left": f"""{IN_2}
        r2 leaves a member ->
        child r2 ignores TERM ->
        stop r2     -> TERM r2
        r2 ends     ->
        expect r2 stopping ->
        start r2    ->
        expect r2 restarting ->
        stop r2     ->
        expect r2 stopping ->
        restart r2  ->
        wait 6      -> KILL r2; start r2
    """,
    "rests: stop": f"""{THROTTLED}
        stop r2     ->
        expect r2 stopped ->
        wait 1000   ->
    """,
    "rests: start and restart end the rest, and clear the throttle": f"""{THROTTLED}
        start r2    -> {"; ".join(["start r2"] * 10)}
        expect r2 throttled ->
        restart r2  -> {"; ".join(["start r2"] * 10)}
        wait 299    ->
        expect r2 throttled ->
    """,
    "rests as its fork failed: stop, and nobody waits for it": """
        boot        -> start si
        si ends     -> start bw
        bw ends     -> start bo; start w2
        forks fail  ->
        restart w2  -> TERM w2; start w2
        expect w2 pending ->
        expect o2 held back by w2 ->
        forks work  ->
        stop w2     -> start o2; start r2; start rr; start gt
        expect w2 stopped ->
        wait 2      ->
    """,
    "expect waits for its terminal": f"""
        terminal /dev/tty1 missing ->
        {IN_2.replace("; start gt", "; try gt")}
        expect gt no-terminal ->
        start gt    -> try gt
        stop gt     ->
        expect gt stopped ->
        terminal /dev/tty1 there ->
        look        ->
        expect gt stopped ->
        restart gt  -> start gt
    """.replace("try gt", "try gt"),
    "lost its terminal: start is for when it is back": f"""{IN_2}
        child gt ignores TERM ->
        terminal /dev/tty1 missing ->
        look        -> TERM gt
        stop gt     ->
        expect gt stopping ->
        gt ends     ->
        expect gt stopped ->
        terminal /dev/tty1 there ->
        start gt    -> start gt
    """,
    "stopped: restart starts it": f"""{IN_2}
        stop r2     -> TERM r2
        restart r2  -> start r2
    """,
    "done or failed": f"""{IN_2}
        o2 ends with 1 ->
        expect o2 failed  ->
        stop o2     ->
        expect o2 failed  ->
        start o2    -> start o2
        o2 ends     ->
        restart o2  -> start o2
    """,
    "ondemand, not called: this one alone is called": f"""{IN_2}
        edit ob:a:ondemand:x ->
        telinit q   ->
        expect oa idle    ->
        stop oa     ->
        expect oa idle    ->
        start oa    -> start oa
        expect ob idle    ->
        stop oa     -> TERM oa
        restart oa  -> start oa
        restart ob  -> start ob
    """,
    "expect waits for an event": f"""{IN_2}
        expect kb idle    ->
        stop kb     ->
        start kb    -> start kb
        kb ends     ->
        expect kb idle    ->
        restart kb  -> start kb
    """,
    "expect waits for an event, and a call is kept: stop drops it": """
        boot        -> start si
        si ends     -> start bw
        bw ends     -> start bo; start w2
        kbrequest   ->
        expect kb triggered ->
        start kb answered behind ->
        stop kb     ->
        expect kb idle    ->
        w2 ends     -> start o2; start r2; start rr; start gt
    """,
    "waits behind another: start is refused, stop has it skipped": """
        boot        -> start si
        si ends     -> start bw
        bw ends     -> start bo; start w2
        start o2 answered behind ->
        restart r2 answered behind ->
        stop o2     ->
        stop r2     ->
        expect r2 stopped ->
        w2 ends     -> start rr; start gt
        start o2    -> start o2
    """,
    "expect waits for nothing but init: it is due, and that is enough": f"""{IN_2}
        inittab is slow ->
        telinit 3   ->
        start r3    ->
        inittab is read -> TERM o2; TERM r2; TERM gt; start r3
    """,
    "has no place, off, no command": f"""{IN_2}
        stop r3     ->
        start r3 answered no-place ->
        restart r3 answered no-place ->
        start of answered empty ->
        restart id answered empty ->
        start no answered empty ->
        stop no     ->
        start ~~ answered no-place ->
    """,
    "boot is over": f"""{IN_2}
        start si answered no-place ->
        restart bw answered no-place ->
        start bo    ->
        restart bo  -> TERM bo
        expect bo inactive ->
        start bo answered no-place ->
        stop bo     ->
    """,
    "boot is over: stop ends what runs": f"""{IN_2}
        stop bo     -> TERM bo
        restart bo answered no-place ->
    """,
    "S has no place for what is on demand": f"""{IN_2}
        telinit S   -> TERM o2; TERM r2; TERM rr; TERM gt; start ~~
        start oa answered no-place ->
        stop ~~     -> TERM ~~; start w2
    """,
    "kill": f"""{IN_2}
        r2 leaves a member ->
        kill r2     -> signal 15 r2; start r2
        kill rr -s 1 -> signal 1 rr; start rr
        kill r3 answered not-running ->
        kill xx answered unknown ->
        kill of answered not-running ->
    """,
    "unknown": f"""{IN_2}
        stop xx answered unknown ->
        start R2 answered unknown ->
    """,
    "what is being ended as the level was left": f"""{IN_2}
        child r2 ignores TERM ->
        telinit 3   -> TERM o2; TERM r2; TERM gt
        stop r2     ->
        start r2 answered no-place ->
        stop rr     -> TERM rr
        wait 6      -> KILL r2; start r3
    """,
    "steering never blocks a switch": f"""{IN_2}
        child r2 hangs    ->
        stop r2 -t 3600 -> TERM r2
        telinit 3   -> TERM o2; TERM r2; TERM gt
        expect waits for ends r2 ->
        wait 6      -> KILL r2; start r3
    """,
    "what hangs is given up, and started anew if it was to be": f"""{IN_2}
        child r2 hangs    ->
        restart r2  -> TERM r2
        wait 6      -> KILL r2; start r2
    """,
    "a stage is not over while one of it is being restarted": """
        edit os:S:once:x ->
        edit ~~:S:wait: ->
        boot S      -> start si
        si ends     -> start os
        os leaves a member ->
        child os ignores TERM ->
        restart os  -> TERM os
        os ends     ->
        expect os restarting ->
        member of os ends ->
        wait 0.1    -> start os
    """,
    "nothing left is said once, and not because of a stop": """
        edit rr:3:respawn:x ->
        edit gt:3:respawn:x ->
        boot        -> start si
        si ends     -> start bw
        bw ends     -> start bo; start w2
        w2 ends     -> start o2; start r2
        stop o2     -> TERM o2
        stop r2     -> TERM r2; say no more processes left in this runlevel
        start o2    -> start o2
        o2 ends     ->
    """,
}

#: The second table: what becomes of a stop.
LATER: dict[str, str] = {
    "telinit q: it stays": f"""{IN_2}
        stop r2     -> TERM r2
        telinit q   ->
        SIGHUP      ->
        expect r2 stopped ->
    """,
    "telinit a with its letter: released": f"""{IN_2}
        start oa    -> start oa
        stop oa     -> TERM oa
        telinit b   ->
        expect oa stopped ->
        telinit a   -> start oa
    """,
    "process field, levels changed: it stays, and the new command is used": f"""{IN_2}
        stop r2     -> TERM r2
        edit r2:25:respawn:y ->
        telinit q   ->
        expect r2 stopped ->
        start r2    -> start r2
    """,
    "entry gone: gone with it": f"""{IN_2}
        stop r2     -> TERM r2
        remove r2   ->
        telinit q   ->
        edit r2:2:respawn:x ->
        telinit q   -> start r2
    """,
    "action changed: it is another entry": f"""{IN_2}
        stop r2     -> TERM r2
        edit r2:2:once:x ->
        telinit q   -> start r2
    """,
    "a level that has it, too: it stays": f"""{IN_2}
        stop rr     -> TERM rr
        telinit 3   -> TERM o2; TERM r2; TERM gt; start r3
        expect rr stopped ->
    """,
    "a level that has it not: released, on coming back all is as the file says": f"""{IN_2}
        stop r2     -> TERM r2
        stop o2     -> TERM o2
        telinit 3   -> TERM gt; start r3
        expect r2 inactive ->
        telinit 2   -> TERM r3; start w2
        w2 ends     -> start o2; start r2; start gt
    """,
    "S for one on demand: released": f"""{IN_2}
        start oa    -> start oa
        stop oa     -> TERM oa
        telinit 3   -> TERM o2; TERM r2; TERM gt; start r3
        expect oa stopped ->
        telinit S   -> TERM rr; TERM r3; start ~~
        expect oa inactive ->
        telinit a   ->
    """.replace("oa inactive", "oa idle"),
    "telinit u: kept": f"""{IN_2}
        stop r2     -> TERM r2
        child rr ignores TERM ->
        restart rr  -> TERM rr
        re-execution ->
        expect r2 stopped ->
        expect rr restarting ->
        wait 6      -> KILL rr; start rr
    """,
}


@pytest.mark.parametrize("scenario", (STATES | LATER).values(), ids=STATES | LATER)
def test_scenario(scenario: str) -> None:
    play(INITTAB, scenario)


def test_every_row_of_the_table_is_a_verdict_or_a_situation() -> None:
    verdicts = {value for name, value in vars(rules).items() if name.isupper() and value in steering.TABLE}
    of_its_own = {steering.ENDING, steering.OUTLASTS, steering.BEHIND, steering.ON_DEMAND, steering.NO_PLACE}
    assert steering.TABLE.keys() == verdicts | of_its_own
    reasons = {steering.BEHIND, steering.NO_PLACE, steering.EMPTY}
    for row in steering.TABLE.values():
        assert len(row) == len(steering.VERBS)
        assert {step for steps in row for step in steps.split(", ")} <= steering.STEPS.keys() | reasons


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_what_is_left_of_the_boot_is_ended_and_not_held(verb: str) -> None:
    """Guards a mark that no level would ever have taken away: it has no place in any."""
    world = World("id:2:initdefault:\nbo::boot:x\n~~:S:wait:x")
    world.boot()
    world.ask(verb, "bo")
    assert not world.alive()
    assert not any(job.stopped for job in world.machine.processes.jobs.values())


def test_several_of_one_id_get_one_answer() -> None:
    world = World("id:2:initdefault:\n~~:2:respawn:x\n~~:3:respawn:x\n~~:S:wait:x")
    world.boot()
    world.ask("stop", "~~")
    assert not world.alive()
    world.ask("start", "~~")
    assert world.alive() == ["~~"]


def test_the_inittab_says_how_something_is_ended() -> None:
    """stop= and grace= of the entry, or grace= of its file."""
    world = World("id:2:initdefault:\nr1:2:respawn:x\nr2:2:respawn:x\n~~:S:wait:x")
    first, one, two, last = world.inittab
    options = EntryOptions("stop=QUIT grace=20", stop=3, grace=20.0)
    world.inittab = (first, one.replace(options=options), two, last)
    world.feed(ev.Booted())
    world.driver.feed(ev.InittabRead(world.inittab, graces=(("inittab", 9.0),)))
    world.deaf = {"r1", "r2"}
    for again in (False, True):
        if again:
            world.driver.machine = restore(save(world.machine))
            world.readable = False
            do(world, "telinit q")  # all stays as it was
        for name, signal, wait in (("r1", 3, "20"), ("r2", "TERM", "9")):
            world.effects.clear()
            world.ask("restart", name)
            assert [e.name for e in world.effects if isinstance(e, fx.Signal)] == [signal]
            assert answers_of(world.machine)[-1] == f"{TOKEN}:ok:{wait}"
        world.wait(30)
        assert sorted(world.alive()) == ["r1", "r2"]


def test_a_signal_for_one_that_owns_the_console_is_for_its_group() -> None:
    """Its process is one of init's, which waits for the command."""
    world = World("id:2:initdefault:\nsi::sysinit:x\nr2:2:respawn:x\n~~:S:wait:x")
    world.boot()
    for name, alone in (("si", False), ("r2", True)):
        world.effects.clear()
        world.ask("kill", name, signal=1)
        assert [e.leader_only for e in world.effects if isinstance(e, fx.Signal)] == [alone]


def test_reload_is_answered_when_the_inittab_is_read() -> None:
    world = World(INITTAB)
    world.boot()
    world.answers = False
    world.feed(ev.EntryRequested(TOKEN, "reload", "", "0"))
    assert not answers_of(world.machine)
    world.reexecute()
    world.feed(world.inittab_read())
    assert answers_of(world.machine) == [f"{TOKEN}:ok:0"]
    world.readable = world.answers = False
    world.feed(ev.EntryRequested("0000ffff", "reload", "", "0"))
    world.feed(world.inittab_read())
    assert answers_of(world.machine)[-1] == "0000ffff:incomplete:0"
    assert [problem.reason for problem in world.machine.problems] == ["cannot read inittab"]


def test_as_many_as_ask_at_once_are_answered() -> None:
    world = World(INITTAB)
    world.boot()
    for number in range(200):
        world.feed(ev.EntryRequested(f"{number:08}", "stop", "xx", "0"))
    assert [answer.split(":")[0] for answer in answers_of(world.machine)] == [f"{n:08}" for n in range(200)]


def noted(world: World) -> list[tuple[object, ...]]:
    """What has happened, without the times and the pids, and the answers."""
    notes = world.machine.processes.take_notes()
    return [(what, name, number, word) for _, what, name, _, number, word in notes if what != "answer"]


def test_what_has_happened_is_noted() -> None:
    world = World("id:2:initdefault:\nr2:2:respawn:x\nr3:3:respawn:x\ncr:3:respawn:x\n~~:S:wait:x")
    world.boot()
    assert noted(world) == [
        ("level", "", 0, "#"), ("read", "", 0, ""), ("level", "", 0, "*"), ("level", "", 0, "2"),
        ("begin", "r2", 0, ""),
    ]  # fmt: skip
    world.end("r2", 11)
    assert noted(world) == [("end", "r2", 11, ""), ("begin", "r2", 0, "")]
    world.ask("restart", "r2")
    assert noted(world) == [
        ("restart", "r2", 0, "0,tty1"),
        ("end", "r2", 15, "restarted"),
        ("begin", "r2", 0, ""),
    ]
    world.ask("stop", "r2")
    assert noted(world) == [("stop", "r2", 0, "0,tty1"), ("end", "r2", 15, "stopped")]
    world.missing = {"cr"}
    do(world, "telinit 3")
    told = noted(world)
    assert told[:2] == [("level", "", 0, "3"), ("read", "", 0, "")]
    assert ("release", "r2", 0, "") in told
    assert told.count(("end", "cr", 127 << 8, "cannot-execute")) == 10
    assert told[-1] == ("rest", "cr", 0, "")
    for step, why in (("remove r3", "entry-gone"), ("edit cr:3:off:x", "action-changed")):
        world.missing = set()
        do(world, "start cr" if why == "action-changed" else "start r3")
        noted(world)
        do(world, step)
        do(world, "telinit q")
        assert next(note for note in noted(world) if note[0] == "end")[3] == why
    do(world, "telinit 2")
    noted(world)
    do(world, "telinit 3")
    assert ("end", "r2", 15, "level-left") in noted(world)


def test_what_is_given_up_is_told_and_its_end_too() -> None:
    world = World("id:2:initdefault:\nr2:2:respawn:x\n~~:S:wait:x")
    world.boot()
    process = world.running("r2")
    world.frozen = {"r2"}
    world.ask("stop", "r2")
    noted(world)
    world.wait(6)
    assert noted(world) == [("end", "r2", -1, "given-up")]
    assert (world.job("r2").why, world.job("r2").status) == ("given-up", -1)
    process.alive = False
    world.feed(ev.ChildExited(process.pid, 9))
    assert noted(world) == [("end", "r2", 9, "given-up")]
