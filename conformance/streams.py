"""The streaming methods of `/conformance`: down, up and both ways. Delays are milliseconds on the wire, as in .NET."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from conformance.recorder import Recorder
from conformance.values import InvalidOperationException, Point
from hubstream import Channel, ChannelReader, ConnectionLost, Hub, HubError

__all__ = ["Down", "Up", "recorder"]

recorder = Recorder()
"""One for all connections: what one records, another may ask after."""

CHANNEL = 16
"""Items a channel holds before its writer waits."""


class Down(Hub):
    """Streams from the server to the client."""

    async def Counter(self, count: int, delay: int) -> ChannelReader[int]:
        channel = Channel[int](CHANNEL)

        async def write() -> None:
            async with channel:
                for n in range(count):
                    await channel.write(n)
                    await asyncio.sleep(delay / 1000)

        self.spawn(write())
        return channel.reader

    async def CounterEnumerable(self, count: int, delay: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n
            if delay > 0:
                await asyncio.sleep(delay / 1000)

    async def CounterLater(self, count: int) -> AsyncIterator[int]:
        await asyncio.sleep(0.005)
        return self.CounterEnumerable(count, 0)

    async def EmptyStream(self) -> AsyncIterator[int]:
        for n in range(0):
            yield n

    async def NullItems(self) -> AsyncIterator[str | None]:
        for item in ("a", None, "b"):
            yield item

    async def Points(self, count: int) -> AsyncIterator[Point]:
        for n in range(count):
            yield Point(n, -n, f"p{n}")

    async def Blocks(self, count: int, size: int) -> AsyncIterator[str]:
        for n in range(count):
            yield chr(ord("a") + n % 26) * size

    async def StreamFail(self, count: int, text: str) -> AsyncIterator[int]:
        for n in range(count):
            yield n
        raise HubError(text)

    async def StreamFailHidden(self, count: int, text: str) -> AsyncIterator[int]:
        for n in range(count):
            yield n
        raise InvalidOperationException(text)

    def StreamNeverStarts(self, text: str) -> AsyncIterator[int]:
        raise HubError(text)

    async def Forever(self, key: str) -> AsyncIterator[int]:
        n = 0
        try:
            while True:
                yield n
                n += 1
                await asyncio.sleep(0.005)
        finally:
            recorder.note(key, "stopped")

    async def UnserializableItems(self, count: int) -> AsyncIterator[object]:
        for n in range(count):
            yield n
        yield object()
        yield count

    async def Mutating(self, count: int) -> AsyncIterator[list[int]]:
        numbers: list[int] = []
        for n in range(count):
            numbers.append(n)
            yield numbers


class Up(Hub):
    """Streams from the client to the server, and both ways."""

    async def Sum(self, numbers: AsyncIterator[int]) -> int:
        total = 0
        async for n in numbers:
            total += n
        return total

    async def Concat(self, words: ChannelReader[str]) -> str:
        return "".join([word async for word in words])

    async def Zip(self, numbers: AsyncIterator[int], separator: str, words: AsyncIterator[str]) -> str:
        pairs: list[str] = []
        async for number in numbers:
            word = await anext(words, None)
            if word is None:
                break
            pairs.append(f"{number}{separator}{word}")
        return ",".join(pairs)

    async def SumPoints(self, points: AsyncIterator[Point]) -> int:
        return sum([point.x + point.y async for point in points])

    async def FirstOf(self, words: AsyncIterator[str]) -> str:
        return await anext(words, "")

    async def Store(self, key: str, lines: AsyncIterator[str]) -> None:
        stored: list[str] = []
        try:
            async for line in lines:
                stored.append(line)  # noqa: PERF401 - what came before an error is recorded too
        except HubError as error:
            stored.append(f"error: {error}")
        except ConnectionLost:
            stored.append("cancelled")
        recorder.note(key, *stored)

    async def FailDuring(self, numbers: AsyncIterator[int], text: str) -> str:
        async for _ in numbers:
            raise HubError(text)
        return "no items"

    async def Double(self, numbers: AsyncIterator[int]) -> AsyncIterator[int]:
        async for n in numbers:
            yield 2 * n
