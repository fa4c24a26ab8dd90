"""Worker threads for hub methods that block: `@hub_method(thread=True)`.

A generator is pulled for as long as 2 ms at a time, so that a slow one gives each item at once and a fast one does not change
threads for every item. Threads cannot be stopped: who waits for one is let go, and the thread ends by itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from time import perf_counter
from typing import Any, Final

__all__ = ["THREADS", "Threads"]

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
        return self._executor.submit(copy_context().run, work)

    def close(self) -> None:
        """No thread waits for work any more; those that work end by themselves."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    async def iterate(self, make: Callable[[], Any]) -> AsyncIterator[Any]:
        """The items of the plain iterator that `make()`, called in a thread, gives; it is closed in a thread too."""
        pulling = _Pulling(make)
        try:
            while not pulling.done:
                for item in await asyncio.wrap_future(self.start(pulling.pull)):
                    yield item
                if pulling.error is not None:
                    raise pulling.error
        finally:
            await asyncio.shield(asyncio.wrap_future(self.start(pulling.close)))


class _Pulling:
    """An iterator that threads take turns with."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._iterator: Iterator[Any] | None = None
        self._turn = threading.Lock()
        self._closed = False
        self.done = False
        self.error: BaseException | None = None

    def pull(self) -> list[Any]:
        items: list[Any] = []
        with self._turn:
            if self._closed:
                return items
            until = perf_counter() + PULL
            try:
                if self._iterator is None:
                    self._iterator = iter(self._make())
                for item in self._iterator:
                    items.append(item)
                    if len(items) >= MOST or perf_counter() > until:
                        return items
            except BaseException as error:  # noqa: BLE001 - it is the stream's, after the items before it
                self.error = error
            self.done = True
        return items

    def close(self) -> None:
        with self._turn:  # a pull that goes on has to end first
            self._closed = True
            close: Callable[[], None] | None = getattr(self._iterator, "close", None)
            if close is not None:
                close()
