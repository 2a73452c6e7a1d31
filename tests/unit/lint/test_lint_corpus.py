"""Inittab files of many systems: mistakes are found, stock files are clean, the dialect is guessed right."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from sysvinit_py.lint.check import check
from sysvinit_py.lint.sources import sources
from sysvinit_py.lint.targets import BUSYBOX, SYSVINIT_PY, TARGETS, guess
from tests.support.corpus import Sample, samples

FILES = {sample.name: sample for sample in samples()}


def load(name: str) -> bytes:
    return FILES[name].path.read_bytes()


def linted(name: str, target: str = "") -> set[str]:
    """``line code`` of all that is found in a file of the corpus, by default for the guessed target."""
    data = load(name)
    listed = check([("etc/inittab", data)], TARGETS[target] if target else guess(data))
    return {f"{finding.line} {finding.code}" for finding in listed}


def ours(odd: bool) -> dict[str, set[str]]:
    """What the index of our own files says."""
    return {name: set(s.findings) for name, s in FILES.items() if s.odd == odd and s.findings is not None}


def present(names: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [name for name in names if name in FILES])


#: Some of what is wrong with these files.
MISTAKES: dict[str, set[str]] = {
    **ours(odd=True),
    "AwlsomeAlex_muroinit-1e89158": {"1 INT601", "18 INT103"},
    "CarlosRobertoNunes_COBOLware-6.1": {"1 INT201", "1 INT211", "1 INT212", "1 INT213", "1 INT214"},
    "EnterTheVoid-x86_systabd": {"7 INT001", "100 INT103"},
    "Hazbiu_Team-Project-2025-rootfs": {"1 INT407"},
    "Museix_iglunix-bootstrap": {"1 INT212", "29 INT408"},
    "asssaf_vcore": {"21 INT503"},
    "barnard33-233_small-linux": {"5 INT107"},
    "bourne015_rootfs": {"5 INT708"},
    "caoziqiang_ramdisk-busybox": {"2 INT603", "4 INT603", "5 INT603"},
    "chaoswizard_utl-rootfs": {"1 INT002"},
    "chawlasushant_monit": {"1 INT201", "1 INT214"},
    "crunos_tool": {"14 INT603"},
    "cydonian-monk_Scripts-n-Config": {"61 INT108"},
    "cylinderlight_udp2serial": {"3 INT604"},
    "danil_etc": {"42 INT301", "47 INT301"},
    "danil_etc-c88573b": {"42 INT108"},
    "dkrinsky_UdemyVirtualEmbeddedLinuxBoard": {"20 INT410"},
    "fdev1_hydrax": {"1 INT001", "1 INT104"},
    "fixture_aix72": {"4 INT104", "6 INT104", "7 INT104", "8 INT104", "10 INT104"},
    "frc2399_2014-vision": {"55 INT304", "55 INT305", "55 INT603"},
    "ghoneycutt_puppet-module-inittab-f8cbab8": {"29 INT001", "29 INT104"},
    "ghoneycutt_puppet-module-inittab-solaris10-inittab": {"1 INT201"},
    "mirror_busybox-examples": {"80 INT301", "80 INT302"},
    "pajamapants3000_LFS_scripts": {"26 INT604"},
    "sayotte_minPi-eb058da": {"2 INT703", "3 INT703", "5 INT410"},
    "smacfarlane_hab-image-export": {"4 INT107", "5 INT701"},
    "svarshavchik_vera": {"5 INT107", "16 INT107"},
    "almirus_jbl9.1": {"1 INT211"},
}


@present(MISTAKES)
def test_known_mistakes(name: str) -> None:
    assert MISTAKES[name] <= linted(name)


def test_drop_in_that_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "inittab.d").mkdir()
    (tmp_path / "inittab").write_bytes(load("gentoo"))
    drop_in = tmp_path / "inittab.d" / "consoles"
    drop_in.write_bytes(b"".join(line for line in load("gentoo").splitlines(True) if b"agetty" in line))

    def codes() -> set[str]:
        return {
            finding.code
            for source in sources([str(tmp_path)], "", "")[0]
            for finding in check(source.files, SYSVINIT_PY, fragment=source.fragment)
        }

    assert codes() == {"INT003"}
    drop_in.rename(drop_in.with_suffix(".tab"))
    assert codes() == {"INT108"}  # now that it is read, c1 to c3 are there twice


#: The files of distributions as they came, or with what is in their own comments put to use. docs/lint.rst
#: says why the findings are right.
STOCK: dict[str, set[str]] = {
    **ours(odd=False),
    # Debian, and what was made of it without a mistake
    "ghoneycutt_puppet-module-inittab-debian6-inittab": set(),
    "2ndy_RaspIM": set(),
    "Bananian_etc": set(),
    "Stonie_Kurobox-DebianWheezy": set(),
    "Webconverger_webc": set(),
    "OpenInkpot-archive_iplinux-sysvinit": set(),
    "bobbybudnick_SFS-Mobile-Internet-Device": set(),
    "ktaka-ccmp_kvm-setup-debian": set(),
    # Red Hat
    "ghoneycutt_puppet-module-inittab-el5-inittab": {"1 INT211"},
    "ghoneycutt_puppet-module-inittab-el5xenu-inittab": {"1 INT211"},
    "ghoneycutt_puppet-module-inittab-el6-inittab": {"31 INT207"},
    # SuSE
    "ghoneycutt_puppet-module-inittab-suse10-inittab": set(),
    "ghoneycutt_puppet-module-inittab-suse11-inittab": set(),
    "ghoneycutt_puppet-module-inittab-suse12-inittab": set(),
    # Gentoo
    "Uroc327_dotfiles": {"23 INT603"},
    "alopatindev_dotfiles": set(),
    "asobota2_dotfiles-x61s": set(),
    "correabuscar_etc-root": set(),
    # Buildroot
    "buildroot_buildroot": {"1 INT211", "1 INT213"},
    # Slackware, Arch
    "Byzantium_Byzantium": set(),
    "MattWoelk_configuration-files": set(),
    # BusyBox's own, Alpine, SliTaz
    "mirror_busybox-bootfloppy": set(),
    "alpinelinux_alpine-baselayout": set(),
    "SliTaz-official_slitaz-boot-scripts": {"16 INT708"},
}


@present(STOCK)
def test_stock_files_are_clean(name: str) -> None:
    assert linted(name) == STOCK[name]


@present(name for name, found in STOCK.items() if not found)
@pytest.mark.parametrize("target", ["sysvinit-2.88", "sysvinit-3.06", "sysvinit-3.14"])
def test_stock_files_are_clean_for_the_init_they_were_made_for(name: str, target: str) -> None:
    if guess(load(name)) is not BUSYBOX:
        assert linted(name, target) == set()


def every(*chosen: Sample) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sample", chosen, ids=lambda sample: str(sample.name))


@every(*samples())
def test_guess(sample: Sample) -> None:
    assert (guess(sample.path.read_bytes()) is BUSYBOX) == (sample.dialect == "busybox")


@every(*(sample for sample in samples() if not sample.odd))
def test_ordinary_files_have_no_error(sample: Sample) -> None:
    data = sample.path.read_bytes()
    errors = [f for f in check([("inittab", data)], guess(data)) if f.severity == "error"]
    assert errors == []
