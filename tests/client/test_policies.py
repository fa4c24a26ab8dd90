"""What becomes of a stream whose items come faster than they are taken; and streams as channels."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hubstream import ChannelClosed, ConnectionLost, HubError, HubstreamError
from hubstream.protocol.messages import CancelInvocation, StreamInvocation
from tests.client.peer import joined, turns, until

POLICIES: list[tuple[Any, int, list[int], int]] = [
    ("wait", 3, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0),
    ("drop_oldest", 3, [7, 8, 9], 7),
    ("drop_oldest", 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0),
    ("latest", 3, [9], 9),
    ("error", 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0),
]


@pytest.mark.parametrize(("policy", "buffer", "left", "dropped"), POLICIES)
@pytest.mark.parametrize("where", ["of the stream", "of the connection"])
async def test_a_full_buffer(
    policy: Any, buffer: int, left: list[int], dropped: int, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    ours: dict[str, Any] = {"stream_buffer": buffer, "stream_policy": policy} if "connection" in where else {}
    its: dict[str, Any] = {"buffer": buffer, "policy": policy} if not ours else {}
    async with joined(**ours) as (client, peer), client.stream("counter", item=int, **its) as items:
        await peer.next(StreamInvocation)
        for number in range(10):
            peer.say(peer.item("1", number))
            await turns()
        peer.say(peer.done("1"))
        await turns()
        assert [item async for item in items] == left
        assert items.dropped == dropped
        assert [record.getMessage() for record in caplog.records] == (
            ["items of the stream 'counter' are dropped: 3 wait to be taken already"]
            if dropped and policy == "drop_oldest"
            else []
        )


async def test_error_gives_what_waits_then_fails_and_tells_the_server() -> None:
    async with joined() as (client, peer), client.stream("counter", item=int, buffer=3, policy="error") as items:
        await peer.next(StreamInvocation)
        peer.say(*(peer.item("1", number) for number in range(10)))
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        assert [await anext(items) for _ in range(4)] == [0, 1, 2, 3]
        for _ in range(2):
            with pytest.raises(HubstreamError, match="more than the 3 items of its buffer wait"):
                await anext(items)
        assert client.ending is None


@pytest.mark.parametrize("policy", ["drop_oldest", "latest"])
async def test_policies_that_drop_never_stop_reading(policy: Any) -> None:
    async with joined(high=10_000) as (client, peer), client.stream("blocks", buffer=5, policy=policy) as items:
        await peer.next(StreamInvocation)
        for _ in range(1_000):
            peer.say(peer.item("1", "x" * 1_000))
            await asyncio.sleep(0)
            assert not peer.connection.paused
        await turns()
        await anext(items)
        assert items.dropped >= 990


async def test_a_dropping_stream_whose_reader_waits_loses_nothing() -> None:
    async with joined() as (client, peer), client.stream("counter", item=int, policy="latest") as items:
        await peer.next(StreamInvocation)
        for number in range(20):
            task = asyncio.ensure_future(anext(items))
            await turns()
            peer.say(peer.item("1", number))
            assert await task == number
        assert items.dropped == 0


BUFFERS: list[tuple[dict[str, Any], str]] = [
    ({"buffer": 0}, "at least one item, not 0"),
    ({"policy": "drop"}, "not 'drop'"),
]


@pytest.mark.parametrize(("options", "text"), BUFFERS, ids=str)
async def test_what_is_no_buffer(options: dict[str, Any], text: str) -> None:
    async with joined() as (client, _peer):
        with pytest.raises(ValueError, match=text):
            client.stream("counter", **options)
        with pytest.raises(ValueError, match=text):
            await client.stream_as_channel("counter", **options)


async def test_a_channel() -> None:
    async with joined() as (client, peer):
        reader = await client.stream_as_channel("counter", 3, item=int)
        asked = await peer.next(StreamInvocation)
        assert peer.arguments(asked) == [3]
        peer.say(peer.item("1", 0), peer.item("1", 1), peer.item("1", 2), peer.done("1"))
        await turns()
        assert len(reader) == 3
        assert await reader.read() == 0
        assert [item async for item in reader] == [1, 2]
        with pytest.raises(ChannelClosed):
            await reader.read()


async def test_a_channel_ends_with_the_streams_error() -> None:
    async with joined() as (client, peer):
        readers = [await client.stream_as_channel("counter") for _ in range(2)]
        peer.say(peer.done("1", "too bad"))
        with pytest.raises(HubError, match="too bad"):
            await readers[0].read()
        peer.connection.abort()
        with pytest.raises(ConnectionLost):
            await readers[1].read()


async def test_reading_a_channel_can_be_cancelled() -> None:
    async with joined() as (client, peer):
        reader = await client.stream_as_channel("counter", item=int)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await reader.read()
        peer.say(peer.item("1", 1))
        assert await reader.read() == 1
        assert [type(message) for message in peer.messages] == [StreamInvocation]


async def test_tasks_share_a_channel() -> None:
    async with joined() as (client, peer):
        reader = await client.stream_as_channel("counter", item=int)
        tasks = [asyncio.ensure_future(reader.read()) for _ in range(3)]
        await turns()
        tasks[0].cancel()
        peer.say(peer.item("1", 1), peer.item("1", 2))
        assert [await task for task in tasks[1:]] == [1, 2]


@pytest.mark.parametrize("how", ["aclose", "drop"])
async def test_leaving_a_channel_cancels_the_stream(how: str) -> None:
    async with joined() as (client, peer):
        reader = await client.stream_as_channel("counter", item=int)
        await peer.next(StreamInvocation)
        if how == "aclose":
            await reader.aclose()
            assert [item async for item in reader] == []
        del reader
        assert (await peer.next(CancelInvocation)).invocation_id == "1"


async def test_a_stream_left_by_break_outside_a_block_is_cancelled() -> None:
    async with joined() as (client, peer):

        async def first() -> int:
            async for item in client.stream("counter", item=int):
                return item
            raise AssertionError

        task = asyncio.create_task(first())
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 1), peer.item("1", 2))
        assert await task == 1
        del task
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        await until(lambda: not client.wire.pending)
