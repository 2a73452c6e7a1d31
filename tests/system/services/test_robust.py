"""What comes from outside: hostile files, full disks, floods, kills, a clock that is set."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from sysvinit_py.clients.runit import sv as sv_program
from sysvinit_py.protocol.supervise import Status, decode, encode
from tests.support.patience import PATIENCE
from tests.system.runit_oracle import program
from tests.system.services.conftest import Make
from tests.system.services.directory import Directory
from tests.system.services.supervised import CAT, OURS, ROOT, SLEEP, Supervised, is_alive
from tests.system.services.test_hub import RunningHub

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def sv(*words: str, who: str = "ours") -> tuple[int, str]:
    begun = [*OURS[:-1], "sv"] if who == "ours" else [program("sv")]
    done = subprocess.run(
        [*begun, *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def sv_as_user(command: str, service: str, said: Path, user: int, *groups: int) -> tuple[int, str]:
    """Our sv in a child, as the interpreter may be where a user cannot reach it."""
    pid = os.fork()
    if not pid:
        try:
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(1, 2)
            os.setgroups(groups)
            os.setgid(user)
            os.setuid(user)
            os._exit(sv_program.main(["sv", command, service]))
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.read_text()


# Links in supervise/, which may belong to a user whom root lets in.


@pytest.mark.parametrize("name", ["lock", "control", "ok"])
def test_no_link_is_followed_out_of_supervise(service: Make, who: str, name: str, tmp_path: Path) -> None:
    """Debian's makes, locks and opens what a link in supervise/ leads to; ours takes no such folder."""
    one = service({"run": SLEEP})
    (one.path / "supervise").mkdir()
    outside = tmp_path / "outside"
    if name != "lock":
        os.mkfifo(outside)
    (one.path / "supervise" / name).symlink_to(outside)
    runsv = one.start(who)
    if who == "oracle":
        one.wait(lambda: outside.exists() and one.stat() == "run")
        return
    assert runsv.wait(10) == 111
    assert outside.exists() == (name != "lock")


@pytest.mark.parametrize("name", ["pid", "stat", "status", "lock", "pid.new", "stat.new", "status.new"])
@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_damaged_files_harm_nobody(service: Make, name: str, kind: str, tmp_path: Path) -> None:
    """What is published replaces links, and writes nowhere else; the service is controlled all the same."""
    one = service({"run": SLEEP})
    one.start("ours")
    one.wait_stat("run")
    outside, file = tmp_path / "outside", one.path / "supervise" / name
    outside.write_text("untouched")
    file.unlink(missing_ok=True)
    match kind:
        case "link":
            file.symlink_to(outside)
        case "folder":
            file.mkdir()
        case _:
            os.mkfifo(file)
    pid = one.wait_sleep() if name != "pid" else 0
    one.order("t")
    one.wait(lambda: not pid or not is_alive(pid))
    one.order("d")
    assert one.exit() == 0
    assert outside.read_text() == "untouched"


@pytest.mark.parametrize("kind", ["file", "link", "folder", "device"])
def test_orders_go_nowhere_but_into_a_fifo(service: Make, kind: str, tmp_path: Path) -> None:
    """Regression: root's sv wrote into the file that a link named control led to, as Debian's does."""
    one = service({"run": SLEEP})
    one.start("ours")
    one.wait_stat("run")
    outside, control = tmp_path / "outside", one.path / "supervise/control"
    outside.write_text("untouched")
    control.rename(control.with_name("kept"))
    match kind:
        case "file":
            control.write_text("untouched")
        case "link":
            control.symlink_to(outside)
        case "folder":
            control.mkdir()
        case _:
            control.symlink_to("/dev/null")
    status, text = sv("down", str(one.path))
    assert status == 1
    assert "supervise/control" in text
    assert outside.read_text() == "untouched"
    assert kind != "file" or control.read_text() == "untouched"
    if kind == "link":
        sv("down", str(one.path), who="oracle")
        assert outside.read_text() == "dntouched"
    control.rename(control.with_name("away"))
    control.with_name("kept").rename(control)
    assert one.exit() == 0


@as_root
def test_a_user_who_is_let_in() -> None:
    """chef-cookbooks/runit#111: modes and owners of supervise, control and ok are kept, so sv works."""
    user = 1234
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    one = Supervised(place / "web", {"run": SLEEP})
    words = str(one.path), place / "said", user
    try:
        one.start("ours")
        one.wait_stat("run")
        assert "access denied" in sv_as_user("status", *words)[1]
        folder = one.path / "supervise"
        for path in (folder, folder / "control", folder / "ok"):
            os.chown(path, user, -1)
        for _ in range(2):
            status, text = sv_as_user("stop", *words)
            assert (status, text[:10]) == (0, "ok: down: ")
            one.exit()
            one.start("ours")
            one.wait_stat("run")
    finally:
        one.clean()
        shutil.rmtree(place)


