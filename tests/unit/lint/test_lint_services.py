"""Folders of services: what is found in them, what is read, and what an enemy's folder cannot do."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from sysvinit_py.lint import cli
from sysvinit_py.lint.check import check_services
from sysvinit_py.lint.rules import RULES
from sysvinit_py.lint.services import find
from sysvinit_py.linux.beneath import Place
from tests.support.patience import PATIENCE

SH = "#!/bin/sh\n"
WEB = {"web/run": f"{SH}exec httpd -f\n"}


def make(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def lint(folder: Path, files: dict[str, str]) -> list[str]:
    """What is found, as PATH:LINE CODE."""
    make(folder, files)
    failed: list[str] = []
    services = find(Place(str(folder)), failed)
    assert services
    found = check_services(services, RULES, failed)
    assert failed == []
    return [f"{finding.path}:{finding.line} {finding.code}" for finding in found]


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ("exec httpd -f\n", ""),
        ("exec 2>&1\nexec chpst -u www -e ./env sshd -D\n", ""),
        ("exec chpst -u www -e ./env sshd\n", "SVC004"),
        ("exec chpst -uwww -P softlimit -m 99 sshd\n", "SVC004"),
        ("exec env A=1 B=2 sshd\n", "SVC004"),
        ("exec setlock -n lock sshd\n", "SVC004"),
        ("exec setuidgid www sshd\n", "SVC004"),
        ("exec \\\n  sshd\n", "SVC004"),
        ("httpd -f &\n", "SVC004"),
        ("(httpd -f &)\n", "SVC004"),
        ("exec sshd $OPTIONS\n", ""),
        ("exec unknown-daemon\n", ""),
        ("httpd -f\n", "SVC005"),
        ("mkdir -p /run/x\nchpst -u www httpd -f\n\n# the end\n", "SVC005"),
        ("httpd -f & pid=$!\nwait $pid\n", ""),
        ("trap 'kill $pid' TERM\nhttpd -f\n", ""),
        ("while :; do\n  httpd -f\ndone\n", ""),
        ("[ -f /etc/off ] && exit 0 || exec httpd -f\n", ""),
        ("exit 1\n", ""),
        ("serve() {\n  exec httpd -f\n}\nserve\n", ""),
        ("# inittab-lint: disable=SVC005\nhttpd -f\n", ""),
        ("# inittab-lint: disable-file=no-exec, SVC004\nhttpd -f\n", ""),
        ("# inittab-lint: disable-file=SVC004\nhttpd -f\n", "SVC005"),
    ],
)
def test_the_end_of_run(tmp_path: Path, run: str, code: str) -> None:
    number = len(run.rstrip().replace("\n# the end", "").rstrip().split("\n")) + 1
    found = lint(tmp_path, {"web/run": SH + run})
    assert found == ([f"web/run:{number} {code}"] if code else [])


@pytest.mark.parametrize(
    "first", ["#!/usr/bin/env sh", "#! /bin/dash -e", "#!/bin/bash", "#!/usr/bin/env /lib/runit/invoke-run"]
)
def test_what_sh_is(tmp_path: Path, first: str) -> None:
    assert lint(tmp_path, {"web/run": f"{first}\nhttpd -f\n"}) == ["web/run:2 SVC005"]


@pytest.mark.parametrize("first", ["#!/usr/bin/python3", "#!/usr/bin/execlineb -P"])
def test_what_sh_is_not(tmp_path: Path, first: str) -> None:
    assert lint(tmp_path, {"web/run": f"{first}\nhttpd -f\n"}) == []


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"web/run": "exec httpd\n"}, ["web/run:1 SVC003"]),
        ({"web/run": ""}, ["web/run:1 SVC003"]),
        ({"web/run": "#!\nx\n"}, ["web/run:1 SVC003"]),
        ({"web/run": "#!/bin/sh\r\nexec httpd -f\r\n"}, ["web/run:1 SVC003"]),
        ({**WEB, "web/finish": f"{SH}while true; do sleep 1; done\n"}, ["web/finish:2 SVC008"]),
        ({**WEB, "web/finish": f"{SH}exec chronyd -d\n"}, ["web/finish:2 SVC008"]),
        ({**WEB, "web/finish": f"{SH}sleep infinity\n"}, ["web/finish:2 SVC008"]),
        ({**WEB, "web/finish": f"{SH}sleep 1\n"}, []),
        ({**WEB, "web/log/x": ""}, ["web/log:1 SVC006"]),
        ({**WEB, "web/log/run": f"{SH}exec svlogd .\n", "web/log/down": ""}, ["web/log/down:1 SVC007"]),
        ({**WEB, "web/log/run": f"{SH}svlogd .\n"}, ["web/log/run:2 SVC005"]),
        ({**WEB, "web/control/t": "kill\n"}, ["web/control/t:1 SVC003"]),
        ({**WEB, "other/x": ""}, ["other:1 SVC001"]),
        *(
            ({**WEB, "web/wait": text}, ["web/wait:1 SVC011"])
            for text in ("", "30s\n", "-1\n", "2.5\n", "1 2")
        ),
        *(({**WEB, "web/wait": text}, []) for text in ("30\n", "30", " 0 \n")),
        *(({**WEB, "web/backoff": text}, ["web/backoff:1 SVC011"]) for text in ("", "1m")),
        ({**WEB, "web/backoff": "600"}, []),
        ({**WEB, "db/run": WEB["web/run"], "web/needs": "db\n"}, []),
        ({**WEB, "web/needs": "# db\n\n cache \n"}, ["web/needs:3 SVC012"]),
        ({**WEB, "web/needs": "web\n"}, ["web/needs:1 SVC012"]),
        ({**WEB, "web/needs": "../db\na\0b\n"}, ["web/needs:1 SVC012", "web/needs:2 SVC012"]),
        ({**WEB, ".hidden/x": "", "file": ""}, []),
    ],
)
def test_what_is_found(tmp_path: Path, files: dict[str, str], found: list[str]) -> None:
    assert lint(tmp_path, files) == found


def test_a_name_that_is_taken_by_something_else(tmp_path: Path) -> None:
    """None of these is opened: to open a FIFO would wait, a device might act."""
    make(tmp_path, {**WEB, "a/finish": SH, "b/finish": SH})
    os.mkfifo(tmp_path / "a/run")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)
        server.bind("b/run")
        os.chdir(here)
    (tmp_path / "c/run").mkdir(parents=True)
    assert lint(tmp_path, {}) == ["a/run:1 SVC001", "b/run:1 SVC001", "c/run:1 SVC001"]


def test_cycles_of_needs(tmp_path: Path) -> None:
    """Each service in one has a line, and who needs one of them has none."""
    needs = {"a": "x\nb\n", "b": "c\n", "c": "a\n", "d": "a\n", "x": "", "y": "x\nz\n", "z": "y\n"}
    files = {f"{name}/run": WEB["web/run"] for name in needs}
    files |= {f"{name}/needs": text for name, text in needs.items()}
    assert lint(tmp_path, files) == [f"{place} SVC012" for place in (
        "a/needs:2", "b/needs:1", "c/needs:1", "y/needs:2", "z/needs:1",
    )]  # fmt: skip


def test_one_service_may_need_any(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As its folder may be linked to beside others; but not itself."""
    make(tmp_path, {**WEB, "web/needs": "db\n"})
    assert run("-q", str(tmp_path / "web")) == 0
    make(tmp_path, {"web/needs": "db\nweb\n"})
    assert run("-q", str(tmp_path / "web")) == 1
    assert "needs web: none of them is started" in capsys.readouterr().out


