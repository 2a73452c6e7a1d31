"""Real services below our runsvdir, which is an entry of our init: what is killed, and another folder.

An image with more packages takes minutes to make, so this is in .ci/nightly: ``make test-vm-nightly``.
"""

from __future__ import annotations

import re
from typing import ClassVar

import pytest

from sysvinit_py.vm.image import Image, full, image
from tests.vm.conftest import CACHE
from tests.vm.machine import BOOT, Machine

SERVICES = ("chrony", "cron", "dropbear", "nginx", "rsyslog")
#: Debian's scripts end them, and start them no more; runsvdir does from now on.
SET_UP = """\
#!/bin/sh
set -e
folder=/etc/runit/runsvdir
mkdir -p $folder/default $folder/small
ln -s default $folder/current
ln -s $folder/current /etc/service
service() {
    [ ! -e /etc/init.d/$1 ] || { /etc/init.d/$1 stop; update-rc.d $1 remove; }
    mkdir -p /etc/sv/$1/log /var/log/sv/$1
    printf '#!/bin/sh\\nexec 2>&1\\necho "$$ begins"\\nexec %s\\n' "$2" >/etc/sv/$1/run
    printf '#!/bin/sh\\nexec svlogd -tt /var/log/sv/%s\\n' $1 >/etc/sv/$1/log/run
    chmod +x /etc/sv/$1/run /etc/sv/$1/log/run
    ln -s /etc/sv/$1 $folder/default/
}
mkdir -p /run/chrony
service chrony "chronyd -d"
service cron "cron -f -L 15"
service dropbear "dropbear -F -E"
service nginx "nginx -g 'daemon off;'"
service rsyslog "rsyslogd -n -iNONE"
# Its workers do not notice that the master is gone, and keep the port.
printf '#!/bin/sh\\npkill -KILL -x nginx\\nexit 0\\n' >/etc/sv/nginx/finish
chmod +x /etc/sv/nginx/finish
ln -s /etc/sv/cron /etc/sv/rsyslog $folder/small/
echo '* * * * * root cat /etc/sv/cron/supervise/pid >>/run/ticks' >/etc/cron.d/ticks
echo 'SV:123456:respawn:/usr/bin/runsvdir -P /etc/service' >>/etc/inittab
"""
#: A service that fails, with pauses of a second, two, and from then on three.
FAILING = """\
mkdir -p /etc/sv/failing; rm -rf /run/starts /etc/sv/failing/supervise; echo 3 >/etc/sv/failing/backoff
printf '#!/bin/sh\\ncat /proc/uptime >>/run/starts\\nexit 1\\n' >/etc/sv/failing/run
chmod +x /etc/sv/failing/run; ln -sfn /etc/sv/failing /etc/service/failing"""
#: Each does what it is for; but for cron, which takes up to a minute.
WORK = """\
#!/bin/bash
line() { exec 3<>/dev/tcp/127.0.0.1/$1 || return; printf "$2" >&3; head -n 1 <&3; exec 3>&-; }
[[ $(line 80 'GET / HTTP/1.0\\r\\n\\r\\n') == *" 200 OK"* ]] || { echo nginx; exit 1; }
[[ $(line 22) == SSH-2.0-dropbear* ]] || { echo dropbear; exit 1; }
chronyc -n tracking >/dev/null || { echo chrony; exit 1; }
pidof cron >/dev/null || { echo cron; exit 1; }
logger "word $1"
for i in 1 2 3 4 5 6 7 8 9; do grep -q "word $1\\$" /var/log/syslog && exit; sleep 0.3; done
echo rsyslog; exit 1
"""


@pytest.fixture(scope="session")
def image_with_services(init: bytes) -> Image:
    return image(init, CACHE, full(*SERVICES))


Pids = dict[str, tuple[str, str]]


