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
#: How often a pause doubles at most.
_DOUBLED = 30
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


class Ask(Value):
    """See whether all is up that it needs. Answered by ``answered``."""


class Control(Value):
    """Run ``control/LETTER``, if there is one. Answered by ``controlled``."""

    letter: str


class Signal(Value):
    """Send a signal to the process."""

    number: int


class Gone(Value):
    """It is down and is to be supervised no more."""


class Tell(Value):
    """Report what an administrator may want to know."""

    text: str


if TYPE_CHECKING:
    Effect = Start | Ask | Control | Signal | Gone | Tell


class Unit:
    """A slot, and what is wanted of it.

    is_log   orders to leave are ignored, there is no finish, and nothing in ``control/`` is asked
    longest  seconds: up to so long the pause doubles with each early end
    """

    longest = 0.0

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
        self.early = 0  # cycles in a row that were followed by a pause
        self.missing = ""  # what it needs, and is not up
        self._asking = False  # whether there is such a thing
        self._began = 0.0  # the present cycle
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
    def pause(self) -> float:
        """Seconds from the end of a short cycle to the next start."""
        return max(PAUSE, min(self.longest, PAUSE * 2.0 ** min(self.early - 1, _DOUBLED)))

    @property
    def note(self) -> str:
        """What a start waits for, if that is nothing that C's runsv knows."""
        if not self.due or self.state != DOWN:
            return ""
        if self.missing:
            return f"needs {self.missing}"
        return f"pausing {self.pause:.0f}s" if self.pause > PAUSE else ""

    @property
    def deadline(self) -> float:
        """When to call ``tick``."""
        waits = self._queue or self._asking
        return self.rests_until if self.due and self.state == DOWN and not waits else NEVER

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
        if letter in "uo":  # who asks for a start need not wait for more than C's pause
            self.rests_until -= self.pause - PAUSE
            self.early = 0
        self.want = {"u": UP, "x": EXIT}.get(letter, NOT_UP)
        self.due = self.state == DOWN and letter in "uo"
        self.changed = True

    def tick(self, now: Now) -> Iterator[Effect]:
        """Start what is due, if all is up that it needs."""
        if self.deadline <= now.clock:
            self._asking = True
            yield Ask()

    def answered(self, missing: str, now: Now) -> Iterator[Effect]:
        """Take in the name of a service that it needs and that is not up; empty: all are."""
        self._asking = False
        self.changed |= missing != self.missing
        self.missing = missing
        if missing:
            self.rests_until = now.clock + PAUSE
        elif self.due:
            yield from self._run_controls(["u"])

    def wake(self, now: Now) -> Iterator[Effect]:
        """Take in that what it waits for may be up."""
        if self.missing:
            self.rests_until = now.clock
            yield from self.tick(now)

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
        self.due = self.want == UP
        self.early = self.early + 1 if now.clock < self._began + PAUSE else 0
        if self.early:
            self.rests_until = now.clock + self.pause
            if self.note and not self.early & self.early - 1:
                often = f"{self.early} times in a row: next start in {self.pause:.0f} s"
                yield Tell(f"run has ended within a second {often}")
        if self.leaving:
            yield Gone()
        else:
            yield from self.tick(now)
