"""behaviour/boot: from the kernel's arguments to the first level. Level S is in test_single_user.py."""

from __future__ import annotations

import os
import termios

import pytest

from tests.system.conftest import Boot
from tests.system.syslogd import Syslogd
from tests.system.system import BOOT_TIME, RUN_LVL, System
from tests.system.witness import wait_until

# Sysinit, boot, level


def test_sysinit_entries_run_one_by_one_before_all_else(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:once:/w LEVEL
        b::boot:/w BOOT
        s2::sysinit:/w SECOND read
        s1::sysinit:/w THIRD
    """)
    system.witness.wait("SECOND")
    assert system.title == "init boot"
    assert not {BOOT_TIME, RUN_LVL} & {record.type for record in system.records()}
    system.console.type(b"\n")
    system.witness.wait("LEVEL")
    assert system.witness.started()[:2] == ["SECOND", "THIRD"]
    assert system.witness.wait("THIRD", "end").time < system.witness.wait("BOOT").time
    assert {BOOT_TIME, RUN_LVL} <= {record.type for record in system.records()}


def test_bootwait_holds_back_those_after_it(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:once:/w LEVEL
        b1::boot:/w BEFORE stay
        bw::bootwait:/w WAIT read
        b2::boot:/w AFTER stay
    """)
    system.witness.wait_started("BEFORE", "WAIT")
    assert system.title == "init boot"
    assert {BOOT_TIME} == {BOOT_TIME, RUN_LVL} & {record.type for record in system.records()}
    system.console.type(b"\n")
    system.witness.wait_started("BEFORE", "WAIT", "AFTER", "LEVEL")  # running boot entries hold up nothing
    assert system.witness.wait("WAIT", "end").time < system.witness.wait("AFTER").time
    assert system.title == "init [2]"


def test_wait_holds_back_those_after_it(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        o1:2:once:/w BEFORE stay
        r1:2:respawn:/w RESPAWN stay
        w:2:wait:/w WAIT read
        o2:2:once:/w AFTER stay
        r2:2:respawn:/w AGAIN stay
    """)
    system.witness.wait_started("BEFORE", "RESPAWN", "WAIT")
    # It has no controlling terminal, but may read all the same.
    system.console.type(b"\n")
    system.witness.wait_started("BEFORE", "RESPAWN", "WAIT", "AFTER", "AGAIN")
    assert system.witness.wait("WAIT", "end").time < system.witness.wait("AFTER").time


def test_sysinit_and_boot_run_once(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        si::sysinit:/w SYSINIT
        b::boot:/w BOOT
        bw::bootwait:/w BOOTWAIT
        b2:2:once:/w TWO
        b3:3:wait:/w THREE
    """)
    system.witness.wait("TWO")
    system.telinit("3")
    system.witness.wait("THREE", "end")
    system.telinit("2")
    system.witness.wait("TWO", n=2)
    assert [system.witness.started().count(tag) for tag in ("SYSINIT", "BOOT", "BOOTWAIT")] == [1, 1, 1]


# Arguments


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        (["3"], "3"),
        (["0"], "0"),
        (["9"], "9"),
        (["S"], "S"),
        (["s"], "S"),
        (["single"], "S"),
        (["-s"], "S"),
        (["3", "4"], "4"),
        (["ro", "quiet", "-x", "33", "a", "splash"], "2"),
        (["-z", "3"], "2"),
        (["-z", "xxxxxxxxxxxxxxxx", "3"], "3"),
        (["auto", "3"], "3"),
        ([], "2"),
    ],
    ids=" ".join,
)
def test_arguments_and_the_level(boot: Boot, arguments: list[str], level: str) -> None:
    system = boot("id:2:initdefault:\na:0123456789S:once:/w A stay\n", arguments=arguments)
    start = system.witness.wait("A")
    assert start.env["RUNLEVEL"] == level
    assert start.env.get("AUTOBOOT") == ("YES" if "auto" in arguments else None)
    assert system.title.startswith(f"init [{level}]")


