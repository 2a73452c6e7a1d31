"""``exec`` before a line changes neither its output, nor its files, nor its status."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sysvinit_py.pid1.outputs import shell

SHELLS = [found for found in map(shutil.which, ("dash", "bash")) if found]
#: Programs of the test's own, so that no line can do any harm.
PROGRAMS = {
    "show": '#!/bin/sh\nprintf "<%s>" "$0" "$@"\nprintf "\\n"\nprintf "X=%s\\n" "$X"\n',
    "fail": "#!/bin/sh\necho oops >&2\nexit 3\n",
    "take": '#!/bin/sh\nwhile read -r line; do printf "%s\\n" "$line"; done\nexit 4\n',
    "bare": 'echo bare "$@"\n',  # no first line: the shell's own affair
}
_PIECES = (
    "show fail take bare nothing ./file true echo X=1 if then fi ! { } ( ) ; && || | ' \" \\ # $X ${X:-a} $$ "
    "$' ` $( * ? [a] ~ > >> < 2> >& 2>&1 <&- << <> >| file 1 a=b -x é = % ^ \x7f"
)
PIECES = st.sampled_from([*_PIECES.split(), "exit 5", " ", " ", " ", " ", "\t"])
LINES = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.builds(lambda first, rest: first + " " + " ".join(rest),
              st.sampled_from(["show", "fail", "take", "bare"]), st.lists(PIECES, max_size=6)),
)  # fmt: skip


def outcome(program: str, line: str, folder: Path) -> tuple[object, ...]:
    """Run the line and return its status, its output, and the files that there are afterwards."""
    place = Path(tempfile.mkdtemp(dir=folder))
    (place / "file").write_text("a line\n")
    done = subprocess.run(
        [program, "-c", line], cwd=place, env={"PATH": str(folder / "bin"), "X": "x"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, check=False,
    )  # fmt: skip
    files = {path.name: path.read_bytes() for path in place.iterdir()}
    shutil.rmtree(place)
    return done.returncode, done.stdout, files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shell")
    (made / "bin").mkdir()
    for name, text in PROGRAMS.items():
        (made / "bin" / name).write_text(text)
        (made / "bin" / name).chmod(0o755)
    return made


@pytest.mark.parametrize("program", SHELLS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(line=LINES)
def test_nothing_else_changes(program: str, folder: Path, line: str) -> None:
    replaced = shell.replaced(line, str(folder / "bin"))
    event("exec" if replaced != line else "as it was")
    if replaced != line and "$$" not in line:
        assert outcome(program, replaced, folder) == outcome(program, line, folder)
