"""The Debian packages in Debian 12 and 13 roots: installed, updated, removed, failed, interrupted."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sysvinit_py
from sysvinit_py.clients.runit.__main__ import MODULES
from sysvinit_py.install import cli, services
from tests.vm.debian import CORE, FOR_APT, PACKAGE, REPOSITORY, SUITES, Edit, Root, base

nightly = pytest.mark.nightly
TOOLS = (*("inittab" + tool for tool in ("", "-fmt", "-install", "-lint", "-lsp", "-try")), "initeventd")
RUNIT = (*services.NAMES, services.FILE)
COMPLETIONS = (
    "usr/share/bash-completion/completions/{}",
    "usr/share/zsh/vendor-completions/_{}",
    "usr/share/fish/vendor_completions.d/{}.fish",
)

#: Each file that is replaced, and the name under which the previous one is kept.
REPLACED = {
    "usr/sbin/init": "usr/sbin/init.sysv",
    "usr/sbin/telinit": "usr/sbin/telinit.sysv",
    "usr/share/man/man5/inittab.5.gz": "usr/share/man/man5/inittab.sysv.5.gz",
    "usr/share/man/man8/init.8.gz": "usr/share/man/man8/init.sysv.8.gz",
    "usr/share/man/man8/telinit.8.gz": "usr/share/man/man8/telinit.sysv.8.gz",
}
#: What the package was before it had a debian/: it diverted the names in /sbin alone.
OLDER_PREINST = """\
#!/bin/sh
set -e
divert() {
    if [ -e "$1" ]; then
        ln -f "$1" "$2" 2>/dev/null || cp -P "$1" "$2"
    fi
    dpkg-divert --package sysvinit-py --add --no-rename --divert "$2" "$1"
}
if [ "$1" = install ]; then
    divert /sbin/init /sbin/init.sysv
    divert /sbin/telinit /sbin/telinit.sysv
    divert /usr/share/man/man8/init.8.gz /usr/share/man/man8/init.sysv.8.gz
    divert /usr/share/man/man8/telinit.8.gz /usr/share/man/man8/telinit.sysv.8.gz
    divert /usr/share/man/man5/inittab.5.gz /usr/share/man/man5/inittab.sysv.5.gz
fi
"""
OLDER_POSTRM = """\
#!/bin/sh
set -e
case $1 in
    remove|abort-install|disappear)
        for f in /sbin/init /sbin/telinit; do
            dpkg-divert --package sysvinit-py --remove --rename --divert $f.sysv $f
        done ;;
esac
"""


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def root(suite: str, tmp_path: Path, packages: dict[str, Path]) -> CRoot:
    """One with C init."""
    return CRoot(base(suite, "c"), tmp_path)


@pytest.fixture
def package(packages: dict[str, Path]) -> Path:
    return packages[PACKAGE]


@pytest.fixture
def core(packages: dict[str, Path]) -> Path:
    return packages[CORE]


class CRoot(Root):
    """A Debian with C init."""

    def __init__(self, tar: Path, folder: Path) -> None:
        super().__init__(tar, folder)
        self.before = self.replaced()
        self.core = self.debs / "sysvinit-core.deb"
        self.c_init = self.read("usr/sbin/init")

    def replaced(self) -> dict[str, bytes | str | None]:
        """What is in each of the places."""
        return {path: self.read(path) for pair in REPLACED.items() for path in pair}


def newer(folder: Path) -> None:
    """A newer version of C init's package, with another init."""
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", r"\g<0>+1", control.read_text()))
    init = next(path for path in (folder / "sbin/init", folder / "usr/sbin/init") if path.exists())
    init.write_bytes(init.read_bytes() + b"newer")


def moved(folder: Path) -> None:
    """As a newer Debian has it: what was in /sbin is in /usr/sbin, or the other way round."""
    newer(folder)
    old, new = folder / "sbin", folder / "usr/sbin"
    if not old.exists():
        old, new = new, old
    new.parent.mkdir(exist_ok=True)
    old.rename(new)


