"""The messages as MessagePack writes them: arrays, field by field in wire order (spec 5.2).

Subclasses of the neutral messages, so that what is decoded is one of them. Imports only this room; never blocks.
"""

# pyright: reportIncompatibleVariableOverride=false, reportGeneralTypeIssues=false
# msgspec wants the wire's nil in a field's type, and with kw_only=False the order written here: the checker knows neither.

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

from hubstream.protocol.messages import (
    UNBINDABLE,
    Ack,
    CancelInvocation,
    Close,
    Invocation,
    Ping,
    Sequence,
    SequenceId,
    StreamInvocation,
    StreamItem,
)

__all__ = ["Packed", "PackedCompletion", "PackedStreamItem"]


class PackedInvocation(Invocation, array_like=True, kw_only=False, gc=False):
    """`[1, headers, invocationId | nil, target, [args…], [streamIds…]]`; old clients leave the sixth item out."""

    headers: dict[str, str] | UnsetType
    invocation_id: str | UnsetType | None  # type: ignore[assignment]  # nil becomes UNSET in `decode`
    target: str
    arguments: Raw = UNBINDABLE
    stream_ids: list[str] | UnsetType = UNSET


class PackedStreamItem(StreamItem, array_like=True, kw_only=False, gc=False):
    """`[2, headers, invocationId, item]`."""

    headers: dict[str, str] | UnsetType
    invocation_id: str
    item: Raw = UNBINDABLE


class PackedCompletion(Struct, array_like=True, tag=3, gc=False):
    """`[3, headers, invocationId, kind, value?]`: the neutral class has the value under two names."""

    headers: dict[str, str]
    invocation_id: str
    kind: int
    value: Raw = UNBINDABLE

    type: ClassVar[Literal[3]] = 3


class PackedStreamInvocation(StreamInvocation, array_like=True, kw_only=False, gc=False):
    """`[4, headers, invocationId, target, [args…], [streamIds…]]`."""

    headers: dict[str, str] | UnsetType
    invocation_id: str
    target: str
    arguments: Raw = UNBINDABLE
    stream_ids: list[str] | UnsetType = UNSET


class PackedCancelInvocation(CancelInvocation, array_like=True, kw_only=False, gc=False):
    """`[5, headers, invocationId]`."""

    headers: dict[str, str] | UnsetType
    invocation_id: str


class PackedPing(Ping, array_like=True, kw_only=False, gc=False):
    """`[6]`."""


class PackedClose(Close, array_like=True, kw_only=False, gc=False):
    """`[7, error | nil, allowReconnect?]`."""

    error: str | UnsetType | None  # type: ignore[assignment]  # nil becomes UNSET in `decode`
    allow_reconnect: bool = False


class PackedAck(Ack, array_like=True, kw_only=False, gc=False):
    """`[8, n]`."""

    sequence_id: SequenceId


class PackedSequence(Sequence, array_like=True, kw_only=False, gc=False):
    """`[9, n]`."""

    sequence_id: SequenceId


Packed: TypeAlias = (
    PackedInvocation
    | PackedStreamItem
    | PackedCompletion
    | PackedStreamInvocation
    | PackedCancelInvocation
    | PackedPing
    | PackedClose
    | PackedAck
    | PackedSequence
)
