"""When dependencies are made and closed, whatever becomes of the call: what they see, what the caller is told, what is logged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import pytest

from hubstream import Depends, Hub, HubError, HubServer
from tests.hub.wire import call, cancel, done, item, raw, result, until

LOG: list[str] = []
"""What ran, in order."""

UNEXPECTED = "An unexpected error occurred invoking '{}' on the server."
STREAMING = "An error occurred on the server while streaming results."


@pytest.fixture(autouse=True)
def clear() -> None:
    LOG.clear()


@contextmanager
def logged(name: str) -> Generator[None]:
    """What befalls a dependency at its `yield`."""
    LOG.append(f"{name} opened")
    try:
        yield
    except BaseException as error:
        LOG.append(f"{name} saw {type(error).__name__}")
        raise
    finally:
        LOG.append(f"{name} closed")


async def outer() -> AsyncIterator[str]:
    with logged("outer"):
        yield "outer"


def inner(outer: Annotated[str, Depends(outer)]) -> Iterator[str]:
    with logged("inner"):
        yield f"inner of {outer}"


Inner = Annotated[str, Depends(inner)]


class Oops(Exception):
    """Not meant for callers."""


class Life(Hub):
    async def works(self, value: Inner) -> str:
        LOG.append("called")
        return value

    async def fails(self, value: Inner) -> str:
        raise Oops("secret")

    async def refuses(self, value: Inner) -> str:
        raise HubError("told")

    async def sleeps(self, value: Inner) -> None:
        LOG.append("asleep")
        await asyncio.sleep(1000)

    async def cannot_be_sent(self, value: Inner) -> object:
        return object()

    async def streams(self, count: int, value: Inner) -> AsyncIterator[int]:
        try:
            for n in range(count):
                yield n
            LOG.append("waiting")
            if count:
                await asyncio.sleep(1000)
        finally:
            LOG.append("stream closed")

    async def fails_streaming(self, value: Inner) -> AsyncIterator[int]:
        yield 1
        raise Oops("secret")

    async def fails_before_streaming(self, value: Inner) -> AsyncIterator[int]:
        raise Oops("secret")

    async def no_stream(self, value: Inner) -> AsyncIterator[int]:
        return None  # type: ignore[return-value]  # pyright: ignore[reportReturnType] - a mistake of the hub's author

    async def reads(self, items: AsyncIterator[int], value: Inner) -> int:
        return sum([n async for n in items])


OPENED = ["outer opened", "inner opened"]
CLOSED = ["inner closed", "outer closed"]


def saw(error: str) -> list[str]:
    return [f"inner saw {error}", "inner closed", f"outer saw {error}", "outer closed"]


ENDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "works": (result("1", "inner of outer"), ["called", *CLOSED]),
    "fails": (done("1", UNEXPECTED.format("fails")), saw("Oops")),
    "refuses": (done("1", UNEXPECTED.format("refuses") + " HubException: told"), saw("HubError")),
    "cannot_be_sent": (done("1", UNEXPECTED.format("cannot_be_sent")), CLOSED),
}


@pytest.mark.parametrize("name", ENDS)
async def test_closed_when_the_call_is_over_before_it_is_answered(name: str) -> None:
    answer, after = ENDS[name]
    async with raw(Life) as wire:
        wire.call(name)
        assert await wire.next() == answer
        assert [*OPENED, *after] == LOG


STREAM_ENDS: dict[str, tuple[tuple[int, ...], list[dict[str, Any]], list[str]]] = {
    "streams": ((0,), [done("1")], ["waiting", "stream closed", *CLOSED]),
    "fails_streaming": ((), [item("1", 1), done("1", STREAMING)], saw("Oops")),
    "fails_before_streaming": ((), [done("1", UNEXPECTED.format("fails_before_streaming"))], saw("Oops")),
    "no_stream": (
        (),
        [
            done(
                "1",
                "The value returned by the streaming method 'no_stream' is not a ChannelReader<> or IAsyncEnumerable<>.",
            )
        ],
        CLOSED,
    ),
}


@pytest.mark.parametrize("name", STREAM_ENDS)
async def test_closed_when_the_stream_is_over_before_its_end_is_told(name: str) -> None:
    arguments, messages, after = STREAM_ENDS[name]
    async with raw(Life) as wire:
        wire.stream(name, *arguments)
        assert await wire.take(len(messages)) == messages
        assert [*OPENED, *after] == LOG


async def test_a_cancelled_call() -> None:
    async with raw(Life) as wire:
        wire.call("sleeps")
        await until(lambda: "asleep" in LOG)
        wire.say(cancel("1"))
        assert await wire.next() == done("1", UNEXPECTED.format("sleeps"))
        assert [*OPENED, "asleep", *saw("CancelledError")] == LOG


async def test_a_cancelled_stream() -> None:
    async with raw(Life) as wire:
        wire.stream("streams", 2)
        assert await wire.take(2) == [item("1", 0), item("1", 1)]
        await until(lambda: "waiting" in LOG)
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
        assert [*OPENED, "waiting", "stream closed", *saw("CancelledError")] == LOG


async def test_a_stream_whose_client_is_gone() -> None:
    async with raw(Life) as wire:
        wire.stream("streams", 2)
        assert await wire.take(2) == [item("1", 0), item("1", 1)]
    assert [*OPENED, "waiting", "stream closed", *saw("CancelledError")] == LOG


async def test_an_upload_whose_client_is_gone() -> None:
    async with raw(Life) as wire:
        wire.call("reads", streams=["a"])
        wire.say(item("a", 1))
        await until(lambda: LOG == OPENED)
    assert [*OPENED, *saw("ConnectionLost")] == LOG


async def test_a_server_that_stops() -> None:
    hubs = HubServer({"/hub": Life})
    async with raw(hubs) as wire:
        wire.call("sleeps")
        await until(lambda: "asleep" in LOG)
        await hubs.aclose()
        assert [*OPENED, "asleep", *saw("CancelledError")] == LOG


async def test_calls_without_an_answer_are_closed_too() -> None:
    async with raw(Life) as wire:
        wire.say(call("works", id=None))
        await until(lambda: [*OPENED, "called", *CLOSED] == LOG)
