"""The arguments of init, from the kernel's command line (behaviour/boot#arguments; init(8), BOOTFLAGS)."""

from __future__ import annotations

from sysvinit_py.inittab.entry import LEVELS, Entry
from sysvinit_py.value import Value

#: It needs no more than the line, whose speed is kept.
_GETTY = "/sbin/agetty -L -s 115200,38400,9600 {} vt102"


class Arguments(Value):
    """The arguments that init knows, of all words that the kernel does not know itself."""

    level: str = ""  # to boot into; empty: that of initdefault
    emergency: bool = False
    auto: bool = False


def parse(words: list[str]) -> Arguments:
    """Parse the words. Unknown ones are ignored."""
    level, emergency, auto = "", False, False
    rest = iter(words)
    for word in rest:
        if word in ("single", "-s"):
            level = "S"
        elif len(word) == 1 and word.upper() in LEVELS:
            level = word.upper()
        elif word in ("-b", "emergency"):
            emergency = True
        elif word in ("-a", "auto"):
            auto = True
        elif word == "-z":
            next(rest, None)  # space for the process title
    return Arguments(level, emergency, auto)


def consoles(cmdline: str) -> tuple[Entry, ...]:
    """Return a getty entry for each ``console=`` of the kernel's command line, if it has init.autocon=1."""
    words = cmdline.split()
    if "init.autocon=1" not in words:
        return ()
    devices = [
        word.removeprefix("console=").partition(",")[0] for word in words if word.startswith("console=")
    ]
    return tuple(
        Entry(device.removeprefix("tty")[-4:], "2345", "respawn", _GETTY.format(device))
        for device in dict.fromkeys(devices)
    )
