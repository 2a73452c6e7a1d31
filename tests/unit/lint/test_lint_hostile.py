"""A hostile repository or image: what is outside of it is neither shown nor changed, and nothing hangs."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sysvinit_py.lint import cli, fixes
from sysvinit_py.lint.formats import FORMATS
from sysvinit_py.linux import beneath
from sysvinit_py.linux.beneath import Place, named_file

Run = Callable[..., tuple[int, str]]

#: There is something to repair in it, and to show.
SENTINEL = b"id:2:initdefault:\nsi::sysinit:/SENTINEL \nx:22:twice:/SENTINEL\n"
GOOD = b"id:2:initdefault:\nsi::sysinit:/x\n"
ACTS: tuple[list[str], ...] = (
    [], ["--fix"], ["--fix", "--unsafe-fixes"], ["--diff", "--unsafe-fixes"], ["--format=sarif"],
)  # fmt: skip
STRANGER = 12345


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the repository, which looks like an /etc."""
    outside = tmp_path / "outside"
    (outside / "inittab.d").mkdir(parents=True)
    for path in (outside / "inittab", outside / "inittab.d/a.tab", outside / "secret"):
        path.write_bytes(SENTINEL)
        path.chmod(0o600)
    return outside


@pytest.fixture
def repo(tmp_path: Path, outside: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    return repo


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run it in a folder; return the status, and all that was written."""

    def run_it(folder: Path, *arguments: str) -> tuple[int, str]:
        monkeypatch.chdir(folder)
        status = cli.main(arguments)
        sys.stderr.flush()
        out, err = capfdbinary.readouterr()
        return status, (out + err).decode()

    return run_it


def everything(folder: Path) -> dict[str, tuple[object, ...]]:
    """All below a folder: kind, mode, owner, and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        seen = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(seen.st_mode) else b""
        found[str(path)] = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_ino, content)
    return found


def link_file(repo: Path, target: str) -> str:
    (repo / "etc").mkdir()
    (repo / "etc/inittab").symlink_to(target)
    return "etc/inittab"


def link_by_a_link(repo: Path, target: str) -> str:
    link_file(repo, target)
    (repo / "etc/inittab").rename(repo / "etc/other")
    (repo / "etc/inittab").symlink_to("../etc/other")
    (repo / "etc/x.tab").symlink_to("other")
    return "etc/x.tab"


def link_tab(repo: Path, target: str) -> str:
    (repo / "etc/inittab.d").mkdir(parents=True)
    (repo / "etc/inittab").write_bytes(GOOD)
    (repo / "etc/inittab.d/a.tab").symlink_to(os.path.join("..", target) if target[0] == "." else target)
    return "etc/inittab.d/a.tab"


@pytest.mark.parametrize("make", [link_file, link_by_a_link, link_tab])
@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("act", ACTS, ids=" ".join)
def test_a_link_out_is_an_error_that_names_it(
    make: Callable[[Path, str], str], absolute: bool, act: list[str], run: Run, repo: Path, outside: Path
) -> None:
    """Regression: what it led to was shown, and rewritten."""
    before = everything(outside)
    name = make(repo, str(outside / "secret") if absolute else "../../outside/secret")
    for folder, prefix in ((repo, ""), (repo, "./"), (repo.parent, "repo/"), (Path("/"), f"{repo}/")):
        for word in (name, "etc"):
            status, said = run(folder, prefix + word, *act)
            assert status == 2
            assert "SENTINEL" not in said
            if word == name:
                assert re.search(rf"{word}: the link \S+ -> \S+outside/secret leads out", said)
    assert everything(outside) == before


@pytest.mark.parametrize("target", ["../outside", "/"])
@pytest.mark.parametrize("act", ACTS, ids=" ".join)
def test_a_folder_that_leads_out(target: str, act: list[str], run: Run, repo: Path, outside: Path) -> None:
    before = everything(outside)
    target = str(outside) if target == "/" else target
    (repo / "etc").symlink_to(target)
    for folder, prefix in ((repo, ""), (repo.parent, "repo/"), (Path("/"), f"{repo}/")):
        for words in (["etc"], ["etc/"], ["etc/inittab"], ["etc/inittab.d/a.tab"], ["etc/../etc/inittab"]):
            status, said = run(folder, *(prefix + word for word in words), *act)
            assert status == 2, words
            assert "SENTINEL" not in said
            assert f"the link etc -> {target} leads out" in said
        assert run(folder, f"--root={prefix}etc", *act)[0] == 2
    assert "SENTINEL" not in run(repo.parent, "repo", *act)[1]
    assert everything(outside) == before