@pytest.mark.nightly
class TestServices:
    IMAGE = "image_with_services"
    FILES: ClassVar = {"/root/set-up": SET_UP, "/root/work": WORK}

    def test_the_machine_moves_to_runsvdir(self, machine: Machine) -> None:
        machine.run("inittab-install --runit --yes", BOOT)
        machine.run("/root/set-up >/dev/null", BOOT)
        assert machine.run("python3 -m sysvinit_py.lint.cli /etc/sv").endswith("nothing found")
        machine.run("telinit q")
        up(machine)
        work(machine, "moved")

    def test_init_shows_them(self, machine: Machine) -> None:
        table = machine.run("inittab status | cat")
        assert re.search(r"(?s)^ ?SV .*^ *chrony/log .*^ *rsyslog ", table, re.MULTILINE), table
        assert re.search(r" begins$", machine.run("inittab log nginx | cat"), re.MULTILINE)

    def test_each_service_is_killed(self, machine: Machine) -> None:
        before = up(machine)
        for name, (service, _) in before.items():
            machine.run(f"kill -9 {service}")
            others = {other: pids for other, pids in before.items() if other != name}
            after = up(machine)
            assert after[name][0] != service
            assert after[name][1] == before[name][1]
            assert {other: after[other] for other in others} == others
            before = after
        work(machine, "killed")
        for name in SERVICES:
            assert machine.run(f"grep -c ' begins$' /var/log/sv/{name}/current") >= "2"

    def test_each_logger_is_killed(self, machine: Machine) -> None:
        before = up(machine)
        for name, (_, logger) in before.items():
            machine.run(f"kill -9 {logger}")
            machine.wait_for(f'test "$(cat /etc/sv/{name}/log/supervise/pid)" != {logger}')
        after = up(machine)
        assert {name: pids[0] for name, pids in after.items()} == {n: p[0] for n, p in before.items()}
        assert not {pids[1] for pids in after.values()} & {pids[1] for pids in before.values()}
        heard(machine, "loggers")

    @pytest.mark.parametrize(
        "killed", ["runsv", "runsvdir", "runsv runsvdir"], ids=["the hub", "runsvdir", "both"]
    )
    def test_the_supervisors_are_killed(self, machine: Machine, killed: str) -> None:
        """All services and loggers go on; init starts runsvdir again."""
        before = up(machine)
        old = machine.run(f"pidof {killed}")
        machine.run(f"kill -9 {old}")
        machine.wait_for(f'test "$(pidof {killed})" && ! kill -0 {old.split()[0]}')
        assert up(machine) == before
        heard(machine, killed.replace(" ", "-"))
        machine.run(f"kill -9 {before['nginx'][0]}")
        assert up(machine)["nginx"][0] != before["nginx"][0]

    @pytest.mark.parametrize("days", ["10000 days", "10001 days ago"], ids=["forwards", "backwards"])
    def test_the_clock_is_set(self, machine: Machine, days: str) -> None:
        """Nobody is disturbed, pauses are as ever, and no service runs for longer than the machine."""
        machine.run(FAILING)
        before = up(machine)
        machine.wait_for("test $(grep -c . /run/starts) -ge 4")
        machine.run(f"date -s '{days}'; cp /run/starts /run/before")
        machine.wait_for("test $(grep -c . /run/starts) -ge $(($(grep -c . /run/before) + 3))", 30)
        assert up(machine) == before
        uptime = float(machine.run("cut -d' ' -f1 /proc/uptime"))
        for line in machine.run(f"cd /etc/sv; sv status {' '.join(SERVICES)}").splitlines():
            assert all(0 < int(seconds) <= uptime for seconds in re.findall(r" (\d+)s", line)), line
        times = [float(line.split()[0]) for line in machine.run("cat /run/starts").splitlines()]
        assert times[-1] - times[0] >= len(times) - 2, "a start a second at most"
        machine.wait_for("grep -qx 'down, pausing 3s' /etc/sv/failing/supervise/stat")
        machine.run("kill -9 $(pidof runsv)")
        assert up(machine) == before
        machine.run(f"kill -9 {before['nginx'][0]}")
        assert up(machine)["nginx"][0] != before["nginx"][0]
        age = re.search(r"\) (\d+)s;", machine.run("cd /etc/sv; sv status nginx"))
        assert age
        assert int(age[1]) < uptime
        heard(machine, days.replace(" ", "-"))
        machine.run("rm /etc/service/failing")
        machine.wait_for("sv status /etc/sv/failing | grep 'runsv not running'")

    def test_another_folder(self, machine: Machine) -> None:
        """What is in both folders goes on."""
        before = up(machine)
        assert machine.run("runsvchdir small") == "runsvchdir: small: now current."
        machine.wait_for("! pidof nginx dropbear chronyd >/dev/null")
        # Its logger, too, ends before its runsv does.
        machine.wait_for("sv status /etc/sv/nginx | grep 'runsv not running'")
        assert machine.run("ls /etc/service/").split() == ["cron", "rsyslog"]
        assert up(machine, "cron", "rsyslog") == {name: before[name] for name in ("cron", "rsyslog")}
        assert machine.run("runsvchdir default") == "runsvchdir: default: now current."
        after = up(machine)
        assert {name: after[name] for name in ("cron", "rsyslog")} == {
            name: before[name] for name in ("cron", "rsyslog")
        }
        heard(machine, "folders")

    def test_levels_and_the_way_down(self, machine: Machine) -> None:
        """The entry is of levels 1 to 6: services go on in another level, and init's new process image."""
        before = up(machine)
        machine.wait_for(f"grep -x {before['cron'][0]} /run/ticks", 90)
        machine.type("telinit u")
        machine.expect(r"INIT: version \S+ reloading")
        machine.run("telinit 3")
        machine.wait_for("test \"$(runlevel)\" = '2 3'")
        assert up(machine) == before
        heard(machine, "level-3")
        machine.type("poweroff")
        assert machine.wait_end() == "guest-shutdown"
        machine.check_disk()


def up(machine: Machine, *names: str) -> Pids:
    """Wait until all run, with their loggers; return their pids."""
    some = " ".join(names or SERVICES)
    machine.wait_for(f"! {{ cd /etc/sv; sv status {some} | grep -v '^run: .*; run: log: '; }} >/dev/null")
    told = machine.run(
        f"cd /etc/sv; for s in {some}; do echo $s $(cat $s/supervise/pid $s/log/supervise/pid); done"
    )
    return {name: (service, logger) for name, service, logger in map(str.split, told.splitlines())}


def work(machine: Machine, word: str) -> None:
    """Wait until each has done what it is for."""
    machine.wait_for(f"/root/work {word}")


def heard(machine: Machine, word: str) -> None:
    """All work, and what dropbear says of it comes to its logger."""
    count = "grep -c connection /var/log/sv/dropbear/current"
    before = machine.run(f"{count} || :")
    work(machine, word)
    machine.wait_for(f"test $({count}) -gt {before}")
