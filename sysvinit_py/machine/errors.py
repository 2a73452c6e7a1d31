"""The errors of the machine."""

from __future__ import annotations


class MisuseError(Exception):
    """The machine or its driver was called out of order, so that something would be lost or done twice."""
