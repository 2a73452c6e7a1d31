"""The machine of one process slot: a service's run and finish, or its logger's run (behaviour/services).

Events are methods, which yield effects; no system call, no clock. What comes while a program in ``control/``
runs, or while ``run`` cannot be started for lack of a process, is the owner's to hold back: it asks ``busy``.
"""

from __future__ import annotations

from sysvinit_py.protocol.supervise import DOWN, FINISH, NOT_UP, RUN, SIGNALS, UP, Status
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds: a cycle that was shorter is followed by a pause of this length.
PAUSE = 1.0
NEVER = float("inf")
_SECOND = 10**9
#: What ``finish`` is told if run could not be started: exit code 111.
NOT_STARTED = 111 << 8
#: What is wanted once it is down: that nobody supervises it.
EXIT = "x"


class Now(Value):
    """A point in time: by a clock that nobody sets, and in nanoseconds since 1970."""

    clock: float
    wall: int


class Start(Value):
    """Start ``run`` or ``finish``. Answered by ``started`` or ``not_started``."""

    program: str
    arguments: tuple[str, ...] = ()


class Control(Value):
    """Run ``control/LETTER``, if there is one. Answered by ``controlled``."""

    letter: str


class Signal(Value):
    """Send a signal to the process."""

    number: int


class Gone(Value):
    """It is down and is to be supervised no more."""


if TYPE_CHECKING:
    Effect = Start | Control | Signal | Gone


class Unit:
    """A slot, and what is wanted of it.

    is_log  orders to leave are ignored, there is no finish, and nothing in ``control/`` is asked
    """

    def __init__(self, now: Now, want: str = UP, is_log: bool = False) -> None:
        self.want = want
        self.is_log = is_log
        self.state = DOWN
        self.pid = 0
        self.since = now.wall
        self.paused = self.got_term = False
        self.changed = True  # since it was last published
        self.due = want == UP  # a start is owed, once the pause is over
        self.rests_until = 0.0
        self._began = 0.0  # the present cycle
        self._status: int | None = 0  # how run ended
        self._queue: list[str] = []  # control programs that are to run, and signals that may follow

    @property
    def status(self) -> Status:
        """What is published."""
        want = UP if self.want == UP else NOT_UP
        return Status(self.since, self.pid, self.paused, want, self.got_term, self.state)

    @property
    def leaving(self) -> bool:
        """Whether it is to be supervised no more."""
        return self.want == EXIT

    @property
    def busy(self) -> bool:
        """Whether a program in ``control/`` has to end before anything else is looked at."""
        return bool(self._queue)

    @property
    def deadline(self) -> float:
        """When to call ``tick``."""
        return self.rests_until if self.due and self.state == DOWN and not self._queue else NEVER

    def adopt(self, status: Status, now: Now) -> None:
        """Go on with a process that another supervisor has started."""
        self.state, self.pid, self.since = status.state, status.pid, status.since
        self.want, self.paused, self.got_term = status.want, status.paused, status.got_term
        self._began = now.clock - max(0.0, (now.wall - status.since) / _SECOND)
        self.due = status.state == DOWN and status.want == UP
        self.changed = True

    # Orders.

    def order(self, letter: str, now: Now) -> Iterator[Effect]:
        """Take in a control character."""
        if letter in "udox":
            if letter == EXIT and self.is_log:
                return
            self._want(letter)
            if letter in "uo":
                yield from self.tick(now)
            elif self.state == RUN:
                yield from self._run_controls(["t", "CONT", letter])
            elif letter == EXIT and self.state == DOWN:
                yield Gone()
        elif letter in SIGNALS:
            if letter in "pc":
                self.paused = letter == "p"
                self.changed = True
            if self.state == RUN:
                yield from self._run_controls([letter])

    def leave(self) -> None:
        """As a logger: what it reads will end, and then it is not started again."""
        self.want, self.due, self.changed = EXIT, False, True

    def _want(self, letter: str) -> None:
        if self.is_log and self.leaving:
            return  # what it reads has ended
        self.want = {"u": UP, "x": EXIT}.get(letter, NOT_UP)
        self.due = self.state == DOWN and letter in "uo"
        self.changed = True

    def tick(self, now: Now) -> Iterator[Effect]:
        """Start what is due."""
        if self.deadline <= now.clock:
            yield from self._run_controls(["u"])

    # Programs in control/, one after the other.

    def _run_controls(self, letters: list[str]) -> Iterator[Effect]:
        self._queue = letters
        yield from self._next()

    def _next(self) -> Iterator[Effect]:
        while self._queue:
            letter = self._queue[0]
            if letter == "CONT":
                yield Signal(SIGNALS["c"])
            elif self.is_log:
                yield from self._after(letter, False)
            else:
                yield Control(letter)
                return
            self._queue = self._queue[1:]

    def controlled(self, code: int | None) -> Iterator[Effect]:
        """Go on after a program in ``control/``: its exit code; None if it is missing, or was killed."""
        yield from self._after(self._queue[0], code == 0)
        self._queue = self._queue[1:]
        yield from self._next()

    def _after(self, letter: str, suppressed: bool) -> Iterator[Effect]:
        if letter == "u":
            yield Start("run")
        elif letter in SIGNALS and not suppressed:
            if letter == "t":
                self.got_term = self.changed = True
            yield Signal(SIGNALS[letter])

    # Processes.

    def started(self, pid: int, now: Now) -> None:
        """Take in that run or finish has been started."""
        if self.state == DOWN:
            self.state, self.since, self._began, self.due = RUN, now.wall, now.clock, False
        else:
            self.state = FINISH
        self.paused = self.got_term = False
        self.pid, self.changed = pid, True

    def not_started(self, now: Now) -> Iterator[Effect]:
        """Take in that the program cannot be executed."""
        if self.state == DOWN:
            self._began, self.state, self.due = now.clock, RUN, False
            yield from self.ended(NOT_STARTED, now)
        else:
            yield from self._down(now)

    def postpone(self, now: Now, seconds: float = PAUSE) -> None:
        """Take in that nothing can be started at present: it is tried again after a pause."""
        if self.state == DOWN:
            self.rests_until = now.clock + seconds

    def ended(self, status: int | None, now: Now) -> Iterator[Effect]:
        """Take in that the process has ended; None: nobody knows how."""
        self.pid, self.got_term, self.changed = 0, False, True
        if self.state == RUN and not self.is_log:
            code = -1 if status is None or status & 0x7F else status >> 8 & 0xFF
            yield Start("finish", (str(code), str((status or 0) & 0xFF)))
        else:
            yield from self._down(now)

    def _down(self, now: Now) -> Iterator[Effect]:
        self.state, self.since, self.changed = DOWN, now.wall, True
        if now.clock < self._began + PAUSE:
            self.rests_until = now.clock + PAUSE
        self.due = self.want == UP
        if self.leaving:
            yield Gone()
        else:
            yield from self.tick(now)
