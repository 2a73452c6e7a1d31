"""What the containers of these tests run: lines of the shell, in variables that entries name."""

from __future__ import annotations

from collections.abc import Iterator

_UP = "; echo up; : >/dev/shm/$0; "
#: Ends when it is told to, after SECONDS, and says so.
ENDS = 'trap "sleep ${SECONDS:-0}; echo bye; exit" TERM' + _UP + "sleep 1000 & wait"
#: Nothing but SIGKILL ends it.
DEAF = 'trap "" TERM INT QUIT' + _UP + "while :; do sleep 1000; done"
#: Goes on when both services are up.
LAST = "until [ -e /dev/shm/web ] && [ -e /dev/shm/work ]; do sleep 0.02; done; "
#: Starts a daemon, which has left the group and the session, and ends.
DAEMONIZES = "setsid sh -c 'trap \"echo told; exit\" TERM; echo up; sleep 1000 & wait' & exit 0"

#: An application: two services, a script that sets up, and a job. VARIABLES says what each does.
APPLICATION = """\
si::sysinit:sh -c "$SETUP"
web:2:respawn:sh -c "$WEB" web
work:2:respawn:sh -c "$WORKER" work
# inittab: main
main:2:once:sh -c "$MAIN" main
"""
VARIABLES = {"SETUP": "echo set up", "WEB": ENDS, "WORKER": ENDS, "MAIN": ENDS}


def variables(**changed: str) -> Iterator[str]:
    """Return the options of the engine that give the application its variables."""
    for name, value in (VARIABLES | changed).items():
        yield f"--env={name}={value}"
