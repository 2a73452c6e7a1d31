"""Whether the terminals that gettys need exist (docs/devices.rst)."""

from __future__ import annotations

from stat import S_ISCHR

from sysvinit_py.linux import calls
from sysvinit_py.linux.proc import kernel_command_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: On the kernel's command line: start every getty, as SysV init does.
OFF = "init.ttycheck=0"


def missing(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths at which there is no terminal; none if the check is turned off."""
    absent = tuple(path for path in paths if not _is_there(path))
    if absent and OFF in kernel_command_line().split():
        return ()
    return absent


def _is_there(path: str) -> bool:
    try:
        return S_ISCHR(calls.stat(path).st_mode)  # a mistyped redirection leaves a plain file
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # unknown: the getty will find out
