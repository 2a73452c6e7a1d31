"""The scripted life: a boot, respawns, switches, a re-read, a re-execution, orphans; and how it is judged."""

from __future__ import annotations

from errno import EAGAIN, EMFILE, ENFILE, ENOMEM
from typing import Any

from sysvinit_py.protocol import control, initctl
from sysvinit_py.report import pipes, slots
from sysvinit_py.report.item import items
from tests.faults.fake import LOGGER, File, Kernel

INITTAB = b"""\
id:2:initdefault:
si::sysinit:/w SYSINIT 0.2
# inittab: log
bo::boot:/w BOOT "stay"
wa:2:wait:/w WAIT 0.1
# inittab: log size=1K
r1:234:respawn:/w SHORT 30
r2:23:respawn:/w TWO stay
ls:2:respawn:/w LEAVES stay
# inittab: log
r3:3:respawn:/w THREE stay
r4:4:respawn:/w FOUR stay
o4:4:once:/w ONCE stay
od:a:ondemand:/w DEMAND stay
gw:23:respawn:/sbin/getty 38400 pts/7
not plain, so that the grammar's process reads it
"""
#: What runs in level 4 in the end.
EXPECTED = ["/w BOOT stay", "/w DEMAND stay", "/w FOUR stay", "/w ONCE stay", "/w SHORT 30"]
#: What has one chance, and is told of if it cannot be executed.
ONCE = ("/w BOOT stay", "/w ONCE stay")
PASSING = (EAGAIN, ENOMEM, EMFILE, ENFILE)
END = 170.0
SULOGIN = "/sbin/sulogin"


def level(name: str) -> Any:
    return lambda kernel: kernel.request(initctl.encode(initctl.Request(initctl.RUNLVL, name, 5)))


def steer(verb: str, name: str, number: int = 0, seconds: int = control.NOT_GIVEN) -> Any:
    data = control.encode(control.Order("0123abcd", verb, name, "0,tty1", number))
    request = initctl.Request(initctl.ENTRY, sleeptime=seconds, data=data)
    return lambda kernel: kernel.request(initctl.encode(request))


def signal(number: int) -> Any:
    return lambda kernel: kernel.signals.add(number)


def kill(command: str) -> Any:
    def act(kernel: Kernel) -> None:
        for process in kernel.running(command):
            kernel.end(process, 9)

    return act


def orphan(kernel: Kernel) -> None:
    kernel.make_process("orphan", 0.01)


def change(kernel: Kernel) -> None:
    kernel.inittab += b"nw:3:respawn:/w NEW stay\n"


def power(kernel: Kernel) -> None:
    kernel.files["/run/powerstatus"] = File("file", bytearray(b"F"))
    kernel.signals.add(30)


def without_log(kernel: Kernel) -> None:
    kernel.inittab = kernel.inittab.replace(b"# inittab: log\nr3", b"r3")


def finish(kernel: Kernel) -> None:
    kernel.finish()


def script() -> list[tuple[float, Any]]:
    return [
        (2, kill("/w TWO stay")), (3, level("3")), (8, change), (8.1, signal(1)), (10, orphan), (10, orphan),
        (12, level("u")), (14, kill("/w THREE stay")), (16, signal(28)), (17, power), (18, level("q")),
        (20, level("2")), (22, kill(LOGGER)), (23, without_log), (23.1, signal(1)), (26, kill(LOGGER)),
        # What is stopped has no place in level 4, or is called there; so it may be lost.
        (90, steer("restart", "r1")), (91, steer("stop", "r2")), (92, steer("start", "r2")),
        (93, steer("start", "od")), (94, steer("stop", "od", seconds=0)), (95, steer("kill", "r1", 9)),
        (96, steer("stop", "none")), (97, steer("reload", "")), (98, steer("restart", "ls")),
        # Afterwards: does it still switch, and respawn?
        (120, level("4")), (120, steer("start", "r4")), (130, level("a")),
        (134, spoil), (135, kill("/w FOUR stay")), (136, orphan),
        (140, level("u")),
        (150, kill("/w DEMAND stay")), (151, orphan), (END, finish),
    ]  # fmt: skip


