"""Reading the inittab: by init itself, by a child, or not at all because nothing has changed."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysvinit_py.inittab.sources import gather
from sysvinit_py.linux import calls
from sysvinit_py.machine.events import InittabNotRead, InittabRead
from sysvinit_py.pid1.inputs import reader as module
from sysvinit_py.pid1.inputs.reader import Reader
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[4]
CHILD = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
from sysvinit_py.inittab.child import main
sys.exit(main())
"""


class Etc:
    """A folder like /etc, and a reader of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inittab = folder / "inittab"
        self.program = folder / "init"
        self.be(CHILD)
        self.inittab.write_text("a:2:wait:x\nrefused\n")
        self.spawned = 0
        monkeypatch.setattr(module, "gather", lambda: gather(str(self.inittab), str(folder / "inittab.d")))
        monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
        monkeypatch.setattr(calls, "posix_spawn", self._spawn)

    def _spawn(self, *arguments: object, **options: object) -> int:
        self.spawned += 1
        return os.posix_spawn(*arguments, **options)  # type: ignore[arg-type]

    def reader(self) -> Reader:
        return Reader(str(self.program))

    def be(self, code: str) -> None:
        """Have the program be this, from one moment to the next: a child may not have come to run it yet."""
        draft = self.program.with_suffix(".new")
        draft.touch(mode=0o755)
        draft.write_text(f"#!{sys.executable} -IS\n{code}")
        draft.replace(self.program)


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Etc]:
    before = os.listdir("/proc/self/fd")
    yield Etc(tmp_path, monkeypatch)
    assert os.listdir("/proc/self/fd") == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def answer(reader: Reader) -> InittabRead | InittabNotRead:
    """Wait for what the child says, or the next one, and reap it."""
    while True:
        if reader.pipe < 0:
            assert reader.deadline is not None
            reader.time_passed(reader.deadline)
        poll = select.poll()
        poll.register(reader.pipe, select.POLLIN)
        assert poll.poll(20_000 * PATIENCE)
        event = reader.read(0.0)
        if event is not None or reader.pipe < 0:
            pid, _ = os.waitpid(-1, 0)
            reader.child_exited(pid)
        if event is not None:
            return event


def ids(event: object) -> list[str]:
    assert isinstance(event, InittabRead)
    return [entry.id for entry in event.entries]


def test_a_child_reads_it(etc: Etc) -> None:
    reader = etc.reader()
    assert reader.start(10.0) is None
    assert reader.deadline == 10.0 + module.PATIENCE
    assert ids(answer(reader)) == ["a", "~~"]
    assert reader.pipe == -1
    assert not reader.deadline


def test_no_child_where_nothing_has_changed(etc: Etc) -> None:
    reader = etc.reader()
    reader.start(0.0)
    answer(reader)
    assert ids(reader.start(0.0)) == ["a", "~~"]
    etc.inittab.write_text("b:2:wait:x\nrefused\n")
    assert reader.start(0.0) is None
    assert ids(answer(reader)) == ["b", "~~"]
    assert etc.spawned == 2


def test_init_itself_reads_what_is_plain(etc: Etc) -> None:
    etc.inittab.write_text("# plain\n\na:2:wait:x\n")
    reader = etc.reader()
    assert ids(reader.start(0.0)) == ["a", "~~"]
    assert reader.start(0.0) is reader.start(0.0)
    assert not etc.spawned


def test_a_plain_file_ends_the_reading_of_one_that_was_not(etc: Etc) -> None:
    reader = etc.reader()
    etc.be("import time\ntime.sleep(100)")
    reader.start(0.0)
    etc.inittab.write_text("b:2:wait:x\n")
    assert ids(reader.start(0.0)) == ["b", "~~"]
    assert os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) == -9
    assert reader.pipe == -1
    assert not reader.deadline


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise SystemExit(1)", "the process that parses it has failed"),
        ("print('nonsense')", "the process that parses it has failed"),
        ("import os\nos.kill(os.getpid(), 9)", "the process that parses it has failed"),
        ("while True: print('x' * 65536)", "its reading never ends"),
    ],
    ids=["fails", "nonsense", "killed", "endless"],
)
def test_a_child_that_goes_wrong(
    etc: Etc, program: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 20)
    etc.be(program)
    reader = etc.reader()
    reader.start(0.0)
    assert answer(reader) == InittabNotRead(f"inittab is not read: {reason}")
    assert etc.spawned == (1 if reason == "its reading never ends" else module.ATTEMPTS)
    assert not reader.deadline


def test_a_child_that_goes_wrong_once(etc: Etc) -> None:
    """Killed for want of memory, say: at boot all depends on it."""
    etc.be("")
    reader = etc.reader()
    assert reader.start(10.0) is None
    os.waitpid(-1, 0)
    assert reader.read(11.0) is None
    assert reader.deadline == 11.0 + module.PAUSE
    etc.be(CHILD)
    assert ids(answer(reader)) == ["a", "~~"]


def test_giving_up_ends_the_child(etc: Etc) -> None:
    etc.be("import time\ntime.sleep(100)")
    reader = etc.reader()
    reader.start(0.0)
    assert reader.read(1.0) is None
    assert reader.time_passed(module.PATIENCE) == InittabNotRead("inittab is not read: it takes too long")
    assert os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) == -9


def test_a_reading_of_the_same_files_goes_on(etc: Etc) -> None:
    """Regression: begun anew at every telinit q of a flood, it was never done."""
    reader = etc.reader()
    for _ in range(3):
        assert reader.start(0.0) is None
    assert ids(answer(reader)) == ["a", "~~"]
    assert etc.spawned == 1


def test_a_reading_of_changed_files_ends_the_one_under_way(etc: Etc) -> None:
    reader = etc.reader()
    etc.be("import time\ntime.sleep(100)")
    reader.start(0.0)
    etc.be(CHILD)
    etc.inittab.write_text("b:2:wait:x\nrefused\n")
    reader.start(0.0)
    assert os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) == -9
    assert ids(answer(reader)) == ["b", "~~"]


@pytest.mark.parametrize("call", ["memfd_create", "write", "lseek", "pipe2", "fcntl", "posix_spawn"])
def test_no_child_can_be_made(etc: Etc, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    reader = etc.reader()
    with monkeypatch.context() as patch:
        patch.setattr(calls, call, fails)
        assert reader.start(0.0) is None
        for n in range(1, module.ATTEMPTS):
            assert reader.deadline == n * module.PAUSE
            event = reader.time_passed(reader.deadline)
    assert isinstance(event, InittabNotRead)
    assert "Cannot allocate memory" in event.reason
    assert reader.start(0.0) is None
    answer(reader)


def test_a_pipe_that_cannot_be_read(etc: Etc, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    reader = etc.reader()
    reader.start(0.0)
    with monkeypatch.context() as patch:
        patch.setattr(calls, "read", fails)
        assert reader.read(0.0) is None
    os.waitpid(-1, 0)
    assert ids(answer(reader)) == ["a", "~~"]


def test_a_reaped_child_is_not_killed(etc: Etc, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pid may be somebody else's by then."""
    etc.be("")
    reader = etc.reader()
    reader.start(0.0)
    pid, _ = os.waitpid(-1, 0)
    reader.child_exited(pid + 1)
    reader.child_exited(pid)
    monkeypatch.setattr(calls, "kill", lambda *_: pytest.fail("killed"))
    reader.stop()
