"""inittab explain and inittab graph of a file, and inittab chart: the command line, what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.cli import looking
from sysvinit_py.clients.inittab import program
from sysvinit_py.report import slots
from tests.unit.report.published import publish
from tests.unit.report.test_report_chart import booted, noted

INITTAB = """\
id:2:initdefault:
si::sysinit:/etc/rcS
l2:2:wait:/etc/rc 2
a:2:respawn:/usr/sbin/a
b:23:respawn:/usr/sbin/b
o:3:once:/bin/echo \x1b[31m
boot:2:once:/bin/boot
a:2:once:/bin/second
 bad:line
~~:S:wait:/sbin/sulogin
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_text(INITTAB)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = program.main(arguments)
        told = capfd.readouterr()
        return status, told.out, told.err

    return call


def test_a_file(run: Run) -> None:
    status, told, errors = run("explain", "f")
    assert (status, errors) == (0, "")
    paragraphs = told.split("\n\n")
    assert [paragraph.split()[0] for paragraph in paragraphs] == [
        "id", "si", "l2", "a", "b", "o", "boot", "~~", "f[8]", "f[9]",
    ]  # fmt: skip
    assert "\x1b" not in told
    assert r"o  once, f[6]: /bin/echo \x1b[31m" in told
    assert all(line.startswith("    ") for text in paragraphs for line in text.strip().split("\n")[1:])


def test_an_entry(run: Run) -> None:
    status, told, _ = run("explain", "f", "b")
    assert status == 0
    assert told.startswith("b  respawn, f[5]: /usr/sbin/b\n    Started when level 2 or 3 is entered.\n")


def test_a_line_that_is_refused_is_never_started(run: Run) -> None:
    status, told, _ = run("explain", "f", "a")
    assert status == 0
    assert told.startswith("a  respawn, f[4]: ")
    assert told.endswith(
        "\n\nf[8]\n    Never started: init refuses the line.\n"
        '    duplicate ID field "a", the first one is in line 4\n'
    )
    assert "missing action field" in run("explain", "f", "bad")[1]


def test_an_id_that_there_is_not(run: Run) -> None:
    assert run("explain", "f", "x\x1b") == (4, "", "inittab: f: no line has this id: x\\x1b\n")


def test_boot_and_the_entry_of_that_id(run: Run) -> None:
    status, told, _ = run("explain", "f", "boot")
    assert status == 0
    assert told.startswith(
        "Boot\n    Sysinit entries\n        1. si is started; init waits for its end: /etc/rcS\n"
    )
    end = "        5. boot is started, when l2 has ended: /bin/boot\n    Init stays in level 2.\n\nboot  "
    assert end in told


def test_another_level(run: Run) -> None:
    status, told, errors = run("explain", "f", "--from", "2", "--to", "3")
    assert status == 1
    assert told.startswith("telinit 3 in level 2: would end and start\n")
    rows = [line.split()[:2] for line in told.splitlines()[2:]]
    assert rows == [["end", "a"], ["end", "boot"], ["start", "o"], ["leave", "b"]]
    assert "f[8]: duplicate ID" in errors
    assert run("explain", "f", "--to", "2")[0] == 0
    steps = json.loads(run("explain", "--json", "--to", "3", "f")[1])["steps"]
    assert [(step["what"], step["id"]) for step in steps] == [tuple(row) for row in rows]


def test_no_level_to_come_from(run: Run, tmp_path: Path) -> None:
    (tmp_path / "g").write_text("a:2:once:x\n")
    status, _, errors = run("explain", "g", "--to", "3")
    assert (status, errors) == (4, "inittab: g: no level to boot to: name one with --from\n")
    assert run("explain", "g", "--from", "2", "--to", "3")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain"],
        ["explain", "--from", "2", "--to", "3"],
        ["explain", "f", "--from", "2"],
        ["explain", "f", "a", "--to", "2"],
        ["explain", "f", "boot", "--from", "2", "--to", "3"],
        ["explain", "f", "a", "b"],
        ["graph", "--format", "svg", "f"],
    ],
)
def test_arguments_that_are_none(run: Run, arguments: list[str]) -> None:
    status, told, errors = run(*arguments)
    assert (status, told) == (2, "")
    assert errors.startswith("inittab: error: ")


