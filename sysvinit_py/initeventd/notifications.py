"""The difference between what init was told and the present state, and so the next request.

There is no queue: a request is derived from the difference each time one can be sent. So none is sent twice,
none is lost while init does not read, and memory is constant. What was told is kept in a file, so that a
daemon that was killed continues after a restart. A request is noted there before it is sent, as the daemon
may be killed while sending it.
"""

from __future__ import annotations

from typing import Any

from sysvinit_py.initeventd.power import FAILED, LOW, OK
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.initctl import Request

#: Seconds asleep that cannot be an error of reading two clocks.
SHORTEST_SLEEP = 0.05

#: By the state that init was told, and the present one: the state it is told next.
NEXT_POWER = {
    (OK, FAILED): FAILED,
    (OK, LOW): FAILED,
    (FAILED, LOW): LOW,
    (FAILED, OK): OK,
    (LOW, OK): OK,
    # Not from LOW to FAILED: a battery recovers a little when its load goes. Once is enough.
}
POWER_REQUESTS = {OK: initctl.POWEROK, FAILED: initctl.POWERFAIL, LOW: initctl.POWERFAILNOW}
POWER_TOLD = {cmd: state for state, cmd in POWER_REQUESTS.items()}

#: The names of requests in messages.
MEANINGS = {
    initctl.POWERFAIL: "power fail",
    initctl.POWERFAILNOW: "power fail now",
    initctl.POWEROK: "power ok",
    initctl.RESUME: "resume",
}


class Told:
    """Compares what init was told with the present state."""

    def __init__(self, asleep: float, saved: object = None) -> None:
        """Begin with the seconds asleep so far, and with what ``save`` returned last, if anything.

        If nothing was saved init was told nothing: for it, the power is OK, and there was no resume.
        """
        self.power: str | None = None  # the present state; None: unknown
        self.asleep = asleep  # seconds since the boot
        # The states that init may have been told, best first; more than one if a daemon was killed sending.
        self._known, self._asleep = _understood(saved, asleep)

    def save(self, sending: Request | None = None) -> dict[str, Any]:
        """Return what init was told, for the file; including a request that is about to be sent."""
        news = [POWER_TOLD[sending.cmd]] if sending and sending.cmd in POWER_TOLD else []
        return {"power": [*self._known, *news], "asleep": self._asleep}

    def next(self) -> Request | None:
        """Return the request to send now, if any. Call ``sent`` when it was sent."""
        if self.asleep - self._asleep >= SHORTEST_SLEEP:
            return _request(initctl.RESUME)
        for known in self._known:
            if news := NEXT_POWER.get((known, self.power or "")):
                return _request(POWER_REQUESTS[news])
        return None

    def sent(self, request: Request) -> None:
        """Note that a request was sent."""
        if request.cmd == initctl.RESUME:
            self._asleep = self.asleep
        else:
            self._known = (POWER_TOLD[request.cmd],)


def _request(cmd: int) -> Request:
    """Return a request. It sets init's wait time, too: to the default, as 0 would mean SIGKILL at once."""
    return Request(cmd, sleeptime=initctl.WAIT_TIME)


def _understood(saved: object, asleep: float) -> tuple[tuple[str, ...], float]:
    """Return what init was told, from the content of a file, which is not trusted."""
    fields = saved if isinstance(saved, dict) else {}
    power, slept = fields.get("power"), fields.get("asleep")
    known = tuple(state for state in POWER_REQUESTS if isinstance(power, list) and state in power)
    return (
        known or (OK,),
        slept if isinstance(slept, (int, float)) and 0 <= slept <= asleep else asleep,
    )
