"""What setup.cfg cannot say: the wheel has man pages, built here, and docs, snippets and completions."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

#: Which files go where below the prefix.
DATA = {
    "share/doc/sysvinit_py": ("README.rst", "CHANGES.rst", "docs/*.rst", "docs/*.png"),
    "share/sysvinit_py/inittab.d": ("inittab.d/*.tab",),
    "share/sysvinit_py/grammar": ("grammar/*.lark",),
    "share/bash-completion/completions": ("docs/completion/*.bash",),
    "share/fish/vendor_completions.d": ("docs/completion/*.fish",),
    "share/zsh/site-functions": ("docs/completion/_*",),
}
HERE = Path(__file__).parent
#: Pages of programs that pip does not install: found by ``man`` they would hide those of the system's init.
OF_INIT = ("init.8", "telinit.8", "inittab.5")


class BuildWithPages(build_py):
    """Builds the man pages, too."""

    def run(self) -> None:
        """Build them into the build folder; an editable installation goes without."""
        super().run()
        if self.editable_mode:
            return
        sys.path.insert(0, str(HERE))
        from sysvinit_py.build import manual

        for name, page in manual.pages().items():
            folder = Path("build", "man", f"man{name[-1]}")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(page)
            place = "share/sysvinit_py/man" if name in OF_INIT else "share/man"
            self.distribution.data_files.append((f"{place}/{folder.name}", [str(folder / name)]))


setup(
    cmdclass={"build_py": BuildWithPages},
    data_files=[
        (place, sorted(str(path.relative_to(HERE)) for glob in globs for path in HERE.glob(glob)))
        for place, globs in DATA.items()
    ],
)
