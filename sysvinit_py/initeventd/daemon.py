"""The daemon's loop: wait for devices and clocks, notify init, and report each failure once."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, NoReturn

from sysvinit_py.clients.telinit import RefusedError
from sysvinit_py.initeventd.devices import Devices
from sysvinit_py.initeventd.notifications import Told
from sysvinit_py.initeventd.power import FAILED, LOW, power_of
from sysvinit_py.linux.clocks import ClockWatch, asleep
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.initctl import Request

#: Milliseconds until a request that init has not accepted is retried.
TRY_AGAIN = 500
#: Milliseconds until the supplies are read again on battery, as not every driver reports each percent.
LOOK_AGAIN = 30_000


class Daemon:
    """Notifies init of changes."""

    def __init__(
        self,
        devices: Devices,
        clock: ClockWatch,
        saved: object,
        save: Callable[[dict[str, Any]], None],
        send: Callable[[Request], None],
        limit: int,
        say: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self._devices = devices
        self._clock = clock
        self._save_told = save
        self._send = send
        self._limit = limit  # percent
        self._say = say
        self._note = note
        self._trouble: dict[str, str] = {}  # by what is in trouble: what was said about it
        self._told = Told(asleep(), saved)
        self._saved: dict[str, Any] = {}
        self._save()

    def run(self) -> NoReturn:
        """Serve forever. Raises OSError if udev or the clocks are gone."""
        poll = select.poll()
        poll.register(self._devices, select.POLLIN)
        poll.register(self._clock, select.POLLIN)
        self._look_at_power()
        while True:
            in_time = self._tell()
            on_battery = self._told.power == FAILED
            patience = TRY_AGAIN if not in_time else LOOK_AGAIN if on_battery else None
            ready = {fd for fd, _ in poll.poll(patience)}
            if not ready and in_time:
                self._look_anew()
            if self._clock.fileno() in ready:
                self._clock_jumped()
            if self._devices.fileno() in ready:
                self._devices_changed()

    def _clock_jumped(self) -> None:
        """Handle a resume, or a change of the clock: the time asleep tells the two apart."""
        self._clock.read()
        self._told.asleep = asleep()
        self._note(f"the clock has jumped; asleep since the boot: {self._told.asleep:.1f} s")
        self._look_anew()  # drivers may not report what changed meanwhile

    def _devices_changed(self) -> None:
        """Notify init of each change of the power."""
        for _ in self._devices.changes():
            self._look_at_power()
            self._tell()

    def _look_anew(self) -> None:
        self._devices.supplies = self._devices.look()
        self._look_at_power()

    def _look_at_power(self) -> None:
        """Determine the power from the events; LOW only if that is its present state, too.

        udev keeps the events of one device in order, but not those of several: the loss of the mains may be
        reported before the charging of the battery, and a machine shuts down at once when the power is low.
        """
        power = power_of(self._devices.supplies.values(), self._limit)
        if power == LOW != self._told.power and power_of(self._devices.look().values(), self._limit) != LOW:
            power = FAILED
        if power != self._told.power:
            self._note(f"power: {power or 'not known'}")
            self._told.power = power

    # Telling.

    def _tell(self) -> bool:
        """Send what init does not know yet; return False if it does not accept it now."""
        while request := self._told.next():
            self._save(request)
            try:
                self._send(request)
            except (OSError, RefusedError) as error:
                self._in_trouble("init", f"init cannot be told: {_reason(error)}; trying on")
                return False
            self._over("init", "init is told again")
            self._told.sent(request)
            self._save()
        return True

    def _save(self, sending: Request | None = None) -> None:
        saved = self._told.save(sending)
        if saved == self._saved:
            return
        try:
            self._save_told(saved)
        except OSError as error:
            self._in_trouble("state", f"what init was told cannot be saved: {_reason(error)}")
        else:
            self._saved = saved
            self._over("state", "what init was told can be saved again")

    def _in_trouble(self, what: str, text: str) -> None:
        """Report a failure, unless it was the last one reported for ``what``."""
        if self._trouble.get(what) != text:
            self._trouble[what] = text
            self._say(text)

    def _over(self, what: str, text: str) -> None:
        if self._trouble.pop(what, None):
            self._say(text)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or initctl.PATH}: {error.strerror}"
    return str(error)
