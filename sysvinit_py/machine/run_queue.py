"""The run queue: the jobs that have a place in the stage, and which of them is the next to start.

See behaviour/boot and behaviour/runlevels.

The rule: jobs are looked at in the order of the run queue, and those started that want to start, up to the
first that is waited for: it holds back all after it. The order is that of the file, but entries for power
and ctrlaltdel go first. What is to be started once more waits until all the others have had their turn.

So that an event costs the same in a long inittab, not all are looked at each time, but those listed as due:
at first all, later those to which something happened. A job that waits, or stands behind one that does,
stays so.
"""

from __future__ import annotations

from _heapq import heappop, heappush

from sysvinit_py.machine import rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysvinit_py.machine.job import Job


class RunQueue:
    """The jobs of a stage."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self.jobs = sorted(jobs, key=lambda job: not job.rule.first)
        self._positions = {job: position for position, job in enumerate(self.jobs)}
        self._due = list(range(len(self.jobs)))  # a heap of positions
        self._listed = set(self._due)
        self._reached = -1  # the position of the job started last; -1: all have had their turn
        self._again: list[int] = []  # positions up to that: due when those after it have had their turn

    @property
    def exhausted(self) -> bool:
        """Whether nothing in it is to be started, or is waited for."""
        return not (self._due or self._again)

    def mark_due(self, job: Job) -> None:
        """List the job, to which something happened, as due. Jobs of other stages are ignored."""
        position = self._positions.get(job)
        if position is not None and position not in self._listed:
            self._listed.add(position)
            heappush(self._due, position)

    def next(self) -> Job | None:
        """Return the job to start now, or None if nothing is due or the first of the due is waited for."""
        job = self._next_due()
        if job is None and self._again:
            self._reached = -1
            for position in self._again:
                heappush(self._due, position)
            self._again.clear()
            job = self._next_due()
        self._reached = -1 if job is None else self._due[0]
        return job

    def _next_due(self) -> Job | None:
        while self._due:
            position = self._due[0]
            job = self.jobs[position]
            if rules.is_waited_for(job):
                return None
            wants_start = rules.readiness(job) == rules.DUE
            if wants_start and position > self._reached:
                return job
            heappop(self._due)
            if wants_start:
                self._again.append(position)
            else:
                self._listed.remove(position)
        return None
