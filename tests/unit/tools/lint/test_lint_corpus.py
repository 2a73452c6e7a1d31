"""Real inittab files: known mistakes are found, stock files are clean, the dialect is guessed right."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sysvinit_py.tools.lint.check import check
from sysvinit_py.tools.lint.sources import sources
from sysvinit_py.tools.lint.targets import BUSYBOX, SYSVINIT_PY, TARGETS, guess

CORPUS = Path(__file__).parents[5] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus at {CORPUS}")


def load(name: str) -> bytes:
    return (CORPUS / f"{name}.inittab").read_bytes()


def index() -> list[dict[str, str]]:
    if not CORPUS.is_dir():
        return []
    with (CORPUS / "index.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def linted(name: str, target: str = "") -> set[str]:
    """``line code`` of all that is found in a file of the corpus, by default for the guessed target."""
    data = load(name)
    listed = check([("etc/inittab", data)], TARGETS[target] if target else guess(data))
    return {f"{finding.line} {finding.code}" for finding in listed}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # What the index remarks, and what else is wrong with these files.
        ("AwlsomeAlex_muroinit-1e89158", {"1 INT601", "18 INT103"}),
        ("CarlosRobertoNunes_COBOLware-6.1", {"1 INT201", "1 INT211", "1 INT212", "1 INT213", "1 INT214"}),
        ("EnterTheVoid-x86_systabd", {"7 INT001", "100 INT103"}),
        ("Hazbiu_Team-Project-2025-rootfs", {"1 INT407"}),
        ("Museix_iglunix-bootstrap", {"1 INT212", "29 INT408"}),
        ("asssaf_vcore", {"21 INT503"}),
        ("barnard33-233_small-linux", {"5 INT107"}),
        ("bourne015_rootfs", {"5 INT708"}),
        ("caoziqiang_ramdisk-busybox", {"2 INT603", "4 INT603", "5 INT603"}),
        ("chaoswizard_utl-rootfs", {"1 INT002"}),
        ("chawlasushant_monit", {"1 INT201", "1 INT214"}),
        ("crunos_tool", {"14 INT603"}),
        ("cydonian-monk_Scripts-n-Config", {"61 INT108"}),
        ("cylinderlight_udp2serial", {"3 INT604"}),
        ("danil_etc", {"42 INT301", "47 INT301"}),
        ("danil_etc-c88573b", {"42 INT108"}),
        ("dkrinsky_UdemyVirtualEmbeddedLinuxBoard", {"20 INT410"}),
        ("fdev1_hydrax", {"1 INT001", "1 INT104"}),
        ("fixture_aix72", {"4 INT104", "6 INT104", "7 INT104", "8 INT104", "10 INT104"}),
        ("frc2399_2014-vision", {"55 INT304", "55 INT305", "55 INT603"}),
        ("ghoneycutt_puppet-module-inittab-f8cbab8", {"29 INT001", "29 INT104"}),
        ("ghoneycutt_puppet-module-inittab-solaris10-inittab", {"1 INT201"}),
        ("mirror_busybox-examples", {"80 INT301", "80 INT302"}),
        ("pajamapants3000_LFS_scripts", {"26 INT604"}),
        ("sayotte_minPi-eb058da", {"2 INT703", "3 INT703", "5 INT410"}),
        ("smacfarlane_hab-image-export", {"4 INT107", "5 INT701"}),
        ("svarshavchik_vera", {"5 INT107", "16 INT107"}),
        ("almirus_jbl9.1", {"1 INT211"}),
    ],
)
def test_known_mistakes(name: str, expected: set[str]) -> None:
    assert expected <= linted(name)


def test_drop_in_that_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "inittab.d").mkdir()
    (tmp_path / "inittab").write_bytes(load("correabuscar_etc-root"))
    drop_in = tmp_path / "inittab.d" / "doesthiswork"
    drop_in.write_bytes(load("correabuscar_etc-doesthiswork"))

    def codes() -> set[str]:
        return {
            finding.code
            for source in sources([str(tmp_path)], "", "")[0]
            for finding in check(source.files, SYSVINIT_PY, fragment=source.fragment)
        }

    assert {"INT003", "INT215"} <= codes()
    drop_in.rename(drop_in.with_suffix(".tab"))
    assert "INT003" not in codes()
    assert {"INT108", "INT215"} <= codes()  # now that it is read, c1 to c6 are there twice


#: The files of distributions as they came, or with what is in their own comments put to use. docs/lint.rst
#: says why the findings are right.
STOCK: dict[str, set[str]] = {
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


@pytest.mark.parametrize("name", STOCK)
def test_stock_files_are_clean(name: str) -> None:
    assert linted(name) == STOCK[name]


@pytest.mark.parametrize("name", [name for name, found in STOCK.items() if not found])
@pytest.mark.parametrize("target", ["sysvinit-2.88", "sysvinit-3.06", "sysvinit-3.14"])
def test_stock_files_are_clean_for_the_init_they_were_made_for(name: str, target: str) -> None:
    if guess(load(name)) is not BUSYBOX:
        assert linted(name, target) == set()


@pytest.mark.parametrize("row", index(), ids=lambda row: str(row["file"]))
def test_guess(row: dict[str, str]) -> None:
    data = (CORPUS / row["file"]).read_bytes()
    assert (guess(data) is BUSYBOX) == (row["dialect"] == "busybox")


@pytest.mark.parametrize("row", index(), ids=lambda row: str(row["file"]))
def test_files_that_the_index_calls_ordinary_have_no_error(row: dict[str, str]) -> None:
    if row["odd"] == "0":
        data = (CORPUS / row["file"]).read_bytes()
        errors = [f for f in check([("inittab", data)], guess(data)) if f.severity == "error"]
        assert errors == []
