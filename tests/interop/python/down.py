"""Streams from the server: items, errors, cancelling."""

from __future__ import annotations

import asyncio

import pytest

from conformance.values import Point
from hubstream import ChannelClosed, HubError
from tests.interop.python.check import Area, Context, everything

check = Area("down")


@check
async def async_enumerable(x: Context) -> None:
    assert await everything((await x.open()).stream("CounterEnumerable", 10, 2, item=int)) == list(range(10))


@check
async def channel(x: Context) -> None:
    assert await everything((await x.open()).stream("Counter", 10, 2, item=int)) == list(range(10))


@check
async def stream_made_later(x: Context) -> None:
    assert await everything((await x.open()).stream("CounterLater", 5, item=int)) == list(range(5))


@check
async def as_channel_reader(x: Context) -> None:
    reader = await (await x.open()).stream_as_channel("Counter", 10, 2, item=int)
    assert [await reader.read() for _ in range(10)] == list(range(10))
    with pytest.raises(ChannelClosed):
        await reader.read()


@check
async def items_come_while_the_stream_runs(x: Context) -> None:
    c = await x.open()
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with c.stream("CounterEnumerable", 3, 1_500, item=int) as items:
        assert await anext(items) == 0
        assert loop.time() - began < 1.2


@check
async def empty(x: Context) -> None:
    assert await everything((await x.open()).stream("EmptyStream", item=int)) == []


@check
async def null_items(x: Context) -> None:
    assert await everything((await x.open()).stream("NullItems", item=str | None)) == ["a", None, "b"]


@check
async def objects(x: Context) -> None:
    points = await everything((await x.open()).stream("Points", 2, item=Point))
    assert points == [Point(0, 0, "p0"), Point(1, -1, "p1")]


@check
async def ten_thousand_items(x: Context) -> None:
    assert await everything((await x.open()).stream("CounterEnumerable", 10_000, 0, item=int)) == list(range(10_000))


@check
async def large_items(x: Context) -> None:
    blocks = await everything((await x.open()).stream("Blocks", 20, 60_000, item=str))
    assert blocks == [chr(ord("a") + n) * 60_000 for n in range(20)]


async def fails(x: Context, text: str, name: str, *arguments: object) -> list[int]:
    """The stream fails with that text; the items before it."""
    c = await x.open()
    items = c.stream(name, *arguments, item=int)
    got: list[int] = []

    async def read() -> None:
        async for n in items:
            got.append(n)  # noqa: PERF401 - what came before the error is looked at

    with pytest.raises(HubError) as raised:
        await read()
    assert str(raised.value) == text
    assert await c.invoke("Add", 1, 2, result=int) == 3
    return got


@check
async def error_comes_after_the_items(x: Context) -> None:
    text = "An error occurred on the server while streaming results. HubException: broke"
    assert await fails(x, text, "StreamFail", 3, "broke") == [0, 1, 2]


@check
async def hidden_error(x: Context) -> None:
    assert await fails(
        x, "An error occurred on the server while streaming results.", "StreamFailHidden", 1, "secret"
    ) == [0]


@check
async def error_before_the_stream(x: Context) -> None:
    text = "An unexpected error occurred invoking 'StreamNeverStarts' on the server. HubException: early"
    assert await fails(x, text, "StreamNeverStarts", "early") == []


@check
async def unknown_method(x: Context) -> None:
    text = "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist."
    assert await fails(x, text, "Nope") == []


@check
async def cancel_by_token_stops_the_server(x: Context) -> None:
    """A token is a task that can be cancelled."""
    c = await x.open()
    key = x.key()
    five = asyncio.Event()

    async def read() -> None:
        async for n in c.stream("Forever", key, item=int):
            if n == 4:
                five.set()

    reading = asyncio.create_task(read())
    await five.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["stopped"]


@check
async def cancel_of_a_channel_stops_the_server(x: Context) -> None:
    c = await x.open()
    key = x.key()
    reader = await c.stream_as_channel("Forever", key, item=int)
    assert await reader.read() == 0
    await reader.aclose()
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["stopped"]


@check
async def disconnect_stops_the_server(x: Context) -> None:
    key = x.key()
    first = await x.open()
    items = first.stream("Forever", key, item=int)
    assert await anext(items) == 0
    await first.stop()
    assert await (await x.open()).invoke("Recorded", key, 8_000, result=list[str]) == ["stopped"]


@check
async def fifty_streams_at_once(x: Context) -> None:
    c = await x.open()
    streams = [everything(c.stream("CounterEnumerable", n, 1, item=int)) for n in range(1, 51)]
    assert await asyncio.gather(*streams) == [list(range(n)) for n in range(1, 51)]


@check
async def calls_go_on_beside_a_stream(x: Context) -> None:
    c = await x.open()
    async with c.stream("Forever", x.key(), item=int) as items:
        await anext(items)
        for i in range(10):
            assert await c.invoke("Add", i, 1, result=int) == i + 1
            await anext(items)
