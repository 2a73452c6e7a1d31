"""runlevel(8): print the previous runlevel and the present one, as utmp has them."""

from __future__ import annotations

from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program
from sysvinit_py.linux import calls
from sysvinit_py.protocol import utmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.cli.options import Values

UTMP, LEVEL = "/run/utmp", "/run/runlevel"
_MAX_BYTES = 4 << 20

RUNLEVEL = Program(
    "runlevel",
    "Print the previous runlevel, or N if there was none, and the present one.",
    (Option("UTMP", "UTMP", f"the file to look into (default: {UTMP})", complete="file", default=UTMP),),
    misused=out.FAILED,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command runlevel; return its exit status, 1 if the level is unknown."""
    return RUNLEVEL.run(_run, arguments)


def _run(values: Values) -> int:
    levels = look(values.UTMP)
    out.write("unknown\n" if levels is None else " ".join(levels) + "\n")
    return out.FAILED if levels is None else out.DONE


def look(path: str = UTMP) -> tuple[str, str] | None:
    """Return the previous and the present runlevel; None: neither utmp nor ``/run/runlevel`` tells."""
    content = contents(path)
    for offset in range(0, len(content) - utmp.SIZE + 1, utmp.SIZE):
        type_, pid = utmp.type_and_pid_of(content[offset : offset + utmp.SIZE])
        if type_ == utmp.RUN_LVL:
            return chr(pid >> 8 & 0xFF) if pid >> 8 & 0xFF else "N", chr(pid & 0xFF)
    level = contents(LEVEL)[:1].decode("ascii", "replace")
    return ("N", level) if level else None


def contents(path: str) -> bytes:
    """Return what is in the file; nothing if that fails."""
    try:
        file = calls.open(path, calls.O_RDONLY | calls.O_NONBLOCK | calls.O_CLOEXEC | calls.O_NOCTTY)
    except OSError:
        return b""
    try:
        return calls.read(file, _MAX_BYTES)
    except OSError:
        return b""
    finally:
        calls.close(file)
