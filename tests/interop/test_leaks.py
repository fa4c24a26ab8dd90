"""After a thousand opens, streams, cancels and drops there is as much in the server as before.

The connections end by RST, by silence and by a Close frame: a third of each while their generator sleeps, a third while
it waits for a transport that is full, and a third with one that swallows its cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.interop import servers
from tests.interop.rawclient import RawHub, settled, standstill, stats

THOUSAND = 1_000
BATCH = 100
"""Connections open at a time."""

SILENCE = 1.0
"""Seconds of silence after which the server gives a client up."""

OBJECTS = 500
"""Objects that may be more than before: one for each connection would be a leak."""

MEMORY = 2_048
"""KiB the process may have grown by: what the allocator keeps, two KiB a connection."""

ITEM = 16_384
"""Characters of an item that fills a transport."""

STREAMS: dict[str, tuple[int, ...]] = {"Asleep": (), "Flood": (ITEM,), "Stubborn": ()}
"""Methods whose streams do not end by themselves, and their arguments."""

Stats = dict[str, int]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with servers.conformance("--client-timeout", str(SILENCE)) as served:
        yield served.url


async def asleep(url: str) -> RawHub:
    return await streaming(url, "Asleep")


async def full(url: str) -> RawHub:
    return await streaming(url, "Flood", ITEM, receive_buffer=4_096)


async def stubborn(url: str) -> RawHub:
    return await streaming(url, "Stubborn")


GENERATORS = (asleep, full, stubborn)


async def streaming(url: str, target: str, *arguments: object, receive_buffer: int | None = None) -> RawHub:
    """A connection whose stream has begun."""
    hub = await RawHub.open(url, "/strain", receive_buffer)
    await hub.item(await hub.stream(target, *arguments))
    return hub


async def by_reset(url: str, hubs: list[RawHub], before: Stats) -> None:
    for hub in hubs:
        hub.raw.reset()


async def by_close(url: str, hubs: list[RawHub], before: Stats) -> None:
    for hub in hubs:
        await hub.raw.close()
    await settled(url, before, sockets=False)
    for hub in hubs:
        hub.raw.drop()


async def by_silence(url: str, hubs: list[RawHub], before: Stats) -> None:
    """A client that has pinged once and says nothing more is given up; its socket is still open then."""
    for hub in hubs:
        await hub.ping()
    await settled(url, before, sockets=False)
    for hub in hubs:
        hub.raw.drop()


@pytest.mark.parametrize("leave", [by_reset, by_close, by_silence])
async def test_a_thousand_connections_leave_nothing(
    server: str, leave: Callable[[str, list[RawHub], Stats], Awaitable[None]]
) -> None:
    async with asyncio.timeout(60):
        await come_and_go(server, BATCH, leave)
        before = await stats(server)
        await come_and_go(server, THOUSAND, leave)
        await as_before(server, before)


async def test_a_thousand_cancelled_streams_leave_nothing(server: str) -> None:
    async with asyncio.timeout(60):
        await cancel_streams(server, BATCH)
        before = await stats(server)
        await cancel_streams(server, THOUSAND)
        await as_before(server, before)


async def come_and_go(url: str, count: int, leave: Callable[[str, list[RawHub], Stats], Awaitable[None]]) -> None:
    """Open `count` connections, batch by batch, and end each batch in the same way."""
    observer = await RawHub.open(url, "/strain")
    before = await stats(url)
    for start in range(0, count, BATCH):
        makers = [GENERATORS[n % len(GENERATORS)] for n in range(start, start + BATCH)]
        hubs = list(await asyncio.gather(*(make(url) for make in makers)))
        await standstill(observer, reads=3)
        await leave(url, hubs, before)
    await settled(url, before)
    observer.raw.drop()


async def cancel_streams(url: str, count: int) -> None:
    """Start and cancel `count` streams of each kind on one connection after the other, twenty at a time."""
    before = await stats(url)
    for target, arguments in STREAMS.items():
        hub = await RawHub.open(url, "/strain")
        for _ in range(0, count // 3, 20):
            calls = [await hub.stream(target, *arguments) for _ in range(20)]
            begun = {message["invocationId"] async for message in until(hub, 2, set(calls))}
            assert begun == set(calls)
            await hub.cancel(*calls)
            async for completion in until(hub, 3, set(calls)):
                assert "error" not in completion, completion
        hub.raw.drop()
    await settled(url, before)


async def until(hub: RawHub, kind: int, calls: set[str]) -> AsyncIterator[dict[str, Any]]:
    """The first message of type `kind` of each of the calls, as they come; others are skipped."""
    missing = set(calls)
    while missing:
        message = await hub.next()
        if message["type"] == kind and message["invocationId"] in missing:
            missing.discard(message["invocationId"])
            yield message


async def as_before(url: str, before: Stats) -> None:
    now = await settled(url, before)
    growth = {name: now[name] - before[name] for name in now}
    assert growth["objects"] <= OBJECTS, growth
    assert growth["rss_kb"] <= MEMORY, growth
