"""What a container's init is given, and what it is to be."""

from __future__ import annotations

import os
import posix
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.linux import calls, inherited
from sysvinit_py.linux.descendants import descendants
from sysvinit_py.pid1.container import environment, front, main


def test_the_variables_are_those_of_the_container() -> None:
    given = environment.variables()
    words = Path("/proc/self/environ").read_bytes().rstrip(b"\0").split(b"\0")
    assert given == dict(os.fsdecode(word).partition("=")[::2] for word in words)


def test_what_python_adds_is_not_passed_on_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inherited, "_ENVIRON", "/no/such")
    monkeypatch.setattr(posix, "environ", {b"LC_CTYPE": b"C.UTF-8", b"A": b"1"})
    assert environment.variables() == {"A": "1"}
    monkeypatch.setattr(posix, "environ", {b"LC_CTYPE": b"de"})
    assert environment.variables() == {"LC_CTYPE": "de"}


def test_what_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "stat", os.stat)
    console = {"CONSOLE": "/dev/console"} if os.path.exists("/dev/console") else {}
    assert environment.added({}) == {"SHELL": "/bin/sh", **console}
    assert environment.added({"SHELL": "x", "CONSOLE": "y"}) == {}


def is_machine(link: str | None, monkeypatch: pytest.MonkeyPatch, pid: int = 1) -> list[str] | None:
    """Call it as PID 1; return its arguments if it boots."""

    def readlink(path: str) -> str:
        if link is None:
            raise FileNotFoundError
        return link

    monkeypatch.setattr(calls, "readlink", readlink)
    monkeypatch.setattr(calls, "getpid", lambda: pid)
    monkeypatch.setattr(calls, "write", lambda fd, data: said.append(data))
    monkeypatch.setattr(main, "main", lambda words, path: lambda: 0)
    monkeypatch.setattr(sys, "argv", ["/sbin/init", "--container", "3"])
    said: list[bytes] = []
    if front.program() is None:
        assert said == [b"INIT: --container is for containers; booting\r\n"]
        return sys.argv[1:]
    return None


def test_a_word_on_the_kernels_command_line_stops_no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where /proc is not mounted yet."""
    assert is_machine("pid:[4026531836]", monkeypatch) == ["3"]
    assert is_machine(None, monkeypatch) == ["3"]
    assert is_machine("pid:[4026532000]", monkeypatch) is None
    assert is_machine("pid:[4026531836]", monkeypatch, pid=5) is None


def test_words_are_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever encoding the locale has: the seam writes UTF-8."""
    taken: list[str] = []

    def take(words: list[str], path: str) -> Callable[[], int]:
        taken.extend(words)
        return lambda: 0

    monkeypatch.setattr(main, "main", take)
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "latin-1")
    monkeypatch.setattr(sys, "argv", ["container-init", "--", b"\xc3\xa9".decode("latin-1")])
    front.program()
    assert taken == ["--", "é"]


def test_only_descendants_are_found() -> None:
    """A child, and a grandchild in a session of its own; neither the parent nor a neighbour."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.close(reads)
        if not os.fork():
            os.setsid()
            os.write(writes, b"%d" % os.getpid())
            signal.pause()
        os.waitpid(-1, 0)
        os._exit(0)
    grandchild = int(os.read(reads, 20))
    try:
        found = descendants()
        assert {child, grandchild} <= found
        assert os.getppid() not in found
        name = Path(f"/proc/{child}/comm").read_bytes().removesuffix(b"\n")
        assert grandchild not in descendants(name), "whoever has that name ends it"
    finally:
        for pid in (grandchild, child):
            os.kill(pid, 9)
        os.waitpid(child, 0)
        os.close(reads)
        os.close(writes)
