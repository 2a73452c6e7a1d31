"""What setup.cfg cannot say: the wheel has man pages and completions, built here, and docs and snippets."""

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
}
HERE = Path(__file__).parent
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


setup(
    cmdclass={"build_py": BuildWithPages},
    data_files=[
        (place, sorted(str(path.relative_to(HERE)) for glob in globs for path in HERE.glob(glob)))
        for place, globs in DATA.items()
    ],
)
