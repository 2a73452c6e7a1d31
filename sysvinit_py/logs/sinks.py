"""Writing lines of several sources to one descriptor, or to syslog."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.syslog import Syslog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PIPE_BUF = 4096


class Prefix:
    """Prefixes each line with a name: ``web | text``; ``web + text`` if it continues in the next line."""

    def __init__(self, name: str) -> None:
        self._heads = tuple(f"{name} {mark} ".encode("utf-8", "surrogateescape") for mark in "+|")
        self._at_start = True

    def __call__(self, pieces: Iterable[bytes]) -> bytes:
        """Return the pieces of Lines as lines."""
        made: list[bytes] = []
        for piece in pieces:
            ends = piece.endswith(b"\n")
            made += (self._heads[self._at_start], piece, b"" if ends else b"\n")
            self._at_start = ends
        return b"".join(made)


class Json:
    """Formats each line as a JSON object, with constant fields such as ``id`` and ``pid``.

    ``time`` is when it was read. Bytes that are not UTF-8 are U+FFFD in ``line``, and ``line_raw`` has the
    line in base64; ``partial`` is true if the line continues in the next object.
    """

    def __init__(self, **fields: str | int) -> None:
        self._encode = _encoder()
        self._fields = "".join(f', "{name}": {self._field(value)}' for name, value in fields.items())

    def __call__(self, pieces: Iterable[bytes], stamp: bytes) -> bytes:
        """Return the pieces of Lines as JSON lines."""
        head = f'{{"time": "{stamp.decode()}"{self._fields}, "line": '
        return "".join(head + self._rest(piece) for piece in pieces).encode()

    def _field(self, value: str | int) -> str:
        """Return the value of a constant field in JSON; bytes that are not UTF-8 become U+FFFD."""
        if not isinstance(value, str):
            return str(value)
        return self._encode(value.encode(errors="surrogateescape").decode(errors="replace"))

    def _rest(self, piece: bytes) -> str:
        text = piece.removesuffix(b"\n")
        partial = "" if len(text) < len(piece) else ', "partial": true'
        try:
            return f"{self._encode(text.decode())}{partial}}}\n"
        except UnicodeDecodeError:
            from binascii import b2a_base64

            line, raw = self._encode(text.decode(errors="replace")), b2a_base64(text, newline=False).decode()
            return f'{line}, "line_raw": "{raw}"{partial}}}\n'


#: Characters that JSON has to escape.
_ESCAPES = {chr(code): f"\\u{code:04x}" for code in range(0x20)} | {
    "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\",
}  # fmt: skip
_TABLE = str.maketrans(_ESCAPES)


def _encoder() -> Callable[[str], str]:
    """Return a function that quotes text for JSON: _json's, if it exists, as json is slow to import."""
    try:
        encode: Callable[[str], str] = __import__("_json").encode_basestring
    except ImportError:  # python3-minimal
        return lambda text: f'"{text.translate(_TABLE)}"'
    return encode


class Output:
    """A descriptor shared with other processes. It stays blocking: O_NONBLOCK would affect them."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._pending = b""
        self._poll = calls.poll()
        self._poll.register(fd, calls.POLLOUT)

    @property
    def busy(self) -> bool:
        """Whether something is not written yet: call ``flush`` when the descriptor is writable."""
        return bool(self._pending)

    def write(self, data: bytes) -> bool:
        """Write data; return False, and take nothing, while busy. Raises OSError if it has no reader."""
        if not self.flush():
            return False
        self._pending = data
        self.flush()
        return True

    def flush(self) -> bool:
        """Write as much as possible without blocking; return whether all is written. Raises OSError."""
        start = 0
        try:
            while start < len(self._pending) and self._poll.poll(0):
                start += calls.write(self.fd, self._pending[start : start + PIPE_BUF])
        except BlockingIOError:
            pass  # another process has set O_NONBLOCK
        finally:
            self._pending = self._pending[start:]
        return not self._pending


class ToSyslog(Syslog):
    """Sends lines to syslog, tagged with a name; those that it does not accept at once are lost."""

    def write(self, pieces: Iterable[bytes]) -> None:
        """Send each piece of Lines as a message."""
        for piece in pieces:
            self.send(piece.removesuffix(b"\n").decode("utf-8", "surrogateescape"))
