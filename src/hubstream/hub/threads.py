"""Worker threads for hub methods that block: `@hub_method(thread=True)`.

A generator is pulled for 2 ms or 64 items at a time: a fast one does not change threads for every item. Items are passed on when
they are there, whatever the next one takes. Threads cannot be stopped: who waits for one is let go, and it ends by itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from time import perf_counter
from typing import Any, Final, TypeVar

__all__ = ["THREADS", "Threads"]

T = TypeVar("T")

THREADS: Final = 40
"""Worker threads of one server, as many as Starlette has; calls beyond them wait for one."""
PULL: Final = 0.002
"""Seconds a generator is pulled in one go."""
MOST: Final = 64
"""Items pulled in one go."""


class Threads:
    """The worker threads of one server, started when they are first needed."""

    __slots__ = ("_executor",)

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None

    def start(self, work: Callable[[], Any]) -> Future[Any]:
        """Run something in a thread, with the context variables of the caller."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(THREADS, "hubstream")
        return self._executor.submit(copy_context().run, _finish, work)

    def close(self) -> None:
        """No thread waits for work any more; those that work end by themselves."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    async def iterate(self, make: Callable[[], Any]) -> AsyncIterator[Any]:
        """The items of the plain iterator that `make()`, called in a thread, gives; it is closed in a thread too."""
        pulling = _Pulling(make, asyncio.get_running_loop())
        pull = self.start(pulling.pull)
        try:
            while True:
                pull.add_done_callback(pulling.pulled)
                while await pulling.news(pull):
                    while pulling.items:
                        yield pulling.items.popleft()
                if pulling.done:
                    break
                pull = self.start(pulling.pull)
            if pulling.error is not None:
                raise pulling.error
        finally:
            if not pull.cancel() or pulling.begun:
                await asyncio.shield(asyncio.wrap_future(self.start(pulling.close)))


def _finish(work: Callable[[], T]) -> T:
    try:
        return work()
    except StopIteration as error:  # no future can hold it: whoever waits would wait for ever
        raise RuntimeError("what ran in a thread raised StopIteration") from error


class _Pulling:
    """An iterator that threads take turns with."""

    def __init__(self, make: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._make = make
        self._loop = loop
        self._context = copy_context()
        """One for all pulls: what the generator sets is there at its next step, and can be reset."""
        self._iterator: Iterator[Any] | None = None
        self._turn = threading.Lock()
        self._news = asyncio.Event()
        self._told = True
        self._closed = False
        self.items: deque[Any] = deque()
        self.done = False
        self.error: BaseException | None = None

    @property
    def begun(self) -> bool:
        """There is something to close."""
        return self._iterator is not None

    async def news(self, pull: Future[Any]) -> bool:
        """Wait for items; False when this pull has ended and all of its items were taken."""
        while True:
            self._news.clear()
            self._told = False  # before the look: what comes after it is told
            if self.items:
                return True
            if pull.done():
                return bool(self.items)
            await self._news.wait()

    def pull(self) -> None:
        """In a thread: take some items."""
        with self._turn:
            if not self._closed:
                self._context.run(self._pull)

    def pulled(self, _: Future[Any]) -> None:
        """In a thread: a pull has ended."""
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._news.set)

    def _pull(self) -> None:
        until = perf_counter() + PULL
        taken = 0
        try:
            if self._iterator is None:
                self._iterator = iter(self._make())
            for item in self._iterator:
                self.items.append(item)
                if not self._told:
                    self._told = True
                    self._loop.call_soon_threadsafe(self._news.set)
                taken += 1
                if taken == MOST or perf_counter() > until:
                    return
        except BaseException as error:  # noqa: BLE001 - it is the stream's, after the items before it
            self.error = error
        self.done = True

    def close(self) -> None:
        """In a thread: no more."""
        with self._turn:  # a pull that goes on has to end first
            self._closed = True
            close: Callable[[], None] | None = getattr(self._iterator, "close", None)
            if close is not None:
                self._context.run(close)
