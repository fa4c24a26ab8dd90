from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hubstream.client import up
from hubstream.errors import ConnectionLost, HubError
from hubstream.protocol.messages import Completion, Invocation, StreamInvocation
from hubstream.streams.channel import Channel
from hubstream.streams.subject import Subject
from tests.client.peer import joined, turns
from tests.client.source import Source
from tests.clock import EAGER

LOOPS = EAGER


def numbers(count: int) -> Iterator[int]:
    yield from range(count)


async def async_numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def subject() -> Subject[int]:
    result = Subject[int]()
    for number in range(3):
        result.next(number)
    result.complete()
    return result


def channel() -> Any:
    result = Channel[int](3)
    for number in range(3):
        result.try_write(number)
    result.complete()
    return result.reader


class Iterable:
    """Async iterable, not an iterator."""

    def __aiter__(self) -> AsyncIterator[int]:
        return async_numbers(3)


STREAMS: list[tuple[Callable[[], Any], list[object]]] = [
    (lambda: async_numbers(3), [0, 1, 2]),
    (lambda: numbers(3), [0, 1, 2]),
    (lambda: iter([0, 1, 2]), [0, 1, 2]),
    (lambda: io.StringIO("a\nb\n"), ["a\n", "b\n"]),
    (lambda: (number for number in range(3)), [0, 1, 2]),
    (lambda: async_numbers(0), []),
    (subject, [0, 1, 2]),
    (channel, [0, 1, 2]),
    (Iterable, [0, 1, 2]),
]


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize(("make", "expected"), STREAMS)
async def test_what_is_uploaded(protocol: str, make: Callable[[], Any], expected: list[object]) -> None:
    async with joined(protocol) as (client, peer):
        call = asyncio.create_task(client.invoke("upload", "before", make(), "behind", result=str))
        asked = await peer.next(Invocation)
        assert peer.arguments(asked) == ["before", "behind"]
        assert (asked.invocation_id, asked.stream_ids) == ("1", ["2"])
        assert [await peer.next_value("2") for _ in expected] == expected
        completion = await peer.next(Completion)
        assert (completion.invocation_id, completion.error) == ("2", Completion(invocation_id="2").error)
        peer.say(peer.result("1", "done"))
        assert await call == "done"


@pytest.mark.parametrize("value", [[1], (1, 2), {"a": 1}, "text", b"bytes", range(3), None])
def test_what_is_a_value(value: object) -> None:
    assert not up.is_stream(value)


async def test_several_uploads_are_independent() -> None:
    async with joined() as (client, peer):
        first, second = Subject[int](), Subject[str]()
        call = asyncio.create_task(client.invoke("zip", first, second))
        assert (await peer.next(Invocation)).stream_ids == ["2", "3"]
        second.next("a")
        assert await peer.next_value("3") == "a"
        second.complete()
        assert (await peer.next(Completion)).invocation_id == "3"
        first.next(1)
        assert await peer.next_value("2") == 1
        first.complete()
        assert (await peer.next(Completion)).invocation_id == "2"
        peer.say(peer.result("1", "1a"))
        assert await call == "1a"


async def test_each_item_is_sent_as_soon_as_it_is_there() -> None:
    async with joined() as (client, peer):
        subject = Subject[int]()
        await client.send("upload", subject)
        await peer.next(Invocation)
        for number in range(5):
            subject.next(number)
            assert await peer.next_value("1") == number
        subject.complete()
        await peer.next(Completion)


async def test_both_ways_at_once() -> None:
    async with joined() as (client, peer):
        subject = Subject[str]()
        async with client.stream("shout", subject, item=str) as items:
            asked = await peer.next(StreamInvocation)
            assert (asked.invocation_id, asked.stream_ids) == ("1", ["2"])
            for word in ("a", "b"):
                subject.next(word)
                assert await peer.next_value("2") == word
                peer.say(peer.item("1", word.upper()))
                assert await anext(items) == word.upper()
            subject.complete()
            await peer.next(Completion)
            peer.say(peer.done("1"))
            assert [item async for item in items] == []


ERRORS: list[tuple[Exception, str]] = [
    (ValueError("bad disk"), "Stream errored by client: 'ValueError: bad disk'"),
    (HubError("bad disk"), "bad disk"),
    (HubError("bad disk", "disk.bad"), "bad disk"),
    (ConnectionLost("another one"), "Stream errored by client: 'ConnectionLost: another one'"),
]


@pytest.mark.parametrize(("error", "text"), ERRORS)
async def test_what_the_source_raises_ends_its_stream_and_is_the_cause(error: Exception, text: str) -> None:
    async with joined() as (client, peer):
        source = Source(1, error=error)
        call = asyncio.create_task(client.invoke("upload", source.items()))
        await peer.next(Invocation)
        assert await peer.next_value("2") == 0
        assert (await peer.next(Completion)).error == text
        peer.say(peer.done("1", f"An unexpected error occurred invoking 'Upload' on the server. HubException: {text}"))
        with pytest.raises(HubError) as raised:
            await call
        assert raised.value.text == text
        assert raised.value.__cause__ is error
        assert source.closed.is_set()


async def test_it_is_the_cause_of_a_streams_error_too() -> None:
    async with joined() as (client, peer):
        error = ValueError("bad disk")
        async with client.stream("shout", Source(0, error=error).items()) as items:
            await peer.next(StreamInvocation)
            await peer.next(Completion)
            peer.say(peer.done("1", "failed"))
            with pytest.raises(HubError) as raised:
                await anext(items)
            assert raised.value.__cause__ is error


@pytest.mark.parametrize("how", ["send", "a call that succeeds"])
async def test_what_the_source_raises_is_logged_where_no_error_carries_it(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with joined() as (client, peer):
        source = Source(0, error=ValueError("bad disk"))
        if how == "send":
            await client.send("upload", source.items())
            await peer.next(Invocation)
            await peer.next(Completion)
        else:
            call = asyncio.create_task(client.invoke("upload", source.items()))
            await peer.next(Invocation)
            await peer.next(Completion)
            peer.say(peer.result("1", 0))
            assert await call == 0
        await turns()
        [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert "bad disk" in str(record.exc_info)


async def test_an_item_that_cannot_be_sent() -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("upload", iter([1, object(), 2])))
        await peer.next(Invocation)
        assert await peer.next_value() == 1
        assert "Stream errored by client: '" in str((await peer.next(Completion)).error)
        peer.say(peer.done("1", "failed"))
        with pytest.raises(HubError) as raised:
            await call
        assert raised.value.__cause__ is not None


async def test_a_source_that_is_cancelled_from_within() -> None:
    async def items() -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError

    async with joined() as (client, peer):
        await client.send("upload", items())
        await peer.next(Invocation)
        await peer.next_value()
        assert (await peer.next(Completion)).error == "Stream canceled by client."
