"""What a container was given reaches its programs unchanged, and what is not its own is left alone."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.container.conftest import Start
from tests.container.engine import Container, Engine
from tests.container.services import DAEMONIZES
from tests.container.test_output import children

ADDED = {"RUNLEVEL", "PREVLEVEL", "INIT_VERSION"}
GIVEN = (
    "--env=PATH=/opt/bin:/usr/bin:/bin", "--env=LC_CTYPE=POSIX", "--env=HOME=/some where", "--env=EMPTY=",
    "--env=TERM=odd", "--env=INIT_X=1", "--env=TEXT= a=b \t ü", "--workdir=/var/tmp",
)  # fmt: skip
LINES = re.compile(r"^(?:SigBlk|SigIgn|Cap\w+|NoNewPrivs|Uid|Gid|Groups|Umask):.*", re.MULTILINE)


def only_child(container: Container) -> int:
    """Wait until PID 1 has one child, which has executed its program, and return that."""
    for _ in range(100):
        found = children(container.pid)
        if len(found) == 1 and Path(f"/proc/{found[0].pid}/comm").read_text() == "sleep\n":
            return found[0].pid
        time.sleep(0.05)
    raise TimeoutError("there is not one child")


def environment(pid: int) -> dict[bytes, bytes]:
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")[:-1]
    return dict(variable.split(b"=", 1) for variable in variables)


def test_environment(start: Start) -> None:
    """Byte for byte, and the working directory and the limits as well."""
    container = start("a:2:respawn:sleep 1000\n", options=GIVEN)
    pid, child = container.pid, only_child(container)
    given, has = environment(pid), environment(child)
    assert given[b"TEXT"] == " a=b \t ü".encode()
    assert given.items() <= has.items()
    assert {name.decode() for name in has.keys() - given.keys()} - {"SHELL"} == ADDED
    assert os.readlink(f"/proc/{child}/cwd") == "/var/tmp"
    assert Path(f"/proc/{child}/limits").read_text() == Path(f"/proc/{pid}/limits").read_text()


def test_variables_do_not_become_others(start: Start) -> None:
    """Python's own idea of LC_CTYPE is told apart from a variable of the container."""
    container = start("a:2:respawn:sleep 1000\n")
    assert b"LC_CTYPE" not in environment(only_child(container))


def test_commands_are_found_along_the_path_of_the_container(start: Start) -> None:
    container = start("a:2:once:hello\n", options=["--env=PATH=/opt/bin:/usr/bin:/bin", "--tmpfs=/opt:exec"])
    assert container.wait() == 127
    assert "hello" in " ".join(container.logs().errors)


@pytest.mark.parametrize(
    "options", [[], ["--user=1000", "--cap-drop=ALL"], ["--security-opt=no-new-privileges"]], ids=" ".join
)
def test_privileges_and_signals(start: Start, options: list[str]) -> None:
    """No program ignores or blocks a signal, and each has the rights that the container was given.

    But 32 and 33, the C library's own, which posix_spawn(3) leaves ignored.
    """
    container = start("a:2:respawn:sleep 1000\n", options=options)
    wanted, has = (
        dict(line.split(":", 1) for line in LINES.findall(Path(f"/proc/{pid}/status").read_text()))
        for pid in (container.pid, only_child(container))
    )
    for name in "SigBlk", "SigIgn":
        assert int(has[name], 16) & ~(3 << 31) == 0, name
        del has[name], wanted[name]
    assert has == wanted


def test_daemons_are_told(start: Start) -> None:
    """Those that have left the group and the session of their entry are told to stop, too."""
    container = start(
        'a:2:once:sh -c "$DAEMONIZES"\nb:2:respawn:sleep 1000\n', options=[f"--env=DAEMONIZES={DAEMONIZES}"]
    )
    container.expect("a", "up")
    assert container.time_to_end(signal.SIGTERM) < 2
    assert container.wait() == 0
    assert container.logs().of("a") == ["up", "told"]


