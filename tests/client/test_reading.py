from __future__ import annotations

import asyncio

import pytest

from hubstream.client import ClientCore
from hubstream.client.reading import AHEAD, ANSWER
from hubstream.errors import HubstreamError
from hubstream.protocol.messages import CancelInvocation, Invocation, StreamInvocation
from tests.client.peer import Peer, joined, turns, until

BLOCK = "x" * 1_000


async def pour(peer: Peer, invocation_id: str, count: int) -> int:
    """Send items while the client takes them; how many it took."""
    for sent in range(count):
        if peer.connection.paused:
            return sent
        peer.say(peer.item(invocation_id, BLOCK))
        await asyncio.sleep(0)
    return count


async def test_a_stream_that_is_not_taken_stops_reading_and_taking_starts_it() -> None:
    async with joined(high=10_000) as (client, peer), client.stream("blocks", item=str) as items:
        await peer.next(StreamInvocation)
        took = await pour(peer, "1", 1_000)
        # Its share, 64 KiB more, and what was on its way.
        assert AHEAD < took * len(BLOCK) < AHEAD + 10 * len(BLOCK) + 20_000
        for _ in range(took):
            assert await anext(items) == BLOCK
        await turns()
        assert not peer.connection.paused
        peer.say(peer.done("1"))
        assert {item async for item in items} <= {BLOCK}
        assert client.ending is None


async def test_nothing_is_lost_or_reordered_by_pausing() -> None:
    async with joined(high=2_000) as (client, peer), client.stream("counter", item=int) as items:
        await peer.next(StreamInvocation)

        async def count() -> None:
            for number in range(20_000):
                await until(lambda: not peer.connection.paused)
                peer.say(peer.item("1", number))
            peer.say(peer.done("1"))

        task = asyncio.create_task(count())
        got: list[int] = []
        async with asyncio.timeout(30):
            async for item in items:
                got.append(item)
                if len(got) % 1_000 == 0:
                    await turns(50)
        assert got == list(range(20_000))
        await task
        assert client.ending is None


async def test_a_cancel_and_calls_get_out_while_reading_is_paused() -> None:
    async with joined(high=10_000) as (client, peer):
        stream = client.stream("blocks")
        async with stream:
            await peer.next(StreamInvocation)
            await pour(peer, "1", 1_000)
            await client.send("say")
            assert (await peer.next(Invocation)).target == "say"
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        await turns()
        assert not peer.connection.paused


async def test_an_answer_gets_through_a_full_stream() -> None:
    async with joined(high=10_000) as (client, peer), client.stream("blocks", item=str) as items:
        await peer.next(StreamInvocation)
        took = await pour(peer, "1", 1_000)
        call = asyncio.create_task(client.invoke("add", result=int))
        await peer.next(Invocation)
        took += await pour(peer, "1", 500)
        peer.say(peer.result("2", 3))
        async with asyncio.timeout(5):
            assert await call == 3
        # Nobody waits any more: back to the ordinary bound.
        took += await pour(peer, "1", 1_000)
        assert took * len(BLOCK) < AHEAD + 500 * len(BLOCK) + 50_000
        for _ in range(took):
            assert await anext(items) == BLOCK


async def test_while_an_answer_is_awaited_the_fullest_stream_gives_way_not_the_connection() -> None:
    async with (
        joined(high=10_000) as (client, peer),
        client.stream("blocks", item=str) as blocks,
        client.stream("counter", item=int) as counter,
    ):
        call = asyncio.create_task(client.invoke("add", result=int))
        await turns()
        peer.messages.clear()
        await pour(peer, "1", ANSWER // len(BLOCK) + 100)
        with pytest.raises(HubstreamError, match=r"'blocks' was given up: \d+ bytes"):
            await anext(blocks)
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        peer.say(peer.item("2", 1), peer.result("3", 3))
        async with asyncio.timeout(5):
            assert await call == 3
            assert await anext(counter) == 1


async def test_a_task_that_reads_two_streams_is_not_held_up_by_the_full_one() -> None:
    async with joined(high=10_000) as (client, peer):

        async def both() -> tuple[str, int]:
            async with client.stream("blocks", item=str) as blocks, client.stream("rare", item=int) as rare:
                return await anext(blocks), await anext(rare)

        task = asyncio.create_task(both())
        await turns()
        await pour(peer, "1", 300)
        peer.say(peer.item("2", 1))
        async with asyncio.timeout(5):
            assert await task == (BLOCK, 1)
        assert client.ending is None


async def test_a_slow_reader_beside_a_waiting_one_only_makes_reading_wait() -> None:
    async with joined(high=10_000) as (client, peer), client.stream("blocks", item=str) as blocks:
        waiting = asyncio.create_task(wait_for_one(client))
        await turns()
        took = await pour(peer, "1", 5_000)
        assert took * len(BLOCK) < 2 * AHEAD
        peer.say(peer.item("2", 1))
        for _ in range(took):
            assert await anext(blocks) == BLOCK
        async with asyncio.timeout(5):
            assert await waiting == 1


async def wait_for_one(client: ClientCore) -> int:
    async with client.stream("rare", item=int) as rare:
        return await anext(rare)


async def test_paused_reading_is_not_taken_for_the_servers_silence() -> None:
    async with joined(high=10_000) as (client, peer), client.stream("blocks") as items:
        await peer.next(StreamInvocation)
        took = await pour(peer, "1", 1_000)
        now = asyncio.get_running_loop().time()
        client.due(now + 100)
        assert client.ending is None
        for _ in range(took):
            await anext(items)
        await turns()
        assert not peer.connection.paused
        client.due(now + 200)
        client.due(now + 201)
        assert client.ending is not None


async def test_a_dropped_handle_of_a_full_stream_lets_reading_go_on() -> None:
    async with joined(high=10_000) as (client, peer):
        items = client.stream("blocks")
        first = asyncio.create_task(anext(items))
        await peer.next(StreamInvocation)
        await pour(peer, "1", 20)
        peer.say(*(peer.item("1", BLOCK) for _ in range(200)), peer.done("1"))
        await first
        await turns()
        peer.say(peer.call("blocked"))
        await turns()
        del items, first
        await turns(10)
        assert not peer.connection.paused
        call = asyncio.create_task(client.invoke("add"))
        await peer.next(Invocation)
        peer.say(peer.result("2", 3))
        async with asyncio.timeout(5):
            assert await call == 3