# A hub that has lost its runsvdir, or its parent's ear.


def test_a_new_runsvdir_takes_over_from_a_hub_without_one(tmp_path: Path) -> None:
    """Regression: each new runsvdir said every few seconds that the services were locked, and had none."""
    with Directory(tmp_path) as services:
        one = services.service("one", log="exec cat > got")
        two = services.service("two")
        two.path.joinpath("down").touch()
        first = services.start("ours")
        services.runs(one)
        services.wait(two.is_served)
        pids, hub = (one.pid(), one.pid("log")), services.hub
        first.kill()
        first.wait()
        services.start("ours")
        services.wait(lambda: not is_alive(hub))
        services.runs(one)
        services.wait(two.is_served)
        assert (one.pid(), one.pid("log")) == pids
        assert two.stat() == "down"
        assert services.errors == ""
        one.order("t")
        services.wait(lambda: one.pid() not in (0, pids[0]))
        assert services.end(signal.SIGHUP) == 111
        services.wait(lambda: one.stat("log") == "down")


def test_nobody_but_a_hub_without_runsvdir_lets_go(service: Make, who: str) -> None:
    one = service({"run": SLEEP})
    one.start(who)
    one.wait_stat("run")
    one.order("\1")
    one.order("p")
    one.wait_stat("run, paused")


def test_gone_blocks_nobody(tmp_path: Path) -> None:
    """Regression: a runsvdir that does not read held the hub up after some hundred services had gone."""
    hub = RunningHub(tmp_path)
    hub.start()
    try:
        one = hub.add(0, {"run": SLEEP})
        for number in range(1, 2000):
            hub.say(f"add {number} /nowhere")
        one.wait_stat("run")
        one.order("p")
        one.wait_stat("run, paused")
        assert [hub.heard() for _ in range(1999)] == [f"gone {number} 111" for number in range(1, 2000)]
    finally:
        hub.clean()


def test_what_ends_between_two_hubs_is_told(tmp_path: Path) -> None:
    """Regression: finish got -1 0, though runsvdir learns as the new parent how it ended."""
    with Directory(tmp_path) as services:
        one = services.service("one")
        one.make({"finish": "echo $* >> told"})
        services.start("ours")
        services.runs(one)
        one.wait_sleep()
        assert services.process
        pid, hub = one.pid(), services.hub
        services.process.send_signal(signal.SIGSTOP)
        os.kill(hub, signal.SIGKILL)
        os.kill(pid, signal.SIGUSR1)
        time.sleep(0.05)
        services.process.send_signal(signal.SIGCONT)
        services.wait(lambda: one.read("told"))
        assert one.read("told") == f"-1 {int(signal.SIGUSR1)}\n"


# What status says is not all.


@pytest.mark.parametrize("damage", ["missing", "older", "short"])
def test_a_status_that_is_not_of_this_process(service: Make, damage: str) -> None:
    """Regression: a second copy was started where the supervisor was killed before it had written status."""
    one = service({"run": SLEEP, "down": ""})
    one.start("ours")
    one.wait_stat("down")
    before = one.status()
    one.order("u")
    one.wait_stat("run")
    pid = one.wait_sleep()
    one.kill_runsv()
    status = one.path / "supervise/status"
    if damage == "missing":
        status.unlink()
    else:
        status.write_bytes(before if damage == "older" else b"x")
    one.start("ours")
    one.wait_stat("run")
    assert one.pid() == pid
    os.kill(pid, signal.SIGKILL)
    one.wait(lambda: one.pid() not in (0, pid))


@pytest.mark.parametrize("hours", [-5, 5])
def test_the_clock_is_set(service: Make, who: str, oracle: str, hours: int) -> None:
    """A service of either runsv is taken over though its time is no longer that of its process."""
    one = service({"run": SLEEP})
    one.start(who)
    one.wait_stat("run")
    pid = one.wait_sleep()
    one.kill_runsv()
    status = one.path / "supervise/status"
    told = decode(status.read_bytes())
    status.write_bytes(encode(Status(told.since + hours * 3600 * 10**9, told.pid, state=told.state)))
    one.start("ours")
    one.wait_stat("run")
    assert one.pid() == pid
    assert sv("status", str(one.path), who=oracle)[1][:40] == sv("status", str(one.path))[1][:40]
    os.kill(pid, signal.SIGKILL)
    one.wait(lambda: one.pid() not in (0, pid))


