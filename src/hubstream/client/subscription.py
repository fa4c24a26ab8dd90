"""A stream whose items are brought to callbacks, as the JavaScript client does. Imports nothing of the package; never blocks."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Generic

from typing_extensions import TypeVar

__all__ = ["Subscription"]

logger = logging.getLogger("hubstream.client")

T = TypeVar("T")


class Subscription(Generic[T]):
    """A stream whose items are brought to callbacks."""

    __slots__ = ("_calling", "_complete", "_error", "_leave", "_next", "_task")

    def __init__(
        self,
        items: AsyncIterator[T],
        leave: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[Any]],
        next_: Callable[[T], object] | None,
        error: Callable[[Exception], object] | None,
        complete: Callable[[], object] | None,
    ) -> None:
        self._next = next_
        self._error = error
        self._complete = complete
        self._leave = leave
        self._calling = False
        self._task = spawn(self._bring(items))

    def dispose(self) -> None:
        """Want no more: no callback is called from now on, one that runs is left alone, and the server's stream is cancelled."""
        self._next = self._error = self._complete = None
        self._leave()
        if not self._calling:
            self._task.cancel()

    async def _bring(self, items: AsyncIterator[T]) -> None:
        try:
            async for item in items:
                if self._next is not None:
                    self._calling = True
                    await _call(self._next, item)
                    self._calling = False
        except Exception as error:
            if self._error is not None:
                await _call(self._error, error)
            else:
                logger.exception("a subscribed stream failed, and nobody asked for its error")
        else:
            if self._complete is not None:
                await _call(self._complete)


async def _call(callback: Callable[..., object], *arguments: object) -> None:
    try:
        outcome = callback(*arguments)
        if inspect.isawaitable(outcome):
            awaitable: Awaitable[object] = outcome
            await awaitable
    except Exception:
        logger.exception("the callback %r of a subscription failed", callback)
