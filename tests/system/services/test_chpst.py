"""chpst and its daemontools names beside C's: what they print, their status, and what the program gets."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from sysvinit_py.clients.runit.chpst import USAGES
from tests.system.oracle import OracleError
from tests.system.runit_oracle import program
from tests.system.services.onefile import RUNIT, linked

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="requires root")


class Side(NamedTuple):
    """One of the two, and a folder for it."""

    programs: Path
    folder: Path

    def run(self, script: str) -> tuple[int, str, str]:
        """What a shell script that calls the programs says."""
        path = f"{self.programs}:/usr/bin:/bin:/usr/sbin:/sbin"
        done = subprocess.run(
            ["/bin/sh", "-c", script], cwd=self.folder, env={"PATH": path, "A": "1", "HOME": "/"},
            capture_output=True, text=True, errors="surrogateescape", check=False, timeout=60,
        )  # fmt: skip
        told = [text.replace(str(self.programs), "PROGRAMS") for text in (done.stdout, done.stderr)]
        return done.returncode, told[0], told[1]


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Side, Side]:
    """Ours, and C's, in folders of the same content."""
    try:
        oracle = program("chpst")
    except OracleError as reason:
        pytest.skip(f"no oracle: {reason}")
    tmp_path.chmod(0o755)
    made = []
    for name, target in (("ours", str(RUNIT)), ("oracle", oracle)):
        folder = tmp_path / f"{name}-folder"
        folder.mkdir()
        fill(folder)
        made.append(Side(linked(target, tmp_path / name, *USAGES), folder))
    return made[0], made[1]


def fill(folder: Path) -> None:
    """Make what the cases are about."""
    files: dict[str, bytes] = {
        "env/A": b"a b \t\n", "env/HOME": b"", "env/NL": b"\n", "env/NUL": b"x\0y\nz", "env/.hidden": b"h",
        "env/CR": b"r\r\n", "env/LEAD": b"  l", "env/B=C": b"d", "env/=q": b"z", "env/UID": b"7",
        "more/dir/x": b"", "more/b\udce9": b"caf\xe9", "path/PATH": b"/nowhere", "denied/D": b"",
        "plain/tool": b"#!/bin/sh\necho plain\n", "good/tool": b"#!/bin/sh\necho good $0 $*\n",
        "bare/tool": b"echo no shebang", "lost/tool": b"#!/no/interpreter\n", "root/etc/group": b"",
        "root2/etc/passwd": b"nobody:x:7:8::/:\n",
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755 if name.endswith("tool") and "plain" not in name else 0o644)
    (folder / "denied/D").chmod(0o600)
    (folder / "more/dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")


