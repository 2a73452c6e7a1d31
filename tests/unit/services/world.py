"""A unit on a fake clock: what it wants done is done at once, and noted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sysvinit_py.protocol.supervise import SIGNALS, UP, words
from sysvinit_py.services.unit import Ask, Control, Now, Signal, Start, Tell, Unit

if TYPE_CHECKING:
    from sysvinit_py.services.unit import Effect

LETTERS = {number: letter for letter, number in SIGNALS.items()}


class World:
    """What a unit is in.

    programs  those in ``control/``
    missing   what cannot be executed
    needs     the service that it needs and that is not up; None: that takes a while to find out
    longest   the longest pause
    """

    def __init__(
        self,
        want: str = UP,
        is_log: bool = False,
        programs: str = "",
        missing: Iterable[str] = ("finish",),
        needs: str | None = "",
        longest: float = 0.0,
    ) -> None:
        self.clock = 100.0
        self.needs, self.asked = needs, False
        self.programs, self.missing = set(programs), set(missing)
        self.no_process = False  # none can be made
        self.done: list[str] = []
        self.alive = 0  # the pid that runs
        self.control = ""  # which program in control/ runs
        self.gone = False
        self._pid = 0
        self.unit = Unit(self.now, want, is_log)
        self.unit.longest = longest
        self.perform(self.unit.tick(self.now))

    @property
    def now(self) -> Now:
        return Now(self.clock, int((self.clock + 1000) * 10**9))

    @property
    def stat(self) -> str:
        return words(self.unit.status, self.unit.leaving, self.unit.note)

    def perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Start):
                self._start(effect)
            elif isinstance(effect, Control):
                self.done.append(f"control/{effect.letter}")
                if effect.letter in self.programs:
                    self.control = effect.letter
                else:
                    self.perform(self.unit.controlled(None))
            elif isinstance(effect, Signal):
                self.done.append(LETTERS[effect.number])
            elif isinstance(effect, Ask):
                assert not self.asked, "one question at a time"
                self.asked = True
                if self.needs is not None:
                    self._answer(self.needs)
            elif isinstance(effect, Tell):
                self.done.append(effect.text.partition("second ")[2])
            else:
                self.done.append("gone")
                assert not self.alive
                assert not self.gone
                self.gone = True

    def _start(self, order: Start) -> None:
        assert not self.alive, "two processes at once"
        if self.no_process:
            self.unit.postpone(self.now)
            return
        self.done.append(" ".join([order.program, *order.arguments]))
        if order.program in self.missing:
            self.perform(self.unit.not_started(self.now))
        else:
            self._pid += 1
            self.alive = self._pid
            self.unit.started(self._pid, self.now)

    def order(self, letters: str) -> str:
        """What is done about them, and what stat says then."""
        self.done.clear()
        for letter in letters:
            self.perform(self.unit.order(letter, self.now))
        return self.told()

    def end(self, status: int | None = 0, after: float = 5.0) -> str:
        """Let the process end after some seconds."""
        self.clock += after
        self.done.clear()
        self.alive = 0
        self.perform(self.unit.ended(status, self.now))
        return self.told()

    def _answer(self, missing: str) -> None:
        self.asked = False
        self.perform(self.unit.answered(missing, self.now))

    def find(self, missing: str) -> str:
        """Find out what it needs."""
        self.done.clear()
        self._answer(missing)
        return self.told()

    def wake(self) -> str:
        """Have another service come up."""
        self.done.clear()
        self.perform(self.unit.wake(self.now))
        return self.told()

    def answer(self, code: int | None) -> str:
        """Let the program in control/ end."""
        self.done.clear()
        self.control = ""
        self.perform(self.unit.controlled(code))
        return self.told()

    def wait(self, seconds: float) -> str:
        self.clock += seconds
        self.done.clear()
        if self.unit.deadline <= self.clock:
            self.perform(self.unit.tick(self.now))
        return self.told()

    def told(self) -> str:
        return "; ".join([*self.done, self.stat])
