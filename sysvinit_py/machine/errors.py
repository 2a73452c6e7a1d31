"""The error of a caller that breaks the order that the machine relies on."""

from __future__ import annotations


class MisuseError(Exception):
    """The machine, or its driver, was told something out of turn: what would follow is lost or done twice."""
