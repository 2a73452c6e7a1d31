"""Splitting a stream of bytes into lines.

A line ends with a newline. One that is longer than ``CAP`` is split into pieces, of which only the last has
the newline: writing them one after the other, as svlogd does, restores the line.
"""

from __future__ import annotations

CAP = 1 << 16
_NEWLINE = ord("\n")


class Lines:
    """Splits what is read from one source; keeps at most CAP bytes of an incomplete line."""

    def __init__(self) -> None:
        self._rest = b""
        self._cut = False  # the last piece is not the end of its line

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now; a longer one as pieces of CAP bytes."""
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
        """Return all lines that are complete now as one piece, or CAP bytes or more of a longer one."""
        data = self._rest + data
        end = data.rfind(b"\n") + 1 or (len(data) if len(data) >= CAP else 0)
        self._rest = data[end:]
        self._cut = data[end - 1] != _NEWLINE if end else self._cut
        return [data[:end]] if end else []

    @property
    def begun(self) -> bool:
        """Whether there is an incomplete line."""
        return bool(self._rest) or self._cut

    def end(self) -> list[bytes]:
        """Return the rest of an incomplete line, with a newline, at the end of the source."""
        rest, cut = self._rest, self._cut
        self._rest, self._cut = b"", False
        return [rest + b"\n"] if rest or cut else []
