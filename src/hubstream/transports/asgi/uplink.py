"""What POSTs bring to a connection that has no way up of its own: an event stream or long polling (spec 2.2).

A byte stream, as .NET's pipe: bodies are passed on as they come, one POST after the other. Imports `connection` and this room;
only `post` waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from hubstream.connection.connection import ConnectionHandler
from hubstream.transports.asgi.waiting import Wait
from hubstream.types import Receive

__all__ = ["Uplink"]

logger = logging.getLogger("hubstream.transport")

MAX_POSTS: Final = 100
"""POSTs of one connection that wait for each other. Browsers and .NET send one at a time; the Java client's HTTP library opens at
most 5 connections to a host."""

ACCEPTED, CLIENT_WENT, GONE, TOO_MANY = 200, 400, 404, 429


class Uplink:
    """The way up of one connection, from its first POST to its end.

    Args:
        limit: Bytes accepted before the connection has a handler; beyond it a POST waits for one.
    """

    __slots__ = (
        "_discards",
        "_failed",
        "_handler",
        "_limit",
        "_lock",
        "_posts",
        "_reading",
        "_room",
        "_size",
        "_unread",
        "_wait",
        "ended",
    )

    def __init__(self, limit: int) -> None:
        self.ended = False
        """The connection is gone: what comes is refused."""
        self._limit = limit
        self._lock = asyncio.Lock()
        self._posts = 0
        self._wait = Wait()
        self._room: asyncio.Future[None] | None = None
        self._unread: list[bytes] = []
        self._size = 0
        self._reading = True
        self._discards = False
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
        unread, self._unread = self._unread, []
        self._size = 0
        if unread:
            self._pass_on(b"".join(unread))
        self._release()

    def pause(self) -> None:
        """The handler takes no more: a POST that has more waits."""
        self._reading = False

    def resume(self) -> None:
        """It takes more."""
        self._reading = True
        self._release()

    def discard(self) -> None:
        """The connection is closing: what comes is accepted and dropped, as by a .NET pipe whose reader has ended."""
        self._discards = True
        self._release()

    def end(self) -> None:
        """The connection is gone: POSTs that wait are refused, as all that come."""
        self.ended = True
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
                if self.ended:
                    return GONE
                return await self._take(receive)
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
            if data := message.get("body", b""):
                self._accept(bytes(data))
            while not (self._takes() or self.ended):
                self._room = asyncio.get_running_loop().create_future()
                await self._room
            if self.ended:
                return GONE
            if not message.get("more_body", False):
                return ACCEPTED

    def _accept(self, data: bytes) -> None:
        if self._discards or self.ended:
            return
        if self._handler is not None:
            self._pass_on(data)
        else:
            self._unread.append(data)
            self._size += len(data)

    def _takes(self) -> bool:
        return self._discards or (self._reading if self._handler is not None else self._size < self._limit)

    def _pass_on(self, data: bytes) -> None:
        handler = self._handler
        assert handler is not None
        try:
            handler.received(data)
            handler.read_done()
        except Exception:
            logger.exception("the handler of a connection failed")
            self._failed()

    def _release(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)
