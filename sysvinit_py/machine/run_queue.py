"""The run queue: the jobs that may run in the stage, and which of them is started next.

See behaviour/boot and behaviour/runlevels.

Jobs are examined in the order of the file, except that entries for power and ctrlaltdel go first. Those that
are due are started, up to the first one that is waited for, which holds back all after it. A job that has to
be started again waits until all others have had their turn.

To make the cost of an event independent of the length of the inittab, only the jobs that are listed are
examined: at first all, later those that have changed. A job that waits, or is held back, stays listed.
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
        self._again: list[int] = []  # positions up to that, due again when those after it have had their turn

    @property
    def exhausted(self) -> bool:
        """Whether no job has to be started or is waited for."""
        return not (self._due or self._again)

    def mark_due(self, job: Job) -> None:
        """List a job that has changed. Jobs of other stages are ignored."""
        position = self._positions.get(job)
        if position is not None and position not in self._listed:
            self._listed.add(position)
            heappush(self._due, position)

    def next(self) -> Job | None:
        """Return the job to start now; None if none is due, or the first one listed is waited for."""
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
