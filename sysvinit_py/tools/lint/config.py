"""Settings from a file: the section [inittab-lint] of .inittab-lint.cfg, or of setup.cfg.

They are looked for in the working directory and, if it has none, in the folders above it.
"""

from __future__ import annotations

import os

from sysvinit_py.tools.lint.formats import FORMATS
from sysvinit_py.tools.lint.selection import codes_of
from sysvinit_py.tools.lint.sources import UsageError, load
from sysvinit_py.tools.lint.targets import TARGETS
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
        own, shared = os.path.join(folder, OWN), os.path.join(folder, SHARED)
        if os.path.lexists(own):
            return own  # also if it is broken, which is then said
        if os.path.isfile(shared) and _has_section(shared):
            return shared
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above


def _has_section(path: str) -> bool:
    try:
        return any(line.startswith(f"[{SECTION}]".encode()) for line in load(path).split(b"\n"))
    except UsageError:
        return False


def read_config(path: str) -> Config:
    """Read a config file. Raises UsageError for anything that is not understood."""
    # Imported only where there is a file: a cold start has a budget.
    import configparser

    # A section [DEFAULT] is for others.
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(load(path).decode("utf-8-sig"), path)
    except (configparser.Error, ValueError) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from None
    if SECTION not in parser:
        raise UsageError(f"{path}: has no section [{SECTION}]")
    settings: dict[str, str | bool] = {}
    for key, value in parser[SECTION].items():
        if key not in Config._fields:
            raise UsageError(f"{path}: unknown setting {key!r}; known are {', '.join(Config._fields)}")
        settings[key] = _understood(path, key, value.strip())
    return Config(**settings)  # type: ignore[arg-type]


def _understood(path: str, key: str, value: str) -> str | bool:
    """A setting's value, once it is seen that it is one."""
    if key in ("strict", "fragment"):
        return _flag(path, key, value)
    known = {"target": tuple(TARGETS), "format": FORMATS}.get(key)
    if value and known and value not in known:
        raise UsageError(f"{path}: unknown {key} {value!r}; known are {', '.join(known)}")
    if key in ("select", "ignore"):
        try:
            codes_of(value)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from None
    return os.path.join(os.path.dirname(path), value) if key == "root" and value else value


def _flag(path: str, key: str, value: str) -> bool:
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise UsageError(f"{path}: {key} is yes or no, not {value!r}")
