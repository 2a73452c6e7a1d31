"""inittab stop, start, restart, kill, reload: a request, the answer, and waiting for its result; and wait.

A request is written to the FIFO; the answer is published, as are the states of entries, so that waiting is
reading these.
"""

from __future__ import annotations

import posix
import time

from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.clients import telinit
from sysvinit_py.clients.inittab.status import PROGRAM, chosen, look
from sysvinit_py.machine import steering
from sysvinit_py.machine.job import GIVEN_UP
from sysvinit_py.protocol import control, initctl
from sysvinit_py.report.history import answers
from sysvinit_py.report.item import how_it_ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.cli.options import Values
    from sysvinit_py.report.item import Item
    from sysvinit_py.report.slots import Published

    #: Returns the exit status and a message once the result is known.
    Check = Callable[[Item], tuple[int, str] | None]

#: Seconds between two reads at first, and later; for the answer of init; and beyond the wait time.
_SOON, _LATER, _PATIENCE, _MORE = 0.005, 0.05, 5.0, 1.0
#: Seconds for the inittab to be read, which a process of its own may do.
_READING = 30
#: The loginuid without a login; and the length of a terminal's name.
_NOBODY, _MOST_TTY = 2**32 - 1, 14
_REASONS = {
    steering.UNKNOWN: "no entry has this id any more",
    steering.NOT_RUNNING: "it does not run",
    steering.BEHIND: "it waits behind {item.waits_for}",
    steering.NO_PLACE: "it has no place in {stage} (its levels: {item.levels})",
    steering.EMPTY: "it has no command, or its action starts none",
}


def steer(values: Values) -> int:
    """Send the request, and wait for its result; return the exit status."""
    pid, published, listed = look(values.pid)
    before = chosen(values.ids, listed)
    kill = values.verb == steering.KILL
    signal, wait_time = (values.signal, None) if kill else (0, values.time)
    patience = _PATIENCE if kill or values.timeout is None else min(values.timeout, _PATIENCE)
    codes, waits = [], {}
    for item in {item.id: item for item in before}.values():
        answer, seconds = _ask(pid, values.verb, item.id, wait_time, signal, patience)
        if answer == steering.OK:
            waits[item.id] = seconds
        else:
            codes.append(_refused(values.verb, item, answer, published, patience))
    if not (kill or values.no_wait):
        timeout = max(waits.values(), default=0.0) + _MORE if values.timeout is None else values.timeout
        for item in before:
            if item.id in waits:
                stable = 0 if values.verb == steering.STOP else values.stable or 0
                check = _stopped if values.verb == steering.STOP else _started(item, values.verb, stable)
                codes.append(_watch(pid, item, check, timeout + stable))
    return next(filter(None, codes), out.DONE)


def _refused(verb: str, item: Item, answer: str, published: Published, patience: float) -> int:
    """Report why it was refused; return the exit status."""
    if not answer:
        out.say(
            PROGRAM,
            f"{item.id}: init has not answered in {patience:g} s; inittab history may tell more",
        )
        return out.TIMEOUT
    stage = {"#": "sysinit", "*": "boot"}.get(published.header.stage, f"level {published.header.stage}")
    reason = _REASONS.get(answer, answer).format(item=item, stage=stage)
    out.say(PROGRAM, f"{item.id}: init refuses to {verb} it: {reason}")
    return out.CANNOT_LOOK if answer == steering.UNKNOWN else out.REFUSED


def _ask(
    pid: int, verb: str, name: str, wait_time: int | None, signal: int, patience: float
) -> tuple[str, float]:
    """Send a request; return the answer, empty if there was none, and the wait time. Raises RefusedError."""
    token = posix.urandom(4).hex()
    data = control.encode(control.Order(token, verb, name, _who(), signal))
    sleeptime = control.NOT_GIVEN if wait_time is None else wait_time
    try:
        path = looking.control_channel(pid)
        telinit.send(initctl.encode(initctl.Request(initctl.ENTRY, sleeptime=sleeptime, data=data)), path)
    except PermissionError:
        raise RefusedError("must be superuser, or the user that init runs as") from None
    except (OSError, telinit.RefusedError) as error:
        raise RefusedError(f"no control channel: {getattr(error, 'strerror', None) or error}") from None
    give_up = time.monotonic() + patience
    while True:
        for answer in answers(look(pid)[1].history):
            if answer.startswith(f"{token}:"):
                _, word, seconds = answer.split(":")
                return word, float(seconds)
        if time.monotonic() > give_up:
            return "", 0.0
        time.sleep(_SOON)


