"""Channels: bounded, ended, failing, shared, and quiet about cancelled waiters."""

from __future__ import annotations

import asyncio

import pytest

from hubstream import Channel, ChannelClosed, ChannelReader


async def taken(reader: ChannelReader[int]) -> list[int]:
    async with asyncio.timeout(5):
        return [item async for item in reader]


async def test_in_order_and_bounded() -> None:
    channel = Channel[int](2)
    most = 0

    async def write() -> None:
        async with channel:
            for n in range(50):
                await channel.write(n)

    async def read() -> list[int]:
        nonlocal most
        items: list[int] = []
        async for item in channel.reader:
            most = max(most, len(channel.reader))
            items.append(item)
            if item % 7 == 0:
                await asyncio.sleep(0)
        return items

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(write())
        items = group.create_task(read())
    assert items.result() == list(range(50))
    assert most <= 2


async def test_an_error_comes_after_the_items_and_stops_at_the_block() -> None:
    channel = Channel[int](5)
    async with channel:
        await channel.write(1)
        raise ValueError("broke")
    assert await channel.reader.read() == 1
    with pytest.raises(ValueError, match="broke"):
        await channel.reader.read()


async def test_a_cancellation_goes_on() -> None:
    channel = Channel[int](5)
    with pytest.raises(asyncio.CancelledError):
        async with channel:
            raise asyncio.CancelledError
    assert not channel.try_write(1)


async def test_the_writers_cancellation_is_not_its_readers() -> None:
    channel = Channel[int](1)

    async def write() -> None:
        async with channel:
            await channel.write(1)
            await channel.write(2)

    writer, reader = asyncio.create_task(write()), asyncio.create_task(taken(channel.reader))
    await asyncio.sleep(0)
    writer.cancel()
    with pytest.raises(ChannelClosed, match="writer was cancelled"):
        await reader
    assert writer.cancelled()


async def test_completed() -> None:
    channel = Channel[int](1)
    assert channel.try_write(1)
    assert not channel.try_write(2)
    channel.complete()
    channel.complete(ValueError("too late"))
    assert await channel.reader.read() == 1
    with pytest.raises(ChannelClosed):
        await channel.reader.read()
    with pytest.raises(ChannelClosed):
        await channel.write(3)


async def test_a_writer_of_a_full_channel_hears_that_its_reader_is_gone() -> None:
    channel = Channel[int](1)
    await channel.write(1)
    writers = [asyncio.create_task(channel.write(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    await channel.reader.aclose()
    async with asyncio.timeout(5):
        results = await asyncio.gather(*writers, return_exceptions=True)
    assert [type(result) for result in results] == [ChannelClosed, ChannelClosed]


async def test_several_readers_share_the_items() -> None:
    channel = Channel[int](3)
    readers = [asyncio.create_task(taken(channel.reader)) for _ in range(4)]
    for n in range(20):
        async with asyncio.timeout(5):
            await channel.write(n)
    channel.complete()
    items = [await reader for reader in readers]
    assert sorted(item for shares in items for item in shares) == list(range(20))


async def test_a_cancelled_reader_takes_no_item_with_it() -> None:
    channel = Channel[int](3)
    first, second = asyncio.create_task(channel.reader.read()), asyncio.create_task(channel.reader.read())
    await asyncio.sleep(0)
    channel.try_write(1)  # wakes the first
    first.cancel()
    async with asyncio.timeout(5):
        assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_cancelled_writer_keeps_no_place() -> None:
    channel = Channel[int](1)
    await channel.write(1)
    first, second = asyncio.create_task(channel.write(2)), asyncio.create_task(channel.write(3))
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(5):
        assert await channel.reader.read() == 1
        await second
        assert await channel.reader.read() == 3


def test_capacity() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Channel[int](0)
