"""The picture status.svg: ``inittab``, and ``--watch``, on the console of a real PID 1 in a sandbox.

``make picture`` boots INITTAB, has SCRIPT run on the console, and draws the screens that were said there.
"""

from __future__ import annotations

import re
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sysvinit_py.sandbox.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
SVG = ROOT / "docs" / "status.svg"
ROWS, COLUMNS = 24, 96
INITTAB = """\
id:2:initdefault:
net::sysinit:/srv/network up
db:2345:respawn:/srv/database --data /var/lib/db
# inittab: log
web:2345:respawn:/srv/web --port 8080
mail:2345:respawn:/srv/mail --queue /var/spool/mail
bak:2345:once:/srv/backup --nightly
S0:2345:respawn:/sbin/getty -L ttyS77 115200
ups::powerfail:/srv/ups --shutdown
con:2:once:/srv/console
"""
SCRIPT = f"""\
#!/bin/sh
exec </dev/console >/dev/console 2>&1
stty rows {ROWS} cols {COLUMNS}
export TERM=linux
until inittab status -o state mail | grep -q throttled; do sleep 0.1; done
sleep 2
printf '\\033[H'; inittab; printf '\\033[J'
inittab kill -s SEGV web
inittab stop db
timeout -s INT 3 inittab status --watch
echo done
"""
SERVICE = "#!/bin/sh\nexec sleep 1000\n"
FILES = {
    "/srv/console": SCRIPT,
    "/srv/network": "#!/bin/sh\n",
    "/srv/database": SERVICE,
    "/srv/web": SERVICE,
    "/srv/mail": "#!/bin/sh\nexit 75\n",
    "/srv/backup": "#!/bin/sh\nexit 2\n",
    "/srv/ups": SERVICE,
}
_FRAME = re.compile(r"\x1b\[H(.*?)\x1b\[J", re.DOTALL)


def frames(init: Path) -> tuple[str, str]:
    """Return the first screen and the last one, with their colours."""

    def executable(sandbox: Sandbox) -> None:
        for path in FILES:
            sandbox.path(path).chmod(0o755)

    with Sandbox(init, INITTAB, files=dict(FILES), before=executable) as sandbox:
        sandbox.console.expect(b"done\r\n", 30)
        said = sandbox.console.said.decode()
    found = [frame.replace("\x1b[K", "").replace("\r", "").rstrip() for frame in _FRAME.findall(said)]
    return found[0], found[-1]


def drawing(first: str, last: str) -> str:
    """Return the picture as SVG."""
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    texts = (
        ("$ inittab\n", first),
        ("\n$ inittab kill -s SEGV web; inittab stop db\n$ inittab status --watch\n", last),
    )
    for command, screen in texts:
        console.print(Text(command, "bold", end=""), Text.from_ansi(screen), sep="")
    svg = console.export_svg(title="inittab status", unique_id="status")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # which are other people's, on the web
    return re.sub(r"\s+$", "", svg, flags=re.MULTILINE) + "\n"


if __name__ == "__main__":
    SVG.write_text(drawing(*frames(Path(sys.argv[1]))))