def test_an_inittab_d_that_leads_out(run: Run, repo: Path, outside: Path) -> None:
    before = everything(outside)
    (repo / "inittab").write_bytes(GOOD)
    (repo / "inittab.d").symlink_to("../outside/inittab.d")
    for words in (["."], ["inittab.d"], ["inittab.d/a.tab"], ["inittab"]):
        status, said = run(repo, *words, "--fix")
        assert (status == 2) == (words != ["inittab"])  # which is right by itself
        assert "SENTINEL" not in said
    assert everything(outside) == before


@pytest.mark.parametrize("act", ACTS, ids=" ".join)
def test_links_of_an_image_begin_at_its_root(act: list[str], run: Run, repo: Path, outside: Path) -> None:
    before = everything(outside)
    (repo / "usr").mkdir()
    for target in (str(outside), "../outside", "../../../../../.." + str(outside)):
        (repo / "etc").symlink_to(target)
        for words in ([], ["repo/etc"], ["repo/etc/inittab"]):
            status, said = run(repo.parent, "--root=repo", *words, *act)
            assert status == 2
            assert "SENTINEL" not in said
            assert f"where the link etc -> {target} leads" in said
        (repo / "etc").unlink()
    assert everything(outside) == before


def test_links_inside_are_followed(run: Run, repo: Path) -> None:
    (repo / "usr/etc").mkdir(parents=True)
    (repo / "usr/etc/real").write_bytes(b"x:22:once:/x\n")
    (repo / "usr/etc/inittab").symlink_to("real")
    (repo / "etc").symlink_to("usr/etc")
    for words in (["etc/inittab"], ["etc"], ["--root=."], ["--root=.", "etc/inittab"]):
        (repo / "usr/etc/real").write_bytes(b"x:22:once:/x\n")
        assert run(repo, "--fix", "--select=INT210", *words)[0] == 0
        assert (repo / "usr/etc/real").read_bytes() == b"x:2:once:/x\n"
        assert (repo / "usr/etc/inittab").is_symlink()
    (repo / "usr/etc/inittab").unlink()
    (repo / "usr/etc/inittab").symlink_to("/usr/etc/real")  # at boot that is right
    for words in ([], ["etc"], ["etc/inittab"]):
        assert run(repo, "--root=.", "--select=INT1", *words)[0] == 0
    assert run(repo, "etc")[0] == 2


def test_links_that_go_round(run: Run, repo: Path) -> None:
    (repo / "a").symlink_to("b")
    (repo / "b").symlink_to("a")
    (repo / "inittab").symlink_to("a/inittab")
    assert run(repo, "inittab", "--fix") == (
        2,
        "inittab-lint: inittab: Too many levels of symbolic links\n",
    )
    assert run(repo, "--root=a") == (2, "inittab-lint: a: Too many levels of symbolic links\n")


def test_a_config_file_that_leads_out(run: Run, repo: Path, outside: Path) -> None:
    """Regression: the error showed a line of what it led to."""
    (repo / "inittab").write_bytes(GOOD)
    (outside / "secret").write_text("SENTINEL = 1\n")
    (repo / ".inittab-lint.cfg").symlink_to("../outside/secret")
    for arguments in (["inittab"], ["inittab", "--config=.inittab-lint.cfg"]):
        status, said = run(repo, *arguments)
        assert status == 2
        assert "SENTINEL" not in said
        assert ".inittab-lint.cfg -> ../outside/secret leads out" in said


@pytest.mark.parametrize("root", ["../outside-image", "/OUTSIDE", "link", "sub/../../outside-image"])
def test_the_root_of_a_config_file_is_below_it(root: str, run: Run, repo: Path, outside: Path) -> None:
    """Regression: its /etc/inittab was repaired, wherever it was."""
    (outside.parent / "outside-image").mkdir()
    outside.rename(outside.parent / "outside-image/etc")
    before = everything(outside.parent / "outside-image")
    (repo / "link").symlink_to("../outside-image")
    (repo / "sub").mkdir()
    root = root.replace("/OUTSIDE", str(outside.parent / "outside-image"))
    (repo / ".inittab-lint.cfg").write_text(f"[inittab-lint]\nroot = {root}\n")
    status, said = run(repo, "--fix")
    assert status == 2
    assert "SENTINEL" not in said
    assert everything(outside.parent / "outside-image") == before


