"""The events of a client's life, brought to those who asked for them: in order, one at a time, beside everything else.

A callback that takes longer than a second holds up the next no longer; one that raises is logged. Imports its own room. Nothing
here blocks.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from hubstream.client.tasks import Tasks

__all__ = ["Events"]

logger = logging.getLogger("hubstream.client")

PATIENCE = 1.0
"""Seconds a callback holds up the next."""


class Events:
    """Who wants to hear of what, and what they have not heard yet.

    Args:
        tasks: The owner of the callbacks.
    """

    def __init__(self, tasks: Tasks) -> None:
        self.closed: list[Callable[[Exception | None], object]] = []
        self.reconnecting: list[Callable[[Exception | None], object]] = []
        self.reconnected: list[Callable[[str | None], object]] = []
        self.tasks = tasks
        self._queue: deque[tuple[Callable[[Any], object], object]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    def fire(self, callbacks: list[Callable[[Any], object]], argument: object) -> None:
        """Something has happened."""
        self._queue.extend((callback, argument) for callback in callbacks)
        idle = self._task is None or self._task.done() or self._task.get_loop().is_closed()
        if self._queue and idle:
            self._task = self.tasks.spawn(self._bring())

    async def brought(self) -> None:
        """Wait until all has been told, for a second at most. A callback that waits here is not waited for."""
        if self._running is asyncio.current_task() and self._task is not None:
            self._task.cancel()
            self._task = self.tasks.spawn(self._bring()) if self._queue else None
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=PATIENCE)

    async def _bring(self) -> None:
        try:
            while self._queue:
                callback, argument = self._queue.popleft()
                self._running = task = self.tasks.spawn(_call(callback, argument))
                done, _ = await asyncio.wait((task,), timeout=PATIENCE)
                if not done:
                    logger.warning("the callback %r of the connection is slow: others no longer wait for it", callback)
        finally:
            if self._task is asyncio.current_task():
                self._task = None


async def _call(callback: Callable[[Any], object], argument: object) -> None:
    try:
        outcome = callback(argument)
        if inspect.isawaitable(outcome):
            awaitable: Awaitable[object] = outcome
            await awaitable
    except Exception:
        logger.exception("the callback %r of the connection failed", callback)
