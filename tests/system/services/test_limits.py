"""More services than the limits on descriptors and on processes allow: who runs is not harmed."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.services.directory import Directory
from tests.system.services.onefile import RUNIT
from tests.system.services.supervised import Supervised, cwd, is_alive

#: Starts a program as a user, if it is told to, with a limit.
LIMITED = """\
import os, resource, sys
limit, most, uid, *words = sys.argv[1:]
if int(uid):
    os.setgroups([])
    os.setgid(int(uid))
    os.setuid(int(uid))
resource.setrlimit(int(limit), (int(most), resource.getrlimit(int(limit))[1] if int(uid) else int(most)))
os.execvp(words[0], words)
"""
#: A user that has no other processes.
USER = 54321


def limited(limit: int, most: int, uid: int = 0) -> list[str]:
    """The words after which a program has such a limit; of a user it is the soft one."""
    return [sys.executable, "-c", LIMITED, str(limit), str(most), str(uid)]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Directory]:
    with Directory(tmp_path) as directory:
        yield directory


def hubs(services: Directory) -> list[int]:
    """The processes that supervise, in the order of their start."""
    assert services.process
    pids = Path(f"/proc/{services.process.pid}/task/{services.process.pid}/children").read_text().split()
    return [int(pid) for pid in pids if Path(f"/proc/{pid}/comm").read_text() == "runsv\n"]


def test_descriptors_of_few_services(services: Directory) -> None:
    """With 60 descriptors there is a hub for three services each; a dead one harms no other."""
    made = [services.service(f"s{n}", log="exec cat" if n == 0 else "") for n in range(8)]
    services.start("ours", through=limited(resource.RLIMIT_NOFILE, 60))
    services.runs(*made)
    assert len(hubs(services)) == 3
    before = {one.path.name: one.pid() for one in made}
    os.kill(hubs(services)[1], signal.SIGKILL)
    services.wait(lambda: "started again" in services.errors)
    services.runs(*made)
    assert {one.path.name: one.pid() for one in made} == before
    made[-1].path.rename(services.path.parent / "away")
    services.wait(lambda: not is_alive(before["s7"]))
    assert services.end(signal.SIGHUP) == 111
    services.wait(lambda: not any(map(is_alive, before.values())))
    assert "fatal" not in services.errors


def test_what_cannot_be_supervised_is_told_once(services: Directory) -> None:
    """It is tried again and again; others are served meanwhile."""
    well, bad = services.service("well"), services.service("bad")
    (bad.path / "supervise").write_text("")
    services.start("ours")
    services.runs(well)
    services.wait(
        lambda: "runsv bad: fatal: unable to open supervise/lock: not a directory\n" in services.errors
    )
    spent = Path(f"/proc/{hubs(services)[0]}/schedstat")
    before = spent.read_text()
    services.wait(lambda: spent.read_text() != before)  # it was tried again
    assert services.errors.count("\n") == 1
    (bad.path / "supervise").unlink()
    services.runs(well, bad)


@pytest.mark.skipif(os.geteuid() != 0, reason="root has no limit on processes, but can become who has one")
def test_processes() -> None:
    """Two of six cannot be started; they are once others are down, and those that run are not harmed."""
    with tempfile.TemporaryDirectory() as folder, Directory(Path(folder)) as services:
        Path(folder).chmod(0o755)
        program = shutil.copy(RUNIT, f"{folder}/runsvdir")
        made = [services.service(f"s{n}") for n in range(6)]
        for path in [services.path, *services.path.rglob("*")]:
            os.chown(path, USER, USER)
        words = [*limited(resource.RLIMIT_NPROC, 6, USER), program, str(services.path)]
        with Path(folder, "errors").open("w") as errors:
            services.process = subprocess.Popen(words, stderr=errors, cwd="/")
        services.wait(lambda: services.errors.count("unable to start ./run: temporary failure\n") == 2)
        running = [one for one in made if one.stat() == "run"]
        pids = [one.pid() for one in running]
        assert len(pids) == 4
        assert all(one.is_served() for one in made)
        for one in running[:2]:
            one.order("d")
        services.runs(*[one for one in made if one not in running[:2]])
        assert [one.pid() for one in running[2:]] == pids[2:]


def stays_well(services: Directory, well: Supervised) -> None:
    """A service is as soon up again as ever, and takes orders."""
    pid = well.pid()
    well.order("t")
    services.wait(lambda: well.pid() not in (0, pid) and well.stat() == "run", 3)
    assert is_alive(well.pid())


@pytest.mark.parametrize("what", ["fifo", "folder", "huge", "binary", "loop", "unreadable", "socket"])
def test_run_is_no_program(services: Directory, what: str) -> None:
    """One service that cannot be started, whatever its run is, harms no other."""
    well, bad = services.service("well"), services.service("bad")
    run = bad.path / "run"
    run.unlink()
    match what:
        case "fifo":
            os.mkfifo(run, 0o755)
        case "folder":
            run.mkdir()
        case "huge" | "binary":
            run.write_bytes(bytes(range(256)))
            run.chmod(0o755)
            os.truncate(run, 1 << 40 if what == "huge" else 256)
        case "loop":
            run.symlink_to("run")
        case "unreadable":
            run.write_text(f"#!{bad.path}/run\n")
            run.chmod(0o755)
        case "socket":
            import socket

            with socket.socket(socket.AF_UNIX) as one:
                os.chdir(bad.path)
                one.bind("run")
                os.chdir("/")
    services.start("ours")
    services.runs(well)
    services.wait(lambda: "runsv bad: fatal: unable to start ./run: " in services.errors)
    stays_well(services, well)
    services.wait(lambda: bad.stat() == "down" and bad.is_served())
    run.rmdir() if what == "folder" else run.unlink()
    run.write_text("#!/bin/sh\nexec sleep 1000\n")
    run.chmod(0o755)
    services.runs(well, bad)


def test_a_folder_goes_under_a_running_service(services: Directory) -> None:
    """With all that is in it, also supervise/: the others take no notice."""
    well, bad = services.service("well"), services.service("bad")
    services.start("ours")
    services.runs(well, bad)
    pid = bad.pid()
    bad.path.rename(services.path.parent / "gone")
    while (services.path.parent / "gone").exists():  # what ends meanwhile writes its last status
        shutil.rmtree(services.path.parent / "gone", ignore_errors=True)
    stays_well(services, well)
    services.wait(lambda: not is_alive(pid))


def test_supervise_cannot_be_written(services: Directory) -> None:
    """The service goes on, and so do the others; once it can be, it tells the truth again."""
    well, bad = services.service("well"), services.service("bad")
    services.start("ours")
    services.runs(well, bad)
    pid = bad.pid()
    (bad.path / "supervise").rename(bad.path / "away")
    (bad.path / "supervise").write_text("")
    os.kill(pid, signal.SIGKILL)
    stays_well(services, well)
    services.wait(
        lambda: "runsv bad: warning: unable to open supervise/pid.new: not a dir" in services.errors
    )
    services.wait(lambda: str(bad.path) in map(cwd, {*services._ours()} - {pid}))
    (bad.path / "supervise").unlink()
    (bad.path / "away").rename(bad.path / "supervise")
    services.wait(lambda: bad.pid() not in (0, pid) and bad.stat() == "run")
    assert is_alive(bad.pid())


@pytest.mark.nightly
def test_a_service_that_holds_up_its_hub(services: Directory) -> None:
    """Its run is where exec(2) does not return, here for a lease on it: the others do not wait for ever."""
    well, bad = services.service("well"), services.service("bad")
    run = os.open(bad.path / "run", os.O_RDONLY)
    held = signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(run, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        services.start("ours")
        text = "warning: bad takes too long, it is supervised apart from the others.\n"
        services.wait(lambda: text in services.errors, 30)
        services.runs(well)
        services.wait(lambda: len(hubs(services)) == 2)
        stays_well(services, well)
    finally:
        os.close(run)
        signal.signal(signal.SIGIO, held)
    services.runs(well, bad)
    here = [pid for pid in services._ours() if cwd(pid) == str(bad.path)]
    assert len([pid for pid in here if pid not in hubs(services)]) == 1
    pid = bad.pid()
    bad.order("t")
    services.wait(lambda: bad.pid() not in (0, pid))
