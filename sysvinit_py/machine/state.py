"""The machine as a plain value, and back: for status, and for the init that takes over (behaviour/reexec).

A value holds dicts, lists, text, numbers and truth values. ``restore(save(machine))`` answers every event
as the machine does. What follows from other things is not saved: the agenda is all that has a place in the
stage, and who rests is seen from the marks of the jobs.

A restored machine wants to hear Resumed first, so that a reading or a question under way is begun anew.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine.ending import Ending
from sysvinit_py.machine.job import Job
from sysvinit_py.machine.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MACHINE = (
    "emergency", "argument", "target", "boot_recorded", "boot_done", "reading", "must_read", "switching",
    "asking", "over", "nothing_left_said", "demands", "calls", "wait_time",
)  # fmt: skip
_STANDING = ("stage", "level", "prevlevel", "variables")
_JOB = (
    "pid", "accounted", "has_run", "demanded", "called", "rests_until", "forking", "terminal",
    "lacks_terminal", "said_so",
)  # fmt: skip
_THROTTLE = ("opened", "starts")
_ENDING = ("group", "id", "kill_at", "give_up_at", "alone")
_ENTRY = ("id", "runlevels", "action", "process", "file", "line")


def save(machine: Machine) -> dict[str, Any]:
    """Return what the machine knows, between two events and with all starts answered."""
    processes = machine.processes
    of_inittab = list(processes.jobs.values())
    others = [job for job in processes.running.values() if processes.jobs.get(job.key) is not job]
    number = {job: n for n, job in enumerate(of_inittab + others)}
    return {
        "machine": _fields(machine, _MACHINE),
        "standing": _fields(machine.standing, _STANDING),
        "rounds": _fields(machine.rounds, _THROTTLE),
        "entries": [_fields(entry, _ENTRY) for entry in machine.entries],
        "consoles": [_fields(entry, _ENTRY) for entry in machine.consoles],
        "jobs": [_save_job(job) for job in of_inittab],
        "others": [_save_job(job) for job in others],
        "running": [[pid, number[job]] for pid, job in processes.running.items()],
        "endings": [_fields(ending, _ENDING) for ending in processes.endings.by_group.values()],
        "leaderless": list(processes.endings.leaderless),
        "probe_at": processes.endings.probe_at,
        "fork_failed": processes.fork_failed,
    }


def restore(state: dict[str, Any]) -> Machine:
    """Return a machine that goes on where the saved one was."""
    machine = Machine()
    processes = machine.processes
    _put(machine, state["machine"])
    _put(machine.standing, state["standing"])
    _put(machine.rounds, state["rounds"])
    machine.entries = tuple(Entry(**entry) for entry in state["entries"])
    machine.consoles = tuple(Entry(**entry) for entry in state["consoles"])
    of_inittab = [_restore_job(saved) for saved in state["jobs"]]
    jobs = of_inittab + [_restore_job(saved) for saved in state["others"]]
    running = {pid: jobs[number] for pid, number in state["running"]}
    processes.resume({job.key: job for job in of_inittab}, running)
    processes.fork_failed = state["fork_failed"]
    for ending in state["endings"]:
        processes.endings.add(Ending(**ending))
    for group in state["leaderless"]:
        processes.endings.leaderless[group] = processes.endings.by_group[group]
    processes.endings.probe_at = state["probe_at"]
    return machine


def _save_job(job: Job) -> dict[str, Any]:
    return {
        "key": list(job.key),
        "entry": _fields(job.entry, _ENTRY),
        "marks": _fields(job, _JOB),
        "throttle": _fields(job.throttle, _THROTTLE),
    }


def _restore_job(saved: dict[str, Any]) -> Job:
    job_id, action, number = saved["key"]
    job = Job((job_id, action, number), Entry(**saved["entry"]))
    _put(job, saved["marks"])
    _put(job.throttle, saved["throttle"])
    return job


def _fields(thing: object, names: tuple[str, ...]) -> dict[str, Any]:
    """The attributes by name; lists and dicts of plain values are copied."""
    values = {name: getattr(thing, name) for name in names}
    return {n: v.copy() if isinstance(v, (list, dict)) else v for n, v in values.items()}


def _put(thing: object, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(thing, name, value.copy() if isinstance(value, (list, dict)) else value)
