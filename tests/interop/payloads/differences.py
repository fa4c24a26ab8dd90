"""What a client's own types cannot do, each with its reason; the page docs/payloads.md says the same.

The drivers try these rows all the same, to fail, and then with what a program has to use instead.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DOTNET_CLIENT", "JAVASCRIPT_CLIENT", "Difference", "difference"]

BOTH = ("python", "dotnet")


class Difference(NamedTuple):
    """Rows that fail with a client's own types."""

    reason: str
    styles: tuple[str, ...]
    protocols: tuple[str, ...]
    rows: tuple[str, ...]
    read: bool = False
    """Whether the hub understands the client's own type nevertheless: only the way back is impossible."""


_SPANS = ("timedelta", "negative timedelta", "timedelta, optional", "timedelta or list")
_ENUMS = (
    *("int enum", "str-valued enum", "str enum", "flags", "no flag", "enums", "set of enums", "enum or none"),
    *("tuple of enums", "enum or literal number", "enum keys", "flag keys", "keys of a str-valued enum"),
)
_CLASSES = (
    *("dataclass", "dataclass, optional", "dataclass or int", "dataclasses", "dict of dataclasses"),
    *("tuple with a dataclass", "nested dataclass", "dataclass that holds itself", "dataclass with values"),
    *("struct", "tagged structs", "struct with an alias", "struct without its defaults", "generic struct"),
    *("generic dataclass", "dataclass with a generic base", "TypedDict", "attrs class"),
)
_TUPLES = (
    *("tuple", "long text and bytes", "dates and times", "tuple with a dataclass", "NamedTuple"),
    *("datetime or NamedTuple", "struct as an array"),
)

DOTNET_CLIENT = [
    Difference("System.Text.Json writes a ValueTuple as `{}`: use an `object[]`", BOTH, ("json",), _TUPLES),
    Difference(
        "System.Text.Json writes an enum's number: use a `string` for an enum of texts",
        BOTH,
        ("json",),
        ("str-valued enum", "str enum", "enum or literal number"),
    ),
    Difference(
        "an ISO 8601 duration is no TimeSpan: use a `string`",
        ("python",),
        ("json",),
        ("dataclass with values", *_SPANS),
        read=True,
    ),
    Difference("a Decimal is a text: use a `string`", ("python",), ("json",), ("decimal",), read=True),
    Difference(
        "a key is the enum's value: use a `Dictionary<string, …>`",
        ("python",),
        ("json",),
        ("keys of a str-valued enum",),
        read=True,
    ),
    Difference(
        "a date, a time and a duration are texts: use a `string`",
        ("python",),
        ("messagepack",),
        ("date", "time", "dates and times", "struct as an array", *_SPANS),
        read=True,
    ),
    Difference(
        "an enum is its value, and .NET reads only names: use an `int` or a `string`",
        ("python",),
        ("messagepack",),
        ("NamedTuple", "datetime or NamedTuple", *_ENUMS),
        read=True,
    ),
    Difference(
        "an enum's name could be the text of the timedelta: use an `int`",
        ("python",),
        ("messagepack",),
        ("enum or span",),
    ),
    Difference(
        "MessagePack-CSharp has no naming policy: write the members as Python does",
        ("python",),
        ("messagepack",),
        _CLASSES,
    ),
    Difference(
        "a DateTimeOffset is an array to MessagePack-CSharp, a datetime a timestamp: use a `DateTime`",
        BOTH,
        ("messagepack",),
        ("aware datetime", "datetime with an offset"),
        read=True,
    ),
    Difference(
        "a timestamp is UTC: a DateTime without a zone comes back as UTC",
        BOTH,
        ("messagepack",),
        ("naive datetime",),
        read=True,
    ),
    Difference(
        ".NET writes null for a member without a value: declare `| None`, or leave nulls out",
        BOTH,
        ("json", "messagepack"),
        ("TypedDict without what may be left out",),
    ),
    Difference(
        "a pydantic model has its own names and values: give its members aliases, and use `string`s",
        BOTH,
        ("messagepack",),
        ("pydantic model", "pydantic model with values"),
    ),
    Difference(
        "a pydantic model has its own names and values: give its members aliases, and use `string`s",
        BOTH,
        ("json",),
        ("pydantic model with values",),
        read=True,
    ),
    Difference(
        "names are matched exactly: `petName` is not `PetName`", ("dotnet",), ("json",), ("pydantic model, spelled",)
    ),
    Difference(
        "names are matched exactly: `pet_name` is not `PetName`",
        ("python",),
        ("json",),
        ("pydantic model, spelled",),
        read=True,
    ),
]
"""What .NET's own types cannot do."""

JAVASCRIPT_CLIENT = [
    Difference(
        "a number has 53 bits: use a `str`",
        BOTH,
        ("json", "messagepack"),
        ("int beyond JavaScript's", "int of 64 bits", "int, the smallest"),
    ),
    Difference("a Date has milliseconds: use a `str`", BOTH, ("messagepack",), ("datetime with all its digits",)),
]
"""What JavaScript's own types cannot do."""


def difference(differences: list[Difference], style: str, protocol: str, row: str) -> Difference | None:
    """Why a row fails; None when it must not."""
    found = [d for d in differences if style in d.styles and protocol in d.protocols and row in d.rows]
    return found[0] if found else None
