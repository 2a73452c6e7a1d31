"""A getty whose terminal comes later starts without any daemon: PID 1 watches (docs/devices.rst)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import Boot
from tests.system.system import System
from tests.system.test_counts import calls_of

pytestmark = pytest.mark.ours_only(
    "behaviour/children#getty: C starts a getty whatever terminal it names, and throttles it"
)

GETTY = {"/sbin/getty": '#!/bin/sh\nexec /w "$2" stay\n'}


def inittab(*terminals: str) -> str:
    gettys = (f"u{n}:23:respawn:/sbin/getty 38400 {name}\n" for n, name in enumerate(terminals))
    return "".join(("id:2:initdefault:\n", *gettys, "zz:23:respawn:/w Z stay\n"))


def waiting(boot: Boot, *terminals: str, before: Callable[[System], object] | None = None) -> System:
    """Boot, and return when all the terminals are waited for."""
    system = boot(inittab(*terminals), files=GETTY, before=before)
    for terminal in terminals:
        system.console.expect(f"/dev/{terminal} does not exist".encode())
    system.wait_ready()
    return system


def plug(system: System, name: str, target: str = "/dev/null") -> None:
    path = system.path(f"/dev/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def watches(system: System) -> list[int]:
    """How many folders each inotify descriptor of PID 1 watches; the FIFO's has two of its file alone."""
    described = [path.read_text() for path in Path(f"/proc/{system.pid}/fdinfo").iterdir()]
    return sorted(text.count("\ninotify") for text in described if "\ninotify" in text)


def test_it_comes_goes_and_comes(boot: Boot) -> None:
    system = waiting(boot, "ttyU0")
    for n in (1, 2, 3):
        plug(system, "ttyU0")
        getty = system.witness.wait("ttyU0", n=n)
        system.path("/dev/ttyU0").unlink()
        system.run(["kill", "-KILL", str(getty.pid)])  # the kernel hangs up a terminal that goes
        system.wait_gone(getty.pid)
        time.sleep(0.2)  # nothing is there to start it on
    assert system.witness.started() == ["Z", *["ttyU0"] * 3]


def test_it_comes_at_any_moment(boot: Boot) -> None:
    """Before the watch is there, and after."""
    for delay in (0, 0.01, 0.03, 0.05, 0.07, 0.2):
        system = boot(inittab("ttyU0"), files=GETTY)
        system.witness.wait("Z")
        time.sleep(delay)
        plug(system, "ttyU0")
        system.witness.wait("ttyU0")


def test_one_of_several(boot: Boot) -> None:
    system = waiting(boot, "ttyU0", "ttyU1", "usb/tts/0")
    for name in ("ttyU1", "usb/tts/0", "ttyU0"):
        plug(system, name)
        system.witness.wait(name)
    assert system.witness.started() == ["Z", "ttyU1", "usb/tts/0", "ttyU0"]


def test_it_is_moved_there(boot: Boot) -> None:
    system = waiting(boot, "ttyU0")
    plug(system, "new")
    system.path("/dev/new").rename(system.path("/dev/ttyU0"))
    system.witness.wait("ttyU0")


def test_what_comes_is_no_terminal(boot: Boot) -> None:
    """A plain file at the path is none, until a terminal takes its place."""
    system = waiting(boot, "ttyU0")
    system.path("/dev/ttyU0").write_text("")
    time.sleep(0.3)
    assert system.witness.started() == ["Z"]
    system.path("/dev/ttyU0").unlink()
    plug(system, "ttyU0")
    system.witness.wait("ttyU0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make devices in a new /dev")
def test_a_tmpfs_is_mounted_over_dev(boot: Boot) -> None:
    system = waiting(boot, "ttyU0")
    null = os.stat(system.path("/dev/null")).st_rdev
    assert not system.run(["mount", "-t", "tmpfs", "tmpfs", "/dev"]).returncode
    time.sleep(0.3)
    os.mknod(system.path("/dev/ttyU0"), 0o20600, null)
    getty = system.witness.wait("ttyU0")
    system.run(["umount", "-l", "/dev"])
    system.run(["kill", "-KILL", str(getty.pid)])
    system.wait_gone(getty.pid)
    plug(system, "ttyU0")
    system.witness.wait("ttyU0", n=2)


