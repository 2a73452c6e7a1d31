"""What a newcomer's page about runit has one type, typed: on C's programs, and on ours alone.

The commands are those that the page describes: the first service, its log, signals, what survives what.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.system.oracle import OracleError
from tests.system.runit_oracle import program
from tests.system.services.onefile import RUNIT, linked

NAMES = ("runsv", "runsvdir", "runsvchdir", "sv", "svlogd", "chpst", "utmpset")
_PREPARE = """
set -e
mount -t tmpfs etc "$1"; mkdir "$1/upper" "$1/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" overlay /etc
mount -t tmpfs log /var/log
mkdir /etc/sv /etc/service /var/log/firstrunit
echo ready
while :; do sleep 1; done
"""


class Machine:
    """Namespaces that have an /etc and processes of their own, and only these programs of runit."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._path = f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        (folder / "etc").mkdir()
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", _PREPARE, "sh", folder / "etc"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n", "namespaces cannot be made"
        self._pid = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().strip()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def __call__(self, script: str) -> str:
        """Type something; return what it prints, and its exit status if that is not 0."""
        done = subprocess.run(
            ["nsenter", "--target", self._pid, "--mount", "--pid", "sh", "-c", script], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": self._path}, cwd="/",
            check=False, timeout=60,
        )  # fmt: skip
        return done.stdout + f"status {done.returncode}\n" * (done.returncode != 0)

    def until(self, script: str, wanted: str | Callable[[str], object], seconds: float = 15) -> str:
        """Type it until it prints what matches."""
        true = re.compile(wanted, re.MULTILINE).search if isinstance(wanted, str) else wanted
        end = time.monotonic() + seconds * PATIENCE
        while not true(told := self(script)):
            assert time.monotonic() < end, f"{script!r} still prints {told!r}"
            time.sleep(0.1)
        return told

    def runsvdir(self) -> None:
        self("setsid runsvdir -P /etc/service </dev/null >/dev/null 2>&1 &")
        self.until("pgrep -f '[r]unsvdir -P'", r"^\d+$")

    def service(self, name: str, run: str, log: str = "") -> None:
        """Make a folder in /etc/sv, with a run file, and one of its logger, and link it."""
        self(f"""
            mkdir -p /etc/sv/{name}; cd /etc/sv/{name}; printf '#!/bin/sh\n%s\n' '{run}' >run; chmod +x run
            if [ '{log}' ]; then
                mkdir log; printf '#!/bin/sh\nexec %s\n' '{log}' >log/run; chmod +x log/run
            fi
            ln -s /etc/sv/{name} /etc/service/{name}
        """)


