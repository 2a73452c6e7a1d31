"""runit's three stages, as a state machine without system calls and without a clock of its own.

See docs/behaviour/services, "Stages". An event produces a new state, the Standing, and effects; so an error
while it is handled changes nothing.
"""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.machine import events as ev
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = "/etc/runit"
CTRL_ALT_DEL, NO_SYNC = f"{FOLDER}/ctrlaltdel", f"{FOLDER}/nosync"
STOP_IT, REBOOT = "/run/runit.stopit", "/run/runit.reboot"
#: The last step, reboot(2), as if it were a program.
LAST_STEP = "reboot"

BOOT, SET_UP, SERVE, SHUT_DOWN, OVER = range(5)
#: Exit statuses of the first two stages that mean something.
_SKIP_STAGE_2, _START_AGAIN = 100, 111
_CANNOT_EXECUTE = 111
#: Seconds until stage 2 is killed, until it is restarted, and until a failed fork is retried.
_GRACE = _REST = 5.0
_FORK_RETRY = 1.0
#: The exit status of a container that requests a reboot, as if SIGHUP of reboot(2) had killed it.
_WANTS_REBOOT = 129


class Signalled(ev.Event):
    """A signal has come."""

    number: int


class Looked(ev.Event):
    """The answer to Look: whether the owner may execute the file."""

    path: str
    executable: bool


class Say(Value):
    """Write a message to the console."""

    text: str


class Start(Value):
    """Start the program. Answered by ev.Started, ev.CannotExecute or ev.CannotFork."""

    key: str  # its path
    new_session: bool


class Look(Value):
    """Check whether the file is executable; answered by Looked."""

    path: str


class Signal(Value):
    """Send a process of ours, or its group, a signal."""

    pid: int
    number: int
    group: bool = False


class TakeBack(Value):
    """Clear the mode of the file that requests the end."""


class KillAll(Value):
    """Kill all processes but init."""


class End(Value):
    """End the machine; in a container, which is not to be started again, init's process."""

    reboot: bool
    status: int


class Standing(Value):
    """The state of the machine."""

    stage: int = BOOT
    running: tuple[tuple[int, str], ...] = ()  # pids and paths
    stopping: bool = False  # an end was requested
    start_at: float | None = None  # when to start, or restart, the stage
    kill_at: float | None = None  # when to kill its process
    status: int = 0  # of the first stage that has failed
    no_power: bool = False  # the power is failing: power off, even if a reboot is requested

    @property
    def path(self) -> str:
        """The program of the stage."""
        return LAST_STEP if self.stage == OVER else f"{FOLDER}/{self.stage}"

    @property
    def pid(self) -> int:
        """The process of the stage; 0 if there is no such process."""
        return next((pid for pid, path in self.running if path == self.path), 0)


