"""inittab simulate: what is printed and written, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema  # type: ignore[import-untyped]
import pytest

from sysvinit_py.clients.inittab import simulate
from sysvinit_py.clients.inittab.program import main

TAB = "id:2:initdefault:\nsi::sysinit:/bin/si\nweb:2:respawn:/bin/web\nS:S:wait:/bin/sh\nx:2:bad\x1b:y\n"
SCHEMA = Path(simulate.__file__).parents[2] / "data" / "simulate.schema.json"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tab").write_text(TAB)

    def run(*arguments: str, scenario: str | None = None) -> tuple[int, str, str]:
        if scenario is not None:
            (tmp_path / "s").write_text(scenario)
            arguments = (*arguments, "s")
        status = main(["simulate", *arguments])
        return (status, *capfd.readouterr())

    return run


def test_a_timeline(run: Run) -> None:
    status, out, err = run("tab")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["TIME", "EVENT", "ID"]
    assert " 0.050  end      si   process 101: exit 0" in lines
    assert " 0.050  begin    web  process 102, respawn: /bin/web" in lines
    assert "30.000  signal   S    SIGTERM to process group 103" in lines
    assert "INIT: tab[5]: bad\\x1b: unknown action field" in out
    assert "\x1b" not in out


def test_colours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysvinit_py.cli.out.coloured", lambda stream: True)
    assert "\x1b[32m 0.050  begin    web" in run("tab")[1]


def test_failures(run: Run) -> None:
    status, out, err = run("-q", "tab", scenario="expect web stopped at 3s\nexpect never rests\n")
    assert (status, out) == (1, "")
    assert err == "inittab simulate: s:1: expect web stopped: it is running\n"
    assert run("-q", "tab", scenario="expect never rests")[0] == 0


def test_mistakes_are_all_told(run: Run) -> None:
    status, out, err = run("tab", scenario="at 5s telnit 3\nfoo\n")
    assert (status, out) == (2, "")
    assert "inittab simulate: s:1:7: expected" in err
    assert "inittab simulate: s:2:1: expected" in err
    assert "s: 2 mistakes" in err
    err = run("tab", scenario="child wbe runs")[2]
    assert "no entry has the id wbe" in err
    assert "s: 1 mistake\n" in err


@pytest.mark.parametrize(
    "arguments",
    [("tab", "--save", "x"), ("tab", "--explore", "x"), ("tab", "--explore", "1", "--junit", "x"),
     ("tab", "--target", "busybox"), ()],
)  # fmt: skip
def test_wrong_arguments(run: Run, arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "error: " in err


def test_files_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    assert run("nowhere") == (4, "", "inittab: nowhere: No such file or directory\n")
    assert run("tab", "nowhere")[0] == 4
    assert run("/dev/zero")[0] == 4


def test_another_inittab_lies_beside_the_scenario(run: Run, tmp_path: Path) -> None:
    """And nowhere else: whoever wrote the scenario need not be trusted."""
    (tmp_path / "new").write_text(TAB.replace("web:2:respawn", "web:2:once"))
    status, out, err = run("tab", scenario="at 3s edit new\ntelinit q\nat 5s end\n")
    assert (status, err) == (0, "")
    assert "process 103, " in out
    for outside in ("/etc/passwd", "../../../../etc/passwd", "link"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to("/etc/passwd")
        status, out, err = run("tab", scenario=f"at 3s edit {outside}\n")
        assert status == 4, outside
        assert "root" not in out + err
    assert (
        run("tab", scenario="telinit 3\nedit nowhere")[2]
        == "inittab: s:2: nowhere: No such file or directory\n"
    )
    assert "s:1: ../tab: it leads out of its place" in run("tab", scenario="edit ../tab")[2]


def test_json(run: Run) -> None:
    scenario = "at 1s telinit a\nstop web\nat 2s expect web running\nat 3s SIGHUP\n"
    status, out, _ = run("--json", "--target", "sysvinit-3.06", "tab", scenario=scenario)
    told = json.loads(out)
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    assert status == 1
    assert [failure["step"] for failure in told["failures"]] == ["expect web running"]
    assert {event["event"] for event in told["events"]} >= {
        "step",
        "message",
        "signal",
        "begin",
        "stop",
        "level",
    }
    assert {
        "file": "tab",
        "line": 3,
        "id": "web",
        "text": "One entry cannot be stopped, started or restarted.",
    } in told["differences"]


def test_junit(run: Run, tmp_path: Path) -> None:
    scenario = "expect web running at 3s\nexpect never starts\n"
    assert run("--junit", "out.xml", "tab", scenario=scenario)[0] == 1
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["at 3s expect web running", "expect never starts"]
    [failure] = suite.iter("failure")
    assert failure.get("message") == "si starts at 0.000"
    assert run("--junit", "out.xml", "tab", scenario="expect message \x07<&>")[0] == 1
    assert next(ElementTree.parse(tmp_path / "out.xml").getroot().iter("testcase")).get("name") == (
        "expect message \\x07<&>"
    )


def test_a_life_that_is_cut_is_no_success_in_junit(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysvinit_py.simulator.life.MOST_EVENTS", 50)
    assert (
        run("--junit", "out.xml", "tab", scenario="child web exit 0 after 13s\nat 1h expect web running")[0]
        == 1
    )
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "1")
    assert [failure.get("message") for failure in suite.iter("failure")] == ["life was ended before"]
    assert [error.get("message", "")[-19:] for error in suite.iter("error")] == ["more than 50 events"]


@pytest.mark.parametrize("arguments", [("--junit",), ("--explore", "99", "--save")])
def test_what_cannot_be_written_is_named_and_nothing_is_lost(run: Run, arguments: tuple[str, ...]) -> None:
    for path in ("/dev/full", "nowhere/x"):
        status, out, err = run("tab", *arguments, path)
        assert status == 4
        assert "web" in out
        assert err.startswith(f"inittab: {path}: No s")


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of explain and graph."""
    monkeypatch.setattr("sysvinit_py.clients.inittab.files.read", lambda *_: TAB.encode())
    assert run("-")[1].replace("<stdin>", "tab") == run("tab")[1]


