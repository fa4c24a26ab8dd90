"""Channels: a bounded queue between tasks, with an end and an error that flow through it (.NET's `System.Threading.Channels`).

A hub method written channel style starts a writer and returns the reader; an upload is a reader whose writer is the client. One
event loop; a deque and one future per waiter cost a third of `asyncio.Queue`. Imports `errors` only.
"""

# pyright: reportPrivateUsage=false
# A channel and its reader are the two ends of one queue.

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Generic, TypeVar

from hubstream.errors import HubstreamError

__all__ = ["Channel", "ChannelClosed", "ChannelReader"]

T = TypeVar("T")


class ChannelClosed(HubstreamError):
    """Nothing can be written: the channel was completed, or its reader is gone. Or: nothing is left to read, or will come."""


class ChannelReader(AsyncIterator[T]):
    """The end to read from. Iterate over it, or `read()` one item at a time; several tasks may share the items."""

    __slots__ = ("__weakref__", "_ended", "_error", "_items", "_low", "_on_low", "_waiters")

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._waiters: deque[asyncio.Future[None]] | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._low = 0
        self._on_low: Callable[[], None] | None = None
        """Set while the writing side waits: called when so many items are left."""

    def __len__(self) -> int:
        """Items that can be read without waiting."""
        return len(self._items)

    def __aiter__(self) -> ChannelReader[T]:
        return self

    async def __anext__(self) -> T:
        items = self._items
        while not items:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            await self._wait()
        item = items.popleft()
        if self._on_low is not None and len(items) == self._low:
            self._on_low()
        return item

    async def read(self) -> T:
        """The next item.

        Raises:
            ChannelClosed: The channel was completed and is empty, or its writer was cancelled.
            BaseException: What it was completed with, once it is empty.
        """
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            raise ChannelClosed("the channel was completed") from None

    async def aclose(self) -> None:
        """Read no more: what is left is dropped, and writers get `ChannelClosed`."""
        self._close()

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = deque()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake_one()  # the item it was woken for is another reader's
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def _wake_one(self) -> None:
        waiters = self._waiters
        while waiters:
            waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _put(self, item: T) -> None:
        self._items.append(item)
        if self._waiters:
            self._wake_one()

    def _end(self, error: BaseException | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        self._error = error
        while self._waiters:
            self._wake_one()

    def _close(self) -> None:
        self._items.clear()
        self._end()
        if self._on_low is not None:
            self._on_low()


class Channel(Generic[T]):
    """A queue of at most `capacity` items between a writer and a `reader`.

    `async with channel:` completes it at the end of the block; an error that leaves the block flows through the channel to
    whoever reads, and stops there. A cancellation goes on; whoever reads gets `ChannelClosed`.

    Args:
        capacity: Items that wait for the reader; at the bound `write` waits.
    """

    __slots__ = ("_capacity", "_writers", "reader")

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a channel holds at least one item")
        self._capacity = capacity
        self._writers: deque[asyncio.Future[None]] = deque()
        self.reader: ChannelReader[T] = ChannelReader()

    async def write(self, item: T) -> None:
        """Add an item; waits while the channel is full.

        Raises:
            ChannelClosed: The channel was completed, or its reader is gone.
        """
        reader = self.reader
        while len(reader._items) >= self._capacity and not reader._ended:
            waiter = asyncio.get_running_loop().create_future()
            self._writers.append(waiter)
            reader._low = self._capacity - 1
            reader._on_low = self._wake_writer
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_writer()
                elif waiter in self._writers:
                    self._writers.remove(waiter)
                raise
        if not self.try_write(item):
            raise ChannelClosed("the channel was completed or its reader is gone")
        if self._writers:
            self._wake_writer()  # there may be room for the next one too

    def try_write(self, item: T) -> bool:
        """Add an item if there is room and the channel is open; False if not."""
        reader = self.reader
        if reader._ended or len(reader._items) >= self._capacity:
            return False
        reader._put(item)
        return True

    def complete(self, error: BaseException | None = None) -> None:
        """No more items; the reader ends, or gets `error`, after those that are there."""
        self.reader._end(error)
        self._wake_writer()

    async def __aenter__(self) -> Channel[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is None or isinstance(error, Exception):
            self.complete(error)
            return error is not None
        # A cancellation goes on: it is the writer's own. Raised in the reader too, it would pass for the reader's.
        self.complete(ChannelClosed("the channel's writer was cancelled"))
        return False

    def _wake_writer(self) -> None:
        reader = self.reader
        while self._writers and (reader._ended or len(reader._items) < self._capacity):
            waiter = self._writers.popleft()
            if not waiter.done():
                waiter.set_result(None)
                if not reader._ended:
                    return
        if not self._writers:
            reader._on_low = None
