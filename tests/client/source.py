"""A source of an upload that tells how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Source:
    """An async generator that tells how it ended."""

    def __init__(self, count: int = 1_000_000, *, wait: bool = False, error: Exception | None = None) -> None:
        self.count = count
        self.wait = wait
        self.error = error
        self.given = 0
        self.closed = asyncio.Event()

    async def items(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                self.given += 1
                yield number
                await asyncio.sleep(0)
            if self.wait:
                await asyncio.Event().wait()
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()
