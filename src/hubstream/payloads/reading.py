"""A declared type becomes what msgspec reads, and the way from there to the type: decided once per type.

Most types are read by msgspec as they are. A twin stands in where members are renamed or a value has a form of .NET's.

Imports errors, and payloads' own files. Never blocks.
"""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

import msgspec

from hubstream.errors import MappingError
from hubstream.payloads import hints, pydantic, values
from hubstream.payloads.containers import Convert, by_class, by_position, entries, items
from hubstream.payloads.shapes import Shape, shape, walk
from hubstream.payloads.style import Names, Payloads, ProtocolName
from hubstream.payloads.twins import Twin

__all__ = ["Reader", "Reading"]

_LEAVES: frozenset[Any] = frozenset({
    Any, object, NoneType, bool, int, float, str, bytes, bytearray, memoryview,
    datetime, date, time, timedelta, Decimal, UUID, msgspec.Raw, msgspec.msgpack.Ext, msgspec.UnsetType,
})  # fmt: skip
_LISTS = {list, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Collection}
_SETS = {set, frozenset, collections.abc.Set, collections.abc.MutableSet}
_DICTS = {dict, collections.abc.Mapping, collections.abc.MutableMapping}
_TEXTS = {str, bytes, bytearray, memoryview, datetime, date, time, timedelta, Decimal, UUID}
_READERS: dict[Any, Convert] = {
    timedelta: values.read_timedelta,
    date: values.read_date,
    time: values.read_time,
}
_LIST: Any = list
_TUPLE: Any = tuple
_DICT: Any = dict


@dataclass(slots=True)
class Reading:
    """How a type is read."""

    wire: Any
    """What msgspec reads."""
    convert: Convert | None = None
    """From there to the declared type; None where that is it already."""
    classes: tuple[type, ...] = ()
    """With `convert`: the classes of what msgspec gives it, for telling the members of a union apart."""


