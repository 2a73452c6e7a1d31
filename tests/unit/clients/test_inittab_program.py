"""The program inittab: its command line, what it prints, and the programs that it calls."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from sysvinit_py import __version__
from sysvinit_py.cli import looking, out
from sysvinit_py.clients.inittab import foreign, program
from sysvinit_py.machine.job import Job
from sysvinit_py.protocol import utmp
from sysvinit_py.report import slots
from tests.unit.report.published import publish
from tests.unit.report.test_report_item import SCHEMA, job, run

Inittab = Callable[..., tuple[int, str, str]]


@pytest.fixture
def jobs() -> list[Job]:
    return [
        run(job("r:2:respawn:/usr/sbin/web -f")),
        run(job("f:2:once:/bin/\x1b[31mfalse"), 256),
        job("n:3:once:/usr/sbin/web"),
        job("~~:S:wait:/sbin/sulogin", file=""),
    ]


@pytest.fixture
def inittab(jobs: list[Job], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Inittab:
    """Run it where process 1 has these jobs, and its header these changes; return status, output, errors."""

    def call(*arguments: str, pid: int = 1, **header: Any) -> tuple[int, str, str]:
        published = slots.read(*publish(*jobs))
        changes = {"version": __version__, **header}
        published = published.replace(header=published.header.replace(**changes))
        monkeypatch.setattr(looking, "look", lambda wanted: (pid if wanted is None else wanted, published))
        status = program.main(arguments)
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


def test_table(inittab: Inittab) -> None:
    status, output, errors = inittab()
    title, header, *rows = output.splitlines()
    assert (status, errors) == (0, "")
    assert title.startswith("level 2 (from N) for ")
    assert title.endswith("; 4 entries, 1 running, 1 failed")
    assert header.split() == ["ID", "STATE", "PID", "SINCE", "STARTS", "LAST-END", "COMMAND"]
    assert [row.split()[:3] for row in rows] == [
        ["r", "running", "100"], ["f", "failed", "-"], ["n", "inactive", "-"], ["~~", "inactive", "-"],
    ]  # fmt: skip
    assert rows[1].endswith(r"exit 1    /bin/\x1b[31mfalse")


@pytest.mark.parametrize(
    ("header", "begin"),
    [
        ({"stage": "#", "since": 0.0}, "boot: sysinit entries; "),
        ({"stage": "*", "since": 0.0}, "boot; "),
        ({"stage": "S", "prevlevel": "2", "since": 0.0}, "level S (from 2); "),
    ],
)
def test_title(inittab: Inittab, header: dict[str, Any], begin: str) -> None:
    assert inittab(**header)[1].startswith(begin)


def test_what_init_waits_for(inittab: Inittab) -> None:
    waits = {
        "inittab": "the inittab to be read",
        "answer": "an answer on the console",
        "ends": "processes to end",
    }
    for busy, words in waits.items():
        assert inittab(busy=busy)[1].splitlines()[0].endswith(f"; waits for {words}")


def test_another_process_is_named(inittab: Inittab) -> None:
    assert inittab(pid=77)[1].startswith("process 77: level 2")
    assert inittab("status", "--pid", "78")[1].startswith("process 78: level 2")


def test_another_version_is_told_and_works(inittab: Inittab) -> None:
    status, output, errors = inittab(version="9.9\x1b")
    assert (status, errors) == (0, f"inittab: init is sysvinit_py 9.9\\x1b, and this program {__version__}\n")
    assert "running" in output


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["r"], 0),
        (["f"], 1),
        (["n"], 3),
        (["~~"], 3),
        (["r", "n"], 3),
        (["n", "f", "r"], 1),
        (["sulogin"], 3),
    ],
)
def test_exit_status_of_entries(inittab: Inittab, names: list[str], status: int) -> None:
    assert inittab("status", *names)[0] == status


@pytest.mark.parametrize(
    "name", ["x", "web", "\udcff", ""], ids=["unknown", "two run it", "no UTF-8", "empty"]
)
def test_an_unknown_entry(inittab: Inittab, jobs: list[Job], name: str) -> None:
    """Guards also against an entry without a command, which was found by the name of no program."""
    jobs.append(job("id:2:initdefault:"))
    status, output, errors = inittab("status", "r", name)
    assert (status, output) == (4, "")
    assert "no entry has this id" in errors


def test_entries_in_full(inittab: Inittab) -> None:
    assert (
        "r  running\n    action     respawn\n    levels     2\n    pid        100\n"
        in inittab("status", "r")[1]
    )
    assert "    last-end   exit 1\n" in inittab("status", "f")[1]


def test_columns(inittab: Inittab) -> None:
    assert inittab("status", "-o", "id,state")[1] == "r\trunning\nf\tfailed\nn\tinactive\n~~\tinactive\n"
    assert inittab("status", "-o", "command", "f")[1] == "/bin/\\x1b[31mfalse\n"


def test_json(inittab: Inittab) -> None:
    told = json.loads(inittab("--json")[1])
    jsonschema.validate(told, SCHEMA)
    assert [entry["id"] for entry in told["entries"]] == ["r", "f", "n", "~~"]
    status, output, _ = inittab("status", "--json", "f")
    assert (status, [entry["state"] for entry in json.loads(output)["entries"]]) == (1, ["failed"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nothing"], "nothing"),
        (["status", "-o", "id,nothing"], "no column 'nothing' (choose from id, action,"),
        (["status", "--pid", "0"], "not a process id: '0'"),
        (["status", "--pid", "1x"], "not a process id: '1x'"),
        (["status", "--pid", "9" * 30], "not a process id"),
        (["status", "--nothing"], "--nothing"),
    ],
)
def test_wrong_arguments(inittab: Inittab, arguments: list[str], reason: str) -> None:
    status, output, errors = inittab(*arguments)
    assert (status, output) == (2, "")
    assert reason in errors


def test_what_cannot_be_written(inittab: Inittab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against the exit status of an entry that has failed."""

    def fail(content: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "cannot write")

    monkeypatch.setattr(out, "write", fail)
    monkeypatch.setattr(out, "forget", lambda: None)
    status, _, errors = inittab("status", "r")
    assert (status, errors) == (4, "inittab: cannot write: No space left on device\n")


