"""The tasks of one connection: who starts them, who waits for them.

Every task of user code is started here, in a context of its own, and is waited for after the connection has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextvars import Context
from typing import Any, TypeVar

from hubstream.connection.task import start_task

__all__ = ["Tasks"]

T = TypeVar("T")


class Tasks:
    """What runs for one connection.

    Args:
        loop: The event loop.
        context: The variables every task starts with; copied for each.
        on_idle: Called, once `close()` was, when nothing runs any more.
    """

    __slots__ = ("_closed", "_context", "_loop", "_on_idle", "_tasks", "_waiters")

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context, on_idle: Callable[[], None]) -> None:
        self._loop = loop
        self._context = context
        self._on_idle = on_idle
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None

    def __len__(self) -> int:
        return len(self._tasks) if self._tasks is not None else 0

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(tuple(self._tasks or ()))

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task."""
        task = start_task(self._loop, work, context=self._context.copy())
        if self._tasks is None:
            self._tasks = set()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._closed:
            task.add_done_callback(self._left)
        return task

    def abandon(self, task: asyncio.Task[Any]) -> None:
        """A task that refuses to end is waited for no longer."""
        if self._tasks is not None:
            self._tasks.discard(task)
        if self._closed:
            self._left(task)

    def close(self) -> None:
        """The connection has ended: from now on it matters when the last task does."""
        self._closed = True
        for task in self:
            task.add_done_callback(self._left)

    async def idle(self, timeout: float | None = None) -> None:
        """Wait, after `close()`, until nothing runs any more; or for so many seconds."""
        if self._tasks:
            waiter = self._loop.create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await asyncio.wait([waiter], timeout=timeout)

    async def end(self, spared: Collection[asyncio.Task[Any] | None], timeout: float) -> tuple[asyncio.Task[Any], ...]:
        """Cancel all but the spared, wait for so many seconds, and then for none any more: those are returned."""
        for task in self:
            if task not in spared:
                task.cancel()
        await self.idle(timeout)
        left = tuple(self)
        for task in left:
            self.abandon(task)
        return left

    def _left(self, _: asyncio.Task[Any]) -> None:
        if self._tasks:
            return
        self._on_idle()
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