def test_an_output_file_that_leads_out(run: Run, repo: Path, outside: Path) -> None:
    before = everything(outside)
    (repo / "inittab").write_bytes(SENTINEL)
    for target in ("../outside/secret", str(outside / "secret"), "../outside/new"):
        (repo / "report").symlink_to(target)
        assert run(repo, "inittab", "--output-file=report")[0] == 2
        (repo / "report").unlink()
    (repo / "folder").symlink_to("../outside")
    assert run(repo, "inittab", "--output-file=folder/secret")[0] == 2
    assert everything(outside) == before


def test_an_output_file_is_no_device(run: Run, repo: Path) -> None:
    (repo / "inittab").write_bytes(SENTINEL)
    os.mkfifo(repo / "fifo")
    for name in ("fifo", ".", "/dev/zero", "no/x"):
        status, said = run(repo, "inittab", "-q", f"--output-file={name}")
        assert status == 2
        assert said.startswith(f"inittab-lint: {name}: cannot be written: ")
    null = os.stat("/dev/null")
    assert run(repo, "inittab", "-q", "--output-file=/dev/null") == (1, "")
    assert os.path.samestat(os.stat("/dev/null"), null)
    assert "INT107" in run(repo, "inittab", "-q", "--output-file=/dev/stdout")[1]


# Races. A second process does the worst that the owner of the folder can do, as fast as it can.

SWAP = """
import os, sys
one, other, spare = sys.argv[1:]
while True:
    os.rename(one, spare)
    os.rename(other, one)
    os.rename(spare, other)
"""
#: Puts a link in the place of each file that appears beside.
SNATCH = """
import os, sys
folder, target = sys.argv[1:]
while True:
    for name in os.listdir(folder):
        if "inittab-lint" in name:
            try:
                os.unlink(f"{folder}/{name}")
                os.symlink(target, f"{folder}/{name}")
            except OSError:
                pass
"""
SECONDS = 1


@contextmanager
def meanwhile(program: str, *arguments: str | Path) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-S", "-c", program, *map(str, arguments)])
    try:
        time.sleep(0.1)
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def lint_for_a_while(run: Run, folder: Path, *arguments: str) -> str:
    said = ""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        said += run(folder, *arguments)[1]
    return said


@pytest.mark.parametrize("what", ["inittab", "etc"])
def test_names_that_change_meanwhile(what: str, run: Run, repo: Path, outside: Path) -> None:
    before = everything(outside)
    (repo / "etc").mkdir()
    (repo / "etc/inittab").write_bytes(GOOD + b"x:22:once:/x\n")
    one = repo / ("etc/inittab" if what == "inittab" else "etc")
    other = repo / "other"
    other.symlink_to(outside / "inittab" if what == "inittab" else outside)
    with meanwhile(SWAP, one, other, repo / "spare"):
        said = lint_for_a_while(run, repo, "etc/inittab", "--fix", "--unsafe-fixes")
        said += lint_for_a_while(run, repo, "--root=.", "--diff")
    assert "SENTINEL" not in said
    assert everything(outside) == before


def test_attributes_are_set_on_the_file_and_not_on_its_name(run: Run, repo: Path, outside: Path) -> None:
    """Regression: root's --fix gave whatever the name led to the mode of the inittab."""
    before = everything(outside)
    inittab = repo / "inittab"
    with meanwhile(SNATCH, repo, outside / "secret"):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with suppress(OSError):
                inittab.unlink()
            inittab.write_bytes(b"x:22:once:/x\n")
            inittab.chmod(0o777)
            run(repo, "inittab", "--fix")
    assert everything(outside) == before


def test_the_place_of_an_output_file_changes_meanwhile(run: Run, repo: Path, outside: Path) -> None:
    before = everything(outside)
    (repo / "inittab").write_bytes(GOOD)
    (repo / "out").mkdir()
    (repo / "other").symlink_to(outside)
    with meanwhile(SWAP, repo / "out", repo / "other", repo / "spare"):
        lint_for_a_while(run, repo, "inittab", "--output-file=out/secret")
    assert everything(outside) == before