class Reader:
    """Reads declared types in one style and protocol."""

    def __init__(self, payloads: Payloads, protocol: ProtocolName) -> None:
        self._names: Names = payloads.names(protocol)
        self._dotnet = payloads.values == "dotnet"
        self._json = protocol == "json"
        self._twins: list[tuple[Any, Reading]] = []

    def of(self, annotation: Any) -> Reading:
        """Decide how a type is read.

        Raises:
            MappingError: The type holds one that cannot be carried.
        """
        if not self.needs_help(annotation):
            return Reading(annotation)
        return self._of(annotation)

    def native_first(self, annotation: Any) -> bool:
        """Whether msgspec alone reads this style, so that help is needed only for the other style's forms."""
        return not self._dotnet and not any(
            pydantic.owns(node, beside) or (found is not None and found.foreign)
            for node, beside, found in walk(annotation, self._names)
        )

    def needs_help(self, annotation: Any) -> bool:
        """Whether any type within is not read by msgspec exactly as this style wants it."""
        help_needed = False
        for node, beside, found in walk(annotation, self._names):
            if pydantic.owns(node, beside):
                return True
            self._check(node, found)
            if (
                self._is_special(node, beside)
                or self._has_names_for_keys(node)
                or (found is not None and found.foreign)
            ):
                help_needed = True
        return help_needed

    def _check(self, node: Any, found: Shape | None) -> None:
        if found is not None or hints.is_union(node) or get_origin(node) is Literal:
            return
        origin = get_origin(node) or node
        if origin in _LEAVES or origin is tuple or origin in _LISTS | _SETS | _DICTS:
            return
        if isinstance(origin, type) and issubclass(origin, Enum):
            return
        name = getattr(node, "__qualname__", str(node))
        raise MappingError(
            f"{name} is no type that can be carried: use a builtin, a dataclass, a msgspec struct, a TypedDict, a NamedTuple, "
            "an Enum, a date or time, a Decimal, a UUID, or an attrs or pydantic class"
        )

    def _is_special(self, node: Any, beside: tuple[object, ...]) -> bool:
        if self._json:
            return node is timedelta
        if node in {datetime, time}:
            # A constrained one stays msgspec's: it could not check the constraint on another form.
            return not beside
        return node in {timedelta, date} or (isinstance(node, type) and issubclass(node, Enum))

    def _has_names_for_keys(self, node: Any) -> bool:
        """.NET's JSON has an enum's names where it is the key of a dictionary, and its numbers everywhere else."""
        return self._json and hints.has_enum_keys(node)

    def _of(self, annotation: Any) -> Reading:
        node, beside = hints.strip(annotation), hints.metadata(annotation)
        if pydantic.owns(None, beside) and pydantic.constrains(beside) and self.needs_help(node):
            # Pydantic would take .NET's ticks for seconds: it gets the value that was meant, and looks at it.
            reading = self._of(node)
            return Reading(reading.wire, _then(reading.convert, pydantic.python_reader(annotation)), reading.classes)
        if pydantic.owns(node, beside) or (hints.is_union(node) and self._has_pydantic(annotation)):
            return self._pydantic(annotation)
        if self._is_special(node, beside):
            return self._special(node, {str, int, tuple})
        if not self.needs_help(annotation):
            return Reading(annotation)
        if hints.is_union(node):
            return self._union(node)
        found = shape(node, self._names)
        reading = self._class(node, found) if found is not None else self._container(node)
        if not beside:
            return reading
        return Reading(Annotated[(reading.wire, *beside)], reading.convert, reading.classes)

    def _has_pydantic(self, annotation: Any) -> bool:
        return any(pydantic.owns(node, beside) for node, beside, _ in walk(annotation, self._names))

    def _pydantic(self, annotation: Any) -> Reading:
        if self._json:
            return Reading(msgspec.Raw, pydantic.json_reader(annotation))
        return Reading(Any, pydantic.python_reader(annotation))

    def _special(self, node: Any, allowed: set[type]) -> Reading:
        """A single value that has several forms, of which the allowed ones are read."""
        if node is datetime:
            if tuple not in allowed:
                return Reading(datetime)
            return Reading(datetime | tuple[datetime, int], values.read_datetime, (tuple,))
        if node in _READERS:
            convert, forms = _READERS[node], {str} if self._json else {str, int}
        else:
            convert, forms = values.enum_reader(node, names_first=self._dotnet), {str} | _kinds(node)
        forms &= allowed
        return Reading(hints.union_of(list(forms)), convert, tuple(forms)) if forms else Reading(node)

    def _union(self, node: Any) -> Reading:
        members = [(m, hints.strip(m), hints.metadata(m)) for m in get_args(node)]
        special = [stripped for _, stripped, beside in members if self._is_special(stripped, beside)]
        readings: list[Reading] = []
        for member, stripped, _ in members:
            if stripped not in special:
                readings.append(self._of(member))
                continue
            # A form that another member is written in is that member's: only what cannot be confused is read.
            taken: set[type] = set()
            for _, other, _ in members:
                if other is not stripped:
                    taken |= (
                        _primary(other, dotnet=self._dotnet and not self._json) if other in special else _kinds(other)
                    )
            readings.append(self._special(stripped, {str, int, tuple} - taken))
        converts = {cls: r.convert for r in readings if r.convert is not None for cls in r.classes}
        wire = hints.union_of([r.wire for r in readings])
        return Reading(wire, by_class(converts) if converts else None, tuple(converts))

    def _class(self, node: Any, found: Shape) -> Reading:
        for known, reading in self._twins:
            if known == node:
                return reading
        twin = Twin(found)
        # A class may hold itself: it is known, with a way to it, before its members are looked at.
        reading = Reading(twin.struct, lambda value: make(value), (twin.struct,))  # noqa: PLW0108 - made below
        self._twins.append((node, reading))
        members = [self._of(m.type) for m in found.members]
        twin.declare([m.wire for m in members])
        reading.convert = make = twin.to_python([m.convert for m in members])
        return reading

    def _container(self, node: Any) -> Reading:
        origin, inner = get_origin(node), get_args(node)
        if origin in _DICTS:
            return self._dict(*inner)
        if origin is tuple and Ellipsis not in inner:
            positions = [self._of(item) for item in inner]
            wire = _TUPLE[tuple(item.wire for item in positions)]
            return Reading(wire, by_position([item.convert for item in positions]), (tuple,))
        item = self._of(inner[0])
        gather = tuple if origin is tuple else frozenset if origin is frozenset else set if origin in _SETS else None
        # Sets too are read as lists: a twin cannot be hashed.
        return Reading(_LIST[item.wire], items(item.convert, gather) if item.convert else gather, (list,))

    def _dict(self, key: Any, value: Any) -> Reading:
        node, beside = hints.strip(key), hints.metadata(key)
        if self._json and isinstance(node, type) and issubclass(node, Enum):
            keys = self._special(node, {str})
        else:
            keys = self._special(node, {str, int}) if self._is_special(node, beside) else Reading(key)
        values_ = self._of(value)
        return Reading(_DICT[keys.wire, values_.wire], entries(keys.convert, values_.convert), (dict,))


def _then(first: Convert | None, second: Convert) -> Convert:
    return second if first is None else lambda value: second(first(value))


def _primary(node: Any, *, dotnet: bool) -> set[type]:
    """The form a special value is written in, in MessagePack (JSON has but one form for each)."""
    if not dotnet:
        return _kinds(node)
    return {int} if node in _READERS else {str}


def _kinds(node: Any) -> set[type]:
    """What a type is on the wire, as far as the forms of special values go: text, a whole number, an array."""
    origin = get_origin(node) or node
    if origin in {Any, object}:
        return {str, int, tuple}
    if origin is float:
        return {float, int}
    if origin is Literal:
        return {type(v) for v in get_args(node)}
    if origin in _TEXTS:
        return {str}
    if isinstance(origin, type) and issubclass(origin, Enum):
        return {int if isinstance(m.value, int) else str for m in origin}
    if origin is tuple or origin in _LISTS | _SETS:
        return {tuple}
    found = shape(node, "as_written")
    if found is not None and found.array_like:
        return {tuple}
    return {origin}
