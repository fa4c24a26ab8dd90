from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from hubstream.client import Stream
from hubstream.errors import ConnectionLost, HubError, ProtocolError
from hubstream.protocol.messages import CancelInvocation, Completion, Invocation, StreamInvocation
from tests.client.peer import Peer, joined, turns
from tests.clock import EAGER

LOOPS = EAGER

PROTOCOLS = pytest.mark.parametrize("protocol", ["json", "messagepack"])


@PROTOCOLS
async def test_items_then_the_end(protocol: str) -> None:
    async with joined(protocol) as (client, peer):
        async with client.stream("counter", 3, item=int) as items:
            asked = await peer.next(StreamInvocation)
            assert (asked.target, asked.invocation_id, peer.arguments(asked)) == ("counter", "1", [3])
            peer.say(peer.item("1", 0), peer.item("1", 1))
            assert [await anext(items), await anext(items)] == [0, 1]
            peer.say(peer.item("1", 2), peer.done("1"))
            assert [item async for item in items] == [2]
            assert [item async for item in items] == []
        await client.send("after")
        await peer.next(Invocation)


async def test_it_is_asked_for_at_the_first_item_or_on_entering_the_block() -> None:
    async with joined() as (client, peer):
        stream = client.stream("counter")
        entered = client.stream("entered")
        await client.send("first")
        await peer.next(Invocation)
        task = asyncio.create_task(anext(stream))
        assert (await peer.next(StreamInvocation)).target == "counter"
        peer.say(peer.item("1", 7))
        assert await task == 7
        async with entered:
            assert (await peer.next(StreamInvocation)).target == "entered"
        assert (await peer.next(CancelInvocation)).invocation_id == "2"
        await stream.aclose()


async def test_each_item_can_be_taken_as_soon_as_it_came() -> None:
    async with joined() as (client, peer), client.stream("counter", item=int) as items:
        await peer.next(StreamInvocation)
        for number in range(5):
            peer.say(peer.item("1", number))
            async with asyncio.timeout(5):
                assert await anext(items) == number


async def leave_block(stream: Stream[int]) -> None:
    async with stream:
        await anext(stream)


async def leave_block_by_error(stream: Stream[int]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stream:
            raise ZeroDivisionError


async def leave_loop_and_drop(stream: Stream[int]) -> None:
    async for _ in stream:
        break


async def close(stream: Stream[int]) -> None:
    await anext(stream)
    await stream.aclose()
    await stream.aclose()


async def cancel_the_task_that_waits(stream: Stream[int]) -> None:
    await anext(stream)
    task = asyncio.create_task(anext(stream))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def dispose(stream: Stream[int]) -> None:
    got = asyncio.Event()
    subscription = stream.subscribe(next=lambda _: got.set(), complete=lambda: pytest.fail("it was disposed"))
    await got.wait()
    subscription.dispose()
    subscription.dispose()


@pytest.mark.parametrize(
    "leave", [leave_block, leave_block_by_error, leave_loop_and_drop, close, cancel_the_task_that_waits, dispose]
)
async def test_leaving_early_cancels_the_servers_stream(leave: object) -> None:
    async with joined() as (client, peer):
        # The only reference is the coroutine's.
        task = asyncio.create_task(leave(client.stream("counter", item=int)))  # type: ignore[operator]  # one of a table
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0))
        async with asyncio.timeout(5):
            await task
        del task
        gc.collect()
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        peer.say(peer.item("1", 1), peer.done("1"))
        await client.send("after")
        await peer.next(Invocation)


async def test_a_cancel_is_on_the_wire_in_the_same_loop_iteration() -> None:
    async with joined() as (client, peer), client.stream("counter") as items:
        await peer.next(StreamInvocation)
        await items.aclose()
        await turns(3)
        assert [type(message) for message in peer.messages] == [CancelInvocation]


async def test_a_handle_that_was_never_used_sends_nothing() -> None:
    async with joined() as (client, peer):
        stream = client.stream("counter")
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        del stream
        client.stream("counter")
        gc.collect()
        await turns()
        assert peer.messages == []


async def test_a_handle_dropped_after_its_loop_is_closed_is_quiet() -> None:
    async with joined() as (client, peer):
        items = client.stream("counter")
        task = asyncio.create_task(anext(items))
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0))
        assert await task == 0
    del items, task
    gc.collect()


def error(text: str) -> str:
    return f"An error occurred on the server while streaming results. HubException: {text}"


async def test_items_come_before_an_error() -> None:
    async with joined() as (client, peer), client.stream("counter", item=int) as items:
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0), peer.item("1", 1), peer.done("1", error("gone [a]")))
        assert [await anext(items), await anext(items)] == [0, 1]
        for _ in range(2):
            with pytest.raises(HubError) as raised:
                await anext(items)
            assert (raised.value.text, raised.value.code) == ("gone", "a")


async def gather(items: Stream[int], into: list[int]) -> None:
    async for item in items:
        into.append(item)  # noqa: PERF401 - a comprehension would lose them


@pytest.mark.parametrize("how", ["cut", "close"])
async def test_a_loss_never_looks_like_the_end(how: str) -> None:
    async with joined() as (client, peer), client.stream("counter", item=int) as items:
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0))
        await turns()
        peer.connection.abort() if how == "cut" else peer.close()
        got: list[int] = []
        with pytest.raises(ConnectionLost):
            await gather(items, got)
        assert got == [0]


