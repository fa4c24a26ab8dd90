"""Long polling: a connection that outlives its requests; each poll carries away what has gathered (spec 2.4).

What it starts belongs to the table, not to a poll's call. Imports `connection` and this room; only polls wait.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from hubstream.connection.connection import ConnectionHandler
from hubstream.transports.asgi.endpoint import Endpoint
from hubstream.transports.asgi.request import Request
from hubstream.transports.asgi.response import PLAIN, respond
from hubstream.transports.asgi.stepping import cut, server
from hubstream.transports.asgi.table import Record, Table
from hubstream.transports.asgi.waiting import Wait, disconnected
from hubstream.types import Receive, Send

__all__ = ["NO_CACHE", "LongPollingConnection", "poll"]

logger = logging.getLogger("hubstream.transport")

NO_CACHE: Final = (
    (b"cache-control", b"no-cache, no-store"),
    (b"pragma", b"no-cache"),
    (b"expires", b"Thu, 01 Jan 1970 00:00:00 GMT"),
)
"""On every answer to a poll (spec 1.6)."""
OCTETS: Final = b"application/octet-stream"

OPEN, LOSING, CLOSING, ENDED = range(4)
# OPEN     both ways
# LOSING   `lost` is being called: what it writes a poll that waits carries away
# CLOSING  closed here: polls carry away what was written, then one is told that this was all
# ENDED    the record is gone; a poll that waits still carries away what was written


class Poll:
    """One GET that is being served."""

    __slots__ = ("answered", "superseded", "wait")

    def __init__(self) -> None:
        self.wait = Wait()
        self.superseded = False
        self.answered = asyncio.Event()

    async def supersede(self) -> None:
        """A newer one has come, and waits until this one is answered."""
        self.superseded = True
        self.wait.end()
        await self.answered.wait()


class LongPollingConnection:
    """One connection carried by polls.

    Args:
        table: Keeps its record, and owns what it leaves behind.
        record: Its record.
        endpoint: Has the options.
    """

    transport: str = "LongPolling"
    binary_capable: bool = True
    inherent_keep_alive: bool = True

    __slots__ = (
        "_aborted",
        "_buffer",
        "_endpoint",
        "_handler",
        "_limit",
        "_poll",
        "_record",
        "_size",
        "_state",
        "_table",
        "_uplink",
        "paused",
        "resumable",
    )

    def __init__(self, table: Table, record: Record, endpoint: Endpoint) -> None:
        self.paused = False
        self.resumable = False
        self._table = table
        self._record = record
        self._endpoint = endpoint
        self._limit = endpoint.options.transport_buffer
        self._uplink = table.uplink(record)
        self._state = OPEN
        self._aborted = False
        self._buffer: list[bytes] = []
        self._size = 0
        self._poll: Poll | None = None
        self._handler: ConnectionHandler | None = None

    # -- for the handler

    def use_binary(self, binary: bool) -> None:
        """A poll's body is bytes, whatever they are."""

    def write(self, data: bytes) -> None:
        """Keep whole messages for the next poll; `paused` when that has enough to carry."""
        if self._state > LOSING or self._aborted:
            return
        self._buffer.append(data)
        self._size += len(data)
        if self._size >= self._limit:
            self.paused = True
        self._go_on()

    def pause_reading(self) -> None:
        """POSTs that bring more wait."""
        self._uplink.pause()

    def resume_reading(self) -> None:
        """They are taken again."""
        self._uplink.resume()

    def close(self) -> None:
        """End it once polls have carried away what was written."""
        if self._state == OPEN:
            self._state = CLOSING
            self._uplink.discard()
            self._go_on()

    def abort(self) -> None:
        """End it now; what was not carried away is dropped."""
        if not self._aborted and self._state in {OPEN, CLOSING}:
            self._aborted = True
            self._buffer.clear()
            # Not from inside the handler's own call.
            self._table.clock.loop.call_soon(self._end, False)

    # -- its ends

    def terminate(self) -> None:
        """The client has asked for its end, or the server stops; a poll that waits gets the handler's last words."""
        self._end(True)

    def expire(self) -> None:
        """No poll has come for too long."""
        self._end(False)

    async def answered(self) -> None:
        """Wait until no poll is being answered."""
        while self._poll is not None:
            await self._poll.answered.wait()

    def _end(self, graceful: bool) -> None:
        if self._state == ENDED:
            return
        self._state = LOSING if self._state == OPEN else ENDED
        self._table.remove(self._record)
        self._uplink.end()
        handler, self._handler = self._handler, None
        if handler is not None:
            try:
                handler.lost(graceful)
            except Exception:
                logger.exception("the handler of a long polling connection failed")
            self._table.own(handler.ended())
        self._state = ENDED
        self.paused = True
        if self._poll is None:
            self._buffer.clear()
        self._go_on()

    # -- polls

    def begin(self, handler: ConnectionHandler) -> None:
        """Carry everything to and from `handler`."""
        self._handler = handler
        self._uplink.attach(handler, self.abort)

    async def poll(self, receive: Receive, send: Send, *, first: bool = False) -> None:
        """Answer one GET.

        Args:
            receive: The request's.
            send: The request's.
            first: It is the one that made the connection, and is answered at once, with nothing.
        """
        if (older := self._served()) is not None:
            await older.supersede()
            if self._served() is not None:
                await respond(send, 409, headers=NO_CACHE)
                return
            if self._state == ENDED:
                await respond(send, 204, headers=NO_CACHE)
                return
        current = self._poll = Poll()
        self._table.wake(self._record)
        body = None
        try:
            if first:
                await self._answer(send, 200, b"", OCTETS)
            else:
                body = await self._serve(current, receive, send)
        finally:
            self._poll = None
            current.answered.set()
            if self._state != ENDED:
                self._table.rest(self._record)
        if body and self.paused and self._state == OPEN and self._size < self._limit:
            self._room()

    async def _serve(self, current: Poll, receive: Receive, send: Send) -> bytes | None:
        """Wait, and answer; returns what was carried away."""
        timed_out = went = False
        if not self._ready():
            options = self._endpoint.options
            came = await current.wait.until(disconnected(receive), options.poll_timeout)
            went = came is True
            timed_out = not went and not current.superseded and not self._ready()
        if went or current.superseded:
            # Of a client that went nobody reads this; some frameworks take it ill if there is no answer at all.
            await self._answer(send, 204)
        elif timed_out:
            await self._answer(send, 200, content_type=PLAIN)
        elif self._buffer:
            body = b"".join(self._buffer)
            self._buffer.clear()
            self._size = 0
            await self._answer(send, 200, body, OCTETS)
            return body
        else:
            self._end(True)
            await self._answer(send, 204)
        return None

    def _served(self) -> Poll | None:
        return self._poll

    def _ready(self) -> bool:
        return bool(self._buffer) or self._state != OPEN

    def _go_on(self) -> None:
        if self._poll is not None:
            self._poll.wait.end()

    async def _answer(self, send: Send, status: int, body: bytes = b"", content_type: bytes = PLAIN) -> None:
        try:
            async with asyncio.timeout(self._endpoint.options.send_timeout):
                await respond(send, status, body, content_type, NO_CACHE)
        except TimeoutError:
            logger.info("a client took nothing of its poll's answer in time; its socket is reset")
            cut(server(send))
            self._end(False)

    def _room(self) -> None:
        self.paused = False
        handler = self._handler
        if handler is None:
            return
        try:
            handler.writable()
        except Exception:
            logger.exception("the handler of a long polling connection failed")
            self.abort()


async def poll(
    endpoint: Endpoint, table: Table, record: Record, request: Request, receive: Receive, send: Send
) -> None:
    """Serve one poll; the first one makes the connection.

    Args:
        endpoint: Where it came in.
        table: The endpoint's records.
        record: The one its `id=` names.
        request: The GET; of the first poll the hub sees it.
        receive: ASGI's.
        send: ASGI's.
    """
    if "LongPolling" not in endpoint.options.transports:
        await respond(send, 404, b"LongPolling transport not supported by this end point type", headers=NO_CACHE)
        return
    if record.transport not in {None, "LongPolling"}:
        await respond(send, 400, b"Cannot change transports mid-connection", headers=NO_CACHE)
        return
    connection = record.polled
    if connection is not None:
        await connection.poll(receive, send)
        return
    table.attach(record, "LongPolling")
    connection = record.polled = LongPollingConnection(table, record, endpoint)
    try:
        handler = endpoint.connect(connection, request, record.connection_id)
    except Exception:
        logger.exception("no handler could be made for long polling of %r", endpoint)
        connection.expire()
        await respond(send, 500, headers=NO_CACHE)
        return
    connection.begin(handler)
    await connection.poll(receive, send, first=True)
