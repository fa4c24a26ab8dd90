"""However the server's bytes are cut and paced, the client sees the same."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubstream.protocol.messages import HubMessage, Ping
from tests.client.peer import joined, turns, until


async def play(protocol: str, counts: list[int], cuts: list[int], pauses: list[int]) -> list[list[int]]:
    async with joined(protocol, high=200) as (client, peer):

        async def read(index: int) -> list[int]:
            got: list[int] = []
            async for item in client.stream("counter", index, item=int):
                got.append(item)
                await turns(pauses[(index + item) % len(pauses)])
            return got

        tasks = [asyncio.create_task(read(index)) for index in range(len(counts))]
        call = asyncio.create_task(client.invoke("add", result=str))
        await turns()
        messages: list[HubMessage] = [
            peer.item(str(index + 1), number)
            for number in range(max(counts))
            for index, count in enumerate(counts)
            if number < count
        ]
        messages.append(Ping())
        messages.extend(peer.done(str(index + 1)) for index in range(len(counts)))
        data = b"".join(peer.codec.encode(message) for message in messages)
        data += peer.codec.encode(peer.result(str(len(counts) + 1), "three"))
        start = 0
        for cut in sorted({cut % (len(data) + 1) for cut in cuts} | {len(data)}):
            await until(lambda: not peer.connection.paused)
            if cut > start:
                peer.connection.write(data[start:cut])
            start = cut
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert await call == "three"
            return [await task for task in tasks]


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
    pauses=st.lists(st.integers(0, 4), min_size=1, max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_every_item_comes_in_order_and_every_answer_comes(
    protocol: str, counts: list[int], cuts: list[int], pauses: list[int]
) -> None:
    assert asyncio.run(play(protocol, counts, cuts, pauses)) == [list(range(count)) for count in counts]
