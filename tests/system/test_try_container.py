"""inittab-try --container: a container without an engine; its output, its signals, its exit status."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from sysvinit_py.build import onefile
from sysvinit_py.sandbox.console import Console
from tests.system.at_terminal import AtTerminal
from tests.system.conftest import OURS
from tests.system.test_try import children, runs
from tests.system.witness import wait_until

REPOSITORY = Path(__file__).parents[2]
DROP = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
SERVICE = (
    "web:2:respawn:/bin/sh -c 'trap \"echo bye; exit 0\" TERM; echo here; while :; do sleep 0.1; done'\n"
)
DEAF = "deaf:2:respawn:/bin/sh -c 'trap \"\" TERM; echo here; while :; do sleep 0.1; done'\n"
pytestmark = pytest.mark.usefixtures("namespaces")

Done = subprocess.CompletedProcess[str]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module", params=["root", "user"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts inittab-try with an inittab's text and more arguments; as root, and as a user."""
    if request.param == "root" and os.geteuid():
        pytest.skip("not root")
    folder = Path(f"/tmp/{uuid4().hex}")  # the checkout may be where others cannot look
    shutil.copytree(REPOSITORY / "sysvinit_py", folder / "sysvinit_py")
    shutil.copy(OURS, folder / "init")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    drop = DROP if request.param == "user" and not os.geteuid() else []
    python = "/usr/bin/python3" if drop else sys.executable
    started: list[subprocess.Popen[str]] = []

    def run(inittab: str, *arguments: str, **popen: object) -> subprocess.Popen[str]:
        (folder / "inittab").write_text(f"id:2:initdefault:\n{inittab}")
        command = [*drop, python, "-m", "sysvinit_py.sandbox.cli", "--init=init", "--container", *arguments]
        given = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE) | {"stdin": subprocess.DEVNULL} | popen
        started.append(subprocess.Popen(command, cwd=folder, text=True, **given))  # type: ignore[call-overload]
        return started[-1]

    yield run
    for program in started:
        program.kill()
        program.communicate()
    shutil.rmtree(folder)


def ended(program: subprocess.Popen[str], patience: float = 30) -> Done:
    out, err = program.communicate(timeout=patience)
    return Done([], program.returncode, out, err)


@pytest.mark.parametrize(
    ("inittab", "arguments", "status"),
    [
        (SERVICE, ("--", "sh", "-c", "exit 9"), 9),
        (SERVICE, ("--", "sh", "-c", "kill -9 $$"), 137),
        (SERVICE, ("--", "/no/such/program"), 127),
        (SERVICE + "# inittab: main\nm:2:once:sh -c 'exit 255'\n", (), 255),
        (f"s:2:wait:sh -c 'exit 3'\n{SERVICE}", (), 3),
        ("x:3:once:sh -c 'exit 4'\n", ("--level", "3"), 4),
        ("x:2:once:true\n", (), 0),
    ],
)
def test_the_exit_status_is_the_containers(
    inittab: str, arguments: tuple[str, ...], status: int, start: Start
) -> None:
    done = ended(start(inittab, "inittab", *arguments))
    assert done.returncode == status, done
    assert done.stderr.splitlines()[-1] == f"inittab-try: PID 1 exited with status {status}"


@pytest.mark.parametrize(
    ("inittab", "reason"),
    [
        ("web:2:respwan:/x\n", "init: /etc/inittab:2: respwan: no such action (respawn?)"),
        ("# nothing\n", "init: nothing to run in level 2"),
    ],
)
def test_what_init_refuses(inittab: str, reason: str, start: Start) -> None:
    done = ended(start(inittab, "inittab"))
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr


def test_output_and_errors_stay_apart_and_whole(start: Start) -> None:
    writer = "i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done"
    done = ended(start(f"a:2:once:{writer}\nb:2:once:{writer}\n", "inittab"))
    assert done.returncode == 0, done.stderr
    for text, name in (done.stdout, "out"), (done.stderr, "err"):
        lines = [line for line in text.splitlines() if not line.startswith("inittab-try: ")]
        assert sorted(lines) == sorted(f"{who} | {name} {n}" for who in "ab" for n in range(2000))


def said(text: str) -> list[str]:
    """The lines of an output without the entries' ids."""
    return [line.partition(" | ")[2] for line in text.splitlines()]


def test_what_a_service_finds(start: Start) -> None:
    """As in a container that was started without -t and -i: no terminal, no console, no input."""
    command = "cat; test -e /dev/console; echo $?; (: </dev/tty) 2>&-; echo $?; echo $PATH $HOME $PWD"
    done = ended(start("", "inittab", "--", "sh", "-c", f"{command}; echo x >/dev/stdout"))
    assert done.returncode == 0, done
    path = "/usr/local/sbin:/usr/local/bin:/sbin:/usr/sbin:/usr/bin:/bin"
    assert said(done.stdout) == ["1", "2", f"{path} /root /", "x"], done