@pytest.fixture(params=["C", "C's runsvdir, ours below", "ours"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, namespaces: None) -> Iterator[Machine]:
    programs = tmp_path / "programs"
    if request.param != "C":
        linked(RUNIT, programs, *NAMES)
    else:
        programs.mkdir()
    try:
        for name in NAMES if request.param == "C" else ("runsvdir",) if "C" in request.param else ():
            (programs / name).unlink(missing_ok=True)
            (programs / name).symlink_to(program(name))
    except OracleError as reason:
        pytest.skip(str(reason))
    machine = Machine(tmp_path, programs)
    yield machine
    machine.end()


FIRST = 'echo "i am first runit sample service"; date; df -h; echo i am done; exec sleep 1000'


def test_a_first_service(machine: Machine) -> None:
    machine.runsvdir()
    assert "runsvdir -P /etc/service" in machine("ps -ef | grep runsvdir | grep -v grep")
    machine.service("firstrunitservice", FIRST)
    told = machine.until("sv status firstrunitservice", r"^run: firstrunitservice: \(pid \d+\) \d+s$")
    (pid,) = re.findall(r"pid (\d+)", told)
    assert machine("ls /etc/sv/firstrunitservice").split() == ["run", "supervise"]
    assert machine("cd /etc/sv/firstrunitservice/supervise; stat -c '%A %s %n' control lock ok pid stat status") == (
        f"prw------- 0 control\n-rw------- 0 lock\nprw------- 0 ok\n-rw-r--r-- {len(pid) + 1} pid\n"
        "-rw-r--r-- 4 stat\n-rw-r--r-- 20 status\n"
    )  # fmt: skip
    assert machine("tail -1 /etc/sv/firstrunitservice/supervise/pid") == f"{pid}\n"


@pytest.mark.parametrize(
    ("logger", "file", "stamp"),
    [
        ("svlogd -t /var/log/firstrunit", "/var/log/firstrunit/current", r"@4[0-9a-f]{23}"),
        ("svlogd -tt .", "log/current", r"20\d\d-\d\d-\d\d_\d\d:\d\d:\d\d\.\d{5}"),
    ],
)
def test_its_log(machine: Machine, logger: str, file: str, stamp: str) -> None:
    """The page shows -t and readable stamps: those are -tt in this version of C."""
    machine.service("firstrunitservice", FIRST, logger)
    machine.runsvdir()
    told = machine.until(f"cd /etc/sv/firstrunitservice; tail -100 {file}", "i am done")
    lines = told.splitlines()
    assert all(re.match(f"{stamp} ", line) for line in lines)
    assert lines[0].endswith(" i am first runit sample service")
    assert re.search(r"; run: log: \(pid \d+\) \d+s$", machine("sv status firstrunitservice"))


def test_services_are_controlled(machine: Machine) -> None:
    machine.service("web", "exec sleep 1000")
    machine.runsvdir()
    first = machine.until("sv status web", "^run: web")
    assert machine("sv stop web").startswith("ok: down: web: ")
    assert machine("sv status web").startswith("down: web: ")
    assert re.match(r"ok: run: web: \(pid \d+\) [01]s", machine("sv start web"))
    assert machine("sv restart web").startswith("ok: run: web: ")
    assert machine("sv status web") != first
    assert machine("sv force-stop web").startswith("ok: down: web: ")
    machine("sv once web")
    machine.until("sv status web", "^run: web: .*, want down$")
    machine("sv term web")
    machine.until("sv status web", "^down: web")
    machine("sv up web")
    machine.until("sv status web", r"^run: web: \(pid \d+\) \d+s$")
    machine("sv down web")
    machine.until("sv status web", "^down: web")
    for command, signal in {
        "hup": 1,
        "interrupt": 2,
        "quit": 3,
        "kill": 9,
        "1": 10,
        "2": 12,
        "alarm": 14,
    }.items():
        before = machine("sv -v start web")
        machine(f"sv {command} web")
        machine.until(
            "sv status web", lambda told, before=before: told.split("pid")[1:] != before.split("pid")[1:]
        )


def test_a_link_that_is_removed_ends_its_service(machine: Machine) -> None:
    machine.service("web", "exec sleep 1000")
    machine.runsvdir()
    machine.until("sv status web", "^run: web")
    machine("rm /etc/service/web")
    machine.until("sv status /etc/sv/web", "^fail: /etc/sv/web: runsv not running$", 20)
    assert machine("pgrep -f '[s]leep 1000'") == "status 1\n"


def test_who_kills_runsvdir_kills_only_it(machine: Machine) -> None:
    machine.service("web", "exec sleep 1000", "svlogd -t .")
    machine.runsvdir()
    machine.until("sv status web", "^run: web.*; run: log: ")
    before = machine("cat /etc/sv/web/supervise/pid /etc/sv/web/log/supervise/pid")
    machine("kill $(pgrep -f '[r]unsvdir -P')")
    machine.until("pgrep -f '[r]unsvdir -P'", "^status 1$")
    assert machine("cat /etc/sv/web/supervise/pid /etc/sv/web/log/supervise/pid") == before
    assert machine("sv status web").startswith("run: web: ")


def test_hup_to_runsvdir_ends_services_and_their_loggers(machine: Machine) -> None:
    machine.service("web", 'trap "echo last words; exit" TERM; while :; do sleep 0.1; done', "svlogd -tt .")
    machine.runsvdir()
    machine.until("sv status web", "^run: web.*; run: log: ")
    machine("kill -1 $(pgrep -f '[r]unsvdir -P')")
    machine.until("pgrep -f '[r]unsvdir -P|[s]vlogd -t|[.]/run'", "^status 1$")
    assert machine("tail -1 /etc/sv/web/log/current").endswith(" last words\n")


def test_a_service_that_is_killed_comes_back_and_its_logger_stays(machine: Machine) -> None:
    machine.service("web", "exec sleep 1000", "svlogd -t .")
    machine.runsvdir()
    machine.until("sv status web", "^run: web.*; run: log: ")
    service, logger = machine("cat /etc/sv/web/supervise/pid /etc/sv/web/log/supervise/pid").split()
    machine(f"kill -9 {service}")
    machine.until(
        "sv status web", lambda told: told.startswith("run: web: ") and f"pid {service})" not in told
    )
    assert machine("cat /etc/sv/web/log/supervise/pid").split() == [logger]


def test_shutting_down_as_stage_3_does(machine: Machine) -> None:
    machine.service("first", "exec sleep 1000")
    machine.service("second", 'trap "" TERM; while :; do sleep 1; done')
    machine.runsvdir()
    machine.until("sv status first second", "^run: first.*\n^run: second")
    told = machine("sv -w1 force-stop /etc/service/*; sv exit /etc/service/*")
    assert "ok: down: /etc/service/first: " in told
    assert "kill: run: /etc/service/second: " in told