def test_it_is_mounted_with_its_folder(boot: Boot) -> None:
    """Nothing changes in a watched folder then."""
    system = waiting(boot, "usb/tts/0", before=lambda system: system.path("/dev/usb").mkdir())
    folder = system.path("/mnt")
    (folder / "tts").mkdir(parents=True)
    (folder / "tts" / "0").symlink_to("/dev/null")
    assert not system.run(["mount", "--bind", "/mnt", "/dev/usb"]).returncode
    system.witness.wait("usb/tts/0")


def test_a_deeper_path(boot: Boot) -> None:
    """Its folders come, go and come; each time the nearest that there is is watched."""
    system = waiting(boot, "usb/tts/0")
    for pause, n in ((0, 1), (0.2, 2)):
        for folder in ("usb", "usb/tts"):
            system.path(f"/dev/{folder}").mkdir()
            time.sleep(pause)
        plug(system, "usb/tts/0")
        getty = system.witness.wait("usb/tts/0", n=n)
        system.path("/dev/usb/tts/0").unlink()
        system.run(["kill", "-KILL", str(getty.pid)])
        system.wait_gone(getty.pid)
        time.sleep(pause)
        for folder in ("usb/tts", "usb"):
            system.path(f"/dev/{folder}").rmdir()


def test_a_pseudo_terminal(boot: Boot) -> None:
    system = waiting(boot, "pts/0")
    pty = os.open(system.path("/dev/pts/ptmx"), os.O_RDWR | os.O_NOCTTY)
    try:
        system.witness.wait("pts/0")
    finally:
        os.close(pty)


def test_what_a_link_points_to_comes(boot: Boot) -> None:
    """The link has been there all the time, and so has that to the folder."""

    def dangling(system: System) -> None:
        plug(system, "ttyU0", "serial/by-id/x")
        plug(system, "ttyU1", "ttyU1")  # points to itself: not awaited, as nobody can say

    system = boot(inittab("ttyU0"), files=GETTY, before=dangling)
    system.console.expect(b"/dev/ttyU0 does not exist")
    time.sleep(0.2)
    plug(system, "serial/by-id/x", "../../null")
    system.witness.wait("ttyU0")


def test_it_is_still_awaited_after_a_re_execution(boot: Boot) -> None:
    system = waiting(boot, "ttyU0")
    system.telinit("u")
    system.wait_ready()
    time.sleep(0.3)
    plug(system, "ttyU0")
    system.witness.wait("ttyU0")


def test_no_watch_where_nobody_waits(boot: Boot) -> None:
    """Before, in a level without it, and afterwards; the FIFO's own is the one that stays."""
    system = waiting(boot, "ttyU0")
    time.sleep(0.3)
    there = watches(system)
    assert len(there) == 2
    system.write("/etc/inittab", inittab())
    system.telinit("q")
    time.sleep(0.3)
    without = watches(system)
    assert len(without) == 1
    system.write("/etc/inittab", inittab("ttyU0"))
    system.telinit("q")
    time.sleep(0.3)
    assert watches(system) == there
    plug(system, "ttyU0")
    system.witness.wait("ttyU0")
    time.sleep(0.3)
    assert watches(system) == without


def test_nothing_polls(boot: Boot, tmp_path: Path) -> None:
    """Waiting costs nothing; a watch is made for a change, and not again."""
    system = waiting(boot, "ttyU0", "usb/tts/0")
    time.sleep(0.3)
    with calls_of(system, tmp_path / "strace") as calls:
        time.sleep(6)  # longer than any time after which init tries something again
    assert sum(calls.values()) <= 1, calls


def test_a_flood_of_other_names(boot: Boot, tmp_path: Path) -> None:
    """A look at a time, with a pause between two, however much changes; and init serves meanwhile."""
    system = waiting(boot, "ttyU0")
    time.sleep(0.3)
    path = system.path("/dev/x")
    with calls_of(system, tmp_path / "strace") as calls:
        began = time.monotonic()
        for _ in range(20_000):
            path.touch()
            path.unlink()
        seconds = time.monotonic() - began
    assert calls["inotify_add_watch"] <= 3 + seconds / 0.05
    assert sum(calls.values()) <= 60 + 20 * calls["inotify_add_watch"], calls
    plug(system, "ttyU0")
    system.witness.wait("ttyU0")
    system.signal(signal.SIGHUP)
    system.telinit("3")
    system.wait_level("3")
