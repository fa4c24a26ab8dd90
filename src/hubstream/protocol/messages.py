"""The nine messages of the hub protocol, as both codecs give and take them (spec 4.1, 5.2).

Arguments, items and results stay encoded (`msgspec.Raw`): whoever knows their types decodes them later, so that a bad argument
is the error of its call and never of the connection. Field order is MessagePack's; JSON looks at names only.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

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
    "StreamInvocation",
    "StreamItem",
]

UNBINDABLE = Raw(b"")
"""Stands where a payload was that no decoder can read (half a surrogate pair, bad UTF-8): decoding it fails for its call only."""


class Invocation(Struct, tag_field="type", tag=1, rename="camel", kw_only=True, gc=False):
    """A call. Without an id nobody waits for an answer; `""` is the same as none."""

    type: ClassVar[int] = 1
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str | UnsetType = UNSET
    target: str
    arguments: Raw
    stream_ids: list[str] | UnsetType = UNSET


class StreamItem(Struct, tag_field="type", tag=2, rename="camel", kw_only=True, gc=False):
    """One item of a stream, either way."""

    type: ClassVar[int] = 2
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str
    item: Raw


class Completion(Struct, tag_field="type", tag=3, rename="camel", kw_only=True, gc=False):
    """The end of a call or of a stream: an error, a result, or neither."""

    type: ClassVar[int] = 3
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str
    error: str | UnsetType = UNSET
    result: Raw | UnsetType = UNSET


class StreamInvocation(Struct, tag_field="type", tag=4, rename="camel", kw_only=True, gc=False):
    """A call whose answer is a stream; it always has an id."""

    type: ClassVar[int] = 4
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str
    target: str
    arguments: Raw
    stream_ids: list[str] | UnsetType = UNSET


class CancelInvocation(Struct, tag_field="type", tag=5, rename="camel", kw_only=True, gc=False):
    """The caller does not want the rest."""

    type: ClassVar[int] = 5
    headers: dict[str, str] | UnsetType = UNSET
    invocation_id: str


class Ping(Struct, tag_field="type", tag=6, rename="camel", kw_only=True, gc=False):
    """A sign of life. It is never answered."""

    type: ClassVar[int] = 6


class Close(Struct, tag_field="type", tag=7, rename="camel", kw_only=True, omit_defaults=True, gc=False):
    """The last message of a connection."""

    type: ClassVar[int] = 7
    error: str | UnsetType = UNSET
    allow_reconnect: bool = False


class Ack(Struct, tag_field="type", tag=8, rename="camel", kw_only=True, gc=False):
    """Stateful reconnect: everything up to this number has arrived."""

    type: ClassVar[int] = 8
    sequence_id: int


class Sequence(Struct, tag_field="type", tag=9, rename="camel", kw_only=True, gc=False):
    """Stateful reconnect: the number of the first message that follows."""

    type: ClassVar[int] = 9
    sequence_id: int


HubMessage: TypeAlias = (
    Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation | Ping | Close | Ack | Sequence
)
