"""The verbs of inittab except ``status``: their command lines, and the functions that implement them."""

from __future__ import annotations

from sysvinit_py.cli.options import Option, Program, Values
from sysvinit_py.inittab.options import signal_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _pid(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        raise ValueError(f"not a process id: {text!a}")
    return int(text)


def _number(most: int, what: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
            raise ValueError(f"not {what} from 0 to {most}: {text!a}")
        return int(text)

    return read


def _signal(text: str) -> int:
    number = signal_number(text.upper()) or (int(text) if text.isascii() and text.isdigit() else 0)
    if not 0 < number <= 64:
        raise ValueError(f"not a signal: {text!a}")
    return number


def _since(text: str) -> str:
    from sysvinit_py.clients.inittab.log import since

    return since(text)


_DAY = 86400
_SECONDS = _number(_DAY, "a number of seconds")
_COMPLETE = "inittab status -o id"
PID = Option("--pid", "PID", "the init that is this process, such as a container's", kind=_pid)
_JSON = Option("--json", help="as JSON, for programs")
_ID = "an id, or the name of the program that exactly one entry runs"
_IDS = Option("ids", "ID", _ID, many=True, required=True, complete=_COMPLETE)
_SOME = Option("ids", "ID", f"only these entries: {_ID}", many=True, complete=_COMPLETE)
_TIMEOUT = Option("--timeout", "SECONDS", "wait no longer than that for it to be so", kind=_SECONDS)
_STEERED = (
    _IDS,
    Option(
        "-t --time", "SECONDS", "from SIGTERM to SIGKILL, instead of what grace= says, or 5", kind=_SECONDS
    ),
    Option("--no-wait", help="return when init has accepted the request"),
    _TIMEOUT,
    PID,
)
_STABLE = Option("--stable", "SECONDS", "wait until it has run this long without ending", kind=_SECONDS)
_STATES = ("running", "stopped", "done")

HEALTH = Program(
    "health",
    "check, by the exit status, that the level is entered and nothing has failed",
    (_SOME, _JSON, PID),
)

STEERING = (
    Program("history", "show what has happened to the entries", (
        _SOME,
        Option("-n --lines", "N", "only the last N events", kind=_number(1024, "a number")),
        _JSON, PID,
    )),
    Program("stop", "end an entry, and do not start it until its levels are left or somebody asks", _STEERED),
    Program("start", "start an entry that was stopped, rests, has ended or waits for an event",
            (*_STEERED, _STABLE)),
    Program("restart", "end an entry, and start it when all of its processes are gone", (*_STEERED, _STABLE)),
    Program("kill", "send a signal to the process of an entry", (
        _IDS, Option("-s --signal", "SIGNAL", "which one: a name or number", kind=_signal, default=15), PID,
    )),
    Program("wait", "wait until an entry is running, stopped or done", (
        Option("id", "ID", _ID, required=True, complete=_COMPLETE),
        Option("state", "STATE", " or ".join(_STATES), kind=_STATES, required=True),
        _TIMEOUT, PID,
    )),
    HEALTH,
    Program("reload", "have init read the inittab, and show what it refuses", (_TIMEOUT, PID)),
)  # fmt: skip
LOG = Program(
    "log",
    "show what entries, and services below them, have written to their logs",
    (
        Option("ids", "ID", f"{_ID}, or the name of a service", many=True, required=True,
               complete=f"{_COMPLETE}; sh -c 'ls -- \"${{SVDIR:-/etc/service}}\"'"),
        Option("-f --follow", help="show new lines as they are written, until interrupted"),
        Option("-n --lines", "N", "no more than the last N lines", kind=_number(10**9 - 1, "a number")),
        Option("--since", "TIME", "no older lines: start (of the process), boot, 90s, 10m, 2h, 1d, or a time"
               " in UTC such as 2026-11-26T12:05", kind=_since),
        Option("--json", help="an object on each line, for programs"),
        PID,
    ),
)  # fmt: skip
LOGD = Program("logd", "copy what entries write to their logs: init starts it when an entry has one")
DIFF = Program(
    "diff",
    "show what telinit q would end, start and leave; or what NEW instead of OLD would",
    (
        Option("files", "FILE", "the old inittab and the new one", many=True, complete="file"),
        Option("--level", "LEVEL", "of two files: the level to be in, instead of initdefault's",
               kind=tuple("0123456789S")),
        _JSON,
    ),
    forms=("[--json]", "[--level LEVEL] [--json] OLD NEW"),
)  # fmt: skip
EXPLAIN = Program(
    "explain",
    "show what telinit LEVEL would end, start and leave; or what an inittab does, in sentences",
    (
        Option("file", "FILE", "explain this inittab, or - for standard input, and not what runs",
               complete="file"),
        Option("what", "ID", "only the entries with this id; boot: what a boot starts, in order"),
        Option("--from", "LEVEL", "of a FILE: the level to be in, instead of initdefault's",
               kind=tuple("0123456789S")),
        Option("--to", "LEVEL", "0 to 9, S, or the letter of ondemand entries",
               kind=tuple("0123456789SsabcABC")),
        Option("--container", help="of a FILE: what init --container does with it"),
        _JSON,
    ),
    forms=("[--json] --to LEVEL", "[--json] [--container] FILE [ID | boot]",
           "[--json] [--from LEVEL] --to LEVEL FILE"),
)  # fmt: skip
GRAPH = Program(
    "graph",
    "draw what is started in which order, and what waits for what",
    (
        Option("file", "FILE", "an inittab, or - for standard input, and not /etc/inittab and /etc/inittab.d",
               complete="file"),
        Option("--format", "FORMAT", "dot, for graphviz, which is the default; mermaid; or matrix: a table of"
               " levels", kind=("dot", "mermaid", "matrix"), default="dot"),
    ),
)  # fmt: skip
CHART = Program(
    "chart",
    "show the boot, or a change of level, as bars: how long each entry ran, and delayed others",
    (
        Option("--to", "LEVEL", "the last change to this level, instead of the boot",
               kind=tuple("0123456789S")),
        Option("--svg", help="as SVG, for a browser"),
        _JSON, PID,
    ),
)  # fmt: skip
EDIT = Program(
    "edit",
    "edit an inittab: find its mistakes, show what would end and start, replace it, have init read it",
    (
        Option("file", "FILE", "instead of /etc/inittab", default="/etc/inittab", complete="file"),
        Option("-y --yes", help="ask nothing; an inittab with mistakes is not installed"),
    ),
)  # fmt: skip
SIMULATE = Program(
    "simulate",
    "show what an inittab does, without booting it",
    (
        Option("file", "FILE", "the inittab, or - for standard input", required=True, complete="file"),
        Option("scenario", "SCENARIO", "what happens, and what is expected, a line each; by default a boot, a"
               " visit to each level, and a halt", complete="file"),
        Option("-q --quiet", help="show nothing but failures"),
        _JSON,
        Option("--junit", "FILE", "write a JUnit report, in which each expectation is a test case",
               complete="file"),
        Option("--target", "INIT", "show where this one would differ: sysvinit-2.88, -3.06 or -3.14"),
        Option("--explore", "N", "simulate N random scenarios instead, and show what can go wrong",
               kind=_number(10**6, "a number")),
        Option("--seed", "N", "the seed of the random scenarios", kind=_number(10**9 - 1, "a number"),
               default=1),
        Option("--save", "FILE", "write the shortest scenario that shows the first finding",
               complete="file"),
    ),
)  # fmt: skip
VERBS = (*STEERING, LOG, LOGD, DIFF, EXPLAIN, GRAPH, CHART, EDIT, SIMULATE)
#: The function that implements each verb; its module is imported when it is called, as status has to be fast.
PLACES = {
    **dict.fromkeys(("stop", "start", "restart", "kill"), "steer.steer"),
    "wait": "steer.wait", "reload": "steer.reload",
    "history": "history.history", "health": "health.health",
    "log": "log.log", "logd": "logd.main",
    "diff": "plan.diff", "explain": "explain.explain", "graph": "graph.graph", "chart": "chart.chart",
    "edit": "edit.edit",
    "simulate": "simulate.run",
}  # fmt: skip


def act(values: Values) -> int:
    """Carry out the verb; return the exit status."""
    module, _, function = PLACES[values.verb].partition(".")
    found = __import__(f"sysvinit_py.clients.inittab.{module}", fromlist=[function])
    return int(getattr(found, function)(values))
