"""Tasks and their owner: what was started here is waited for, and cancelled, here. Imports `connection`."""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError
from collections.abc import Coroutine
from typing import Any

from hubstream.connection.task import start_task

__all__ = ["AGAIN", "GRACE", "Tasks"]

logger = logging.getLogger("hubstream.client")

GRACE = 5.0
"""Seconds a cancelled task has to clean up before it is cancelled again."""
AGAIN = 0.5
"""Seconds after that, before it is given up and logged."""


class Tasks:
    """What runs for a client: handlers, uploads, subscriptions."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ending: set[asyncio.Task[Any] | None] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task."""
        task = start_task(asyncio.get_running_loop(), coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self, patience: float) -> None:
        """Wait for what was spawned, for `patience` seconds; then cancel it, and again. Whoever waits here is left alone.

        Cancelled, it cancels what is left and passes the cancellation on.
        """
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        self._ending.add(me)
        try:
            for seconds, cancel in ((patience, False), (GRACE, True), (AGAIN, True)):
                until = loop.time() + seconds
                while (left := self._left(loop)) and (remaining := until - loop.time()) > 0:
                    if cancel:
                        for task in left:
                            task.cancel()
                    await asyncio.wait(left, timeout=remaining)
            for task in self._left(loop):
                logger.error("a task of a closed connection did not end when it was cancelled: %r", task)
        except CancelledError:
            for task in self._left(loop):
                task.cancel()
            raise
        finally:
            self._ending.discard(me)

    def _left(self, loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[Any]]:
        # Tasks of a loop that was closed before they had ended never will.
        return {task for task in self._tasks if task not in self._ending and task.get_loop() is loop}