def test_another_user_opens_its_output_again(start: Start, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["start"] == "user":
        pytest.skip("a user's sandbox has no other user")
    other = ("setpriv", "--reuid=33", "--clear-groups")
    done = ended(start("", "inittab", "--", *other, "sh", "-c", "echo a >/dev/stdout; echo b >/dev/stderr"))
    assert (done.returncode, said(done.stdout)) == (0, ["a"]), done
    assert "main | b\n" in done.stderr


def test_an_enemy_finds_nothing_of_the_callers(start: Start) -> None:
    """No descriptor, no variable, no input; and what is said is no order to the terminal."""
    secret = "secret-" + uuid4().hex
    order = "printf '\\033]0;title\\007red\\033[31m\\n' | tee /dev/stderr"
    inside = f"env; ls -l /proc/1/fd /proc/self/fd; cat; {order}"
    given = {**os.environ, "SECRET": secret}
    read, write = os.pipe()
    os.write(write, secret.encode())
    os.close(write)
    terminal = Console()
    extra = os.open(terminal.name, os.O_RDWR | os.O_NOCTTY)
    try:
        for arguments, shown in ((), "red\x1b[31m\x1b[0m"), (("--raw",), "\x1b]0;title\x07red\x1b[31m"):
            words = (*arguments, "inittab", "--", "sh", "-c", inside)
            done = ended(start("", *words, stdin=read, pass_fds=[extra], env=given))
            assert done.returncode == 0, done
            assert secret not in done.stdout + done.stderr
            assert terminal.name not in done.stdout
            for text in done.stdout, done.stderr:
                assert shown.partition("\x1b[0m")[0] in text
                assert ("title" in text) == bool(arguments)
    finally:
        os.close(read)
        os.close(extra)
        terminal.close()


def test_a_python_that_is_elsewhere(start: Start) -> None:
    """As inittab-install --python has it: so does the process that reads a long inittab anew."""
    python = "/opt/elsewhere/python"
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        init = Path(folder, "init")
        init.write_bytes(onefile.with_python(OURS.read_bytes(), python))
        init.chmod(0o755)
        bind = f"--bind={os.path.realpath('/usr/bin/python3')}:{python}"
        command = "readlink /proc/1/exe; telinit q; sleep 1; init --container --status"
        words = (f"--init={init}", bind, "inittab", "--", "sh", "-c", command)
        done = ended(start(SERVICE + f"# {'x' * 100}\n" * 1000, *words))
    assert done.returncode == 0, done
    assert f"main | {python}" in done.stdout


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT"])
def test_a_signal_stops_it(name: str, start: Start) -> None:
    program = start(SERVICE, "inittab")
    assert program.stdout
    assert program.stdout.readline() == "web | here\n"
    program.send_signal(signal.Signals[f"SIG{name}"])
    began = time.monotonic()
    done = ended(program)
    assert time.monotonic() - began < 4
    assert (done.returncode, done.stdout) == (0, "web | bye\n"), done


def test_a_second_signal_kills(start: Start) -> None:
    program = start(DEAF, "inittab")
    assert program.stdout
    program.stdout.readline()
    program.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(1)
    program.terminate()
    assert ended(program, 4).returncode == 137


def test_other_signals_are_mains(start: Start) -> None:
    trap = "trap 'echo one' USR1; trap 'exit 5' USR2; echo here; while :; do sleep 0.1; done"
    program = start(SERVICE.replace("here", ""), "inittab", "--", "sh", "-c", trap)
    assert program.stdout
    lines = iter(program.stdout.readline, "")
    assert "main | here\n" in lines
    program.send_signal(signal.SIGUSR1)
    assert "main | one\n" in lines
    program.send_signal(signal.SIGUSR2)
    assert ended(program).returncode == 5


@pytest.mark.parametrize(("cause", "status"), [(signal.SIGHUP, 129), (signal.SIGKILL, -9)])
def test_nothing_is_left(cause: int, status: int, start: Start) -> None:
    program = start(SERVICE, "inittab")
    assert program.stdout
    program.stdout.readline()
    keeper = children(program.pid)
    inside = [Path(f"/proc/{pid}") for pid in keeper + children(keeper[0])]
    assert [runs(folder) for folder in inside] == [True, True]
    program.send_signal(cause)
    assert program.wait(10) == status
    wait_until(lambda: not any(runs(folder) for folder in inside), lambda: f"end of {inside}")


def test_timeout(start: Start) -> None:
    done = ended(start(SERVICE, "--timeout=3", "inittab"))
    assert done.returncode == 124, done
    assert "sleep 0.1" in done.stderr.splitlines()[-1]


def test_a_stop_that_takes_long_is_waited_for(start: Start) -> None:
    """What is alone in level 0 is a clean-up that runs: on a machine it would look like the end."""
    program = start(f"bye:0:wait:/bin/sleep 3; echo cleaned\n{SERVICE}", "inittab")
    assert program.stdout
    program.stdout.readline()
    program.terminate()
    done = ended(program)
    assert (done.returncode, done.stdout) == (0, "web | bye\nbye | cleaned\n"), done


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give the image a /usr")
def test_an_image(tmp_path: Path) -> None:
    """Its inittab, programs and settings; its inittab.d needs no main file beside it."""
    root = tmp_path / "root"
    for folder in "etc/inittab.d", "sbin", "usr":
        (root / folder).mkdir(parents=True)
    for link in "bin", "lib", "lib64":
        (root / link).symlink_to(f"usr/{link}")
    (root / "etc/mine").write_text("its settings\n")
    (root / "etc/inittab.d/app.tab").write_text(
        "id:2:initdefault:\n# inittab: main\na:2:once:sh -c 'cat /etc/mine; exit 8'\n"
    )
    command = [
        sys.executable,
        "-m",
        "sysvinit_py.sandbox.cli",
        "--init",
        str(OURS),
        "--container",
        "--root",
        str(root),
    ]
    script = 'mount --bind /usr "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(root / "usr"), *command],
        cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (8, "a | its settings\n"), done


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--container", "--command", "true", "inittab"], "--container takes no --command"),
        (["--container", "--console", "x", "inittab"], "--container takes no --console"),
        (["--container", "--allow-failures", "inittab"], "--container takes no --allow-failures"),
        (["inittab", "--", "sh"], "unrecognized arguments: sh (a command needs --container)"),
        (["--container", "--level", "x", "inittab"], "'x' is not a level to boot into"),
        (["--container", "no-such-file"], "no-such-file: No such file or directory"),
    ],
)
def test_wrong_arguments(arguments: list[str], reason: str, tmp_path: Path) -> None:
    (tmp_path / "inittab").write_text(f"id:2:initdefault:\n{SERVICE}")
    command = [sys.executable, "-m", "sysvinit_py.sandbox.cli", f"--init={OURS}", *arguments]
    environment = {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done
    assert reason in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["inittab"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("mode", [["--container"], ["--command=exit 11"]], ids=["container", "machine"])
def test_streams_that_are_closed(closed: str, mode: list[str], tmp_path: Path) -> None:
    """Regression: what was opened took their numbers; output went anywhere, and with all closed it hung."""
    (tmp_path / "inittab").write_text(
        "id:2:initdefault:\n# inittab: main\na:2:once:sh -c 'echo x; exit 11'\n"
    )
    command = [
        sys.executable,
        "-m",
        "sysvinit_py.sandbox.cli",
        f"--init={OURS}",
        *mode,
        str(tmp_path / "inittab"),
    ]
    script = f'exec "$@" {closed}'
    done = subprocess.run(["sh", "-c", script, "sh", *command], cwd=REPOSITORY, timeout=30, check=False)
    assert done.returncode == 11


def test_a_shell_on_a_terminal(start: Start) -> None:
    person = AtTerminal(partial(start, SERVICE, "inittab", "--", "sh", "-i"))
    try:
        person.screen.expect(b"# ")
        person.screen.type(b"tty; stty size; sleep 1000\r")
        person.screen.expect(b"/dev/")
        person.screen.expect(b"30 100")
        time.sleep(0.3)
        person.screen.type(b"\x03echo on$((40+2))\r")  # for the sleep
        person.screen.expect(b"on42")
        assert not person.restored()
        person.screen.type(b"exit 6\r")
        assert person.program.wait(10) == 6
        assert b"bye" in person.screen.said
        assert person.restored()
    finally:
        person.close()


@pytest.mark.parametrize(("keys", "status"), [(b"\x03", 0), (b"\x1d", 0)])
def test_keys_that_end_it(keys: bytes, status: int, start: Start) -> None:
    """Ctrl-C is SIGINT to the container, with an engine, too; Ctrl-] leaves it at once."""
    person = AtTerminal(partial(start, SERVICE, "inittab"))
    try:
        person.screen.expect(b"here\r\n")
        person.screen.type(keys)
        assert person.program.wait(10) == status
        assert (b"bye" in person.screen.said) == (keys == b"\x03")
        assert person.restored()
    finally:
        person.close()
