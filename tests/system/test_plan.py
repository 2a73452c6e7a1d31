"""inittab diff, explain and edit: what they say is what init then does."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.system.conftest import OURS, Boot
from tests.system.system import System

pytestmark = pytest.mark.ours_only("C publishes nothing")

INITTAB = """\
id:2:initdefault:
si::sysinit:/w SI
l2:2:wait:/w L2
a:2:respawn:/w A stay
b:23:respawn:/w B stay
o:2:once:/w O stay
l3:3:wait:/w L3
c:3:respawn:/w C stay
"""
NEW = INITTAB.replace("o:2:once", "o:2:respawn").replace("a:2:respawn:/w A stay\n", "n:2:respawn:/w N stay\n")
#: As an editor that changes the inittab to NEW.
EDITOR = "cp /new"


def booted(boot: Boot) -> System:
    system = boot(INITTAB, files={"/inittab": OURS, "/new": NEW})
    for tag in "ABO":
        system.witness.wait(tag)
    return system


def plan(system: System, *arguments: str) -> dict[str, set[str]]:
    """What is told, as ids by what becomes of them."""
    done = system.run(["/inittab", *arguments, "--json"], 30)
    assert done.returncode in (0, 1), done
    told: dict[str, set[str]] = {"end": set(), "start": set(), "leave": set()}
    for step in json.loads(done.stdout)["steps"]:
        told[step["what"]].add(step["id"])
    assert done.returncode == bool(told["end"] | told["start"])
    return told


def test_diff_says_what_telinit_q_does(boot: Boot) -> None:
    system = booted(boot)
    assert plan(system, "diff") == {"end": set(), "start": set(), "leave": {"a", "b", "o"}}
    system.write("/etc/inittab", NEW)
    assert plan(system, "diff") == {"end": {"a", "o"}, "start": {"n", "o"}, "leave": {"b"}}
    shown = system.run(["/inittab", "diff"], 30).stdout
    assert "its action becomes respawn" in shown
    assert "gone from the inittab" in shown
    system.telinit("q")
    system.witness.wait("A", "TERM")
    system.witness.wait("O", "TERM")
    system.witness.wait("N")
    system.witness.wait("O", n=2)
    assert sorted(system.witness.started()) == ["A", "B", "L2", "N", "O", "O", "SI"]


def test_explain_says_what_another_level_does(boot: Boot) -> None:
    system = booted(boot)
    told = plan(system, "explain", "--to", "3")
    assert told == {"end": {"a", "o"}, "start": {"l3", "c"}, "leave": {"b"}}
    assert plan(system, "explain", "--from", "2", "--to", "3", "/etc/inittab") == told
    of_file = system.run(["/inittab", "explain", "/etc/inittab", "c"], 30)
    assert (of_file.returncode, of_file.stderr) == (0, "")
    assert "\n    Started when level 3 is entered.\n" in of_file.stdout
    for form in ("dot", "mermaid", "matrix"):
        assert not system.run(["/inittab", "graph", "--format", form], 30).returncode
    system.telinit("3")
    system.witness.wait("C")
    assert system.witness.started()[-2:] == ["L3", "C"]
    assert {event.tag for event in system.witness.events(event="TERM")} == {"A", "O"}


def test_what_cannot_be_told(boot: Boot) -> None:
    """The inittab is gone: init would go on with what it has. And arguments that are none."""
    system = booted(boot)
    system.path("/etc/inittab").rename(system.path("/etc/elsewhere"))
    done = system.run(["/inittab", "diff"], 30)
    assert done.returncode == 4
    assert "No inittab file found" in done.stderr
    for arguments in (["diff", "one"], ["diff", "--level", "2"], ["explain"], ["explain", "--to", "u"]):
        assert system.run(["/inittab", *arguments], 30).returncode == 2


def edit(system: System, editor: str, *arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    command = ["env", f"VISUAL={editor}", "/inittab", "edit", *arguments]
    with system.start(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        stdout, stderr = process.communicate(answers, 30)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def test_edit_shows_what_would_happen_and_has_it_read(boot: Boot) -> None:
    system = booted(boot)
    before = system.path("/etc/inittab")
    before.chmod(0o640)
    done = edit(system, EDITOR, answers="i\n")
    assert done.returncode == 0, done
    assert "gone from the inittab" in done.stdout
    system.witness.wait("N")
    assert before.read_text() == NEW
    assert before.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in system.path("/etc").glob(".inittab*")) == []
    assert list(system.path("/tmp").glob("inittab-edit.*")) == []


def test_edit_that_is_given_up_changes_nothing(boot: Boot) -> None:
    """And what was written is kept. Of mistakes nothing is installed without a question."""
    system = booted(boot)
    for editor, arguments, answers, status in (
        (EDITOR, (), "q\n", 1),
        (EDITOR, (), "", 1),
        ("sed -i s/respawn/respown/", ("--yes",), "", 4),
        ("false", (), "", 4),
        ("true", (), "", 0),
    ):
        done = edit(system, editor, *arguments, answers=answers)
        assert done.returncode == status, done
        if editor == EDITOR:
            draft = done.stderr.split("what was written is in ")[1].strip()
            assert system.path(draft).read_text() == NEW
        assert system.path("/etc/inittab").read_text() == INITTAB
    assert "N" not in system.witness.started()


def test_edit_again(boot: Boot) -> None:
    """The second time the editor is given what it has made of the copy."""
    system = booted(boot)
    done = edit(system, "sed -i s/stay/stay1/", answers="x\ne\ni\n")
    assert done.returncode == 0, done
    assert "stay11" in system.path("/etc/inittab").read_text()


def test_edit_of_another_file_tells_init_nothing(boot: Boot) -> None:
    system = booted(boot)
    system.write("/root.tab", INITTAB)
    system.write("/etc/inittab", NEW)
    done = edit(system, "sed -i s/L2/L9/", "--yes", "/root.tab")
    assert done.returncode == 0, done
    assert "L9" in system.path("/root.tab").read_text()
    assert "N" not in system.witness.started()


def test_edit_of_what_others_may_change(boot: Boot) -> None:
    """Whoever may write the folder puts a link there, a FIFO, or another file while the editor runs."""
    system = booted(boot)
    folder = system.path("/srv")
    folder.mkdir(exist_ok=True)
    system.write("/secret", "secret\n")
    (folder / "link").symlink_to("/secret")
    os.mkfifo(folder / "fifo")
    for name in ("link", "fifo", "missing"):
        done = edit(system, "true", "--yes", f"/srv/{name}")
        assert done.returncode == 4, done
        assert "secret" not in done.stdout
        assert done.stderr.startswith(f"inittab: /srv/{name}: "), "the whole path"
    (folder / "tab").write_text(INITTAB)
    swap = "sh -c 'cp /secret /srv/tab2; mv /srv/tab2 /srv/tab; echo x:2:once:/x >>$1' sh"
    done = edit(system, swap, "--yes", "/srv/tab")
    assert (done.returncode, "somebody else has changed it meanwhile" in done.stderr) == (4, True)
    assert (folder / "tab").read_text() == "secret\n"
    assert [path.name for path in folder.glob(".tab*")] == []


def test_two_do_not_edit_at_once(boot: Boot) -> None:
    system = booted(boot)
    command = ["env", "VISUAL=sh -c 'echo ready; read x' sh", "/inittab", "edit"]
    with system.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout
        assert first.stdout.readline() == b"ready\n"
        done = edit(system, "true")
        first.communicate(b"\n", 30)
    assert (done.returncode, "somebody else is editing it" in done.stderr) == (4, True)


def test_anybody_may_lock_the_inittab_and_hinders_nobody(boot: Boot) -> None:
    system = booted(boot)
    with open(system.path("/etc/inittab")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert edit(system, "true").returncode == 0
    assert not system.path("/etc/.inittab.lock").exists()


def test_an_empty_inittab_is_not_installed(boot: Boot) -> None:
    """Where there is no linter, either."""
    system = booted(boot)
    before = system.path("/etc/inittab").read_text()
    done = edit(system, "truncate -s 0", "--yes")
    assert done.returncode == 4, done
    assert "no entry" in done.stderr
    assert system.path("/etc/inittab").read_text() == before


def test_a_getty_whose_terminal_is_missing_is_not_told_to_start(boot: Boot) -> None:
    system = booted(boot)
    system.write(
        "/etc/inittab", INITTAB.replace("    ", "") + "g:2345:respawn:/sbin/getty tty77\nn:2345:once:/w N\n"
    )
    done = system.run(["/inittab", "diff"], 30)
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("start ")] == ["n"], done


def test_the_linter_is_asked(tmp_path: Path) -> None:
    """From the package; the one file has none, and says what init would refuse."""
    inittab = tmp_path / "inittab"
    inittab.write_text(INITTAB)
    command = [sys.executable, "-m", "sysvinit_py.clients.inittab.program", "edit", "--yes", str(inittab)]
    environment = os.environ | {"VISUAL": "sed -i s/respawn/respown/", "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 4
    assert "[INT107 unknown-action]" in done.stdout
    assert inittab.read_text() == INITTAB


def test_chart_shows_what_held_up_the_boot(boot: Boot) -> None:
    """As text and as SVG; and the change of level, which waits for what is ended."""
    text = INITTAB.replace("si::sysinit:/w SI", "si::sysinit:/bin/sleep 0.3")
    system = boot(text, files={"/inittab": OURS})
    for tag in "ABO":
        system.witness.wait(tag)
    done = system.run(["/inittab", "chart"], 30)
    assert done.returncode == 0, done
    title, header, *lines = done.stdout.splitlines()
    assert title.startswith("boot: ")
    assert header.split() == ["ID", "BEGAN", "RAN", "HELD-UP", "COMMAND"]
    rows = {line.split()[0]: line.split() for line in lines}
    assert [*rows] == ["si", "l2", "a", "b", "o"]
    assert 0.3 <= float(rows["si"][2]) == float(rows["si"][3])
    assert float(rows["l2"][1]) >= float(rows["si"][2])
    assert rows["a"][2:4] == ["-", "-"]
    system.telinit("3")
    system.witness.wait("C")
    done = system.run(["/inittab", "chart", "--to", "3", "--svg"], 30)
    shown = ["".join(element.itertext()) for element in ElementTree.fromstring(done.stdout).iter()]
    bars = {line.split(":")[0] for line in shown if ": ran " in line or ": runs" in line}
    assert bars >= {"a", "o", "l3", "c"}
    assert "b" not in bars
    assert system.run(["/inittab", "chart", "--to", "9"], 30).returncode == 4
