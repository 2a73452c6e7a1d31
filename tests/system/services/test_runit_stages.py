"""runit as PID 1: three stages, beside Debian's."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.runit_oracle import program
from tests.system.services.stages import Stages
from tests.system.witness import wait_until

ROOT = Path(__file__).parents[3]
START = (
    "import sys; sys.path.insert(0, {root!r}); sys.argv = ['/sbin/runit', *sys.argv[1:]]; "
    "from sysvinit_py.pid1.runit.main import main; sys.exit(main(sys.argv))"
)
OURS = (sys.executable, "-IS", "-c", START.format(root=str(ROOT)))
SERVE = 'echo two; trap "echo asked; exit 0" TERM; while :; do sleep 0.02; done'
#: Death by the signal of reboot(2) in a namespace.
HALTED, REBOOTED = -signal.SIGINT, -signal.SIGHUP

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.skipif(os.geteuid() != 0, reason="root")]
Boot = Callable[..., Stages]


@pytest.fixture(params=["ours", "oracle"])
def who(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def boot(tmp_path: Path, who: str) -> Boot:
    words = OURS if who == "ours" else (program("runit"),)
    return lambda **scripts: Stages(tmp_path, words, {k.lstrip("_"): v for k, v in scripts.items()})


def told(text: str) -> list[str]:
    """The lines of the console, without the version."""
    return [re.sub(r"^- runit: .*: booting\.$", "- runit: booting.", line) for line in text.splitlines()]


def ordered(stages: Stages, path: str = "/run/runit.stopit", mode: str = "100") -> None:
    assert stages.run("sh", "-c", f"touch {path}; chmod {mode} {path}").returncode == 0


ENTER = [f"- runit: enter stage: /etc/runit/{n}" for n in range(4)]
LEAVE = [f"- runit: leave stage: /etc/runit/{n}" for n in range(4)]
KILLING = "- runit: sending KILL signal to all processes..."


def test_all_stages(boot: Boot, who: str) -> None:
    with boot(_1="echo one", _2="echo two; sleep 99 &", _3="echo three") as stages:
        status, text = stages.end()
    assert told(text) == [
        "- runit: booting.", ENTER[1], "one", LEAVE[1], ENTER[2], "two", LEAVE[2], ENTER[3], "three",
        LEAVE[3], KILLING, "- runit: power off...",
    ]  # fmt: skip
    assert status == (0 if who == "ours" else HALTED)


@pytest.mark.parametrize(
    ("first", "skips", "status"), [("exit 100", True, 100), ("exit 7", False, 7), ("", False, 0)]
)
def test_the_end_of_stage_1(boot: Boot, who: str, first: str, skips: bool, status: int) -> None:
    with boot(_1=first, _2="echo two", _3="echo three") as stages:
        ended, text = stages.end()
    lines = told(text)
    assert ("two" in lines) is not skips
    assert ("- runit: warning: skipping stage 2..." in lines) is skips
    assert ("- runit: warning: child failed: /etc/runit/1" in lines) is bool(first)
    assert "three" in lines
    assert ended == (status if who == "ours" else HALTED)


def test_what_cannot_be_started(boot: Boot) -> None:
    with boot(_3="echo three") as stages:
        _, text = stages.end()
    reason = "- runit: fatal: unable to start child: /etc/runit/{}: file does not exist"
    assert told(text)[1:8] == [
        ENTER[1], reason.format(1), LEAVE[1], ENTER[2], reason.format(2), LEAVE[2], ENTER[3],
    ]  # fmt: skip


def test_stage_2_starts_again_after_111(boot: Boot) -> None:
    """Its group is killed, and it starts again some five seconds later."""
    once = "sleep 99 & if [ -e $T/once ]; then exec ps -eo args; fi; : > $T/once; exit 111"
    with boot(_1=":", _2=once, _3=":") as stages:
        _, text = stages.end()
    warnings = ["child failed: /etc/runit/2", "killing all processes in stage 2...", "restarting."]
    assert [line for line in told(text) if "warning" in line] == [f"- runit: warning: {w}" for w in warnings]
    assert text.count("sleep 99") == 1


def test_crashes_are_as_documented(boot: Boot, who: str) -> None:
    """C's runit takes a crash for a good end, although its manual says otherwise (g-pape/runit#6)."""
    with boot(_1="kill -9 $$", _2="echo two", _3="echo three") as stages:
        _, text = stages.end()
    assert ("two" in told(text)) is (who == "oracle")
    assert "three" in told(text)


