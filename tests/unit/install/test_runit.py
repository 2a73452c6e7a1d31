"""inittab-install --runit: the one file and its links, what had such names before, and the way back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sysvinit_py.build import onefile
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.clients.runit.__main__ import MODULES
from sysvinit_py.install import cli, services
from sysvinit_py.linux.beneath import Tree

FILE = b"#!/usr/bin/python3\n# runit of sysvinit_py 1\n"
FOLDERS = ("sbin", "usr/sbin", "usr/bin")
EXISTING: dict[str, bytes | str] = {
    "sbin/runit": b"C runit", "sbin/runit-init": b"C runit-init", "usr/bin/sv": b"C sv", "usr/bin/chpst": "c",
    "usr/bin/c": b"C chpst", "usr/bin/setlock": b"daemontools", "usr/bin/other": b"other",
}  # fmt: skip


def content(root: Path) -> dict[str, bytes | str]:
    """All files, links as what they say."""
    paths = [path for folder in FOLDERS for path in (root / folder).iterdir()]
    return {
        str(path.relative_to(root)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in paths
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def fill(root: Path) -> None:
    for name, told in EXISTING.items():
        if isinstance(told, str):
            (root / name).symlink_to(told)
        else:
            (root / name).write_bytes(told)


def test_every_program_has_its_name() -> None:
    names = [*services.LINKS.values(), *services.DAEMONTOOLS.values(), (services.FILE,)]
    assert {name for some in names for name in some} == {*MODULES}


def test_installs_into_an_empty_system_and_undoes_it(root: Path) -> None:
    services.install(Tree(root), FILE)
    after = content(root)
    assert after.pop("sbin/runit") == FILE
    assert {Path(name).name for name in after} == {*MODULES} - {"runit"}
    assert {*after.values()} == {"/sbin/runit"}
    assert (root / "sbin/runit").stat().st_mode & 0o777 == 0o755
    services.undo(Tree(root))
    assert content(root) == {}


def test_keeps_what_had_the_names_and_brings_it_back(root: Path) -> None:
    """Twice in between: another build must not be taken for what was there before."""
    fill(root)
    services.install(Tree(root), FILE)
    services.install(Tree(root), FILE + b"2")
    after = content(root)
    assert after["sbin/runit"] == FILE + b"2"
    assert after["usr/bin/sv"] == after["usr/bin/chpst"] == "/sbin/runit"
    assert (after["sbin/runit.runit"], after["usr/bin/sv.runit"], after["usr/bin/chpst.runit"]) == (
        b"C runit", b"C sv", "c",
    )  # fmt: skip
    assert after["usr/bin/setlock"] == b"daemontools"
    services.undo(Tree(root))
    assert content(root) == EXISTING


def test_undo_leaves_what_others_have_put_there_meanwhile(root: Path) -> None:
    services.install(Tree(root), FILE)
    (root / "usr/bin/sv").unlink()
    (root / "usr/bin/sv").write_bytes(b"newer")
    services.undo(Tree(root))
    assert content(root) == {"usr/bin/sv": b"newer"}


def test_undo_without_an_installation_is_refused(root: Path) -> None:
    fill(root)
    with pytest.raises(RefusedError, match="not ours"):
        services.undo(Tree(root))
    assert content(root) == EXISTING


def test_writes_through_no_link(root: Path) -> None:
    """A root file system may be an enemy's: links for the draft, and in the place of folders."""
    outside = root / "outside"
    outside.write_bytes(b"as it was")
    (root / "sbin/runit.new").symlink_to(outside)
    (root / "usr/bin/sv.new").symlink_to(outside)
    (root / "usr/bin/sv.runit").symlink_to(outside)
    (root / "usr/bin/sv").symlink_to(outside)
    services.install(Tree(root), FILE)
    services.undo(Tree(root))
    assert outside.read_bytes() == b"as it was"
    assert os.readlink(root / "usr/bin/sv") == str(outside)


def test_a_folder_that_is_missing_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "usr/sbin").rmdir()
    services.install(Tree(root), FILE)
    assert "inittab-install: /usr/sbin: no links there: No such file or directory" in capsys.readouterr().err
    services.undo(Tree(root))
    (root / "usr/sbin").mkdir()
    assert content(root) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="requires root")
class TestProgram:
    """The command line."""

    def test_takes_only_runit(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "init").write_bytes(onefile.build("init"))
        assert cli.main(["--root", str(root), "--runit", "--init", str(root / "init")]) == cli.REFUSED
        assert "not the runit of sysvinit_py" in capsys.readouterr().err
        (root / "runit").write_bytes(onefile.build("runit"))
        assert cli.main(["--root", str(root), "--init", str(root / "runit")]) == cli.REFUSED
        assert "not the init of sysvinit_py" in capsys.readouterr().err

    def test_a_root_without_python_is_refused(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["--root", str(root), "--runit"]) == cli.REFUSED
        assert "no /usr/bin/python3" in capsys.readouterr().err
        assert content(root) == {}

    def test_the_package_with_init_is_no_obstacle(self, root: Path) -> None:
        """Regression: it does not have runit's programs, and inittab-install --runit was refused."""
        (root / "var/lib/dpkg").mkdir(parents=True)
        (root / "var/lib/dpkg/diversions").write_text("/sbin/init\n/sbin/init.sysv\nsysvinit-py\n")
        services.install(Tree(root), FILE)
        assert cli.main(["--root", str(root), "--runit", "--undo"]) == cli.OK
        assert content(root) == {}

    @pytest.mark.parametrize("other", ["--live", "--force"])
    def test_options_that_do_not_fit(
        self, root: Path, other: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--root", str(root), "--runit", other]) == cli.USAGE
        assert "--runit is not about init" in capsys.readouterr().err
