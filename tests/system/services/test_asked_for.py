"""What a service asks for by a file that C's runsv does not know: backoff, needs, group."""

from __future__ import annotations

import grp
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.services.conftest import Make
from tests.system.services.directory import Directory
from tests.system.services.supervised import CAT, SLEEP, Supervised, is_alive
from tests.system.services.test_robust import as_root, sv, sv_as_user

USER, GROUP = 1234, 4321


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Directory]:
    with Directory(tmp_path) as directory:
        yield directory


def write(one: Supervised, name: str, text: str) -> Supervised:
    (one.path / name).write_text(text)
    return one


def status(one: Supervised) -> dict[str, object]:
    """The service as JSON."""
    entries: list[dict[str, object]] = json.loads(sv("--json", "status", str(one.path))[1])["entries"]
    return entries[0]


# backoff


def test_the_pause_grows(service: Make, who: str) -> None:
    """phusion/passenger-docker#165: Debian's starts it each second; ours after 1, 2, 2, ... here."""
    one = write(service({"run": "echo >> told; exit 1"}), "backoff", "2\n")
    one.start(who)
    began = time.monotonic()
    one.wait(lambda: one.read("told").count("\n") == 3)
    took = time.monotonic() - began
    if who == "oracle":
        assert took < 2.5
        assert one.errors == ""
        return
    assert took > 2.8
    one.wait(lambda: one.errors.count("\n") == 2)
    assert one.read("told").count("\n") == 4
    often = "runsv web: warning: ./run has ended within a second {} times in a row: next start in 2 s\n"
    assert one.errors == often.format(2) + often.format(4)
    one.wait_stat("down, pausing 2s")
    assert sv("status", str(one.path))[1].endswith("s, normally up, want up, pausing 2s\n")
    shown = status(one)
    assert shown["state"] == "throttled"
    assert str(shown["since"]) < str(shown["rests_until"])


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "1.5", "\0", None])
def test_a_backoff_that_is_none(service: Make, text: str | None) -> None:
    """The pause is a second, as without it."""
    one = service({"run": "echo >> told; exit 1"})
    write(one, "backoff", text) if text is not None else (one.path / "backoff").mkdir()
    one.start("ours")
    one.wait(lambda: one.read("told").count("\n") == 3)
    assert "pausing" not in one.stat()
    assert one.errors == ""


def test_a_person_does_not_wait_for_the_pause(service: Make) -> None:
    """And what ran long enough is started again at once."""
    one = write(service({"run": "echo >> told; [ -e ok ] || exit 1; exec sleep 1000"}), "backoff", "3600")
    one.start("ours")
    one.wait(lambda: one.stat() == "down, pausing 4s")
    began = time.monotonic()
    write(one, "ok", "")
    assert sv("start", str(one.path))[1].startswith("ok: run: ")
    assert time.monotonic() - began < 2.5
    time.sleep(1.05)
    pid = one.wait_sleep()
    one.order("k")
    one.wait(lambda: one.pid() not in (0, pid))
    assert "1 s" not in one.errors


# needs


def test_a_start_waits_for_what_is_needed(services: Directory, who: str) -> None:
    """void-linux/runit#28: Debian's starts all at once, whatever a file says."""
    web = write(services.service("web", "echo >> told; exec sleep 1000"), "needs", "# first\n db \n\ncache\n")
    cache = services.service("cache")
    db = services.service("db", "until [ -e ../../up ]; do sleep 0.02; done; > ready; exec sleep 1000")
    db.make({"check": "echo nobody reads this | tee /dev/stderr; [ -e ready ]"})
    services.start(who)
    services.runs(db, cache)
    if who == "oracle":
        services.runs(web)
        return
    services.wait(lambda: web.stat() == "down, needs db")
    assert sv("status", str(web.path))[1].endswith("s, normally up, want up, needs db\n")
    shown = status(web)
    assert (shown["state"], shown["waits_for"]) == ("pending", "db")
    assert web.read("told") == ""
    (services.path.parent / "up").touch()
    services.runs(web)
    assert web.read("told") == "\n"
    assert services.errors == ""
    db.order("d")
    services.wait(lambda: db.stat() == "down")
    assert web.stat() == "run", "the start is held, and nothing else"
    web.order("t")
    services.wait(lambda: web.stat() == "down, needs db")


def test_what_is_needed_stays_down(services: Directory, who: str) -> None:
    """The idiom for Debian's is sv start in run, which revives what an administrator has stopped."""
    db = services.service("db")
    if who == "ours":
        web = write(services.service("web", "exec sleep 1000"), "needs", "db")
    else:
        web = services.service("web", f"{_sv()} start ../db || exit 1; exec sleep 1000")
    (db.path / "down").touch()
    services.start(who)
    if who == "oracle":
        services.runs(db, web)
        return
    services.wait(lambda: web.stat() == "down, needs db")
    time.sleep(1.5)
    assert (db.stat(), web.stat()) == ("down", "down, needs db")
    began = time.monotonic()
    db.order("u")
    services.runs(db, web)
    assert time.monotonic() - began < 0.9, "it is told at once"
    assert services.errors == ""


def _sv() -> str:
    from tests.system.runit_oracle import program

    return program("sv")


def test_a_chain_takes_no_second_for_each_link(services: Directory) -> None:
    made = [services.service("s0")]
    made += [write(services.service(f"s{n}"), "needs", f"s{n - 1}") for n in range(1, 12)]
    services.start("ours")
    began = time.monotonic()
    services.runs(*made)
    assert time.monotonic() - began < 6


