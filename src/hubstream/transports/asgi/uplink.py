"""What POSTs bring to a connection that has no way up of its own: an event stream or long polling (spec 2.2).

A byte stream, as .NET's pipe: bodies are passed on as they come, one POST after the other, and a POST is answered before what it
brought sets anything off. Imports `connection` and this room; only `post` waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from hubstream.connection.connection import ConnectionHandler
from hubstream.transports.asgi.waiting import Wait
from hubstream.types import Receive

__all__ = ["TOO_MANY", "Uplink"]

logger = logging.getLogger("hubstream.transport")

MAX_POSTS: Final = 100
"""POSTs of one connection that wait for each other. Browsers and .NET send one at a time; the Java client's HTTP library opens at
most 5 connections to a host."""

ACCEPTED, CLIENT_WENT, GONE, TOO_MANY = 200, 400, 404, 429


class Uplink:
    """The way up of one connection, from its first POST to its end.

    Args:
        limit: Bytes that may wait for the handler, or for there to be one; then POSTs wait.
    """

    __slots__ = (
        "_discards",
        "_ended",
        "_failed",
        "_handler",
        "_limit",
        "_lock",
        "_posts",
        "_reading",
        "_room",
        "_scheduled",
        "_size",
        "_unread",
        "_wait",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = asyncio.Lock()
        self._posts = 0
        self._wait = Wait()
        self._room: asyncio.Future[None] | None = None
        self._unread: list[bytes] = []
        self._size = 0
        self._scheduled = False
        self._reading = True
        self._discards = False
        self._ended = False
        self._handler: ConnectionHandler | None = None
        self._failed: Callable[[], None] = lambda: None

    def attach(self, handler: ConnectionHandler, failed: Callable[[], None]) -> None:
        """Pass everything on to `handler` from now on, at first what has come so far.

        Args:
            handler: The connection's.
            failed: Called if the handler raises, which is a bug: its state cannot be trusted any more.
        """
        self._handler = handler
        self._failed = failed
        self._deliver()

    def pause(self) -> None:
        """The handler takes no more: a POST that brings more waits."""
        self._reading = False

    def resume(self) -> None:
        """It takes more, from the next turn of the loop on."""
        self._reading = True
        self._schedule()

    def discard(self) -> None:
        """The connection is closing: what comes is accepted and dropped, as by a .NET pipe whose reader has ended."""
        self._discards = True
        self._unread.clear()
        self._release()

    def end(self) -> None:
        """The connection ends. What was accepted is passed on if the handler takes it; POSTs that wait or come are refused."""
        if not self._ended:
            self._ended = True
            self._deliver()
            self._handler = None
            self._unread.clear()
            self._wait.end()
            self._release()

    async def post(self, receive: Receive) -> int:
        """Take one POST's body; returns the HTTP status, after all of the body was accepted.

        Args:
            receive: The request's.
        """
        if self._posts >= MAX_POSTS:
            return TOO_MANY
        self._posts += 1
        try:
            async with self._lock:
                return GONE if self._ended else await self._take(receive)
        finally:
            self._posts -= 1

    async def _take(self, receive: Receive) -> int:
        while True:
            try:
                message = await self._wait.until(receive())
            except (OSError, RuntimeError) as error:
                logger.debug("a POST cannot be read: %r", error)
                return CLIENT_WENT
            if message is None:
                return GONE
            if message["type"] != "http.request":
                return CLIENT_WENT
            data = message.get("body", b"")
            if data and not self._discards:
                self._unread.append(bytes(data))
                self._size += len(data)
                self._schedule()
            while not self._ended and self._full():
                self._room = asyncio.get_running_loop().create_future()
                await self._room
            if self._ended:
                return GONE
            if not message.get("more_body", False):
                return ACCEPTED

    def _full(self) -> bool:
        if self._discards:
            return False
        return self._size >= self._limit or not self._reading

    def _schedule(self) -> None:
        if not self._scheduled and self._handler is not None:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False
        handler = self._handler
        if handler is None or not self._reading:
            return
        unread, self._unread = self._unread, []
        self._size = 0
        if unread and not self._discards:
            try:
                handler.received(unread[0] if len(unread) == 1 else b"".join(unread))
                handler.read_done()
            except Exception:
                logger.exception("the handler of a connection failed")
                self._failed()
        self._release()

    def _release(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)
