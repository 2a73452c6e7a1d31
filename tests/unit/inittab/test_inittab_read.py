"""inittab and inittab.d as files: the order, what is missing, and whatever else can stand in their places."""

from __future__ import annotations

import os
import posix
import socket
import stat
from pathlib import Path

import pytest

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import NO_OPTIONS, SULOGIN, Reading
from sysvinit_py.inittab.read import MAX_PROBLEMS, read
from sysvinit_py.inittab.sources import MAX_BYTES, exposed, exposure, gather
from sysvinit_py.linux import calls


class Etc:
    """An inittab and an inittab.d to fill."""

    def __init__(self, folder: Path) -> None:
        self.inittab = folder / "inittab"
        self.directory = folder / "inittab.d"

    def read(self) -> Reading:
        return read(str(self.inittab), str(self.directory))

    def ids(self) -> list[str]:
        """The ids read, without that of the sulogin that may be added."""
        return [entry.id for entry in self.read().entries if entry is not SULOGIN]


@pytest.fixture
def etc(tmp_path: Path) -> Etc:
    (tmp_path / "inittab.d").mkdir()
    (tmp_path / "inittab").write_text("m:S:wait:x\n")
    return Etc(tmp_path)


def problems(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


# ---- what is read ----


def test_main_file_then_tab_files_in_the_order_of_their_names(etc: Etc) -> None:
    names = ["b.tab", "a.tab", "10.tab", "9.tab", "B.tab", "\u00e9.tab"]
    for number, name in enumerate(names):
        (etc.directory / name).write_text(f"f{number}:2:wait:x\n")
    (etc.directory / os.fsdecode(b"\xff.tab")).write_text("ff:2:wait:x\n")
    assert etc.ids() == ["m", "f2", "f3", "f4", "f1", "f0", "f5", "ff"]
    assert [os.path.basename(entry.file) for entry in etc.read().entries[:2]] == ["inittab", "10.tab"]


@pytest.mark.parametrize("name", ["x", "x.tab~", "x.tab.bak", "x.TAB", ".tab", ".x.tab", "tab"])
def test_other_names_are_not_read(etc: Etc, name: str) -> None:
    (etc.directory / name).write_text("x:2:wait:x\n")
    assert etc.ids() == ["m"]


def test_all_entries_of_a_tab_file_count(etc: Etc) -> None:
    (etc.directory / "x.tab").write_text("a:2:wait:x\n\nb:2:wait:x\nc:2:wait:x")
    assert etc.ids() == ["m", "a", "b", "c"]


def test_problems_name_the_file_they_are_in(etc: Etc) -> None:
    etc.inittab.write_text("a:S:wait:x\nbad\n")
    (etc.directory / "x.tab").write_text("\n:2:wait:x\na:2:wait:y\n")
    tab = etc.directory / "x.tab"
    assert [str(problem).split(" (")[0] for problem in etc.read().problems] == [
        f"{etc.inittab}[2]: missing action field",
        f"{tab}[2]: missing id field",
        f'{tab}[3]: duplicate ID field "a", the first one is in {etc.inittab}[1]',
    ]


def test_symbolic_links_are_followed(etc: Etc, tmp_path: Path) -> None:
    etc.inittab.rename(tmp_path / "elsewhere")
    etc.inittab.symlink_to("elsewhere")
    (etc.directory / "x.tab").symlink_to(tmp_path / "other")
    (tmp_path / "other").write_text("o:2:wait:x\n")
    assert etc.ids() == ["m", "o"]


def test_no_directory_is_no_problem(etc: Etc) -> None:
    etc.directory.rmdir()
    assert etc.read().problems == ()
    assert etc.read().complete


def test_by_default_the_files_of_etc_are_read() -> None:
    assert read.__defaults__ == ("/etc/inittab", "/etc/inittab.d")


# ---- what is missing, or cannot be read ----


def test_a_missing_main_file_is_an_empty_one(etc: Etc) -> None:
    etc.inittab.unlink()
    (etc.directory / "x.tab").write_text("x:2:wait:x\n")
    reading = etc.read()
    assert (reading.missing, reading.unreadable, reading.complete) == (True, False, False)
    assert problems(reading) == ["No inittab file found"]
    assert [entry.id for entry in reading.entries] == ["x", "~~"]


def test_tab_files_may_be_the_whole_inittab(etc: Etc) -> None:
    """Regression: the main file was missed at each reading, and no change of theirs was taken."""
    etc.inittab.unlink()
    (etc.directory / "x.tab").write_text("x:2:wait:x\n")
    (etc.directory / "y.tab").write_text("id:2:initdefault:\n")
    reading = etc.read()
    assert reading.problems == ()
    assert reading.complete


def test_an_initdefault_that_is_refused_makes_no_whole_inittab(etc: Etc) -> None:
    etc.inittab.unlink()
    (etc.directory / "x.tab").write_text("toolong:2:initdefault:\n")
    assert problems(etc.read())[0] == "No inittab file found"


def test_an_empty_main_file_is_none_missing(etc: Etc) -> None:
    etc.inittab.write_text("")
    assert etc.read() == Reading(entries=(SULOGIN,))


def put_directory(path: Path) -> None:
    path.mkdir()


def put_fifo(path: Path) -> None:
    os.mkfifo(path)


def put_socket(path: Path) -> None:
    # Through the folder: the path of a socket has room for a hundred bytes only.
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def put_null_device(path: Path) -> None:
    path.symlink_to("/dev/null")


def put_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def put_loop(path: Path) -> None:
    path.symlink_to(path)


def put_big_file(path: Path) -> None:
    path.write_text("x:2:wait:x\n" * 1_000_000)  # 11 MB


TROUBLES = [
    (put_directory, "not a regular file"),
    (put_fifo, "not a regular file"),
    (put_socket, "No such device or address"),
    (put_null_device, "not a regular file"),
    (put_endless_device, "not a regular file"),
    (put_loop, "Too many levels of symbolic links"),
    (put_big_file, "too big (all files together may have 2097152 bytes)"),
]
troubles = pytest.mark.parametrize(
    ("put", "reason"), TROUBLES, ids=lambda value: getattr(value, "__name__", "")
)


@troubles
@pytest.mark.timeout(20)
def test_main_file_that_cannot_be_read(
    etc: Etc, put: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(put)
    monkeypatch.chdir("/")  # and back, if put went elsewhere
    etc.inittab.unlink()
    put(etc.inittab)
    (etc.directory / "x.tab").write_text("x:2:wait:x\n")
    reading = etc.read()
    assert (reading.missing, reading.unreadable, reading.complete) == (False, True, False)
    assert problems(reading) == [f"{etc.inittab}: cannot be read: {reason}"]
    assert [entry.id for entry in reading.entries] == ["x", "~~"]


@troubles
@pytest.mark.timeout(20)
def test_tab_file_that_cannot_be_read(
    etc: Etc, put: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(put)
    monkeypatch.chdir("/")
    put(etc.directory / "b.tab")
    (etc.directory / "a.tab").write_text("a:2:wait:x\n")
    (etc.directory / "c.tab").write_text("c:2:wait:x\n")
    reading = etc.read()
    assert (reading.missing, reading.unreadable) == (False, True)
    assert problems(reading) == [f"{etc.directory}/b.tab: cannot be read: {reason}"]
    assert [entry.id for entry in reading.entries] == ["m", "a", "c"]


def test_a_dangling_tab_file_is_a_problem(etc: Etc) -> None:
    (etc.directory / "x.tab").symlink_to("nowhere")
    reading = etc.read()
    assert reading.unreadable
    assert problems(reading) == [f"{etc.directory}/x.tab: cannot be read: No such file or directory"]


def test_a_directory_that_is_none(etc: Etc) -> None:
    etc.directory.rmdir()
    os.mkfifo(etc.directory)
    reading = etc.read()
    assert reading.unreadable
    assert problems(reading) == [f"{etc.directory}: cannot be read: Not a directory"]
    assert etc.ids() == ["m"]


@pytest.mark.parametrize("name", ["inittab", "inittab.d"])
def test_no_permission(etc: Etc, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As root every file can be read, so the system call has to say no.
    function = "open" if name == "inittab" else "listdir"
    monkeypatch.setattr(calls, function, lambda *_: no(PermissionError(13, "Permission denied")))
    reading = etc.read()
    assert reading.unreadable
    assert f"{etc.inittab.parent / name}: cannot be read: Permission denied" in problems(reading)


def no(error: OSError) -> None:
    raise error


def test_an_error_while_reading(etc: Etc, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(calls, "read", lambda *_: no(OSError(5, "Input/output error")))
    assert problems(etc.read()) == [f"{etc.inittab}: cannot be read: Input/output error"]
    assert len(os.listdir("/proc/self/fd")) == before


# ---- sizes ----


def test_the_largest_file(etc: Etc) -> None:
    text = b"m:S:wait:x\n#"
    etc.inittab.write_bytes(text + b"x" * (MAX_BYTES - len(text)))
    assert etc.read().complete
    etc.inittab.write_bytes(text + b"x" * (MAX_BYTES - len(text) + 1))
    assert etc.read().unreadable


def test_all_files_together_have_a_limit(etc: Etc) -> None:
    comment = b"#" + b"x" * (MAX_BYTES // 2) + b"\n"
    (etc.directory / "a.tab").write_bytes(comment)
    (etc.directory / "b.tab").write_bytes(comment)
    (etc.directory / "c.tab").write_bytes(b"c:2:wait:x\n")
    assert [problem.file for problem in etc.read().problems] == [f"{etc.directory}/b.tab"]
    assert etc.ids() == ["m", "c"]


def test_a_file_that_grows_while_it_is_read(etc: Etc, monkeypatch: pytest.MonkeyPatch) -> None:
    # However fast a writer is, no more is asked for than the limit, and a byte to see that there is more.
    asked: list[int] = []

    def endless(_: int, size: int) -> bytes:
        asked.append(size)
        return b"x" * size

    monkeypatch.setattr(calls, "read", endless)
    assert etc.read().unreadable
    assert sum(asked) == MAX_BYTES + 1
    assert len(asked) < 100


def test_a_file_read_in_pieces(etc: Etc, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.read
    monkeypatch.setattr(calls, "read", lambda fd, size: whole(fd, min(size, 3)))
    assert etc.ids() == ["m"]


def test_a_file_that_is_no_inittab_does_not_flood_the_console(etc: Etc) -> None:
    etc.inittab.write_text("nonsense\n" * (MAX_PROBLEMS + 23))
    os.mkfifo(etc.directory / "x.tab")
    found = problems(etc.read())
    assert len(found) == MAX_PROBLEMS + 2
    assert found[-2:] == [
        f"{etc.directory}/x.tab: cannot be read: not a regular file",
        "23 more problems of inittab are not listed",
    ]


def test_just_as_many_problems_as_are_said(etc: Etc) -> None:
    etc.inittab.write_text("nonsense\n" * MAX_PROBLEMS)
    assert len(etc.read().problems) == MAX_PROBLEMS


# ---- files that are something else ----

BUSYBOX = """# Buildroot's
::sysinit:/bin/mount -t proc proc /proc
null::sysinit:/bin/mkdir -p /dev/pts
ttyS0::respawn:/sbin/getty -L ttyS0 115200 vt100
tty2::askfirst:-/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/umount -a -r
::restart:/sbin/init
"""


@pytest.mark.parametrize("name", ["inittab", "inittab.d/x.tab"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BUSYBOX.encode(), "an inittab for BusyBox"),
        (b"::sysinit:/etc/init.d/rcS\n", "an inittab for BusyBox"),
        (b"tty1::askfirst:-/bin/sh\n", "an inittab for BusyBox"),
        (b"\xef\xbb\xbfid:2:initdefault:\n", "begins with a byte order mark"),
        (b"\xef\xbb\xbf# comment\n", "begins with a byte order mark"),
        (b"\xef\xbb\xbfa:2:wait:x\n", "begins with a byte order mark"),
        (b"\xef\xbb\xbf\n", "begins with a byte order mark"),
        ("\ufeffid:2:initdefault:\na:2:wait:x\n".encode("utf-16-le"), "UTF-16 text"),
        ("\ufeffid:2:initdefault:\na:2:wait:x\n".encode("utf-16-be"), "UTF-16 text"),
    ],
)
def test_a_file_that_is_something_else_is_named_once(etc: Etc, name: str, data: bytes, reason: str) -> None:
    """Regression: each line was refused for a missing or too long id."""
    path = etc.inittab.parent / name
    path.write_bytes(data)
    [problem] = etc.read().problems
    assert str(problem).startswith(f"{path}: {reason}")


def test_other_faults_of_such_a_file_are_named(etc: Etc) -> None:
    etc.inittab.write_text(BUSYBOX + "nonsense\n")
    _, other = problems(etc.read())
    assert other.startswith(f"{etc.inittab}[9]: id field too long")


@pytest.mark.parametrize("text", [":2:once:x\n", "id:2:initdefault:\n::respawn:x\n", "a:2:askfirst:x\n"])
def test_a_slip_makes_no_inittab_of_another_init(etc: Etc, text: str) -> None:
    etc.inittab.write_text(text)
    [problem] = etc.read().problems
    assert problem.line


# ---- level S ----


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("runlevels", ["S", "s", "2S", "", "2", "a"])
def test_sulogin_where_nothing_can_start_in_s(etc: Etc, runlevels: str, action: str) -> None:
    # C counts off, initdefault and ondemand too, though none of them ever starts in S.
    event = action.startswith("power") or action == "ctrlaltdel"
    started = not event and action not in ("sysinit", "boot", "bootwait", "initdefault", "ondemand", "off")
    in_s = "S" in runlevels.upper() or (not runlevels and event)
    etc.inittab.write_text(f"x:{runlevels}:{action}:/bin/x\n")
    assert (SULOGIN in etc.read().entries) is not (in_s and (started or event))


def test_sulogin_where_the_entry_of_s_does_nothing(etc: Etc) -> None:
    etc.inittab.write_text("x:S:wait:\n")
    assert etc.read().entries[-1] is SULOGIN


def test_no_sulogin_where_a_tab_file_has_an_entry_for_s(etc: Etc) -> None:
    etc.inittab.write_text("x:2:wait:x\n")
    (etc.directory / "x.tab").write_text("y:S:wait:y\n")
    assert etc.ids() == ["x", "y"]
    assert SULOGIN not in etc.read().entries


def test_what_sulogin_is() -> None:
    assert SULOGIN.astuple() == ("~~", "S", "wait", "/sbin/sulogin", "", 0, None, NO_OPTIONS)


# ---- who else may change it ----


@pytest.mark.parametrize(
    ("mode", "owner", "expected"),
    [
        (0o644, os.geteuid(), ""),
        (0o664, 0, ""),
        (0o646, os.geteuid(), "is writable by everybody"),
        (0o644, 0, ""),
        (0o644, 12345, "belongs to the user 12345"),
    ],
)
def test_who_else_may_change_a_file(mode: int, owner: int, expected: str) -> None:
    status = posix.stat_result((stat.S_IFREG | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
    assert exposure(status) == expected


def test_exposure_of_what_is_read_and_of_a_path(etc: Etc, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chmod(etc.inittab, 0o666)
    os.chmod(etc.directory, 0o777)
    (etc.directory / "a.tab").write_text("a:2:wait:x\n")
    sources = gather(str(etc.inittab), str(etc.directory))
    assert [source.exposed for source in sources] == ["is writable by everybody", ""]
    assert exposed(str(etc.directory)) == "is writable by everybody"
    assert exposed(str(etc.directory / "a.tab")) == exposed(str(etc.directory / "missing")) == ""

    def failing(_: int) -> posix.stat_result:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(calls, "fstat", failing)
    assert exposed(str(etc.directory)) == ""
