"""What an annotation says: its wrappers taken off, its parts, the members' types of a (generic) class.

Imports nothing of the package. Never blocks.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, TypeVar, get_args, get_origin

import typing_extensions

__all__ = [
    "arguments",
    "has_enum_keys",
    "is_typed_dict",
    "is_union",
    "members",
    "metadata",
    "strip",
    "union_of",
    "unqualified",
]

_QUALIFIERS = {
    typing.Required,
    typing.NotRequired,
    typing.Final,
    typing.ClassVar,
    typing_extensions.Required,
    typing_extensions.NotRequired,
    typing_extensions.ReadOnly,
}
_ALIASES = {typing_extensions.TypeAliasType, getattr(typing, "TypeAliasType", typing_extensions.TypeAliasType)}


def strip(annotation: Any) -> Any:
    """The type itself: without `Annotated`, qualifiers, `NewType`, aliases; a type variable is its bound or `Any`."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated or origin in _QUALIFIERS:
            annotation = get_args(annotation)[0]
        elif type(origin) in _ALIASES:
            annotation = origin.__value__[get_args(annotation)]
        elif type(annotation) in _ALIASES:
            annotation = annotation.__value__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, TypeVar):
            annotation = annotation.__bound__ or Any
        else:
            return types.NoneType if annotation is None else annotation


def unqualified(annotation: Any) -> Any:
    """A member's type, without what is said about the member."""
    while get_origin(annotation) in _QUALIFIERS:
        annotation = get_args(annotation)[0]
    return annotation


def metadata(annotation: Any) -> tuple[object, ...]:
    """What stands beside the type in `Annotated`, through qualifiers and aliases."""
    found: tuple[object, ...] = ()
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            found += annotation.__metadata__
            annotation = get_args(annotation)[0]
        elif origin in _QUALIFIERS:
            annotation = get_args(annotation)[0]
        elif type(annotation) in _ALIASES:
            annotation = annotation.__value__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        else:
            return found


def is_union(annotation: Any) -> bool:
    """Whether it is a union, in either spelling."""
    return get_origin(annotation) in {typing.Union, types.UnionType}


def is_typed_dict(annotation: Any) -> bool:
    """Whether it is a TypedDict class."""
    return typing_extensions.is_typeddict(annotation)


def has_enum_keys(annotation: Any) -> bool:
    """Whether it is a mapping whose keys are members of an enum."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if not isinstance(origin, type) or not issubclass(origin, Mapping) or len(inner) != 2:
        return False
    key = strip(inner[0])
    return isinstance(key, type) and issubclass(key, Enum)


def union_of(members: list[Any]) -> Any:
    """A union of types that are known only now."""
    return typing.Union[tuple(members)]  # noqa: UP007 - `|` cannot be spelled over a list


def arguments(annotation: Any) -> tuple[Any, ...]:
    """The types inside a generic one; a `Literal` has none."""
    if get_origin(annotation) is typing.Literal:
        return ()
    return tuple(a for a in get_args(annotation) if a is not Ellipsis)


def members(annotation: Any) -> dict[str, Any]:
    """The annotations of a class's members, names resolved, type variables replaced by what the alias says.

    Raises:
        NameError: A name in an annotation is unknown where the class was written.
    """
    cls = get_origin(annotation) or annotation
    found = typing_extensions.get_type_hints(cls, include_extras=True)
    scopes = dict(_scopes(annotation, {}))
    if not scopes:
        return found
    for name in found:
        owner = next((c for c in cls.__mro__ if name in inspect.get_annotations(c)), cls)
        found[name] = _substitute(found[name], scopes.get(owner, {}))
    return found


def _scopes(annotation: Any, outer: Mapping[Any, Any]) -> Iterator[tuple[type, dict[Any, Any]]]:
    """For each parametrized class among the bases: what its type variables stand for."""
    cls = get_origin(annotation) or annotation
    scope: dict[Any, Any] = {}
    if cls is not annotation:
        scope = dict(zip(cls.__parameters__, (_substitute(a, outer) for a in get_args(annotation)), strict=True))
        yield cls, scope
    for base in _bases(cls):
        if isinstance(get_origin(base) or base, type) and hasattr(get_origin(base) or base, "__parameters__"):
            yield from _scopes(base, scope)


def _bases(cls: Any) -> tuple[Any, ...]:
    """The bases as they were written, with their parameters (`types.get_original_bases` is 3.12's)."""
    bases: tuple[Any, ...] = cls.__dict__.get("__orig_bases__", cls.__bases__)
    return tuple(b for b in bases if get_origin(b) not in {typing.Generic, typing.Protocol})


def _substitute(annotation: Any, scope: Mapping[Any, Any]) -> Any:
    if isinstance(annotation, TypeVar):
        return scope.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ()) if get_origin(annotation) is not None else ()
    return annotation[tuple(scope.get(p, p) for p in parameters)] if parameters else annotation
