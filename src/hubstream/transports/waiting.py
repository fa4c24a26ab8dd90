"""Waits that another call may end, without a task of their own.

A poll waits for its client to go and for something to answer; `asyncio.timeout` already does the delicate part, telling its own
cancellation from others', so it serves as the means here. Imports nothing of the package.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["Wait"]

T = TypeVar("T")


class Wait:
    """Somewhere for a call to wait, one at a time, until it has what it waits for or is told to go on."""

    __slots__ = ("_scope",)

    def __init__(self) -> None:
        self._scope: asyncio.Timeout | None = None

    async def until(self, awaitable: Awaitable[T], seconds: float | None = None) -> T | None:
        """Await something; None if `end()` or the time came first, which cancels it.

        Args:
            awaitable: What is awaited.
            seconds: How long at most; without end by default.
        """
        scope = asyncio.timeout(seconds)
        try:
            async with scope:
                self._scope = scope
                return await awaitable
        except TimeoutError:
            if not scope.expired():
                raise  # of what was awaited
            return None
        finally:
            self._scope = None

    def end(self) -> None:
        """The waiting call goes on, at the next turn of the loop; nothing happens if there is none."""
        scope = self._scope
        if scope is not None and not scope.expired():
            scope.reschedule(0)
