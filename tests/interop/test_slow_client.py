"""A client that does not read, or does not poll, makes its own stream wait, and costs the server and its neighbours nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.interop import servers
from tests.interop.rawclient import TRANSPORTS, RawHub, standstill, stats

SIZE = 1_000
"""Characters of an item."""

RECEIVE_BUFFER = 4_096
"""Bytes the kernel holds for the slow client."""

MEMORY = 1_024
"""KiB the server may grow by for a client that does not read."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of its own: whatever else runs would count as growth."""
    with servers.conformance() as served:
        yield served.url


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_does_not_read_makes_its_producer_wait(server: str, transport: str) -> None:
    async with asyncio.timeout(60):
        neighbour = await RawHub.open(server, "/strain", transport=transport)
        await flood_for_a_while(server, transport)
        before = await stats(server)
        produced_before = await neighbour.invoke("Produced")

        slow = await RawHub.open(server, "/strain", RECEIVE_BUFFER, transport)
        flood = await slow.stream("Flood", SIZE)
        assert number(await slow.item(flood)) == 0
        stopped_at = await standstill(neighbour)
        assert await slow_growth(server, before) <= MEMORY

        other = await RawHub.open(server, transport=transport)
        async with asyncio.timeout(1):
            assert await other.invoke("Add", 40, 2) == 42
        assert await neighbour.invoke("Produced") == stopped_at

        # Read again: everything that was held back comes, in order, and what is produced from now on behind it.
        held = stopped_at - produced_before
        for n in range(1, 2 * held):
            assert number(await slow.item(flood)) == n
        assert await neighbour.invoke("Produced") > stopped_at

        await slow.cancel(flood)
        while (last := await slow.next())["type"] == 2:
            pass
        assert last == {"type": 3, "invocationId": flood}
        assert await slow.invoke("Produced") == await neighbour.invoke("Produced")
        for hub in (slow, neighbour, other):
            hub.raw.drop()


async def flood_for_a_while(server: str, transport: str) -> None:
    """What the first stream of a process needs for itself is no growth."""
    hub = await RawHub.open(server, "/strain", transport=transport)
    flood = await hub.stream("Flood", SIZE)
    for n in range(1_000):
        assert number(await hub.item(flood)) == n
    hub.raw.reset()


async def slow_growth(server: str, before: dict[str, int]) -> int:
    return (await stats(server))["rss_kb"] - before["rss_kb"]


def number(item: str) -> int:
    assert len(item) == SIZE
    return int(item.split(" ", 1)[0])