def test_a_crashed_stage_2_starts_again(boot: Boot, who: str) -> None:
    """C's enters stage 3, although its manual says otherwise."""
    crash = "if [ -e $T/once ]; then echo again; exit 0; fi; : > $T/once; kill -9 $$"
    with boot(_1=":", _2=crash, _3="echo three") as stages:
        _, text = stages.end()
    assert ("again" in told(text)) is (who == "ours")


def test_stop_it(boot: Boot) -> None:
    """CONT alone, or a file that others may execute, asks for nothing."""
    with boot(_1=":", _2=SERVE, _3="echo three; ls -l /run/runit.stopit") as stages:
        stages.wait_for("two")
        stages.send(signal.SIGCONT)
        ordered(stages, mode="011")
        stages.send(signal.SIGCONT)
        assert stages.run("sleep", "0.2").returncode == 0
        assert "asked" not in stages.text
        ordered(stages)
        stages.send(signal.SIGCONT)
        _, text = stages.end()
    assert "three" in told(text)
    assert "---------- 1" in text


@pytest.mark.parametrize("number", [signal.SIGPWR, signal.SIGALRM])
def test_signals_that_stop(boot: Boot, number: signal.Signals) -> None:
    with boot(_1=":", _2=SERVE, _3="echo three") as stages:
        stages.wait_for("two")
        stages.send(number)
        _, text = stages.end()
    assert "three" in told(text)


def test_who_does_not_end_is_killed(boot: Boot) -> None:
    """Regression for C's as well: orphans are reaped meanwhile, here."""
    with boot(_1=":", _2='trap "" TERM; echo two; sleep 30', _3="echo three") as stages:
        stages.wait_for("two")
        stages.send(signal.SIGPWR)
        _, text = stages.end()
    lines = told(text)
    killed = lines.index("- runit: warning: stage 2 not terminated, sending sigkill...")
    assert [line for line in lines[killed + 1 :] if "signals" not in line][:3] == [
        LEAVE[2], ENTER[3], "three",
    ]  # fmt: skip


def test_signals_in_other_stages(boot: Boot) -> None:
    with boot(_1="echo one; read line < $T/go", _2=":", _3=":") as stages:
        os.mkfifo(stages.folder / "go")
        stages.wait_for("one")
        stages.send(signal.SIGINT)
        stages.wait_for("warning: signals only work in stage 2.")
        (stages.folder / "go").write_text("\n")
        _, text = stages.end()
    assert ENTER[3] in told(text)


def test_ctrl_alt_del(boot: Boot) -> None:
    with boot(_1=":", _2=SERVE, _3="echo three", ctrlaltdel="echo keys") as stages:
        stages.wait_for("two")
        stages.send(signal.SIGINT)
        stages.wait_for("leave stage: /etc/runit/ctrlaltdel")
        assert "asked" not in stages.text
        ordered(stages)
        stages.send(signal.SIGINT)
        _, text = stages.end()
    path = "/etc/runit/ctrlaltdel"
    keys = ["- runit: ctrl-alt-del request...", f"- runit: enter stage: {path}", "keys"]
    assert told(text)[5:9] == [*keys, f"- runit: leave stage: {path}"]
    assert "three" in text


