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

HALF = 500
"""Of a thousand. What the first half leaves, an allocator's spare room above all, the second must not add to."""

SILENCE = 1.0
"""Seconds of silence after which the server gives a client up."""

OBJECTS = 100
"""Objects that the second half may add: fewer than one for each connection of a third."""

MEMORY = 1_536
"""KiB that the second half may add, three for each connection: memory in pieces makes this figure rough."""

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


@pytest.mark.parametrize(
    ("leave", "batch"),
    # A full transport holds a silent client's socket for ten seconds (TransportSendTimeout, spec 8.6): all wait together.
    [(by_reset, 100), (by_close, 100), (by_silence, HALF)],
)
async def test_a_thousand_connections_leave_nothing(
    server: str, leave: Callable[[str, list[RawHub], Stats], Awaitable[None]], batch: int
) -> None:
    async def come_and_go() -> None:
        observer = await RawHub.open(server, "/strain")
        with_observer = await stats(server)
        for start in range(0, HALF, batch):
            makers = [GENERATORS[n % len(GENERATORS)] for n in range(start, start + batch)]
            hubs = list(await asyncio.gather(*(make(server) for make in makers)))
            await standstill(observer, reads=3)
            await leave(server, hubs, with_observer)
        observer.raw.drop()

    await twice(server, come_and_go)


async def test_a_thousand_cancelled_streams_leave_nothing(server: str) -> None:
    await twice(server, lambda: cancel_streams(server, HALF))


async def twice(url: str, half: Callable[[], Awaitable[None]]) -> None:
    """Do it twice: nothing stays alive, and the second time adds no memory."""
    async with asyncio.timeout(120):
        before = await stats(url)
        await half()
        first = await settled(url, before)
        await half()
        await settled(url, first, more={"objects": OBJECTS, "rss_kb": MEMORY})


async def cancel_streams(url: str, count: int) -> None:
    """Start and cancel `count` streams, a third of each kind, each kind on a connection of its own, ten at a time."""
    for target, arguments in STREAMS.items():
        hub = await RawHub.open(url, "/strain")
        for _ in range(0, count // 3, 10):
            calls = [await hub.stream(target, *arguments) for _ in range(10)]
            begun = {message["invocationId"] async for message in until(hub, 2, set(calls))}
            assert begun == set(calls)
            await hub.cancel(*calls)
            async for completion in until(hub, 3, set(calls)):
                assert "error" not in completion, completion
        hub.raw.drop()


async def until(hub: RawHub, kind: int, calls: set[str]) -> AsyncIterator[dict[str, Any]]:
    """The first message of type `kind` of each of the calls, as they come; others are skipped."""
    missing = set(calls)
    while missing:
        message = await hub.next()
        if message["type"] == kind and message["invocationId"] in missing:
            missing.discard(message["invocationId"])
            yield message
