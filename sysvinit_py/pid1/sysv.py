"""The SysV init: composition of its parts."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import clock
from sysvinit_py.linux.proc import kernel_command_line
from sysvinit_py.linux.signals import SHUTDOWN, Signals
from sysvinit_py.linux.syslog import Syslog
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.machine import Machine
from sysvinit_py.pid1 import arguments, environment, init
from sysvinit_py.pid1.effect_runner import EffectRunner
from sysvinit_py.pid1.init import Init
from sysvinit_py.pid1.inputs.children import Children
from sysvinit_py.pid1.inputs.fifo import Fifo
from sysvinit_py.pid1.inputs.mounts import Mounts
from sysvinit_py.pid1.inputs.reader import Reader
from sysvinit_py.pid1.inputs.requests import events_of
from sysvinit_py.pid1.inputs.terminals import TerminalWatch
from sysvinit_py.pid1.inputs.timer import Timer
from sysvinit_py.pid1.outputs import spawn
from sysvinit_py.pid1.outputs.accounting import Accounting
from sysvinit_py.pid1.outputs.capture import Capture
from sysvinit_py.pid1.outputs.console import Console
from sysvinit_py.pid1.outputs.messages import Messages
from sysvinit_py.pid1.outputs.publish import Publisher
from sysvinit_py.pid1.survival import handover
from sysvinit_py.pid1.survival.barrier import Errors
from sysvinit_py.pid1.survival.succession import Succession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def compose(argv: list[str], program: str) -> Init:
    """Return the init for these arguments; ``program`` is the path of this file.

    The parts refer to each other: those that are made later are looked up when they are needed.
    """
    publisher = Publisher(lambda: driver.machine, lambda: children.collect())
    signals = Signals()
    inherited = environment.environment()
    given = arguments.parse(argv)
    console = Console(inherited)
    report = Messages(console, Syslog()).report
    accounting = Accounting()
    variables = spawn.base_environment(inherited, console.path, given.auto)

    fifo = Fifo(lambda request: events_of(request, driver.machine, report), report)
    terminals = TerminalWatch(lambda: driver.machine.awaited)
    reader = Reader(program, pause=lambda: children.collect(), warn=report)
    capture = Capture(program, lambda: driver.machine, variables, console, report, lambda: reader.files)
    runner = EffectRunner(
        console, reader, accounting, terminals, variables,
        report=report, is_running=lambda pid: pid in driver.machine.running, output=capture.output, now=clock,
    )  # fmt: skip
    driver = Driver(Machine(), runner.perform, clock, between=lambda: children.collect())
    children = Children(
        driver, lambda pid: [parent.child_exited(pid) for parent in (reader, capture)],
        more=lambda: signals.add([calls.SIGCHLD]),
    )  # fmt: skip
    succession = Succession(
        argv, inherited, variables, lambda: boot_events(given, inherited),
        driver=driver, runner=runner, signals=signals, children=children, accounting=accounting,
        publisher=publisher, capture=capture, report=report,
    )  # fmt: skip
    signals.actions = _actions(children, fifo, report, lambda: spawn.shut_down(variables, console, report))
    mounts = Mounts(accounting.write_all, terminals.mounted, fifo.keep, publisher.look_again)

    return Init(
        (signals, mounts, fifo, console, reader, terminals, capture, Timer(driver), publisher),
        driver, succession, errors=Errors(argv), report=report, withdraw=publisher.withdraw,
        first=(
            publisher.take_place, capture.resume, environment.prepare, fifo.keep, succession.begin,
            publisher.write, environment.take_keys, fifo.begin_watching, handover.keep_place,
        ),
        records=(accounting.write, publisher.write, capture.write),
    )  # fmt: skip


def _actions(
    children: Children, fifo: Fifo, report: Callable[..., None], shut_down: Callable[[], None]
) -> dict[int, Callable[[], object]]:
    """Return the function for each signal, in the order in which simultaneous signals are handled."""
    return {
        calls.SIGCHLD: children.reap,
        calls.SIGUSR2: fifo.shut,
        calls.SIGUSR1: fifo.reopen,  # after SIGUSR2, so that both at once leave init reachable
        calls.SIGHUP: ev.RereadRequested,
        calls.SIGINT: lambda: ev.Called("ctrlaltdel"),
        calls.SIGWINCH: lambda: ev.Called("kbrequest"),
        calls.SIGPWR: lambda: ev.Called(environment.power(report)),
        SHUTDOWN: shut_down,
    }


def boot_events(given: arguments.Arguments, inherited: Mapping[str, str]) -> tuple[ev.Event, ...]:
    """Return the events of a boot."""
    consoles = arguments.consoles(kernel_command_line())
    return (
        ev.VariablesGiven(tuple(handover.variables_of(inherited).items())),
        ev.Booted(given.level, given.emergency, consoles),
    )


def main(argv: list[str], program: str) -> None:
    """Run init. ``argv``: from the kernel; ``program``: the path of this file. Never returns."""
    init.live(lambda: compose(argv[1:], program))
