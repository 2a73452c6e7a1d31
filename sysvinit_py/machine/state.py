"""Saving the machine as a plain value, and restoring it, for the init that takes over (behaviour/reexec).

The value consists of dicts, lists, str, int, float and bool. ``restore(save(machine))`` handles every event
as the machine does. Derived state is not saved: the run queue follows from the stage, and the backoffs from
the marks.

The first event of a restored machine is Resumed, so that a reading or a question in progress is repeated.
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
    """Return the state of the machine, between two events and with all starts answered."""
    processes = machine.processes
    of_inittab = list(processes.jobs.values())
    others = [job for job in processes.running.values() if processes.jobs.get(job.key) is not job]
    number = {job: n for n, job in enumerate(of_inittab + others)}
    return {
        "machine": machine.saved(),
        "position": machine.position.saved(),
        "single_user_throttle": machine.single_user_throttle.saved(),
        "entries": [_save_entry(entry) for entry in machine.entries],
        "options": [entry.options.text for entry in machine.entries],
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
    """Return a machine in the saved state."""
    machine = Machine()
    machine.resume(machine.saved() | state["machine"])  # older builds save less
    machine.position.resume(machine.position.saved() | state["position"])
    machine.single_user_throttle.resume(state["single_user_throttle"])
    options = state.get("options") or [""] * len(state["entries"])
    machine.resume_inittab(
        tuple(map(_restore_entry, state["entries"], options)), tuple(Entry(**e) for e in state["consoles"])
    )
    of_inittab = [_restore_job(saved) for saved in state["jobs"]]
    jobs = of_inittab + [_restore_job(saved) for saved in state["others"]]
    running = {pid: jobs[number] for pid, number in state["running"]}
    machine.processes.resume({job.key: job for job in of_inittab}, running, state["fork_failed"])
    endings = [Ending(**ending) for ending in state["endings"]]
    machine.processes.endings.resume(endings, state["orphaned"], state["probe_at"])
    return machine


def _save_entry(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _ENTRY}


def _restore_entry(saved: dict[str, Any], options: str) -> Entry:
    return Entry(**saved, options=of_entry(options))


def save_job(job: Job) -> dict[str, Any]:
    """Return the state of a job."""
    return {
        "key": list(job.key),
        "entry": _save_entry(job.entry),
        "status": job.status,
        "options": job.entry.options.text,
        "marks": job.saved(),
        "throttle": job.throttle.saved(),
    }


def _restore_job(saved: dict[str, Any]) -> Job:
    job_id, action, number = saved["key"]
    entry = _restore_entry(saved["entry"], saved.get("options", ""))
    job = Job((job_id, action, number), entry, saved.get("status", UNKNOWN))
    job.resume(job.saved() | saved["marks"])
    job.throttle.resume(saved["throttle"])
    return job
