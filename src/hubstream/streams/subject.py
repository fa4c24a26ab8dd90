"""A subject: a stream to push items into, as the JavaScript client's `Subject`.

Imports only `errors`. `next`, `error` and `complete` never block; whoever produces faster than the stream is read waits in
`room()`. One event loop, not thread-safe.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Generic

from typing_extensions import TypeVar

from hubstream.errors import HubError

__all__ = ["Subject"]

T = TypeVar("T")

CAPACITY = 1_000


class Subject(Generic[T]):
    """Passed among the arguments of a call, its items are uploaded as they are pushed.

    Items pushed before anybody reads wait for the first reader; with several readers each gets every item from its start on.
    Once all readers have gone (their calls have ended) items are dropped, as in the JavaScript client.

    Args:
        capacity: Items that may wait for a reader; at least one.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise ValueError("a subject holds at least one item")
        self.capacity = capacity
        self._early: deque[T] | None = deque()  # None once somebody has read
        self._readers: list[_Reader[T]] = []
        self._ended = False
        self._error: Exception | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    def next(self, item: T) -> None:
        """Push an item.

        Raises:
            asyncio.QueueFull: `capacity` items wait already; nothing was pushed. Await `room()` before.
            RuntimeError: After `complete()` or `error()`.
        """
        if self._ended:
            raise RuntimeError("this subject has ended: next() comes before complete() and error()")
        if self._full():
            raise asyncio.QueueFull(f"{self.capacity} items wait to be read: await room() before next()")
        if self._early is not None:
            self._early.append(item)
        for reader in self._readers:
            reader.push(item)

    def complete(self) -> None:
        """End the stream after what was pushed. Ending it again does nothing."""
        self._end(None)

    def error(self, error: Exception | str) -> None:
        """End the stream with an error after what was pushed; a text reaches the other side as it is."""
        self._end(HubError(error) if isinstance(error, str) else error)

    async def room(self) -> None:
        """Wait until `next()` can take an item."""
        while self._full() and not self._ended:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)

    def __aiter__(self) -> AsyncIterator[T]:
        reader = _Reader(self._early or (), self._taken, self._left)
        self._early = None
        self._readers.append(reader)
        if self._ended:
            reader.end(self._error)
        return reader

    def _full(self) -> bool:
        if self._early is not None:
            return len(self._early) >= self.capacity
        return any(len(reader.items) >= self.capacity for reader in self._readers)

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._error = error
        for reader in self._readers:
            reader.end(error)
        self._taken()

    def _left(self, reader: _Reader[T]) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
            self._taken()

    def _taken(self) -> None:
        if self._waiting and (self._ended or not self._full()):
            for waiter in self._waiting:
                if not waiter.done():
                    waiter.set_result(None)


class _Reader(AsyncIterator[T]):
    """One reading of a subject."""

    def __init__(self, items: Iterable[T], taken: Callable[[], None], left: Callable[[_Reader[T]], None]) -> None:
        self.items = deque(items)
        self._taken = taken
        self._left = left
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def push(self, item: T) -> None:
        self.items.append(item)
        self._wake()

    def end(self, error: Exception | None) -> None:
        self._ended = True
        self._error = error
        self._wake()

    async def __anext__(self) -> T:
        while not self.items:
            if self._ended:
                self._left(self)
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        item = self.items.popleft()
        self._taken()
        return item

    async def aclose(self) -> None:
        """Read no more."""
        self.items.clear()
        self._left(self)
        self.end(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