@pytest.mark.parametrize(
    ("needs", "line"),
    [
        ("nobody\n", "needs nobody: unable to change to directory: file does not exist"),
        ("web\n", "needs web: none of them is started"),
        ("run/x\n", "needs run/x: unable to change to directory: file does not exist"),
        ("a\0b\n", "needs a\\x00b: "),
    ],
)
def test_needs_that_cannot_be_met(services: Directory, needs: str, line: str) -> None:
    """One line, however often it is looked at; another service takes no notice."""
    web = write(services.service("web"), "needs", needs)
    other = services.service("other")
    services.start("ours")
    services.runs(other)
    services.wait(lambda: web.stat().startswith("down, needs "))
    time.sleep(2.2)
    assert services.errors.startswith(f"runsv web: warning: {line}")
    assert services.errors.count("\n") == 1
    (web.path / "needs").unlink()
    services.runs(web)


def test_a_cycle(services: Directory) -> None:
    """Each in it says so once, and who needs one of them does not; it ends with one file."""
    made = {
        name: write(services.service(name), "needs", needs)
        for name, needs in {"a": "b", "b": "c", "c": "a", "d": "a"}.items()
    }
    services.start("ours")
    services.wait(lambda: services.errors.count("\n") == 3)
    time.sleep(1.2)
    assert sorted(services.errors.splitlines()) == [
        f"runsv {way[0]}: warning: needs {', which needs '.join(way[1:])}: none of them is started"
        for way in ("abca", "bcab", "cabc")
    ]
    (made["b"].path / "needs").unlink()
    services.runs(*made.values())


def test_a_check_that_hangs(services: Directory) -> None:
    """It is killed, and asked again; meanwhile the service takes orders, and it ends with it."""
    web, db = write(services.service("web"), "needs", "db"), services.service("db")
    db.make({"check": "echo $$ >> asked; exec sleep 1000"})
    services.start("ours")
    services.wait(lambda: db.read("asked").count("\n") == 2, 20)
    first, second = map(int, db.read("asked").split())
    assert not is_alive(first)
    assert web.stat() == "down, needs db"
    web.order("x")
    services.wait(lambda: not is_alive(second))
    services.wait(lambda: db.read("asked").count("\n") == 3, 20)  # runsvdir has it supervised again
    web.order("d")
    services.wait(lambda: web.stat() == "down")
    db.make({"check": "exit 0"})
    web.order("u")
    services.wait(lambda: web.stat() == "run", 20)


def test_needs_between_two_supervisors(service: Make, oracle: str) -> None:
    """What is needed may be supervised by Debian's runsv."""
    db = service({"run": SLEEP}, "db")
    web = write(service({"run": SLEEP}), "needs", "db")
    web.start("ours")
    web.wait_stat("down, needs db")
    db.start(oracle)
    db.wait_stat("run")
    web.wait_stat("run")
    db.kill_runsv()
    web.order("t")
    web.wait_stat("down, needs db")  # its status still says that it runs


# group


@as_root
def test_a_group_that_is_let_in(who: str) -> None:
    """chef-cookbooks/runit#111: Debian's lets nobody in but root."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    one = write(Supervised(place / "web", {"run": SLEEP, "log/run": CAT}), "group", f"{GROUP}\n")
    words = str(one.path), place / "said", USER
    try:
        one.start(who)
        one.wait_stat("run")
        one.wait_stat("run", "log")
        assert "access denied" in sv_as_user("status", *words)[1]
        code, text = sv_as_user("stop", *words, GROUP)
        if who == "oracle":
            assert "access denied" in text
            return
        assert (code, text[:10]) == (0, "ok: down: ")
        code, text = sv_as_user("status", *words, GROUP)
        assert code == 0
        assert "; run: log: " in text
        for slot in (one.path, one.path / "log"):
            modes = {
                path.name: (path.stat().st_mode & 0o777, path.stat().st_gid)
                for path in (slot / "supervise", *(slot / "supervise").iterdir())
            }
            assert modes["supervise"] == (0o710, GROUP)
            assert modes["control"] == modes["ok"] == (0o620, GROUP)
            assert modes["lock"] == (0o600, 0)
            assert modes["status"] == (0o644, 0)
        assert one.exit() == 0
        assert one.errors == ""
    finally:
        one.clean()
        shutil.rmtree(place)


@pytest.mark.parametrize(
    ("group", "line"),
    [
        ("no-such-group", "no such group: no-such-group"),
        ("\0", "no such group: \\x00"),
        *((digits, f"no such group: {digits}") for digits in ("9" * 30, "9" * 5000)),
        ("", ""),
    ],
)
def test_a_group_that_is_none(service: Make, group: str, line: str) -> None:
    """The service is supervised all the same."""
    one = write(service({"run": SLEEP}), "group", group)
    one.start("ours")
    one.wait_stat("run")
    told = f"runsv web: warning: ./group: {line}"[:4095]
    assert one.errors == (f"{told}\n" if line else "")
    assert one.path.joinpath("supervise").stat().st_mode & 0o777 == 0o700


@as_root
def test_a_supervise_of_a_user_is_not_given_to_a_group(service: Make) -> None:
    """Who owns it could have put a link there, or another name of a file of root's."""
    one = write(service({"run": SLEEP}), "group", grp.getgrgid(0).gr_name)
    (one.path / "supervise").mkdir()
    os.chown(one.path / "supervise", USER, -1)
    one.start("ours")
    one.wait_stat("run")
    assert one.errors == "runsv web: warning: ./group: supervise belongs to somebody else\n"
    assert one.path.joinpath("supervise/control").stat().st_mode & 0o777 == 0o600
