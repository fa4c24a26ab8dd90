"""Calls to the server: `invoke` waits for an answer, `send` until it is handed over (spec 6.3, 11.3).

What cannot be encoded is raised before a byte is written. Cancelling a pending `invoke` sends CancelInvocation.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Raw

from hubstream.client import up
from hubstream.client.errors import NOT_A_STREAM, deserialize_error, hub_error
from hubstream.client.reading import Holder
from hubstream.client.up import Upload
from hubstream.client.wire import Wire
from hubstream.errors import ConnectionLost, ProtocolError
from hubstream.payloads.bind import BINDING_ERRORS, ENCODING_ERRORS, Encode, describe
from hubstream.protocol.messages import Completion, Invocation

__all__ = ["encode_arguments", "invoke", "send"]

NULL = {"json": Raw(b"null"), "messagepack": Raw(b"\xc0")}


def encode_arguments(
    wire: Wire, name: str, arguments: Sequence[Any], encoders: Sequence[Encode] | None = None
) -> tuple[bytes, list[Upload]]:
    """The argument array of a call, and the streams among the arguments.

    Args:
        wire: The connection.
        name: The method, for error texts.
        arguments: The values.
        encoders: What writes each of them, or the items of a stream, where the types are declared.

    Raises:
        TypeError: A value that the protocol cannot carry.
    """
    any_encoder = wire.encode
    if encoders is None and up.are_values(arguments):
        try:
            return any_encoder(arguments), []
        except ENCODING_ERRORS:
            pass  # one by one, to say which
    parts: list[bytes] = []
    uploads: list[Upload] = []
    position = 0
    try:
        for position, value in enumerate(arguments):
            encode = any_encoder if encoders is None else encoders[position]
            if up.is_stream(value):
                uploads.append(Upload(wire, value, encode))
            else:
                parts.append(encode(value))
    except ENCODING_ERRORS as error:
        # What stands behind the value is closed too: nobody else will.
        uploads += [Upload(wire, value, any_encoder) for value in arguments[position + 1 :] if up.is_stream(value)]
        up.settle(uploads, None)
        raise TypeError(f"argument {position + 1} of '{name}' cannot be sent: {describe(error)}") from error
    if not wire.codec.binary:
        return b"[" + b",".join(parts) + b"]", uploads
    count = len(parts)
    header = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return header + b"".join(parts), uploads


class _PendingCall:
    """An `invoke` on its way."""

    __slots__ = ("_wire", "future", "id", "uploads")

    def __init__(self, wire: Wire, uploads: list[Upload]) -> None:
        self.id = ""
        self.future: asyncio.Future[Completion] = wire.loop.create_future()
        self.uploads = uploads
        self._wire = wire

    def take_in(self, items: list[Raw]) -> None:
        self._wire.cancel(self.id)
        self._end(ProtocolError(NOT_A_STREAM))

    def complete(self, completion: Completion) -> None:
        if completion.error is not UNSET:
            self._end(hub_error(completion.error))
            return
        if self.uploads:
            up.settle(self.uploads, None)
        if not self.future.done():
            self.future.set_result(completion)

    def fail(self, error: ConnectionLost) -> None:
        self._end(error)

    def held_up_by(self, full: set[Holder]) -> bool:
        return True  # an answer has to get through, whatever is full

    def _end(self, error: Exception) -> None:
        up.settle(self.uploads, error)
        if not self.future.done():
            self.future.set_exception(error)


async def invoke(
    wire: Wire, name: str, arguments: Sequence[Any], type_: Any, encoders: Sequence[Encode] | None = None
) -> Any:
    """Call a method and wait for its result, decoded as `type_`."""
    decode = wire.binder.decoder(type_)
    encoded, uploads = encode_arguments(wire, name, arguments, encoders)
    call = _PendingCall(wire, uploads)
    try:
        if not wire.free:
            await wire.turn("invoke")
        call.id = wire.ask(Invocation, name, encoded, uploads, call)
    except BaseException:
        up.settle(uploads, None)
        raise
    try:
        completion = await call.future
    except CancelledError:
        wire.cancel(call.id)
        for upload in uploads:
            upload.forget()
        raise
    except Exception:
        await up.ended(uploads)
        raise
    if uploads:
        await up.ended(uploads)
    try:
        return decode(completion.result if completion.result is not UNSET else NULL[wire.codec.name])
    except BINDING_ERRORS as error:
        raise deserialize_error("result", type_, describe(error)) from error


async def send(wire: Wire, name: str, arguments: Sequence[Any]) -> None:
    """Call a method without asking for an answer; uploads go on by themselves."""
    encoded, uploads = encode_arguments(wire, name, arguments)
    try:
        await wire.turn("send")
        wire.ask(Invocation, name, encoded, uploads, None)
    except BaseException:
        up.settle(uploads, None)
        raise
    for upload in uploads:
        upload.forget()
