"""Bytes as init publishes them, made of jobs, and items of them."""

from __future__ import annotations

from sysvinit_py.machine.job import Job
from sysvinit_py.report import slots
from sysvinit_py.report.item import Item, items

HEADER = slots.Header("0.1", 7, "b4b092cb-698c-492b-b3a5-53133ed45115", 17, "2", "2", "N", 3.5, "")


def publish(
    *jobs: Job, stopping: tuple[Job, ...] = (), reading: int = 7, busy: str = ""
) -> tuple[bytes, bytes]:
    """Return status and entries of the jobs, in this order."""
    status = slots.header(HEADER.replace(reading=reading, busy=busy))
    for place, job in enumerate(jobs):
        job.stand_at(place)
        status += slots.slot(job, job in stopping)
    return status, slots.entries(reading, [job.entry for job in jobs])


def shown(*jobs: Job, stopping: tuple[Job, ...] = (), busy: str = "") -> list[Item]:
    """Return what people are told of the jobs, in level 2, with a clock that is 1000 s ahead."""
    return [*items(slots.read(*publish(*jobs, stopping=stopping, busy=busy)), 1000.0)]
