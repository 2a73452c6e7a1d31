"""A machine booted as ever: logins, levels, keys, power, and ctrl-alt-del in the end."""

from __future__ import annotations

import json
import re
from typing import ClassVar

from tests.vm.machine import BOOT, Machine

#: Called by what the tests do; each says so in a file below /run.
TAB = """\
da:a:ondemand:echo a $RUNLEVEL >> /run/called; exec sleep 9999
db:b:ondemand:echo b $RUNLEVEL >> /run/called; exec sleep 9999
dc:c:ondemand:echo c $RUNLEVEL >> /run/called; exec sleep 9999
t2::kbrequest:echo key >> /run/called
t3::powerfail:echo failed >> /run/called
t4::powerfailnow:echo low >> /run/called
t5::powerokwait:echo ok >> /run/called
# inittab: log
web:2:respawn:sh -c 'echo up; trap "echo config is missing; exit 78" USR1; while :; do sleep 1; done'
"""

#: What loadkeys(1) does for ``alt keycode 103 = KeyboardSignal``: the request KDSKBENT of ioctl_console(2).
KEYBOARD_SIGNAL = (
    'python3 -c "import fcntl, struct;'
    " fcntl.ioctl(open('/dev/tty1'), 0x4B47, struct.pack('BBH', 8, 103, 0x212))\""
)


def change_level(machine: Machine, old: str, new: str) -> None:
    """Change it, and wait until the scripts of the new level have run."""
    machine.run(f"telinit {new}")
    machine.wait_for(f"test \"$(runlevel)\" = '{old} {new}'")
    machine.wait_for("! pgrep -f init.d/[r]c")