def check_removed(root: CRoot, init: bytes | str | None) -> None:
    """Nothing is left of the package, and C init is in its place again."""
    assert root.replaced() == {**root.before, "usr/sbin/init": init}
    assert root.diversions() == []
    assert not list(root.folder.glob("usr/sbin/*.sysv*"))


def check_tools(root: Root) -> None:
    """All of them run, and have a man page and completions."""
    for program in TOOLS:
        assert "usage: " in root.run(program, "--help"), program
        for place in COMPLETIONS:
            assert root.read(place.format(program)), (place, program)
    pages = {path.name for path in root.folder.glob("usr/share/man/man*/*.gz")}
    wanted = {path.stem for path in (REPOSITORY / "man").glob("*.rst")} | {"inittab-lint-rules.7"}
    owned = {name.partition(".")[0] for name in (*RUNIT, *(cli.PROGRAMS if not root.is_core() else ()))}
    assert {name for name in wanted if name.partition(".")[0] not in owned} <= {page[:-3] for page in pages}
    for path in (REPOSITORY / "inittab.d").glob("*.tab"):
        assert root.read(f"usr/share/sysvinit_py/inittab.d/{path.name}") == path.read_bytes()
    # They were compiled: what root runs writes nothing that dpkg would not remove.
    assert list(root.folder.glob("usr/lib/python3/dist-packages/sysvinit_py/__pycache__/*.pyc"))


def test_installed_and_removed(root: CRoot, package: Path) -> None:
    before = root.tree()
    said = root.install(package)
    assert "/sbin/init is sysvinit_py now" in said
    assert "init=/sbin/init.sysv" in said
    assert root.boots() == "ours"
    for path, kept in REPLACED.items():
        assert root.read(kept) == root.before[path], path
    check_tools(root)
    assert root.run("dpkg", "--verify", PACKAGE) == ""
    assert "is installed" in root.run("inittab-install", "--undo", fails=True)
    root.dpkg("--remove", PACKAGE)
    check_removed(root, root.c_init)
    assert root.boots() == "c"
    root.install(package)
    root.dpkg("--purge", PACKAGE)
    root.check_undone(before)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda folder: None, id="again", marks=nightly),
        pytest.param(newer, id="newer", marks=nightly),
        pytest.param(moved, id="moved"),
    ],
)
def test_an_update_of_c_init_does_not_replace_ours(root: CRoot, package: Path, edit: Edit) -> None:
    """Whether it is in /sbin or /usr/sbin there: dpkg knows both names, and they are one file."""
    root.install(package)
    root.install(root.repacked(root.core, edit))
    assert root.is_ours()
    core = "sbin/init" if (root.debs / "repacked/sbin/init").exists() else "usr/sbin/init"
    expected = (root.debs / "repacked" / core).read_bytes()
    assert root.read("usr/sbin/init.sysv") == expected
    root.install(package)  # ours again
    assert root.is_ours()
    assert root.read("usr/sbin/init.sysv") == expected
    root.dpkg("--remove", PACKAGE)
    check_removed(root, expected)


@nightly
@pytest.mark.parametrize("lost", [False, True], ids=["as it was", "after an update of C init"])
def test_update_from_the_package_before_debian(root: CRoot, package: Path, lost: bool) -> None:
    def older(folder: Path) -> None:
        (folder / "DEBIAN/preinst").write_text(OLDER_PREINST)
        (folder / "DEBIAN/postrm").write_text(OLDER_POSTRM)
        for script in "postinst", "prerm", "triggers":
            (folder / "DEBIAN" / script).unlink()
        for name in "init", "telinit":  # dpkg had them in their places
            (folder / "usr/lib/sysvinit-py/sbin" / name).rename(folder / "usr/sbin" / name)
        (folder / "usr/sbin").rename(folder / "sbin")
        control = folder / "DEBIAN/control"
        control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 0.0."))

    root.install(root.repacked(package, older))
    expected = root.c_init
    if lost:
        root.install(root.repacked(root.core, newer))
        (core,) = (root.debs / "repacked").glob("**/sbin/init")
        expected = core.read_bytes()
    root.install(package)
    assert root.is_ours()
    assert root.read("usr/sbin/init.sysv") == expected
    root.install(root.core)
    assert root.is_ours()
    root.dpkg("--remove", PACKAGE)
    check_removed(root, root.c_init)