def test_what_was_changed_meanwhile_is_not_overwritten(
    run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "inittab").write_bytes(b"x:22:once:/x\n")
    write = fixes.write

    def late(place: Place, before: bytes, after: bytes) -> None:
        (repo / "inittab").write_bytes(b"the editor's")
        write(place, before, after)

    monkeypatch.setattr(fixes, "write", late)
    status, said = run(repo, "inittab", "--fix", "-q")
    assert status == 2
    assert "inittab: cannot be written: was changed meanwhile\n" in said
    assert (repo / "inittab").read_bytes() == b"the editor's"


def acl(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_what_a_repaired_file_keeps(repo: Path) -> None:
    path, none = repo / "inittab", 0xFFFFFFFF
    path.write_bytes(b"old")
    given = acl((1, 6, none), (2, 6, STRANGER), (4, 0, none), (0x10, 6, none), (0x20, 0, none))
    by_default = acl((1, 7, none), (2, 7, STRANGER), (4, 7, none), (0x10, 7, none), (0x20, 7, none))
    try:
        os.setxattr(repo, "system.posix_acl_default", by_default)
    except OSError as reason:
        pytest.skip(f"no ACL here: {reason}")
    path.chmod(0o640)
    fixes.write(named_file(str(path)), b"old", b"new")
    assert "system.posix_acl_access" not in os.listxattr(path)  # what the folder would give it
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    os.setxattr(path, "system.posix_acl_access", given)
    mode = path.stat().st_mode
    fixes.write(named_file(str(path)), b"new", b"newer")
    assert os.getxattr(path, "system.posix_acl_access") == given
    assert path.stat().st_mode == mode


def test_what_a_repaired_file_loses(repo: Path) -> None:
    """A link to a set-user-ID program of root's may be in the place of the inittab."""
    path = repo / "inittab"
    path.write_bytes(b"old")
    path.chmod(0o6755)
    if os.geteuid() == 0:
        os.setxattr(path, "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    fixes.write(named_file(str(path)), b"old", b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert "security.capability" not in os.listxattr(path)


# What is no file.


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "zero", "tty", "huge"])
@pytest.mark.parametrize("where", ["inittab", "inittab.d/a.tab", "other"])
def test_what_is_no_inittab_is_an_error_at_once(kind: str, where: str, run: Run, repo: Path) -> None:
    (repo / "inittab.d").mkdir()
    path = repo / where
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    else:
        path.symlink_to(f"/dev/{kind}")
    signal.alarm(20)
    try:
        for words in ([where], ["."], ["--root=."], [where, "--fix"], [where, "--config", where]):
            status, said = run(repo, *words)
            assert status == 2 or (words == ["."] and (kind == "folder" or where == "other"))
            assert "Traceback" not in said
    finally:
        signal.alarm(0)


def test_devices_are_not_even_opened(run: Run, repo: Path) -> None:
    """To open a watchdog starts it."""
    for name in ("/dev/zero", "/dev/full", "/dev/tty", "/proc/self/mem/x", "/dev"):
        assert run(repo, name)[0] == 2
    assert run(repo, "/dev/null", "-q", "--select=INT1") == (0, "")


