"""What is under way on a connection when something happens to it: a call, streams, uploads, both ways at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hubstream import ConnectionLost, HubConnection
from tests.interop.python.check import eventually

__all__ = ["Work"]

A_LONG_TIME = 60_000
"""Milliseconds, beyond any test."""


class Work:
    """Things that do not end by themselves, on one connection.

    Args:
        connection: It is up.
        key: What the server records their ends under, with a word before it.
    """

    def __init__(self, connection: HubConnection, key: str) -> None:
        self.connection = connection
        self.key = key
        self.items: list[int] = []
        self.doubled: list[int] = []
        self.sent = 0
        """Items of uploads so far."""
        self.open = 0
        """Sources of uploads that are not closed."""
        self.completed: list[str] = []
        """Streams that seemed to be complete; none is."""
        self._tasks: list[asyncio.Task[object]] = []

    async def start(self, items: int) -> None:
        """Begin, and wait for so many items of each stream."""
        connection = self.connection
        await connection.send("Store", f"store{self.key}", self._source(str))
        self._tasks = [
            asyncio.create_task(coroutine)
            for coroutine in (
                self._read("Forever", f"forever{self.key}", into=self.items),
                self._read("Double", self._source(int), into=self.doubled),
                self._channel(),
                connection.invoke("Sum", self._source(int), result=int),
                connection.invoke("Slow", A_LONG_TIME, result=int),
            )
        ]
        await eventually(lambda: len(self.items) >= items and len(self.doubled) >= items)

    async def ended(self) -> list[Exception]:
        """Wait until all of it has ended, the sources too; what each call and stream has got."""
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        await eventually(lambda: self.open == 0)
        assert self.completed == []
        assert self.items == list(range(len(self.items)))
        assert self.doubled == list(range(0, 2 * len(self.doubled), 2))
        for outcome in outcomes:
            assert isinstance(outcome, ConnectionLost), outcome
        return [outcome for outcome in outcomes if isinstance(outcome, Exception)]

    async def _read(self, name: str, argument: object, *, into: list[int]) -> None:
        async for item in self.connection.stream(name, argument, item=int):
            into.append(item)  # noqa: PERF401 - looked at meanwhile
        self.completed.append(name)

    async def _channel(self) -> None:
        reader = await self.connection.stream_as_channel("Counter", A_LONG_TIME, 5, item=int)
        async for _ in reader:
            pass
        self.completed.append("Counter")

    async def _source(self, kind: type[int | str]) -> AsyncIterator[object]:
        self.open += 1
        try:
            for n in range(A_LONG_TIME):
                self.sent += 1
                yield kind(n)
                await asyncio.sleep(0.005)
        finally:
            await asyncio.sleep(0)
            self.open -= 1
