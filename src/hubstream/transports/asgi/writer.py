"""The way down of a connection whose messages leave one by one through the server's `send`: a WebSocket's, an event stream's.

`write` takes one step of the server's coroutine, and only what does not go at once gets a task. Imports `connection` and this
room's `stepping`; nothing but the end waits.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar, Final, cast

from hubstream.connection.clock import Clock
from hubstream.connection.connection import ConnectionHandler
from hubstream.connection.task import start_task
from hubstream.transports.asgi.stepping import Steps, cut, finish, server
from hubstream.types import Message, Send

__all__ = ["BROKEN", "CLOSING", "ENDED", "ENDING", "OPEN", "Writer"]

logger = logging.getLogger("hubstream.transport")

LAST: Final = 1.0
"""Seconds the last message of a connection that has ended may take to leave."""

OPEN, BROKEN, CLOSING, ENDING, ENDED = range(5)
# OPEN     both ways
# BROKEN   a send has failed: nothing is written, what the server still has is read, up to its disconnect
# CLOSING  closed here: what was written is sent, then the last message; what comes in is dropped
# ENDING   the server's call is told to end now
# ENDED    `lost` was called


class Writer(ABC):
    """A connection as far as it writes; a transport adds how it reads, and what its messages look like.

    Args:
        send: ASGI's.
        clock: Watches over messages that take too long to leave.
        send_timeout: Seconds the peer may take nothing of a message; then its socket is reset.
        close_timeout: Seconds it has to take the last one, and to answer it.
    """

    _name: ClassVar[str]
    """What the log calls it."""

    __slots__ = (
        "_clock",
        "_close_timeout",
        "_context",
        "_deadline",
        "_handler",
        "_pending",
        "_seconds",
        "_send",
        "_send_timeout",
        "_sendable",
        "_server",
        "_state",
        "_stuck",
        "_writing",
        "paused",
    )

    def __init__(self, send: Send, clock: Clock, send_timeout: float, close_timeout: float) -> None:
        self.paused = False
        self._send = send
        self._clock = clock
        self._send_timeout = send_timeout
        self._close_timeout = close_timeout
        self._server = server(send)
        self._context = contextvars.copy_context()
        self._state = OPEN
        self._sendable = True  # the peer may still be sent the last message
        self._stuck = False  # the peer did not take a message, or answer the last one, in time
        self._seconds = 0.0
        self._deadline = 0.0
        self._pending: deque[Message] | None = None  # only while `_writing` runs: an empty one is 600 bytes
        self._writing: asyncio.Task[None] | None = None
        self._handler: ConnectionHandler | None = None

    # -- what a transport adds

    @abstractmethod
    def _event(self, data: bytes) -> Message:
        """The server's message for what is written at once."""

    @abstractmethod
    def _last(self) -> Message:
        """The server's message for the end."""

    @abstractmethod
    def _closed(self) -> None:
        """The last message was sent, after `close`."""

    @abstractmethod
    def _unwritable(self) -> None:
        """Nothing can be sent any more."""

    @abstractmethod
    def _call_out(self) -> None:
        """The server's call, wherever it waits, goes to its end now."""

    @abstractmethod
    async def _disconnected(self) -> None:
        """Wait for the server's word that the peer has gone, where its call must not end before."""

    def _failed(self) -> None:
        """The handler raised, which it must not: its state cannot be trusted."""
        self.abort()

    # -- writing

    def write(self, data: bytes) -> None:
        """Send whole messages as one of the server's; `paused` if it does not go at once."""
        if self._state:
            return
        event = self._event(data)
        if self._pending is not None:
            self._pending.append(event)
            return
        if self._server is None:
            self._start_writing(None, (event,))
            return
        sending: Any = self._send(event)  # a coroutine, else there would be no `_server`
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
            self._broken(error)
            return
        self._start_writing((sending, waits_for))

    def _start_writing(self, begun: tuple[Steps, object] | None, events: Iterable[Message] = ()) -> None:
        self.paused = True
        self._pending = deque(events)
        self._watch(self._send_timeout)
        # In the context of the server's call, not of whoever happened to write; a copy, for it may be in use.
        self._writing = start_task(self._clock.loop, self._write_on(begun), context=self._context.copy())

    async def _write_on(self, begun: tuple[Steps, object] | None) -> None:
        """Send the rest of a begun message, what was written meanwhile, and the last one if there is to be one."""
        try:
            if begun is not None:
                await finish(*begun)
            while self._pending:
                self._watch(self._send_timeout)
                await self._send(self._pending.popleft())
            if self._state == CLOSING:
                self._watch(self._close_timeout)
                self._sendable = False
                await self._send(self._last())
                self._closed()
        except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
            self._broken(error)
            return
        if self._state == OPEN:
            self.paused = False
            self._pending = None
            self._clock.discard(self)
            try:
                cast(ConnectionHandler, self._handler).writable()
            except Exception:
                logger.exception("the handler of %s failed", self._name)
                self._failed()

    def _broken(self, error: Exception) -> None:
        logger.debug("%s cannot be written: %r", self._name, error)
        self._sendable = False
        self.paused = True
        self._pending = None
        self._unwritable()

    # -- the clock's

    def _watch(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = self._clock.loop.time() + seconds
        self._clock.add(self)

    def due(self, now: float) -> None:
        """The clock's tick."""
        if now >= self._deadline and self._state < ENDING:
            logger.info("the peer of %s took nothing, or did not answer a close, in time; it is reset", self._name)
            self._stuck = True
            self.abort()

    def overslept(self, now: float) -> None:
        """The loop slept, not the peer."""
        self._deadline = now + self._seconds

    # -- the end

    def abort(self) -> None:
        """End it now; what was not sent is dropped."""
        if self._state >= ENDING:
            return
        self._state = ENDING
        self._pending = None
        self._call_out()

    def _stop(self) -> None:
        """Write nothing from now on."""
        self._state = ENDED
        self.paused = True
        self._pending = None
        self._clock.discard(self)
        self._handler = None

    async def _end(self, handler: ConnectionHandler, graceful: bool, aborted: bool) -> None:
        """Tell `handler`, send the last message if it may still be sent, and wait until all that was started has ended.

        Args:
            handler: The connection's.
            graceful: How it has ended.
            aborted: What is being sent is dropped.
        """
        try:
            handler.lost(graceful)
        except Exception:
            logger.exception("the handler of %s failed", self._name)
        try:
            await self._end_writing(aborted)
        finally:
            await handler.ended()

    async def _end_writing(self, aborted: bool) -> None:
        writing = self._writing
        if writing is not None and not writing.done():
            # One that has sent the last message only sees the server's part of it through.
            if aborted:
                writing.cancel()
            _, late = await asyncio.wait({writing}, timeout=LAST)
            if late:
                writing.cancel()
                await asyncio.wait({writing})
        if self._stuck:
            await self._reset()
        elif self._sendable:
            self._sendable = False
            try:
                async with asyncio.timeout(LAST):
                    await self._send(self._last())
            except TimeoutError:
                await self._reset()
            except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
                logger.debug("%s cannot be closed: %r", self._name, error)

    async def _reset(self) -> None:
        """Reset the socket of a peer that takes nothing; the server learns of it before its call ends, else it complains."""
        if cut(self._server):
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST):
                    await self._disconnected()
