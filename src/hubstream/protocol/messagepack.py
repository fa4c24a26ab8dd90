"""The MessagePack hub protocol (spec 5): envelopes by msgspec, payloads as they stand.

What msgspec refuses goes to `messagepack_envelope`, which finds out whether the envelope is at fault or only a payload.
Imports only `errors` and this room; never blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items

import msgspec
from msgspec import UNSET, UnsetType
from typing_extensions import Buffer

from hubstream.protocol.codec import ItemFrame
from hubstream.protocol.framing import SHORT, FrameError, binary_length, length_prefix, split_binary
from hubstream.protocol.messagepack_envelope import recover
from hubstream.protocol.messages import (
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
    readable,
)
from hubstream.protocol.packed import Packed, PackedCompletion, PackedStreamItem
from hubstream.protocol.text import repaired

__all__ = ["MessagePackCodec"]


_decode: Callable[[bytes], Packed] = msgspec.msgpack.Decoder(Packed).decode
_encode = msgspec.msgpack.Encoder().encode

_NO_HEADERS = b"\x80"


def _framed(*parts: Buffer) -> bytes:
    body = b"".join(parts)
    return length_prefix(len(body)) + body


def _headers(headers: dict[str, str] | UnsetType) -> bytes:
    return _encode(headers) if headers else _NO_HEADERS


def _has_empty(headers: dict[str, str]) -> bool:
    return "" in headers or "" in headers.values()


def _completion(packed: PackedCompletion, record: bytes) -> HubMessage | None:
    kind = packed.kind
    if not packed.invocation_id or (packed.headers and _has_empty(packed.headers)):
        return recover(record)
    if kind == 3:
        return Completion(headers=packed.headers, invocation_id=packed.invocation_id, result=packed.value)
    if kind == 2:
        return Completion(headers=packed.headers, invocation_id=packed.invocation_id)
    # An error, or a kind there is not: both are rare.
    return recover(record)


def _checked(message: Packed, record: bytes) -> HubMessage | None:
    """What a record says that msgspec has read, which knows nothing of empty names."""
    if message.type == 1:
        if message.invocation_id is None:
            message.invocation_id = UNSET
        if not message.target or (message.headers and _has_empty(message.headers)):
            return recover(record)
        if message.stream_ids and "" in message.stream_ids:
            return recover(record)
    elif message.type == 3:
        return _completion(message, record)
    elif message.type == 4:
        if not message.invocation_id or not message.target or (message.headers and _has_empty(message.headers)):
            return recover(record)
        if message.stream_ids and "" in message.stream_ids:
            return recover(record)
    elif message.type == 2 or message.type == 5:  # noqa: PLR1714 - type checkers narrow by this form only
        if not message.invocation_id or (message.headers and _has_empty(message.headers)):
            return recover(record)
    elif message.type == 7 and message.error is None:
        message.error = UNSET
    return message


class _MessagePackItems:
    __slots__ = ("_head", "overhead")

    def __init__(self, invocation_id: str) -> None:
        self._head = b"\x94\x02\x80" + _encode(invocation_id)
        self.overhead = len(self._head) + 5

    def join(self, items: Items[bytes]) -> bytes:
        head = self._head
        size = len(head)
        lengths = set(map(len, items))
        if len(lengths) == 1:  # as a stream's items mostly are: half the price of a prefix for each
            head = length_prefix(size + lengths.pop()) + head
            return head + head.join(items)
        parts: list[bytes] = []
        for item in items:
            length = size + len(item)
            parts += (SHORT[length] if length < 16_384 else length_prefix(length), head, item)
        return b"".join(parts)


class MessagePackCodec:
    """`messagepack`, transfer format Binary."""

    __slots__ = ()

    name = "messagepack"
    version = 2
    binary = True
    ping = b"\x02\x91\x06"

    def read(self, data: bytes, limit: int | None, messages: list[HubMessage]) -> int:
        """See `Codec.read`."""
        late: FrameError | None = None
        try:
            records, taken = split_binary(data, limit)
        except FrameError as error:
            records, taken, late = error.records, len(data), error
        message: HubMessage | None
        for record in records:
            try:
                packed = _decode(record)
            except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
                message = recover(record)
            else:
                if isinstance(packed, PackedStreamItem) and packed.invocation_id and not packed.headers:
                    messages.append(packed)  # a stream has many
                    continue
                message = _checked(packed, record)
            if message is not None:
                messages.append(message)
        if late is not None:
            raise late
        return taken

    def wanted(self, start: bytes) -> int:
        """See `Codec.wanted`."""
        return binary_length(start)

    def decode(self, record: bytes) -> HubMessage | None:
        """See `Codec.decode`."""
        messages: list[HubMessage] = []
        self.read(length_prefix(len(record)) + record, None, messages)
        return messages[0] if messages else None

    def encode(self, message: HubMessage) -> bytes:
        """See `Codec.encode`."""
        match message:
            case Invocation() | StreamInvocation():
                return _framed(
                    b"\x96",
                    _encode(message.type),
                    _headers(message.headers),
                    _encode(message.invocation_id or None),
                    _encode(message.target),
                    readable(message.arguments),
                    _encode(message.stream_ids or []),
                )
            case StreamItem():
                return _framed(
                    b"\x94\x02", _headers(message.headers), _encode(message.invocation_id), readable(message.item)
                )
            case Completion():
                headers, invocation_id = _headers(message.headers), _encode(message.invocation_id)
                if message.error:
                    return _framed(b"\x95\x03", headers, invocation_id, b"\x01", _encode(repaired(message.error)))
                if message.result is not UNSET:
                    return _framed(b"\x95\x03", headers, invocation_id, b"\x03", readable(message.result))
                return _framed(b"\x94\x03", headers, invocation_id, b"\x02")
            case CancelInvocation():
                return _framed(b"\x93\x05", _headers(message.headers), _encode(message.invocation_id))
            case Ping():
                return self.ping
            case Close():
                error = None if message.error is UNSET else repaired(message.error)
                return _framed(b"\x93\x07", _encode(error), _encode(message.allow_reconnect))
            case Ack() | Sequence():
                return _framed(b"\x92", _encode(message.type), _encode(message.sequence_id))

    def invocation(self, invocation_id: str, target: str, arguments: bytes) -> bytes:
        """See `Codec.invocation`."""
        body = b"".join((b"\x96\x01\x80", _encode(invocation_id), _encode(target), arguments, b"\x90"))
        return length_prefix(len(body)) + body

    def result(self, invocation_id: str, payload: bytes) -> bytes:
        """See `Codec.result`."""
        name = _encode(invocation_id)
        return b"".join((length_prefix(4 + len(name) + len(payload)), b"\x95\x03\x80", name, b"\x03", payload))

    def items(self, invocation_id: str) -> ItemFrame:
        """See `Codec.items`."""
        return _MessagePackItems(invocation_id)
