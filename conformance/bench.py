"""`/bench`: small methods whose cost is the framework's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from msgspec import Struct

from hubstream import Channel, ChannelReader, Hub

__all__ = ["BenchHub"]

CHANNEL = 64
"""Items the channel of `CounterChannel` holds; the reference server's has the same bound."""


class Item(Struct, gc=False):
    """What `Objs` streams."""

    id: int
    v: float
    name: str


class BenchHub(Hub):
    """What the load generator calls."""

    async def Add(self, a: int, b: int) -> int:
        return a + b

    def AddSync(self, a: int, b: int) -> int:
        return a + b

    async def AddAwait(self, a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    def Echo(self, text: str) -> str:
        return text

    async def Counter(self, count: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n

    async def CounterAwait(self, count: int) -> AsyncIterator[int]:
        for n in range(count):
            await asyncio.sleep(0)
            yield n

    async def CounterChannel(self, count: int) -> ChannelReader[int]:
        channel = Channel[int](CHANNEL)

        async def write() -> None:
            async with channel:
                for n in range(count):
                    await channel.write(n)

        self.spawn(write())
        return channel.reader

    async def Objs(self, count: int) -> AsyncIterator[Item]:
        for n in range(count):
            yield Item(n, 2.5, "abcdef")

    async def Broadcast(self, text: str) -> None:
        await self.clients.all.send("m", text)

    async def Sum(self, numbers: AsyncIterator[int]) -> int:
        total = 0
        async for n in numbers:
            total += n
        return total
