"""After a thousand opens, streams, cancels and drops there is as much in the server as before, on every transport.

The connections end by RST, by silence and by a goodbye: a third of each while their generator sleeps, a third while
it waits for a transport that is full, and a third with one that swallows its cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.interop import servers
from tests.interop.rawclient import TRANSPORTS, RawHub, settled, standstill, stats
from tests.interop.rawhttp import RawPolls

HALF = 500
"""Of a thousand. What the first half leaves, an allocator's spare room above all, the second must not add to."""

SILENCE = {"WebSockets": 1.0, "ServerSentEvents": 1.0, "LongPolling": 5.0}
"""Seconds of silence after which the server gives a client up: one that has pinged, or one that does not poll."""

OPENING = 20
"""Connections that are opened side by side, so that each comes to its next poll in time."""

OBJECTS = 100
"""Objects that the second half may add: fewer than one for each connection of a third."""

MEMORY = 1_536
"""KiB that the second half may add, three for each connection: memory in pieces makes it rough, once in ten runs more."""

ITEM = 16_384
"""Characters of an item that fills a transport."""

STREAMS: dict[str, tuple[int, ...]] = {"Asleep": (), "Flood": (ITEM,), "Stubborn": ()}
"""Methods whose streams do not end by themselves, and their arguments."""

Stats = dict[str, int]


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def server(transport: str) -> Iterator[str]:
    with servers.conformance("--client-timeout", str(SILENCE[transport])) as served:
        yield served.url


async def streaming(url: str, transport: str, target: str) -> RawHub:
    """A connection whose stream has begun; one that will be full has a small receive buffer."""
    hub = await RawHub.open(url, "/strain", 4_096 if target == "Flood" else None, transport)
    await hub.item(await hub.stream(target, *STREAMS[target]))
    return hub


async def by_reset(url: str, hubs: list[RawHub], before: Stats) -> None:
    """A poll that waits is cut, and one whose answer is being written."""
    for hub in hubs:
        await hub.raw.wait()
    await stats(url)
    for hub in hubs:
        hub.raw.reset()


async def by_close(url: str, hubs: list[RawHub], before: Stats) -> None:
    for hub in hubs:
        await hub.raw.close()
    await settled(url, before, sockets=False)
    for hub in hubs:
        hub.raw.drop()


async def by_silence(url: str, hubs: list[RawHub], before: Stats) -> None:
    """A client that has pinged once and says nothing more, or polls no more, is given up; its socket is still open then."""
    for hub in hubs:
        # Of those that poll the first may be given up by now: they have not polled since.
        if not isinstance(hub.raw, RawPolls):
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
    server: str, transport: str, leave: Callable[[str, list[RawHub], Stats], Awaitable[None]], batch: int
) -> None:
    async def come_and_go() -> None:
        observer = await RawHub.open(server, "/strain")
        with_observer = await stats(server)
        places = asyncio.Semaphore(OPENING)

        async def come(target: str) -> RawHub:
            async with places:
                return await streaming(server, transport, target)

        for start in range(0, HALF, batch):
            targets = [list(STREAMS)[n % len(STREAMS)] for n in range(start, start + batch)]
            hubs = list(await asyncio.gather(*map(come, targets)))
            await standstill(observer, reads=3)
            await leave(server, hubs, with_observer)
        observer.raw.drop()

    await twice(server, come_and_go)


async def test_a_thousand_cancelled_streams_leave_nothing(server: str, transport: str) -> None:
    await twice(server, lambda: cancel_streams(server, transport, HALF))


async def twice(url: str, half: Callable[[], Awaitable[None]]) -> None:
    """Do it twice: nothing stays alive, and the second time adds no memory. If it did, a third time may not."""
    async with asyncio.timeout(180):
        before = await stats(url)
        await half()
        first = last = await settled(url, before)
        grown: list[int] = []
        while len(grown) < 2:
            await half()
            now = await settled(url, first, more={"objects": OBJECTS})
            grown.append(now["rss_kb"] - last["rss_kb"])
            if grown[-1] <= MEMORY:
                return
            last = now
        pytest.fail(f"each {HALF} add memory, in KiB: {grown}")


async def cancel_streams(url: str, transport: str, count: int) -> None:
    """Start and cancel `count` streams, a third of each kind, each kind on a connection of its own, some at a time."""
    for target, arguments in STREAMS.items():
        hub = await RawHub.open(url, "/strain", transport=transport)
        # One that swallows its cancellation may take 5 s to end: all of them at once.
        batch = count // 3 if target == "Stubborn" else 10
        for _ in range(0, count // 3, batch):
            calls = [await hub.stream(target, *arguments) for _ in range(batch)]
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
