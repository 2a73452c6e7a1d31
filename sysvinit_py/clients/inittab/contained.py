"""What an inittab means in a container, in sentences: from the roles that the container's init goes by."""

from __future__ import annotations

from sysvinit_py.inittab.actions import AT_BOOT, AT_SYSINIT
from sysvinit_py.inittab.entry import DIGIT_LEVELS, SULOGIN
from sysvinit_py.machine import limits
from sysvinit_py.machine.stages import BOOT, SYSINIT
from sysvinit_py.pid1.container import policy
from sysvinit_py.report.explain import fields, levels, listed
from sysvinit_py.report.order import Order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sysvinit_py.inittab.entry import Entry, Reading

_ROLES = {
    policy.SETUP: "Set-up: if it ends with another status than 0, the container ends with that.",
    policy.SERVICE: f"Service: started again whenever it ends; after {limits.STARTS_ALLOWED} starts in"
    f" {limits.WINDOW:g} s the container ends, with its last status, or 1.",
    policy.BESIDE: "Nothing follows from its end, as long as something else runs.",
    policy.MAIN: "Main: when it ends the container does, with its status.",
}
_STAGES = (SYSINIT, BOOT)
_AT_START = {
    AT_SYSINIT: "Started first, when the container is.",
    AT_BOOT: "Started when the sysinit entries have ended.",
}


class InContainer:
    """What an inittab means to ``init --container``."""

    def __init__(self, reading: Reading) -> None:
        self.order = Order(entry for entry in reading.entries if entry != SULOGIN)
        self.level = policy.level_of(reading.entries)
        self.refusals = [*policy.refusals(reading, "", command=False)]
        graces = (options.grace for _, options in reading.files)
        self._grace = next((grace for grace in graces if grace is not None), policy.GRACE)

    def explain(self, entry: Entry) -> str:
        """Return what an entry does, a sentence on each line."""
        return "\n".join(self._sentences(entry))

    def facts(self, entry: Entry) -> dict[str, Any]:
        """Return the same by names that do not change."""
        never = self.never(entry)
        return {
            **fields(entry),
            "never": never or None,
            "role": None if never else policy.role(entry),
            "text": self.explain(entry),
        }

    def never(self, entry: Entry) -> str:
        """Return why it is never started; empty: it can be."""
        if reason := self.order.never(entry):
            return reason
        if policy.role(entry) == policy.NEVER:
            return "there is no power supply, keyboard or suspend in a container"
        if entry.rule.when in _AT_START or self._ways(entry) or self._elsewhere(entry):
            return ""
        return "it names no level that a container runs in"

    def _sentences(self, entry: Entry) -> Iterator[str]:
        if entry.action == "initdefault":
            yield f"Starts nothing. The container enters level {self.level}."
        elif reason := self.never(entry):
            yield f"Never started: {reason}."
        else:
            yield self._when(entry)
            here = [turn for turn in self.order.turns_of(entry) if turn.stage in (*_STAGES, self.level)]
            if here and here[0].after:
                yield f"It waits for the end of {here[0].after.id}."
            if entry.rule.waited:
                yield "What comes after it is started when it has ended."
            if here or self.order.letters(entry):
                yield _ROLES[policy.role(entry)]
                yield self._stop(entry)
            if entry.by_shell:
                yield "/bin/sh runs the command."
            if entry.options.text:
                yield f"Comments say of it: {entry.options.text}."

    def _when(self, entry: Entry) -> str:
        if at_start := _AT_START.get(entry.rule.when):
            return at_start
        if ways := self._ways(entry):
            return f"Started {listed(ways)}."
        where = levels(self._elsewhere(entry), "or")
        return f"Not started in level {self.level}, the container's. telinit can enter {where}."

    def _ways(self, entry: Entry) -> list[str]:
        ways = []
        if self.level in [turn.stage for turn in self.order.turns_of(entry)]:
            ways.append(f"when the container is, in level {self.level}")
        if letters := self.order.letters(entry):
            ways.append(f"by telinit {listed(letters, 'or')}")
        if stops := [level for level in policy.STOP_LEVELS if policy.cleans_up(entry, level)]:
            ways.append(f"when all else has ended, and the container stops in {levels(stops, 'or')}")
        return ways

    def _elsewhere(self, entry: Entry) -> list[str]:
        """Return the other levels that start it."""
        turns = self.order.turns_of(entry)
        return [
            turn.stage
            for turn in turns
            if turn.stage in DIGIT_LEVELS and turn.stage not in policy.STOP_LEVELS
        ]

    def _stop(self, entry: Entry) -> str:
        grace = self._grace if entry.options.grace is None else min(entry.options.grace, self._grace)
        signal = "the signal of stop=" if entry.options.stop else "SIGTERM"
        return f"A request to stop ends it: {signal}, and SIGKILL {grace:g} s later."