def test_a_long_chain_of_needs(tmp_path: Path) -> None:
    """Guards against time that grows with its square."""
    files = {f"s{n}/run": WEB["web/run"] for n in range(1000)}
    files |= {f"s{n}/needs": f"s{n - 1}\n" for n in range(1, 1000)}
    make(tmp_path, files)
    services = find(Place(str(tmp_path)), [])
    assert services
    began = time.process_time()
    assert check_services(services, ["SVC012"], []) == []
    assert time.process_time() - began < 5 * PATIENCE


@pytest.mark.parametrize("name", ["wait", "backoff", "needs"])
def test_a_file_that_is_read_is_no_link_that_leads_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    make(tmp_path, WEB)
    (tmp_path / "web" / name).symlink_to("/etc/passwd")
    assert run(str(tmp_path)) == 2
    told = capsys.readouterr()
    assert "leads out" in told.err
    assert "root" not in told.out


def test_two_names_for_one_folder(tmp_path: Path) -> None:
    make(tmp_path, WEB)
    (tmp_path / "www").symlink_to("web")
    assert lint(tmp_path, {}) == ["www:1 SVC009"]


def test_who_can_change_it(tmp_path: Path) -> None:
    make(tmp_path, WEB)
    (tmp_path / "web/run").chmod(0o777)
    assert lint(tmp_path, {}) == ["web/run:1 SVC010"]