@pytest.mark.parametrize("number", [signal.SIGALRM, signal.SIGPWR])
def test_reboot(boot: Boot, number: signal.Signals) -> None:
    """Not if the power is failing."""
    with boot(_1=":", _2=SERVE, _3="echo three") as stages:
        stages.wait_for("two")
        ordered(stages, "/run/runit.reboot")
        stages.send(number)
        status, text = stages.end()
    reboots = number != signal.SIGPWR
    assert told(text)[-1] == ("- runit: system reboot." if reboots else "- runit: power off...")
    assert (status == REBOOTED) is reboots


def test_runit_init(boot: Boot, who: str) -> None:
    ours = f"PYTHONPATH={ROOT} {sys.executable} -S -m sysvinit_py.clients.runit runit-init"
    init = ours if who == "ours" else program("runit-init")
    with boot(_1=":", _2=SERVE, _3="stat -c %a /run/runit.reboot") as stages:
        stages.wait_for("two")
        wrong = stages.run("sh", "-c", init)
        stages.run("sh", "-c", f"{init} 6")
        status, text = stages.end()
    assert (wrong.returncode, wrong.stderr[:7]) == (0, "usage: ")
    assert "100" in told(text)
    assert status == REBOOTED


def test_orphans_are_reaped(boot: Boot) -> None:
    with boot(_1=":", _2=f"(sleep 0 & sleep 0 &); {SERVE}", _3=":") as stages:
        stages.wait_for("two")
        zombies = "ps -eo stat | grep -c Z"
        wait_until(lambda: stages.run("sh", "-c", zombies).stdout == "0\n", lambda: "zombies")


def test_only_as_pid_1(who: str, tmp_path: Path) -> None:
    words = OURS if who == "ours" else (program("runit"),)
    with Stages(tmp_path, ("sh", "-c", '"$@"; exit $?', "sh", *words), {}) as stages:
        assert stages.end() == (111, "- runit: fatal: must be run as process no 1.\n")


# What a container needs, and C has not.


def test_term_stops_a_container(boot: Boot, who: str) -> None:
    """C's runit ignores TERM, which docker stop sends, and is killed ten seconds later."""
    with boot(_1=":", _2=SERVE, _3="echo three; exit 5") as stages:
        stages.wait_for("two")
        stages.send(signal.SIGTERM)
        if who == "oracle":
            assert stages.run("sleep", "0.3").returncode == 0
            assert "asked" not in stages.text
            return
        status, text = stages.end()
    lines = told(text)
    assert lines[lines.index("asked") :][:4] == ["asked", LEAVE[2], ENTER[3], "three"]
    assert status == 5, "that of the first stage that failed, but for one that was told to end"


def test_term_in_stage_1(tmp_path: Path) -> None:
    """It is not forgotten: stage 2 is left out."""
    with Stages(tmp_path, OURS, {"1": "echo one; sleep 30", "2": "echo two", "3": "echo three"}) as stages:
        stages.wait_for("one")
        stages.send(signal.SIGTERM)
        status, text = stages.end()
    assert "two" not in told(text)
    assert "three" in told(text)
    assert status == 0


def test_without_the_right_to_reboot(boot: Boot, who: str, tmp_path: Path) -> None:
    """Under docker, C's goes on forever after its last words."""
    words = OURS if who == "ours" else (program("runit"),)
    limited = ("setpriv", "--bounding-set=-sys_boot", "--inh-caps=-sys_boot", *words)
    reboot = {"1": ": > /run/runit.reboot; chmod 100 /run/runit.reboot", "2": ":", "3": "echo three"}
    with Stages(tmp_path, limited, reboot) as stages:
        if who == "oracle":
            stages.wait_for("system reboot.")
            assert Path(f"/proc/{stages.pid}").exists()
        else:
            assert stages.end()[0] == 129


def test_without_a_console(tmp_path: Path) -> None:
    """As under docker run without -t: all goes to the streams that the engine has given."""
    with Stages(tmp_path, OURS, {"1": "echo one", "2": ":", "3": ":"}, console=False) as stages:
        _, text = stages.end()
    assert told(text)[:4] == ["- runit: booting.", ENTER[1], "one", LEAVE[1]]
