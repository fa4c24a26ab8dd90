"""A value becomes what msgspec writes in this style: by its declared type where there is one, else by its own class.

Most values are written as they are. Imports payloads' own files. Never blocks.
"""

from __future__ import annotations

import collections.abc
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin
from uuid import UUID

from hubstream.payloads import hints, pydantic, values
from hubstream.payloads.containers import Convert, by_class, by_position, entries, items
from hubstream.payloads.shapes import Shape, shape, walk
from hubstream.payloads.style import PYTHON, Names, Payloads, ProtocolName
from hubstream.payloads.twins import Twin

__all__ = ["Writer"]

_PLAIN = frozenset({NoneType, bool, int, float, str, bytes, bytearray, memoryview, UUID})
"""Classes whose values every style writes as msgspec does."""
_SEQUENCES = (list, tuple, set, frozenset)
_CONCRETE: dict[Any, type] = {
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Collection: list,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    collections.abc.Mapping: dict,
    collections.abc.MutableMapping: dict,
}


class Writer:
    """Prepares values for msgspec in one style and protocol."""

    def __init__(self, payloads: Payloads, protocol: ProtocolName) -> None:
        self._names: Names = payloads.names(protocol)
        self._dotnet = payloads.values == "dotnet"
        self._json = protocol == "json"
        self._as_written = self._names == "as_written" and not self._dotnet
        self.idle = self._json and self._as_written
        """Whether nothing ever needs preparing."""
        self.only_datetimes = not self._json and self._as_written
        """Whether nothing but naive datetimes ever needs preparing."""
        self._pydantics = self if self._as_written else Writer(PYTHON, protocol)
        """Writes pydantic's classes: they are read by pydantic, which knows Python's forms alone."""
        self._classes: dict[type, Convert | None] = dict.fromkeys(_PLAIN)
        self._typed_dicts: list[tuple[Any, Convert]] = []
        self._any_items = items(self.value)
        self._any_entries = entries(self._key, self.value)

    def of(self, annotation: Any) -> Convert | None:
        """How values of a declared type are prepared; None when they are written as they are."""
        if self.idle or not self._concerns(annotation):
            return None
        node = hints.strip(annotation)
        if hints.is_union(node) and any(pydantic.owns(n, beside) for n, beside, _ in walk(node, self._names)):
            return self._pydantics.value
        if (leaf := self._leaf(node)) is not None:
            return by_class({node: leaf}, self.value)
        if hints.is_union(node):
            ways = [(_class_of(m), self.of(m)) for m in get_args(node)]
            return by_class({cls: way for cls, way in ways if way is not None}, self.value)
        if hints.is_typed_dict(get_origin(node) or node):
            return self._typed_dict(node)
        return self._container(node)

    def value(self, value: object) -> Any:
        """Prepare a value by its own class, and what it holds by theirs."""
        cls = type(value)
        try:
            convert = self._classes[cls]
        except KeyError:
            convert = self._learn(cls)
        return value if convert is None else convert(value)

    def model(self, model: Any) -> Any:
        """Prepare one of pydantic's models."""
        return self._pydantics.value(pydantic.to_python(model))

    def _concerns(self, annotation: Any, *, exactly: bool = False) -> bool:
        """Whether a value of this type (or `exactly` of this class) may hold one that needs preparing."""
        for node, _, found in walk(annotation, self._names):
            if found is not None:
                # A value may be of a subclass, with members of its own: looked at wherever names or values change. In Python's
                # own style a declared class is trusted, for speed; only a naive datetime of a subclass would be missed.
                if found.renamed or (
                    found.kind == "object" and not self._as_written and not (exactly and node is annotation)
                ):
                    return True
            elif self._leaf(node) is not None or _is_open(node) or (self._dotnet and hints.has_enum_keys(node)):
                return True
        return False

    def _leaf(self, cls: Any) -> Convert | None:
        """How single values of a class are prepared."""
        if not isinstance(cls, type):
            return None
        if issubclass(cls, datetime):
            if not self._json:
                return values.utc
            return values.shortest_datetime if self._dotnet else None
        if not self._dotnet:
            return None
        if issubclass(cls, timedelta):
            return values.timespan if self._json else values.ticks
        if not self._json and issubclass(cls, date):
            return values.day_number
        if not self._json and issubclass(cls, time):
            return values.time_ticks
        if issubclass(cls, Decimal):
            return values.finite_decimal
        return values.enum_name if issubclass(cls, Enum) and not self._json else None

    def _learn(self, cls: type) -> Convert | None:
        """Decide how values of a class are prepared, once."""
        convert = self._leaf(cls)
        if self._pydantics is not self and pydantic.owns(cls):
            convert = self._pydantics.value
        elif convert is None and not issubclass(cls, Enum):
            if (found := shape(cls, self._names)) is not None:
                convert = self._members(found) if self._concerns(cls, exactly=True) else None
            elif issubclass(cls, dict):
                convert = self._any_dict
            elif issubclass(cls, _SEQUENCES):
                convert = self._any_sequence
        self._classes[cls] = convert
        return convert

    def _members(self, found: Shape) -> Convert:
        return Twin(found).to_wire([self.of(m.type) for m in found.members], self.value)

    def _typed_dict(self, node: Any) -> Convert:
        for known, write in self._typed_dicts:
            if known == node:
                return write
        found = shape(node, self._names)
        assert found is not None, "a TypedDict has members"
        # It may hold itself: it is known before its members are looked at.
        self._typed_dicts.append((node, lambda value: write_members(value)))  # noqa: PLW0108 - made below
        write_members = self._members(found)
        return write_members

    def _container(self, node: Any) -> Convert:
        """A declared container; a value that is none, or another one, goes by its class. Classes go by their values' too."""
        origin, inner = get_origin(node), get_args(node)
        if origin is tuple and Ellipsis not in inner:
            positions = by_position([self.of(item) for item in inner])
            return lambda v: positions(v) if _is_tuple(v, len(inner)) else self.value(v)
        if not isinstance(origin, type) or shape(node, self._names) is not None:
            return self.value
        if issubclass(origin, collections.abc.Mapping):
            entry = entries(self._key, self.of(inner[1]))
            return lambda v: entry(v) if isinstance(v, dict) else self.value(v)
        if (way := self.of(inner[0])) is None:
            return self.value
        each = items(way)
        return lambda v: each(v) if isinstance(v, _SEQUENCES) else self.value(v)

    def _any_dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        if _PLAIN.issuperset({*map(type, value.values()), *map(type, value)}):
            return value
        prepared: dict[Any, Any] = self._any_entries(value)
        return prepared

    def _any_sequence(self, value: Any) -> Any:
        return value if _PLAIN.issuperset({*map(type, value)}) else self._any_items(value)

    def _key(self, key: Any) -> Any:
        if type(key) in _PLAIN:
            return key
        # As a key, an enum has its name in .NET's JSON too.
        leaf = values.enum_name if self._dotnet and isinstance(key, Enum) else self._leaf(type(key))
        return key if leaf is None else leaf(key)


def _is_open(node: Any) -> bool:
    """Whether values of classes nobody declared may be inside: `Any`, or a container that does not say what it holds."""
    if node in {Any, object}:
        return True
    return isinstance(node, type) and node not in _PLAIN and issubclass(node, collections.abc.Collection)


def _is_tuple(value: Any, length: int) -> bool:
    return isinstance(value, tuple) and len(value) == length  # pyright: ignore[reportUnknownArgumentType] - any tuple


def _class_of(annotation: Any) -> Any:
    """The class of a declared type's values, as far as it is one."""
    node = hints.strip(annotation)
    origin = get_origin(node) or node
    if hints.is_typed_dict(origin):
        return dict
    return _CONCRETE.get(origin, origin)
