"""What init publishes, where, and what it does when it cannot."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.inittab.entry import Entry, Problem
from sysvinit_py.linux import calls
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.machine import Machine
from sysvinit_py.pid1.outputs import publish
from sysvinit_py.pid1.outputs.publish import Publisher
from sysvinit_py.report import history, slots
from sysvinit_py.simulator.world import World
from tests.unit.machine.machine_world import do

#: Where it is no matter which descriptors the tests have open.
STATUS, ENTRIES = 212, 213
INITTAB = "id:2:initdefault:\nsi::sysinit:x\nr2:2:respawn:x\nr3:3:respawn:x\no2:2:once:x\n~~:S:wait:x"


class Published:
    """A machine whose state is published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pauses = 0
        self.world = World(INITTAB)
        self.publisher = Publisher(lambda: self.world.machine, self.pause)
        self.publisher.take_place()

    def pause(self) -> None:
        self.pauses += 1

    def write(self) -> None:
        self.publisher.write()

    def waits(self) -> bool:
        return self.publisher.deadline is not None

    def told(self) -> dict[str, int]:
        """The pids by id, of what the descriptors have."""
        return self._read(*(Path(f"/proc/self/fd/{fd}").read_bytes() for fd in (STATUS, ENTRIES)))

    def in_folder(self) -> dict[str, int]:
        return self._read(*((self.folder / name).read_bytes() for name in ("status", "entries")))

    def _read(self, status: bytes, entries: bytes) -> dict[str, int]:
        return {entry.id: fields[1] for entry, fields in slots.read(status, entries).slots}

    def wanted(self) -> dict[str, int]:
        return {job.entry.id: job.pid for job in self.world.machine.processes.jobs.values()}

    def boot(self) -> None:
        self.world.boot()
        self.write()

    def to_level_2(self) -> None:
        self.boot()
        self.world.end("si", 0)
        self.write()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    monkeypatch.setattr(publish, "FOLDER", str(tmp_path / "inittab"))
    monkeypatch.setattr(publish, "FDS", {"entries": ENTRIES, "status": STATUS})
    yield Published(tmp_path / "inittab")
    for fd in (STATUS, ENTRIES):
        calls.close(fd)