LIMITS = "cat /proc/self/limits"
CASES = """\
chpst | chpst -Z | chpst -é x | chpst -: x | chpst -P: x | chpst -v- true | chpst -b | chpst -b x | chpst -v
chpst -- echo a | chpst --any echo a | chpst -v --any echo a | setlock --any lk echo a
softlimit --any -c 0 @ | chpst - a | chpst -- -- a | chpst -P0 echo hi | chpst -l lk -L lk2 true
chpst -d x -Z true | chpst -n3 nice | chpst -n +3 nice | chpst -n '' nice | chpst -n 3x nice
chpst -n +-3 nice | chpst -n 25 nice | chpst -b other nosuch
chpst -n 4294967297 nice | chpst -n 99999999999999999999 nice
chpst -b x sh -c 'echo $0' | chpst nosuch | chpst / | chpst '' | chpst plain/tool | chpst good/tool/x
chpst ./loop | chpst ./env | PATH=plain:good:$PATH chpst tool | PATH=plain:$PATH chpst tool
PATH=plain:nowhere:$PATH chpst tool | PATH=bare:good:$PATH chpst tool | PATH=lost:good:$PATH chpst tool a
PATH=lost:$PATH chpst tool | PATH=good/tool:good:$PATH chpst tool | PATH=loop:good:$PATH chpst tool
PATH=good/:$PATH chpst tool | cd good && PATH=:$PATH chpst tool | cd good && PATH=nowhere::$PATH chpst tool
chpst -e path true | chpst -e env env | UID=1 B=2 chpst -e env env | chpst -e env -e more env
chpst -e more env | chpst -v -e more env | dangling=1 chpst -e more env | envdir more env
chpst -e nosuch env | chpst -e '' env | chpst -e env/A env | envdir env env | envdir | envdir x
envdir -x x | pgrphack | pgrphack -x | softlimit | softlimit -P | softlimit -d
pgrphack sh -c 'set -- $(ps -o pid=,sid=,pgid= -p $$); [ $1 = $2 ] && [ $2 = $3 ] && echo leads'
chpst -P sh -c 'set -- $(ps -o pid=,sid=,pgid= -p $$); [ $1 = $2 ] && [ $2 = $3 ] && echo leads'
chpst -P chpst -P echo twice | chpst sh -c 'exit 3' | chpst sh -c 'kill -9 $$' | chpst -l / true
chpst -l nosuch/x true | chpst -l '' true | chpst -l fifo true | chpst -l lk readlink /proc/self/fd/3
umask 27; chpst -l new true; stat -c %a new | chpst -0 -1 -2 nosuch | chpst -0 -0 true | chpst -0 true <&-
chpst -1 true >&- | chpst -0 cat | chpst -012 ls nosuch | setlock | setlock -Z | setlock x
setlock lk echo a | setlock -x / true | setlock -X / true | setlock -xX / true | setlock -x nosuch/x true
setlock -x lk nosuch | setlock -N lk echo a | setlock -n lk echo a | setlock -- lk echo a | chpst -c '' @
chpst -c 0012 @ | chpst -c 18446744073709551615 @ | chpst -c 18446744073709551614 @
chpst -c 18446744073709551626 @ | chpst -c 9223372036854775807 @ | chpst -c 9223372036854775808 @
chpst -c = @ | softlimit -c = @ | softlimit -m = @ | softlimit -d =x @ | softlimit -d 4k @
softlimit -m 900000000 -a = @
softlimit -t 9 -o 20 -p 900 -f 5000 -c 8 -r 9 -s 4000000 -l 77 -d 900000000 -a 900000000 @
chpst -t 9 -o 20 -p 900 -f 5000 -c 8 -r 9 -d 900000000 @ | chpst -d 800000000 -m 900000000 @
ulimit -c 5; softlimit -c 900000 @ | ulimit -c 5; softlimit -c = @ | ulimit -S -c 5; softlimit -c = @
ulimit -S -c 5; softlimit -c 6 -c 18446744073709551614 @ | softlimit -d 4 nosuch | softlimit -a 4 nosuch
softlimit -s 4 nosuch | softlimit -o 0 nosuch | softlimit -p 0 nosuch | exec env -i $(command -v chpst) env
exec env -i LC_CTYPE=C.UTF-8 $(command -v chpst) env
trap '' INT QUIT HUP TERM USR1; chpst grep ^SigIgn /proc/self/status | chpst grep ^SigIgn /proc/self/status
chpst sh -c 'echo $(ls /proc/self/fd)' | chpst -U nosuch env | chpst -u nosuch:x true | chpst -u '' true
chpst -u :0 true | chpst -u :0:x true | chpst -u : true | chpst -U :5:6:7 env | chpst -U :5:x env
chpst -U :4294967299:99999999999999999999999 env | chpst -U nobody:nosuch env | chpst -U daemon:adm:bin env
chpst -U daemon -e env env | chpst -u nosuch -U nosuch2 true | envuidgid | envuidgid root
envuidgid nobody env | envuidgid nobody:adm env | setuidgid | setuidgid root | setuidgid root:bin id
setuidgid -- root id"""
AS_ROOT = """\
chpst -u nobody id | chpst -u nobody:adm:bin id | chpst -u nobody -u daemon id | chpst -u :: id
chpst -u :1: id | chpst -u :99999999999:1 id | chpst -u :4294967295:1 id | chpst -u :1:4294967295 id
chpst -u :4294967296:1 id | chpst -n -3 -u nobody nice | chpst -n -2147483648 nice | setuidgid nobody id
chpst -/ / pwd | chpst -/ nosuch true | chpst -/ '' true | chpst -/ env/A true
chpst -/ root -u nobody true | chpst -/ root2 -u nobody:adm true | chpst -/ root2 -U nobody:adm true
chpst -/ root2 -u nosuch true | setuidgid nobody chpst -n -3 true | setuidgid nobody chpst -u root true
setuidgid nobody chpst -/ / true | setuidgid nobody chpst -e denied true | setuidgid nobody chpst -l lk true
chpst -u nobody -l lk true"""


