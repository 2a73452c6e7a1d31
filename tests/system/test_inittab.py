"""behaviour/inittab: what init makes of the lines of inittab. The actions at work are in the other files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.sandbox.sandbox import Sandbox
from tests.system.conftest import Boot, Init
from tests.system.syslogd import Syslogd
from tests.system.system import System
from tests.system.witness import program, wait_until

#: Line, and the reason why it is refused. Where several fields are at fault, the last fault found is named.
REFUSED = [
    (":2:once:/w X", "missing id field"),
    ("a", "missing action field"),
    ("a:", "missing action field"),
    ("a:2", "missing action field"),
    ("a:2:", "missing process field"),
    ("a:2::/w X", "missing action field"),
    ("a:2:once", "missing process field"),
    ("abcde:2:once:/w X", "id field too long (max 4 characters)"),
    ("ab   :2:once:/w X", "id field too long (max 4 characters)"),
    ("a:012345678901:once:/w X", "rlevel field too long (max 11 characters)"),
    ("a:2:twice:/w X", "twice: unknown action field"),
    ("a:2: once:/w X", " once: unknown action field"),
    ("a:2:once :/w X", "once : unknown action field"),
    ("abcde:012345678901:once:/w X", "rlevel field too long (max 11 characters)"),
    (":012345678901:once:/w X", "rlevel field too long (max 11 characters)"),
    ("abcde:2:once", "id field too long (max 4 characters)"),
    (":2:once", "missing process field"),
    ("ok:2:once:/w X", 'duplicate ID field "ok"'),
]

#: In place of /sbin/sulogin.
SULOGIN = "#!/bin/sh\nexec /w SULOGIN stay\n"

#: The characters that make a command go to a shell, each in a word that means nothing else to the shell.
HARMLESS = {
    "~": "x~y", "`": "``", "!": "!", "$": "$", "^": "^", "&": "&", "*": "/no*", "=": "x=y", "|": "|cat",
    "\\": "\\x", "{": "{", "}": "}", "[": "[", "]": "]", ";": ";", '"': '""', "'": "''", "<": "</dev/null",
    ">": ">/dev/null", "?": "/no?",
}  # fmt: skip


def complaints(system: System) -> list[tuple[int, str]]:
    """Line and reason of what the console said of /etc/inittab, up to its first level."""
    # What a process has written down may be read before what init has said earlier.
    wait_until(lambda: b"Entering runlevel" in system.console.said, lambda: repr(system.console.said))
    found = re.findall(rb"\rINIT: /etc/inittab\[(\d+)\]: (.*?)\r\r\n", system.console.said)
    return [(int(line), reason.decode()) for line, reason in found]


def test_refused_lines(boot: Boot) -> None:
    lines = ["id:2:initdefault:", "ok:2:once:/w FIRST", *(line for line, _ in REFUSED), "z:2:wait:/w LAST"]
    system = boot("\n".join(lines) + "\n")
    system.witness.wait_started("FIRST", "LAST")
    said = complaints(system)
    assert [number for number, _ in said] == list(range(3, 3 + len(REFUSED)))
    for (_, reason), (line, wanted) in zip(said, REFUSED, strict=True):
        assert reason.startswith(wanted), line


def test_options_in_comments(boot: Boot, init: Init) -> None:
    """Ours reports those at fault and takes all entries; for C they are comments like any other."""
    system = boot("""
        # inittab-file: log-to=/var/log/inittab grace=25
        # inittab: log size=1M
        id:2:initdefault:
        # inittab: stop=QUIT lgo
        a:2:once:/w A
        # inittab-file: log=json
        # inittab: grace=8s
        z:2:wait:/w Z
        # inittab: main
    """)
    system.witness.wait_started("A", "Z")
    said = [(line, reason.partition(" (expected")[0]) for line, reason in complaints(system)]
    assert said == (
        [
            (4, "lgo: unknown option"),
            (6, "misplaced inittab-file comment"),
            (7, "grace=8s: bad value"),
            (9, "inittab comment without an entry"),
        ]
        if init.ours
        else []
    )


def test_comments_and_blank_lines_are_skipped_but_counted(boot: Boot) -> None:
    system = boot("# one\n \t# two: a: b:c\n\n  \t \nid:2:initdefault:\nsix\na:2:once:/w A\n")
    system.witness.wait("A")
    assert [number for number, _ in complaints(system)] == [6]


@pytest.mark.ours_only("behaviour/inittab#files: 3.14 drops it", but=["3.06"])
def test_a_last_line_without_newline(boot: Boot) -> None:
    boot("id:2:initdefault:\na:2:once:/w A").witness.wait("A")


def test_blanks_before_the_id_are_skipped(boot: Boot) -> None:
    system = boot(b"id:2:initdefault:\n \t ab:2:once:/w A\nab :2:once:/w B\nab:2:once:/w C\nz:2:wait:/w Z\n")
    system.witness.wait_started("A", "B", "Z")  # the id of B has three bytes
    assert [number for number, _ in complaints(system)] == [4]


def test_process_keeps_its_colons(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:once:/w A b:c ::
    """)
    assert system.witness.wait("A").argv == ["A", "b:c", "::"]