def test_what_cannot_be_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def look(pid: int | None) -> Any:
        raise looking.CannotLookError("the status is damaged")

    monkeypatch.setattr(looking, "look", look)
    assert program.main(["status"]) == 4
    assert capsys.readouterr().err == "inittab: the status is damaged\n"


# Another init.


@pytest.fixture
def foreign_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Process 1 publishes nothing; the file is utmp."""

    def look(pid: int | None) -> Any:
        raise looking.ForeignError

    monkeypatch.setattr(looking, "look", look)
    read = foreign.records
    monkeypatch.setattr(foreign, "records", lambda: read(str(tmp_path / "utmp")))
    return tmp_path / "utmp"


def test_what_utmp_and_proc_tell(foreign_init: Path, capfd: pytest.CaptureFixture[str]) -> None:
    foreign_init.write_bytes(
        utmp.boot_time(10**18)
        + utmp.run_level("3", "2", 10**18)
        + utmp.init_process("me", os.getpid(), 10**18)
        + utmp.init_process("go", 2**22 + 1, 10**18)
        + utmp.dead_process("no", 5, 10**18)
        + utmp.dead_process("", 5, 10**18)
        + b"torn"
    )
    assert program.main(["status"]) == 7
    captured = capfd.readouterr()
    assert captured.err.startswith("inittab: process 1 (")
    title, _, *rows = captured.out.splitlines()
    assert title == "level 3 (from 2), as utmp and /proc have it"
    assert [row.split()[:3] for row in rows] == [
        ["me", "running", str(os.getpid())], ["go", "done", "-"], ["no", "done", "-"],
    ]  # fmt: skip
    assert program.main(["status", "--json", "me"]) == 7
    told = json.loads(capfd.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    assert (told["init"]["level"], told["entries"][0]["pid"]) == ("3", os.getpid())


@pytest.mark.parametrize("number", [-1, 2**31 - 1, 0, 10 * 256 + 27])
def test_a_level_that_no_init_has_written(
    foreign_init: Path, number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Guards against numbers that are no letter, and letters that are no level."""
    record = bytearray(utmp.run_level("3", "2", 10**18))
    struct.pack_into("=i", record, 4, number)
    foreign_init.write_bytes(record)
    assert program.main(["status", "--json"]) == 7
    told = json.loads(capfd.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    assert (told["init"]["level"], told["init"]["prevlevel"]) == (None, "N")


@pytest.mark.parametrize("kind", ["missing", "empty", "fifo"])
def test_without_utmp(foreign_init: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    if kind == "empty":
        foreign_init.touch()
    if kind == "fifo":
        os.mkfifo(foreign_init)
    assert program.main(["status"]) == 7
    assert capfd.readouterr().out.startswith("level unknown (from N), as utmp and /proc have it\n")


def test_a_process_that_is_none_or_no_init(foreign_init: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert program.main(["status", "--pid", "999999999"]) == 4
    assert "there is no process 999999999" in capfd.readouterr().err
    assert program.main(["status", "--pid", str(os.getpid())]) == 7
    captured = capfd.readouterr()
    assert (captured.out, f"process {os.getpid()} (" in captured.err) == ("", True)


# Other programs.


@pytest.mark.parametrize(("verb", "name"), [("lint", "inittab-lint"), ("try", "inittab-try")])
def test_a_verb_that_is_a_program_beside_it(verb: str, name: str, tmp_path: Path) -> None:
    """Also where the one that is called is a link to one elsewhere, but never one along PATH."""
    for folder in ("bin", "real", "path"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(f'#!/bin/sh\necho {folder} "$@"\n')
        (tmp_path / folder / name).chmod(0o755)
    code = (
        f"import sys; sys.argv[0] = {str(tmp_path / 'bin/inittab')!r};"
        "from sysvinit_py.clients.inittab import program; program.main()"
    )
    (tmp_path / "real/inittab").touch()
    (tmp_path / "bin/inittab").symlink_to("../real/inittab")

    def call() -> str:
        environment = {**os.environ, "PATH": f"{tmp_path}/path:{os.environ['PATH']}"}
        command = [sys.executable, "-c", code, verb, "--json", "-o", "a b"]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout

    assert call() == "bin --json -o a b\n"
    (tmp_path / "bin" / name).unlink()
    assert call() == "real --json -o a b\n"
    (tmp_path / "real" / name).unlink()
    assert "path" not in call()


@pytest.mark.parametrize("verb", ["lint", "try"])
def test_a_verb_that_is_in_the_package(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for own in (str(tmp_path / "inittab"), "inittab"):
        monkeypatch.setattr(sys, "argv", [own])
        assert program.main([verb, "--version"]) == 0
        assert f"inittab-{verb} (sysvinit_py)" in capfd.readouterr().out


def test_a_program_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "inittab")])
    monkeypatch.setitem(program.OTHERS, "lint", ("inittab-lint", "", "sysvinit_py.nothing"))
    assert program.main(["lint"]) == 1
    assert "inittab-lint is not installed beside" in capfd.readouterr().err


def test_a_module_that_lacks_a_library_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lacking.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "inittab")])
    monkeypatch.setitem(program.OTHERS, "lint", ("inittab-lint", "", "lacking"))
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        program.main(["lint"])
