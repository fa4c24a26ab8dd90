"""Floats that are no JSON numbers: where they can be, and whether they are there.

msgspec writes NaN and infinities as null, .NET fails (spec 4.3); so do we. Imports payloads' own files. Never blocks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, cast

import msgspec

from hubstream.payloads import pydantic
from hubstream.payloads.shapes import walk
from hubstream.payloads.style import Names

__all__ = ["holds_no_number", "may_hold_floats"]


def may_hold_floats(annotation: Any, names: Names) -> bool:
    """Whether a value of this type may have a float inside."""
    for node, beside, _ in walk(annotation, names):
        if node in {float, Any, object} or pydantic.owns(node, beside):
            return True
        if isinstance(node, type) and issubclass(node, (list, tuple, set, frozenset, dict, Enum)):
            return True
    return False


def holds_no_number(value: Any) -> bool:
    """Whether NaN or an infinity is anywhere inside a value that could be encoded."""
    if isinstance(value, float):
        return not isfinite(value)
    if value is None or isinstance(value, (str, int, bytes, bytearray, Decimal)):
        return False
    return any(map(holds_no_number, _inside(value)))


def _inside(value: object) -> Iterable[Any]:
    cls = type(value)
    if issubclass(cls, dict):
        return cast("dict[Any, Any]", value).values()
    if issubclass(cls, (list, tuple, set, frozenset)):
        return cast("Iterable[Any]", value)
    if isinstance(value, Enum):
        return (value.value,)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.astuple(value)
    if dataclasses.is_dataclass(value):
        return (getattr(value, f.name, None) for f in dataclasses.fields(value))
    if hasattr(cls, "__attrs_attrs__"):
        return (getattr(value, a.name, None) for a in cast("Any", cls).__attrs_attrs__)
    return pydantic.to_python(value).values() if pydantic.is_model(cls) else ()