def calls_of(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[str]:
    """The system calls that it makes."""
    made: list[str] = []

    def noted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            made.append(name)
            return real(*arguments, **more)

        return call

    names = ("open", "read", "write", "pwrite", "stat", "fstat", "mkdir", "rename", "unlink", "dup2", "close")
    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(calls, name, noted(name, getattr(calls, name)))
        act()
    return made


def test_before_run_may_be_mounted_it_is_in_memory(published: Published) -> None:
    published.boot()
    assert os.readlink(f"/proc/self/fd/{STATUS}") == "/memfd:status (deleted)"
    assert published.told() == published.wanted()
    assert not published.folder.exists()


def test_later_it_is_in_the_folder_for_all_to_read(published: Published) -> None:
    published.to_level_2()
    assert published.in_folder() == published.told() == published.wanted()
    assert stat.S_IMODE(published.folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE(file.stat().st_mode) for file in published.folder.iterdir()} == {0o644}
    assert sorted(os.listdir(published.folder)) == ["entries", "status"]


def test_a_respawn_is_two_writes(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    published.to_level_2()
    published.world.end("r2", 9)
    assert calls_of(monkeypatch, published.write) == ["pwrite"] * 2, "slot, and history"
    assert published.in_folder() == published.wanted()
    assert calls_of(monkeypatch, published.write) == []


def test_the_same_inittab_once_more_is_not_written(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.to_level_2()
    published.world.feed(ev.RereadRequested())
    made = {"rename", "write", "pwrite"} & set(calls_of(monkeypatch, published.write))
    assert made == {"pwrite"}
    assert published.in_folder() == published.wanted()


def test_another_inittab_is_another_file(published: Published) -> None:
    published.to_level_2()
    before = (published.folder / "status").stat().st_ino
    with open(published.folder / "status", "rb") as old:
        published.world.inittab = (*published.world.inittab, Entry("new", "2", "once", "x"))
        published.world.feed(ev.RereadRequested())
        published.write()
        assert published.in_folder() == published.wanted()
        assert "new" in published.wanted()
        assert (published.folder / "status").stat().st_ino != before
        slots.read_header(old.read())


def test_a_switch(published: Published) -> None:
    published.to_level_2()
    do(published.world, "telinit 3")
    published.write()
    assert published.in_folder() == published.wanted()
    header = slots.read_header((published.folder / "status").read_bytes())
    assert (header.level, header.prevlevel, header.busy) == ("3", "2", "")


def test_slots_side_by_side_are_one_write(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the cost of a switch, in which nearly all entries change; and that a gap is left as it is."""
    published.world.inittab += tuple(Entry(f"r{n}", "2", "respawn", "x") for n in range(10, 19))
    published.to_level_2()
    for ended, writes in (("r14",), 1), (("r11", "r12", "r15", "r16", "r17"), 2), (("r18", "r10"), 2):
        for id in ended:
            published.world.end(id, 9)
        made = calls_of(monkeypatch, published.write)
        assert made == ["pwrite"] * (writes + 1), "and that of the history"
        assert published.in_folder() == published.wanted()


def test_while_processes_are_being_ended_changes_wait_a_moment(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a process that does not end it is told, soon; the next changes wait again, the last ones do not."""
    now = [1000.0]
    monkeypatch.setattr(publish, "clock", lambda: now[0])
    published.world.inittab += (Entry("deaf", "2", "respawn", "x"), Entry("slow", "2", "respawn", "x"))
    published.to_level_2()
    for step in ("child deaf ignores TERM", "child slow ignores TERM", "telinit 3"):
        do(published.world, step)
    for ended in (), ("slow",):
        for id in ended:
            published.world.end(id, 0)
        assert calls_of(monkeypatch, published.write) == []
        assert published.waits()
        now[0] += 0.04
        assert calls_of(monkeypatch, published.write) == []
        now[0] += 0.02
        published.write()
        assert not published.waits()
        assert published.in_folder() == published.wanted()
    published.world.end("deaf", 0)
    published.write()
    assert published.in_folder() == published.wanted()
    assert not published.waits()


@pytest.mark.parametrize(
    "removed", [["status"], ["entries"], ["status", "entries"], ["status", "entries", ""]]
)
def test_what_was_removed_comes_back(published: Published, removed: list[str]) -> None:
    published.to_level_2()
    for name in removed:
        (published.folder / name).unlink() if name else published.folder.rmdir()
    published.write()
    assert not (published.folder / removed[0]).exists(), "nothing has told us"
    published.publisher.look_again()
    published.write()
    assert published.in_folder() == published.wanted()


def test_a_folder_that_others_may_write_to_later(published: Published) -> None:
    """What is in it is not believed any more; memory is."""
    published.to_level_2()
    published.folder.chmod(0o777)
    published.publisher.look_again()
    published.write()
    assert os.readlink(f"/proc/self/fd/{STATUS}") == "/memfd:status (deleted)"
    assert published.told() == published.wanted()
    assert not (published.folder / "status").read_bytes()
    published.folder.chmod(0o755)
    published.publisher.look_again()
    published.write()
    assert published.in_folder() == published.wanted()


def test_history_is_kept_from_file_to_file(published: Published) -> None:
    published.to_level_2()
    for step in ("telinit 3", "edit r3:3:respawn:y", "telinit q"):
        do(published.world, step)
        published.write()
    content = (published.folder / "status").read_bytes(), (published.folder / "entries").read_bytes()
    events = history.read(slots.read(*content).history)
    assert {event.number // 2 for event in events} == {*range(events[-1].number // 2 + 1)}, "none is missing"
    assert [event.word for event in events if event.what == "level"] == ["#", "*", "2", "3"]
    assert bytes(published.publisher.history.content) == slots.read(*content).history


def test_problems_are_published_but_not_those_of_private_files(published: Published, tmp_path: Path) -> None:
    private = tmp_path / "secret.tab"
    private.write_text("")
    private.chmod(0o600)
    published.to_level_2()
    entries = tuple(entry.replace(file=str(private)) for entry in published.world.inittab)
    problems = (Problem(str(private), 7, "hidden words"), Problem("/etc/x.tab", 1, "known"))
    published.world.driver.feed(ev.InittabRead(entries, problems))
    published.write()
    content = (published.folder / "status").read_bytes(), (published.folder / "entries").read_bytes()
    assert [problem.reason for problem in slots.read(*content).problems] == ["(not public)", "known"]
    assert b"hidden words" not in content[1]
    published.world.driver.feed(ev.InittabNotRead("it is gone"))
    published.write()
    content = (published.folder / "status").read_bytes(), (published.folder / "entries").read_bytes()
    assert [problem.reason for problem in slots.read(*content).problems] == ["it is gone"]


def test_an_answer_is_one_write(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    published.to_level_2()
    published.world.feed(ev.EntryRequested("0123abcd", "stop", "none", "0"))
    assert calls_of(monkeypatch, published.write) == ["pwrite"]
    content = (published.folder / "status").read_bytes()
    assert history.answers(content[-history.SIZE :]) == ["0123abcd:unknown:0"]


def plant_link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    folder.symlink_to("elsewhere")


def plant_open_folder(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def plant_others_folder(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 65534, 65534)


@pytest.mark.parametrize(
    "plant",
    [plant_link, plant_open_folder, os.mkfifo, Path.touch]
    + ([plant_others_folder] if os.geteuid() == 0 else []),
)
def test_where_somebody_else_has_the_place_it_stays_in_memory(published: Published, plant: Any) -> None:
    plant(published.folder)
    published.to_level_2()
    assert published.told() == published.wanted()
    assert os.readlink(f"/proc/self/fd/{STATUS}") == "/memfd:status (deleted)"
    assert not [*published.folder.parent.glob("*/status")]


def test_links_in_the_place_of_the_drafts_are_not_followed(published: Published, tmp_path: Path) -> None:
    published.folder.mkdir()
    (tmp_path / "victim").write_text("untouched")
    for name in ("status", "status.new", "entries", "entries.new"):
        (published.folder / name).symlink_to(tmp_path / "victim")
    published.to_level_2()
    assert published.in_folder() == published.wanted()
    assert (tmp_path / "victim").read_text() == "untouched"


def test_a_full_disk_leaves_no_half(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    published.boot()
    real, failed = calls.write, []

    def full(fd: int, data: Any) -> int:
        if not os.readlink(f"/proc/self/fd/{fd}").startswith("/memfd"):
            failed.append(fd)
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(calls, "write", full)
    published.world.end("si", 0)
    published.write()
    assert failed
    assert os.listdir(published.folder) == []
    assert published.told() == published.wanted()


def test_what_cannot_be_written_is_withdrawn_and_tried_again(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.to_level_2()
    with monkeypatch.context() as patch:

        def broken(*_: object) -> int:
            raise OSError(errno.EIO, "Input/output error")

        patch.setattr(calls, "pwrite", broken)
        published.world.end("r2", 9)
        published.write()
    assert (published.folder / "status").read_bytes() == b""
    published.write()
    assert published.in_folder() == published.wanted()


def test_nothing_helps(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    published.to_level_2()
    for name in ("pwrite", "write", "ftruncate", "open", "mkdir", "stat", "fstat"):
        monkeypatch.setattr(calls, name, broken)
    for _ in range(3):
        published.world.end("r2", 9)
        published.write()
    published.publisher.hand_over()
    published.publisher.withdraw()
    monkeypatch.undo()


def test_hand_over_and_what_follows_if_it_fails(published: Published) -> None:
    published.publisher.hand_over()  # nothing is published yet
    published.to_level_2()
    published.publisher.hand_over()
    assert slots.read_header((published.folder / "status").read_bytes()).handed
    published.write()
    assert not slots.read_header((published.folder / "status").read_bytes()).handed
    published.publisher.withdraw()
    assert (published.folder / "status").read_bytes() == b""


def test_descriptors_that_are_in_use_are_left_alone(published: Published) -> None:
    for fd in (STATUS, ENTRIES):
        calls.close(fd)
    other = os.open(os.devnull, os.O_RDONLY)
    os.dup2(other, STATUS)
    publisher = Publisher(lambda: published.world.machine, published.pause)
    publisher.take_place()
    published.world.boot()
    publisher.write()
    assert os.readlink(f"/proc/self/fd/{STATUS}") == os.devnull
    publisher.withdraw()
    for fd in (STATUS, other):
        os.close(fd)
    calls.close(ENTRIES)
    publisher.write()
    assert published.told() == published.wanted(), "it was tried again"


def test_a_folder_that_is_another_inits_is_left_alone(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An init in a container that shares /run publishes in memory only."""
    monkeypatch.setattr(published.publisher, "_only_in_memory", True)
    published.to_level_2()
    assert published.told() == published.wanted()
    assert not published.folder.exists()


def test_without_proc_nobody_knows_the_boot(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as soon as /proc is mounted."""
    with monkeypatch.context() as patch:
        patch.setattr(slots, "BOOT_ID", "/no/such")
        published.to_level_2()
        assert slots.read_header((published.folder / "status").read_bytes()).boot == ""
    published.write()
    assert len(slots.read_header((published.folder / "status").read_bytes()).boot) == 36


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's are not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_commands_that_not_everybody_may_read(published: Published, open_folder: Path) -> None:
    """Guards also against links, and folders further up, that hide a file from others."""
    public, private = open_folder / "public.tab", open_folder / "private"
    public.touch(0o644)
    private.mkdir(0o700)
    (private / "x.tab").touch(0o644)
    (private / "in").mkdir(0o755)
    (private / "in/x.tab").touch(0o644)
    (open_folder / "link.tab").symlink_to("private/x.tab")
    (open_folder / "folder").symlink_to("private/in")
    (private / "out.tab").symlink_to(public)
    files = {
        "a": str(public), "b": str(private / "x.tab"), "c": "/no/such", "d": "",
        "f": str(private / "in/x.tab"), "g": str(open_folder / "link.tab"),
        "h": str(open_folder / "folder/x.tab"), "i": str(private / "out.tab"),
    }  # fmt: skip
    published.world.inittab = tuple(
        Entry(id, "2", "once", f"secret-{id}", file) for id, file in files.items()
    )
    published.world.inittab += (Entry("e", "2", "off", "", str(private / "x.tab")),)
    published.boot()
    listed = Path(f"/proc/self/fd/{ENTRIES}").read_bytes()
    assert {id for id in files if f"secret-{id}".encode() in listed} == set("adi")
    status = Path(f"/proc/self/fd/{STATUS}").read_bytes()
    commands = {entry.id: entry.process for entry, _ in slots.read(status, listed).slots}
    assert (commands["b"], commands["e"]) == (slots.HIDDEN, "")


def test_a_file_that_becomes_private(published: Published, open_folder: Path) -> None:
    """Guards against commands that stay public, as the entries are the same."""
    file = open_folder / "inittab"
    file.touch(0o644)
    published.world.inittab = (*published.world.inittab, Entry("a", "2", "once", "secret", str(file)))
    published.to_level_2()
    listed = published.folder / "entries"
    for mode, is_public in ((0o600, False), (0o644, True)):
        file.chmod(mode)
        do(published.world, "telinit q")
        published.write()
        assert (b"secret" in listed.read_bytes()) == is_public


def test_a_machine_that_knows_nothing(published: Published) -> None:
    """Before the boot, or after an error in it."""
    driver = Driver(Machine(), lambda effect: None, lambda: 0.0)
    publisher = published.publisher
    publisher._machine = lambda: driver.machine
    publisher.write()
    assert published.told() == {}


def test_of_many_entries_it_pauses_in_between(published: Published) -> None:
    """Guards against orphans that wait for all of a large inittab to be published."""
    published.boot()
    few = published.pauses
    published.world.inittab = (*published.world.inittab, *published.world.inittab[:1] * 2000)
    do(published.world, "telinit q")
    published.write()
    assert published.pauses - few >= 8
