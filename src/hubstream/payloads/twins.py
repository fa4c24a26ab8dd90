"""A class's double on the wire: a struct with the members' wire names, and the ways from one to the other.

msgspec reads and writes the twin; a method receives the class it declares, made by its own constructor, so that defaults,
`__post_init__` and validators are the class's own. A dataclass member with `init=False` is written and not read; an attribute of
an attrs class whose name begins with an underscore is neither, as msgspec has it.

Imports payloads' own files. Never blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from hubstream.payloads.containers import Convert, by_position
from hubstream.payloads.shapes import Shape

__all__ = ["Twin"]


class Twin:
    """The double of one class in one style and protocol."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._slots = [f"f{i}" for i in range(len(shape.members))]
        required = [m.required for m in shape.members]
        # msgspec fills a struct by position only while what is required comes first; by position is the faster way.
        self._in_order = required == sorted(required, reverse=True)
        self.struct: type[msgspec.Struct] = msgspec.defstruct(
            shape.cls.__name__,
            [(slot, Any) if must else (slot, Any, UNSET) for slot, must in zip(self._slots, required, strict=True)],
            rename={slot: member.wire for slot, member in zip(self._slots, shape.members, strict=True)},
            kw_only=not self._in_order,
            tag=shape.tag,
            tag_field=shape.tag_field,
            array_like=shape.array_like,
            forbid_unknown_fields=shape.forbid_unknown,
            gc=False,
        )

    def declare(self, types: Sequence[Any]) -> None:
        """Say what the members hold on the wire: before the twin is read, and late, since a class may hold itself."""
        # msgspec looks at a struct's annotations when the first decoder for it is made, not before.
        self.struct.__annotations__ = dict(zip(self._slots, types, strict=True))

    def to_python(self, converts: Sequence[Convert | None]) -> Convert:
        """The way from the twin to the class itself."""
        cls, members, kind = self._shape.cls, self._shape.members, self._shape.kind
        by_name = kind == "dict" or not self._shape.positional
        optional = not all(m.required for m in members)
        convert = self._positions(converts)

        def make(twin: msgspec.Struct) -> Any:
            values = astuple(twin)
            if convert is not None:
                values = convert(values)
            if by_name or (optional and UNSET in values):
                named = {
                    m.parameter: value
                    for m, value in zip(members, values, strict=True)
                    if value is not UNSET and m.parameter is not None
                }
                return named if kind == "dict" else cls(**named)
            return cls(*values)

        return make

    def to_wire(self, converts: Sequence[Convert | None], undeclared: Convert) -> Convert:
        """The way from the class to its twin; what a dict holds beside its declared keys goes by `undeclared`."""
        if self._shape.kind == "dict":
            return self._dict_to_wire(converts, undeclared)
        values_of, convert = self._getter(), self._positions(converts)
        build = self._builder()
        omit = self._shape.omit_defaults and not self._shape.array_like
        if convert is None and not omit:
            return lambda value: build(*values_of(value))

        def write(value: Any) -> Any:
            values = values_of(value)
            if omit:
                values = self._without_defaults(values)
            return build(*(values if convert is None else convert(values)))

        return write

    def _builder(self) -> Callable[..., Any]:
        """Makes what is written of the members' values, in order."""
        struct, slots = self.struct, self._slots
        if self._shape.kind == "tuple":
            return lambda *values: values
        return struct if self._in_order else lambda *values: struct(**dict(zip(slots, values, strict=True)))

    def _dict_to_wire(self, converts: Sequence[Convert | None], undeclared: Convert) -> Convert:
        table = {m.name: (m.wire, convert) for m, convert in zip(self._shape.members, converts, strict=True)}

        def write(value: Any) -> Any:
            if not issubclass(type(value), dict):
                return undeclared(value)
            written: dict[Any, Any] = {}
            for key, member in value.items():
                wire, convert = table.get(key, (key, undeclared))
                written[wire] = member if convert is None else convert(member)
            return written

        return write

    def _positions(self, converts: Sequence[Convert | None]) -> Convert | None:
        if all(c is None for c in converts):
            return None
        members, array_like = self._shape.members, self._shape.array_like
        return by_position(converts, lambda i: f"[{i}]" if array_like else f".{members[i].wire}")

    def _getter(self) -> Callable[[Any], Sequence[Any]]:
        names = [m.name for m in self._shape.members]
        if self._shape.kind == "tuple":
            return tuple
        if len(names) > 1:
            return attrgetter(*names)
        return lambda value: tuple(getattr(value, name) for name in names)

    def _without_defaults(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            UNSET if type(v) is type(m.default) and v == m.default else v
            for v, m in zip(values, self._shape.members, strict=True)
        )
