"""The machine as a plain value, and back: for status, and for the init that takes over (behaviour/reexec).

A value holds dicts, lists, text, numbers and truth values. ``restore(save(machine))`` answers every event
as the machine does. What follows from other things is not saved: the run queue is all that has a place in the
stage, and which jobs are in backoff is seen from their marks.

A restored machine wants to hear Resumed first, so that a reading or a question under way is begun anew.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.inittab.options import of_entry
from sysvinit_py.machine.ending import Ending
from sysvinit_py.machine.job import UNKNOWN, Job
from sysvinit_py.machine.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ENTRY = ("id", "runlevels", "action", "process", "file", "line")


def save(machine: Machine) -> dict[str, Any]:
    """Return what the machine knows, between two events and with all starts answered."""
    processes = machine.processes
    of_inittab = list(processes.jobs.values())
    others = [job for job in processes.running.values() if processes.jobs.get(job.key) is not job]
    number = {job: n for n, job in enumerate(of_inittab + others)}
    return {
        "machine": machine.saved(),
        "position": machine.position.saved(),
        "single_user_throttle": machine.single_user_throttle.saved(),
        "entries": [_save_entry(entry) for entry in machine.entries],
        "consoles": [_save_entry(entry) for entry in machine.consoles],
        "jobs": [save_job(job) for job in of_inittab],
        "others": [save_job(job) for job in others],
        "running": [[pid, number[job]] for pid, job in processes.running.items()],
        "endings": [ending.saved() for ending in processes.endings.by_group.values()],
        "orphaned": list(processes.endings.orphaned),
        "probe_at": processes.endings.probe_at,
        "fork_failed": processes.fork_failed,
    }


def restore(state: dict[str, Any]) -> Machine:
    """Return a machine that goes on where the saved one was."""
    machine = Machine()
    machine.resume(machine.saved() | state["machine"])  # older builds save less
    machine.position.resume(machine.position.saved() | state["position"])
    machine.single_user_throttle.resume(state["single_user_throttle"])
    machine.resume_inittab(*(tuple(map(_restore_entry, state[name])) for name in ("entries", "consoles")))
    of_inittab = [_restore_job(saved) for saved in state["jobs"]]
    jobs = of_inittab + [_restore_job(saved) for saved in state["others"]]
    running = {pid: jobs[number] for pid, number in state["running"]}
    machine.processes.resume({job.key: job for job in of_inittab}, running, state["fork_failed"])
    endings = [Ending(**ending) for ending in state["endings"]]
    machine.processes.endings.resume(endings, state["orphaned"], state["probe_at"])
    return machine


def _save_entry(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _ENTRY} | {"options": entry.options.text}


def _restore_entry(saved: dict[str, Any]) -> Entry:
    options = of_entry(saved.get("options", ""))
    return Entry(**{name: saved[name] for name in _ENTRY}, options=options)


def save_job(job: Job) -> dict[str, Any]:
    """Return what is known of the job."""
    return {
        "key": list(job.key),
        "entry": _save_entry(job.entry),
        "status": job.status,
        "marks": job.saved(),
        "throttle": job.throttle.saved(),
    }


def _restore_job(saved: dict[str, Any]) -> Job:
    job_id, action, number = saved["key"]
    job = Job((job_id, action, number), _restore_entry(saved["entry"]), saved.get("status", UNKNOWN))
    job.resume(job.saved() | saved["marks"])
    job.throttle.resume(saved["throttle"])
    return job