def test_stop_signal_of_an_entry(start: Start) -> None:
    """nginx and others end orderly by SIGQUIT."""
    traps = "trap 'echo quit; exit' QUIT; trap 'echo term' TERM"
    web = f"{traps}; echo up; exec 2>&-; while :; do sleep 0.05; done"
    container = start('# inittab: stop=QUIT\nweb:2:respawn:sh -c "$WEB"\n', options=[f"--env=WEB={web}"])
    container.expect("web", "up")
    container.kill("TERM")
    assert container.wait() == 0
    assert container.logs().of("web") == ["up", "quit"]


def test_clean_up(start: Start) -> None:
    """Entries of level 0 run when all others have ended; those that would halt a machine are passed over."""
    file = (
        "a:2:respawn:sh -c 'trap \"echo bye; exit\" TERM; echo up; sleep 1000 & wait'\n"
        "c0:0:wait:echo clean\nh0:0:wait:/sbin/halt -f\n"
    )
    container = start(file)
    container.expect("a", "up")
    container.kill("TERM")
    assert container.wait() == 0
    output = container.logs()
    assert [line.split(" | ")[1] for line in output.out] == ["up", "bye", "clean"]
    assert output.errors == ["init | stopped by SIGTERM"]


def test_nothing_of_the_host_is_touched(engine: Engine, start: Start) -> None:
    """With --pid=host it sees the processes of others, is not PID 1, and may kill them: it does not."""
    with engine.elsewhere("sleep", "1000") as other:
        try:
            container = start('a:2:respawn:sleep 1000\nb:2:once:sh -c "$D"\n',
                              options=["--pid=host", f"--env=D={DAEMONIZES}"])  # fmt: skip
            container.expect("b", "up")
            assert container.time_to_end(signal.SIGTERM) < 2
            assert container.wait() == 0
            assert "told" in container.logs().of("b")
            assert other.poll() is None
            assert engine.call("version").returncode == 0
        finally:
            other.terminate()


def test_not_pid_1(start: Start) -> None:
    """With --init orphans fall to init all the same."""
    container = start(
        "a:2:once:sh -c '(sleep 0.5; echo orphan) & exit'\nb:2:respawn:sleep 1000\n", options=["--init"]
    )
    container.expect("a", "orphan")
    time.sleep(0.2)
    done = container.execute("sh", "-c", "cat /proc/[0-9]*/stat")
    assert " Z " not in done.stdout
    container.stop()
    assert container.wait() == 0


def test_reading_again(start: Start) -> None:
    """SIGHUP reads the inittab again, and telinit is there: with level 0 it ends the container."""
    container = start("a:2:respawn:sleep 1000\n")
    only_child(container)
    more = "mkdir -p /etc/inittab.d; echo b:2:once:echo new >/etc/inittab.d/more.tab"
    assert container.execute("sh", "-c", more).returncode == 0
    container.kill("HUP")
    container.expect("b", "new")
    container.execute("telinit", "0")  # it may be killed with the container before it ends
    assert container.wait() == 0


def test_signals_for_the_main_job(start: Start) -> None:
    main = "trap 'echo usr1' USR1; trap 'echo usr2; exit 6' USR2; echo up; while :; do sleep 0.05; done"
    container = start('# inittab: main\na:2:once:sh -c "$MAIN"\n', options=[f"--env=MAIN={main}"])
    container.expect("a", "up")
    container.kill("USR1")
    container.expect("a", "usr1")
    container.kill("USR2")
    assert container.wait() == 6


def test_standard_input(engine: Engine, start: Start) -> None:
    """The command has the container's."""
    made = start("a:2:respawn:sleep 1000\n")  # for its image and inittab
    made.remove()
    command = made.command
    with engine.popen("run", "--rm", "--interactive", *command, "--", "cat") as process:
        out, errors = process.communicate("hello\n", timeout=60)
    assert process.returncode == 0, errors
    assert "hello" in out
