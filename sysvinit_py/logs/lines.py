"""Bytes as they arrive, to lines.

A line is bytes that end with a newline. One that is longer than ``CAP`` comes in pieces, of which only the
last has the newline: whoever writes them one after the other, as svlogd does, writes the line whole.
"""

from __future__ import annotations

CAP = 1 << 16
_NEWLINE = ord("\n")


class Lines:
    """Cuts what is read from one source; holds at most the CAP bytes of a line that is not complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._cut = False  # the line goes on that the last piece is of

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now, and of a longer one the pieces of CAP bytes."""
        *lines, rest = (self._rest + data).split(b"\n")
        pieces = []
        for line in lines:
            whole = line + b"\n"
            if len(whole) <= CAP:
                pieces.append(whole)
            else:
                pieces += (whole[start : start + CAP] for start in range(0, len(whole), CAP))
        while len(rest) >= CAP:
            pieces.append(rest[:CAP])
            rest = rest[CAP:]
        self._rest = rest
        self._cut = not pieces[-1].endswith(b"\n") if pieces else self._cut
        return pieces

    def whole(self, data: bytes) -> list[bytes]:
        """Return all lines that are complete now in one piece, or what there is of a line of CAP bytes."""
        data = self._rest + data
        end = data.rfind(b"\n") + 1 or (len(data) if len(data) >= CAP else 0)
        self._rest = data[end:]
        self._cut = data[end - 1] != _NEWLINE if end else self._cut
        return [data[:end]] if end else []

    @property
    def begun(self) -> bool:
        """Whether a line has begun that is not complete."""
        return bool(self._rest) or self._cut

    def end(self) -> list[bytes]:
        """Return the last line, with a newline, if it had none when the source ended."""
        rest, cut = self._rest, self._cut
        self._rest, self._cut = b"", False
        return [rest + b"\n"] if rest or cut else []