def _who() -> str:
    """Return the requester, for information: the user who has logged in, and the terminal."""
    try:
        with open("/proc/self/loginuid") as file:
            uid = int(file.read())
    except (OSError, ValueError):
        uid = _NOBODY
    uid = posix.getuid() if uid == _NOBODY else uid
    for descriptor in (0, 1, 2):
        try:
            name = posix.ttyname(descriptor).removeprefix("/dev/")
        except OSError:
            continue
        if name.isascii() and name.isprintable() and " " not in name and len(name) < _MOST_TTY:
            return f"{uid},{name}"
    return str(uid)


def _watch(pid: int, of: Item, check: Check, timeout: float | None) -> int:
    """Read the state of an entry until the result is known; return the exit status."""
    begun = time.monotonic()
    while True:
        found = [item for item in look(pid)[2] if (item.id, item.action) == (of.id, of.action)]
        same = [item for item in found if item.source == of.source] or found
        if not same:
            out.say(PROGRAM, f"{of.id}: the entry is gone")
            return out.CANNOT_LOOK
        if result := check(same[0]):
            if result[1]:
                out.say(PROGRAM, f"{of.id}: {result[1]}")
            return result[0]
        waited = time.monotonic() - begun
        if timeout is not None and waited > timeout:
            out.say(PROGRAM, f"{of.id}: {same[0].state.word} still, after {waited:.0f} s")
            return out.TIMEOUT
        time.sleep(_SOON if waited < 1 else _LATER)


def _stopped(item: Item) -> tuple[int, str] | None:
    if item.pid or item.state.word in ("stopping", "restarting"):
        return None
    if item.last and item.last[2] == GIVEN_UP:
        return out.FAILED, "its process seems to hang: init has given it up"
    return out.DONE, ""


def _started(before: Item, verb: str, stable: int) -> Check:
    """Return the check for a start or restart."""

    def check(item: Item) -> tuple[int, str] | None:
        word, starts = item.state.word, (item.starts or 0) - (before.starts or 0)
        runs = item.pid and word == "running"
        ended = "" if item.pid or not item.last else how_it_ended(item.last[1])
        young = stable and time.time() - (item.since or 0) < stable
        ran = verb == steering.START and before.state.word == "running"
        if verb == steering.START and before.pid and item.pid == before.pid:
            return (out.DONE, "") if runs and not young else None  # it ran, and does
        if stable and starts > (not ran):
            return out.FAILED, "it has ended, and was started again"
        if word in ("throttled", "no-terminal"):
            return out.FAILED, word
        if word == "inactive" and before.pid and ended:
            return out.DONE, ""  # what is left of the boot: nothing but an end was asked for
        if word == before.state.word and word in ("inactive", "disabled"):
            return out.DONE, ""  # init has started another one of its id, which is ~~
        if runs and starts:
            return None if young else (out.DONE, "")
        if word == "failed" and item.last != before.last:
            return out.FAILED, f"failed: {ended}"
        if (starts or ran) and word in ("done", "idle"):
            return (out.DONE, "") if item.last and not item.last[1] else (out.FAILED, ended)
        return None

    return check


def wait(values: Values) -> int:
    """Wait until an entry is in the given state; return the exit status."""

    def check(item: Item) -> tuple[int, str] | None:
        word = item.state.word
        if values.state == "done" and word == "failed":
            return out.FAILED, f"failed: {how_it_ended(item.last[1]) if item.last else word}"
        if values.state == "stopped":
            return (out.DONE, "") if not item.pid and word not in ("stopping", "restarting") else None
        return (out.DONE, "") if word == values.state else None

    pid, _, listed = look(values.pid)
    codes = [_watch(pid, item, check, values.timeout) for item in chosen([values.id], listed)]
    return next(filter(None, codes), out.DONE)


def reload(values: Values) -> int:
    """Have the inittab read; return the exit status."""
    pid, _, _ = look(values.pid)
    timeout = _READING if values.timeout is None else values.timeout
    answer, _ = _ask(pid, steering.RELOAD, control.NO_ID, None, 0, timeout)
    if not answer:
        out.say(PROGRAM, f"the inittab is not read yet, after {timeout:g} s")
        return out.TIMEOUT
    _, published, _ = look(pid)
    if answer != steering.OK:
        out.say(PROGRAM, "the inittab is incomplete, or cannot be read: all stays as it was")
    for problem in published.problems:
        out.say(PROGRAM, str(problem))
    return out.FAILED if published.problems or answer != steering.OK else out.DONE
