"""The slow, tolerant way to read a MessagePack record, taken only for what msgspec refuses.

Reads item by item, as .NET does: what stands behind the items a message has is not looked at, and a payload that is cut off or
malformed becomes `UNBINDABLE`, an error of its call (spec 5.2). The texts of errors are .NET's. No recursion, so a nesting bomb
costs its bytes. Imports only `errors` and this room; never blocks.
"""

from __future__ import annotations

from typing import Final, NoReturn

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

__all__ = ["recover"]


class _UnreadableError(Exception):
    """The next item is not what was asked for, or there is none."""


# Bytes behind the opcode: for 0xC4 to 0xDF a number, or (bytes of the length, bytes besides what it counts).
_FIXED: Final = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8,
    0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_COUNTED: Final = {
    0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1),
    0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0),
}  # fmt: skip
_CONTAINERS: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


class _Reader:
    """Reads one record from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _opcode(self) -> int:
        if self._at >= len(self._data):
            raise _UnreadableError
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise _UnreadableError
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(size), "big", signed=signed)

    def _length(self, fixed: int, room: int, long: dict[int, int]) -> int:
        opcode = self._opcode()
        if fixed <= opcode < fixed + room:
            return opcode - fixed
        if opcode not in long:
            raise _UnreadableError
        return self._number(long[opcode])

    def array(self) -> int:
        return self._length(0x90, 16, {0xDC: 2, 0xDD: 4})

    def map(self) -> int:
        return self._length(0x80, 16, {0xDE: 2, 0xDF: 4})

    def text(self) -> str | None:
        if self._data[self._at : self._at + 1] == b"\xc0":
            self._at += 1
            return None
        size = self._length(0xA0, 32, {0xD9: 1, 0xDA: 2, 0xDB: 4})
        return self._take(size).decode("utf-8", "replace")

    def integer(self, bits: int) -> int:
        opcode = self._opcode()
        if opcode < 0x80:
            number = opcode
        elif opcode >= 0xE0:
            number = opcode - 0x100
        elif 0xCC <= opcode <= 0xCF:
            number = self._number(1 << opcode - 0xCC)
        elif 0xD0 <= opcode <= 0xD3:
            number = self._number(1 << opcode - 0xD0, signed=True)
        else:
            raise _UnreadableError
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise _UnreadableError
        return number

    def flag(self) -> bool:
        opcode = self._opcode()
        if opcode not in {0xC2, 0xC3}:
            raise _UnreadableError
        return opcode == 0xC3

    def skip(self) -> bytes:
        """One item, whatever it is, as it stands."""
        start, pending = self._at, 1
        while pending:
            pending += self._skip_head() - 1
        return self._data[start : self._at]

    def _skip_head(self) -> int:
        """Skip an item but the items in it; returns how many those are."""
        opcode = self._opcode()
        if opcode < 0x80 or opcode >= 0xE0:
            return 0
        if opcode < 0x90:
            return 2 * (opcode - 0x80)
        if opcode < 0xA0:
            return opcode - 0x90
        if opcode < 0xC0:
            self._take(opcode - 0xA0)
        elif opcode in _FIXED:
            self._take(_FIXED[opcode])
        elif opcode in _COUNTED:
            width, more = _COUNTED[opcode]
            self._take(self._number(width) + more)
        elif opcode in _CONTAINERS:
            width, each = _CONTAINERS[opcode]
            return each * self._number(width)
        else:
            raise _UnreadableError
        return 0


def _fail(what: str) -> NoReturn:
    raise ProtocolError(f"Reading {what} failed.")


class _Fields:
    """The items of one message, in the order they come."""

    def __init__(self, record: bytes) -> None:
        self._reader = _Reader(record)
        try:
            self.count = self._reader.array()
        except _UnreadableError:
            _fail("array length for 'message'")

    def integer(self, name: str, bits: int = 32) -> int:
        try:
            return self._reader.integer(bits)
        except _UnreadableError:
            _fail(f"'{name}' as Int{bits}")

    def text(self, name: str) -> str | None:
        try:
            return self._reader.text()
        except _UnreadableError:
            _fail(f"'{name}' as String")

    def flag(self, name: str) -> bool:
        try:
            return self._reader.flag()
        except _UnreadableError:
            _fail(f"'{name}' as Boolean")

    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        try:
            count = self._reader.map()
        except _UnreadableError:
            _fail("map length for 'headers'")
        for position in range(count):
            key = self.text(f"headers[{position}].Key")
            if not key:
                raise ProtocolError("Null or empty key in header.")
            value = self.text(f"headers[{position}].Value")
            if not value:
                raise ProtocolError("Null or empty value in header.")
            headers[key] = value
        return headers

    def required(self, name: str, what: str, message: str) -> str:
        value = self.text(name)
        if not value:
            raise ProtocolError(f"Null or empty {what} for {message} message.")
        return value

    def payload(self) -> Raw:
        try:
            payload = self._reader.skip()
            return msgspec.msgpack.decode(payload, type=Raw)
        except (_UnreadableError, ValueError, RecursionError):
            return UNBINDABLE

    def stream_ids(self, arguments: Raw) -> list[str] | UnsetType:
        # Behind arguments that cannot be read nothing can be found; and clients before 3.0 send five items.
        if self.count <= 5 or arguments is UNBINDABLE:
            return UNSET
        try:
            count = self._reader.array()
        except _UnreadableError:
            _fail("array length for 'streamIds'")
        stream_ids: list[str] = []
        for _ in range(count):
            stream_id = self.text("streamIds")
            if not stream_id:
                raise ProtocolError("Null or empty value in streamIds received.")
            stream_ids.append(stream_id)
        return stream_ids


def recover(record: bytes) -> HubMessage | None:
    """Read a record msgspec refused. None for an unknown message type.

    Raises:
        ProtocolError: It is the envelope that is malformed.
    """
    fields = _Fields(record)
    match fields.integer("messageType"):
        case 1:
            return _invocation(fields)
        case 2:
            headers = fields.headers()
            invocation_id = fields.required("invocationId", "invocation ID", "StreamItem")
            return StreamItem(headers=headers, invocation_id=invocation_id, item=fields.payload())
        case 3:
            return _completion(fields)
        case 4:
            return _stream_invocation(fields)
        case 5:
            headers = fields.headers()
            return CancelInvocation(
                headers=headers, invocation_id=fields.required("invocationId", "invocation ID", "CancelInvocation")
            )
        case 6:
            return Ping()
        case 7:
            error = fields.text("error")
            reconnect = fields.flag("allowReconnect") if fields.count > 2 else False
            return Close(error=UNSET if error is None else error, allow_reconnect=reconnect)
        case 8:
            return Ack(sequence_id=fields.integer("sequenceId", 64))
        case 9:
            return Sequence(sequence_id=fields.integer("sequenceId", 64))
        case _:
            return None


def _invocation(fields: _Fields) -> Invocation:
    headers = fields.headers()
    invocation_id = fields.text("invocationId")
    target = fields.required("target", "target", "Invocation")
    arguments = fields.payload()
    return Invocation(
        headers=headers,
        invocation_id=UNSET if invocation_id is None else invocation_id,
        target=target,
        arguments=arguments,
        stream_ids=fields.stream_ids(arguments),
    )


def _stream_invocation(fields: _Fields) -> StreamInvocation:
    headers = fields.headers()
    invocation_id = fields.required("invocationId", "invocation ID", "StreamInvocation")
    target = fields.required("target", "target", "StreamInvocation")
    arguments = fields.payload()
    return StreamInvocation(
        headers=headers,
        invocation_id=invocation_id,
        target=target,
        arguments=arguments,
        stream_ids=fields.stream_ids(arguments),
    )


def _completion(fields: _Fields) -> Completion:
    headers = fields.headers()
    invocation_id = fields.required("invocationId", "invocation ID", "Completion")
    match fields.integer("resultKind"):
        case 1:
            error = fields.text("error")
            return Completion(headers=headers, invocation_id=invocation_id, error=UNSET if error is None else error)
        case 2:
            return Completion(headers=headers, invocation_id=invocation_id)
        case 3:
            return Completion(headers=headers, invocation_id=invocation_id, result=fields.payload())
        case _:
            raise ProtocolError("Invalid invocation result kind.")
