"""Value: the base of the immutable records that the packages exchange.

It replaces frozen dataclasses, which would cost PID 1 30 ms and 3 MB to import.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> object:
        """Stand in for typing's: type checkers read the real one."""
        return lambda cls: cls


class _Fields(type):
    """Turns a class's annotations into its slots, and its class attributes into their defaults."""

    _fields: tuple[str, ...]
    _setters: tuple[Callable[[object, object], None], ...]  # of the slots

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _Fields:
        fields = tuple(body.get("__annotations__", ()))
        body["__slots__"] = fields
        own = {field: body.pop(field) for field in fields if field in body}
        body["_defaults"] = {f: v for base in bases for f, v in getattr(base, "_defaults", {}).items()} | own
        body["_fields"] = tuple(f for base in bases for f in getattr(base, "_fields", ())) + fields
        made = super().__new__(mcs, name, bases, body)
        made._setters = tuple(getattr(made, field).__set__ for field in made._fields)
        return made


@dataclass_transform(frozen_default=True)
class Value(metaclass=_Fields):
    """An immutable record of the annotated fields; equal to one of its class with equal fields."""

    if TYPE_CHECKING:
        # The metaclass sets these; annotated in its body they would become fields of every value.
        _fields = ("",)
        _defaults = {"": None}

    else:

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if kwargs or len(args) != len(self._fields):
                args = self._complete(args, kwargs)
            for put, given in zip(self._setters, args):  # noqa: B905 - they are as many
                put(self, given)

        def _complete(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
            """Return the value of each field, defaults included. Raises TypeError."""
            name, missing = type(self).__name__, self._fields[len(args) :]
            if len(args) > len(self._fields):
                raise TypeError(f"{name} takes {len(self._fields)} fields, {len(args)} given")
            for field in kwargs:
                if field not in missing:
                    raise TypeError(f"{name} has no field {field!r} to give")
            given = self._defaults | kwargs
            try:
                return (*args, *map(given.__getitem__, missing))
            except KeyError as field:
                raise TypeError(f"{name} needs the field {field}") from None

    def __setattr__(self, name: str, new: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name}: a value does not change")

    def astuple(self) -> tuple[Any, ...]:
        """Return all fields, in the order of their declaration."""
        return tuple(getattr(self, field) for field in self._fields)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return type(self)(**{field: getattr(self, field) for field in self._fields} | changes)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.astuple() == other.astuple()

    def __hash__(self) -> int:
        return hash((type(self), self.astuple()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({shown})"
