"""Saving and restoring fields of an object as plain values, for ``state``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Plain:
    """Base of objects with saved fields: str, int, float, bool, or lists and dicts of these."""

    __slots__ = ()
    SAVED: tuple[str, ...] = ()

    def saved(self) -> dict[str, Any]:
        """Return the fields by their names."""
        return {name: _copy(getattr(self, name)) for name in self.SAVED}

    def resume(self, fields: dict[str, Any]) -> None:
        """Set the fields to what was saved. Others are ignored. Raises KeyError if one is missing."""
        for name in self.SAVED:
            setattr(self, name, _copy(fields[name]))


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, (list, dict)) else value
