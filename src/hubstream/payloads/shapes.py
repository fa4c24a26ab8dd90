"""Classes with members, seen alike: structs, dataclasses, attrs classes, TypedDicts and NamedTuples; and a walk over types.

Imports errors, and payloads' own files. Never blocks.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast, get_origin

import msgspec
import typing_extensions

from hubstream.errors import MappingError
from hubstream.payloads import hints
from hubstream.payloads.style import Names, spell

__all__ = ["Member", "Shape", "shape", "walk"]

_RENAMES: tuple[Literal["camel", "pascal", "lower", "upper", "kebab"], ...] = (
    "camel",
    "pascal",
    "lower",
    "upper",
    "kebab",
)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a class."""

    name: str
    """The attribute, key or position's name."""
    wire: str
    """Its name on the wire."""
    type: Any
    required: bool
    parameter: str | None
    """What the constructor calls it; None when it does not take it."""
    default: object = msgspec.NODEFAULT
    """A plain default, for structs that leave defaults out."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A class with members."""

    cls: Any
    kind: Literal["object", "dict", "tuple"]
    members: tuple[Member, ...]
    positional: bool
    """Whether the constructor takes the members in order."""
    tag: str | int | None = None
    tag_field: str | None = None
    array_like: bool = False
    forbid_unknown: bool = False
    omit_defaults: bool = False
    half_made: bool = False
    """msgspec leaves plain defaults to the class, not the object, and then does not write them: its own constructor has to."""

    @property
    def foreign(self) -> bool:
        """Whether msgspec alone does not read it as this style wants it."""
        return self.renamed or self.half_made

    @property
    def renamed(self) -> bool:
        """Whether the style writes a member otherwise than msgspec would."""
        if self.kind == "tuple" or self.array_like:
            return False
        return any(m.wire != w for m, w in zip(self.members, _native_names(self), strict=True))


def shape(annotation: Any, names: Names) -> Shape | None:
    """The members of a class or of a parametrized generic one; None for what has none.

    Raises:
        MappingError: Two members share a wire name, or an annotation cannot be resolved.
    """
    cls = get_origin(annotation) or annotation
    try:
        found = _shape(annotation, cls, names)
    except NameError as error:
        raise MappingError(
            f"{cls.__qualname__}: {error}; annotations of a class are resolved in its module, so define or import the name "
            "there, outside  `if TYPE_CHECKING` and outside functions"
        ) from error
    if found is not None and found.kind != "tuple":
        wires = [m.wire for m in found.members]
        doubled = next((w for w in wires if wires.count(w) > 1), None)
        if doubled is not None:
            raise MappingError(f"{cls.__qualname__}: two members are both written as {doubled!r}; rename one of them")
    return found


def _shape(annotation: Any, cls: Any, names: Names) -> Shape | None:
    if not isinstance(cls, type):
        return None
    cls = cast("Any", cls)
    if issubclass(cls, msgspec.Struct):
        return _struct(annotation, cls, names)
    if dataclasses.is_dataclass(cls):
        return _dataclass(annotation, cls, names)
    if hasattr(cls, "__attrs_attrs__"):
        return _attrs(annotation, cls, names)
    if hints.is_typed_dict(cls):
        return _typed_dict(annotation, cls, names)
    if hasattr(cls, "_fields") and issubclass(cls, tuple):
        return _named_tuple(annotation, cls)
    return None


def _struct(annotation: Any, cls: type[msgspec.Struct], names: Names) -> Shape:
    config = cls.__struct_config__
    aliased = _renamed_by_hand(cls)
    members = tuple(
        Member(
            name=f.name,
            wire=f.encode_name if aliased or f.encode_name != f.name else spell(f.name, names),
            type=f.type,
            required=f.required,
            parameter=f.name,
            default=f.default,
        )
        for f in msgspec.structs.fields(annotation)
    )
    return Shape(
        cls,
        "object",
        members,
        positional=_by_position(cls),
        tag=config.tag,
        tag_field=config.tag_field,
        array_like=config.array_like,
        forbid_unknown=config.forbid_unknown_fields,
        omit_defaults=config.omit_defaults,
    )


def _renamed_by_hand(cls: type[msgspec.Struct]) -> bool:
    """Whether the class says `rename=`: then names that came out unchanged are meant so as well."""
    written, wires = cls.__struct_fields__, cls.__struct_encode_fields__
    return written != wires and any(
        msgspec.defstruct("_", list(written), rename=rename).__struct_encode_fields__ == wires for rename in _RENAMES
    )


def _dataclass(annotation: Any, cls: Any, names: Names) -> Shape:
    types = hints.members(annotation)
    fields = dataclasses.fields(cls)
    members = tuple(
        Member(
            name=f.name,
            wire=spell(f.name, names),
            type=types[f.name],
            required=f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.init,
            parameter=f.name if f.init else None,
        )
        for f in fields
    )
    positional = all(f.init and not f.kw_only for f in fields)
    half_made = cls.__dictoffset__ != 0 and any(f.default is not dataclasses.MISSING for f in fields)
    return Shape(cls, "object", members, positional=positional, half_made=half_made)


def _attrs(annotation: Any, cls: Any, names: Names) -> Shape:
    nothing = sys.modules["attr"].NOTHING
    types = hints.members(annotation)
    fields = [f for f in cls.__attrs_attrs__ if not f.name.startswith("_")]
    members = tuple(
        Member(
            name=f.name,
            wire=spell(f.name, names),
            type=types.get(f.name, Any),
            required=f.default is nothing and f.init,
            parameter=f.alias if f.init else None,
        )
        for f in fields
    )
    positional = len(fields) == len(cls.__attrs_attrs__) and all(f.init and not f.kw_only for f in fields)
    return Shape(cls, "object", members, positional=positional)


def _typed_dict(annotation: Any, cls: Any, names: Names) -> Shape:
    members: list[Member] = []
    for name, hint in hints.members(annotation).items():
        # `__required_keys__` does not see a NotRequired that was written as a string, the hint does.
        origin = get_origin(hint)
        required = name in cls.__required_keys__ and origin is not typing_extensions.NotRequired
        required = required or origin is typing_extensions.Required
        members.append(Member(name, spell(name, names), hints.unqualified(hint), required, name))
    return Shape(cls, "dict", tuple(members), positional=False)


def _named_tuple(annotation: Any, cls: Any) -> Shape:
    types = hints.members(annotation)
    members = tuple(
        Member(name, name, types.get(name, Any), name not in cls._field_defaults, name) for name in cls._fields
    )
    return Shape(cls, "tuple", members, positional=True, array_like=True, forbid_unknown=True)


def _by_position(cls: type[msgspec.Struct]) -> bool:
    return all(p.kind is p.POSITIONAL_OR_KEYWORD for p in inspect.signature(cls).parameters.values())


def _native_names(of: Shape) -> tuple[str, ...]:
    if issubclass(of.cls, msgspec.Struct):
        wires: tuple[str, ...] = of.cls.__struct_encode_fields__
        return wires
    return tuple(m.name for m in of.members)


def walk(annotation: Any, names: Names) -> Iterator[tuple[Any, tuple[object, ...], Shape | None]]:
    """Every type that a value of this type may hold, itself first, each once: stripped, with its metadata and its shape."""
    seen: list[Any] = []
    todo = [annotation]
    while todo:
        written = todo.pop()
        if written in seen:
            continue
        seen.append(written)
        node = hints.strip(written)
        found = shape(node, names)
        yield node, hints.metadata(written), found
        todo += hints.arguments(node) if found is None else [m.type for m in found.members]
