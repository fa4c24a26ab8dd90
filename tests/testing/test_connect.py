"""A real hub and the client, joined in memory: what the documentation promises."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, assert_type

import pytest

from hubstream import DOTNET, Channel, ChannelReader, ConnectionLost, HandshakeError, Hub, HubError, HubServer, Payloads
from hubstream.client import Handlers, Stream
from hubstream.testing import connect
from tests.client.peer import until

PROTOCOLS = pytest.mark.parametrize("protocol", ["json", "messagepack"])


@dataclass
class Point:
    x: int
    y: int


class Log:
    """What the hub saw."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> str:
        async with asyncio.timeout(5):
            return await self.seen.get()


log = Log()


@pytest.fixture(autouse=True)
def fresh_log() -> None:
    log.seen = asyncio.Queue()


class Clock(Hub):
    async def add(self, a: int, b: int) -> int:
        return a + b

    async def double(self, point: Point) -> Point:
        return Point(point.x * 2, point.y * 2)

    async def fail(self, text: str) -> None:
        raise HubError(text, "failed", {"length": len(text)})

    async def slow(self) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            log.seen.put_nowait("slow ended")

    async def counter(self, count: int, delay: float = 0) -> AsyncIterator[int]:
        try:
            for number in range(count):
                yield number
                await asyncio.sleep(delay)
        finally:
            log.seen.put_nowait("counter ended")

    async def fail_after(self, count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield number
        raise HubError("no more", "over")

    async def prices(self, count: int) -> ChannelReader[int]:
        channel = Channel[int](4)

        async def write() -> None:
            async with channel:
                for number in range(count):
                    await channel.write(number)

        self.spawn(write())
        return channel.reader

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])

    async def first_of(self, numbers: AsyncIterator[int]) -> int:
        return await anext(numbers)

    async def zip(self, first: AsyncIterator[int], separator: str, second: AsyncIterator[str]) -> str:
        return ",".join([f"{number}{separator}{await anext(second)}" async for number in first])

    async def shout(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        async for word in words:
            yield word.upper()

    async def store(self, words: AsyncIterator[str]) -> None:
        try:
            async for word in words:
                log.seen.put_nowait(word)
            log.seen.put_nowait("complete")
        except HubError as error:
            log.seen.put_nowait(f"error: {error.text}")
        except ConnectionLost:
            log.seen.put_nowait("lost")

    async def call_me(self, count: int) -> None:
        for number in range(count):
            await self.clients.caller.send("number", number)

    async def leave(self) -> None:
        self.context.abort()


class Greeter(Hub):
    async def on_connected(self) -> None:
        await self.clients.caller.send("Welcome", self.context.transport)

    async def on_disconnected(self, error: Exception | None) -> None:
        log.seen.put_nowait(f"gone: {error}")


@pytest.fixture
def hubs() -> HubServer:
    return HubServer({"/clock": Clock, "/greeter": Greeter})


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


@PROTOCOLS
async def test_calls(hubs: HubServer, protocol: str) -> None:
    async with connect(hubs, Clock, protocol=protocol) as connection:
        assert await connection.invoke("add", 1, 2, result=int) == 3
        assert await connection.invoke("double", Point(1, 2), result=Point) == Point(2, 4)
        with pytest.raises(HubError) as raised:
            await connection.invoke("fail", "bad")
        assert (raised.value.text, raised.value.code, raised.value.data) == ("bad", "failed", {"length": 3})
        with pytest.raises(HubError, match="Method does not exist"):
            await connection.invoke("nothing_like_it")
        assert await connection.invoke("ADD", 2, 2, result=int) == 4
        assert_type(await connection.invoke("add", 1, 2, result=int | None), int | None)
        assert_type(await connection.invoke("add", 1, 2), Any)
        assert_type(connection.stream("counter", 1, item=list[int]), Stream[list[int]])
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


@PROTOCOLS
async def test_names_and_values_are_written_as_the_hub_does(protocol: str) -> None:
    hubs = HubServer({"/clock": Clock}, payloads=DOTNET)
    async with connect(hubs, Clock, protocol=protocol) as connection:
        assert await connection.invoke("double", Point(1, 2), result=Point) == Point(2, 4)
    async with connect(hubs, Clock, protocol=protocol, payloads=Payloads("pascal", "camel")) as connection:
        with pytest.raises(HubError, match="Failed to invoke 'double'"):
            await connection.invoke("double", Point(1, 2), result=Point)


async def gather(items: Stream[int], into: list[int]) -> None:
    async for item in items:
        into.append(item)  # noqa: PERF401 - a comprehension would lose them


@PROTOCOLS
async def test_streams_down(hubs: HubServer, protocol: str) -> None:
    async with connect(hubs, "/clock", protocol=protocol) as connection:
        async with connection.stream("counter", 5, item=int) as items:
            assert [item async for item in items] == [0, 1, 2, 3, 4]
        assert [item async for item in connection.stream("prices", 100, item=int)] == list(range(100))
        got: list[int] = []
        with pytest.raises(HubError) as raised:
            await gather(connection.stream("fail_after", 3, item=int), got)
        assert (got, raised.value.text, raised.value.code) == ([0, 1, 2], "no more", "over")


@PROTOCOLS
async def test_streams_up(hubs: HubServer, protocol: str) -> None:
    async with connect(hubs, "/clock", protocol=protocol) as connection:
        assert await connection.invoke("total", numbers(5_000), result=int) == sum(range(5_000))
        assert await connection.invoke("total", iter(range(100)), result=int) == sum(range(100))
        assert await connection.invoke("zip", numbers(3), "-", iter("abc"), result=str) == "0-a,1-b,2-c"
        assert await connection.invoke("first_of", numbers(1_000_000), result=int) == 0
        words = connection.stream("shout", iter(["a", "b"]), item=str)
        assert [word async for word in words] == ["A", "B"]
        await connection.send("store", iter(["a", "b"]))
        assert [await log.next() for _ in range(3)] == ["a", "b", "complete"]


@PROTOCOLS
async def test_leaving_a_stream_ends_the_hubs_generator(hubs: HubServer, protocol: str) -> None:
    async with connect(hubs, "/clock", protocol=protocol) as connection:
        async with connection.stream("counter", 1_000_000, 60, item=int) as items:
            assert await anext(items) == 0
        assert await log.next() == "counter ended"
        async for _ in connection.stream("counter", 1_000_000, 60, item=int):
            break
        assert await log.next() == "counter ended"
        call = asyncio.create_task(connection.invoke("slow"))
        assert await connection.invoke("total", numbers(1), result=int) == 0
        call.cancel()
        assert await log.next() == "slow ended"
        with suppress(asyncio.CancelledError):
            await call


async def test_a_clients_error_reaches_the_method(hubs: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    async def words() -> AsyncIterator[str]:
        yield "a"
        raise ValueError("bad disk")

    async with connect(hubs, "/clock") as connection:
        await connection.send("store", words())
        assert await log.next() == "a"
        assert await log.next() == "error: Stream errored by client: 'ValueError: bad disk'"
    assert "the source of upload stream" in caplog.text


async def test_handlers_and_the_greeting(hubs: HubServer) -> None:
    handlers = Handlers()
    welcome: asyncio.Queue[str] = asyncio.Queue()
    handlers.on("welcome", welcome.put_nowait)
    async with connect(hubs, Greeter, handlers=handlers):
        assert await asyncio.wait_for(welcome.get(), 5) == "Memory"
    assert await log.next() == "gone: None"
    async with connect(hubs, Clock) as connection:
        seen: list[int] = []
        connection.on("Number", seen.append)
        await connection.invoke("call_me", 100)
        await until(lambda: len(seen) == 100)
        assert seen == list(range(100))


async def test_the_hub_leaves(hubs: HubServer) -> None:
    async with connect(hubs, Clock) as connection:
        stream = connection.stream("counter", 10, 60, item=int)
        assert await anext(stream) == 0
        with pytest.raises(ConnectionLost):
            await connection.invoke("leave")
        with pytest.raises(ConnectionLost):
            await anext(stream)
        assert connection.ending is not None
        assert not connection.ending.reconnect
    assert await log.next() == "counter ended"


async def test_an_error_in_the_block_goes_through(hubs: HubServer) -> None:
    async def block() -> None:
        async with connect(hubs, Clock) as connection:
            await anext(connection.stream("counter", 10, 60))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block()
    assert hubs.snapshot()["connections"] == 0


async def test_what_cannot_be_connected(hubs: HubServer) -> None:
    with pytest.raises(LookupError, match="/clock, /greeter"):
        async with connect(hubs, "/nowhere"):
            pass
    only_json = HubServer({"/clock": Clock}, protocols=("json",))
    with pytest.raises(HandshakeError, match="'messagepack' is not supported"):
        async with connect(only_json, "/clock", protocol="messagepack"):
            pass
    with pytest.raises(ValueError, match="not 'xml'"):
        async with connect(only_json, "/clock", protocol="xml"):
            pass
    assert not any(only_json.snapshot().values())


async def test_a_call_that_runs_on_is_cancelled_in_the_end(
    hubs: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys.modules[connect.__module__], "PATIENCE", 0.01)
    async with asyncio.timeout(5):
        async with connect(hubs, Clock) as connection:
            await connection.send("slow")
            await connection.invoke("total", numbers(1))
        assert await log.next() == "slow ended"
    assert "still ran 0.01 s after their client had left" in caplog.text
    assert hubs.snapshot()["tasks"] == 0


async def test_a_consumer_that_is_slow_makes_the_generator_wait(hubs: HubServer) -> None:
    made = 0

    class Blocks(Hub):
        async def blocks(self) -> AsyncIterator[str]:
            nonlocal made
            while True:
                made += 1
                yield "x" * 1_000

    async with (
        connect(HubServer({"/blocks": Blocks}), "/blocks") as connection,
        connection.stream("blocks", item=str) as blocks,
    ):
        await anext(blocks)
        before = -1
        async with asyncio.timeout(5):
            while made != before:
                before = made
                for _ in range(50):
                    await asyncio.sleep(0)
        assert made < 500
        for _ in range(2_000):
            await anext(blocks)


async def test_a_thousand_streams_cancelled_and_dropped_leave_nothing(hubs: HubServer) -> None:
    logging.getLogger("hubstream").setLevel(logging.CRITICAL)
    try:
        for turn in range(50):
            async with connect(hubs, Clock, protocol=("json", "messagepack")[turn % 2]) as connection:
                for number in range(20):
                    stream = connection.stream("counter", 1_000, (0, 60)[number % 2], item=int)
                    await anext(stream)
                    match number % 4:
                        case 0:
                            await stream.aclose()
                        case 1:
                            del stream
                        case _:
                            connection.stream("shout", iter(["a"] * 100)).subscribe()
                await connection.send("store", (str(number) for number in range(10_000)))
    finally:
        logging.getLogger("hubstream").setLevel(logging.NOTSET)
    gc.collect()
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
