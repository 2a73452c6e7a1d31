"""What setup.cfg cannot say: the wheel has man pages and completions, built here, and docs and snippets.

Wheel and sdist are the same bytes wherever and whenever they are built: times are that of SOURCE_DATE_EPOCH,
or of the release, and modes do not depend on the umask.
"""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1, as Debian 12 has it
    from wheel.bdist_wheel import bdist_wheel  # type: ignore[import-not-found,no-redef]

#: Which files go where below the prefix.
DATA = {
    "share/doc/sysvinit_py": ("README.rst", "CHANGES.rst", "docs/*.rst", "docs/*.png"),
    "share/sysvinit_py/inittab.d": ("inittab.d/*.tab",),
    "share/sysvinit_py/grammar": ("grammar/*.lark",),
}
HERE = Path(__file__).parent
RELEASED = (
    HERE.joinpath("debian/changelog").read_text().partition("\n -- ")[2].splitlines()[0].partition("  ")[2]
)
EPOCH = int(os.environ.setdefault("SOURCE_DATE_EPOCH", f"{parsedate_to_datetime(RELEASED).timestamp():.0f}"))
#: Programs that pip does not install: their pages and completions would hide those of the system's init. Nor
#: does it install runit's.
OF_INIT = ("init", "telinit", "shutdown", "halt", "poweroff", "reboot", "runlevel")


class BuildWithPages(build_py):
    """Builds the man pages and completions, too."""

    def run(self) -> None:
        """Build them into the build folder; an editable installation goes without."""
        super().run()
        if self.editable_mode:
            return
        sys.path.insert(0, str(HERE))
        from sysvinit_py.build import completion, manual
        from sysvinit_py.clients.runit.described import PROGRAMS as RUNIT

        built = {
            f"share/{path}": text.encode()
            for path, text in completion.files(without={*RUNIT, *OF_INIT}).items()
        }
        for name, page in manual.pages().items():
            hidden = name == "inittab.5" or name.partition(".")[0] in {*RUNIT, *OF_INIT}
            place = "share/sysvinit_py/man" if hidden else "share/man"
            built[f"{place}/man{name[-1]}/{name}"] = page
        for path, content in built.items():
            file = Path("build", path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            self.distribution.data_files.append((str(Path(path).parent), [str(file)]))


def mode(found: int, folder: bool = False) -> int:
    """Return the mode of a file or folder as under the usual umask."""
    return 0o755 if folder or found & 0o100 else 0o644


class Wheel(bdist_wheel):
    """Sees to modes."""

    def write_wheelfile(self, *arguments: Any, **options: Any) -> None:
        """Write the last of the files, before all are packed."""
        super().write_wheelfile(*arguments, **options)
        for path in Path(self.bdist_dir).rglob("*"):
            path.chmod(mode(path.stat().st_mode, path.is_dir()))


class Sources(sdist):
    """Sees to modes, owners and times."""

    def make_archive(self, base_name: str, format: str, *arguments: Any, **options: Any) -> str:  # noqa: A002
        """Pack the folder that was filled."""
        if format != "gztar":
            return str(super().make_archive(base_name, format, *arguments, **options))

        def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime, member.mode = EPOCH, mode(member.mode, member.isdir())
            return member

        with (
            open(f"{base_name}.tar.gz", "wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=EPOCH) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as tar,
        ):
            tar.add(options["base_dir"], filter=plain)
        return f"{base_name}.tar.gz"


setup(
    cmdclass={"build_py": BuildWithPages, "bdist_wheel": Wheel, "sdist": Sources},
    data_files=[
        (place, sorted(str(path.relative_to(HERE)) for glob in globs for path in HERE.glob(glob)))
        for place, globs in DATA.items()
    ],
)
