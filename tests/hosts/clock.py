"""The hub that every host serves: what the checks of `checks.mjs` call."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator

from hubstream import Hub

ends: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
"""Set when the stream of this key has run its `finally`."""

steps: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))

yielded: Counter[str] = Counter()
"""Blocks a stream was asked for so far."""

SEEN = 2.0
"""Seconds within which a cancel or a lost connection has to be seen."""


def _ended(key: str) -> None:
    ends[key].set()
    sys.stderr.write(f"finally ran: {key}\n")
    sys.stderr.flush()


class Clock(Hub):
    def add(self, a: int, b: int) -> int:
        return a + b

    async def steps(self, key: str, count: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n
            await steps[key].acquire()

    def go(self, key: str) -> None:
        steps[key].release()

    async def upload(self, lines: AsyncIterator[str]) -> int:
        return sum([len(line) async for line in lines])

    async def forever(self, key: str) -> AsyncIterator[int]:
        n = 0
        try:
            while True:
                yield n
                n += 1
                await asyncio.sleep(0.02)
        finally:
            _ended(key)

    async def hold(self, key: str) -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.Event().wait()
        finally:
            _ended(key)

    async def blocks(self, key: str, count: int) -> AsyncIterator[str]:
        for n in range(count):
            yielded[key] = n + 1
            yield "x" * 16_000

    def yielded(self, key: str) -> int:
        return yielded[key]

    def size(self, text: str) -> int:
        return len(text)

    async def ended(self, key: str) -> bool:
        try:
            async with asyncio.timeout(SEEN):
                await ends[key].wait()
        except TimeoutError:
            return False
        return True

    def cookie(self, name: str) -> str | None:
        return self.context.request.cookies.get(name)
