"""What init was told, what is, and so what it has yet to be told.

There is no queue: a request follows from the difference, each time one can be sent. So none is sent twice,
none is lost while init does not listen, and however much happens in the meantime, it takes no memory.
What was told is kept in a file, so that a daemon that was killed tells the difference when it is back. There
it says before it tells something that it is about to: whoever is killed then may have been heard, or not.
"""

from __future__ import annotations

from typing import Any

from sysvinit_py.initeventd.power import FAILED, LOW, OK
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.initctl import Request

#: Seconds asleep that are no reading error: two clocks cannot be read at once.
SHORTEST_SLEEP = 0.05

#: By what init was told of the power, and what is: what it is told next.
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

#: What each request means, for people.
MEANINGS = {
    initctl.POWERFAIL: "power fail",
    initctl.POWERFAILNOW: "power fail now",
    initctl.POWEROK: "power ok",
    initctl.RESUME: "resume",
}


class Told:
    """Compares what init was told with what is."""

    def __init__(self, asleep: float, saved: object = None) -> None:
        """Begin with the seconds asleep so far, and with what ``save`` returned, if there is something of it.

        Of a daemon that never ran init knows nothing: that means that the power is there, and no resume.
        """
        self.power: str | None = None  # what is; None: nobody knows
        self.asleep = asleep  # seconds since the boot
        # What init may know of the power, the best first; more than one: the last daemon was killed telling.
        self._known, self._asleep = _understood(saved, asleep)

    def save(self, sending: Request | None = None) -> dict[str, Any]:
        """Return what init was told, and the request that it is about to be sent, if one is given."""
        news = [POWER_TOLD[sending.cmd]] if sending and sending.cmd in POWER_TOLD else []
        return {"power": [*self._known, *news], "asleep": self._asleep}

    def next(self) -> Request | None:
        """Return the request to be sent now; None: init knows all. Call ``sent`` when it is."""
        if self.asleep - self._asleep >= SHORTEST_SLEEP:
            return _request(initctl.RESUME)
        for known in self._known:
            if news := NEXT_POWER.get((known, self.power or "")):
                return _request(POWER_REQUESTS[news])
        return None

    def sent(self, request: Request) -> None:
        """Note that init was told."""
        if request.cmd == initctl.RESUME:
            self._asleep = self.asleep
        else:
            self._known = (POWER_TOLD[request.cmd],)


def _request(cmd: int) -> Request:
    """Requests set init's wait time too: to the one it begins with, as 0 would mean SIGKILL at once."""
    return Request(cmd, sleeptime=initctl.WAIT_TIME)


def _understood(saved: object, asleep: float) -> tuple[tuple[str, ...], float]:
    """Return what init was told, from a file that anybody may have written."""
    fields = saved if isinstance(saved, dict) else {}
    power, slept = fields.get("power"), fields.get("asleep")
    known = tuple(state for state in POWER_REQUESTS if isinstance(power, list) and state in power)
    return (
        known or (OK,),
        slept if isinstance(slept, (int, float)) and 0 <= slept <= asleep else asleep,
    )
