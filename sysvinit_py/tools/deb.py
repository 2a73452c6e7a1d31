"""Build the Debian package: ``python3 -m sysvinit_py.tools.deb DIR``. Needs dpkg-deb and docutils.

It brings init, telinit and their man pages, and moves those of sysvinit-core aside with dpkg-divert(1):
/sbin/init.sysv is the old init. Removing the package brings everything back.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

from sysvinit_py import __version__
from sysvinit_py.tools import install, manual, onefile

NAME = install.PACKAGE
REPOSITORY = Path(__file__).parents[2]
PAGES = ("init.8", "telinit.8", "inittab.5")

CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Section: admin
Priority: optional
Maintainer: {maintainer}
Depends: python3 (>= 3.11), sysvinit-core
Description: SysV-compatible init in Python
 It replaces /sbin/init and /sbin/telinit: reads /etc/inittab, moves between
 runlevels, respawns gettys, and obeys every program that writes to
 /run/initctl, such as shutdown. The old init stays as /sbin/init.sysv.
"""

#: What the maintainer scripts have in common: each file that sysvinit-core has, too, and where that is kept.
EACH = """\
#!/bin/sh
set -e
each() {{
{calls}}}
"""
PREINST = """\
# The old init is linked to its new name, and dpkg replaces it at once: there always is an init.
divert() {
    if [ -e "$1" ]; then
        ln -f "$1" "$2" 2>/dev/null || cp -P "$1" "$2"
    fi
    dpkg-divert --package sysvinit-py --add --no-rename --divert "$2" "$1"
}
if [ "$1" = install ]; then
    if head -c 200 /sbin/init | grep -q sysvinit_py; then
        echo "sysvinit-py: inittab-install was here before: inittab-install --undo" >&2
        exit 1
    fi
    each divert
fi
"""
POSTRM = """\
bring_back() {
    dpkg-divert --package sysvinit-py --remove --rename --divert "$2" "$1"
}
case $1 in
    remove|abort-install|disappear) each bring_back ;;
esac
"""
CHANGELOG = """\
{name} ({version}) unstable; urgency=low

  * The changes are told in CHANGES.rst of the sources.

 -- {maintainer}  {date}
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sysvinit_py

Files: *
Copyright: 2026 the sysvinit_py authors
License: Expat
"""


def build(folder: Path) -> Path:
    """Build the package into ``folder`` and return its path. CalledProcessError: dpkg-deb failed."""
    package = folder / f"{NAME}_{__version__}_all.deb"
    with tempfile.TemporaryDirectory() as made:
        _fill(Path(made))
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", made, package], check=True)
    return package


def _fill(root: Path) -> None:
    """Put in what the package has: its files, and in DEBIAN what dpkg is to know."""
    root.chmod(0o755)
    _write(root / "sbin/init", onefile.build(), 0o755)
    (root / "sbin/telinit").symlink_to("init")
    kept = {"/sbin/init": "/sbin/init.sysv", "/sbin/telinit": "/sbin/telinit.sysv"}
    built = manual.pages()
    for page in PAGES:
        name, section = page.split(".")
        folder = f"/usr/share/man/man{section}"
        _write(root / f"{folder[1:]}/{page}.gz", _gzip(built[page]))
        kept[f"{folder}/{page}.gz"] = f"{folder}/{name}.sysv.{section}.gz"
    facts = {"name": NAME, "version": __version__, "maintainer": _maintainer(), "date": formatdate()}
    doc = root / "usr/share/doc" / NAME
    _write(doc / "copyright", (COPYRIGHT + _indented(REPOSITORY / "LICENSE")).encode())
    _write(doc / "changelog.gz", _gzip(CHANGELOG.format(**facts).encode()))
    _write(root / "DEBIAN/control", CONTROL.format(**facts).encode())
    each = EACH.format(calls="".join(f'    "$@" {path} {other}\n' for path, other in kept.items()))
    _write(root / "DEBIAN/preinst", (each + PREINST).encode(), 0o755)
    _write(root / "DEBIAN/postrm", (each + POSTRM).encode(), 0o755)


def _maintainer() -> str:
    """As Debian's own tools take it from the environment."""
    return f"{os.environ.get('DEBFULLNAME', 'sysvinit_py')} <{os.environ.get('DEBEMAIL', 'root@localhost')}>"


def _indented(license: Path) -> str:
    """The text of the license as the field's continuation, without its title and the holder's line."""
    lines = license.read_text().split("\n", 4)[4].splitlines()
    return "".join(f" {line or '.'}\n" for line in lines)


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    for folder in reversed([folder for folder in path.parents if not folder.exists()]):
        folder.mkdir(mode=0o755)
    path.write_bytes(content)
    path.chmod(mode)


def main(arguments: list[str]) -> int:
    """Build the package into the folder named."""
    if len(arguments) != 1:
        print("usage: deb DIR", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        build(folder)
    except FileNotFoundError as error:
        print(f"deb: no {error.filename} here: apt-get install dpkg", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
