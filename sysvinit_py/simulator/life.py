"""A life: what happens when an inittab is booted, and a scenario is played."""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL
from sysvinit_py.inittab.entry import DIGIT_LEVELS, LEVELS, ON_DEMAND_LEVELS
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import rules
from sysvinit_py.machine.job import ANSWER
from sysvinit_py.machine.stages import BOOT, ENTERABLE, SINGLE_USER, SYSINIT
from sysvinit_py.report import states
from sysvinit_py.report.history import Event
from sysvinit_py.simulator.language import Line, Scenario, parse
from sysvinit_py.simulator.steps import OF_LIFE, STEPS
from sysvinit_py.simulator.values import duration
from sysvinit_py.simulator.world import ALL, Behaviour, StepError, TooLongError, World
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sysvinit_py.inittab.entry import Entry, Reading
    from sysvinit_py.machine import events as ev

#: Events of a life at most.
MOST_EVENTS = 100_000
#: Seconds after which a process that is waited for ends, unless the scenario says otherwise; others go on.
WAITED = Behaviour(0, 0.05)
#: What events are besides those of report/history.py: a line of the scenario, a message of init's, a signal
#: to a process group. The text is their ``word``.
STEP, MESSAGE, SIGNAL = "step", "message", "signal"


class Failure(Value):
    """An expectation, or a step, that came out differently."""

    line: Line
    found: str


class Life(Value):
    """What has happened."""

    events: list[Event]  # in order; times are seconds after the boot
    failures: list[Failure]
    seconds: float
    blocked: dict[str, list[str]]  # ids of what does not end at the end of it, and what that holds back
    asks: bool = False  # init asks for a level then
    cut: str = ""  # why it was ended early


class Recorder(World):
    """A world that writes down what happens."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(())
        self.take(reading)
        self.events: list[Event] = []
        self._reexecutes = False

    def record(self, what: str, word: str = "", name: str = "", pid: int = 0, status: int = 0) -> None:
        """Write down what happens now. Raises TooLongError."""
        self._add(self.now, what, name, pid, status, word)

    def _add(self, when: float, what: str, name: str, pid: int, status: int, word: str) -> None:
        if len(self.events) >= MOST_EVENTS:
            raise TooLongError(f"more than {MOST_EVENTS} events")
        time = round(when - self.began, 6)
        self.events.append(Event(len(self.events), time, what, name, pid, status, word))

    def feed(self, event: ev.Event) -> None:
        """Do as PID 1 does, and write it down."""
        super().feed(event)
        self._take_notes()
        if self._reexecutes:
            self._reexecutes = False
            self.reexecute()

    def perform(self, effect: fx.Effect) -> ev.Event | None:
        """Pretend to carry out an effect, and write it down."""
        self._take_notes()
        if isinstance(effect, fx.Say):
            self.record(MESSAGE, effect.text)
        elif isinstance(effect, fx.Signal):
            self.record(SIGNAL, f"SIG{effect.name}", self.id_of(effect.group), effect.group)
        elif isinstance(effect, fx.Reexecute):
            self._reexecutes = True
        answer = super().perform(effect)
        self.effects.clear()
        self.starts.clear()
        return answer

    def _take_notes(self) -> None:
        if not self.machine.processes.notes:
            return
        for note in self.machine.processes.take_notes():
            if note[1] == ANSWER:
                self._answer = note[-1]
            else:
                self._add(*note)

    def last_answer(self) -> str:
        """Return what the last request was answered."""
        return self._answer

    def terminals_changed(self) -> None:
        """Tell the machine, as inotify(7) would."""
        self.look_at_terminals()

    def behaviour(self, start: fx.Start) -> Behaviour:
        """Return how a child will end: where nothing is said of it, the waited ones soon.

        The last of them in S is a shell, which goes on until somebody leaves it.
        """
        name = start.entry.id
        if name in self.behaviours or ALL in self.behaviours or not start.entry.rule.waited:
            return super().behaviour(start)
        if start.stage == SINGLE_USER and start.entry.rule.when == IN_LEVEL:
            waited = [job for job in self.machine.processes.run_queue.jobs if job.rule.waited]
            if waited and waited[-1].key == start.key:
                return Behaviour()
        return WAITED


def simulate(reading: Reading, scenario: Scenario, files: Mapping[str, Reading] | None = None) -> Life:
    """Return the life of an inittab; ``files``: what the scenario's ``edit FILE`` lines name."""
    world = Recorder(reading)
    world.files = dict(files or {})
    failures: list[Failure] = []

    def play(line: Line, act: Callable[..., object], subject: object) -> None:
        try:
            act(subject, *line.values)
        except StepError as error:
            failures.append(Failure(line, str(error)))

    cut, played = "", 0
    try:
        for line in scenario.lines:
            world.wait(max(0.0, world.began + line.time - world.now))
            played += 1
            if line.form == "wait TIME" or line.form in OF_LIFE:
                continue  # the times of the lines after it have that in them; or it is asked later
            if not line.is_expectation:
                world.record(STEP, line.step)
            play(line, STEPS[line.form], world)
        world.wait(max(0.0, world.began + scenario.end - world.now))
    except TooLongError as error:
        cut = str(error)
    for number, line in enumerate(scenario.lines):
        if line.form in OF_LIFE:
            play(line, OF_LIFE[line.form], world.events)
        elif number >= played and line.is_expectation:
            failures.append(Failure(line, "life was ended before"))
    seconds = round(world.now - world.began, 6)
    return Life(world.events, failures, seconds, _blocked(world), world.machine.asking, cut)


def _blocked(world: World) -> dict[str, list[str]]:
    """Return what others wait for: entries that hold back some, or the boot."""
    stage = world.machine.position.stage
    blocked: dict[str, list[str]] = {}
    for job, holder in states.holders(world.machine.processes.run_queue.jobs):
        if holder and rules.verdict(job, stage) == rules.DUE:
            blocked.setdefault(holder.entry.id, []).append(job.entry.id)
        elif stage in (SYSINIT, BOOT) and rules.is_waited_for(job):
            blocked.setdefault(job.entry.id, [])
    return blocked


def default(entries: tuple[Entry, ...]) -> Scenario:
    """Return a scenario that boots, visits each level that the inittab names, and halts."""
    levels = named_levels(entries)
    order = [level for level in "12345789S6" if level in levels]
    seconds = 10.0
    lines = []
    for level in (*order, "0"):
        lines.append(f"at {duration(seconds)} telinit {level}")
        seconds += 10
    return parse("\n".join(lines))


def named_levels(entries: tuple[Entry, ...]) -> list[str]:
    """Return the levels that entries name, in order; what names none is in all."""
    named = {level for entry in entries if entry.runlevels for level in entry.levels if entry.rule.when}
    named |= {ENTERABLE.get(rules.initdefault(entries), "")}
    return [level for level in LEVELS if level in named and level in (*DIGIT_LEVELS, SINGLE_USER)]


def letters(entries: tuple[Entry, ...]) -> list[str]:
    """Return the letters a, b and c that entries have."""
    named = {level for entry in entries if entry.rule.when == IN_LEVEL for level in entry.levels}
    return [letter for letter in ON_DEMAND_LEVELS if letter in named]