def make() -> Kernel:
    return Kernel(INITTAB, script())


def spoil(kernel: Kernel) -> None:
    """What init publishes cannot be written to any more."""
    kernel.files["/run/inittab/status"].kind = "broken"


def wrong_status(kernel: Kernel) -> list[str]:
    """What init publishes that is not so; it may be withdrawn, if something has failed."""
    files = [kernel.files.get(f"/run/inittab/{name}") for name in ("status", "entries")]
    kept = [kernel.descriptors[fd].file if fd in kernel.descriptors else None for fd in (12, 13)]
    for status, entries in (files, kept):
        if not (status and status.data and entries):
            continue
        try:
            published = slots.read(bytes(status.data), bytes(entries.data))
        except ValueError as error:
            return [f"status: {error}"]
        if not published.header.handed:
            told = {item.pid for item in items(published, 0.0)} - {None}
            alive = {
                process.pid
                for process in kernel.processes.values()
                if process.zombie_since is None
                and process.command not in (SULOGIN, LOGGER)  # of the last resort, and of no entry
            }
            return [f"status: {told}, but {alive}"] if told != alive else []
    return [] if kernel.tripped else ["there is no status"]


def wrong_pipes(kernel: Kernel) -> list[str]:
    """What is told of pipes that is not so; without a fault, each is in the table, and there is one logger.

    After one in the next init it may not know of the previous logger, which ends with what it reads.
    """
    held = {fd: d.file.inode for fd, d in kernel.descriptors.items() if d.file.both_ends}
    loggers = kernel.running(LOGGER)
    disturbed = (
        kernel.tripped or kernel.files["/dev/kmsg"].data or any("error in" in say for say in kernel.log)
    )
    try:
        table = pipes.decode(bytes(kernel.descriptors[pipes.FD].file.data))
    except (KeyError, ValueError) as error:
        return [] if disturbed else [f"table of pipes: {error!r}"]
    told = {pipe.fd: pipe.inode for pipe in table.pipes}
    if not disturbed and (told != held or [process.pid for process in loggers] != [table.logger]):
        return [f"pipes: {told} and {table.logger}, but {held} and {len(loggers)} loggers"]
    wrong = [fd for fd, inode in told.items() if fd in held and held[fd] != inode]
    return [f"pipes: {wrong} are others"] if wrong else []


def judge(kernel: Kernel) -> dict[str, Any]:
    """What is wrong at the end of the life; and what was counted."""
    alive = sorted(
        p.command for p in kernel.processes.values() if p.zombie_since is None and p.command != LOGGER
    )
    zombies = [
        p.command
        for p in kernel.processes.values()
        if p.zombie_since is not None and p.zombie_since < kernel.now - 1
    ]
    problems = []
    cannot_execute = any(name == "posix_spawn" and error not in PASSING for name, error in kernel.tripped)
    expected = [c for c in EXPECTED if c in alive or not (cannot_execute and c in ONCE)]
    lost = len([1 for command in expected if command not in alive]) + len(alive) - len(set(alive))
    if alive != expected:
        problems.append(f"runs: {alive}")
    if zombies:
        problems.append(f"zombies: {zombies}")
    if kernel.now < 100 + END:
        problems.append(f"ended at {kernel.now - 100}")
    if "SYSINIT" not in kernel.started:
        problems.append("has not booted")
    if kernel.started.count("SYSINIT") > 1 or kernel.started.count("BOOT") > 1:
        problems.append("has booted twice")
    problems += wrong_status(kernel) + wrong_pipes(kernel)
    if len(kernel.descriptors) > 17:
        problems.append(f"descriptors: {[(n, d.file.kind) for n, d in kernel.descriptors.items()]}")
    if kernel.longest_zombie > 1.5:
        problems.append(f"a zombie for {kernel.longest_zombie} s")
    return {
        "problems": problems, "lost": lost, "calls": dict(kernel.calls), "places": kernel.places,
        "tripped": kernel.tripped,
        "log": kernel.log, "console": bytes(kernel.console), "started": kernel.started,
        "executions": kernel.executions, "kmsg": bytes(kernel.files["/dev/kmsg"].data),
    }  # fmt: skip
