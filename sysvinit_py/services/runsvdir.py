"""runsvdir: supervises all services whose folders are in a directory."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.services.front import serve
from sysvinit_py.services.hub import Hub

_USAGE = 1
#: Characters that a log has at least.
_SHORTEST = 7


def main(argv: list[str]) -> int:
    """Be runsvdir; return the exit status."""
    words, letters = argv[1:], ""
    while words and words[0] in ("-P", "-H", "-PH", "-HP"):
        letters += words.pop(0)
    if not words:
        calls.write(2, f"usage: {argv[0]} [-P] dir\n\n".encode(errors="surrogateescape"))
        return _USAGE
    directory, *log = words[:2]
    if log and len(log[0]) < _SHORTEST:
        for text in ("log must have at least seven characters.", "log service disabled."):
            Hub.say(f"runsvdir {directory}: warning: {text}")
        log = []
    given = argv[: len(argv) - len(words) + 1]
    return serve(given, directory, "".join(log), session="P" in letters, handles_term="H" in letters)
