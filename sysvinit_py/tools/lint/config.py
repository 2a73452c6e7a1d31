"""Settings from a file: the section [inittab-lint] of .inittab-lint.cfg, or of setup.cfg.

They are looked for in the working directory and, if it has none, in the folders above it.
"""

from __future__ import annotations

import os

from sysvinit_py.tools.lint.sources import UsageError
from sysvinit_py.value import Value

OWN, SHARED = ".inittab-lint.cfg", "setup.cfg"
SECTION = "inittab-lint"

_YES = ("1", "yes", "true", "on")
_NO = ("0", "no", "false", "off")


class Config(Value):
    """What a config file may say; the command line overrides it."""

    target: str = ""
    select: str = ""
    ignore: str = ""
    root: str = ""
    format: str = ""
    strict: bool = False
    fragment: bool = False


def find_config(folder: str) -> str:
    """The path of the nearest config file, our own or a shared one with our section; empty: none."""
    while True:
        own = os.path.join(folder, OWN)
        if os.path.lexists(own):
            return own  # also if it is broken, which is then said
        shared = os.path.join(folder, SHARED)
        try:
            with open(shared, "rb") as file:
                if f"[{SECTION}]".encode() in file.read(1 << 20):
                    return shared
        except OSError:
            pass
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above


def read_config(path: str) -> Config:
    """Read a config file. Raises UsageError for anything that is not understood."""
    # Imported only where there is a file: a cold start has a budget.
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (configparser.Error, ValueError) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from None
    if SECTION not in parser:
        raise UsageError(f"{path}: has no section [{SECTION}]")
    settings: dict[str, str | bool] = {}
    for key, value in parser[SECTION].items():
        if key not in Config._fields:
            raise UsageError(f"{path}: unknown setting {key!r}; known are {', '.join(Config._fields)}")
        if key in ("strict", "fragment"):
            settings[key] = _flag(path, key, value)
        else:
            settings[key] = value.strip()
    if settings.get("root"):
        settings["root"] = os.path.join(os.path.dirname(path), str(settings["root"]))
    return Config(**settings)  # type: ignore[arg-type]


def _flag(path: str, key: str, value: str) -> bool:
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise UsageError(f"{path}: {key} is yes or no, not {value!r}")
