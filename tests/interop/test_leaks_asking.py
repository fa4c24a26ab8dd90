"""A thousand calls that wait for their clients' answers, in groups and behind filters, cut over real sockets: nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from hubstream import (
    ConnectionLost,
    Hub,
    HubCallerContext,
    HubError,
    HubFilter,
    HubInvocationContext,
    HubServer,
    hub_method,
)
from tests.client.conftest import live_generators, live_tasks
from tests.hosts.inside import running
from tests.interop.rawclient import RawHub

COUNT = 250
"""Connections of each kind."""

BATCH = 50
"""Connections that are open at a time."""

ENDING = 15.0
"""Seconds in which the server has noticed that they are gone."""


class Counts:
    begun = 0
    ended = 0
    filters = 0
    connected = 0


class Balance(HubFilter):
    """Counts what comes in and goes out again."""

    async def on_call(
        self, call: HubInvocationContext, next: Callable[[HubInvocationContext], Awaitable[Any]], /
    ) -> Any:
        Counts.filters += 1
        try:
            return await next(call)
        finally:
            Counts.filters -= 1

    async def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any], /) -> AsyncIterator[Any]:
        Counts.filters += 1
        try:
            async for item in items:
                yield item
        finally:
            Counts.filters -= 1

    async def on_connected(self, context: HubCallerContext, next: Callable[[], Awaitable[None]], /) -> None:
        Counts.connected += 1
        await next()

    async def on_disconnected(
        self,
        context: HubCallerContext,
        error: Exception | None,
        next: Callable[[Exception | None], Awaitable[None]],
        /,
    ) -> None:
        Counts.connected -= 1
        await next(error)


class Asking(Hub):
    async def on_connected(self) -> None:
        for name in ("all", f"own {self.context.connection_id}"):
            await self.groups.add(name)

    async def _ask(self) -> None:
        Counts.begun += 1
        try:
            await self.clients.caller.invoke("question", result=str, timeout=1_000)
        except (ConnectionLost, HubError):
            pass
        finally:
            Counts.ended += 1

    async def call(self) -> None:
        await self._ask()

    async def stream(self) -> AsyncIterator[int]:
        yield 0
        await self._ask()

    async def upload(self, items: AsyncIterator[int]) -> int:
        await self._ask()
        return sum([item async for item in items])

    async def spawned(self) -> AsyncIterator[int]:
        self.spawn(self._ask())
        yield 0
        await self._ask()

    @hub_method(thread=True)
    def thread(self) -> Iterator[int]:
        Counts.begun += 1
        try:
            while True:
                yield 0
        finally:
            Counts.ended += 1


ASKS: dict[str, dict[str, Any]] = {
    "call": {"type": 1},
    "stream": {"type": 4},
    "upload": {"type": 1, "streamIds": ["s"]},
    "spawned": {"type": 4},
    "thread": {"type": 4},
}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(ENDING):
        while not condition():  # noqa: ASYNC110 - calls set no event
            await asyncio.sleep(0.005)


def has_begun(count: int) -> bool:
    return Counts.begun == count


@pytest.mark.parametrize("name", ASKS)
async def test_connections_that_vanish_while_they_are_asked(name: str) -> None:
    Counts.begun = Counts.ended = 0
    hubs = HubServer({"/ask": Asking}, filters=[Balance()])
    tasks, generators = live_tasks(), live_generators()
    each = 2 if name == "spawned" else 1

    async def begin(url: str) -> RawHub:
        hub = await RawHub.open(url, "/ask")
        await hub.send({"invocationId": "1", "target": name, "arguments": [], **ASKS[name]})
        return hub

    async with running(hubs) as url, asyncio.timeout(90):
        for batch in range(1, COUNT // BATCH + 1):
            cut = [await begin(url) for _ in range(BATCH)]
            await until(partial(has_begun, each * BATCH * batch))
            assert hubs.snapshot()["groups"] == BATCH + 1
            for n, hub in enumerate(cut):
                if n % 2:
                    hub.raw.reset()
                else:
                    await hub.raw.close()
                    hub.raw.drop()
            await until(lambda: Counts.ended == Counts.begun and not any(hubs.snapshot().values()))
            assert await hubs.of(Asking).connections(group="all") == frozenset()
    assert Counts.filters == Counts.connected == 0
    assert live_tasks() <= tasks
    assert live_generators() <= generators
    await hubs.aclose()
