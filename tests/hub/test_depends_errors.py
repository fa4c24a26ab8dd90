"""Dependencies that raise, hang, cancel themselves or swallow errors: what the caller is told, and that the connection lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest

from hubstream import Depends, Hub, HubError
from hubstream.hub.http_exception import as_answer
from tests.hub.test_depends_life import LOG, OPENED, STREAMING, UNEXPECTED, Inner, Oops, clear, saw
from tests.hub.wire import Wire, cancel, done, item, raw, result, until

__all__ = ["clear"]


def raises() -> int:
    raise Oops("secret")


async def raises_later() -> int:
    await asyncio.sleep(0)
    raise Oops("secret")


def raises_at_first() -> Iterator[int]:
    if LOG:  # the first dependency has been opened
        raise Oops("secret")
    yield 1


async def raises_at_last() -> AsyncIterator[int]:
    yield 1
    raise Oops("secret")


def raises_another() -> Iterator[int]:
    try:
        yield 1
    finally:
        raise Oops("secret")


def refuses() -> int:
    raise HubError("no such room", code="room")


async def cancels_itself() -> int:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)
    return 1


def raises_cancelled() -> int:
    raise asyncio.CancelledError


async def yields_nothing() -> AsyncIterator[int]:
    if not LOG:
        yield 1


def yields_twice() -> Iterator[int]:
    yield 1
    yield 2


def stops() -> int:
    raise StopIteration


async def stops_async() -> int:
    raise StopAsyncIteration


FAILING: dict[str, tuple[Callable[..., Any], str, type[BaseException] | None]] = {
    "raises": (raises, "", Oops),
    "raises later": (raises_later, "", Oops),
    "raises before its yield": (raises_at_first, "", Oops),
    "raises after its yield": (raises_at_last, "", Oops),
    "raises in its finally": (raises_another, "", Oops),
    "refuses": (refuses, " HubException: no such room [room]", None),
    "cancels itself": (cancels_itself, "", asyncio.CancelledError),
    "raises CancelledError": (raises_cancelled, "", asyncio.CancelledError),
    "yields nothing": (yields_nothing, "", RuntimeError),
    "yields twice": (yields_twice, "", RuntimeError),
    "StopIteration": (stops, "", RuntimeError),
    "StopAsyncIteration": (stops_async, "", StopAsyncIteration),
}

AT_LAST = {"raises after its yield", "raises in its finally", "yields twice"}
"""Those that fail when the stream has been sent."""


@pytest.mark.parametrize("kind", ["call", "stream"])
@pytest.mark.parametrize("name", FAILING)
async def test_a_dependency_that_fails_fails_its_call(name: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    dependency, detail, error = FAILING[name]
    marker: Any = Depends(dependency)

    class Fails(Hub):
        async def call(self, first: Inner, value: int = marker) -> int:
            return 1

        async def stream(self, first: Inner, value: int = marker) -> AsyncIterator[int]:
            if self:
                return
            yield 1

        async def fine(self) -> int:
            return 1

    async with raw(Fails) as wire:
        getattr(wire, kind)(kind)
        answer = await wire.next()
        text = STREAMING if kind == "stream" and name in AT_LAST else UNEXPECTED.format(kind)
        assert answer == done("1", text + detail)
        assert LOG[:2] == OPENED
        assert LOG[-1] == "outer closed"
        wire.call("fine", id="2")
        assert await wire.next() == result("2", 1)
    errors = [record.exc_info[0] for record in caplog.records if record.levelno == logging.ERROR and record.exc_info]
    assert errors == ([] if error is None else [error])


def swallows() -> Iterator[int]:
    try:
        yield 1
    except BaseException as error:
        LOG.append(f"swallowed {type(error).__name__}")


class Swallows(Hub):
    async def call(self, value: Annotated[int, Depends(swallows)]) -> int:
        raise Oops("secret")

    async def stream(self, value: Annotated[int, Depends(swallows)]) -> AsyncIterator[int]:
        yield 1
        raise Oops("secret")

    async def sleeps(self, value: Annotated[int, Depends(swallows)]) -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(1000)


async def test_an_error_that_a_dependency_swallows_is_the_calls_all_the_same() -> None:
    async with raw(Swallows) as wire:
        wire.call("call")
        assert await wire.next() == done("1", UNEXPECTED.format("call"))
        wire.stream("stream")
        assert await wire.take(2) == [item("1", 1), done("1", STREAMING)]
        wire.stream("sleeps")
        assert await wire.next() == item("1", 1)
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
    assert LOG == ["swallowed Oops", "swallowed Oops", "swallowed CancelledError"]


async def replaces() -> AsyncIterator[int]:
    try:
        yield 1
    except Oops as error:
        raise HubError("what the caller may know") from error


class Replaces(Hub):
    async def call(self, first: Inner, value: Annotated[int, Depends(replaces)]) -> int:
        raise Oops("secret")


async def test_an_error_that_a_dependency_replaces() -> None:
    async with raw(Replaces) as wire:
        wire.call("call")
        assert await wire.next() == done("1", UNEXPECTED.format("call") + " HubException: what the caller may know")
        assert [*OPENED, *saw("HubError")] == LOG


async def hangs() -> AsyncIterator[int]:
    LOG.append("hangs")
    await asyncio.sleep(1000)
    yield 1


async def hangs_at_last() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        LOG.append("hangs")
        await asyncio.sleep(1000)


class Hangs(Hub):
    async def at_first(self, first: Inner, value: Annotated[int, Depends(hangs)]) -> None: ...

    async def at_last(self, first: Inner, value: Annotated[int, Depends(hangs_at_last)]) -> None: ...

    async def stream(self, first: Inner, value: Annotated[int, Depends(hangs)]) -> AsyncIterator[int]:
        yield 1


async def hanging(wire: Wire) -> None:
    await until(lambda: "hangs" in LOG)
    wire.say(cancel("1"))


@pytest.mark.parametrize("name", ["at_first", "at_last"])
async def test_a_dependency_that_hangs_is_cancelled_with_its_call(name: str) -> None:
    async with raw(Hangs) as wire:
        wire.call(name)
        await hanging(wire)
        assert await wire.next() == done("1", UNEXPECTED.format(name))
        assert LOG[-1] == "outer closed"


async def test_a_dependency_that_hangs_is_cancelled_with_its_stream() -> None:
    async with raw(Hangs) as wire:
        wire.stream("stream")
        await hanging(wire)
        assert await wire.next() == done("1")
        assert LOG[-1] == "outer closed"


# -- errors of HTTP


class HTTPError(Exception):
    """As frameworks have them."""

    def __init__(self, status_code: Any, detail: Any) -> None:
        self.status_code = status_code
        self.detail = detail


def http(status: Any, detail: Any) -> Callable[[], int]:
    def fails() -> int:
        raise HTTPError(status, detail)

    return fails


HTTP: list[tuple[Any, Any, str]] = [
    (401, "Not authenticated", "Failed to invoke 'call' because user is unauthorized"),
    (403, {"any": "thing"}, "Failed to invoke 'call' because user is unauthorized"),
    (404, "No such room", UNEXPECTED.format("call") + " HubException: No such room"),
    (500, "Sorry", UNEXPECTED.format("call") + " HubException: Sorry"),
    (404, {"any": "thing"}, UNEXPECTED.format("call")),
    ("404", "No such room", UNEXPECTED.format("call")),
    (None, None, UNEXPECTED.format("call")),
]


@pytest.mark.parametrize(("status", "detail", "text"), HTTP)
async def test_errors_of_http(status: Any, detail: Any, text: str) -> None:
    marker: Any = Depends(http(status, detail))

    class Fails(Hub):
        async def call(self, value: int = marker) -> int:
            return 1

        async def stream(self, value: int = marker) -> AsyncIterator[int]:
            yield 1

    async with raw(Fails) as wire:
        wire.call("call")
        assert await wire.next() == done("1", text)
        wire.stream("stream")
        assert await wire.next() == done("1", text.replace("'call'", "'stream'"))


def test_an_error_whose_attributes_fail_is_any_error() -> None:
    class Fails(Exception):
        @property
        def status_code(self) -> int:
            raise Oops

    error = Fails()
    assert as_answer(error) is error