def test_json_has_all_bytes(run: Run, tmp_path: Path) -> None:
    """As the JSON of status and history; two ids must not look the same."""
    (tmp_path / "raw").write_bytes(
        b"id:2:initdefault:\n\xff:2:wait:/a \xfe\n\xfe:2:respawn:/b\n\xff:2:once:/c\n"
    )
    told = json.loads(run("explain", "--json", "raw", "boot")[1])
    raw = {"id_raw": "/w==", "command_raw": "L2Eg/g=="}
    assert told["boot"][0].items() >= raw.items()
    assert told["boot"][1]["after_raw"] == "/w=="
    told = json.loads(run("explain", "--json", "raw")[1])
    assert told["entries"][1].items() >= raw.items()
    assert told["entries"][2]["after"]["2_raw"] == "/w=="
    assert told["entries"][0]["ended_in"] == []
    [step] = json.loads(run("explain", "--json", "--from", "2", "--to", "3", "raw")[1])["steps"]
    assert step["id_raw"] == "/g=="


def test_json(run: Run) -> None:
    told = json.loads(run("explain", "--json", "f", "a")[1])
    assert (told["form"], [entry["id"] for entry in told["entries"]]) == (1, ["a"])
    assert told["entries"][0]["after"] == {"2": "l2"}
    assert [(line["line"], line["file"]) for line in told["refused"]] == [(8, "f")]
    told = json.loads(run("explain", "--json", "f", "boot")[1])
    assert told["level"] == "2"
    assert [(step["stage"], step["id"], step["after"], step["waited"]) for step in told["boot"]] == [
        ("#", "si", None, True), ("2", "l2", None, True), ("2", "a", "l2", False), ("2", "b", "l2", False),
        ("2", "boot", "l2", False),
    ]  # fmt: skip


def test_files_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for verb in ("explain", "graph"):
        assert run(verb, "nowhere") == (4, "", "inittab: nowhere: No such file or directory\n")
        assert run(verb, "fifo") == (4, "", "inittab: fifo: not a regular file\n")


@pytest.mark.parametrize(
    "arguments", [["explain", "-", "b"], ["graph", "-"], ["graph", "--format=matrix", "-"]]
)
def test_standard_input(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "sysvinit_py.clients.inittab.program", *arguments]
    done = subprocess.run(command, input=INITTAB.encode(), capture_output=True, check=True)
    assert b"/usr/sbin/b" in done.stdout


def test_a_file_that_is_something_else_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("::sysinit:/etc/rcS\n::askfirst:-/bin/sh\n")
    status, _, errors = run("explain", "b")
    assert status == 0
    assert "an inittab for BusyBox" in errors


@pytest.mark.parametrize(
    ("form", "begin"),
    [("dot", "digraph inittab {\n"), ("mermaid", "flowchart LR\n"), ("matrix", "ID    ACTION ")],
)
def test_graph(run: Run, form: str, begin: str) -> None:
    status, told, errors = run("graph", "--format", form, "f")
    assert status == 0
    assert told.startswith(begin)
    assert "/usr/sbin/b" in told.replace("#47;", "/")
    assert "f[8]: duplicate ID" in errors
    assert "\x1b" not in told + errors


def test_chart(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    world, ring = booted()
    noted(world, ring)
    published = slots.read(*publish(*world.machine.processes.jobs.values()))
    content = bytes(ring.content)
    monkeypatch.setattr(looking, "look", lambda pid: (1, published.replace(history=content)))
    status, told, errors = run("chart")
    assert (status, errors) == (0, "")
    assert told.startswith("boot: 5.000 s\nID  BEGAN    RAN  HELD-UP ")
    assert run("chart", "--svg")[1].startswith("<svg ")
    assert run("chart", "--to", "5") == (
        4, "", "inittab: change to level 5: not among the events that init keeps\n",
    )  # fmt: skip