def both(sides: tuple[Side, Side], case: str) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    return sides[0].run(case), sides[1].run(case)


ORDINARY = [case for line in CASES.splitlines() for case in line.replace("@", LIMITS).split(" | ")]
PRIVILEGED = [case for line in AS_ROOT.splitlines() for case in line.split(" | ")]


@pytest.mark.parametrize("half", range(4))
def test_does_as_c_does(sides: tuple[Side, Side], half: int) -> None:
    for case in ORDINARY[half::4]:
        ours, oracle = both(sides, case)
        assert ours == oracle, case


@needs_root
def test_does_as_c_does_as_root(sides: tuple[Side, Side]) -> None:
    for case in PRIVILEGED:
        ours, oracle = both(sides, case)
        assert ours == oracle, case


@pytest.mark.parametrize(
    ("case", "ours", "oracle"),
    [
        ("chpst -L lk true", 111, 111),
        ("timeout 0.5 chpst -l lk true", 124, 124),
        ("setlock -n lk true", 111, 124),
        ("setlock -nx lk true", 0, 124),
        ("setlock lk true", 124, 111),
        ("setlock -N lk true", 124, 111),
        ("setlock -nN lk true", 124, 111),
    ],
)
def test_who_waits_for_a_lock(sides: tuple[Side, Side], case: str, ours: int, oracle: int) -> None:
    """As daemontools document setlock: -n fails at once, -N waits. C's does it the other way round."""
    for side, status in zip(sides, (ours, oracle), strict=True):
        with (side.folder / "lk").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            told = side.run(case if "timeout" in case else f"timeout 0.5 {case}")
        assert told[0] == status, (case, told)
        assert told[2] == ("" if status != 111 else "chpst: fatal: unable to lock: lk: temporary failure\n")


def test_the_lock_is_held_by_the_program(sides: tuple[Side, Side]) -> None:
    for side in sides:
        assert side.run("chpst -L lk chpst -L lk true")[0] == 111
        assert side.run("chpst -L lk true")[0] == 0


def test_an_empty_name(sides: tuple[Side, Side]) -> None:
    """Python executes nothing that has none of its own; C does."""
    ours, oracle = both(sides, "chpst -b '' true")
    assert ours == (111, "", "chpst: fatal: unable to run: : invalid argument\n")
    assert oracle == (0, "", "")


def test_the_program_has_the_pid(sides: tuple[Side, Side]) -> None:
    for side in sides:
        child = subprocess.Popen([side.programs / "chpst", "sh", "-c", "echo $$"], stdout=subprocess.PIPE)
        assert int(child.communicate()[0]) == child.pid


def test_without_proc_the_variable_of_python_is_not_passed_on(tmp_path: Path) -> None:
    """Python adds LC_CTYPE=C.UTF-8 where no locale is set, and to find out that it did takes /proc."""
    programs = linked(RUNIT, tmp_path / "ours", *USAGES)
    hidden = "mount -t tmpfs none /proc && exec env -i A=1 LANG=C $0 env"
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", hidden, str(programs / "chpst")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare failed" in done.stderr:
        pytest.skip("no namespaces here")
    assert (sorted(done.stdout.splitlines()), done.stderr) == (["A=1", "LANG=C"], "")