class TestMultiUser:
    #: Words that are for modules, for programs, and for nobody.
    APPEND = (
        "init=/sbin/init BOOT_IMAGE=/vmlinuz a=b c.d=e HOME=/nowhere PATH=/nowhere net.ifnames=0 splash --"
    )
    #: The image's own script would take the machine down two minutes after the power has failed.
    FILES: ClassVar = {"/etc/inittab.d/test.tab": TAB, "/etc/init.d/powerfail": "#!/bin/sh\n"}

    def test_boots_to_login(self, machine: Machine) -> None:
        assert "INIT: version" in machine.said
        assert "INIT: Entering runlevel: 2" in machine.said
        assert "error in init" not in machine.said

    def test_pid_1_is_called_init(self, machine: Machine) -> None:
        assert machine.run("cat /proc/1/comm") == "init"
        assert machine.run("ps -p 1 -o args=").rstrip() == "init [2]"

    def test_words_of_the_kernels_command_line_reach_children_but_not_their_path(
        self, machine: Machine
    ) -> None:
        environment = machine.run("tr '\\0' '\\n' < /proc/$(pgrep -o getty)/environ").split()
        assert "a=b" in environment
        assert "PATH=/sbin:/usr/sbin:/bin:/usr/bin" in environment
        assert "RUNLEVEL=2" in environment
        assert "PREVLEVEL=N" in environment

    def test_runlevel_is_told(self, machine: Machine) -> None:
        assert machine.run("runlevel") == "N 2"
        assert re.search(r"run-level 2 ", machine.run("who -r"))

    def test_status_is_shown_to_any_user(self, machine: Machine) -> None:
        """Root and others see the same: init is at its level, the login on ttyS0 runs."""
        pid = machine.run("pgrep -o -f 'tty.* ttyS0' || pgrep -o login").strip()
        for who in ("", "setpriv --reuid=65534 --regid=65534 --clear-groups "):
            shown = json.loads(machine.run(f"{who}inittab status --json"))
            assert (shown["init"]["level"], shown["init"]["prevlevel"]) == ("2", "N")
            running = {entry["pid"]: entry["id"] for entry in shown["entries"] if entry["state"] == "running"}
            assert int(pid) in running

    def test_records_of_the_boot_are_written_though_the_root_was_read_only(self, machine: Machine) -> None:
        assert " ro " in machine.run("cat /proc/cmdline")
        told = machine.run("last -x")
        assert re.search(r"^reboot +system boot +6\.", told, re.M)
        assert re.search(r"^runlevel +\(to lvl 2\) +6\.", told, re.M)
        assert re.search(r"system boot", machine.run("who -b"))

    def test_the_login_is_told(self, machine: Machine) -> None:
        assert re.search(r"^root +ttyS0 ", machine.run("who"), re.M)

    def test_a_getty_returns_after_logout(self, machine: Machine) -> None:
        before = machine.run("ps -o ppid= -p $$").strip()
        machine.type("exit")
        machine.log_in()
        after = machine.run("ps -o ppid= -p $$").strip()
        assert before != after
        assert "gone - no logout" not in machine.run("last")

    def test_a_stranger_finds_out_why_a_service_died_and_steers_it(self, machine: Machine) -> None:
        """With nothing but inittab, and its exit statuses."""
        machine.run("inittab wait web running --timeout 20 && inittab health")
        machine.run("inittab log web -f > /run/followed & echo $! > /run/follower")
        machine.run("inittab status --watch --json web > /run/watched & echo $! > /run/watcher")
        machine.run("inittab kill -s USR1 web")
        machine.wait_for("grep 'config is missing' /run/followed && inittab wait web running --timeout 20")
        machine.run(
            "test \"$(inittab status -o state,starts,last-end,why web)\" = $'running\\t2\\texit 78\\titself'"
        )
        assert re.search(r"web +process \d+ ended: exit 78", machine.run("inittab history -n 9 web"))
        assert re.search(r"-- process \d+ ended: exit 78 --\s", machine.run("inittab log web | cat"))
        machine.run("inittab stop web && inittab wait web stopped")
        assert machine.run("inittab health web || echo status $?").endswith("web: stopped\nstatus 1")
        machine.run("inittab start --stable 1 web && inittab restart web && inittab health web")
        machine.run("kill -INT $(cat /run/follower) $(cat /run/watcher); wait")
        watched = [json.loads(line)["entries"][0] for line in machine.run("cat /run/watched").splitlines()]
        assert {"stopped", "running"} <= {entry["state"] for entry in watched}

    def test_what_a_change_would_do_is_told_before(self, machine: Machine) -> None:
        assert machine.run("inittab diff").startswith("telinit q: would end and start nothing")
        machine.run("echo 't9:2:once:true' > /etc/inittab.d/t9.tab")
        told = machine.run("inittab diff || echo status $?")
        assert re.search(r"^(\x1b\[32m)?start +t9 +once ", told, re.M)
        assert told.endswith("status 1")
        machine.run("rm /etc/inittab.d/t9.tab && inittab reload")
        assert re.search(r"^end +web +respawn ", machine.run("inittab explain --to 3 | cat"), re.M)

    def test_orphans_are_reaped(self, machine: Machine) -> None:
        machine.run("for i in 1 2 3 4 5 6 7 8; do (sleep 0.2 &); done; sleep 2")
        assert "Z" not in machine.run("ps -A -o stat=")

    def test_a_changed_inittab_is_read(self, machine: Machine) -> None:
        machine.run("echo 't6:2:once:echo new >> /run/called' > /etc/inittab.d/new.tab; telinit q")
        machine.wait_for("grep new /run/called")

    def test_a_wrong_line_is_named_and_the_others_stand(self, machine: Machine) -> None:
        getty = machine.run("pgrep -f 'getty.*tty1'")
        machine.run(
            "(echo 't7:2:nonsense:x'; echo 't8:2:once:echo other >> /run/called') > /etc/inittab.d/z.tab"
        )
        machine.type("telinit q")
        machine.expect(r"z\.tab\[1\]: nonsense: unknown action field")
        machine.wait_for("grep other /run/called")
        assert machine.run("pgrep -f 'getty.*tty1'") == getty
        machine.run("rm /etc/inittab.d/z.tab")

    def test_entries_on_demand(self, machine: Machine) -> None:
        for letter in "abc":
            machine.run(f"telinit {letter}")
            machine.wait_for(f"grep '{letter} 2' /run/called")
        assert machine.run("runlevel") == "N 2"

    def test_levels(self, machine: Machine) -> None:
        for old, new in ("23", "34", "45", "52"):
            change_level(machine, old, new)
            assert machine.run("ps -p 1 -o args=").rstrip() == f"init [{new}]"
        assert "run-level 2 " in machine.run("who -r")

    def test_levels_without_anything(self, machine: Machine) -> None:
        steps = "; ".join(f"telinit {level}; sleep 4; runlevel >> /root/levels" for level in "789")
        machine.run(f"(setsid sh -c '{steps}; telinit 2' > /dev/null 2>&1 < /dev/null &)")
        machine.expect("Switching to runlevel: 7")
        machine.log_in()
        assert machine.run("cat /root/levels").split("\n") == ["2 7", "7 8", "8 9"]
        machine.wait_for("test \"$(runlevel)\" = '9 2'")

    def test_re_execution(self, machine: Machine) -> None:
        getty, level = machine.run("pgrep -f 'getty.*tty1'"), machine.run("runlevel")
        machine.type("telinit u")
        machine.expect(r"INIT: version \S+ reloading")
        assert machine.run("runlevel") == level
        assert machine.run("ps -p 1 -o args=").rstrip() == "init [2]"
        assert machine.run("cat /proc/1/comm") == "init"
        assert machine.run("pgrep -f 'getty.*tty1'") == getty
        change_level(machine, "2", "3")
        change_level(machine, "3", "2")

    def test_the_keyboard_signal(self, machine: Machine) -> None:
        machine.run(KEYBOARD_SIGNAL)
        machine.press("alt", "up")
        machine.wait_for("grep key /run/called")

    def test_power(self, machine: Machine) -> None:
        for letter, said in ("F", "failed"), ("L", "low"), ("O", "ok"):
            machine.run(f"echo {letter} > /run/powerstatus; kill -PWR 1")
            machine.wait_for(f"grep {said} /run/called")
            machine.wait_for("test ! -e /run/powerstatus")

    def test_single_user_and_back(self, machine: Machine) -> None:
        machine.type("telinit 1")
        machine.maintain(BOOT)
        assert machine.run("ps -p 1 -o args=").rstrip() == "init [S]"
        machine.type("exit")
        machine.expect("Entering runlevel: 2", BOOT)
        machine.log_in()
        assert machine.run("runlevel") == "S 2"

    def test_a_shutdown_is_cancelled(self, machine: Machine) -> None:
        level = machine.run("runlevel")
        machine.type("shutdown -h +5 later &")
        machine.expect("later")
        machine.wait_for("pgrep -x shutdown")
        machine.run("shutdown -c")
        machine.run("sleep 2; ! pgrep -x shutdown")
        assert machine.run("runlevel") == level

    def test_ctrl_alt_del_restarts(self, machine: Machine) -> None:
        machine.press("ctrl", "alt", "delete")
        assert machine.wait_end() == "guest-reset"
        assert "INIT: Switching to runlevel: 6" in machine.said
        machine.check_disk()