def test_a_failed_installation_changes_nothing(root: CRoot, package: Path) -> None:
    """A file of it is another package's."""

    def another(folder: Path) -> None:
        control = folder / "DEBIAN/control"
        text = control.read_text().replace("Package: sysvinit-py", "Package: another")
        control.write_text(re.sub(r"(?m)^Depends: .*\n", "", text))
        shutil.rmtree(folder / "usr/sbin")
        shutil.rmtree(folder / "usr/share/man")
        for script in "preinst", "postinst", "prerm", "postrm", "triggers":
            (folder / "DEBIAN" / script).unlink()

    root.install(root.repacked(package, another))
    assert "trying to overwrite" in root.install(package, fails=True)
    check_removed(root, root.c_init)
    root.dpkg("--purge", "another")
    root.install(package)
    assert root.is_ours()


def test_not_installed_over_inittab_install(root: CRoot, package: Path) -> None:
    """It would take ours for the init to fall back to."""
    (root.folder / "usr/sbin/init").write_bytes(b"#!/usr/bin/python3 -IS\n# sysvinit_py 0: one\n")
    assert "inittab-install --undo" in root.install(package, fails=True)
    assert root.diversions() == []
    assert root.read("usr/sbin/init.sysv") is None


def test_the_version_is_the_package_s() -> None:
    first = (REPOSITORY / "debian/changelog").read_text().splitlines()[0]
    assert first.startswith(f"{PACKAGE} ({sysvinit_py.__version__}) ")


def test_what_is_whose_is_what_inittab_install_says(packages: dict[str, Path]) -> None:
    """Of init, and of runit's programs: its tables are where the packages have their links from."""
    links = {name: linked(deb) for name, deb in packages.items()}
    beside = {cli.TELINIT: "init", cli.INITTAB: "../sbin/init"}
    assert links[PACKAGE] == beside
    assert links[CORE] == {**beside, **dict.fromkeys(cli.PROGRAMS, "init")}
    assert links["sysvinit-py-runit"] == dict.fromkeys(services.NAMES, "runit")
    assert {*services.NAMES, services.FILE} == {*MODULES}


def linked(deb: Path) -> dict[str, str]:
    """The links to programs that a package has."""
    listed = subprocess.run(
        ["dpkg-deb", "--contents", deb], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r" \./usr/\S*bin/(\S+) -> (\S+)$", listed, re.MULTILINE)
    return dict(found)


def test_runit_s_programs_are_beside_those_of_the_package_runit(
    root: CRoot, packages: dict[str, Path]
) -> None:
    """Theirs are in a folder of their own, so neither package has a file of the other."""
    before = root.tree()
    root.install(packages["sysvinit-py-runit"])
    listed = root.dpkg("--listfiles", "sysvinit-py-runit").split()
    assert {path for path in listed if "/bin/" in path} == {f"/usr/lib/sysvinit-py/bin/{n}" for n in MODULES}
    inside = ("/usr/lib/sysvinit-py", "/usr/share/doc/sysvinit-py-runit")
    files = [path for path in listed if not (root.folder / path[1:]).is_dir()]
    assert [path for path in files if not path.startswith(inside)] == []
    for name in MODULES:
        said = root.run(f"/usr/lib/sysvinit-py/bin/{name}", "--version")
        assert said.startswith(f"{name} (sysvinit_py) ")
    root.dpkg("--purge", "sysvinit-py-runit")
    root.check_undone(before)


