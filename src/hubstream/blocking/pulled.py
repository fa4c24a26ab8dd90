"""What is uploaded from a plain iterator: it is pulled in a thread of its own, at most `AHEAD` items ahead of the transport.

One thread for all of a generator, since what it opens may belong to the thread that opened it (sqlite3). It is closed there too.
Imports its own room. Nothing here blocks the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from typing import Final

from typing_extensions import TypeVar, override

from hubstream.blocking.threads import as_exception

__all__ = ["Pulled"]

logger = logging.getLogger("hubstream.client")

T = TypeVar("T")

AHEAD: Final = 10
"""Items pulled that are not yet taken."""
PATIENCE: Final = 1.0
"""Seconds that closing waits for an iterator that is computing its next item."""


class Pulled(AsyncIterator[T]):
    """An iterator as an async one. It starts at the first item, in the event loop that asks for it."""

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._loop: asyncio.AbstractEventLoop | None = None
        self._items: deque[T] = deque()
        self._room = threading.Semaphore(AHEAD)
        self._news = asyncio.Event()
        self._told = False
        self._closing = False
        self._done = False
        self._ended = asyncio.Event()
        self._error: Exception | None = None

    @override
    def __aiter__(self) -> Pulled[T]:
        return self

    @override
    async def __anext__(self) -> T:
        while not self._items:
            self._start()
            self._news.clear()
            self._told = False  # before the look: what comes after it is told
            done = self._done  # before it as well: no item comes after the end
            if self._items:
                break
            if done:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            await self._news.wait()
        item = self._items.popleft()
        self._room.release()
        return item

    async def aclose(self) -> None:
        """Pull no more, and close a generator. One that is computing an item is closed when it has it.

        Raises:
            Exception: What it raised when it was closed.
        """
        self._closing = True
        self._items.clear()
        known = self._error
        self._start()
        self._room.release()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._ended.wait()
        except TimeoutError:
            logger.warning(
                "the source of an upload, %r, goes on until it has its next item, and is closed then", self._source
            )
        if self._error is not None and self._error is not known:
            raise self._error

    def _start(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._pull, name="hubstream-upload", daemon=True).start()

    def _pull(self) -> None:
        try:
            while not self._closing:
                self._items.append(next(self._source))
                if not self._told:
                    self._told = True
                    self._tell(self._news)
                self._room.acquire()
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001 - it ends the upload, and is raised there
            self._error = as_exception(error)
        try:
            source: object = self._source
            if isinstance(source, Generator):  # a file belongs to whoever opened it
                source.close()
        except BaseException as error:  # noqa: BLE001 - the same
            self._error = as_exception(error)
        self._done = True
        self._tell(self._news, self._ended)

    def _tell(self, *events: asyncio.Event) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop was closed meanwhile
            for event in events:
                self._loop.call_soon_threadsafe(event.set)