def test_only_two_tildes_may_repeat(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        ~~:2:once:/w A
        ~~:2:once:/w B
        ~:2:once:/w C
        ~:2:once:/w D
        z:2:wait:/w Z
    """)
    system.witness.wait_started("A", "B", "C", "Z")


def test_runlevels(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a::once:/w EMPTY
        b:!x2-:once:/w ODD
        c:!x-/:once:/w NONE
        d:01345678S:once:/w OTHERS
        e:22222222222:once:/w ELEVEN
        si:9:sysinit:/w SYSINIT
        bt:9:boot:/w BOOT
        bw:abc:bootwait:/w BOOTWAIT
        z:2:wait:/w Z
    """)
    system.witness.wait_started("EMPTY", "ODD", "ELEVEN", "SYSINIT", "BOOT", "BOOTWAIT", "Z")


@pytest.mark.ours_only("behaviour/inittab#fields: s is S; C matches only S here")
def test_small_s_is_level_s(boot: Boot) -> None:
    boot("a:s:wait:/w A stay\n", arguments=["S"]).witness.wait("A")


def test_actions_in_any_case(boot: Boot) -> None:
    system = boot("""
        id:2:InitDefault:
        si::SYSINIT:/w SYSINIT
        a:2:Once:/w A
    """)
    system.witness.wait("A")
    assert system.witness.started() == ["SYSINIT", "A"]


def test_empty_process_does_nothing(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        si::sysinit:
        bw::bootwait:
        w:2:wait:
        o:2:once:
        z:2:once:/w Z stay
    """)
    system.witness.wait("Z")


@pytest.mark.ours_only(
    "behaviour/inittab#fields: it does nothing; C respawns nothing ten times and complains"
)
def test_respawn_of_an_empty_process_does_nothing(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        r:2:respawn:
        z:2:wait:/w Z sleep=0.1
    """)
    system.witness.wait("Z", "end")
    assert b"too fast" not in system.console.said


def assert_cannot_be_executed(boot: Boot, process: str) -> None:
    system = boot(f"id:2:initdefault:\nno:2:once:{process}\nz:2:once:/w Z stay\n")
    system.witness.wait("Z")
    system.console.expect(b'cannot execute ""')


def test_a_process_that_is_a_comment(boot: Boot) -> None:
    assert_cannot_be_executed(boot, "# off")


@pytest.mark.ours_only("C says nothing of what is all blanks")
def test_a_process_that_is_all_blanks(boot: Boot) -> None:
    assert_cannot_be_executed(boot, "  ")


LONG = 127 - len("/w A ")


@pytest.mark.parametrize("length", [1, LONG])
def test_length_of_process(boot: Boot, length: int) -> None:
    system = boot(f"id:2:initdefault:\na:2:once:/w A {'x' * length}\n")
    assert system.witness.wait("A").argv[1] == "x" * length


@pytest.mark.ours_only("behaviour/inittab#lines: lines of up to 4,096 bytes")
def test_length_of_line(boot: Boot) -> None:
    start = "a:2:once:/w A "
    fits, too_long = start.ljust(4096, "x"), start.replace("a", "b").replace("A", "B").ljust(4097, "x")
    system = boot(f"id:2:initdefault:\n{too_long}\n{fits}\nz:2:wait:/w Z\n")
    system.witness.wait("Z", "end")
    assert system.witness.wait("A").argv[1] == "x" * (4096 - len(start))
    assert "B" not in system.witness.started()
    (complaint,) = complaints(system)
    assert complaint[0] == 2
    assert complaint[1].startswith("process field too long (max ")


