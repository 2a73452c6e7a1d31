"""``init --container``: composition of its parts."""

from __future__ import annotations

from sysvinit_py.inittab import plain
from sysvinit_py.inittab.entry import Entry, EntryOptions
from sysvinit_py.inittab.sources import gather
from sysvinit_py.linux import calls
from sysvinit_py.linux.handled_signals import HandledSignals
from sysvinit_py.linux.loop import clock
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.pid1.container import arguments, environment, policy, relay
from sysvinit_py.pid1.container.effect_runner import ContainerRunner
from sysvinit_py.pid1.container.init import ContainerInit, live, write_error
from sysvinit_py.pid1.container.machine import ContainerMachine, Forwarded, Reaped, StopRequested
from sysvinit_py.pid1.container.relay import Relay
from sysvinit_py.pid1.inputs.children import Children
from sysvinit_py.pid1.inputs.fifo import Fifo
from sysvinit_py.pid1.inputs.reader import Reader
from sysvinit_py.pid1.inputs.requests import events_of
from sysvinit_py.pid1.inputs.timer import Timer
from sysvinit_py.pid1.outputs.publish import Publisher
from sysvinit_py.pid1.survival.barrier import Errors, best_effort, report_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sysvinit_py.inittab.entry import Reading
    from sysvinit_py.inittab.sources import Source

#: The id of the command.
COMMAND = "main"
_STDOUT = 1

#: The signals that stop the container, and their names.
STOP_SIGNALS = {
    calls.SIGTERM: "SIGTERM", calls.SIGINT: "SIGINT", calls.SIGQUIT: "SIGQUIT", calls.SIGPWR: "SIGPWR",
    **{calls.SIGRTMIN + number: f"SIGRTMIN+{number}" for number in (3, 4, 5, 6)},
}  # fmt: skip
#: The signals that are forwarded to the main process.
FORWARDED = (calls.SIGUSR1, calls.SIGUSR2, calls.SIGWINCH)


def sources() -> tuple[Source, ...]:
    """Return the files of the inittab; the main file is optional if inittab.d has some."""
    main, *others = gather()
    return tuple(others) if main.missing and others else (main, *others)


def read() -> Reading:
    """Read the inittab; only if it is not plain, with the parser."""
    found = sources()
    reading = plain.read(found)
    if reading is None:
        from sysvinit_py.inittab.read import interpret

        reading = interpret(found)
    return reading


def main(words: Sequence[str], program: str) -> Callable[[], int]:
    """Return a function that runs the container and returns its exit status; it needs no more imports."""
    try:
        return prepared(words, program)
    except BaseException as error:
        best_effort(report_error, write_error, error)
        return lambda: policy.OWN_ERROR


def prepared(words: Sequence[str], program: str) -> Callable[[], int]:
    """Return a function that runs the container, or only reports the result of checking its inittab."""
    try:
        given = arguments.parse(words)
    except arguments.UsageError as error:
        reasons = [str(error)]
        return lambda: _refuse(reasons)
    if given.answer:
        return lambda: _answer(given.answer)
    reading = read()
    reasons = [*policy.refusals(reading, given.level, bool(given.command))]
    if reasons:
        return lambda: _refuse(reasons)
    if given.check:
        return lambda: 0
    options = [options for _, options in reading.files]
    graces = (given.grace, *(option.grace for option in options), policy.GRACE)
    grace = next(seconds for seconds in graces if seconds is not None)
    form = next(filter(None, (given.log, *(option.log for option in options), relay.PREFIX)))
    level = given.level or policy.level_of(reading.entries)
    return lambda: live(lambda: compose(given.command, program, level, grace, form), grace)


def _answer(text: str) -> int:
    calls.write(_STDOUT, text.encode())
    return 0


def _refuse(reasons: Iterable[str]) -> int:
    for reason in reasons:
        best_effort(write_error, reason)
    return policy.REFUSED


def compose(command: Sequence[str], program: str, level: str, grace: float, form: str) -> ContainerInit:
    """Return the init of a container. The parts refer to each other, as in ``sysv.compose``."""
    environment.open_missing_streams()  # not earlier, as the one file may have had one of these descriptors
    is_first = calls.getpid() == 1
    given = environment.variables()
    passed_on = Relay(form, lambda: _ids(machine), _is_coloured(given))
    _adopt_orphans(is_first, passed_on.say)
    entry = _entry_of(command)
    machine = ContainerMachine(grace)
    driver = Driver(machine, lambda effect: runner.perform(effect), clock, between=lambda: children.collect())
    reader = Reader(program, pause=lambda: children.collect(), sources=sources)
    runner = ContainerRunner(
        lambda: machine, reader, passed_on, given | environment.added(given), (entry, command), now=clock
    )
    fifo = Fifo(lambda request: events_of(request, machine, passed_on.say), lambda text: None)
    is_shared = _is_read(fifo.path)  # /run belongs to another init
    publisher = Publisher(
        lambda: machine, lambda: children.collect(), only_in_memory=is_shared or not is_first
    )
    children = Children(driver, reader.child_exited, more=lambda: signals.again(calls.SIGCHLD))
    signals = HandledSignals(_actions(children))
    driver.add(ev.Booted(level, consoles=(entry,) if entry else ()))
    return ContainerInit(
        (signals, fifo, reader, passed_on, Timer(driver), publisher), driver, machine, passed_on,
        errors=Errors(), records=(publisher.write,),
        after_error=lambda: signals.again(calls.SIGCHLD),
        first=(publisher.take_place, *(() if is_shared else (lambda: _open_fifo(fifo),))),
    )  # fmt: skip


def _actions(children: Children) -> dict[int, Callable[[], ev.Event]]:
    """Return the function for each signal, in the order in which simultaneous signals are handled."""

    def reaped() -> ev.Event:
        children.reap()
        return Reaped()

    return {
        calls.SIGCHLD: reaped,
        **{number: _tells(StopRequested(name)) for number, name in STOP_SIGNALS.items()},
        **{number: _tells(Forwarded(number)) for number in FORWARDED},
        calls.SIGHUP: ev.RereadRequested,
    }


def _tells(event: ev.Event) -> Callable[[], ev.Event]:
    return lambda: event


def _entry_of(command: Sequence[str]) -> Entry | None:
    """Return the entry that stands for the command, for all levels."""
    if not command:
        return None
    shown = " ".join(word or '""' for word in command)
    return Entry(COMMAND, "", "once", shown, options=EntryOptions("main", main=True))


def _adopt_orphans(is_first: bool, warn: Callable[[str], None]) -> None:
    """Become the parent of orphans, if this is not PID 1."""
    if not is_first:
        try:
            calls.become_subreaper()
        except (OSError, ImportError) as error:
            warn(f"orphans are not collected: {error}")


def _is_read(path: str) -> bool:
    """Return whether an init reads the FIFO at the path; True if unknown."""
    if environment.in_first_namespace():
        return True
    try:
        calls.close(calls.open(path, calls.O_WRONLY | calls.O_NONBLOCK))
    except OSError:
        return False  # it has no reader, or does not exist
    return True


def _ids(machine: ContainerMachine) -> Iterable[str]:
    """Return the ids of the entries that may run."""
    entries = (job.entry for job in machine.processes.jobs.values())
    return (entry.id for entry in entries if policy.role(entry) != policy.NEVER)


def _open_fifo(fifo: Fifo) -> None:
    """Open the FIFO, if possible; do not try again."""
    fifo.keep()
    if fifo.fd < 0:
        fifo.shut()


def _is_coloured(variables: dict[str, str]) -> bool:
    return calls.isatty(_STDOUT) and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"
