"""behaviour/children, but terminal and accounting: what a child gets, how it is started, how it is reaped.

The rules for commands are those of chapter 1, "Process field".
"""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.system.conftest import Boot
from tests.system.system import System
from tests.system.witness import program, wait_until

#: The C library's own signals: posix_spawn(3) of glibc leaves them ignored, and programs set them themselves.
INTERNAL_SIGNALS = 1 << 31 | 1 << 32


# What a child gets.


def test_session_files_signals_and_the_like(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        si::sysinit:/w SYSINIT
        bt::boot:/w BOOT stay
        bw::bootwait:/w BOOTWAIT
        w:2:wait:/w WAIT
        sh:2:wait:/w SHELL; exit
        o:2:once:/w ONCE stay
        ca::ctrlaltdel:/w KEYS
    """)
    system.witness.wait("ONCE")
    system.signal(signal.SIGINT)
    system.witness.wait("KEYS")
    for child in system.witness.events(event="start"):
        assert child.fds == dict.fromkeys("012", "/dev/console")
        assert (child.umask, child.cwd) == (0o022, "/")
        assert (child.ignored & ~INTERNAL_SIGNALS, child.blocked) == (0, 0), child.tag
    for tag in ("BOOT", "WAIT", "ONCE", "KEYS"):
        child = system.witness.wait(tag)
        assert child.pid == child.sid == child.pgid
        assert (child.ppid, child.tty) == (1, 0)


@pytest.mark.ours_only("behaviour/inittab#process: 3.11 and newer leave a shell", but=["3.06"])
def test_a_simple_command_for_the_shell_is_a_child_of_init(boot: Boot) -> None:
    """Regression: the shell stayed as its parent, and its pid was the one in utmp. C puts exec before all."""
    system = boot("""
        id:2:initdefault:
        q:2:once:/w QUOTED stay "a word"
        v:2:once:/w VARIABLE stay $RUNLEVEL >/dev/null
        l:2:once:/w LIST; exit 3
    """)
    for tag in ("QUOTED", "VARIABLE"):
        child = system.witness.wait(tag)
        assert (child.ppid, child.pid) == (1, child.sid)
    assert system.witness.wait("VARIABLE").argv[-1] == "2"
    system.witness.wait("LIST")


def test_dev_null_where_there_is_no_console(boot: Boot) -> None:
    """The fds 0 to 2 of init itself are closed at its start then."""
    system = boot(
        """
        id:2:initdefault:
        si::sysinit:/w SYSINIT
        o:2:once:/w ONCE stay
        """,
        console=False,
    )
    for tag in ("SYSINIT", "ONCE"):
        child = system.witness.wait(tag)
        assert child.fds == dict.fromkeys("012", "/dev/null")
        assert (child.env["CONSOLE"], child.tty) == ("/dev/null", 0)


@pytest.mark.ours_only(
    "C leaves such children without files; a boot script that fills /dev starts all the same"
)
def test_started_also_where_dev_is_empty(boot: Boot) -> None:
    def empty(system: System) -> None:
        system.run(["umount", "/dev/null"])
        system.path("/dev/null").unlink()

    system = boot("id:2:initdefault:\nsi::sysinit:/w A\no:2:once:/w B stay\n", console=False, before=empty)
    for tag in "AB":
        assert set(system.witness.wait(tag).fds) == {"0", "1", "2"}


GIVEN = {
    "HOME": "/",
    "TERM": "linux",
    "word": "of the kernel's",
    "PATH": "/given",
    "SHELL": "/given",
    "RUNLEVEL": "given",
    "PREVLEVEL": "given",
    "CONSOLE": "/dev/given",
    "INIT_VERSION": "given",
    "AUTOBOOT": "given",
    "INIT_GIVEN": "1",
}


@pytest.mark.parametrize(
    "given", [{"HOME": "/", "TERM": "linux"}, {}, GIVEN, {"LANG": "de_DE"}, {"LC_ALL": "C"}]
)
@pytest.mark.parametrize("arguments", [[], ["auto"]])
def test_environment(boot: Boot, given: dict[str, str], arguments: list[str]) -> None:
    """What the kernel gave, and what init says; nothing else, such as the LC_CTYPE that Python makes."""
    system = boot(
        """
        id:2:initdefault:
        si::sysinit:/w SYSINIT
        bw::bootwait:/w BOOTWAIT
        a:2:once:/w A stay
        b:3:once:/w B stay
        """,
        environment=given,
        arguments=arguments,
    )
    system.witness.wait("A")
    system.telinit("3")
    system.witness.wait("B")
    levels = {"SYSINIT": ("S", "N"), "BOOTWAIT": ("S", "N"), "A": ("2", "N"), "B": ("3", "2")}
    for tag, (level, previous) in levels.items():
        environment = system.witness.wait(tag).env
        assert environment.pop("INIT_VERSION").startswith("sysvinit"), tag
        expected = {
            **given,
            "PATH": "/sbin:/usr/sbin:/bin:/usr/bin",
            "SHELL": "/bin/sh",
            "RUNLEVEL": level,
            "PREVLEVEL": previous,
            "CONSOLE": "/dev/console",
            **({"AUTOBOOT": "YES"} if arguments else {}),
        }
        expected.pop("INIT_VERSION", "")
        assert environment == expected, tag


def test_the_console_that_the_kernel_names(boot: Boot) -> None:
    """If it opens."""
    system = boot(
        "id:2:initdefault:\no:2:once:/w A stay\n", console=False, environment={"CONSOLE": "/dev/zero"}
    )
    child = system.witness.wait("A")
    assert child.env["CONSOLE"] == "/dev/zero"
    assert child.fds["1"] == "/dev/zero"


# The command.


def words(event: SimpleNamespace) -> list[str]:
    """What came after the tag, to the empty words that C makes of blanks before a comment."""
    given: list[str] = event.argv[1:]
    return given[: given.index("")] if "" in given else given


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        ("/w A one two", ["one", "two"]),
        ("/w\tA  one\t two", ["one", "two"]),
        ("  /w A one", ["one"]),
        ("/w A one # two", ["one"]),
        ("/w A one#two", ["one"]),
        ("w A on:PATH", ["on:PATH"]),
        ("+/w A one", ["one"]),
        ("@/w A $HOME *", ["$HOME", "*"]),
        ("+@/w A $HOME 'x y'", ["$HOME", "'x", "y'"]),
        ("/w A $HOME", ["/"]),
        ("/w A 'x y' # z", ["x y"]),
        ("/w A one; true", ["one"]),
        ("/w A one >/dev/null", ["one"]),
        ("/w A a+b,c@d%e-f_g/h.i:j", ["a+b,c@d%e-f_g/h.i:j"]),
    ],
)
def test_words_of_a_command(boot: Boot, process: str, expected: list[str]) -> None:
    system = boot(
        f"id:2:initdefault:\na:2:once:{process}\n",
        environment={"HOME": "/"},
        files={"/sbin/w": program()},
    )
    assert words(system.witness.wait("A")) == expected


@pytest.mark.ours_only(
    "behaviour/inittab#process: 3.06 puts 'exec' before what goes to a shell; 3.11 and newer do not",
    but=["3.14"],
)
@pytest.mark.parametrize("process", ["X=1 /w A", "true && /w A", "(/w A)", "{ /w A; }", "! /w A"])
def test_what_only_a_whole_shell_command_can_do(boot: Boot, process: str) -> None:
    boot(f"id:2:initdefault:\na:2:once:{process}\n").witness.wait("A")


@pytest.mark.ours_only("behaviour/inittab#process: C cuts more than 14 words")
def test_many_words(boot: Boot) -> None:
    many = [str(n) for n in range(40)]
    system = boot(f"id:2:initdefault:\na:2:once:/w A {' '.join(many)}\n")
    assert system.witness.wait("A").argv[1:] == many


@pytest.mark.parametrize("process", ["/script A", "script A", "@/script A"])
def test_a_script_without_an_interpreter_line_goes_to_the_shell(boot: Boot, process: str) -> None:
    script = "/w $1 from the script # $0\n"

    def make(system: System) -> None:
        for path in ("/script", "/sbin/script"):
            system.write(path, script)
            system.path(path).chmod(0o755)

    system = boot(f"id:2:initdefault:\na:2:once:{process}\n", before=make)
    assert system.witness.wait("A").argv[1:] == ["from", "the", "script"]


@pytest.mark.parametrize(
    ("process", "named"),
    [
        ("/no/such one", "/no/such"),
        ("nosuch one", "nosuch"),
        ("no/such", "no/such"),
        ("/etc one", "/etc"),
        ("/etc/passwd one", "/etc/passwd"),
        ("/etc/passwd/x", "/etc/passwd/x"),
        ("+/no/such", "/no/such"),
        ("@/no/such $HOME", "/no/such"),
        ("# only a comment", ""),
        ("/dangling", "/dangling"),
        ("/bad", "/bad"),
    ],
)
@pytest.mark.parametrize("when", ["2:once", ":sysinit"])
def test_what_cannot_be_executed(boot: Boot, when: str, process: str, named: str) -> None:
    """The program is named, and init goes on."""

    def make(system: System) -> None:
        system.path("/dangling").symlink_to("/nowhere")
        system.write("/bad", "#!/no/interpreter\n")

    system = boot(f"id:2:initdefault:\na:{when}:{process}\nb:2:once:/w B stay\n", before=make)
    system.console.expect(f'cannot execute "{named}"'.encode())
    system.witness.wait("B")


def test_what_cannot_be_executed_is_throttled(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:respawn:/no/such\nb:2:once:/w B stay\n")
    system.witness.wait("B")
    system.console.expect(b'Id "a" respawning too fast: disabled for 5 minutes', timeout=10)
    assert len(re.findall(rb'cannot execute "/no/such"', system.console.said)) == 10


# /etc/initscript.

INITSCRIPT = {"/etc/initscript": 'exec /w T "$@"\n'}


def test_initscript_gets_each_kind_of_entry(boot: Boot) -> None:
    system = boot(
        """
        id:2:initdefault:
        si:3S:sysinit:+/no "x y" # z
        bt:4:boot:@/b  c
        bw::bootwait:+@/b
        a::once:/a
        b:2sS:wait:/b > /dev/null
        c:2ABc:once:/c
        ca::ctrlaltdel:/ca
        """,
        files=INITSCRIPT,
    )
    wait_until(lambda: len(system.witness.events("T", "start")) == 6, lambda: str(system.witness))
    system.wait_level("2")
    system.signal(signal.SIGINT)
    system.witness.wait("T", n=7)
    assert sorted(event.argv[1:] for event in system.witness.events("T", "start")) == sorted([
        ["si", "#", "sysinit", '/no "x y" # z'],
        ["bt", "*", "boot", "/b  c"],
        ["bw", "*", "bootwait", "/b"],
        ["a", "0123456789", "once", "/a"],
        ["b", "2sS", "wait", "/b > /dev/null"],
        ["c", "2ABc", "once", "/c"],
        ["ca", "S0123456789", "ctrlaltdel", "/ca"],
    ])  # fmt: skip


def test_initscript_is_not_for_level_s(boot: Boot) -> None:
    system = boot("id:S:initdefault:\nsi::sysinit:/w A\ns:S:wait:/w B stay\n", files=INITSCRIPT)
    system.witness.wait("B")
    assert system.witness.started() == ["T", "B"]


def test_initscript_of_the_man_page(boot: Boot) -> None:
    """initscript(5): ``eval exec "$4"``, with a shell's rules for all commands."""
    script = 'ulimit -S -c 7\neval exec "$4"\n'
    system = boot(
        "id:2:initdefault:\na:2:once:/w A $RUNLEVEL stay\nl:2:once:ulimit -c > /limit\n",
        files={"/etc/initscript": script},
    )
    assert system.witness.wait("A").argv[1] == "2"


# Ends, and starts that fail.


def test_orphans_are_reaped(boot: Boot) -> None:
    """5,000 at once: children of a process that waited for none of them."""
    storm = "import os\nfor n in range(5000):\n    if not os.fork(): os._exit(0)\n"
    system = boot("id:2:initdefault:\nr:2:respawn:/w R stay\n", files={"/storm": storm})
    r = system.witness.wait("R")
    assert not system.run(["/usr/bin/python3", "-IS", "/storm"], timeout=30).returncode
    wait_until(lambda: len(system.processes()) == 2, lambda: f"{len(system.processes())} are left", 20)
    assert system.alive(r.pid)


@pytest.mark.ours_only(
    "behaviour/children#failure: nothing else waits for a fork that fails; C is deaf for 5 s"
)
def test_a_fork_that_fails_is_tried_again(boot: Boot) -> None:
    """With a limit that counts in a user namespace of its own, where root has no rights outside."""

    system = boot("id:2:initdefault:\nw:2:wait:/w W read\na:2:once:/w A stay\n", confined=True)
    system.witness.wait("W")
    assert not system.run(["prlimit", "--pid=1", "--nproc=1:4096"]).returncode
    system.console.type(b"go on\n")
    system.console.expect(b"INIT: cannot fork, retry..")
    system.request(99)
    system.console.expect(b"got unimplemented initrequest.", timeout=0.5)
    assert not system.run(["prlimit", "--pid=1", "--nproc=4096:4096"]).returncode
    system.witness.wait("A")


# What never blocks init (behaviour/serving#blocking).

BUSY = """
    id:2:initdefault:
    r:23:respawn:/w R sleep=0.1
    b:3:once:/w B stay
"""


@pytest.mark.ours_only("behaviour/serving#blocking: the console never blocks it")
def test_a_stopped_console(boot: Boot) -> None:
    """As after Ctrl-S; all that it says meanwhile comes later."""
    system = boot(BUSY)
    system.witness.wait("R")
    system.wait_ready()
    system.console.type(b"\x13")
    time.sleep(0.05)
    said = len(system.console.said)
    for _ in range(100):
        system.request(99)
    system.request(1, "3", 1)
    system.witness.wait("B")
    system.witness.wait("R", n=len(system.witness.events("R", "start")) + 1)
    assert len(system.console.said) == said
    system.console.type(b"\x11")
    system.console.expect(b"Switching to runlevel: 3")
    assert system.console.said.count(b"got unimplemented initrequest.") == 100


@pytest.mark.ours_only("behaviour/serving#blocking: syslog never blocks it")
def test_a_full_syslog_socket(boot: Boot) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:

        def listen(system: System) -> None:
            deaf.bind(os.fspath(system.path("/dev/log")))

        system = boot(BUSY, before=listen)
        system.witness.wait("R")
        system.wait_ready()
        for _ in range(60):
            system.request(99)
        system.request(1, "3", 1)
        system.witness.wait("B")
        assert b"init: got unimplemented" in b"".join(deaf.recv(1024) for _ in range(8))


# The process itself.


def test_process_title(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nsi::sysinit:/w SI read\na:2:once:/w A stay\nb:S:wait:/w B stay\n")
    system.witness.wait("SI")
    shown = system.path("/proc/1/cmdline")
    assert system.title == "init boot"
    system.console.type(b"\n")
    system.witness.wait("A")
    system.wait_level("2")
    assert shown.read_bytes().rstrip(b"\0") == b"init [2]"
    system.telinit("S")
    system.wait_level("S")
    assert system.path("/proc/1/comm").read_text() == "init\n"
    assert system.run(["ps", "-o", "args=", "-p", "1"]).stdout.strip() == "init [S]"


def test_runlevel_during_the_boot(boot: Boot, oracle_programs: Path) -> None:
    """Regression: in a bootwait entry runlevel(8) answered "unknown"; C writes "*" into /run/runlevel."""
    look = '#!/bin/sh\n(echo "$1: $(runlevel)"; cat /run/runlevel) >>/out 2>/dev/null\n'
    system = boot(
        "id:2:initdefault:\ns::sysinit:/look S\nb::bootwait:/look B\nl:2:wait:/look L\nz:2:wait:/w Z\n",
        files={"/sbin/runlevel": oracle_programs / "runlevel", "/look": look},
    )
    system.witness.wait("Z")
    assert system.path("/out").read_text() == "S: unknown\nB: N *\n*L: N 2\n2"
    assert [chr(record.pid & 0xFF) for record in system.records() if record.type == 1] == ["2"]


def test_runlevel_file(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A stay\nb:3:once:/w B stay\n")
    system.witness.wait("A")
    assert system.path("/run/runlevel").read_text() == "2"
    system.telinit("3")
    system.witness.wait("B")
    assert system.path("/run/runlevel").read_text() == "3"
