"""What a newcomer's page about runit has one type, typed: on C's programs, on ours; Debian's scripts.

The commands are those that the page describes: the first service, its log, signals, what survives what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.oracle import OracleError
from tests.system.runit_oracle import runit
from tests.system.services.machine import USER, Machine, debians, ours


@pytest.fixture(params=["C", "C's runsvdir, ours below", "ours"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, namespaces: None) -> Iterator[Machine]:
    try:
        programs = ours() if request.param == "ours" else debians()
    except OracleError as reason:
        pytest.skip(str(reason))
    if "below" in request.param:
        programs = ours() | {"runsvdir": programs["runsvdir"]}
    machine = Machine(tmp_path, those=programs)
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
    listed = machine("cd /etc/sv/firstrunitservice/supervise; stat -c '%A %s %n' *")
    # C's lock is empty; ours has the record by which the next supervisor goes on.
    assert re.sub(r"128 lock", "0 lock", listed) == (
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
    machine("sleep 1.2; sv once web")  # an order that comes in the second of its pause C's runsv may lose
    machine.until("sv status web", "^run: web: .*, want down$")
    machine("sv term web")
    machine.until("sv status web", "^down: web")
    machine("sv up web")
    machine.until("sv status web", r"^run: web: \(pid \d+\) \d+s$")
    machine("sv down web")
    machine.until("sv status web", "^down: web")
    for command in ("hup", "interrupt", "quit", "kill", "1", "2", "alarm"):
        (pid,) = re.findall(r"pid (\d+)", machine("sv -v start web"))
        machine(f"sv {command} web")
        machine.until("sv status web", rf"^run: web: \(pid (?!{pid}\))")


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


def test_debians_scripts(machine: Machine) -> None:
    """update-service adds and removes a service; its run is a script of invoke-run, with a logger."""
    files = runit()
    assert machine(f"""
        mount -t tmpfs run /run; mkdir -p /run/runit/supervise
        mount -t overlay -o 'lowerdir={files}/lib:/usr/lib' overlay /usr/lib
        [ ! -e /usr/sbin/policy-rc.d ] || mount --bind /dev/null /usr/sbin/policy-rc.d
        mkdir -p /etc/sv/web/env /etc/sv/web/log
        cd /etc/sv/web; echo world >env/WHOM; echo GREETING=hello >/etc/default/web
        printf '#!/usr/bin/env /lib/runit/invoke-run\n echo $GREETING, $WHOM; exec sleep 1000' >run
        printf '#!/bin/sh\nexec svlogd .\n' >log/run; chmod +x run log/run
    """) == ""  # fmt: skip
    machine.runsvdir()
    update = f"sh {files}/sbin/update-service"
    assert machine(f"{update} --add /etc/sv/web") == "Service web added.\n"
    machine.until("sv status web", "^run: web: .*; run: log: ")
    machine.until("cat /etc/sv/web/log/current", "^hello, world$")
    assert machine("ls /run/runit/supervise").split() == ["web", "web.log"]
    assert machine(f"{update} --list web") == "web -> /etc/sv/web\n"
    assert machine(f"{update} --remove /etc/sv/web").startswith("Service web removed, ")
    machine.until("pgrep -f '[s]leep 1000'", "^status 1$")


def test_debians_other_scripts(machine: Machine) -> None:
    """cpsv takes in a service of a package; mk-runscript makes one that is a user's own runsvdir."""
    files = runit()
    assert machine(f"""
        mount -t tmpfs run /run; mkdir -p /run/runit/supervise /etc/source/web/.meta
        printf '#!/bin/sh\nexec sleep 1000\n' >/etc/source/web/run; chmod +x /etc/source/web/run
        echo 'ann:x:{USER}:{USER}::/etc/home:/bin/sh' >>/etc/passwd
        mkdir -p /etc/home/.service/mine; cp /etc/source/web/run /etc/home/.service/mine/
        chown -R {USER} /etc/home
    """) == ""  # fmt: skip
    machine.runsvdir()
    machine(f"CPSV_SOURCE=/etc/source sh {files}/usr/bin/cpsv a web")
    assert "/run/runit/supervise/web" in machine("readlink /etc/sv/web/supervise")
    machine("ln -s /etc/sv/web /etc/service/")
    machine.until("sv status web", "^run: web: ")
    machine(f"TERM=xterm sh {files}/usr/sbin/mk-runscript --add unprivileged ann")
    mine = "SVDIR=/etc/home/.service sv status mine"
    machine.until(mine, "^run: mine: ", 20)
    assert machine("sv down unprivileged.ann; sleep 0.5; sv -w10 down unprivileged.ann") != ""
    machine.until(mine, "^fail: mine: runsv not running$")