async def test_an_item_of_another_type_ends_this_stream_only() -> None:
    async with joined() as (client, peer), client.stream("counter", item=int) as items:
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0), peer.item("1", "one"), peer.item("1", 2))
        assert await anext(items) == 0
        for _ in range(2):
            with pytest.raises(HubError, match="Error trying to deserialize item to int"):
                await anext(items)
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        await client.send("after")
        await peer.next(Invocation)


async def test_a_result_at_the_end_of_a_stream() -> None:
    async with joined() as (client, peer), client.stream("counter") as items:
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0), peer.result("1", 3))
        assert await anext(items) == 0
        with pytest.raises(ProtocolError, match=r"^Server provided a result in a completion response to a streamed"):
            await anext(items)


async def test_what_cannot_be_sent_is_raised_when_it_is_asked_for() -> None:
    async with joined() as (client, peer):
        with pytest.raises(TypeError, match="argument 1 of 'counter' cannot be sent"):
            async with client.stream("counter", object()):
                pytest.fail("not reached")
        await client.send("after")
        await peer.next(Invocation)


async def test_two_tasks_cannot_wait_for_one_stream() -> None:
    async with joined() as (client, peer), client.stream("counter", item=int) as items:
        await peer.next(StreamInvocation)
        first = asyncio.create_task(anext(items))
        await turns()
        with pytest.raises(RuntimeError, match="another task waits"):
            await anext(items)
        peer.say(peer.item("1", 0))
        assert await first == 0


async def test_streams_are_independent() -> None:
    async with joined() as (client, peer), client.stream("a", item=int) as a, client.stream("b", item=int) as b:
        peer.say(peer.item("2", 20), peer.item("1", 10), peer.done("2", "bad"))
        assert await anext(a) == 10
        assert await anext(b) == 20
        with pytest.raises(HubError, match="bad"):
            await anext(b)
        peer.say(peer.item("1", 11), peer.done("1"))
        assert [item async for item in a] == [11]


async def subscribed(peer: Peer, count: int, end: Completion) -> None:
    await peer.next(StreamInvocation)
    peer.say(*(peer.item("1", number) for number in range(count)), end)


async def test_subscribe_brings_items_then_the_end() -> None:
    async with joined() as (client, peer):
        seen: list[object] = []
        done = asyncio.Event()

        async def slow(item: int) -> None:
            await asyncio.sleep(0)
            seen.append(item)

        def complete() -> None:
            seen.append("complete")
            done.set()

        client.stream("counter", item=int).subscribe(next=slow, error=seen.append, complete=complete)
        await subscribed(peer, 3, peer.done("1"))
        async with asyncio.timeout(5):
            await done.wait()
        assert seen == [0, 1, 2, "complete"]


async def test_subscribe_brings_the_error() -> None:
    async with joined() as (client, peer):
        errors: asyncio.Queue[Exception] = asyncio.Queue()
        client.stream("counter").subscribe(error=errors.put_nowait)
        await subscribed(peer, 2, peer.done("1", error("gone")))
        async with asyncio.timeout(5):
            assert isinstance(await errors.get(), HubError)


async def test_what_a_subscription_does_not_ask_for_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with joined() as (client, peer):
        seen: list[int] = []

        def fails(item: int) -> None:
            seen.append(item)
            raise ValueError(item)

        client.stream("counter", item=int).subscribe(next=fails)
        await subscribed(peer, 2, peer.done("1", error("gone")))
        await turns(10)
        assert seen == [0, 1]
        texts = [record.message for record in caplog.records if record.levelno == logging.ERROR]
        assert len(texts) == 3
        assert "nobody asked for its error" in texts[2]
        assert "gone" in str(caplog.records[-1].exc_info)


async def test_dispose_from_inside_next() -> None:
    async with joined() as (client, peer):
        seen: list[int] = []

        def first(item: int) -> None:
            seen.append(item)
            subscription.dispose()

        subscription = client.stream("counter", item=int).subscribe(next=first, complete=pytest.fail)
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0), peer.item("1", 1))
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        assert seen == [0]


async def test_a_callback_that_disposes_runs_to_its_end() -> None:
    async with joined() as (client, peer):
        seen: list[int] = []

        async def first(item: int) -> None:
            subscription.dispose()
            await turns()
            seen.append(item)

        subscription = client.stream("counter", item=int).subscribe(next=first, complete=pytest.fail)
        await peer.next(StreamInvocation)
        peer.say(peer.item("1", 0), peer.item("1", 1))
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        await turns(10)
        assert seen == [0]


async def test_closed_while_it_waits_for_its_turn_it_asks_for_nothing() -> None:
    async with joined(high=100) as (client, peer):
        peer.connection.pause_reading()
        await client.send("first", "x" * 200)
        await turns()
        stream = client.stream("counter")
        task = asyncio.create_task(anext(stream))
        await turns()
        await stream.aclose()
        peer.connection.resume_reading()
        with pytest.raises(StopAsyncIteration):
            await task
        assert (await peer.next(Invocation)).target == "first"
        await client.send("after")
        assert (await peer.next(Invocation)).target == "after"
