"""What all views have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from types import UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
R = TypeVar("R", bound="Record")

Direction = Literal["download", "upload"]
"""Which way a packet travels: towards the customer, or towards the Internet."""

Segment = Literal["customer", "internet"]
"""A part of the path that has an RTT of its own."""


class Record:
    """A frozen dataclass."""

    __slots__ = ()

    def to_dict(self, *, flat: bool = False) -> dict[str, Any]:
        """The same as plain values, for JSON.

        With `flat`, fields of fields are joined by `_`, as in `plan_bps_down`, and every dict of a
        class has the same keys, whatever is none: a row of a table."""
        record: Any = type(self)
        if flat:
            return {name: _reached(self, path) for name, path in _columns(record)}
        return {_key(name): _plain(getattr(self, name)) for name in _names(record)}


class Page(Record, Generic[R]):
    """A view whose substance is a table. Iterating gives its rows."""

    __slots__ = ()

    @property
    def _table(self) -> tuple[R, ...]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[R]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Its rows, flat: what `pandas.DataFrame` and `csv.DictWriter` take."""
        return [row.to_dict(flat=True) for row in self._table]


@dataclass(frozen=True, slots=True)
class PerDirection(Record, Generic[T]):
    """One value for each direction."""

    down: T
    """The value for downloads."""
    up: T
    """The value for uploads."""


@dataclass(frozen=True, slots=True)
class PerSegment(Record, Generic[T]):
    """One value for each segment."""

    customer: T
    """The value for the customer's side."""
    internet: T
    """The value for the Internet's side."""


@cache
def _names(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


def _key(name: str) -> str:
    """The bus's name of a field: a word of Python's own has an underscore behind it here."""
    return name.removesuffix("_")


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _columns(record: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The columns of a class, each with the fields that lead to its value."""
    origin = get_origin(record) or record
    # the two generic classes have the same parameter in all of their fields
    values = dict.fromkeys(_names(origin), get_args(record)[0]) if get_args(record) else None
    columns: list[tuple[str, tuple[str, ...]]] = []
    for name, hint in (values or get_type_hints(origin)).items():
        if name not in _names(origin):
            continue
        inner = _record_in(hint)
        if inner is None:
            columns.append((_key(name), (name,)))
        else:
            columns.extend(
                (f"{_key(name)}_{rest}", (name, *path)) for rest, path in _columns(inner)
            )
    return tuple(columns)


def _record_in(hint: Any) -> Any:
    """The class of records that a hint is about; none where it is about something else as well."""
    if get_origin(hint) in (UnionType, Union):
        hints = [one for one in get_args(hint) if one is not type(None)]
        return _record_in(hints[0]) if len(hints) == 1 else None
    origin = get_origin(hint) or hint
    return hint if isinstance(origin, type) and issubclass(origin, Record) else None


def _reached(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if value is None:
            return None
        value = getattr(value, name)
    return _plain(value)