@pytest.mark.ours_only("behaviour/inittab#lines: a line with a NUL is refused")
def test_nul(boot: Boot) -> None:
    system = boot(b"id:2:initdefault:\na:2:once:/w A\0B\nz:2:wait:/w Z\n")
    system.witness.wait("Z", "end")
    system.witness.wait_started("Z")
    assert [number for number, _ in complaints(system)] == [2]


# initdefault


@pytest.mark.parametrize(
    ("initdefault", "level"),
    [
        ("id:3:initdefault:", "3"),
        ("id:254:initdefault:", "5"),
        ("id::initdefault:", "9"),
        ("id:4:initdefault:/ignored", "4"),
        ("id:3:initdefault:\nie:5:initdefault:", "3"),
    ],
)
def test_initdefault(boot: Boot, initdefault: str, level: str) -> None:
    system = boot(initdefault + "\na:0123456789:once:/w A\n")
    assert system.witness.wait("A").env["RUNLEVEL"] == level


@pytest.mark.parametrize(("levels", "level"), [("2-", "2"), ("2S", "S"), ("S0", "S")])
def test_initdefault_names_the_highest_character(boot: Boot, levels: str, level: str) -> None:
    system = boot(f"id:{levels}:initdefault:\na:S2:once:/w A stay\n")
    assert system.witness.wait("A").env["RUNLEVEL"] == level


@pytest.mark.parametrize(("levels", "named"), [("2a", "A"), ("x", "X"), ("-", "-")])
def test_initdefault_is_checked_after_that(boot: Boot, log: Syslogd, levels: str, named: str) -> None:
    system = boot(f"id:{levels}:initdefault:\na:S2:once:/w A stay\n", before=log.listen)
    log.expect(f"Initdefault level '{named}' is invalid")
    system.console.expect(b"Enter runlevel: ")
    assert system.witness.started() == []


# Level S without an entry


@pytest.mark.parametrize(
    ("entry", "added"),
    [
        ("", True),
        ("a::once:/w A stay", True),
        ("a:S:sysinit:/w A", True),
        ("a:S:once:/w A stay", False),
        ("a:1S:respawn:/w A stay", False),
    ],
)
def test_sulogin_where_no_entry_can_start_in_s(boot: Boot, entry: str, added: bool) -> None:
    system = boot(entry + "\n", arguments=["S"], files={"/sbin/sulogin": SULOGIN})
    if added:
        assert system.witness.wait("SULOGIN").tty  # it is a wait entry and owns the console
    else:
        system.witness.wait("A")
        assert "SULOGIN" not in system.witness.started()


@pytest.mark.ours_only("behaviour/inittab#sulogin: none of these can start in S; C counts them all the same")
@pytest.mark.parametrize("entry", ["a:S:off:/w A", "a:S:wait:", "id:S:initdefault:"])
def test_sulogin_where_an_entry_names_s_but_cannot_start(boot: Boot, entry: str) -> None:
    boot(entry + "\n", arguments=["S"], files={"/sbin/sulogin": SULOGIN}).witness.wait("SULOGIN")


