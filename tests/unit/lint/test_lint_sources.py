"""Which files are read as one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sysvinit_py.inittab.sources import MAX_BYTES
from sysvinit_py.lint.root import Root
from sysvinit_py.lint.sources import sources


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    etc = tmp_path / "etc"
    (etc / "inittab.d").mkdir(parents=True)
    (etc / "inittab").write_text("main")
    for name in ("b.tab", "a.tab", "c", "README", "d.tab~", ".e.tab", "f.dpkg-old"):
        (etc / "inittab.d" / name).write_text(name)
    (etc / "inittab.d" / "folder.tab").mkdir()
    return etc


def read(words: list[str], root: str = "") -> list[tuple[list[str], bool]]:
    found, failed = sources(words, root, "<stdin>")
    assert not failed
    return [([os.path.basename(path) for path, _ in source.files], source.fragment) for source in found]


def test_folder(etc: Path) -> None:
    together = [(["inittab", "a.tab", "b.tab"], False), (["c"], True)]
    assert read([str(etc)]) == together
    assert read([], str(etc.parent)) == together
    assert read([str(etc / "inittab.d")]) == [(["a.tab", "b.tab"], True), (["c"], True)]
    assert read([str(etc / "inittab.d") + "/"]) == [(["a.tab", "b.tab"], True), (["c"], True)]


def test_files_of_one_inittab_are_read_together(etc: Path) -> None:
    """Regression: an id in both was not seen when a hook named them one by one, or only one of them."""
    together = (["inittab", "a.tab", "b.tab"], False)
    words = [str(etc / "inittab"), str(etc / "inittab.d/c"), str(etc / "inittab.d/a.tab")]
    assert read(words) == [together, (["c"], True)]
    for word in words[0], words[2]:
        ((source,), _) = sources([word], "", "")
        assert read([word]) == [together]
        assert [path for path, _ in source.files if source.asks_for(path)] == [word]


def test_only_one_of_both(etc: Path) -> None:
    (etc / "inittab").unlink()
    assert read([str(etc)]) == [(["a.tab", "b.tab"], True), (["c"], True)]
    found, failed = sources([], str(etc.parent), "")
    assert [source.fragment for source in found] == [True, True]
    assert failed == [f"{etc}/inittab: No such file or directory"]


def test_a_container_needs_no_main_file(etc: Path) -> None:
    def read_optional() -> tuple[list[bool], list[str]]:
        found, failed = sources([], str(etc.parent), "", main_optional=True)
        return [source.fragment for source in found], failed

    assert read_optional() == ([False, True], [])
    (etc / "inittab").unlink()
    assert read_optional() == ([False, True], [])  # a.tab and b.tab; c
    for name in "a.tab", "b.tab":
        (etc / "inittab.d" / name).unlink()
    assert read_optional() == ([True], [f"{etc}/inittab: No such file or directory"])


def test_stdin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_bytes(b"x:2:once:/x\n")
    with given.open() as file:
        saved = os.dup(0)
        try:
            os.dup2(file.fileno(), 0)
            ((source,), failed) = sources(["-"], "", "etc/inittab.d/x.tab")
        finally:
            os.dup2(saved, 0)
            os.close(saved)
    assert not failed
    assert source.files == (("etc/inittab.d/x.tab", b"x:2:once:/x\n"),)
    assert source.fragment


def test_what_cannot_be_read(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty").mkdir()
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for word, reason in (
        (str(tmp_path / "no"), "no such file or directory"),
        (str(fifo), "not a regular file"),
        ("/dev/zero", "not a regular file"),
        (str(tmp_path / "loop"), "symbolic links"),
        (str(tmp_path / "empty"), "holds neither inittab nor inittab.d"),
        (str(tmp_path / "large"), "too big (all files together may have 2097152 bytes)"),
        ("a\0b", "no such file"),
        ("/proc/self/mem", "error"),
    ):
        found, (said,) = sources([word], "", "")
        assert not found
        assert reason in said.lower(), word


def test_one_that_cannot_be_read_does_not_hide_the_others(etc: Path) -> None:
    found, failed = sources([str(etc / "no"), str(etc / "inittab")], "", "")
    assert [source.asked for source in found] == [{str(etc / "inittab")}]
    assert failed == [f"{etc}/no: No such file or directory"]


def test_nor_in_a_folder(etc: Path) -> None:
    (etc / "inittab.d/a.tab").unlink()
    with (etc / "inittab.d/a.tab").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    found, (said,) = sources([str(etc)], "", "")
    assert [os.path.basename(path) for path, _ in found[0].files] == ["inittab", "b.tab"]
    assert said.startswith(f"{etc}/inittab.d/a.tab: too big")


def test_a_folder_without_tabs(tmp_path: Path) -> None:
    (tmp_path / "inittab.d").mkdir()
    assert sources([str(tmp_path)], "", "") == ([], [])


def test_what_is_given_twice_is_read_once(etc: Path) -> None:
    word = str(etc / "inittab")
    assert len(read([word, word])) == 1


def test_largest(tmp_path: Path) -> None:
    with (tmp_path / "inittab").open("wb") as file:
        file.truncate(MAX_BYTES)
    ((source,), _) = sources([str(tmp_path / "inittab")], "", "")
    assert len(source.files[0][1]) == MAX_BYTES


def test_what_a_shell_hands_down() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"x")
    os.close(write_end)
    ((source,), _) = sources([f"/dev/fd/{read_end}"], "", "")
    os.close(read_end)
    assert source.files[0][1] == b"x"


def test_links_of_an_image_stay_in_it(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "usr/bin/sh").touch()
    (tmp_path / "usr/bin/abs").symlink_to("/bin/sh")
    (tmp_path / "usr/bin/up").symlink_to("../../../../usr/bin/sh")
    (tmp_path / "usr/bin/a").symlink_to("b")
    (tmp_path / "usr/bin/b").symlink_to("a")
    root = Root(str(tmp_path))
    for path in (
        "/bin/sh",
        "/usr/bin/sh",
        "/bin/../bin/./sh",
        "/bin/abs",
        "/bin/up",
        "//bin//sh",
        "/../bin/sh",
    ):
        assert root.mode(path) is not None, path
    for path in ("/bin/no", "/bin/a", "/bin/sh/x", "/bin/\0", "/no/../bin/sh", str(tmp_path / "bin/sh")):
        assert root.mode(path) is None, path
    found = root.find("sh")
    assert found is not None
    assert found[0] == "/bin/sh"
    assert root.find("nothing") is None
