"""JSON read member by member, with the standard library's scanner: slower than msgspec and more tolerant, as .NET's reader is.

For records msgspec refuses, and for the handshake and the negotiation, which come once a connection. The texts of errors are
.NET's. Imports only `errors`; never blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, NoReturn, cast

from hubstream.errors import ProtocolError

__all__ = ["Integer", "Member", "Members", "integer", "malformed", "read_members", "token_type", "too_deep"]

MAX_DEPTH = 64
"""System.Text.Json's: one bracket more is malformed JSON to it (spec 4.2)."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


class Integer(str):
    """An integer as it is written: Python refuses to convert one of more than 4,300 digits."""

    __slots__ = ()


class _Real(str):
    __slots__ = ()


class Member(NamedTuple):
    """One property of the record's object."""

    value: object
    """What it decodes to; numbers as `Integer` or another `str`, halves of surrogate pairs and bad UTF-8 as surrogates."""
    raw: bytes
    """The value as it came."""


class Members(NamedTuple):
    """The properties of the record's object; of two with one name, the last (spec 16)."""

    named: Mapping[str, Member]
    whole: bool
    """False if the JSON breaks off or breaks the syntax behind these."""


def malformed() -> ProtocolError:
    """What is no JSON at all."""
    return ProtocolError("Error reading JSON.")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_scan = json.JSONDecoder(parse_int=Integer, parse_float=_Real, parse_constant=_refuse).raw_decode


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _scan(text, at)
    except (ValueError, RecursionError) as error:
        raise malformed() from error


def _skip(text: str, at: int) -> tuple[str, int]:
    """The next character that is no space, "" at the end, and where it stands."""
    space = _SPACE.match(text, at)
    at = at if space is None else space.end()
    return text[at : at + 1], at


def token_type(value: object) -> str:
    """What .NET calls such a value in its errors."""
    if isinstance(value, (Integer, _Real)):
        return "Number"
    if value is None:
        return "Null"
    for kind, name in ((str, "String"), (list, "Array"), (dict, "Object")):
        if isinstance(value, kind):
            return name
    return str(value)


def read_members(record: bytes) -> Members:
    """The properties of the object a record begins with. What stands behind the object is ignored, as .NET does.

    Raises:
        ProtocolError: There is no object.
    """
    text = record.decode("utf-8", "surrogateescape")
    character, at = _skip(text, 0)
    if character != "{":
        value, _ = _value(text, at)
        raise ProtocolError(f"Unexpected JSON Token Type '{token_type(value)}'. Expected a JSON Object.")
    named: dict[str, Member] = {}
    character, at = _skip(text, at + 1)
    if character == "}":
        return Members(named, whole=True)
    try:
        while True:
            if character != '"':
                return Members(named, whole=False)
            name, at = _value(text, at)
            character, at = _skip(text, at)
            if character != ":":
                return Members(named, whole=False)
            _, at = _skip(text, at + 1)
            value, end = _value(text, at)
            named[cast("str", name)] = Member(value, text[at:end].encode("utf-8", "surrogateescape"))
            character, at = _skip(text, end)
            if character == "}":
                return Members(named, whole=True)
            if character != ",":
                return Members(named, whole=False)
            character, at = _skip(text, at + 1)
    except ProtocolError:
        return Members(named, whole=False)


def too_deep(record: bytes) -> bool:
    """Whether brackets are nested deeper than .NET reads them.

    Strings are cut out, then the innermost pairs are, level by level: all at the speed of `bytes.replace`. Unbalanced brackets
    are left to whoever reads the record.
    """
    bare = record.replace(rb"\\", b"").replace(rb"\"", b"") if record.find(b"\\") >= 0 else record
    brackets = b"".join(bare.split(b'"')[::2]).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        inner = len(brackets)
        brackets = brackets.replace(b"[]", b"")
        if len(brackets) == inner:
            return False
    return bool(brackets)


def integer(name: str, value: object, bits: int) -> int:
    """The value of a member that is an integer of so many bits.

    Raises:
        ProtocolError: It is none.
    """
    if not isinstance(value, (Integer, _Real)):
        raise ProtocolError(f"Expected '{name}' to be of type Number.")
    # A sign and 19 digits are the most 64 bits can have.
    if isinstance(value, Integer) and len(value) <= 20 and -(1 << bits - 1) <= (number := int(value)) < 1 << bits - 1:
        return number
    raise ProtocolError(f"Expected '{name}' to be an integer of {bits} bits.")
