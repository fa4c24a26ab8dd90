"""What the client's transports have in common: one task that reads to the end, and how it is called out.

Imports `connection` and this room's `requests`. The handler's calls never block; `closed` waits.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import ClassVar

import aiohttp

from hubstream.connection.connection import ConnectionHandler
from hubstream.connection.task import start_task
from hubstream.errors import HubstreamError
from hubstream.transports.client.requests import Requests, reason
from hubstream.transports.waiting import Wait

__all__ = ["ABORTED", "CLOSING", "ENDED", "FAILURES", "OPEN", "Carrier"]

logger = logging.getLogger("hubstream.transport")

FAILURES = (aiohttp.ClientError, HubstreamError, OSError)
"""What a server or the network can make of a request; `TimeoutError` is an `OSError`."""

OPEN, CLOSING, ABORTED, ENDED = range(4)
# OPEN     both ways
# CLOSING  closed here: what was written is sent, then the end; what comes in is dropped
# ABORTED  ended here, now
# ENDED    `lost` was called


class Carrier(ABC):
    """A connection to a server; a transport adds how it reads and writes.

    Args:
        requests: Its own: closed with it.
    """

    _name: ClassVar[str]
    """What the log calls it."""
    transport: str
    binary_capable: bool
    inherent_keep_alive: bool

    def __init__(self, requests: Requests) -> None:
        self.paused = False
        self.resumable = False
        self.failure: Exception | None = None
        """What the network or the server made of it, once it is lost."""
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._state = OPEN
        self._handler: ConnectionHandler | None = None
        self._reading = True
        self._hold: asyncio.Future[None] | None = None
        self._wait = Wait()
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()

    # -- what a transport adds

    @abstractmethod
    def use_binary(self, binary: bool) -> None:
        """From now on `write` carries bytes, or text."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send whole messages; may set `paused`."""

    @abstractmethod
    async def _read(self, handler: ConnectionHandler) -> bool:
        """Pass on what comes while the connection is open; returns, at the server's end, whether that was graceful."""

    @abstractmethod
    async def _shut(self) -> bool:
        """Send what was written and close; returns whether the server agreed."""

    @abstractmethod
    async def _end(self) -> None:
        """End the tasks that were started; `lost` has been called."""

    # -- for the handler

    def pause_reading(self) -> None:
        """Take no more from the server; its socket is read no further than a buffer of aiohttp's."""
        self._reading = False

    def resume_reading(self) -> None:
        """Read again."""
        self._reading = True
        self._release()

    def close(self) -> None:
        """Send what was written and close, within `close_timeout`."""
        if self._state == OPEN:
            self._state = CLOSING
            self._wait.end()

    def abort(self) -> None:
        """End it now; what was not sent is dropped."""
        self._state = max(self._state, ABORTED)
        self._wait.end()
        self._requests.abort()

    # -- its life

    async def start(self, handler: ConnectionHandler) -> None:
        """Carry it, in a task of its own and a copy of the caller's context, until its end.

        Cancelled, it ends it.
        """
        self._handler = handler
        self._task = start_task(self._loop, self._run(handler), name=f"hubstream {self._name}")
        self._task.add_done_callback(
            lambda task: self._gone.set()
        )  # cancelled before its first step, it has done nothing
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.abort()
            await self.closed()
            raise

    @property
    def sockets(self) -> list[asyncio.Transport]:
        """Those that are open."""
        return self._requests.sockets

    async def closed(self) -> None:
        """Wait until `lost` was called and no socket or task of the transport is left; the handler may still be ending."""
        await self._gone.wait()

    async def _run(self, handler: ConnectionHandler) -> None:
        graceful: bool | None = None
        try:
            graceful = await self._wait.until(self._read(handler))
            if self._state == CLOSING:
                graceful = await self._wait.until(self._shut(), self._requests.options.close_timeout)
        except FAILURES as error:
            self.failure = error
            logger.debug("%s has failed: %s", self._name, reason(error))
        except Exception as error:
            self.failure = error
            # The user's token callback, perhaps. Handlers do not raise; one that does is a bug of ours.
            logger.exception("%s has failed", self._name)
        finally:
            self._lose(handler, graceful=graceful is True)
            try:
                await self._clean_up()
            finally:
                self._gone.set()
                await handler.ended()

    def _lose(self, handler: ConnectionHandler, *, graceful: bool) -> None:
        self._state = ENDED
        self.paused = True
        self._handler = None
        try:
            handler.lost(graceful)
        except Exception:
            logger.exception("the handler of %s failed", self._name)

    async def _clean_up(self) -> None:
        try:
            await self._wait.until(self._end(), self._requests.options.close_timeout)
        except FAILURES as error:
            logger.debug("the end of %s has failed: %s", self._name, reason(error))
        finally:
            await self._requests.close()

    async def _held(self) -> None:
        """Wait while the handler takes nothing."""
        while not self._reading and self._state == OPEN:
            self._hold = self._loop.create_future()
            await self._hold

    def _release(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None and not hold.done():
            hold.set_result(None)

    def _writable(self) -> None:
        """The handler may write again."""
        self.paused = False
        if self._handler is None:
            return
        try:
            self._handler.writable()
        except Exception:
            logger.exception("the handler of %s failed", self._name)
            self.abort()
