"""Streams to the server: any async iterable among the arguments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

import pytest

from conformance.values import Point
from hubstream import Channel, HubConnection, HubError
from tests.interop.python.check import Area, Context, everything

T = TypeVar("T")

check = Area("up")


async def each(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with a turn of the loop before each."""
    for item in items:
        await asyncio.sleep(0)
        yield item


async def works(c: HubConnection) -> None:
    assert await c.invoke("Add", 1, 2, result=int) == 3, "the connection after it"


@check
async def async_enumerable(x: Context) -> None:
    assert await (await x.open()).invoke("Sum", each(range(100)), result=int) == 4_950


@check
async def channel(x: Context) -> None:
    c = await x.open()
    words = Channel[str](1)
    result = asyncio.ensure_future(c.invoke("Concat", words.reader, result=str))
    for word in ("one ", "two ", "three"):
        await words.write(word)
    words.complete()
    assert await result == "one two three"


@check
async def two_streams_between_arguments(x: Context) -> None:
    c = await x.open()
    assert await c.invoke("Zip", each(range(3)), ":", each("abc"), result=str) == "0:a,1:b,2:c"


@check
async def empty(x: Context) -> None:
    assert await (await x.open()).invoke("Sum", each(()), result=int) == 0


@check
async def objects(x: Context) -> None:
    points = each([Point(1, 2), Point(30, 33)])
    assert await (await x.open()).invoke("SumPoints", points, result=int) == 66


@check
async def five_thousand_items(x: Context) -> None:
    assert await (await x.open()).invoke("Sum", each(range(5_000)), result=int) == 5_000 * 4_999 // 2


@check
async def by_send(x: Context) -> None:
    c = await x.open()
    key = x.key()
    await c.send("Store", key, each("abc"))
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["a", "b", "c"]


@check
async def channel_by_send(x: Context) -> None:
    c = await x.open()
    key = x.key()
    lines = Channel[str](2)
    await c.send("Store", key, lines.reader)
    for i in range(30):
        await lines.write(f"l{i}")
    lines.complete()
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == [f"l{i}" for i in range(30)]


class BadDiskError(Exception):
    """Of a source."""


@check
async def client_error_reaches_the_method(x: Context) -> None:
    async def failing(error: Exception) -> AsyncIterator[str]:
        yield "a"
        raise error

    c = await x.open()
    for error, text in (
        (BadDiskError("bad disk"), "Stream errored by client: 'BadDiskError: bad disk'"),
        (HubError("bad disk"), "bad disk"),
    ):
        key = x.key()
        await c.invoke("Store", key, failing(error))
        assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["a", f"error: {text}"]


@check
async def method_returns_early(x: Context) -> None:
    c = await x.open()
    assert await c.invoke("FirstOf", each("abc"), result=str) == "a"
    await works(c)


@check
async def method_fails_early(x: Context) -> None:
    c = await x.open()
    with pytest.raises(HubError) as raised:
        await c.invoke("FailDuring", each(range(3)), "enough", result=str)
    text = "An unexpected error occurred invoking 'FailDuring' on the server. HubException: enough"
    assert str(raised.value) == text
    await works(c)


@check
async def disconnect_ends_the_upload(x: Context) -> None:
    key = x.key()
    c = await x.open()
    lines = Channel[str](10)
    await c.send("Store", key, lines.reader)
    for line in "abc":
        await lines.write(line)
    # Answered after the items, so they were sent before the connection ends.
    await works(c)
    await c.stop()
    recorded = await (await x.open()).invoke("Recorded", key, 8_000, result=list[str])
    assert recorded == ["a", "b", "c", "cancelled"]


@check
async def stream_without_stream_argument(x: Context) -> None:
    c = await x.open()
    with pytest.raises(HubError) as raised:
        await c.invoke("Sum", result=int)
    text = "HubException: Client sent 0 stream(s), Hub method expects 1."
    assert str(raised.value) == f"An unexpected error occurred invoking 'Sum' on the server. {text}"
    await works(c)


@check
async def up_and_down_at_once(x: Context) -> None:
    doubled = await everything((await x.open()).stream("Double", each(range(50)), item=int))
    assert doubled == [2 * i for i in range(50)]


@check
async def up_and_down_as_channels(x: Context) -> None:
    c = await x.open()
    numbers = Channel[int](1)
    doubled = await c.stream_as_channel("Double", numbers.reader, item=int)
    for i in range(20):
        await numbers.write(i)
        assert await doubled.read() == 2 * i
    numbers.complete()
    assert await everything(doubled) == []


@check
async def slow_method_holds_the_client_back_without_loss(x: Context) -> None:
    c = await x.open()
    sums = await asyncio.gather(*(c.invoke("Sum", each(range(400)), result=int) for _ in range(5)))
    assert sums == 5 * [400 * 399 // 2]
