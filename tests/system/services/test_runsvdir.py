"""runsvdir beside Debian's, and what ours does better."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.runit_oracle import program, search_path
from tests.system.services.directory import OURS, ROOT, Directory
from tests.system.services.supervised import Supervised

LOG = "log: " + "." * 200


@pytest.fixture(params=["ours", "oracle"])
def who(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Directory]:
    with Directory(tmp_path) as directory:
        yield directory


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_is_a_service(services: Directory, who: str) -> None:
    """Folders and links to such; no file, nothing that begins with a dot, no dangling link."""
    one, two = services.service("one"), services.service("two", log="exec cat > got")
    services.service("three").path.rename(services.path.parent / "elsewhere")
    (services.path / "link").symlink_to("../elsewhere")
    services.service(".hidden")
    (services.path / "file").touch()
    (services.path / "dangling").symlink_to("nowhere")
    services.start(who)
    linked = Supervised(services.path / "link", {})
    services.runs(one, two, linked)
    services.wait(lambda: two.stat("log") == "run")
    assert not (services.path / ".hidden/supervise").exists()
    text = f"runsvdir {services.path}: warning: unable to stat dangling: file does not exist\n"
    assert text in services.errors
    assert services.end(signal.SIGHUP) == 111
    services.wait(lambda: not any(service.is_served() for service in (one, two, linked)))
    assert one.stat() == two.stat() == two.stat("log") == "down"


def test_usage(who: str) -> None:
    words = OURS if who == "ours" else [program("runsvdir")]
    done = subprocess.run(
        words, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("runsvdir [-P] dir\n\n")


def test_term_leaves_all_running(services: Directory, who: str) -> None:
    service = services.service("one", log="exec cat > got")
    services.start(who)
    services.runs(service)
    pid = service.pid()
    assert services.end(signal.SIGTERM) == 0
    time.sleep(0.1)
    assert service.is_served()
    assert is_alive(pid)
    service.order("t")
    service.wait(lambda: service.pid() not in (0, pid))


def test_hup_ends_loggers_last(services: Directory, who: str) -> None:
    """A logger has its end by EOF, after all was written."""
    run = 'trap "echo last; exit" TERM; echo first; while :; do sleep 0.02; done'
    service = services.service("one", run, log="exec cat > got")
    services.start(who)
    services.runs(service)
    service.wait(lambda: service.read("log/got") == "first\n")
    assert services.end(signal.SIGHUP) == 111
    service.wait(lambda: not service.is_served() and service.stat("log") == "down")
    assert service.read("log/got") == "first\nlast\n"


def test_rename_and_removal(services: Directory, who: str) -> None:
    """A service is its folder, whatever name that has."""
    staying, leaving = services.service("a"), services.service("b")
    services.start(who)
    services.runs(staying, leaving)
    pid = staying.pid()
    staying.path = staying.path.rename(services.path / "c")
    leaving.path = leaving.path.rename(services.path.parent / "gone")
    services.wait(lambda: not leaving.is_served())
    assert staying.is_served()
    assert staying.pid() == pid


def test_sv_exit_is_undone(services: Directory, who: str) -> None:
    service = services.service("a")
    services.start(who)
    services.runs(service)
    pid = service.pid()
    service.order("x")
    services.wait(lambda: not service.is_served())
    services.runs(service)
    assert service.pid() != pid


def test_a_switched_link(services: Directory, who: str) -> None:
    """As runsvchdir does it."""
    old = services.service("old")
    other = services.path.parent / "other"
    other.mkdir()
    new = services.service("new")
    new.path = new.path.rename(other / "new")
    link = services.path.parent / "current"
    link.symlink_to("service")
    services.start(who, path=str(link))
    services.runs(old)
    link.with_suffix(".new").symlink_to("other")
    link.with_suffix(".new").rename(link)
    services.runs(new)
    services.wait(lambda: not old.is_served())


def test_forced_rescan(services: Directory, who: str) -> None:
    service = services.service("a")
    services.start(who)
    services.runs(service)
    assert services.process
    services.process.send_signal(signal.SIGALRM)
    label = services.path / ".forced-rescan"
    services.wait(lambda: label.exists() and len(label.read_bytes()) >= 25)
    assert label.read_bytes()[:2] == b"@4"


def test_sessions(services: Directory, who: str) -> None:
    """With -P nothing else is in runsvdir's session, nor in its group, to which init sends TERM."""
    service = services.service("a")
    services.start(who, "-P")
    services.runs(service)
    assert services.process
    runsv = int(Path(f"/proc/{service.pid()}/stat").read_text().rpartition(")")[2].split()[1])
    for pid in service.pid(), runsv:
        assert os.getsid(pid) != os.getsid(services.process.pid)
        assert os.getpgid(pid) != os.getpgid(services.process.pid)


