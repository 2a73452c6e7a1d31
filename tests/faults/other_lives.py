"""Two more lives, for what the plain one (life.py) has no use for; they end like it."""

from __future__ import annotations

from errno import ECONNREFUSED, EIO
from typing import Any

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.state import FD, Saved, SavedEntry, encode
from tests.faults.fake import File, Kernel
from tests.faults.life import END, INITTAB, finish, kill, level, signal, steer

#: Asks for a level; has a getty whose terminal comes later, and what fails and is throttled.
ODD = (
    INITTAB.replace(b"id:2:initdefault:\n", b"")
    + b"""\
ge:2:respawn:/sbin/getty 38400 tty9
fa:2:respawn:/w FAST 0.01
ne:2:respawn:/nowhere/program
no:2:once:/nowhere/program
hg:5:once:/w HANGS stay
l7:7:once:/w LEAVES stay
ca::ctrlaltdel:/w CAD 0.1
pf::powerfail:/w POWER 0.1
"""
)
HAVE_RUN = "/w SYSINIT", "/w BOOT", "/w WAIT"
TTY = "/dev/console", "/dev/tty0"


def be(**what: Any) -> Any:
    """The kernel changes."""
    return lambda kernel: kernel.__dict__.update(what)


def typed(text: bytes) -> Any:
    return lambda kernel: kernel.typed.extend(text)


def ask(cmd: int, data: bytes = b"") -> Any:
    return lambda kernel: kernel.request(initctl.encode(initctl.Request(cmd, "\0", 5, data)))


def no_console(kernel: Kernel) -> None:
    for path in TTY:
        del kernel.files[path]
    kernel.typed += b"\4"


def console_again(kernel: Kernel) -> None:
    kernel.files.update({TTY[0]: File("tty", kernel.console), TTY[1]: File("tty")})


def fifo_becomes_a_file(kernel: Kernel) -> None:
    kernel.disturb("/run/initctl", File("file"))


def fifo_goes(kernel: Kernel) -> None:
    kernel.disturb("/run/initctl", None)


def broken_parser(kernel: Kernel) -> None:
    kernel.parser_is_broken = True
    kernel.inittab += b"# changed\n"


def no_init(kernel: Kernel) -> None:
    del kernel.files["/sbin/init"]


def init_again(kernel: Kernel) -> None:
    kernel.files["/sbin/init"] = File("file", bytearray(b"#! sysvinit_py"))


def terminal_comes(kernel: Kernel) -> None:
    kernel.files["/dev/tty9"] = File("tty")
    kernel.notify()


#: Does it still switch, and respawn?
LAST = [
    (120, level("4")), (130, level("a")), (135, kill("/w FOUR stay")), (140, level("u")),
    (150, kill("/w DEMAND stay")), (END, finish),
]  # fmt: skip


def odd() -> Kernel:
    script = [
        (1, typed(b"x\n")), (2, typed(b"2\n")),
        (2.5, typed(b"2\n")), (3, be(typed=bytearray())),  # an error may have taken the first one
        (4, signal(2)), (4.2, ask(initctl.POWERFAIL)), (4.4, ask(initctl.SETENV, b"INIT_X=1\0")),
        (4.6, ask(initctl.UNSETENV, b"INIT_X\0")), (4.8, ask(99)), (5, signal(12)), (5.5, signal(10)),
        (6, signal(38)), (7, kill("/sbin/shutdown -hP now")), (8, fifo_becomes_a_file), (9, fifo_goes),
        (10, level("a")), (12, level("S")), (14, no_console), (15, console_again), (18, level("2")),
        (20, broken_parser), (20.1, signal(1)),
        (30, be(parser_is_broken=False)), (30.1, signal(1)), (40, be(no_processes=True)),
        (40.1, kill("/w TWO stay")), (43, be(no_processes=False)), (44, be(mounted=True)),
        (45, terminal_comes), (47, ask(initctl.TERMINALS)), (50, signal(20)), (51, signal(18)),
        (52, steer("stop", "fa")), (52.5, steer("start", "fa")), (53, steer("stop", "ge")),
        (55, level("q")), (56, no_init), (56.1, level("u")), (56.2, init_again),
        (60, level("5")), (70, level("7")), (80, steer("restart", "l7")), (90, level("2")),
        (100, kill("/w HANGS stay")), *LAST,
    ]  # fmt: skip
    kernel = Kernel(ODD, script)
    kernel.faults["socket.send", 3] = ECONNREFUSED
    kernel.faults["fchmod", 1] = EIO
    return kernel


def from_c() -> Kernel:
    """Takes over from C, which had booted to level 2."""
    kernel = Kernel(INITTAB, [(2, kill("/w TWO stay")), *LAST])
    running = {
        command: kernel.make_process(command, float("inf")) for command in ("/w BOOT stay", "/w TWO stay")
    }
    kernel.started = ["SYSINIT", "BOOT", "WAIT", "TWO"]
    entries = interpret((Source("/etc/inittab", INITTAB),)).entries
    saved = [
        SavedEntry(
            _as_c_has_it(entry),
            running.get(entry.process.replace('"', ""), 0),
            has_run=entry.process.startswith(HAVE_RUN),
        )
        for entry in entries
    ]
    pipe = File("pipe", bytearray(encode(Saved("2", "2", "N", tuple(saved)))))
    kernel.put(FD, pipe)
    kernel.arguments = ["init", "--init"]
    return kernel


def _as_c_has_it(entry: Entry) -> Entry:
    changed: Entry = entry.replace(runlevels={"sysinit": "#", "boot": "*"}.get(entry.action, entry.runlevels))
    return changed