@pytest.mark.ours_only("behaviour/inittab#actions: SuSE's resume is unknown to 3.06")
def test_resume_is_an_action(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nr:2:resume:/w RESUME\nz:2:wait:/w Z sleep=0.05\n")
    system.witness.wait("Z", "end")
    system.witness.wait_started("Z")
    assert complaints(system) == []


# The process field


def test_shell_characters(boot: Boot) -> None:
    """In a shell a # within a word is one; where init splits the words, it ends the command."""
    lines = [f"{n}:2:once:/w {n} a#b {word}" for n, word in enumerate(HARMLESS.values())]
    system = boot("\n".join(["id:2:initdefault:", *lines]) + "\n")
    for number, character in enumerate(HARMLESS):
        assert system.witness.wait(str(number)).argv[1:2] == ["a#b"], character


@pytest.mark.parametrize("character", ["(", ")"])
def test_parentheses_are_for_the_shell(boot: Boot, character: str) -> None:
    system = boot(f"id:2:initdefault:\na:2:wait:/w A {character}\nz:2:wait:/w Z\n")
    system.console.expect(b"yntax error")
    system.witness.wait_started("Z")


def test_words(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:once:  /w\tA  b\t\tc\td#e f
        b:2:once:/w B %n -x,y.z/+@:
        c:2:once:@/w C $HOME 'x;y' (z)#
        d:2:once:+@/w D $HOME
        e:2:once:+/w E $HOME
    """)
    assert system.witness.wait("A").argv == ["A", "b", "c", "d"]
    assert system.witness.wait("B").argv == ["B", "%n", "-x,y.z/+@:"]
    assert system.witness.wait("C").argv == ["C", "$HOME", "'x;y'", "(z)"]
    assert system.witness.wait("D").argv == ["D", "$HOME"]
    assert system.witness.wait("E").argv == ["E", "/"]


@pytest.mark.parametrize(("process", "command"), [("@+/w A", "+/w"), (" @/w A", "@/w"), (" +/w A", "+/w")])
def test_flags_elsewhere_are_part_of_the_command(boot: Boot, process: str, command: str) -> None:
    system = boot(f"id:2:initdefault:\na:2:wait:{process}\nz:2:wait:/w Z\n")
    system.console.expect(f'\rINIT: cannot execute "{command}"'.encode())
    system.witness.wait_started("Z")


@pytest.mark.ours_only(
    'behaviour/inittab#process: 3.06 puts "exec " before it, 3.11 and newer do not', but=["3.14"]
)
def test_compound_commands(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:once:true && /w A
        b:2:once:X=1 /w B
        c:2:once:(/w C)
        d:2:once:false || /w D
        e:2:once:{ /w E; }
    """)
    system.witness.wait_started("A", "B", "C", "D", "E")
    assert system.witness.wait("B").env["X"] == "1"


def test_program_on_the_path(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:witness A\n", files={"/sbin/witness": program()})
    assert system.witness.wait("A").env["PATH"] == "/sbin:/usr/sbin:/bin:/usr/bin"


def test_script_without_interpreter(boot: Boot, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("/w A $1\n")
    script.chmod(0o755)
    system = boot("id:2:initdefault:\na:2:once:/script b\n", files={"/script": script})
    assert system.witness.wait("A").argv == ["A", "b"]


def test_commands_that_cannot_be_executed(boot: Boot, init: Init, log: Syslogd) -> None:
    """What waits for them goes on."""
    system = boot("""
        id:2:initdefault:
        si::sysinit:/missing
        bw::bootwait:missing x
        a:2:wait:/etc/passwd
        b:2:wait:/etc
        c:2:wait:/etc/passwd/x
        e:2:once:/w E
    """, before=log.listen)  # fmt: skip
    system.witness.wait("E")
    for command in ("/missing", "missing", "/etc/passwd", "/etc", "/etc/passwd/x"):
        system.console.expect(f'\rINIT: cannot execute "{command}"'.encode())
    words = ": No such file or directory (id si, /etc/inittab[2])" if init.ours else ""
    log.expect(f'cannot execute "/missing"{words}')
    words = ": Permission denied (id b, /etc/inittab[5])" if init.ours else ""
    log.expect(f'cannot execute "/etc"{words}')
    words = ": Not a directory (id c, /etc/inittab[6])" if init.ours else ""
    log.expect(f'cannot execute "/etc/passwd/x"{words}')


# What lies in its place


def in_its_place(what: str) -> Callable[[Sandbox], None]:
    """Puts it there: a function of the sandbox."""

    def put(sandbox: Sandbox) -> None:
        file = sandbox.path("/etc/inittab")
        file.unlink(missing_ok=True)
        if what == "directory":
            file.mkdir()
        elif what == "fifo":
            os.mkfifo(file)
        elif what == "garbage":
            file.write_bytes(bytes(range(256)) * 400)
        elif what == "10 MB":
            file.write_bytes(b"a:2:once:/w WRONG\n" * 550_000)
        else:
            assert what == "nothing"

    return put


@pytest.mark.parametrize("what", ["nothing", "directory", "garbage"])
def test_no_inittab_at_boot(boot: Boot, log: Syslogd, what: str) -> None:
    no_inittab_at_boot(boot, what, log)


@pytest.mark.ours_only("behaviour/serving#blocking: C is deaf while inittab is a FIFO, and reads 10 MB")
@pytest.mark.parametrize("what", ["fifo", "10 MB"])
def test_no_useful_inittab_at_boot(boot: Boot, log: Syslogd, what: str) -> None:
    no_inittab_at_boot(boot, what, log)


def no_inittab_at_boot(boot: Boot, what: str, log: Syslogd) -> None:
    """As if it was empty: the question for a level, and a sulogin in S."""

    def prepare(sandbox: Sandbox) -> None:
        in_its_place(what)(sandbox)
        log.listen(sandbox)

    system = boot("", before=prepare, files={"/sbin/sulogin": SULOGIN})
    system.console.expect(b"Enter runlevel: ")
    system.console.type(b"S\n")
    system.witness.wait("SULOGIN")
    if what == "nothing":
        log.expect("No inittab file found")
    system.telinit("2")
    system.wait_level("2")


@pytest.mark.ours_only("behaviour/inittab#files: it leaves everything as it is; C ends every process")
@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("nothing", "No inittab file found"),
        ("directory", "/etc/inittab: cannot be read: not a regular file"),
        ("fifo", "/etc/inittab: cannot be read: not a regular file"),
        ("10 MB", "/etc/inittab: cannot be read: too big"),
    ],
)
def test_no_inittab_at_a_reread(boot: Boot, log: Syslogd, what: str, reason: str) -> None:
    system = boot("""
        id:2:initdefault:
        a:23:respawn:/w A stay
        b:3:once:/w B stay
    """, before=log.listen)  # fmt: skip
    a = system.witness.wait("A")
    in_its_place(what)(system)
    system.telinit("q")
    system.console.expect(f"\rINIT: {reason}".encode())
    log.expect("Re-reading inittab")
    system.telinit("3")
    system.witness.wait("B")
    assert system.alive(a.pid)
    assert "WRONG" not in system.witness.started()


@pytest.mark.ours_only("C reads none of it")
def test_a_whole_inittab_in_inittab_d(boot: Boot, log: Syslogd) -> None:
    """Regression: "No inittab file found" was said at each change of level, and no re-read took a change."""
    tab = "id:2:initdefault:\na:2:once:/w A stay\nb:3:once:/w B stay\n"
    system = boot(None, files={"/etc/inittab.d/a.tab": tab}, before=log.listen)
    system.witness.wait("A")
    system.telinit("3")
    system.witness.wait("B")
    system.write("/etc/inittab.d/a.tab", f"{tab}c:3:once:/w C stay\n")
    system.telinit("q")
    system.witness.wait("C")
    assert "No inittab file found" not in log.texts
    assert b"No inittab" not in system.console.said


# inittab.d


def test_inittab_d(boot: Boot) -> None:
    system = boot(
        "id:2:initdefault:\na:2:once:/w A\n",
        files={
            "/etc/inittab.d/20.tab": "c:2:wait:/w C\n",
            "/etc/inittab.d/10.tab": "b:2:wait:/w B\n",
            "/etc/inittab.d/30.txt": "d:2:wait:/w D\n",
        },
    )
    system.witness.wait_started("A", "B", "C")
    assert system.witness.wait("B", "end").time < system.witness.wait("C").time


@pytest.mark.ours_only(
    "behaviour/inittab#files: all entries of each file count, and problems name their file"
)
def test_all_of_inittab_d(boot: Boot) -> None:
    system = boot(
        "id:2:initdefault:\na:2:once:/w A\n",
        files={
            "/etc/inittab.d/10.tab": "# comment\nb:2:once:/w B\n\nbad\nc:2:once:/w C\n",
            "/etc/inittab.d/20.tab": "a:2:once:/w D\ne:2:once:/w E\n",
        },
    )
    system.witness.wait_started("A", "B", "C", "E")
    system.console.expect(b"\rINIT: /etc/inittab.d/10.tab[4]: missing action field")
    system.console.expect(b'\rINIT: /etc/inittab.d/20.tab[1]: duplicate ID field "a"')