def test_lintian_finds_no_fault(packages: dict[str, Path]) -> None:
    if not shutil.which("lintian"):
        pytest.skip("no lintian here")
    command: list[str | Path] = [
        "lintian",
        "--allow-root",
        "--pedantic",
        "--fail-on=error,warning,pedantic",
        *packages.values(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done


# sysvinit-py-core.


def swapped(root: Root, old: str, deb: Path) -> str:
    """Install a package in the place of another init's, as docs/install.rst has it for Debian 12 and 13."""
    return root.apt("install", root.put(deb), f"{old}-")


def test_core_takes_the_place_of_c_init_and_gives_it_back(root: CRoot, core: Path) -> None:
    swapped(root, "sysvinit-core", core)
    root.dpkg("--purge", "sysvinit-core")
    assert root.boots() == "ours"
    assert root.diversions() == []
    check_tools(root)
    for program in cli.PROGRAMS[:-1]:
        assert "usage: " in root.run(program, "--help").lower(), program
    assert "Processing" not in root.run("dpkg", "--audit")
    swapped(root, CORE, root.core)
    assert root.boots() == "c"
    root.dpkg("--purge", CORE)
    assert root.read("usr/sbin/init") == root.c_init
    assert root.states() == {}
    assert root.diversions() == []
    assert not list(root.folder.glob("**/*usr-is-merged*"))


@nightly
@pytest.mark.parametrize("name", [PACKAGE, CORE])
@pytest.mark.parametrize("found", ["", "id:3:initdefault:\n"])
def test_an_inittab_only_where_none_is(root: CRoot, packages: dict[str, Path], name: str, found: str) -> None:
    """It is removed by a purge, but not the one that somebody has written, or that C init reads."""
    inittab = root.folder / "etc/inittab"
    inittab.write_text(found) if found else inittab.unlink()
    if name == CORE:
        swapped(root, "sysvinit-core", packages[CORE])
    else:
        root.install(packages[PACKAGE])
    made = (REPOSITORY / "debian/inittab").read_text()
    assert inittab.read_text() == (found or made)
    root.dpkg("--purge", "--force-depends", name)
    assert (inittab.read_text() if inittab.exists() else "") == (made if name == PACKAGE else "") or found
    assert not list(root.folder.glob("var/lib/sysvinit-py*"))


def test_the_inittab_that_is_put_there_is_in_order() -> None:
    command = [
        sys.executable,
        "-m",
        "sysvinit_py.lint.cli",
        "--target",
        "sysvinit_py",
        "--strict",
        "--isolated",
    ]
    inittab = REPOSITORY / "debian/inittab"
    done = subprocess.run([*command, inittab], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert (done.returncode, done.stdout) == (0, ""), done


def broken(script: str) -> Edit:
    """A package of which a script fails, after all that it does."""

    def edit(folder: Path) -> None:
        path = folder / "DEBIAN" / script
        path.write_text(path.read_text() + "\nexit 1\n")

    return edit


@nightly
@pytest.mark.parametrize("script", ["preinst", "postinst"])
@pytest.mark.parametrize("name", [PACKAGE, CORE])
def test_a_script_that_fails(root: CRoot, packages: dict[str, Path], name: str, script: str) -> None:
    """There is an init all the time, and what comes next mends it."""
    before = root.tree()
    bad = root.repacked(packages[name], broken(script))
    # With dpkg alone, which removes sysvinit-core while it installs sysvinit-py-core.
    root.dpkg("--auto-deconfigure", "--install", root.put(bad), fails=True)
    assert root.boots() == ("c" if script == "preinst" else "ours")
    if script == "preinst":
        root.check_undone(before)
    root.dpkg("--auto-deconfigure", "--install", root.put(packages[name]))
    assert root.boots() == "ours"
    assert len(root.diversions()) == (7 if name == PACKAGE else 0)


def older(folder: Path) -> None:
    """The package as it was before it had the tools, and before others stood beside it."""
    control = folder / "DEBIAN/control"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 0.0."))
    for path in ("usr/lib/python3", "usr/share/sysvinit_py", "usr/share/bash-completion", "DEBIAN/prerm"):
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()
    for path in ("inittab-lint", "inittab-try"):
        (folder / "usr/bin" / path).unlink()
    for script in "postinst", "postrm":  # nothing of them but what concerns diversions
        text = (folder / "DEBIAN" / script).read_text()
        (folder / "DEBIAN" / script).write_text(re.sub(r"py3\w+", "true", text))


@nightly
@pytest.mark.parametrize("name", [PACKAGE, CORE])
def test_an_upgrade(root: CRoot, packages: dict[str, Path], name: str) -> None:
    before = root.tree()
    root.dpkg("--auto-deconfigure", "--install", root.put(root.repacked(packages[name], older)))
    assert root.boots() == "ours"
    said = root.install(packages[name])
    assert "process 1 is what it was" not in said
    assert root.boots() == "ours"
    check_tools(root)
    if name == PACKAGE:
        root.dpkg("--purge", PACKAGE)
        root.check_undone(before)


@nightly
def test_from_one_of_ours_to_the_other_and_back(root: CRoot, packages: dict[str, Path]) -> None:
    root.install(packages[PACKAGE])
    root.apt("install", root.put(packages[CORE]), f"{PACKAGE}-", "sysvinit-core-")
    assert root.boots() == "ours"
    assert root.diversions() == []
    root.apt("install", root.put(packages[PACKAGE]), f"/debs/{root.core.name}", f"{CORE}-")
    assert root.boots() == "ours"
    root.dpkg("--purge", CORE, PACKAGE)
    assert root.boots() == "c"
    check_removed(root, root.c_init)
    assert root.states() == {}


@nightly
def test_over_systemd_and_back(suite: str, tmp_path: Path, packages: dict[str, Path]) -> None:
    """Beside C init, too, which apt installs with it."""
    root = Root(base(suite, "systemd"), tmp_path)
    others = [f"/debs/{name}.deb" for name in FOR_APT if name not in ("systemd-sysv", "sysvinit-core")]
    before = root.tree()
    assert root.boots() == "systemd"
    root.apt("install", root.put(packages[CORE]), *others, "systemd-sysv-")
    assert root.boots() == "ours"
    root.apt("install", "/debs/systemd-sysv.deb", f"{CORE}-", *(f"{Path(o).stem}-" for o in others))
    assert root.boots() == "systemd"
    root.dpkg("--purge", CORE, *(Path(other).stem for other in others))
    # The postinst of initscripts leaves this, and sysv-rc takes links in /etc/rc*.d away.
    (root.folder / "etc/systemd/system/kmod.service").unlink(missing_ok=True)
    links = {path: kind for path, kind in root.tree().items() if path.startswith("etc/rc")}
    root.check_undone({path: kind for path, kind in before.items() if not path.startswith("etc/rc")} | links)
    root.apt("install", root.put(packages[PACKAGE]), "/debs/sysvinit-core.deb", *others, "systemd-sysv-")
    assert root.boots() == "ours"


#: Lines of strace that are steps of dpkg: what it renames and removes.
STEPS = "/^(rename|unlink)(at2?)?$"


def steps(root: Root, *words: str) -> list[str]:
    """Run dpkg; return its steps."""
    log = root.folder.parent / f"{root.folder.name}.strace"
    root.dpkg(*words, wrapper=f"strace -o {log} -e trace={STEPS}")
    lines = [line for line in log.read_text().splitlines() if re.match("rename|unlink", line)]
    log.unlink()
    return lines


def chosen(lines: list[str]) -> list[tuple[str, int]]:
    """The steps before which dpkg is killed: those that concern init, and some of the others.

    A step is the name of a system call and the number of the call, as strace counts them.
    """
    about = [n for n, line in enumerate(lines) if re.search(r"sbin/(init|telinit)[\".]", line)]
    names = [line.partition("(")[0] for line in lines]
    some = sorted({*about, *range(0, len(lines), max(1, len(lines) // 12)), len(lines) - 1})
    return [(names[n], names[: n + 1].count(names[n])) for n in some]


#: What is interrupted, and which init there may be then: none where sysvinit-py-core is removed.
KILLED = [
    pytest.param(PACKAGE, "install", {"c", "ours"}, id="install beside C init"),
    pytest.param(PACKAGE, "upgrade", {"ours"}, id="upgrade"),
    pytest.param(PACKAGE, "remove", {"c", "ours"}, id="remove"),
    pytest.param(CORE, "install", {"c", "ours"}, id="install instead of C init"),
    pytest.param(CORE, "upgrade", {"ours"}, id="upgrade of core"),
    pytest.param(CORE, "remove", set(), id="remove core"),
]


class Interrupted:
    """dpkg doing something, which is killed, in a copy of the root each time."""

    def __init__(self, root: CRoot, deb: Path, doing: str, inits: set[str]) -> None:
        self.root, self.inits = root, inits
        self.name = deb.name.partition("_")[0]
        self.install = ["--auto-deconfigure", "--install", root.put(deb)]
        # init pre-depends on the core package.
        self.words = ["--force-depends", "--remove", self.name] if doing == "remove" else self.install
        compiler = root.debs / "py3compile"  # it would take most of the time
        compiler.write_text("#!/bin/sh\n")
        compiler.chmod(0o755)
        if doing != "install":
            root.dpkg(*self.install)

    def start(self) -> CRoot:
        """Return a root that is to be killed."""
        return self.root.copied(self.root.folder.with_name("killed"))

    def check(self, killed: CRoot, step: object) -> None:
        """There is an init; and dpkg ends well when it is told the same again, or to go on and to install."""
        if self.inits:
            assert killed.boots() in self.inits, step
        other = killed.copied(killed.folder.with_name("other"))
        killed.dpkg(*self.words)
        other.dpkg("--configure", "-a", fails=None)
        other.dpkg(*self.install)
        for root, words in (killed, self.words), (other, self.install):
            assert root.run("dpkg", "--audit") == "", step
            if words == self.install:
                assert root.is_ours(), step
                assert root.run("dpkg", "--verify", self.name) == "", step
            if self.name == PACKAGE:
                root.dpkg("--purge", PACKAGE)
                check_removed(root, root.c_init)
            elif words != self.install:
                assert root.states() in ({}, {CORE: "config-files"}), step
            shutil.rmtree(root.folder)


@pytest.fixture
def interrupted(
    suite: str, packages: dict[str, Path], name: str, doing: str, inits: set[str], tmp_path: Path
) -> Interrupted:
    (tmp_path / "start").mkdir()
    return Interrupted(CRoot(base(suite, "c"), tmp_path / "start"), packages[name], doing, inits)


@nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "doing", "inits"), KILLED)
def test_dpkg_is_killed(interrupted: Interrupted, tmp_path: Path) -> None:
    """At any step the machine boots, and dpkg can go on."""
    kills = chosen(steps(interrupted.root.copied(tmp_path / "whole"), *interrupted.words))
    assert len(kills) > 12
    for call, number in kills:
        killed = interrupted.start()
        inject = f"strace -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={number}"
        killed.dpkg(*interrupted.words, wrapper=inject, fails=True)
        interrupted.check(killed, f"{call} {number}")


@nightly
@pytest.mark.timeout(3600)
# The core package's scripts change nothing when it is removed.
@pytest.mark.parametrize(("name", "doing", "inits"), KILLED[:-1])
def test_all_is_killed_while_a_script_runs(interrupted: Interrupted) -> None:
    """As when the power fails: after each command by which a script changes something."""
    step = done = 0
    while done == step:
        step += 1
        killed = interrupted.start()
        for name in COMMANDS:  # they are first in PATH
            (killed.debs / name).write_text(KILLER.format(step=step))
            (killed.debs / name).chmod(0o755)
        killed.run("sh", "-c", f"dpkg {' '.join(interrupted.words)}; :", fails=None)
        for name in COMMANDS:
            (killed.debs / name).unlink()
        done = (killed.debs / "count").stat().st_size
        interrupted.check(killed, step)
    assert step > (8 if interrupted.name == PACKAGE else 3)


COMMANDS = ("cp", "dpkg-divert", "ln", "mkdir", "mv", "rm")
KILLER = """\
#!/bin/sh
/usr/bin/${{0##*/}} "$@" || exit
case $0-$* in */dpkg-divert-*--list*) exit ;; esac
printf x >> /debs/count
[ "$(wc -c < /debs/count)" -lt {step} ] || kill -KILL -1
"""