def test_a_tree_that_is_too_deep(run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
    try:
        status, said = run(repo, ".")
    finally:
        subprocess.run(["rm", "-rf", repo / "d"], check=True)
    assert status == 2
    assert "/d: more than 100 folders deep\n" in said


# Who decides.


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Make it a stranger's, as far as the linter can see."""
    if os.geteuid() == 0:
        os.chown(path, STRANGER, STRANGER)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    return path.stat().st_uid


@pytest.mark.parametrize("name", [".inittab-lint.cfg", "setup.cfg"])
def test_a_config_file_of_a_stranger_is_passed_over(
    name: str, run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: whoever could write to a folder above turned rules off."""
    below = repo / "a/b"
    below.mkdir(parents=True)
    (below / "inittab").write_bytes(SENTINEL)
    (repo / "a" / name).write_text("[inittab-lint]\nignore = INT\n")
    assert run(below, "inittab", "-q")[0] == 0
    uid = give_away(repo / "a" / name, monkeypatch)
    status, said = run(below, "inittab")
    assert status == 1
    path = f"{repo}/a/{name}"
    assert f"inittab-lint: {path}: not used, as it belongs to user {uid}; --config {path} takes it\n" in said
    assert run(below, "inittab", "-q", "--config", path)[0] == 0


def test_a_config_file_that_anybody_can_write(run: Run, repo: Path) -> None:
    (repo / "inittab").write_bytes(SENTINEL)
    (repo / ".inittab-lint.cfg").write_text("[inittab-lint]\nignore = INT\n")
    (repo / ".inittab-lint.cfg").chmod(0o666)
    status, said = run(repo, "inittab")
    assert status == 1
    assert "not used, as anybody can change it" in said


def test_a_fifo_of_a_stranger_is_passed_over(run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would keep everybody below /tmp from linting."""
    (repo / "a").mkdir()
    (repo / "a/inittab").write_bytes(GOOD)
    os.mkfifo(repo / ".inittab-lint.cfg")
    give_away(repo / ".inittab-lint.cfg", monkeypatch)
    assert run(repo / "a", "inittab", "--select=INT1", "-q")[0] == 0


@pytest.mark.parametrize("what", ["inittab", "inittab.d/a.tab", "inittab.d", "initscript"])
@pytest.mark.parametrize("how", ["mode", "owner"])
def test_what_somebody_else_can_change_is_a_warning(
    what: str, how: str, run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "etc/inittab.d").mkdir(parents=True)
    (repo / "etc/inittab").write_bytes(GOOD)
    (repo / "etc/inittab.d/a.tab").write_bytes(b"x:2:once:/x\n")
    (repo / "etc/initscript").write_text("exec $4\n")
    select = ["--select=INT006", "--strict", "-q", "--format=gcc"]
    for words in (["--root=."], ["etc"], ["etc/inittab", "etc/inittab.d/a.tab"]):
        assert run(repo, *words, *select) == (0, "")
    path = repo / "etc" / what
    if how == "mode":
        path.chmod(path.stat().st_mode | stat.S_IWOTH)
        by = "anybody"
    elif os.geteuid() == 0:
        os.chown(path, STRANGER, -1)
        by = f"user {STRANGER}"
    else:
        pytest.skip("only root can give a file away")
    for words in (["--root=."], ["etc"], ["etc/inittab", "etc/inittab.d/a.tab"]):
        status, said = run(repo, *words, *select)
        assert status == 1
        assert f"{by} can change it [INT006]" in said
        assert said.count("\n") == 1


# What is printed.

ORDERS = (
    "::error::x", " ::set-output name=a::b", "##vso[task.setvariable]x", "##[error]x", "##teamcity[x]",
    "\x1b]0;title\x07", "\x1b[31mred", "\x9b31m", "\u202etxt.exe", "\u2066\u2069", "a\rb", "a\u2028b", "\x00",
)  # fmt: skip


def harmless(said: str, *, github: bool = False) -> bool:
    for line in said.split("\n"):
        if not line.isprintable() or re.search(r"##\w*\[", line):
            return False
        ours = github and re.match("::(error|warning|notice) file=", line)
        if line.strip().startswith("::") and not ours:
            return False
    return True


@pytest.mark.parametrize("order", ORDERS, ids=ascii)
@pytest.mark.parametrize("act", [*(f"--format={name}" for name in FORMATS), "--diff", "--fix"])
def test_what_strangers_wrote_gives_no_orders(order: str, act: str, run: Run, repo: Path) -> None:
    """Regression: terminals and CI obeyed names of files, context lines, and --diff."""
    text = order.encode() + b"\n"
    order = order.replace("\0", "").replace("/", "")
    name, folder = f"{order}.inittab", repo / f"{order}d"
    folder.mkdir()
    (repo / name).write_bytes(
        text + b"x:22:once:/x " + text * 2 + b"# " + text + b"y:2:" + text + b"a:2:" + text
    )
    (folder / "inittab").write_bytes(b"::sysinit:" + text + text + b"x::y: \n")
    (folder / "out.inittab").symlink_to(f"/{name}")
    for words in (["."], [f"./{name}"], [f"{name}x"], ["--select", name], ["--config", name], [f"--{order}"]):
        status, said = run(repo, *words, act, "--target=sysvinit_py")
        assert status in (1, 2)
        assert harmless(said, github=act == "--format=github"), said


def test_what_is_regular_by_its_mode_and_would_be_waited_for(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /proc/kmsg: it hung; what is handed down is still waited for."""

    def nothing_yet(*_: object) -> bytes:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    (repo / "kmsg").write_bytes(b"")
    monkeypatch.setattr(os, "read", nothing_yet)
    monkeypatch.setattr(beneath, "select", lambda *_: pytest.fail("it waits"))
    with pytest.raises(BlockingIOError) as raised:
        named_file(f"{repo}/kmsg").read(100)
    assert raised.value.filename == f"{repo}/kmsg"