# One service, and the others.


@as_root
@pytest.mark.usefixtures("namespaces")
def test_a_full_disk(tmp_path: Path) -> None:
    """What cannot be published is, once there is space; services are started and controlled meanwhile."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "small", str(place)], check=True)
    one = Supervised(place / "web", {"run": SLEEP, "log/run": CAT})
    try:
        one.start("ours")
        one.wait_stat("run")
        pid = one.wait_sleep()
        with (place / "filler").open("wb", buffering=0) as filler:
            for size in (4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    pass
        one.order("t")
        one.wait(lambda: not is_alive(pid))
        running: list[int] = []

        def runs() -> bool:
            here = [path.parent for path in Path("/proc").glob("[0-9]*/cwd") if link(path) == str(one.path)]
            running[:] = [int(path.name) for path in here if (path / "comm").read_text() == "sleep\n"]
            return bool(running)

        one.wait(runs)
        one.kill_runsv()
        one.start("ours")
        (place / "filler").unlink()
        one.wait(lambda: one.pid() in running)  # not a second copy, nor what was published before
        one.wait_stat("run")
        assert one.exit() == 0
    finally:
        one.clean()
        subprocess.run(["umount", "-l", str(place)], check=True)


def link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def test_a_service_that_deletes_files_all_the_time(tmp_path: Path) -> None:
    """Regression: each of them had all folders looked at."""
    hub = RunningHub(tmp_path)
    hub.start()
    try:
        for number in range(1, 60):
            hub.add(number, {"run": SLEEP})
        hub.wait(lambda: all(one.stat() == "run" for one in hub.services.values()))
        busy = hub.add(0, {"run": "while :; do > file; rm file; done"})
        busy.wait_stat("run")
        before = hub.cpu()
        time.sleep(2)
        assert hub.cpu() - before < 0.4 * PATIENCE
    finally:
        hub.clean()


def test_a_writer_that_stays_and_sends_anything(service: Make) -> None:
    """A client may hold control open, and write what is no order; another is served."""
    one = service({"run": SLEEP})
    one.start("ours")
    one.wait_stat("run")
    control = os.open(one.path / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
    anything = bytes(byte for byte in range(256) if chr(byte) not in "udoxthaiq12kpc")
    for _ in range(50):
        try:
            os.write(control, anything * 8)
        except BlockingIOError:
            time.sleep(0.01)
    one.wait(lambda: sv("-w", "5", "pause", str(one.path))[0] == 0)
    one.order("c")
    one.wait_stat("run")
    os.close(control)
    assert one.exit() == 0


def test_a_process_that_hides(tmp_path: Path) -> None:
    """What leaves its service is reaped when it ends, ends no other, and holds nobody up."""
    with Directory(tmp_path) as services:
        hides = services.service(
            "hides", "(setsid sh -c 'echo $$ > hidden; exec sleep 0.3' &); exec sleep 1000"
        )
        other = services.service("other")
        services.start("ours")
        services.runs(hides, other)
        services.wait(lambda: hides.read("hidden"))
        pid, hidden = other.pid(), int(hides.read("hidden"))
        services.wait(lambda: not Path(f"/proc/{hidden}").exists())
        assert other.pid() == pid
        assert services.end(signal.SIGHUP) == 111


def test_descriptors_and_dispositions_of_runsvdir_are_no_services(tmp_path: Path) -> None:
    """Nothing above 2, no signal blocked or ignored but what runsvdir itself was given to ignore."""
    tell = "[ -e fds ] && exec sleep 1000; grep ^Sig[BI] /proc/self/status > signals; "
    tell += "exec ls -l /proc/self/fd > fds"
    with Directory(tmp_path) as services:
        one = services.service("one", tell, log=tell)
        services.start("ours", str(services.path), path="log: " + "." * 50)
        services.wait(lambda: one.read("fds") and one.read("log/fds"))
        for slot in ("", "log/"):
            numbers = [line.split(" -> ")[0].split()[-1] for line in one.read(f"{slot}fds").splitlines()[1:]]
            assert {*numbers} <= {"0", "1", "2", "3"}, "3 is that of ls"
            values = [int(line.split()[1], 16) for line in one.read(f"{slot}signals").splitlines()]
            assert [value & ~0x180000000 for value in values] == [0, 0]
