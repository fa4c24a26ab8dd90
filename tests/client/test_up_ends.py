"""How uploads end, and that their sources are always closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from hubstream.client import up
from hubstream.errors import ConnectionLost
from hubstream.protocol.messages import CancelInvocation, Completion, Invocation, StreamInvocation, StreamItem
from hubstream.streams.channel import Channel, ChannelClosed
from tests.client.peer import Peer, joined, turns, until
from tests.client.source import Source

WAITING = pytest.mark.parametrize("wait", [True, False], ids=["waiting", "yielding"])


@WAITING
async def test_the_source_is_closed_before_a_call_that_ended_early_returns(wait: bool) -> None:
    async with joined() as (client, peer):
        source = Source(3 if wait else 1_000_000, wait=wait)
        call = asyncio.create_task(client.invoke("first", source.items(), result=int))
        await peer.next(Invocation)
        await peer.next(StreamItem)
        peer.say(peer.result("1", 0))
        assert await call == 0
        assert source.closed.is_set()


@WAITING
@pytest.mark.parametrize("how", ["cut", "close", "server's close"])
@pytest.mark.parametrize("kind", ["invoke", "send", "stream"])
async def test_the_source_is_closed_when_the_connection_ends(wait: bool, how: str, kind: str) -> None:
    async with joined() as (client, peer):
        source = Source(3 if wait else 1_000_000, wait=wait)
        match kind:
            case "invoke":
                task = asyncio.create_task(client.invoke("upload", source.items()))
            case "send":
                task = asyncio.create_task(client.send("upload", source.items()))
            case _:
                task = asyncio.create_task(anext(client.stream("upload", source.items())))
        await until(lambda: source.given)
        match how:
            case "cut":
                peer.connection.abort()
            case "close":
                await client.close()
            case _:
                peer.close()
        async with asyncio.timeout(5):
            await source.closed.wait()
            with contextlib.suppress(ConnectionLost):
                await task


@WAITING
async def test_cancelling_the_call_completes_its_uploads_first(wait: bool) -> None:
    async with joined() as (client, peer):
        source = Source(3 if wait else 1_000_000, wait=wait)
        call = asyncio.create_task(client.invoke("upload", source.items()))
        await peer.next(Invocation)
        await peer.next(StreamItem)
        await turns()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await source.closed.wait()
        await turns()
        ends = [message for message in peer.messages if not isinstance(message, StreamItem)]
        assert [type(message) for message in ends] == [Completion, CancelInvocation]
        assert ends[0] == Completion(invocation_id="2", error="Stream canceled by client.")
        assert peer.messages[-2:] == ends


async def test_leaving_a_stream_completes_its_uploads_first() -> None:
    async with joined() as (client, peer):
        source = Source(1, wait=True)
        async with client.stream("shout", source.items()):
            await peer.next(StreamInvocation)
            await peer.next(StreamItem)
        assert source.closed.is_set()
        assert (await peer.next(Completion)).error == "Stream canceled by client."
        assert (await peer.next(CancelInvocation)).invocation_id == "1"


async def test_a_source_that_swallows_its_cancellation_sends_nothing_more() -> None:
    async def stubborn() -> AsyncIterator[int]:
        yield 0
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        yield 1

    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("upload", stubborn()))
        await peer.next(Invocation)
        await peer.next(StreamItem)
        peer.say(peer.result("1", "done"))
        assert await call == "done"
        await turns()
        assert peer.messages == []


async def test_a_source_whose_cleanup_waits_is_waited_for_and_one_that_hangs_is_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(up, "GRACE", 0.02)
    closed: list[str] = []

    async def source(name: str, hangs: asyncio.Event | None) -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.Event().wait()
        finally:
            try:
                await (hangs.wait() if hangs is not None else asyncio.sleep(0))
            finally:
                closed.append(name)

    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("up", source("slow", None), source("hangs", asyncio.Event())))
        await peer.next(Invocation)
        await peer.next(StreamItem)
        peer.say(peer.result("1", 1))
        async with asyncio.timeout(5):
            assert await call == 1
        assert closed == ["slow", "hangs"]
        assert caplog.records == []


@pytest.mark.parametrize("kind", ["not active", "not encodable"])
async def test_sources_are_closed_when_the_call_is_not_written(kind: str) -> None:
    async with joined() as (client, _peer):
        channel = Channel[int](1)
        await channel.write(1)
        writer = asyncio.create_task(channel.write(2))
        if kind == "not active":
            await client.close()
            with pytest.raises(ConnectionLost):
                await client.invoke("upload", channel.reader)
        else:
            with pytest.raises(TypeError, match="argument 1"):
                await client.invoke("upload", object(), channel.reader)
        async with asyncio.timeout(5):
            with pytest.raises(ChannelClosed):
                await writer


async def drain(peer: Peer, count: int) -> int:
    for _ in range(count):
        await peer.next(StreamItem)
    return count


async def test_uploads_wait_for_a_server_that_does_not_read() -> None:
    async with joined(high=10_000) as (client, peer):
        source = Source()
        await client.send("upload", source.items())
        await peer.next(Invocation)
        peer.connection.pause_reading()
        before = -1
        async with asyncio.timeout(5):
            while source.given != before:
                before = source.given
                await turns(20)
        assert source.given < 10_000
        peer.connection.resume_reading()
        assert await drain(peer, before + 100) > before


async def test_long_items_of_many_uploads_are_no_reason_to_leave_a_server_that_does_not_read() -> None:
    async with joined(high=10_000) as (client, peer):
        channels = [Channel[str](1) for _ in range(20)]
        for channel in channels:
            await client.send("upload", channel.reader)
            await peer.next(Invocation)
        call = asyncio.create_task(client.invoke("cancelled"))
        await peer.next(Invocation)
        peer.connection.pause_reading()
        await client.send("fills", "x" * 20_000)
        await turns()
        for channel in channels:
            await channel.write("x" * 100_000)
        await turns()
        assert client.wire.output.size > 1_048_576
        call.cancel()
        await turns()
        assert client.ending is None
        peer.connection.resume_reading()
        async with asyncio.timeout(5):
            while not isinstance(await peer.next(object), CancelInvocation):
                pass


async def test_an_endless_source_that_never_waits_leaves_the_loop_to_others() -> None:
    def forever() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    async with joined() as (client, peer):
        await client.send("upload", forever())
        call = asyncio.create_task(client.invoke("add", result=int))
        await until(lambda: any(isinstance(m, Invocation) and m.target == "add" for m in peer.messages))
        peer.say(peer.result("2", 3))
        async with asyncio.timeout(5):
            assert await call == 3


async def test_cancelled_from_outside_it_closes_its_source_and_tells_the_server() -> None:
    async with joined() as (client, peer):
        source = Source(1, wait=True)
        before = asyncio.all_tasks()
        await client.send("upload", source.items())
        [task] = asyncio.all_tasks() - before
        await peer.next(Invocation)
        await peer.next(StreamItem)
        task.cancel()  # as `asyncio.run` does at its end
        with pytest.raises(asyncio.CancelledError):
            await task
        assert source.closed.is_set()
        assert (await peer.next(Completion)).error == "Stream canceled by client."


async def test_cancelled_from_outside_while_its_source_swallows_that() -> None:
    async def stubborn() -> AsyncIterator[int]:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            yield 0

    async with joined() as (client, peer):
        before = asyncio.all_tasks()
        await client.send("upload", stubborn())
        [task] = asyncio.all_tasks() - before
        await peer.next(Invocation)
        await peer.next(StreamItem)
        async with asyncio.timeout(5):
            while not task.done():
                task.cancel()
                await asyncio.sleep(0)
        assert task.cancelled()


async def test_an_upload_that_starts_while_the_server_does_not_read() -> None:
    async with joined(high=100) as (client, peer):
        peer.connection.pause_reading()
        first, second = Source(), Source(3)
        await client.send("first", first.items())
        await until(lambda: first.given)
        await turns(20)
        waiting = asyncio.create_task(client.send("second", second.items()))
        await turns(20)
        assert second.given == 0
        peer.connection.resume_reading()
        await waiting
        await until(lambda: second.given == 3)


async def test_what_cleanup_raises_after_the_call_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def source() -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError("in cleanup")

    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("upload", source()))
        await peer.next(Invocation)
        await peer.next(StreamItem)
        peer.say(peer.result("1", 1))
        assert await call == 1
        assert "in cleanup" in caplog.text
        await turns()
        assert peer.messages == []


async def test_a_call_that_is_answered_before_its_upload_began_takes_nothing_from_it() -> None:
    async with joined() as (client, peer):
        source = Source()
        call = asyncio.create_task(client.invoke("upload", source.items()))
        await asyncio.sleep(0)
        client.received(peer.codec.encode(peer.result("1", 1)))
        client.read_done()
        assert await call == 1
        assert source.given == 0
        await turns()
        assert [type(message) for message in peer.messages] == [Invocation]


class Endless:
    """A source that notes that it was closed."""

    closed = False

    def __aiter__(self) -> Endless:
        return self

    async def __anext__(self) -> int:
        return 1

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize("method", ["invoke", "send", "stream"])
async def test_a_call_that_cannot_be_written_closes_its_sources(method: str) -> None:
    async with joined() as (client, peer):
        source = Endless()
        stream = client.stream("\ud800", source)
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "invoke": lambda: client.invoke("\ud800", source),
            "send": lambda: client.send("\ud800", source),
            "stream": lambda: anext(stream),
        }
        with pytest.raises(ValueError, match="surrogates"):
            await calls[method]()
        await turns()
        assert source.closed
        assert peer.messages == []


async def test_a_stream_that_cannot_be_asked_for_has_ended() -> None:
    async with joined() as (client, _peer):
        stream = client.stream("\ud800")
        with pytest.raises(ValueError, match="surrogates"):
            await anext(stream)
        async with asyncio.timeout(1):
            assert [item async for item in stream] == []
