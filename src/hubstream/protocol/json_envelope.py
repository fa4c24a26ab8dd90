"""The slow, tolerant way to read a JSON record, taken only for what msgspec refuses.

msgspec checks syntax and text even where it skips, and then refuses the whole record: half a surrogate pair in one argument, a
second value behind the first. Here the envelope is read member by member, payloads stay as they stand, and what no decoder can
read becomes `UNBINDABLE`: an error of its call, not of the connection (spec 4.2, 16). The texts of errors are .NET's.
Imports only `errors` and this room; never blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hubstream.errors import ProtocolError
from hubstream.protocol.json_members import Member, integer, malformed, read_members
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

__all__ = ["recover"]


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
        invocation_id = self.text("invocationId")
        if not invocation_id:
            raise self.missing("invocationId")
        return invocation_id

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
