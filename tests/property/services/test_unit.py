"""Any order of events: never two processes at once, and nothing that is not wanted is started."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sysvinit_py.protocol.supervise import DOWN, RUN, decode, encode
from sysvinit_py.services.unit import NEVER, PAUSE
from tests.unit.services.world import World


class AnyEvents(RuleBasedStateMachine):
    """Its owner holds back what comes while a program in control/ runs, and so does this."""

    world: World

    @initialize(
        want=st.sampled_from("ud"),
        is_log=st.booleans(),
        programs=st.sets(st.sampled_from("utdxpck")),
        missing=st.sets(st.sampled_from(["run", "finish"])),
        needs=st.none() | st.sampled_from(["", "", "db"]),
        longest=st.sampled_from([0.0, 0.5, 3.0, 1e6]),
    )
    def begin(
        self,
        want: str,
        is_log: bool,
        programs: set[str],
        missing: set[str],
        needs: str | None,
        longest: float,
    ) -> None:
        self.world = World(want, is_log, "".join(programs), missing, needs, longest)
        self.wanted, self.runs, self.last = want == "u", self.world.told().count("run;"), self.world.clock

    def _held(self) -> bool:
        return bool(self.world.control) or self.world.gone

    @precondition(lambda self: not self._held())
    @rule(letter=st.sampled_from("udoxthaiq12kpcz \n"))
    def order(self, letter: str) -> None:
        state, pid = self.world.unit.state, self.world.alive
        done = self.world.order(letter)
        assert self.world.alive == pid or (state == DOWN and letter in "uo")
        if letter == "x" and not self.world.unit.is_log:
            assert self.world.gone == (state == DOWN)
        if state != RUN:
            assert not set(done.split("; ")) & set("thaiq12kpc"), "no signal but to run"

    @precondition(lambda self: not self._held() and self.world.alive)
    @rule(status=st.none() | st.integers(0, 0xFFFF), after=st.sampled_from([0.0, 0.5, 1.0, 100.0]))
    def end(self, status: int | None, after: float) -> None:
        unit = self.world.unit
        wanted, leaving = unit.want == "u", unit.leaving
        self.world.end(status, after)
        if unit.state == DOWN:
            assert unit.due == (wanted and not self.world.gone) or self.world.control
            assert self.world.gone == leaving
        if unit.state == RUN:
            assert wanted, "want down never restarts"

    @precondition(lambda self: bool(self.world.control))
    @rule(code=st.none() | st.integers(0, 3))
    def answer(self, code: int | None) -> None:
        self.world.answer(code)

    @precondition(lambda self: not self._held())
    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 100.0]))
    def wait(self, seconds: float) -> None:
        due = self.world.unit.due
        self.world.wait(seconds)
        assert due or self.world.unit.state != RUN or self.world.alive

    @rule(needs=st.none() | st.sampled_from(["", "db", "cache"]))
    def another_service_changes(self, needs: str | None) -> None:
        self.world.needs = needs

    @precondition(lambda self: not self._held() and self.world.asked)
    @rule(missing=st.sampled_from(["", "", "db"]))
    def find(self, missing: str) -> None:
        due = self.world.unit.due
        self.world.find(missing)
        assert not (self.world.alive and (missing or not due)), "only what is wanted, and may, is started"

    @precondition(lambda self: not self._held())
    @rule()
    def wake(self) -> None:
        unit = self.world.unit
        rests = unit.state == DOWN and not unit.missing
        self.world.wake()
        assert not (rests and self.world.alive), "a pause is not cut short"

    @precondition(lambda self: not self._held() and self.world.unit.is_log and self.world.alive)
    @rule()
    def leave(self) -> None:
        self.world.unit.leave()

    @precondition(lambda self: self.world.gone)
    @rule()
    def nothing_follows(self) -> None:
        assert not self.world.alive
        assert self.world.unit.deadline == NEVER

    @invariant()
    def published(self) -> None:
        """What is published is consistent, and can be read back."""
        unit = self.world.unit
        status = unit.status
        assert decode(encode(status)) == status
        assert status.pid == self.world.alive
        assert (status.state > DOWN) == (status.pid > 0)
        assert not status.got_term or status.state == RUN
        assert unit.deadline == NEVER or (unit.state == DOWN and unit.due)
        assert PAUSE <= unit.pause <= max(PAUSE, unit.longest)
        assert unit.rests_until <= self.world.clock + unit.pause
        assert bool(unit.note) <= (unit.due and unit.state == DOWN)
        assert not (unit.missing and self.world.alive)
        if self.world.asked and not self.world.gone:
            assert unit.deadline == NEVER


TestAnyEvents = AnyEvents.TestCase
TestAnyEvents.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
