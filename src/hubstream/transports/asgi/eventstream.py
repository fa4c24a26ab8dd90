"""Server-sent events: a response that lasts, an event for each frame (spec 2.3); the way up is by POST.

`open_stream` works inside the server's call of the application, as a WebSocket does. `write` takes one step of the server's
coroutine, and only what does not go at once gets a task. Imports `protocol`, `connection` and this room.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from hubstream.connection.clock import Clock
from hubstream.connection.connection import ConnectionHandler
from hubstream.protocol.eventstream import OPENING, write_event
from hubstream.transports.asgi.endpoint import Endpoint
from hubstream.transports.asgi.request import Request
from hubstream.transports.asgi.response import respond
from hubstream.transports.asgi.stepping import Steps, cut, finish, server, steps
from hubstream.transports.asgi.table import Record, Table
from hubstream.transports.asgi.uplink import Uplink
from hubstream.transports.asgi.waiting import Wait, disconnected
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
LAST_CHUNK: Final = 1.0
"""Seconds the end of an aborted stream may take to leave."""

OPEN, CLOSING, ENDING, ENDED = range(4)
# OPEN     events are written
# CLOSING  closed here: what was written is sent, then the end of the response
# ENDING   the call is told to end now
# ENDED    `lost` was called


class EventStreamConnection:
    """One event stream whose headers are sent; made inside the server's call, which then awaits `run`.

    Args:
        receive: ASGI's.
        send: ASGI's.
        clock: Watches over events that take too long to leave.
        send_timeout: Seconds the client may take nothing of an event; then its socket is reset.
        uplink: What its POSTs bring.
        forget: Called at the end, before the handler learns of it.
    """

    transport: str = "ServerSentEvents"
    binary_capable: bool = False
    inherent_keep_alive: bool = False

    __slots__ = (
        "_clock",
        "_context",
        "_deadline",
        "_finished",
        "_forget",
        "_handler",
        "_pending",
        "_receive",
        "_send",
        "_send_timeout",
        "_sendable",
        "_server",
        "_state",
        "_stuck",
        "_uplink",
        "_wait",
        "_writer",
        "paused",
        "resumable",
    )

    def __init__(
        self,
        receive: Receive,
        send: Send,
        clock: Clock,
        send_timeout: float,
        uplink: Uplink,
        forget: Callable[[], None],
    ) -> None:
        self.paused = False
        self.resumable = False
        self._receive = receive
        self._send = send
        self._clock = clock
        self._send_timeout = send_timeout
        self._uplink = uplink
        self._forget = forget
        self._server = server(send)
        self._context = contextvars.copy_context()
        self._wait = Wait()
        self._state = OPEN
        self._sendable = True  # the client may still be sent the end of the response
        self._finished = False  # that end was sent
        self._stuck = False  # the client did not take an event in time
        self._deadline = 0.0
        self._pending: deque[Message] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._handler: ConnectionHandler | None = None

    def use_binary(self, binary: bool) -> None:
        """An event stream is text; the handshake has refused the rest."""

    def write(self, data: bytes) -> None:
        """Send whole messages as one event; `paused` if it does not go at once."""
        if self._state:
            return
        if b"\xe2\x80" in data:
            for separator, escape in SEPARATORS:
                data = data.replace(separator, escape)
        event: Message = {"type": "http.response.body", "body": write_event(data), "more_body": True}
        if self.paused:
            self._pending.append(event)
            return
        if self._server is None:
            self._pending.append(event)
            self._start_writer(None)
            return
        sending = steps(self._send(event))
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
            self._broken(error)
            return
        self._start_writer((sending, waits_for))

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
            self._start_writer(None)

    def abort(self) -> None:
        """End it now; what was not sent is dropped."""
        if self._state >= ENDING:
            return
        self._state = ENDING
        self._pending.clear()
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
            await self._end(handler)

    def _start_writer(self, begun: tuple[Steps, object] | None) -> None:
        self.paused = True
        self._watch()
        # In the context of the server's call, not of whoever happened to write; a copy, for it may be in use.
        self._writer = self._clock.loop.create_task(self._write_on(begun), context=self._context.copy())

    async def _write_on(self, begun: tuple[Steps, object] | None) -> None:
        """Send the rest of a begun event, what was written meanwhile, and the end if this is it."""
        try:
            if begun is not None:
                await finish(*begun)
            while self._pending:
                self._watch()
                await self._send(self._pending.popleft())
            if self._state == CLOSING:
                self._watch()
                self._sendable = False
                await self._send({"type": "http.response.body", "body": b""})
                self._finished = True
                self._wait.end()
        except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
            self._broken(error)
            return
        if self._state == OPEN:
            self.paused = False
            self._clock.discard(self)
            try:
                cast(ConnectionHandler, self._handler).writable()
            except Exception:
                logger.exception("the handler of an event stream failed")
                self.abort()

    def _broken(self, error: Exception) -> None:
        logger.debug("an event stream cannot be written: %r", error)
        self._sendable = False
        self.paused = True
        self.abort()

    def _watch(self) -> None:
        self._deadline = self._clock.loop.time() + self._send_timeout
        self._clock.add(self)

    def due(self, now: float) -> None:
        """The clock's tick."""
        if now >= self._deadline and self._state < ENDING:
            logger.info("a client took nothing of its event stream in time; its socket is reset")
            self._stuck = True
            self.abort()

    def overslept(self, now: float) -> None:
        """The loop slept, not the client."""
        self._deadline = now + self._send_timeout

    async def _end(self, handler: ConnectionHandler) -> None:
        self._state = ENDED
        self.paused = True
        self._clock.discard(self)
        self._pending.clear()
        self._handler = None
        self._uplink.end()
        self._forget()
        try:
            handler.lost(self._finished)
        except Exception:
            logger.exception("the handler of an event stream failed")
        try:
            await self._end_writing()
        finally:
            await handler.ended()

    async def _end_writing(self) -> None:
        writer = self._writer
        if writer is not None and not writer.done():
            writer.cancel()
            await asyncio.wait({writer})
        if self._stuck:
            cut(self._server)
        elif self._sendable:
            try:
                async with asyncio.timeout(LAST_CHUNK):
                    await self._send({"type": "http.response.body", "body": b""})
            except TimeoutError:
                cut(self._server)
            except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
                logger.debug("an event stream cannot be ended: %r", error)


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
        await send({"type": "http.response.body", "body": b""})
        return
    await connection.run(handler)
