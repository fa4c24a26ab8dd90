"""Event streams and long polling on uvicorn, over raw sockets."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hubstream.transports.asgi.table import Table
from tests.transports.asgi.sockets import LIMIT, RawRequest, negotiate, request
from tests.transports.asgi.test_uvicorn import Running, running, with_timeouts

EVENTS = "text/event-stream"


@pytest.fixture(params=["httptools", "h11"])
async def up(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    async with running("websockets-sansio", http=request.param) as made:
        yield made
        await made.idle()


async def open_stream(up: Running, **more: Any) -> tuple[str, RawRequest]:
    token = await negotiate(up.port)
    stream = await RawRequest.send(up.port, "GET", f"/clock?id={token}", accept=EVENTS, **more)
    assert await stream.status() == 200
    assert await stream.chunk() == b":\r\n"
    return token, stream


async def open_polling(up: Running) -> str:
    token = await negotiate(up.port)
    assert await request(up.port, "GET", f"/clock?id={token}") == (200, b"")
    return token


async def until(condition: Callable[[], object]) -> None:
    """Wait for what sets no event."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def post(up: Running, token: str, data: bytes) -> int:
    return (await request(up.port, "POST", f"/clock?id={token}", data))[0]


async def test_an_event_stream(up: Running) -> None:
    token, stream = await open_stream(up)
    head = stream.head.lower()
    for line in (
        b"content-type: text/event-stream\r\n",
        b"x-accel-buffering: no\r\n",
        b"transfer-encoding: chunked\r\n",
    ):
        assert line in head
    assert await post(up, token, b"hello") == 200
    assert await stream.chunk() == b"data: hello\r\n\r\n"
    assert await request(up.port, "GET", f"/clock?id={token}", accept=EVENTS) == (409, b"")
    up.handler().connection.close()
    assert await stream.chunk() == b""
    await up.handler().until("ended")
    assert (await request(up.port, "GET", f"/clock?id={token}", accept=EVENTS))[0] == 404
    # The same TCP connection serves the next request.
    stream.writer.write(b"GET /clock HTTP/1.1\r\nhost: x\r\n\r\n")
    assert await stream.status() == 400
    await stream.close()


