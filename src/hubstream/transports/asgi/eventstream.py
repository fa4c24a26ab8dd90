"""Server-sent events: a response that lasts, an event for each frame (spec 2.3); the way up is by POST.

`open_stream` works inside the server's call of the application, as a WebSocket does. Imports `protocol`, `connection` and this
room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ClassVar, Final

from typing_extensions import override

from hubstream.connection.clock import Clock
from hubstream.connection.connection import ConnectionHandler
from hubstream.protocol.eventstream import OPENING, write_event
from hubstream.transports.asgi.endpoint import Endpoint
from hubstream.transports.asgi.request import Request
from hubstream.transports.asgi.response import respond
from hubstream.transports.asgi.table import Record, Table
from hubstream.transports.asgi.uplink import Uplink
from hubstream.transports.asgi.waiting import Wait, disconnected
from hubstream.transports.asgi.writer import CLOSING, ENDING, OPEN, Writer
from hubstream.types import Message, Receive, Send

__all__ = ["EventStreamConnection", "open_stream"]

logger = logging.getLogger("hubstream.transport")

HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache,no-store"),
    (b"pragma", b"no-cache"),
    (b"content-encoding", b"identity"),
    (b"x-accel-buffering", b"no"),
)
"""Spec 1.6; the last one is nginx's, which else keeps events back until it has a page of them."""
SEPARATORS: Final = ((b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"))
"""What Unicode counts as ends of lines, though an event stream does not: escaped, as .NET does it, for readers of that kind.
All text is JSON here, where they stand in strings only."""


class EventStreamConnection(Writer):
    """One event stream whose headers are sent; made inside the server's call, which then awaits `run`.

    Args:
        receive: ASGI's.
        send: ASGI's.
        clock: Watches over events that take too long to leave.
        send_timeout: Seconds the client may take nothing of an event; then its socket is reset.
        uplink: What its POSTs bring.
        forget: Called at the end, before the handler learns of it.
    """

    _name: ClassVar[str] = "an event stream"
    transport: str = "ServerSentEvents"
    binary_capable: bool = False
    inherent_keep_alive: bool = False

    __slots__ = ("_finished", "_forget", "_receive", "_uplink", "_wait", "resumable")

    def __init__(
        self,
        receive: Receive,
        send: Send,
        clock: Clock,
        send_timeout: float,
        uplink: Uplink,
        forget: Callable[[], None],
    ) -> None:
        super().__init__(send, clock, send_timeout, send_timeout)
        self.resumable = False
        self._receive = receive
        self._uplink = uplink
        self._forget = forget
        self._wait = Wait()
        self._finished = False  # the end of the response was sent

    def use_binary(self, binary: bool) -> None:
        """An event stream is text; the handshake has refused the rest."""

    @override
    def _event(self, data: bytes) -> Message:
        if b"\xe2\x80" in data:
            for separator, escape in SEPARATORS:
                data = data.replace(separator, escape)
        return {"type": "http.response.body", "body": write_event(data), "more_body": True}

    @override
    def _last(self) -> Message:
        return {"type": "http.response.body", "body": b""}

    def pause_reading(self) -> None:
        """POSTs that bring more wait."""
        self._uplink.pause()

    def resume_reading(self) -> None:
        """They are taken again."""
        self._uplink.resume()

    def close(self) -> None:
        """Send what was written, then the end of the response."""
        if self._state > OPEN:
            return
        self._state = CLOSING
        self._uplink.discard()
        if not self.paused:
            self._start_writing(None)

    @override
    def _call_out(self) -> None:
        self._wait.end()

    async def run(self, handler: ConnectionHandler) -> None:
        """Carry the connection to its end; `lost` has been called, and what it started has ended, on every way out.

        Args:
            handler: Gets all that POSTs bring.
        """
        self._handler = handler
        try:
            self._uplink.attach(handler, self.abort)
            if self._state != ENDING and await self._wait.until(disconnected(self._receive)):
                self._sendable = False
        except asyncio.CancelledError:
            self._sendable = False
            raise
        finally:
            self._stop()
            self._uplink.end()
            self._forget()
            await self._end(handler, self._finished, aborted=True)

    @override
    def _closed(self) -> None:
        self._finished = True
        self._wait.end()

    @override
    async def _disconnected(self) -> None:
        await disconnected(self._receive)

    @override
    def _unwritable(self) -> None:
        self.abort()


async def open_stream(
    endpoint: Endpoint, table: Table, record: Record, request: Request, receive: Receive, send: Send
) -> None:
    """Serve one event stream to its end.

    Args:
        endpoint: Where it came in.
        table: The endpoint's records.
        record: The one its `id=` names.
        request: The GET.
        receive: ASGI's.
        send: ASGI's.
    """
    if "ServerSentEvents" not in endpoint.options.transports:
        await respond(send, 404, b"ServerSentEvents transport not supported by this end point type")
        return
    if record.transport not in {None, "ServerSentEvents"}:
        await respond(send, 400, b"Cannot change transports mid-connection")
        return
    if record.transport is not None:
        await respond(send, 409)
        return
    table.attach(record, "ServerSentEvents")
    try:
        # The comment at once: some browsers, and middleware that compresses, hold the headers back until something follows.
        await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        await send({"type": "http.response.body", "body": OPENING, "more_body": True})
    except (OSError, RuntimeError) as error:
        logger.debug("an event stream's client went before it began: %r", error)
        table.remove(record)
        return
    except BaseException:
        table.remove(record)
        raise
    connection = EventStreamConnection(
        receive, send, table.clock, endpoint.options.send_timeout, table.uplink(record), lambda: table.remove(record)
    )
    try:
        handler = endpoint.connect(connection, request, record.connection_id)
    except Exception:
        logger.exception("no handler could be made for an event stream of %r", endpoint)
        table.remove(record)
        try:
            await send({"type": "http.response.body", "body": b""})
        except (OSError, RuntimeError) as error:
            logger.debug("an event stream's client went before it was ended: %r", error)
        return
    await connection.run(handler)