def test_the_log_in_the_title(services: Directory, who: str) -> None:
    """What comes on standard error is shifted in from the right; the first five characters stay."""
    service = services.service("a", "echo some words >&2; exec sleep 1000")
    services.path.joinpath("dangling").symlink_to("nowhere")
    words = OURS if who == "ours" else [program("runsvdir")]
    env = os.environ | {"PYTHONPATH": str(ROOT), "PATH": search_path()}
    services.process = subprocess.Popen([*words, str(services.path), LOG], env=env, stdin=subprocess.DEVNULL)
    cmdline = Path(f"/proc/{services.process.pid}/cmdline")
    (services.path.parent / "errors").touch()
    services.wait(lambda: b"some words" in cmdline.read_bytes())
    services.wait(lambda: b"unable to stat dangling" in cmdline.read_bytes())
    shown = cmdline.read_bytes().rstrip(b"\0").split(b"\0")[-1]
    assert shown.startswith(b"log: ")
    assert len(shown) == len(LOG)
    services.runs(service)


def test_a_missing_directory(services: Directory, who: str) -> None:
    services.path.rmdir()
    services.start(who)
    text = f"warning: unable to stat {services.path}: file does not exist\n"
    services.wait(lambda: text in services.errors)
    services.path.mkdir()
    services.runs(services.service("a"))


# Better than C's.


def test_a_new_service_is_seen_at_once(services: Directory, who: str) -> None:
    """C's looks every five seconds (OpenRC/openrc#253), and once a second after a change."""
    services.start(who)
    services.runs(services.service("a"))
    time.sleep(1.5)
    begun = time.monotonic()
    services.runs(services.service("b"))
    assert (time.monotonic() - begun < 2) == (who == "ours")


def test_repeated_complaints_are_reported_once(services: Directory) -> None:
    (services.path / "dangling").symlink_to("nowhere")
    services.start("ours")
    services.runs(services.service("a"))
    services.runs(services.service("b"))
    assert services.errors.count("dangling") == 1


def test_nobody_stays_first(services: Directory) -> None:
    """At first the hub is scheduled before all others, where it may be; no service is, nor the hub later."""
    made = [services.service(str(number), log="exec cat > got") for number in range(10)]
    services.start("ours", "-P")
    services.runs(*made)
    pids = [pid for service in made for pid in (service.pid(), service.pid("log"))]
    services.wait(lambda: os.sched_getscheduler(services.hub) == os.SCHED_OTHER)
    assert {os.sched_getscheduler(pid) for pid in pids} == {os.SCHED_OTHER}


@pytest.mark.parametrize("seconds", [6, pytest.param(60, marks=pytest.mark.nightly)])
def test_no_wake_up_while_nothing_happens(services: Directory, seconds: int) -> None:
    """C's runsvdir wakes every five seconds. Front, hub and watchdog sleep."""
    services.start("ours")
    services.runs(services.service("a", log="exec cat > got"))
    assert services.process

    def switches() -> list[str]:
        pids = (services.process.pid, services.hub) if services.process else ()
        lines = [Path(f"/proc/{pid}/status").read_text().splitlines() for pid in pids]
        return [line for text in lines for line in text if "ctxt_switches" in line]

    time.sleep(2.5)  # the watchdog looks a second after the last that was done
    before = switches()
    time.sleep(seconds)
    assert switches() == before


