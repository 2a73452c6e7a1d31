"""Start time and memory of shutdown, halt, runlevel and telinit, ours and C's: python -m bench.programs INIT.

Each starts, reads its arguments, and ends with what is wrong with them; runlevel looks into an empty file.
The programs take turns, RUNS times. ``telinit`` is the measure of the others: at most LIMIT times its time.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.packages import unpacked
from sysvinit_py.linux import calls

RUNS, LIMIT = 60, 1.5
PROGRAMS = {"telinit": (), "shutdown": (), "halt": ("-Z",), "runlevel": ("/dev/null",)}
QUIET = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_WRONLY, 0) for fd in (1, 2)]


def run(command: list[str]) -> float:
    """Return the milliseconds that a run takes."""
    begin = time.perf_counter()
    os.waitpid(os.posix_spawn(command[0], command, os.environ, file_actions=QUIET), 0)
    return (time.perf_counter() - begin) * 1e3


def memory(command: list[str]) -> float:
    """Return the MB that it has at most, started by a shell, as what it was before exec counts, too."""
    shell = ["/bin/sh", "-c", '"$@" &', "sh", *command]
    pid = os.posix_spawn(shell[0], shell, os.environ, file_actions=QUIET)
    used = {ended: usage for ended, _, usage in (os.wait4(-1, 0) for _ in range(2))}
    del used[pid]
    return next(iter(used.values())).ru_maxrss / 1024


def main() -> int:
    """Print the table; return 1 if one of ours starts too slowly."""
    calls.become_subreaper()
    sbin = unpacked("sysvinit-core") / "sbin"
    with tempfile.TemporaryDirectory() as folder:
        for name in PROGRAMS:
            Path(folder, name).symlink_to(Path(sys.argv[1]).resolve())
        commands = {
            (name, whose): [f"{place}/{name}", *words]
            for name, words in PROGRAMS.items()
            for whose, place in (("ours", folder), ("C", sbin))
        }
        most = {key: memory(command) for key, command in commands.items()}
        runs = [{key: run(command) for key, command in commands.items()} for _ in range(RUNS)]
    took = {key: statistics.median(one[key] for one in runs) for key in commands}
    print("program      ours         C      ours / telinit   ours      C")
    for name in PROGRAMS:
        ours, c = (name, "ours"), (name, "C")
        times = f"{took[ours]:6.1f} ms  {took[c]:6.1f} ms  {took[ours] / took['telinit', 'ours']:8.2f}"
        print(f"{name:9} {times:24}  {most[ours]:11.1f} MB {most[c]:4.1f} MB")
    return int(any(took[name, "ours"] > LIMIT * took["telinit", "ours"] for name in PROGRAMS))


if __name__ == "__main__":
    sys.exit(main())