async def test_polls(up: Running) -> None:
    token = await open_polling(up)
    waiting = await RawRequest.send(up.port, "GET", f"/clock?id={token}")
    assert await post(up, token, b"hello") == 200
    assert await waiting.status() == 200
    assert await waiting.body() == b"hello"
    up.handler().connection.close()
    waiting.writer.write(f"GET /clock?id={token} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    assert await waiting.status() == 204
    assert b"content-length" not in waiting.head.lower()
    assert (await request(up.port, "GET", f"/clock?id={token}"))[0] == 404
    await waiting.close()


@pytest.mark.parametrize("how", ["reset", "close", "half_close"])
async def test_an_event_streams_client_goes(up: Running, how: str) -> None:
    token, stream = await open_stream(up)
    if how == "reset":
        stream.reset()
    elif how == "close":
        await stream.close()
    else:
        stream.half_close()
    await up.handler().until("ended")
    assert up.handler().seen == [("lost", False), "ended"]
    assert await post(up, token, b"late") == 404
    await stream.close()


@pytest.mark.parametrize("how", ["reset", "close", "half_close"])
async def test_a_polls_client_goes(up: Running, how: str) -> None:
    token = await open_polling(up)
    waiting = await RawRequest.send(up.port, "GET", f"/clock?id={token}")
    await until(lambda: up.handler().connection._poll is not None)
    if how == "reset":
        waiting.reset()
    elif how == "close":
        await waiting.close()
    else:
        waiting.half_close()
    await until(lambda: up.handler().connection._poll is None)
    up.handler().connection.write(b"kept")
    assert await request(up.port, "GET", f"/clock?id={token}") == (200, b"kept")
    assert (await request(up.port, "DELETE", f"/clock?id={token}"))[0] == 202
    await waiting.close()


@pytest.mark.parametrize("transport", ["ServerSentEvents", "LongPolling"])
async def test_a_body_that_stops_in_the_middle(up: Running, transport: str) -> None:
    if transport == "LongPolling":
        token, stream = await open_polling(up), None
    else:
        token, stream = await open_stream(up)
    stopped = await RawRequest.send(up.port, "POST", f"/clock?id={token}", b"begin", length=100)
    await up.handler().until(b"begin")
    behind = await RawRequest.send(up.port, "POST", f"/clock?id={token}", b"next")
    stopped.reset()
    assert await behind.status() == 200
    await up.handler().until(b"next")
    endless = await RawRequest.send(up.port, "POST", f"/clock?id={token}", b"more", length=100)
    await up.handler().until(b"more")
    if stream is None:
        assert (await request(up.port, "DELETE", f"/clock?id={token}"))[0] == 202
    else:
        stream.reset()
    assert await endless.status() == 404
    for raw in (behind, endless):
        await raw.close()


async def test_a_post_waits_while_the_handler_takes_nothing(up: Running) -> None:
    token = await open_polling(up)
    connection = up.handler().connection
    connection.pause_reading()
    size = 3_000_000
    held = await RawRequest.send(up.port, "POST", f"/clock?id={token}", b"x" * size)
    reading = asyncio.create_task(held.status())
    await asyncio.sleep(0.2)
    assert not reading.done()
    assert up.handler().seen == []
    connection.resume_reading()
    assert await reading == 200
    await held.close()
    await up.handler().until("read done")
    assert sum(len(part) for part in up.handler().seen if isinstance(part, bytes)) == size
    assert (await request(up.port, "DELETE", f"/clock?id={token}"))[0] == 202


async def flood(connection: Any, frame: bytes) -> int:
    """Write until the connection is paused; the frames written."""
    for number in range(1, 20_000):
        connection.write(b"%06d" % number + frame)
        if connection.paused:
            return number
        if number % 10 == 0:
            await asyncio.sleep(0)
    raise AssertionError("never paused")


async def test_a_client_that_does_not_read_its_events_gets_all_in_order(up: Running) -> None:
    _, stream = await open_stream(up, receive_buffer=4096)
    handler = up.handler()
    written = await flood(handler.connection, b"x" * 16_384)
    handler.connection.write(b"%06d" % (written + 1))
    _, other = await open_stream(up)
    up.handler().connection.write(b"meanwhile")
    assert await other.chunk() == b"data: meanwhile\r\n\r\n"
    got = [int((await stream.chunk())[6:12]) for _ in range(written + 1)]
    assert got == list(range(1, written + 2))
    await handler.until("writable")
    assert not handler.connection.paused
    await stream.close()
    await other.close()


@pytest.mark.parametrize("how", ["reset", "abort", "timeout"])
async def test_the_end_of_a_client_that_does_not_read_its_events(
    up: Running, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, stream = await open_stream(up, receive_buffer=4096)
    handler = up.handler()
    await flood(handler.connection, b"x" * 16_384)
    if how == "reset":
        stream.reset()
    elif how == "abort":
        handler.connection.abort()
    else:
        handler.connection.due(asyncio.get_running_loop().time() + 11)
    await handler.until("ended")
    assert handler.seen == [("lost", False), "ended"]
    await up.idle()
    await stream.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_poll_cut_while_its_answer_is_written(up: Running) -> None:
    token = await open_polling(up)
    handler = up.handler()
    cut = await RawRequest.send(up.port, "GET", f"/clock?id={token}", receive_buffer=4096)
    handler.connection.write(b"x" * 8_000_000)
    assert await cut.status() == 200
    cut.reset()
    handler.connection.write(b"next")
    async with asyncio.timeout(LIMIT):
        while (answer := await request(up.port, "GET", f"/clock?id={token}"))[1] != b"next":
            handler.connection.write(b"next")
    assert answer[0] == 200
    assert (await request(up.port, "DELETE", f"/clock?id={token}"))[0] == 202


@pytest.mark.parametrize("transport", ["ServerSentEvents", "LongPolling"])
async def test_behind_a_middleware_that_wraps_send_and_receive(transport: str) -> None:
    async with running("websockets-sansio", with_timeouts) as up:
        if transport == "LongPolling":
            token = await open_polling(up)
            for number in range(20):
                waiting = await RawRequest.send(up.port, "GET", f"/clock?id={token}")
                assert await post(up, token, b"%d" % number) == 200
                assert await waiting.status() == 200
                assert await waiting.body() == b"%d" % number
                await waiting.close()
            assert (await request(up.port, "DELETE", f"/clock?id={token}"))[0] == 202
        else:
            token, stream = await open_stream(up)
            for number in range(20):
                assert await post(up, token, b"%d" % number) == 200
                assert await stream.chunk() == b"data: %d\r\n\r\n" % number
            await stream.close()
        await up.handler().until("ended")
        await up.idle()


async def test_under_starlettes_base_middleware() -> None:
    """It passes `send` through a stream and watches for the disconnect itself."""
    base: Any = pytest.importorskip("starlette.middleware.base")

    async def pass_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    def wrap(app: Any) -> Any:
        for _ in range(3):
            app = base.BaseHTTPMiddleware(app, dispatch=pass_on)
        return app

    async with running("websockets-sansio", wrap) as up:
        token, stream = await open_stream(up)
        assert await post(up, token, b"hello") == 200
        assert await stream.chunk() == b"data: hello\r\n\r\n"
        stream.reset()
        await up.handler().until("ended")
        token = await open_polling(up)
        waiting = await RawRequest.send(up.port, "GET", f"/clock?id={token}")
        assert await post(up, token, b"hello") == 200
        assert await waiting.status() == 200
        assert await waiting.body() == b"hello"
        assert (await request(up.port, "DELETE", f"/clock?id={token}"))[0] == 202
        await waiting.close()
        await up.handler().until("ended")
        await up.idle()


def alive() -> dict[str, int]:
    """How many there are of what a connection is made of."""
    gc.collect()
    names = [type(thing).__name__ for thing in gc.get_objects()]
    wanted = ("Echo", "EventStreamConnection", "LongPollingConnection", "Uplink", "Record")
    return {**{name: names.count(name) for name in wanted}, "tasks": len(asyncio.all_tasks())}


async def mixed(up: Running, rounds: int) -> None:
    """Connections that end in every way there is."""
    for round_ in range(rounds):
        way = round_ % 10
        if way < 5:
            token, stream = await open_stream(up)
            handler = up.handler()
            assert await post(up, token, b"x") == 200
            await stream.chunk()
            if way == 0:
                stream.reset()
            elif way == 1:
                await stream.close()
            elif way == 2:
                handler.connection.close()
            elif way == 3:
                handler.connection.abort()
            else:
                endless = await RawRequest.send(up.port, "POST", f"/clock?id={token}", b"y", length=9)
                await handler.until(b"y")
                stream.half_close()
                assert await endless.status() == 404
                await endless.close()
            await handler.until("ended")
            await stream.close()
        else:
            token = await open_polling(up)
            handler = up.handler()
            waiting = await RawRequest.send(up.port, "GET", f"/clock?id={token}")
            if way == 5:
                assert (await request(up.port, "DELETE", f"/clock?id={token}"))[0] == 202
                assert await waiting.status() == 204
            elif way == 6:
                waiting.reset()
                handler.connection.close()
                # The poll that was cut may have been told before it was seen to be.
                assert (await request(up.port, "GET", f"/clock?id={token}"))[0] in {204, 404}
            elif way == 7:
                handler.connection.abort()
            elif way == 8:
                newer = await RawRequest.send(up.port, "GET", f"/clock?id={token}")
                assert await waiting.status() == 204
                handler.connection.close()
                assert await newer.status() == 204
                await newer.close()
            else:
                waiting.half_close()
                await resting(up)
            await handler.until("ended")
            await waiting.close()


async def resting(up: Running) -> None:
    """The poll that waited is seen to be gone; then no other comes in time."""
    await until(lambda: any(isinstance(member, Table) for member in up.site.clock.members))
    up.site.clock.later(16)


async def test_nothing_is_left_of_100_mixed_ends(up: Running) -> None:
    await mixed(up, 10)
    await up.idle()
    up.site.handlers.clear()
    up.site.requests.clear()
    before = alive()
    await mixed(up, 100)
    await up.idle()
    up.site.handlers.clear()
    up.site.requests.clear()
    assert alive() == before
