"""A thousand calls and streams with dependencies, cut in the middle over real sockets: each dependency is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Annotated, Any

import pytest

from hubstream import Depends, Hub, HubServer, hub_method
from tests.client.conftest import live_generators, live_tasks
from tests.hosts.inside import running
from tests.interop.rawclient import RawHub

COUNT = 200
"""Of each kind."""

BATCH = 50
"""Connections that are open at a time."""

ENDING = 15.0
"""Seconds in which the server has noticed that they are gone."""


class Counts:
    opened = 0
    closed = 0


def opened() -> Iterator[None]:
    Counts.opened += 1
    try:
        yield
    finally:
        Counts.closed += 1


async def opened_async(first: Annotated[None, Depends(opened)]) -> AsyncIterator[None]:
    Counts.opened += 1
    try:
        await asyncio.sleep(0)
        yield
    finally:
        await asyncio.sleep(0)
        Counts.closed += 1


async def never_opened(first: Annotated[None, Depends(opened_async)]) -> AsyncIterator[None]:
    await asyncio.sleep(1000)
    yield


Both = Annotated[None, Depends(opened_async)]


class Cut(Hub):
    async def asleep(self, both: Both) -> AsyncIterator[int]:
        yield 0
        await asyncio.sleep(1000)

    async def flood(self, both: Both) -> AsyncIterator[str]:
        while True:
            yield "x" * 4_096

    async def opening(self, never: Annotated[None, Depends(never_opened)]) -> AsyncIterator[int]:
        yield 0

    @hub_method(cancel_on_disconnect=True)
    async def call(self, both: Both) -> None:
        await asyncio.sleep(1000)

    async def upload(self, items: AsyncIterator[int], both: Both) -> int:
        return sum([item async for item in items])


ASKS: dict[str, dict[str, Any]] = {
    "asleep": {"type": 4},
    "flood": {"type": 4},
    "opening": {"type": 4},
    "call": {"type": 1},
    "upload": {"type": 1, "streamIds": ["s"]},
}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(ENDING):
        while not condition():  # noqa: ASYNC110 - dependencies set no event
            await asyncio.sleep(0.005)


def has_opened(count: int) -> bool:
    """Each call has two dependencies."""
    return Counts.opened == count


async def until_closed(hubs: HubServer) -> None:
    await until(lambda: Counts.closed == Counts.opened and not any(hubs.snapshot().values()))


@pytest.mark.parametrize("name", ASKS)
async def test_what_is_cut_in_the_middle_is_closed(name: str) -> None:
    Counts.opened = Counts.closed = 0
    hubs = HubServer({"/cut": Cut})
    tasks, generators = live_tasks(), live_generators()

    async def begin(url: str) -> RawHub:
        hub = await RawHub.open(url, "/cut")
        await hub.send({"invocationId": "1", "target": name, "arguments": [], **ASKS[name]})
        return hub

    async with running(hubs) as url, asyncio.timeout(60):
        for batch in range(COUNT // BATCH):
            cut = [await begin(url) for _ in range(BATCH)]
            await until(partial(has_opened, 2 * BATCH * (batch + 1)))
            for n, hub in enumerate(cut):
                if n % 2:
                    hub.raw.reset()
                else:
                    await hub.cancel("1")
            for hub in cut[::2]:
                async with asyncio.timeout(10):
                    await completion(hub)
                hub.raw.drop()
            await until_closed(hubs)
    assert Counts.opened == Counts.closed == 2 * COUNT
    assert live_tasks() <= tasks
    assert live_generators() <= generators


async def completion(hub: RawHub) -> None:
    """What its cancellation is answered with."""
    while (await hub.next())["type"] != 3:
        pass


async def test_a_thousand_calls_and_streams_of_one_connection() -> None:
    Counts.opened = Counts.closed = 0
    hubs = HubServer({"/cut": Cut})
    async with running(hubs) as url, asyncio.timeout(60):
        hub = await RawHub.open(url, "/cut")
        for start in range(0, 1_000, BATCH):
            calls = [await hub.stream("asleep") for _ in range(BATCH)]
            await until(partial(has_opened, 2 * (start + BATCH)))
            await hub.cancel(*calls)
            for _ in calls:
                await completion(hub)
        assert Counts.opened == Counts.closed == 2_000
        hub.raw.drop()
        await until_closed(hubs)
