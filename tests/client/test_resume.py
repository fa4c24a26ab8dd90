"""Streams that go on after a reconnect (`resume=`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubstream import ConnectionLost, HubError
from hubstream.protocol.messages import CancelInvocation, StreamInvocation
from tests.client.attempts import Network, TestedConnection, at_once, networked
from tests.client.peer import joined, turns, until
from tests.clock import JumpingLoop

LOOP = JumpingLoop


def after(last: int) -> tuple[int]:
    return (last + 1,)


async def serve(network: Network, number: int, first: int, count: int, *, done: bool = False) -> None:
    """Give items to the stream that is asked for on connection `number`, which has to begin with `first`; then cut, or end it."""
    await until(lambda: len(network.peers) == number and network.peer.messages)
    peer = network.peer
    asked = await peer.next(StreamInvocation)
    assert peer.arguments(asked) == [first]
    peer.say(*(peer.item("1", first + n) for n in range(count)))
    if done:
        peer.say(peer.done("1"))
    else:
        await turns()
        peer.connection.abort()


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize("slow", [False, True])
async def test_a_stream_goes_on_over_reconnects(protocol: str, slow: bool) -> None:
    async with networked(reconnect=at_once, protocol=protocol) as (connection, network):
        got: list[int] = []

        async def read() -> None:
            async with connection.stream("counter", 0, item=int, resume=after) as items:
                async for item in items:
                    got.append(item)
                    if slow:
                        await asyncio.sleep(1)

        task = asyncio.create_task(read())
        await serve(network, 1, 0, 5)
        await until(lambda: slow or len(network.peers) == 2)
        if slow:  # what had come is read first, on whichever connection the client is by then
            await asyncio.sleep(10)
        await serve(network, 2, 5, 0)
        await serve(network, 3, 5, 3)
        if slow:
            await asyncio.sleep(10)
        await serve(network, 4, 8, 2, done=True)
        async with asyncio.timeout(60):
            await task
        assert got == list(range(10))


async def test_before_the_first_item_the_same_is_asked_again() -> None:
    async with networked(reconnect=[1, 1]) as (connection, network):
        items = connection.stream("counter", 7, item=int, resume=after)
        task = asyncio.ensure_future(anext(items))
        await serve(network, 1, 7, 0)
        await asyncio.sleep(2)
        await serve(network, 2, 7, 1, done=True)
        assert await task == 7
        assert [item async for item in items] == []


async def test_it_ends_when_the_attempts_are_exhausted() -> None:
    async with networked(["agree", OSError(), OSError()], reconnect=[1, 1]) as (connection, network):
        items = connection.stream("counter", 0, item=int, resume=after)
        task = asyncio.ensure_future(anext(items))
        await serve(network, 1, 0, 1)
        assert await task == 0
        with pytest.raises(ConnectionLost, match="exhausted after 2 failed attempts"):
            await anext(items)
        with pytest.raises(ConnectionLost):
            await anext(items)


async def test_it_ends_with_stop() -> None:
    for reconnecting in (False, True):
        async with networked(reconnect=[100]) as (connection, network):
            items = connection.stream("counter", 0, item=int, resume=after)
            task = asyncio.ensure_future(anext(items))
            await network.peer.next(StreamInvocation)
            if reconnecting:
                network.peer.connection.abort()
                await turns()
            await connection.stop()
            with pytest.raises(ConnectionLost):
                await task
            await connection.start()
            with pytest.raises(ConnectionLost):
                await anext(items)
            assert network.peer.messages == []


async def test_it_ends_with_a_loss_where_nothing_reconnects() -> None:
    async with networked() as (connection, network):
        items = connection.stream("counter", 0, item=int, resume=after)
        task = asyncio.ensure_future(anext(items))
        await serve(network, 1, 0, 1)
        assert await task == 0
        with pytest.raises(ConnectionLost, match="lost"):
            await anext(items)
    async with joined() as (client, peer):
        task = asyncio.ensure_future(anext(client.stream("counter", 0, item=int, resume=after)))
        await peer.next(StreamInvocation)
        peer.connection.abort()
        with pytest.raises(ConnectionLost):
            await task


async def test_an_error_of_the_server_ends_it() -> None:
    async with networked(reconnect=[0]) as (connection, network):
        items = connection.stream("counter", 0, item=int, resume=after)
        task = asyncio.ensure_future(anext(items))
        await network.peer.next(StreamInvocation)
        network.peer.say(network.peer.done("1", "no such counter"))
        with pytest.raises(HubError, match="no such counter"):
            await task


RESUMES: list[tuple[Any, type[Exception], str]] = [
    (ValueError("of the test"), ValueError, "of the test"),
    ("0", TypeError, "as a tuple or list, not '0'"),
    (0, TypeError, "as a tuple or list, not 0"),
    ((object(),), TypeError, "argument 1 of 'counter' cannot be sent"),
]


@pytest.mark.parametrize(("answer", "kind", "text"), RESUMES)
async def test_what_cannot_be_asked_again(answer: Any, kind: type[Exception], text: str) -> None:
    def resume(last: int) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with networked(reconnect=[0]) as (connection, network):
        items = connection.stream("counter", 0, item=int, resume=resume)
        task = asyncio.ensure_future(anext(items))
        await serve(network, 1, 0, 1)
        assert await task == 0
        with pytest.raises(kind, match=text):
            await anext(items)
        with pytest.raises((ConnectionLost, StopAsyncIteration)):
            await anext(items)
        assert network.peer.messages == []


async def test_uploads_cannot_be_asked_again() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1

    connection = TestedConnection(Network(), reconnect=True)
    with pytest.raises(TypeError, match="'shout' again, but what was uploaded"):
        connection.stream("shout", numbers(), resume=after)


@pytest.mark.parametrize("how", ["aclose", "cancel", "dispose"])
async def test_leaving_it_while_it_waits_for_a_reconnect(how: str) -> None:
    async with networked(reconnect=[5]) as (connection, network):
        items = connection.stream("counter", 0, item=int, resume=after)
        subscription = items.subscribe() if how == "dispose" else None
        task = asyncio.ensure_future(anext(items)) if how != "dispose" else None
        await serve(network, 1, 0, 0)
        await asyncio.sleep(1)
        if subscription is not None:
            subscription.dispose()
        if how == "aclose":
            await items.aclose()
        elif task is not None:
            task.cancel()
        await asyncio.sleep(10)
        assert connection.connection_id == "id2"
        assert [message for message in network.peer.messages if not isinstance(message, CancelInvocation)] == []
        if task is not None:
            with pytest.raises(StopAsyncIteration if how == "aclose" else asyncio.CancelledError):
                await task
        if how != "cancel":
            assert [item async for item in items] == []


async def test_a_subscription_lives_over_reconnects() -> None:
    async with networked(reconnect=at_once) as (connection, network):
        got: list[Any] = []
        connection.stream("counter", 0, item=int, resume=after).subscribe(
            got.append, lambda error: got.append(str(error)), lambda: got.append("done")
        )
        await serve(network, 1, 0, 2)
        await serve(network, 2, 2, 2)
        await serve(network, 3, 4, 1, done=True)
        await turns(20)
        assert got == [0, 1, 2, 3, 4, "done"]