def run(*arguments: str) -> int:
    return cli.main(["--isolated", *arguments])


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of services, one service, and an inittab, in one run; and the formats that there are."""
    make(tmp_path, {"services/web/run": f"{SH}httpd -f\n", "inittab": "id:2:initdefault:\n"})
    assert run("-q", str(tmp_path / "services")) == 0
    told = capsys.readouterr().out
    assert f"{tmp_path}/services/web/run:2" in told.splitlines()[0]
    assert "SVC005" in told
    assert run("--strict", "-q", str(tmp_path / "services/web"), str(tmp_path / "inittab")) == 1
    assert run("--strict", "-q", "--ignore", "SVC0", str(tmp_path / "services")) == 0
    for form in ("json", "sarif", "github", "gcc"):
        capsys.readouterr()
        assert run("-q", "--format", form, str(tmp_path / "services")) == 0
        assert "SVC005" in capsys.readouterr().out


def test_the_summary_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, WEB)
    assert run(str(tmp_path)) == 0
    assert capsys.readouterr().err == "inittab-lint: nothing found\n"


def test_a_folder_with_an_inittab_is_none_of_services(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, {"inittab": "id:2:initdefault:\n", "web/run": "x"})
    run(str(tmp_path))
    assert "SVC" not in capsys.readouterr().out


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither that of a service nor that of a file; with --root it is followed within the image."""
    make(tmp_path, {"outside/run": "secret", "services/web/run": SH + "exec httpd -f\n"})
    (tmp_path / "services/out").symlink_to("../outside")
    assert run(str(tmp_path / "services")) == 2
    told = capsys.readouterr()
    assert "services/out: the link out -> ../outside leads out of its place" in told.err
    assert "secret" not in told.out + told.err
    assert run("--root", str(tmp_path), str(tmp_path / "services")) == 1
    assert "SVC003" in capsys.readouterr().out
    (tmp_path / "services/out").unlink()
    (tmp_path / "services/web/finish").symlink_to("/etc/passwd")
    assert run(str(tmp_path / "services")) == 2
    assert "root:" not in capsys.readouterr().out


def test_what_is_printed_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "we\x1b[31mb\n##[error]x"
    make(tmp_path, {f"{name}/run": "x", **WEB})
    assert run(str(tmp_path)) == 1
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "we\\x1b[31mb\\n" in told


def test_a_long_file_is_read_in_part(tmp_path: Path) -> None:
    """What it ends with is not known then, and no line is taken for whole that is not."""
    text = SH + ": a line\n" * 20_000 + "httpd -f\n"
    assert lint(tmp_path, {"web/run": text}) == []


def test_loops_of_links_end(tmp_path: Path) -> None:
    make(tmp_path, WEB)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "web/log").symlink_to("..")
    failed: list[str] = []
    services = find(Place(str(tmp_path)), failed)
    assert services
    check_services(services, RULES, failed)
    assert any("loop" in line for line in failed)
