"""Messages of init: on the console, in syslog."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.linux.syslog import Syslog
    from sysvinit_py.pid1.outputs.console import Console


class Messages:
    """Where init reports to."""

    def __init__(self, console: Console, syslog: Syslog) -> None:
        self._console = console
        self._syslog = syslog

    def report(self, text: str, console: bool = True, log: bool = True) -> None:
        """Report on the console, in syslog, or on both."""
        if console:
            self._console.report(text)
        if log:
            self._syslog.send(text)
