"""The images: a small Debian with Python, and with our init as a container has it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.container.engine import TIMEOUT, Engine, EngineError
from tests.support import archive

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "container"
#: No engine has a network here, so that a first image is imported.
BOOTSTRAP = (
    "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--include=python3",
    "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*", "bookworm",
)  # fmt: skip
#: Debian with Python, as docs/container.rst has it; that with our init; and that with python3-minimal alone.
BASE, INIT, MINIMAL = "debian-python3", "tested-init", "tested-minimal"
DOCKERFILES = {
    INIT: f"""\
FROM {BASE}
COPY init /usr/sbin/
RUN ln -s init /usr/sbin/container-init && ln -s init /usr/sbin/telinit && ln -s ../sbin/init /usr/bin/inittab
ENTRYPOINT ["/sbin/container-init"]
""",
    MINIMAL: f"""\
FROM {INIT}
RUN dpkg --purge python3 libpython3-stdlib python3.11 libpython3.11-stdlib
""",
}


def base() -> Path:
    """Return the archive of the first image, which is made once. Raises EngineError."""
    made = CACHE / "bookworm.tar"
    if not shutil.which(BOOTSTRAP[0]):
        raise EngineError(f"no {BOOTSTRAP[0]} here")
    try:
        archive.make(made, BOOTSTRAP)
    except subprocess.CalledProcessError as error:
        raise EngineError(f"{BOOTSTRAP[0]}: {error.stderr.strip().splitlines()[-1:]}") from None
    return made


def make(engine: Engine, init: Path, folder: Path) -> None:
    """Give an engine all images. Raises EngineError."""
    engine("import", str(base()), BASE, timeout=10 * TIMEOUT)
    shutil.copy(init, folder / "init")
    for name, text in DOCKERFILES.items():
        (folder / "Dockerfile").write_text(text)
        engine.build(folder, name)
