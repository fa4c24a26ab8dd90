"""Streams to the client: items as they come, every way they end, and the generator's `finally`, always."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from hubstream import Channel, ChannelReader, Hub, HubError, HubServer
from tests.clock import EAGER
from tests.hub.wire import Wire, cancel, done, item, raw, stream, turns, until

LOOPS = EAGER

STREAMING_FAILED = "An error occurred on the server while streaming results."


class Down(Hub):
    log: list[str] = []  # noqa: RUF012 - emptied by the fixture
    gate: asyncio.Event

    async def count(self, n: int) -> AsyncIterator[int]:
        try:
            for i in range(n):
                yield i
        finally:
            self.log.append("closed")

    async def gated(self) -> AsyncIterator[int]:
        try:
            yield 1
            await self.gate.wait()
            yield 2
        except asyncio.CancelledError:
            self.log.append("CancelledError")
            raise
        finally:
            self.log.append("closed")

    async def endless(self) -> AsyncIterator[str]:
        try:
            while True:
                yield "x" * 1000
        except GeneratorExit:
            self.log.append("GeneratorExit")
            raise
        finally:
            self.log.append("closed")

    async def cleanup(self) -> AsyncIterator[int]:
        try:
            yield 1
            await self.gate.wait()
        finally:
            self.log.append("closing")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.log.append("closed")

    async def swallows(self) -> AsyncIterator[int]:
        try:
            n = 0
            while True:
                try:
                    yield n
                    await asyncio.sleep(0)
                except asyncio.CancelledError:
                    self.log.append("swallowed")
                n += 1
        finally:
            self.log.append("closed")

    async def hangs(self) -> AsyncIterator[int]:
        try:
            yield 1
            await self.gate.wait()
        finally:
            try:
                await asyncio.Event().wait()
            finally:
                self.log.append("closed")

    async def refuses(self) -> AsyncIterator[int]:
        yield 1
        while not self.gate.is_set():
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.log.append("refused")
        for n in range(10):
            yield n

    async def refuses_early(self) -> AsyncIterator[int]:
        while not self.gate.is_set():
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.log.append("refused")
        return self.count(3)

    async def fails(self, n: int, hidden: bool) -> AsyncIterator[int]:
        for i in range(n):
            yield i
        raise ValueError("secret") if hidden else HubError("broke", "E1", {"at": n})

    def fails_before(self, hidden: bool) -> AsyncIterator[int]:
        raise ValueError("secret") if hidden else HubError("early")

    async def cancels_itself(self) -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError

    async def no_stream(self) -> AsyncIterator[int]:
        return 3  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    async def later(self, n: int) -> AsyncIterator[int]:
        await asyncio.sleep(0)
        return self.count(n)

    def awaitable(self, n: int) -> Awaitable[AsyncIterator[int]]:
        return self.later(n)

    async def channel(self, n: int, fail: bool) -> ChannelReader[int]:
        channel = Channel[int](2)

        async def write() -> None:
            try:
                async with channel:
                    for i in range(n):
                        await channel.write(i)
                    if fail:
                        raise HubError("in the channel")
            finally:
                self.log.append("writer ended")

        self.spawn(write())
        return channel.reader

    async def unserializable(self) -> AsyncIterator[Any]:
        try:
            yield 1
            yield object()
            yield 2
        finally:
            self.log.append("closed")

    async def mutating(self, n: int) -> AsyncIterator[list[int]]:
        values: list[int] = []
        for i in range(n):
            values.append(i)
            yield values

    async def tells(self) -> AsyncIterator[int]:
        yield 1
        await self.clients.caller.send("Between")
        yield 2

    def add(self, a: int, b: int) -> int:
        return a + b


@pytest.fixture(autouse=True)
def fresh() -> None:
    Down.log.clear()
    Down.gate = asyncio.Event()


def items(*values: Any, id: str = "1") -> list[dict[str, Any]]:
    return [{"type": 2, "invocationId": id, "item": value} for value in values]


WHOLE: list[tuple[str, list[Any], list[Any], str | None]] = [
    ("count", [0], [], None),
    ("count", [3], [0, 1, 2], None),
    ("later", [2], [0, 1], None),
    ("awaitable", [2], [0, 1], None),
    ("channel", [5, False], [0, 1, 2, 3, 4], None),
    ("channel", [1, True], [0], f"{STREAMING_FAILED} HubException: in the channel"),
    ("fails", [2, False], [0, 1], f'{STREAMING_FAILED} HubException: broke [E1 {{"at":2}}]'),
    ("fails", [2, True], [0, 1], STREAMING_FAILED),
    ("fails", [0, True], [], STREAMING_FAILED),
    (
        "fails_before",
        [False],
        [],
        "An unexpected error occurred invoking 'fails_before' on the server. HubException: early",
    ),
    ("fails_before", [True], [], "An unexpected error occurred invoking 'fails_before' on the server."),
    ("cancels_itself", [], [1], STREAMING_FAILED),
    (
        "no_stream",
        [],
        [],
        "The value returned by the streaming method 'no_stream' is not a ChannelReader<> or IAsyncEnumerable<>.",
    ),
    ("unserializable", [], [1], STREAMING_FAILED),
    ("mutating", [3], [[0], [0, 1], [0, 1, 2]], None),
]


@pytest.mark.parametrize(("target", "arguments", "values", "error"), WHOLE)
async def test_whole(target: str, arguments: list[Any], values: list[Any], error: str | None) -> None:
    async with raw(Down) as wire:
        wire.stream(target, *arguments)
        assert await wire.take(len(values) + 1) == [*items(*values), done("1", error)]
        wire.call("add", 1, 2, id="2")
        assert (await wire.next())["result"] == 3


async def test_an_item_comes_while_the_stream_waits() -> None:
    async with raw(Down) as wire:
        wire.stream("gated")
        assert await wire.next() == items(1)[0]
        await turns()
        assert wire.messages == []
        Down.gate.set()
        assert await wire.take(2) == [*items(2), done("1")]
    assert Down.log == ["closed"]


async def test_a_send_keeps_its_place_between_items() -> None:
    async with raw(Down) as wire:
        wire.stream("tells")
        between: dict[str, Any] = {"type": 1, "target": "Between", "arguments": []}
        assert await wire.take(4) == [*items(1), between, *items(2), done("1")]


async def test_cancelled_at_an_await() -> None:
    async with raw(Down) as wire:
        wire.stream("gated")
        await wire.next()
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
        assert Down.log == ["CancelledError", "closed"]


async def test_cancelled_at_a_yield() -> None:
    async with raw(Down) as wire:
        wire.connection.pause_reading()  # the transport fills, the generator stops at its yield
        wire.stream("endless")
        await until(lambda: wire.server.connection.paused)
        wire.say(cancel("1"))
        await until(lambda: "closed" in Down.log)
        assert Down.log == ["GeneratorExit", "closed"]
        wire.connection.resume_reading()
        await until(lambda: wire.messages and wire.messages[-1]["type"] == 3)
        assert wire.messages[-1] == done("1")
        wire.messages.clear()


async def test_cancelled_in_the_frame_that_asked_for_it() -> None:
    async with raw(Down) as wire:
        wire.say(stream("gated"), cancel("1"))
        assert await wire.next() == done("1")
        wire.stream("count", 1)  # the id is free again
        assert await wire.take(2) == [*items(0), done("1")]


async def test_cancelled_while_its_cleanup_waits() -> None:
    async with raw(Down) as wire:
        wire.stream("cleanup")
        await wire.next()
        wire.say(cancel("1"), cancel("1"))  # a second cancel does not cut the cleanup short
        assert await wire.next() == done("1")
        assert Down.log == ["closing", "closed"]


async def test_a_swallowed_cancellation_ends_at_the_next_item() -> None:
    async with raw(Down) as wire:
        wire.stream("swallows")
        await wire.next()
        wire.say(cancel("1"))
        await until(lambda: "closed" in Down.log)
        await until(lambda: any(message["type"] == 3 for message in wire.messages))
        assert wire.messages[-1] == done("1")


async def test_a_cleanup_that_hangs_is_logged_and_cancelled_again(caplog: pytest.LogCaptureFixture) -> None:
    async with raw(HubServer({"/hub": Down}, stop_timeout=0.02)) as wire:
        wire.stream("hangs")
        await wire.next()
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
    assert Down.log == ["closed"]
    assert "'hangs' did not end 0.02 s after it was cancelled (line " in caplog.text
    assert " of Down.hangs)" in caplog.text


@pytest.mark.parametrize("target", ["refuses", "refuses_early"])
async def test_a_generator_that_refuses_to_end_is_waited_for_no_longer(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw(HubServer({"/hub": Down}, stop_timeout=0.02)) as wire:
        wire.stream(target)
        if target == "refuses":
            await wire.next()
        await turns()
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
        assert Down.log == ["refused", "refused"]
        Down.gate.set()
        wire.stream("count", 3, id="2")
        assert await wire.take(4) == [*items(0, 1, 2, id="2"), done("2")], "nothing of it comes after its end"
        await turns(20)
        assert wire.messages == []
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_writer_is_cancelled_with_its_stream() -> None:
    async with raw(Down) as wire:
        wire.stream("channel", 1_000_000, False)
        await wire.next()
        wire.say(cancel("1"))
        await until(lambda: wire.messages and wire.messages[-1]["type"] == 3)
        assert Down.log == ["writer ended"]


@pytest.mark.parametrize("ending", ["end", "abort", "Close"])
async def test_a_lost_connection_closes_the_generators(ending: str) -> None:
    async with raw(Down) as wire:
        wire.say(stream("gated", id="1"), stream("endless", id="2"), stream("channel", 100_000, False, id="3"))
        await until(lambda: len({message["invocationId"] for message in wire.messages}) == 3)
        if ending == "Close":
            wire.say({"type": 7})
        elif ending == "end":
            wire.end()
        else:
            wire.connection.abort()
        await until(lambda: len(Down.log) == 5)
    assert sorted(Down.log) == ["CancelledError", "GeneratorExit", "closed", "closed", "writer ended"]


async def test_shutdown_closes_the_generators_and_tells_the_client_to_come_back() -> None:
    hubs = HubServer({"/hub": Down})
    async with raw(hubs) as wire:
        wire.stream("gated")
        await wire.next()
        await hubs.aclose()
        assert Down.log == ["CancelledError", "closed"]
        assert await wire.next() == {"type": 7, "allowReconnect": True}
        assert hubs.snapshot()["connections"] == 0


async def test_a_client_that_does_not_read_stops_the_producer() -> None:
    hubs = HubServer({"/hub": Down})
    async with raw(hubs) as wire:
        other_near: Wire
        async with raw(hubs) as other_near:
            wire.connection.pause_reading()
            wire.stream("endless")
            await until(lambda: wire.server.connection.paused)
            await turns(50)
            assert wire.server.out.size <= 1100, "one item waits"
            other_near.call("add", 1, 2)
            assert (await other_near.next())["result"] == 3
        wire.connection.resume_reading()
        await until(lambda: len(wire.messages) > 100)
        wire.connection.pause_reading()


async def test_an_id_in_use_is_refused_and_the_first_goes_on() -> None:
    async with raw(Down) as wire:
        wire.stream("gated")
        await wire.next()
        wire.stream("count", 1)
        assert await wire.next() == done("1", "Invocation ID '1' is already in use.")
        Down.gate.set()
        assert await wire.take(2) == [*items(2), done("1")]


async def test_the_limit_of_streams() -> None:
    async with raw(HubServer({"/hub": Down}, max_streams=2)) as wire:
        wire.say(*(stream("gated", id=str(n)) for n in range(3)))
        messages = await wire.take(3)
        refused = "An unexpected error occurred invoking 'gated' on the server. HubException: Too many streams."
        assert done("2", refused) in messages
        wire.say(cancel("0"))
        assert await wire.next() == done("0")
        wire.stream("count", 0, id="3")
        assert await wire.next() == done("3")


async def test_a_hidden_error_is_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with raw(Down) as wire:
        wire.stream("fails", 1, True)
        await wire.take(2)
        wire.stream("fails", 1, False)
        await wire.take(2)
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert len(errors) == 1
        assert wire.server.connection_id in errors[0].getMessage()
        assert "invocation 1" in errors[0].getMessage()
        assert errors[0].exc_info is not None
        assert isinstance(errors[0].exc_info[1], ValueError)


async def test_detailed_errors() -> None:
    async with raw(HubServer({"/hub": Down}, detailed_errors=True)) as wire:
        wire.stream("fails", 0, True)
        assert await wire.next() == done("1", f"{STREAMING_FAILED} ValueError: secret")


async def test_both_ways() -> None:
    class Both(Hub):
        async def shout(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
            async for word in words:
                yield word.upper()

    async with raw(Both) as wire:
        wire.stream("shout", streams=["w"])
        for word in ("a", "b"):
            wire.say(item("w", word))
            assert await wire.next() == items(word.upper())[0]
        wire.say(done("w"))
        assert await wire.next() == done("1")
