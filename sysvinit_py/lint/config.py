"""Settings from a file: the section [inittab-lint] of .inittab-lint.cfg, or of setup.cfg.

They are looked for in the working directory and, if it has none, in the folders above it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from sysvinit_py.cli.options import UsageError
from sysvinit_py.inittab.sources import MAX_BYTES
from sysvinit_py.lint.formats import FORMATS
from sysvinit_py.lint.selection import codes_of
from sysvinit_py.lint.sources import handed_down
from sysvinit_py.lint.targets import TARGETS
from sysvinit_py.linux.beneath import named_file, read
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
    gettys: str = ""  # further programs that offer a login, separated by commas

    @property
    def getty_names(self) -> list[str]:
        """The names of these programs."""
        return self.gettys.replace(",", " ").split()


def find_config(folder: str, refused: list[str]) -> str:
    """Return the path of the nearest config file, our own or a shared one with our section; empty: none.

    Others in between that belong to somebody else are passed over, and added to ``refused`` with the reason.
    """
    while True:
        for name in (OWN, SHARED):
            path = os.path.join(folder, name)
            # Our own counts also if it is broken, which is then said.
            if not (os.path.lexists(path) if name == OWN else _has_section(path)):
                continue
            with suppress(OSError):
                exposure = _exposure(os.lstat(path))
                if not exposure:
                    return path
                refused.append(f"{path}: not used, as {exposure}; --config {path} takes it")
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above


def _exposure(status: os.stat_result) -> str:
    """Return who besides this user and root can change a config file; as for git's safe.directory."""
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to user {status.st_uid}"
    is_open = status.st_mode & stat.S_IWOTH and not stat.S_ISLNK(status.st_mode)
    return "anybody can change it" if is_open else ""


def _load(path: str, *, trusted: bool) -> bytes:
    try:
        descriptor = handed_down(path)
        if descriptor is not None:
            return read(descriptor, MAX_BYTES)
        data, status = named_file(path).read(MAX_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    if not trusted and (exposure := _exposure(status)):
        raise UsageError(f"{path}: {exposure}; --config {path} takes it")
    return data


def _has_section(path: str) -> bool:
    try:
        lines = _load(path, trusted=True).split(b"\n")
    except UsageError:
        return False
    return any(line.startswith(f"[{SECTION}]".encode()) for line in lines)


def read_config(path: str, *, trusted: bool = True) -> Config:
    """Read a config file. Raises UsageError if it is invalid, or not trusted and others can change it."""
    # Imported only where there is a file: a cold start has a budget.
    import configparser

    # A section [DEFAULT] is for others.
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(_load(path, trusted=trusted).decode("utf-8-sig"), path)
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
    """Return a setting's value, once it is seen that it is one."""
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
    if key == "root" and value:
        if value.startswith("/") or ".." in value.split("/"):
            raise UsageError(f"{path}: root {value!r} is not below the file's folder; use --root")
        return os.path.join(os.path.dirname(path), value)
    return value


def _flag(path: str, key: str, value: str) -> bool:
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise UsageError(f"{path}: {key} is yes or no, not {value!r}")
