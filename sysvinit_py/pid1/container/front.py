"""Dispatch of ``init --container``: a container's init, or its health check; on a machine, neither."""

from __future__ import annotations

import sys

from sysvinit_py.linux import calls
from sysvinit_py.pid1.container.environment import in_first_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_OPTION = "--container"


def program() -> Callable[[], int] | None:
    """Return the function to run; None: boot as the machine's init, which no kernel argument may prevent."""
    words = [_as_utf8(word) for place, word in enumerate(sys.argv[1:]) if place or word != _OPTION]
    options = words[: words.index("--")] if "--" in words else words
    if "--status" in options:
        from sysvinit_py.clients.inittab.health import main as health

        options.remove("--status")
        status = health(options)  # now, while the one file is open, as it may import more of it
        return lambda: status
    if calls.getpid() == 1 and in_first_namespace():
        sys.argv[1:] = words
        try:
            calls.write(2, b"INIT: --container is for containers; booting\r\n")
        except OSError:
            pass
        return None
    from sysvinit_py.pid1.container.main import main

    path = sys.argv[0] if sys.argv[0].startswith("/") else f"{calls.getcwd()}/{sys.argv[0]}"
    run = main(words, path)
    return lambda: calls._exit(run())


def _as_utf8(word: str) -> str:
    """Return an argument as ``linux.calls`` expects text, independent of the locale."""
    raw = word.encode(sys.getfilesystemencoding(), "surrogateescape")
    return raw.decode("utf-8", "surrogateescape")
