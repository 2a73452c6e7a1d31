"""inittab explain and inittab graph of a file, and inittab chart: the command line, what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from sysvinit_py.cli import looking
from sysvinit_py.clients.inittab import program
from sysvinit_py.inittab.sources import MAX_BYTES
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
SCHEMA = Path(program.__file__).parents[2] / "data" / "chart.schema.json"


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
        ["explain", "--container"],
        ["explain", "--container", "--to", "3", "f"],
        ["chart", "--svg", "--json"],
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


def test_what_init_reads_with_an_inittab(run: Run, tmp_path: Path) -> None:
    """The .tab files of the inittab.d beside it, as bytes sort, and what cannot be read of them is told."""
    folder = tmp_path / "etc" / "inittab.d"
    folder.mkdir(parents=True)
    (folder.parent / "inittab").write_text("id:2:initdefault:\na:2:respawn:/bin/a\n")
    (folder / "x.tab").write_text("x:2:respawn:/bin/x\na:2:once:/bin/second\n")
    (folder / "B.tab").write_text("b:2:wait:/bin/b\n")
    (folder / "no").write_text("no:2:once:/bin/no\n")
    (folder / ".h.tab").write_text("h:2:once:/bin/h\n")
    status, told, errors = run("explain", "etc/inittab")
    assert (status, errors) == (0, "")
    heads = [paragraph.split(":")[0].split("\n")[0] for paragraph in told.split("\n\n")]
    assert heads == [
        "id  initdefault, etc/inittab[1]", "a  respawn, etc/inittab[2]", "b  wait, etc/inittab.d/B.tab[1]",
        "x  respawn, etc/inittab.d/x.tab[1]", "~~  wait, added by init", "etc/inittab.d/x.tab[2]",
    ]  # fmt: skip
    assert "duplicate ID" in run("explain", "etc/inittab", "a")[1]
    assert "/bin/x" in run("graph", "etc/inittab")[1]
    (tmp_path / "secret").write_text("s:2:once:/bin/s\n")
    (folder / "out.tab").symlink_to("/proc/self/environ")
    os.mkfifo(folder / "fifo.tab")
    _, told, errors = run("explain", "etc/inittab")
    assert "etc/inittab.d/fifo.tab: cannot be read: not a regular file" in errors
    assert "etc/inittab.d/out.tab: cannot be read: " in errors
    (folder / "big.tab").write_bytes(b"#" * MAX_BYTES)
    assert "etc/inittab.d/big.tab: cannot be read: more than " in run("explain", "etc/inittab")[2]
    folder.rename(folder.with_name("other"))
    folder.write_text("")
    assert "etc/inittab.d: cannot be read: Not a directory" in run("explain", "etc/inittab")[2]


CONTAINER = """\
id:3:initdefault:
si::sysinit:/etc/rcS
b::boot:/bin/b
l3:3:wait:/etc/rc 3 | cat
# inittab: stop=QUIT grace=3
a:3:respawn:/usr/sbin/a
# inittab: main
m:3:once:/app
o:3:once:/bin/o
x:24:respawn:/usr/sbin/x
cl:06:wait:/bin/clean
h:0:wait:/sbin/halt -p
pf::powerfail:/x
d:a:ondemand:/d
off:3:off:/x
none:3:once:
"""


@pytest.mark.parametrize(
    ("entry_id", "sentences"),
    [
        ("id", ["Starts nothing. The container enters level 3."]),
        (
            "si",
            ["Started first, when the container is.", "What comes after it is started when it has ended."],
        ),
        (
            "b",
            ["Started when the sysinit entries have ended.", "Set-up: if it ends with another status than 0"],
        ),
        ("l3", ["Started when the container is, in level 3.", "/bin/sh runs the command."]),
        (
            "a",
            [
                "It waits for the end of l3.",
                "Service: started again whenever it ends; after 10 starts in 120 s the container ends",
                "A request to stop ends it: the signal of stop=, and SIGKILL 3 s later.",
                "Comments say of it: stop=QUIT grace=3.",
            ],
        ),
        ("m", ["Main: when it ends the container does, with its status."]),
        ("o", ["Nothing follows from its end", "ends it: SIGTERM, and SIGKILL 8 s later."]),
        ("x", ["Not started in level 3, the container's. telinit can enter level 2 or 4."]),
        ("cl", ["Started when all else has ended, and the container stops in level 0 or 6."]),
        ("h", ["Never started: it names no level that a container runs in."]),
        ("pf", ["Never started: there is no power supply, keyboard or suspend in a container."]),
        ("d", ["Started by telinit a.", "Service: "]),
        ("off", ["Never started: its action is off."]),
        ("none", ["Never started: it has no command."]),
    ],
)
def test_an_entry_in_a_container(run: Run, tmp_path: Path, entry_id: str, sentences: list[str]) -> None:
    (tmp_path / "c").write_text(CONTAINER)
    status, told, errors = run("explain", "--container", "c", entry_id)
    assert (status, errors) == (0, "")
    for sentence in sentences:
        assert sentence in told
    [facts] = json.loads(run("explain", "--container", "--json", "c", entry_id)[1])["entries"]
    assert facts["text"] == "\n".join(line.strip() for line in told.splitlines()[1:])
    assert bool(facts["never"]) == ("Never started" in told or entry_id == "id")
    assert bool(facts["role"]) != bool(facts["never"])


def test_a_container(run: Run, tmp_path: Path) -> None:
    """The level where no initdefault names one; a grace of the file; and what is refused."""
    (tmp_path / "c").write_text("# inittab-file: grace=2\na:2:respawn:/bin/a\nb:3:once:/bin/b\n")
    told = run("explain", "--container", "c")[1]
    assert "Started when the container is, in level 2." in told
    assert "SIGKILL 2 s later" in told
    assert "sulogin" not in told
    assert (
        "1. a is started: /bin/a\n    Init stays in level 2." in run("explain", "--container", "c", "boot")[1]
    )
    (tmp_path / "c").write_text("id:S:initdefault:\na:2:respwn:/bin/a\x1b\n")
    for what in ([], ["boot"]):
        told = run("explain", "--container", "c", *what)[1]
        assert told.startswith("The container is not started.\n    c:2: respwn: no such action (respawn?)\n")
        assert "level S has no place in a container" in told
    assert len(json.loads(run("explain", "--container", "--json", "c")[1])["not_started"]) == 3


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
    drawn = json.loads(run("chart", "--json")[1])
    jsonschema.validate(drawn, json.loads(SCHEMA.read_text()))
    assert (drawn["to"], drawn["seconds"], drawn["stages"][0]) == (None, 5.0, {"time": 0.0, "stage": "#"})
    assert [bar["id"] for bar in drawn["bars"]] == [line.split()[0] for line in told.splitlines()[2:]]
    assert run("chart", "--to", "5") == (
        4, "", "inittab: change to level 5: not among the events that init keeps\n",
    )  # fmt: skip