class Stages:
    """The state machine, with the interface of ``Machine`` for the driver."""

    def __init__(self, standing: Standing, *, in_container: bool) -> None:
        self._standing = standing
        self._in_container = in_container
        self._effects: list[Value] = []
        self._taken: ev.Event | None = None  # the event of these effects
        self.is_over = False
        self._orders: dict[int, Look | None] = {
            calls.SIGCONT: Look(STOP_IT), calls.SIGINT: Look(CTRL_ALT_DEL),
            calls.SIGPWR: None, calls.SIGALRM: None, calls.SIGTERM: None,
        }  # fmt: skip

    # For the driver, the timer and the reaper.

    @property
    def standing(self) -> Standing:
        """The present state."""
        return self._standing

    @property
    def running(self) -> Mapping[int, str]:
        """The programs of the children whose ends are events, by pid."""
        return dict(self._standing.running)

    @property
    def deadline(self) -> float | None:
        """When it needs a Tick."""
        at = self._standing
        return min((when for when in (at.start_at, at.kill_at) if when is not None), default=None)

    def steps(self, event: ev.Event, now: float) -> Iterator[None]:
        """Handle an event, in one step."""
        if event is not self._taken:  # else an error came between this and take_effects
            handle = getattr(self, f"_{type(event).__name__.lower()}")
            self._standing, effects = handle(self._standing, event, now)
            self._effects, self._taken = effects, event
        return iter(())

    def take_effects(self) -> list[Value]:
        """Return the effects of the event."""
        effects, self._effects, self._taken = self._effects, [], None
        return effects

    def adopt_child(self, event: ev.Started) -> None:
        """Enter a child whose start could not be handled."""
        self._standing, _ = self._started(self._standing, event, 0.0)

    def recompute_run_queue(self) -> None:
        """Do nothing: stages have no queue."""

    def repair_after_error(self) -> None:
        """Schedule the start of the stage's program if it should be running, but is not."""
        at = self._standing
        if not at.pid and at.start_at is None and not self.is_over:
            self._standing = at.replace(start_at=0.0)

    # Handlers, named after the events: each returns the new state and the effects.

    def _booted(self, at: Standing, event: ev.Booted, now: float) -> tuple[Standing, list[Value]]:
        return _enter(at, SET_UP)

    def _started(self, at: Standing, event: ev.Started, now: float) -> tuple[Standing, list[Value]]:
        return at.replace(running=(*at.running, (event.pid, event.key[0]))), []

    def _cannotfork(self, at: Standing, event: ev.CannotFork, now: float) -> tuple[Standing, list[Value]]:
        return at.replace(start_at=now + _FORK_RETRY) if event.key[0] == at.path else at, []

    def _cannotexecute(
        self, at: Standing, event: ev.CannotExecute, now: float
    ) -> tuple[Standing, list[Value]]:
        said = Say(f"fatal: unable to start child: {event.command}: {event.reason}")
        return self._ended(at, event.key[0], _CANNOT_EXECUTE << 8, said, now)

    def _childexited(self, at: Standing, event: ev.ChildExited, now: float) -> tuple[Standing, list[Value]]:
        path = dict(at.running).get(event.pid, "")
        left = at.replace(running=tuple(item for item in at.running if item[0] != event.pid))
        how = "crashed" if event.status & 0x7F else "failed"
        told = event.status and not (at.stopping and path == at.path and at.stage < SHUT_DOWN)
        said = Say(f"warning: child {how}: {path}") if told else None
        if path == at.path and at.stage == SERVE and not at.stopping and _is_to_start_again(event.status):
            killed = Signal(event.pid, calls.SIGKILL, group=True)
            says = *([said] if said else []), Say("warning: killing all processes in stage 2...")
            return left.replace(start_at=now + _REST), [*says, killed]
        return self._ended(left, path, event.status, said, now)

    def _ended(
        self, at: Standing, path: str, status: int, said: Say | None, now: float
    ) -> tuple[Standing, list[Value]]:
        """Return state and effects after the end of a program, or after it could not be executed."""
        effects: list[Value] = [said] if said else []
        if path == LAST_STEP:  # it has not come to pass
            return self._could_not_end(at)
        if path not in (at.path, CTRL_ALT_DEL):
            return at, []
        effects.append(Say(f"leave stage: {path}"))
        if path == CTRL_ALT_DEL:
            return at, [*effects, Look(STOP_IT)]
        if not at.status and not (at.stopping and at.stage < SHUT_DOWN):
            at = at.replace(status=128 + (status & 0x7F) if status & 0x7F else status >> 8)
        if at.stage == SHUT_DOWN:
            at = at.replace(stage=OVER)
            return at, [*effects, Say("sending KILL signal to all processes..."), KillAll(), Look(REBOOT)]
        crashed = bool(status & 0x7F) or status >> 8 == _SKIP_STAGE_2
        if at.stage == SET_UP and crashed and not at.stopping:
            effects.append(Say("warning: skipping stage 2..."))
        following = SERVE if at.stage == SET_UP and not (crashed or at.stopping) else SHUT_DOWN
        at, more = _enter(at, following)
        return at, [*effects, *more]

    def _could_not_end(self, at: Standing) -> tuple[Standing, list[Value]]:
        """Return state and effects if reboot(2) is not permitted."""
        said: list[Value] = [Say("system halt.")]
        return at, [*said, End(False, _WANTS_REBOOT)] if self._in_container else said

    def _tick(self, at: Standing, event: ev.Tick, now: float) -> tuple[Standing, list[Value]]:
        if at.kill_at is not None and at.kill_at <= now:
            said = Say(f"warning: stage {at.stage} not terminated, sending sigkill...")
            effects: list[Value] = [said, Signal(at.pid, calls.SIGKILL)] if at.pid else []
            return at.replace(kill_at=None), effects
        if at.start_at is None or at.start_at > now:
            return at, []
        if at.stage == OVER:
            return at.replace(start_at=None), [Look(REBOOT)]
        restarts: list[Value] = [Say("warning: restarting.")] if at.stage == SERVE else []
        at, effects = _enter(at, max(at.stage, SET_UP))
        return at, [*restarts, *effects]

    def _signalled(self, at: Standing, event: Signalled, now: float) -> tuple[Standing, list[Value]]:
        stops = self._in_container and event.number == calls.SIGTERM
        if (at.stage != SERVE and not (stops and at.stage == SET_UP)) or at.stopping:
            return at, [] if stops else [Say("warning: signals only work in stage 2.")]
        if look := self._orders[event.number]:
            return at, [look]
        at, effects = self._stop(at.replace(no_power=event.number == calls.SIGPWR), now)
        return at, [*([TakeBack()] if at.no_power else []), *effects]

    def _looked(self, at: Standing, event: Looked, now: float) -> tuple[Standing, list[Value]]:
        if event.path == REBOOT:
            reboots = event.executable and not at.no_power
            said = Say("system reboot." if reboots else "power off...")
            return at, [said, End(reboots, _WANTS_REBOOT if reboots else at.status)]
        if not event.executable or at.stage != SERVE or at.stopping:
            return at, []
        if event.path == STOP_IT:
            at, effects = self._stop(at, now)
            return at, [TakeBack(), *effects]
        if CTRL_ALT_DEL in dict(at.running).values():
            return at, []
        said = Say("ctrl-alt-del request...")
        return at, [said, Say(f"enter stage: {CTRL_ALT_DEL}"), Start(CTRL_ALT_DEL, True)]

    def _stop(self, at: Standing, now: float) -> tuple[Standing, list[Value]]:
        """Return state and effects that end the stage."""
        at = at.replace(stopping=True, start_at=None)
        if at.pid:
            return at.replace(kill_at=now + _GRACE), [Signal(at.pid, calls.SIGTERM)]
        return self._ended(at, at.path, 0, None, now)


def _enter(at: Standing, stage: int) -> tuple[Standing, list[Value]]:
    at = at.replace(stage=stage, start_at=None, kill_at=None)
    return at, [Say(f"enter stage: {at.path}"), Start(at.path, stage != SET_UP)]


def _is_to_start_again(status: int) -> bool:
    return bool(status & 0x7F) or status >> 8 == _START_AGAIN
