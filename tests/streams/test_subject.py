from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hubstream.errors import HubError
from hubstream.streams.subject import Subject


async def gather(stream: AsyncIterator[int]) -> list[int]:
    async with asyncio.timeout(5):
        return [item async for item in stream]


async def test_items_before_the_first_reader_wait_for_it() -> None:
    subject = Subject[int]()
    subject.next(1)
    reader = aiter(subject)
    subject.next(2)
    subject.complete()
    subject.complete()
    assert await gather(reader) == [1, 2]


async def test_each_reader_gets_every_item_from_its_start_on() -> None:
    subject = Subject[int]()
    first = aiter(subject)
    subject.next(1)
    second = aiter(subject)
    subject.next(2)
    subject.complete()
    assert [await gather(first), await gather(second)] == [[1, 2], [2]]
    assert await gather(aiter(subject)) == []


async def test_a_reader_that_waits_is_woken() -> None:
    subject = Subject[int]()
    task = asyncio.create_task(gather(aiter(subject)))
    for item in range(3):
        await asyncio.sleep(0)
        subject.next(item)
    await asyncio.sleep(0)
    subject.complete()
    assert await task == [0, 1, 2]


@pytest.mark.parametrize(("error", "kind"), [("bad disk", HubError), (ValueError("bad disk"), ValueError)])
async def test_an_error_comes_after_the_items(error: str | Exception, kind: type[Exception]) -> None:
    subject = Subject[int]()
    reader = aiter(subject)
    subject.next(1)
    subject.error(error)
    assert await anext(reader) == 1
    with pytest.raises(kind, match="bad disk"):
        await anext(reader)


async def test_it_is_bounded_and_room_waits() -> None:
    subject = Subject[int](capacity=2)
    await subject.room()
    subject.next(1)
    subject.next(2)
    with pytest.raises(asyncio.QueueFull, match="await room"):
        subject.next(3)
    reader = aiter(subject)
    room = asyncio.create_task(subject.room())
    await asyncio.sleep(0)
    assert not room.done()
    assert await anext(reader) == 1
    async with asyncio.timeout(5):
        await room
    subject.next(3)
    subject.complete()
    assert await gather(reader) == [2, 3]


async def test_without_readers_left_items_are_dropped_and_nobody_waits() -> None:
    subject = Subject[int](capacity=1)
    reader = aiter(subject)
    subject.next(1)
    room = asyncio.create_task(subject.room())
    await asyncio.sleep(0)
    await reader.aclose()  # type: ignore[attr-defined]  # what an upload calls when its call has ended
    async with asyncio.timeout(5):
        await room
    subject.next(2)
    subject.next(3)
    assert await gather(reader) == []


async def test_nothing_can_be_pushed_after_the_end() -> None:
    subject = Subject[int]()
    subject.complete()
    with pytest.raises(RuntimeError, match="has ended"):
        subject.next(1)
    await subject.room()


def test_it_holds_an_item() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        Subject[int](0)
