"""What a program says, made fit for a terminal that is not its own: text, colours and the cursor, no more.

Only sequences of the table pass. A terminal does not answer these, changes no title, no clipboard and no file
on them, and what they switch is switched back at the end. All else that begins with an escape, and all
control characters but those of text, are dropped; so are their forms above 127, in 8 bits and in UTF-8.
"""

from __future__ import annotations

import codecs
import re

#: Modes that may be switched, and how they are found at first: by DECSET's and ECMA-48's numbers.
MODES = {
    "?1": "l",
    "?7": "h",
    "?12": "l",
    "?25": "h",
    "?47": "l",
    "?1047": "l",
    "?1049": "l",
    "?2004": "l",
    "4": "l",
}
#: CSI sequences by their last letter: cursor, erasing and inserting, colours, the scrolling region.
CSI = "ABCDEFGHIJKLMPSTX@`adefmrsu"
#: What two-letter escapes and colours leave behind, and what undoes it.
UNDO = {"m": "\x1b[0m", "r": "\x1b7\x1b[r\x1b8", "=": "\x1b>", "(": "\x1b(B", ")": "\x1b)B", "\x0e": "\x0f"}

#: What undoes what may have come unseen: colours, charsets, keypad, cursor, alternate screen, paste, mouse.
RAW_RESET = b"\x1b[0m\x0f\x1b(B\x1b)B\x1b>" + b"".join(
    b"\x1b[?%s" % mode
    for mode in (b"25h", b"7h", b"1l", b"1049l", b"2004l", b"1000l", b"1002l", b"1003l", b"1004l", b"1006l")
)

_TEXT = "\x07\x08\t\n\x0b\x0c\r\x0e\x0f"
_SEQUENCE = re.compile(
    r"""\x1b(?:
      \[ (?P<csi> [0-9;:<=>?]{0,64} [ -/]{0,4} [@-~] )
    | (?P<set> [()] [AB0] )
    | (?P<one> [78DEHM=>] )
    | (?P<string> [\]PX^_k] [^\x07\x18\x1a\x1b\x9c]* (?: \x07 | \x1b\\ | [\x18\x1a\x9c] | (?=\x1b[^\\]) ) )
    )""",
    re.VERBOSE,
)
#: The beginning of a sequence, of which more may come. A string is forgotten as it comes.
_BEGUN = re.compile(r"\x1b(?:\[[0-9;:<=>?]{0,64}[ -/]{0,4}|[()]?|[\]PX^_k][^\x07\x18\x1a\x1b\x9c]*\x1b?)\Z")
_STRINGS = tuple("]PX^_k")


class Screen:
    """A filter for one stream; it is given bytes as they come."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""  # the beginning of a sequence
        self._switched: dict[str, str] = {}  # what undoes what was switched

    def feed(self, part: bytes) -> bytes:
        """Return what of it may be shown."""
        text, shown, place = self._held + self._decoder.decode(part), [], 0
        self._held = ""
        while place < len(text):
            escape = text.find("\x1b", place)
            plain = text[place:] if escape < 0 else text[place:escape]
            shown.append("".join(c for c in plain if (c >= " " and not "\x7f" <= c <= "\x9f") or c in _TEXT))
            if "\x0e" in plain:
                self._switched["\x0e"] = UNDO["\x0e"]
            if escape < 0:
                break
            if found := _SEQUENCE.match(text, escape):
                shown.append(self._allowed(found))
                place = found.end()
            elif _BEGUN.match(text, escape):
                begun = text[escape:]
                # What a string says is forgotten, whether it ends or not.
                self._held = (
                    begun[:2] + "\x1b" * begun[2:].endswith("\x1b")
                    if begun[1:2] and begun[1] in _STRINGS
                    else begun
                )
                break
            else:
                place = escape + 1
        return "".join(shown).encode(errors="replace")

    def reset(self) -> bytes:
        """Return what switches back all that was switched."""
        undo, self._switched = "".join(self._switched.values()), {}
        return undo.encode()

    def _allowed(self, found: re.Match[str]) -> str:
        sequence, last = found[0], found[0][-1]
        if found["string"]:
            return ""
        if found["csi"]:
            parameters = found["csi"][:-1]
            if last in "hl":
                return self._modes(parameters, last)
            if last not in CSI or not re.fullmatch(r"[0-9;:]*", parameters):
                return ""
            if last in UNDO:
                self._switched[last] = UNDO[last]
        elif sequence[1] in UNDO:
            self._switched[sequence[1]] = UNDO[sequence[1]]
        return sequence

    def _modes(self, parameters: str, last: str) -> str:
        private = "?" if parameters.startswith("?") else ""
        allowed = [
            private + mode for mode in parameters.removeprefix("?").split(";") if private + mode in MODES
        ]
        for mode in allowed:
            self._switched.pop(mode, None)
            if last != MODES[mode]:
                self._switched[mode] = f"\x1b[{mode}{MODES[mode]}"
        return "".join(f"\x1b[{mode}{last}" for mode in allowed)
