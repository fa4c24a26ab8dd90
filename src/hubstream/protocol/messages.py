"""The nine messages of the hub protocol, as both codecs give and take them (spec 4.1, 5.2).

Arguments, items and results stay encoded (`msgspec.Raw`): whoever knows their types decodes them later, so that a bad argument
is the error of its call and never of the connection. Field order is MessagePack's; JSON looks at names only.

Whoever dispatches looks at `message.type`, 1 to 9, which type checkers narrow by. What the MessagePack codec gives are subclasses
of these, so two messages are compared field by field, not with `==`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

__all__ = [
    "UNBINDABLE",
    "Ack",
    "CancelInvocation",
    "Close",
    "Completion",
    "HubMessage",
    "Invocation",
    "Ping",
    "Sequence",
    "SequenceId",
    "StreamInvocation",
    "StreamItem",
    "readable",
]

UNBINDABLE = Raw(b"")
"""Stands where a payload was that no decoder can read (half a surrogate pair, nesting without end) or that MessagePack left out.

Decoding it fails, for its call only; writing it is a ValueError. Other bad payloads stay as they came: whoever decodes one
expects a `ValueError` (msgspec's errors, and `UnicodeDecodeError` for bad UTF-8) or a `RecursionError`."""


def readable(payload: Raw) -> Raw:
    """The payload, for writing.

    Raises:
        ValueError: It is `UNBINDABLE`.
    """
    if payload is UNBINDABLE:
        raise ValueError("a payload that could not be read cannot be written")
    return payload


SequenceId: TypeAlias = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A .NET `long`."""


class Invocation(Struct, tag_field="type", tag=1, rename="camel", kw_only=True, gc=False):
    """A call. Without an id nobody waits for an answer; `""` is the same, so ask whether `invocation_id` is true (spec 4.2)."""

    type: ClassVar[Literal[1]] = 1
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str | UnsetType = UNSET
    target: str
    arguments: Raw
    stream_ids: list[str] | UnsetType = UNSET


class StreamItem(Struct, tag_field="type", tag=2, rename="camel", kw_only=True, gc=False):
    """One item of a stream, either way."""

    type: ClassVar[Literal[2]] = 2
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str
    item: Raw


class Completion(Struct, tag_field="type", tag=3, rename="camel", kw_only=True, gc=False):
    """The end of a call or of a stream: an error, a result, or neither."""

    type: ClassVar[Literal[3]] = 3
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str
    error: str | UnsetType = UNSET
    result: Raw | UnsetType = UNSET


class StreamInvocation(Struct, tag_field="type", tag=4, rename="camel", kw_only=True, gc=False):
    """A call whose answer is a stream; it always has an id."""

    type: ClassVar[Literal[4]] = 4
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str
    target: str
    arguments: Raw
    stream_ids: list[str] | UnsetType = UNSET


class CancelInvocation(Struct, tag_field="type", tag=5, rename="camel", kw_only=True, gc=False):
    """The caller does not want the rest."""

    type: ClassVar[Literal[5]] = 5
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str


class Ping(Struct, tag_field="type", tag=6, rename="camel", kw_only=True, gc=False):
    """A sign of life. It is never answered."""

    type: ClassVar[Literal[6]] = 6


class Close(Struct, tag_field="type", tag=7, rename="camel", kw_only=True, omit_defaults=True, gc=False):
    """The last message of a connection."""

    type: ClassVar[Literal[7]] = 7
    error: str | UnsetType = UNSET
    allow_reconnect: bool = False


class Ack(Struct, tag_field="type", tag=8, rename="camel", kw_only=True, gc=False):
    """Stateful reconnect: everything up to this number has arrived."""

    type: ClassVar[Literal[8]] = 8
    sequence_id: SequenceId


class Sequence(Struct, tag_field="type", tag=9, rename="camel", kw_only=True, gc=False):
    """Stateful reconnect: the number of the first message that follows."""

    type: ClassVar[Literal[9]] = 9
    sequence_id: SequenceId


HubMessage: TypeAlias = (
    Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation | Ping | Close | Ack | Sequence
)
