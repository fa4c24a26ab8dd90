"""The slow, tolerant way to read a JSON record, taken only for what msgspec refuses.

msgspec checks syntax and text even where it skips, and then refuses the whole record: half a surrogate pair in one argument, a
second value behind the first. Here the envelope is read member by member, payloads stay as they stand, and what no decoder can
read becomes `UNBINDABLE`: an error of its call, not of the connection (spec 4.2, 16). The texts of errors are .NET's.
Imports only `errors` and this room; never blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, NoReturn, cast

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hubstream.errors import ProtocolError
from hubstream.protocol.messages import (
    UNBINDABLE,
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)
from hubstream.protocol.text import is_text, repaired

__all__ = ["Integer", "Member", "Members", "integer", "malformed", "read_members", "recover", "token_type", "too_deep"]

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


def _payload(member: Member) -> Raw:
    try:
        return msgspec.json.decode(member.raw, type=Raw)
    except (ValueError, RecursionError):
        return UNBINDABLE


class _Envelope:
    """The checked members of one record."""

    def __init__(self, named: Mapping[str, Member]) -> None:
        self._named = named

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def check(self, names: frozenset[str]) -> None:
        """Look at the types of the members the message has, in the order they came in, as a streaming reader does."""
        for name, member in self._named.items():
            if name in names:
                self._check(name, member.value)

    def _check(self, name: str, value: object) -> None:
        if name in {"invocationId", "target", "error"}:
            if type(value) is not str:
                raise ProtocolError(f"Expected '{name}' to be of type String.")
            if name != "error" and not is_text(value):
                raise ProtocolError(f"'{name}' is not valid Unicode text.")
        elif name in {"arguments", "streamIds"}:
            if not isinstance(value, list):
                raise ProtocolError(f"Expected '{name}' to be of type Array.")
            if name == "streamIds":
                self._check_stream_ids(cast("list[object]", value))
        elif name == "headers":
            if not isinstance(value, dict):
                raise ProtocolError("Expected 'headers' to be of type Object.")
            for key, header in cast("dict[str, object]", value).items():
                if type(header) is not str:
                    raise ProtocolError(f"Expected header '{repaired(key)}' to be of type String.")
                if not (is_text(key) and is_text(header)):
                    raise ProtocolError(f"The header '{repaired(key)}' is not valid Unicode text.")
        elif name == "sequenceId":
            integer(name, value, 64)
        elif name == "allowReconnect" and not isinstance(value, bool):
            raise ProtocolError("Expected 'allowReconnect' to be true or false.")

    @staticmethod
    def _check_stream_ids(ids: list[object]) -> None:
        for stream_id in ids:
            if stream_id is None:
                raise ProtocolError("Null value for 'streamIds' is not valid.")
            if type(stream_id) is not str:
                raise ProtocolError("Expected 'streamIds' to be of type String.")
            if not is_text(stream_id):
                raise ProtocolError("'streamIds' is not valid Unicode text.")

    def type(self) -> int:
        member = self._named.get("type")
        if member is None:
            raise self.missing("type")
        return integer("type", member.value, 32)

    @staticmethod
    def missing(name: str) -> ProtocolError:
        return ProtocolError(f"Missing required property '{name}'.")

    def headers(self) -> dict[str, str] | UnsetType:
        member = self._named.get("headers")
        return UNSET if member is None else cast("dict[str, str]", member.value)

    def text(self, name: str) -> str:
        member = self._named.get(name)
        if member is None:
            raise self.missing(name)
        return cast("str", member.value)

    def required_id(self) -> str:
        return self.text("invocationId") if self.optional_text("invocationId") else self._no_id()

    def _no_id(self) -> NoReturn:
        raise self.missing("invocationId")

    def optional_text(self, name: str) -> str | UnsetType:
        member = self._named.get(name)
        return UNSET if member is None else repaired(cast("str", member.value))

    def payload(self, name: str) -> Raw:
        member = self._named.get(name)
        if member is None:
            raise self.missing(name)
        return _payload(member)

    def stream_ids(self) -> list[str] | UnsetType:
        member = self._named.get("streamIds")
        return UNSET if member is None else cast("list[str]", member.value)

    def sequence_id(self) -> int:
        member = self._named.get("sequenceId")
        if member is None:
            raise self.missing("sequenceId")
        return integer("sequenceId", member.value, 64)

    def flag(self, name: str) -> bool:
        member = self._named.get(name)
        return member is not None and member.value is True


_MEMBERS: dict[int, frozenset[str]] = {
    message.type: frozenset(field.encode_name for field in msgspec.structs.fields(message))
    for message in (
        Invocation,
        StreamItem,
        Completion,
        StreamInvocation,
        CancelInvocation,
        Ping,
        Close,
        Ack,
        Sequence,
    )
}


def recover(record: bytes) -> HubMessage | None:
    """Read a record msgspec refused. None for an unknown message type.

    Raises:
        ProtocolError: It is the envelope that is malformed.
    """
    members = read_members(record)
    envelope = _Envelope(members.named)
    if not members.whole and "type" not in envelope:
        raise malformed()
    kind = envelope.type()
    names = _MEMBERS.get(kind)
    if names is not None:
        envelope.check(names)
    if not members.whole:
        raise malformed()
    return None if names is None else _build(kind, envelope)


def _build(kind: int, envelope: _Envelope) -> HubMessage:
    match kind:
        case 1:
            return Invocation(
                headers=envelope.headers(),
                invocation_id=envelope.optional_text("invocationId"),
                target=envelope.text("target"),
                arguments=envelope.payload("arguments"),
                stream_ids=envelope.stream_ids(),
            )
        case 2:
            return StreamItem(
                headers=envelope.headers(), invocation_id=envelope.required_id(), item=envelope.payload("item")
            )
        case 3:
            invocation_id = envelope.required_id()
            if "error" in envelope and "result" in envelope:
                raise ProtocolError("The 'error' and 'result' properties are mutually exclusive.")
            return Completion(
                headers=envelope.headers(),
                invocation_id=invocation_id,
                error=envelope.optional_text("error"),
                result=envelope.payload("result") if "result" in envelope else UNSET,
            )
        case 4:
            target = envelope.text("target")
            return StreamInvocation(
                headers=envelope.headers(),
                invocation_id=envelope.required_id(),
                target=target,
                arguments=envelope.payload("arguments"),
                stream_ids=envelope.stream_ids(),
            )
        case 5:
            return CancelInvocation(headers=envelope.headers(), invocation_id=envelope.required_id())
        case 6:
            return Ping()
        case 7:
            return Close(error=envelope.optional_text("error"), allow_reconnect=envelope.flag("allowReconnect"))
        case 8:
            return Ack(sequence_id=envelope.sequence_id())
        case _:
            return Sequence(sequence_id=envelope.sequence_id())