def test_a_killed_hub(services: Directory) -> None:
    """C's runsv starts second copies beside those that live on (conjur#633)."""
    service = services.service("a", "echo one; exec sleep 1000", log="exec cat > got")
    services.start("ours")
    services.runs(service)
    services.wait(lambda: service.stat("log") == "run")
    pids = service.pid(), service.pid("log")
    hub = services.hub
    os.kill(hub, signal.SIGKILL)
    services.wait(lambda: not is_alive(hub) and service.is_served())
    assert (service.pid(), service.pid("log")) == pids
    (service.path / "finish").write_text('#!/bin/sh\necho "$@" > ended\n')
    (service.path / "finish").chmod(0o755)
    os.kill(pids[0], signal.SIGUSR1)
    services.wait(lambda: service.read("ended"))
    assert service.read("ended") == f"-1 {int(signal.SIGUSR1)}\n", "as its new parent has told"
    services.wait(lambda: service.stat() == "run" and service.pid() != pids[0])
    assert service.pid("log") == pids[1]


def test_a_folder_made_anew(services: Directory) -> None:
    """C's goes on with the old one, and sv with neither (void-linux/runit#25)."""
    service = services.service("a")
    services.start("ours")
    services.runs(service)
    old = service.pid()
    shutil.rmtree(service.path)
    service = services.service("a")
    services.wait(lambda: service.stat() == "run" and service.pid() not in (0, old))
    services.wait(lambda: not is_alive(old))


def test_handle_term(services: Directory) -> None:
    """-H, which runsvdir's manual elsewhere has: TERM ends all, and the end is waited for."""
    run = 'trap "sleep 0.3; echo last; exit" TERM; echo first; while :; do sleep 0.02; done'
    service = services.service("a", run, log="exec cat > got")
    services.start("ours", "-H")
    services.runs(service)
    service.wait(lambda: service.read("log/got") == "first\n")
    assert services.end(signal.SIGTERM) == 111
    assert service.read("log/got") == "first\nlast\n"
    assert not service.is_served()


@pytest.mark.usefixtures("namespaces")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_the_first_process_of_a_container(services: Directory) -> None:
    """TERM, as docker stop sends it, ends all, loggers last; C's exits at once (docker-nexus#56)."""
    run = 'trap "sleep 0.2; echo last; exit" TERM; echo first; while :; do sleep 0.02; done'
    service = services.service("a", run, log="exec cat > got")
    through = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    unshare = services.start("ours", through=through)
    services.runs(service)
    service.wait(lambda: service.read("log/got") == "first\n")
    first = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split()[0]
    os.kill(int(first), signal.SIGTERM)
    assert unshare.wait(10) == 0
    assert service.read("log/got") == "first\nlast\n"


def test_c_runsvdir_starts_ours(services: Directory, tmp_path: Path) -> None:
    """runsv is looked for along PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    ours = programs / "runsv"
    ours.write_text(f'#!/bin/sh\nexec {OURS[0]} -S -m sysvinit_py.clients.runit runsv "$@"\n')
    ours.chmod(0o755)
    env = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{programs}:{os.environ['PATH']}"}
    service = services.service("a", log="exec cat > got")
    services.process = subprocess.Popen([program("runsvdir"), str(services.path)], env=env)
    (services.path.parent / "errors").touch()
    services.runs(service)
    assert services.end(signal.SIGHUP) == 111
    services.wait(lambda: not service.is_served())


def test_over_to_ours_and_back(services: Directory) -> None:
    """A directory that C's runsvdir has left is taken over, and given back."""
    service = services.service("a", log="exec cat > got")
    for who in ("oracle", "ours", "oracle"):
        services.start(who)
        services.runs(service)
        assert services.end(signal.SIGHUP) == 111
        services.wait(lambda: not service.is_served())
