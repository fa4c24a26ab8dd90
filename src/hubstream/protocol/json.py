"""The JSON hub protocol (spec 4): envelopes by msgspec, payloads as they stand.

Decoding an Invocation costs about what msgspec alone does, in any key order. What msgspec refuses goes to `json_envelope`, which
finds out whether the envelope is at fault or only a payload. Imports only `errors` and this room; never blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from struct import Struct as Layout

import msgspec
from msgspec import UNSET
from typing_extensions import Buffer

from hubstream.protocol.codec import ItemFrame
from hubstream.protocol.framing import RS, FrameError, split_text
from hubstream.protocol.json_envelope import recover
from hubstream.protocol.json_members import malformed, too_deep
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
from hubstream.protocol.text import repaired

__all__ = ["JsonCodec"]

_decode: Callable[[bytes], HubMessage] = msgspec.json.Decoder(HubMessage).decode
_encode = msgspec.json.Encoder().encode
_first_byte = Layout("B").unpack_from
_ARRAY = (0x5B,)

UNNESTED = 128
"""A record this short cannot have 65 pairs of brackets in it."""


def _head(message: Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation) -> list[Buffer]:
    parts: list[Buffer] = [b'{"type":%d' % message.type]
    if message.headers:
        parts += (b',"headers":', _encode(message.headers))
    if message.invocation_id:
        parts += (b',"invocationId":', _encode(message.invocation_id))
    return parts


class _JsonItems:
    __slots__ = ("_between", "_prefix", "overhead")

    def __init__(self, invocation_id: str) -> None:
        self._prefix = b'{"type":2,"invocationId":' + _encode(invocation_id) + b',"item":'
        self._between = b"}\x1e" + self._prefix
        self.overhead = len(self._between)

    def join(self, items: Items[bytes]) -> bytes:
        return self._prefix + self._between.join(items) + b"}\x1e" if items else b""


class JsonCodec:
    """`json`, transfer format Text."""

    __slots__ = ()

    name = "json"
    version = 2
    binary = False
    ping = b'{"type":6}\x1e'

    def read(self, data: bytes, limit: int | None, messages: list[HubMessage]) -> int:
        """See `Codec.read`."""
        late: FrameError | None = None
        if limit is None or len(data) <= limit:
            records = data.split(RS)
            taken = len(data) - len(records.pop())
        else:
            try:
                records, taken = split_text(data, limit)
            except FrameError as error:
                records, taken, late = error.records, len(data), error
        for record in records:
            if len(record) > UNNESTED and record.count(b"[") + record.count(b"{") > 64 and too_deep(record):
                raise malformed()
            message: HubMessage | None
            try:
                message = _decode(record)
            except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
                message = recover(record)
            else:
                if message.type == 2:
                    if message.invocation_id:
                        messages.append(message)
                        continue
                    sound = False
                elif message.type == 1:
                    sound = _first_byte(message.arguments) == _ARRAY
                elif message.type == 3:
                    sound = bool(message.invocation_id) and (message.error is UNSET or message.result is UNSET)
                elif message.type == 4:
                    sound = bool(message.invocation_id) and _first_byte(message.arguments) == _ARRAY
                elif message.type == 5:
                    sound = bool(message.invocation_id)
                else:
                    sound = True
                if not sound:
                    message = recover(record)
            if message is not None:
                messages.append(message)
        if late is not None:
            raise late
        return taken

    def wanted(self, start: bytes) -> int:
        """See `Codec.wanted`."""
        del start
        return 0

    def decode(self, record: bytes) -> HubMessage | None:
        """See `Codec.decode`."""
        messages: list[HubMessage] = []
        self.read(record + RS, None, messages)
        return messages[0] if messages else None

    def encode(self, message: HubMessage) -> bytes:
        """See `Codec.encode`."""
        parts: list[Buffer]
        match message:
            case Invocation() | StreamInvocation():
                parts = _head(message)
                parts += (b',"target":', _encode(message.target), b',"arguments":', readable(message.arguments))
                if message.stream_ids is not UNSET:
                    parts += (b',"streamIds":', _encode(message.stream_ids))
            case StreamItem():
                parts = _head(message)
                parts += (b',"item":', readable(message.item))
            case Completion():
                parts = _head(message)
                if message.error:
                    parts += (b',"error":', _encode(repaired(message.error)))
                elif message.result is not UNSET:
                    parts += (b',"result":', readable(message.result))
            case CancelInvocation():
                parts = _head(message)
            case Ping():
                return self.ping
            case Close():
                parts = [b'{"type":7']
                if message.error is not UNSET:
                    parts += (b',"error":', _encode(repaired(message.error)))
                if message.allow_reconnect:
                    parts.append(b',"allowReconnect":true')
            case Ack() | Sequence():
                parts = [b'{"type":%d,"sequenceId":%d' % (message.type, message.sequence_id)]
        parts.append(b"}\x1e")
        return b"".join(parts)

    def invocation(self, invocation_id: str, target: str, arguments: bytes) -> bytes:
        """See `Codec.invocation`."""
        id_, name = _encode(invocation_id), _encode(target)
        parts = (b'{"type":1,"invocationId":', id_, b',"target":', name, b',"arguments":', arguments, b"}\x1e")
        return b"".join(parts)

    def result(self, invocation_id: str, payload: bytes) -> bytes:
        """See `Codec.result`."""
        return b"".join((b'{"type":3,"invocationId":', _encode(invocation_id), b',"result":', payload, b"}\x1e"))

    def items(self, invocation_id: str) -> ItemFrame:
        """See `Codec.items`."""
        return _JsonItems(invocation_id)
