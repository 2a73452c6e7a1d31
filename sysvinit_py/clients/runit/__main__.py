"""Be one of runit's programs: the one whose name the first word is, or whose name the one file has."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Which module each program is: it has a function main that takes the words of the command line, the name
#: among them, and returns the exit status. Only that module is imported.
MODULES = {
    **dict.fromkeys(
        ("chpst", "envdir", "envuidgid", "pgrphack", "setlock", "setuidgid", "softlimit"),
        "clients.runit.chpst",
    ),
    "runit": "pid1.runit.main",
    "runit-init": "clients.runit.runit_init",
    "runsv": "services.runsv",
    "runsvchdir": "clients.runit.runsvchdir",
    "runsvdir": "services.runsvdir",
    "sv": "clients.runit.sv",
    "svlogd": "clients.runit.svlogd",
    "utmpset": "clients.runit.utmpset",
}
#: What any other name is: that of a service, as which sv is linked.
OTHER = "sv"
#: What may need more of the one file while it runs, and so runs while that is open.
LAZY = ("sv",)


def program() -> Callable[[], int]:
    """Return what to be; all that it needs is imported."""
    words, called = sys.argv, sys.argv[0].rpartition("/")[2]
    if words[1:] in (["--help"], ["--version"]) and called in MODULES:
        from sysvinit_py.clients.runit.described import PROGRAMS

        status = PROGRAMS[called].run(lambda _: 0, words[1:])
        return lambda: status
    name = called if called in MODULES else OTHER
    module = f"sysvinit_py.{MODULES[name]}"
    __import__(module)
    main: Callable[[list[str]], int] = sys.modules[module].main
    if name in LAZY:
        status = main(words)
        return lambda: status
    return lambda: main(words)


if __name__ == "__main__":
    del sys.argv[0]
    sys.exit(program()() if sys.argv else "usage: python -m sysvinit_py.clients.runit NAME [ARGUMENT]...")