def test_dash_a(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\n", arguments=["-a"])
    assert system.witness.wait("A").env["AUTOBOOT"] == "YES"


@pytest.mark.parametrize("argument", ["-b", "emergency"])
def test_emergency_is_a_sulogin_first(boot: Boot, argument: str) -> None:
    system = boot(
        "id:2:initdefault:\nsi::sysinit:/w SYSINIT\na:2:once:/w A\n",
        arguments=[argument],
        files={"/sbin/sulogin": "#!/bin/sh\nexec /w SULOGIN read\n"},
    )
    assert system.witness.wait("SULOGIN").tty
    assert system.witness.started() == ["SULOGIN"]
    system.console.type(b"\n")
    assert system.witness.wait("A").env["RUNLEVEL"] == "2"
    assert system.witness.started() == ["SULOGIN", "SYSINIT", "A"]


# Without the check whether the terminals are there: the sandbox has none of them.
CMDLINE = "root=/dev/sda1 console=tty0 console=ttyS0,115200n8 console=ttyS1 quiet init.ttycheck=0"


def fake_cmdline(sandbox: System) -> None:
    done = sandbox.run(["mount", "--bind", "/cmdline", "/proc/cmdline"])
    if done.returncode:
        pytest.skip(f"/proc/cmdline cannot be mounted over: {done.stderr}")


@pytest.mark.parametrize(
    ("word", "found"), [("init.autocon=1", True), ("init.autocon=0", False), ("", False)]
)
def test_autocon(boot: Boot, word: str, found: bool) -> None:
    """Each console= has a getty, unless an entry has that id."""
    system = boot(
        "id:2:initdefault:\nS1:2:once:/w MINE stay\nz:2:wait:/w Z\n",
        files={"/sbin/agetty": '#!/bin/sh\nexec /w "$4" "$@" stay\n', "/cmdline": f"{CMDLINE} {word}\n"},
        before=fake_cmdline,
    )
    if not found:
        system.witness.wait_started("MINE", "Z")
        return
    system.witness.wait_started("MINE", "Z", "tty0", "ttyS0")
    assert system.witness.wait("ttyS0").argv[1:-1] == ["-L", "-s", "115200,38400,9600", "ttyS0", "vt102"]
    wait_until(lambda: {"0", "S0"} <= {record.id for record in system.records()}, lambda: "records of both")
    system.telinit("6")
    system.witness.wait("tty0", "TERM")
    system.telinit("5")
    system.witness.wait("tty0", n=2)


# The console


@pytest.mark.parametrize(
    ("environment", "has_console", "console"),
    [
        ({}, True, "/dev/console"),
        ({"CONSOLE": "/dev/zero"}, True, "/dev/zero"),
        ({"CONSOLE": "/missing"}, True, "/dev/console"),
        ({}, False, "/dev/null"),
    ],
)
def test_which_console(boot: Boot, environment: dict[str, str], has_console: bool, console: str) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\n", environment=environment, console=has_console)
    start = system.witness.wait("A")
    assert start.env["CONSOLE"] == console
    assert {start.fds[number] for number in "012"} == {console}


def test_tty0_is_the_console_where_there_is_no_other(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\n", console=False, files={"/dev/tty0": ""})
    assert system.witness.wait("A").env["CONSOLE"] == "/dev/tty0"


#: Input, output, control and local modes, the speed, and the control characters.
SANE = [
    0o40000 | termios.IGNPAR | termios.ICRNL | termios.IXON | termios.IXANY,  # IUTF8
    termios.OPOST | termios.ONLCR,
    termios.CS8 | termios.HUPCL | termios.CLOCAL | termios.CREAD,
    termios.ISIG | termios.ICANON | termios.ECHO | termios.ECHOE | 0o1000 | 0o4000,  # ECHOCTL, ECHOKE
    termios.B1200,
    b"\3\34\177\25\4\0\1\0\21\23\32\0\22\17\27\26\0".ljust(termios.NCCS, b"\0"),
]
#: Words of stty(1). Those of the first line stay.
SPOILED = """
    1200 iutf8
    -cread -hupcl crtscts brkint inlcr -ixon -ixany -opost ocrnl -onlcr
    -isig -icanon -echo -echoe echok echonl -echoctl -echoke echoprt tostop noflsh
    intr a quit b erase c kill d eof e start f stop g susp h eol i eol2 j rprnt k werase l lnext m
    discard n min 7 time 9
"""


def settings(system: System) -> list[object]:
    """What the console is set to."""
    terminal = os.open(system.path("/dev/console"), os.O_RDWR | os.O_NOCTTY)
    try:
        iflag, oflag, cflag, lflag, _, speed, characters = termios.tcgetattr(terminal)
    finally:
        os.close(terminal)
    cflag &= ~(termios.CBAUD | termios.CIBAUD)  # which libraries before glibc 2.42 have the speed in
    joined = b"".join(c if isinstance(c, bytes) else bytes([c]) for c in characters)
    return [iflag, oflag, cflag, lflag, speed, joined]


@pytest.mark.parametrize("level", "016S")
def test_console_settings(boot: Boot, level: str) -> None:
    system = boot("id:2:initdefault:\na::once:/w A stay\ns:S:once:/w S stay\n")
    system.wait_level("2")
    system.wait_ready()
    spoiled = system.run(["sh", "-c", "stty -F /dev/console " + " ".join(SPOILED.split())])
    assert "invalid" not in spoiled.stderr
    assert settings(system) != SANE
    system.telinit(level)
    wait_until(lambda: settings(system) == SANE, lambda: f"{SANE}; but {settings(system)}")


def test_console_settings_at_boot(boot: Boot) -> None:
    def spoil(sandbox: System) -> None:
        sandbox.run(["sh", "-c", "stty -F /dev/console " + " ".join(SPOILED.split())])

    system = boot("id:2:initdefault:\na:2:once:/w A\n", before=spoil)
    system.witness.wait("A")
    assert settings(system) == SANE


def test_console_settings_stay_in_other_levels(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:3:once:/w A stay\n")
    system.wait_level("2")
    system.wait_ready()
    system.run(["stty", "-F", "/dev/console", "-echo"])
    before = settings(system)
    system.telinit("3")
    system.witness.wait("A")
    assert settings(system) == before


@pytest.mark.parametrize("action", ["sysinit", "bootwait"])
def test_console_settings_for_each_entry_that_owns_it(boot: Boot, action: str) -> None:
    system = boot(f"""
        id:2:initdefault:
        a::{action}:/w A run=stty+-echo+intr+x
        b::{action}:/w B read
    """)
    system.witness.wait("B")
    _, _, _, local_modes, _, characters = settings(system)
    assert isinstance(local_modes, int)
    assert isinstance(characters, bytes)
    assert local_modes & termios.ECHO
    assert characters[termios.VINTR] == 3


# The question for a level


def test_question(boot: Boot) -> None:
    system = boot("a::once:/w A\n")
    system.console.expect(b"\r\nEnter runlevel: ")
    for answer in (b"x\n", b"\n", b"a\n", b"q\n", b"-1\n", b"33\n", b" 3\n", b"3 \n", b"\4"):
        system.console.type(answer)
        system.console.expect(b"\r\nEnter runlevel: ")
    assert system.witness.started() == []
    system.console.type(b"3\n")
    assert system.witness.wait("A").env["RUNLEVEL"] == "3"
    system.console.expect(b"\rINIT: Entering runlevel: 3\r\r\n")


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        (b"0\n", "0"),
        (b"9\n", "9"),
        (b"s\n", "S"),
        (b"S\r", "S"),
    ],
)
def test_answers(boot: Boot, answer: bytes, level: str) -> None:
    system = boot("a:0123456789S:once:/w A stay\n")
    system.console.expect(b"Enter runlevel: ")
    system.console.type(answer)
    assert system.witness.wait("A").env["RUNLEVEL"] == level


@pytest.mark.ours_only("behaviour/serving#blocking: always serving; C hears nothing while it asks")
@pytest.mark.parametrize("level", ["3", "S"])
def test_question_answered_by_telinit(boot: Boot, level: str) -> None:
    system = boot("b::boot:/w BOOT stay\na:3S:once:/w A stay\n")
    system.console.expect(b"Enter runlevel: ")
    system.telinit(level)
    assert system.witness.wait("A").env["RUNLEVEL"] == level
    system.witness.wait_started(*(["BOOT", "A"] if level == "3" else ["A"]))
    system.console.type(b"4\n")
    system.telinit("q")
    assert system.title == f"init [{level}]"


@pytest.mark.ours_only("behaviour/serving#idle: never a busy loop; C asks /dev/null again and again")
def test_no_console_to_ask_on(boot: Boot) -> None:
    system = boot("a:S:once:/w A stay\n", console=False)
    assert system.witness.wait("A").env["RUNLEVEL"] == "S"


# What else is to be seen


def test_utmp_is_emptied(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A stay\n", files={"/run/utmp": b"x" * 384 * 3})
    system.witness.wait("A")
    assert {BOOT_TIME, RUN_LVL} <= {record.type for record in system.records()}


def test_utmp_is_created(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A stay\n", files={"/run/utmp": None})
    system.witness.wait("A")
    assert {BOOT_TIME, RUN_LVL} <= {record.type for record in system.records()}


@pytest.mark.ours_only("behaviour/boot#title: 3.08 and newer", but=["3.14"])
def test_runlevel_file(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\nb:3:once:/w B\n")
    system.witness.wait("A")
    assert system.path("/run/runlevel").read_text() == "2"
    system.telinit("3")
    system.witness.wait("B")
    assert system.path("/run/runlevel").read_text() == "3"


@pytest.mark.parametrize("level", ["0", "6"])
def test_init_itself_never_halts(boot: Boot, log: Syslogd, level: str) -> None:
    system = boot(f"id:{level}:initdefault:\na:{level}:wait:/w A\n", before=log.listen)
    system.witness.wait("A", "end")
    log.expect("no more processes left in this runlevel")
    assert system.title == f"init [{level}]"


def test_no_more_processes_is_said_once_a_level(boot: Boot, log: Syslogd) -> None:
    system = boot("""
        id:2:initdefault:
        b::boot:/w BOOT stay
        a:2:once:/w A
        c:3:once:/w C
        d:3a:ondemand:/w D sleep=0.01
    """, before=log.listen)  # fmt: skip
    nothing_left = "no more processes left in this runlevel"
    log.expect(nothing_left)
    system.telinit("3")
    system.witness.wait("D", n=2)
    assert log.texts.count(nothing_left) == 1


# Requests during the boot


def boot_and_hold(boot: Boot, action: str) -> System:
    """Boot until an entry of the action runs and stays."""
    system = boot(f"""
        id:2:initdefault:
        h::{action}:/w HELD read
        b::boot:/w BOOT stay
        a:2S:once:/w TWO
        c:3:once:/w THREE stay
        s:S:once:/w SINGLE sleep=0.05
    """)
    system.witness.wait("HELD")
    system.wait_ready()
    return system


@pytest.mark.parametrize("action", ["sysinit", "bootwait"])
def test_request_during_boot(boot: Boot, action: str) -> None:
    """It ends what runs there, and enters the level; what has not run runs on the way out of S."""
    system = boot_and_hold(boot, action)
    system.telinit("3")
    system.console.expect(b"\rINIT: Switching to runlevel: 3\r\r\n")
    assert system.witness.wait("HELD", "TERM").time < system.witness.wait("THREE").time
    assert system.witness.started() == ["HELD", "THREE"]
    system.telinit("S")
    system.witness.wait("SINGLE", "end")
    if action == "bootwait":  # it has not run its course
        system.witness.wait("HELD", n=2)
        system.console.type(b"\n")
    system.witness.wait("TWO", n=2)
    assert system.witness.wait("BOOT").time > system.witness.wait("SINGLE", "end").time


@pytest.mark.ours_only("behaviour/boot#requests: C says # or *, and has no BOOT_TIME")
@pytest.mark.parametrize("action", ["sysinit", "bootwait"])
def test_records_of_a_request_during_boot(boot: Boot, action: str) -> None:
    system = boot_and_hold(boot, action)
    system.telinit("3")
    assert system.witness.wait("THREE").env["PREVLEVEL"] == "N"
    pids = {record.type: record.pid for record in system.records()}
    assert pids[BOOT_TIME] == 0
    assert pids[RUN_LVL] == ord("3") + 256 * ord("N")


@pytest.mark.parametrize("action", ["sysinit", "bootwait"])
def test_request_during_boot_for_the_level_to_come(boot: Boot, action: str) -> None:
    system = boot_and_hold(boot, action)
    system.telinit("2")
    system.console.expect(b"\rINIT: Switching to runlevel: 2\r\r\n")
    system.witness.wait("HELD", "TERM")
    system.witness.wait_started("HELD", "TWO")


@pytest.mark.parametrize("action", ["sysinit", "bootwait"])
def test_request_during_boot_for_s(boot: Boot, action: str) -> None:
    system = boot_and_hold(boot, action)
    system.telinit("S")
    system.witness.wait("HELD", "TERM")
    system.witness.wait("SINGLE")
    assert "BOOT" not in system.witness.started()


@pytest.mark.parametrize("action", ["sysinit", "bootwait"])
@pytest.mark.parametrize("request_", ["q", "a"])
def test_reread_and_call_during_boot(boot: Boot, action: str, request_: str) -> None:
    system = boot_and_hold(boot, action)
    system.telinit(request_)
    system.wait_ready()
    system.console.type(b"\n")
    system.witness.wait("HELD", "end")
    system.witness.wait_started("HELD", "BOOT", "TWO")
