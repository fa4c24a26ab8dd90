from __future__ import annotations

import asyncio
import importlib
import types
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, cast

import pytest

from hubstream.transports.asgi.stepping import finish, server, steps
from hubstream.types import Message, Send
from tests.transports.asgi.driven import Server, Trusted


async def by_steps(awaitable: Awaitable[Any]) -> Any:
    taken = steps(awaitable)
    try:
        waits_for = taken.send(None)
    except StopIteration as end:
        return end.value
    return await finish(taken, waits_for)


class Future:
    """An awaitable that is no coroutine, as granian's."""

    def __init__(self, inner: asyncio.Future[Any]) -> None:
        self.inner = inner

    def __await__(self) -> Generator[Any, Any, Any]:
        """Gives no more than an iterator, as granian's does."""
        return cast("Generator[Any, Any, Any]", Iterated(self.inner))


class Iterated:
    """An iterator without `send` and `throw`."""

    def __init__(self, inner: asyncio.Future[Any]) -> None:
        self.inner = inner.__await__()

    def __iter__(self) -> Iterated:
        return self

    def __next__(self) -> object:
        return next(self.inner)


async def at_once() -> str:
    return "value"


async def sleeps() -> str:
    await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    return "value"


async def raises_at_once() -> str:
    raise OSError("gone")


async def raises_later() -> str:
    await asyncio.sleep(0)
    raise OSError("gone")


async def times_out() -> str:
    try:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(10)
    except TimeoutError:
        return "timed out"
    return "no"


def done_future() -> Awaitable[str]:
    future = asyncio.get_running_loop().create_future()
    future.set_result("value")
    return Future(future)


@types.coroutine
def old_style() -> Any:
    yield
    return "value"


def later_future() -> Awaitable[str]:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, "value")
    return Future(future)


@pytest.mark.parametrize(
    "make", [at_once, sleeps, raises_at_once, raises_later, times_out, done_future, later_future, old_style]
)
async def test_steps_are_what_await_does(make: Callable[[], Awaitable[str]]) -> None:
    async def outcome(awaitable: Awaitable[str]) -> str:
        try:
            return await awaitable
        except OSError as error:
            return repr(error)

    async with asyncio.timeout(5):
        assert await outcome(by_steps(make())) == await outcome(make())


async def test_cancellation_reaches_the_inside_and_may_be_swallowed() -> None:
    log: list[str] = []
    waiting = asyncio.Event()

    async def stubborn() -> str:
        for turn in ("first", "second"):
            try:
                waiting.set()
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                log.append(turn)
        await asyncio.sleep(0)
        return "value"

    task = asyncio.create_task(by_steps(stubborn()))
    async with asyncio.timeout(5):
        for _ in range(2):
            await waiting.wait()
            waiting.clear()
            task.cancel()
            await asyncio.sleep(0)
        assert await task == "value"
    assert log == ["first", "second"]


async def test_cancellation_passes_through() -> None:
    ended: list[bool] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append(True)

    task = asyncio.create_task(by_steps(waits()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_an_unfinished_rest_is_closed() -> None:
    ended: list[bool] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append(True)

    taken = steps(waits())
    rest = steps(finish(taken, taken.send(None)))
    rest.send(None)
    rest.close()
    assert ended == [True]


def wrapped(send: Send) -> Send:
    async def wrapper(message: Message) -> None:
        await send(message)

    return wrapper


def starlettes(send: Send) -> Send:
    """As Starlette's exception handling wraps it."""

    async def sender(message: Message) -> None:
        await send(message)

    sender.__module__ = "starlette._exception_handler"
    return sender


class NoCoroutine:
    def send(self, message: Message) -> Awaitable[None]:
        return Future(asyncio.get_running_loop().create_future())


NoCoroutine.__module__ = "uvicorn.protocols.websockets.driven"


async def test_whose_send_may_be_stepped() -> None:
    trusted = Trusted()
    assert server(trusted.send) is trusted
    assert server(starlettes(trusted.send)) is trusted
    assert server(starlettes(starlettes(trusted.send))) is trusted
    assert server(Server().send) is None
    assert server(wrapped(trusted.send)) is None
    assert server(starlettes(wrapped(trusted.send))) is None
    assert server(wrapped(starlettes(trusted.send))) is None
    assert server(partial(trusted.send)) is None
    assert server(NoCoroutine().send) is None
    assert server(trusted.sent.append) is None  # type: ignore[arg-type]  # a callable of another kind


@pytest.mark.parametrize("kind", ["websocket", "http"])
async def test_through_starlette(kind: str) -> None:
    applications: Any = pytest.importorskip("starlette.applications")
    routing: Any = pytest.importorskip("starlette.routing")
    seen: list[object] = []

    async def app(scope: object, receive: object, send: Send) -> None:
        seen.append(server(send))

    trusted = Trusted()
    whole = applications.Starlette(routes=[routing.Mount("/hubs", app=app)])
    scope: dict[str, Any] = {
        "type": kind,
        "method": "GET",
        "path": "/hubs/clock",
        "headers": [],
        "query_string": b"",
    }
    await whole(scope, trusted.receive, trusted.send)
    assert seen == [trusted]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("websockets_sansio_impl", "WebSocketsSansIOProtocol"),
        ("wsproto_impl", "WSProtocol"),
    ],
)
def test_uvicorns_own_classes_are_known(module: str, name: str) -> None:
    if name == "WSProtocol":
        pytest.importorskip("wsproto")
    found = importlib.import_module(f"uvicorn.protocols.websockets.{module}")
    protocol = object.__new__(getattr(found, name))
    assert server(protocol.send) is protocol


@pytest.mark.parametrize("module", ["httptools_impl", "h11_impl"])
def test_uvicorns_own_http_classes_are_known(module: str) -> None:
    found = importlib.import_module(f"uvicorn.protocols.http.{module}")
    cycle = object.__new__(found.RequestResponseCycle)
    assert server(cycle.send) is cycle
