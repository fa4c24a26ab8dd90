"""A hub that notes what happens to its connections, for the tests of their life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubstream import Hub

__all__ = ["CLOSED", "COME_BACK", "GOODBYE", "Life", "Slow", "fresh"]

CLOSED = "Connection closed with an error."
GOODBYE: dict[str, Any] = {"type": 7}
COME_BACK: dict[str, Any] = {"type": 7, "allowReconnect": True}


class Life(Hub):
    log: list[Any] = []  # noqa: RUF012 - emptied by the fixture
    gate: asyncio.Event

    async def on_connected(self) -> None:
        self.log.append("connected")

    async def on_disconnected(self, error: Exception | None) -> None:
        self.log.append(error)

    def abort(self) -> str:
        self.context.abort()
        return "never seen"

    async def remember(self, key: str, value: Any) -> Any:
        previous = self.context.items.get(key)
        self.context.items[key] = value
        return previous

    def context_of(self) -> list[Any]:
        context = self.context
        return [
            context.connection_id,
            context.transport,
            context.user_id,
            context.request.path,
            context.aborted.is_set(),
        ]

    async def watches(self) -> None:
        await self.context.aborted.wait()
        self.log.append("aborted")

    async def wait(self) -> str:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        self.log.append("waited")
        return "waited"

    async def numbers(self) -> AsyncIterator[int]:
        yield 1
        await self.gate.wait()

    async def collect(self, numbers: AsyncIterator[int]) -> list[int]:
        await self.gate.wait()
        return [n async for n in numbers]

    def add(self, a: int, b: int) -> int:
        return a + b


class Slow(Life):
    """Its `on_connected` waits for the gate."""

    async def on_connected(self) -> None:
        self.log.append("connecting")
        await self.gate.wait()
        await self.clients.caller.send("Welcome")
        await super().on_connected()


@pytest.fixture(autouse=True)
def fresh() -> None:
    Life.log.clear()
    Life.gate = asyncio.Event()
