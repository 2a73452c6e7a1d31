"""Messages of init, on the console and in syslog."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.linux.syslog import Syslog
    from sysvinit_py.pid1.outputs.console import Console


class Messages:
    """Writes messages to their destinations."""

    def __init__(self, console: Console, syslog: Syslog) -> None:
        self._console = console
        self._syslog = syslog

    def report(self, text: str, console: bool = True, log: bool = True) -> None:
        """Write a message to the console, to syslog, or to both."""
        if console:
            self._console.report(text)
        if log:
            self._syslog.send(text)