def test_the_other_files_of_init_are_read_too(run: Run, tmp_path: Path) -> None:
    """Also with an inittab that the scenario puts in the place of the first."""
    (tmp_path / "etc/inittab.d").mkdir(parents=True)
    (tmp_path / "etc/inittab").write_text(TAB)
    (tmp_path / "etc/inittab.d/more.tab").write_text("more:2:respawn:/bin/more" + "x" * 130 + "\n")
    (tmp_path / "steps").write_text(
        "edit tab\nat 1s telinit q\nat 2s expect more running\nexpect more never ends\n"
    )
    assert run("-q", "etc/inittab", "steps") == (0, "", "")
    _, out, _ = run("etc/inittab", "--target", "sysvinit-3.06")
    assert "etc/inittab.d/more.tab:1: more: sysvinit-3.06: " in out


def test_explore_and_save(run: Run, tmp_path: Path) -> None:
    status, out, err = run("tab", "--explore", "150", "--save", "found")
    assert (status, err) == (1, "")
    assert "blocked: si does not end; no level is entered, in " in out
    assert run("-q", "tab", "found")[0] == 1
    assert "expect level 2 before 2min: it is never entered" in run("-q", "tab", "found")[2]
    told = json.loads(run("tab", "--explore", "150", "--json")[1])
    assert (told["lives"], told["seed"]) == (150, 1)
    assert told["findings"][0]["scenario"][-1] == "at 2min end"


def test_without_the_linter(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one file has none."""
    monkeypatch.setattr(simulate, "_DIFFER", "sysvinit_py.simulator.nowhere")
    status, _, err = run("tab", "--target", "sysvinit-3.06")
    assert status == 4
    assert "--target needs the linter" in err
