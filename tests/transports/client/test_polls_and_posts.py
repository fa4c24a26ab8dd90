"""What event streams and long polling look like on the wire, and servers that do not keep to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from hubstream.transports.client import longpolling, uplink
from hubstream.transports.client.requests import reason
from tests.transports.client.served import Answers, Client, answering, attached
from tests.transports.client.test_negotiate import GOOD

Give = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def polling(poll: Give, post: Give | None = None, **options: Any) -> AsyncGenerator[tuple[Client, Answers]]:
    """A long polling connection whose polls after the first, and whose POSTs, are answered so."""
    polls = 0

    async def give(request: web.Request) -> web.StreamResponse:
        nonlocal polls
        if request.path.endswith("/negotiate"):
            return web.json_response(GOOD)
        if request.method == "POST":
            return await post(request) if post is not None else web.Response()
        if request.method == "DELETE":
            return web.Response(status=202)
        polls += 1
        if polls == 1:
            return web.Response(content_type="application/octet-stream")
        return await poll(request)

    async with answering(give) as server, attached(server.url, "LongPolling", **options) as client:
        yield client, server


async def silence(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


@asynccontextmanager
async def streaming(
    *parts: bytes, post: Give | None = None, wait: asyncio.Event | None = None, last: bytes = b""
) -> AsyncGenerator[tuple[Client, Answers]]:
    """An event stream of these bytes, which then lasts; or which ends, after a wait, with the last ones."""

    async def give(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/negotiate"):
            return web.json_response(GOOD)
        if request.method == "POST":
            return await post(request) if post is not None else web.Response()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        if wait is not None:
            await wait.wait()
            await response.write(last)
        elif parts[-1:] != (b"",):
            await asyncio.sleep(60)
        return response

    async with answering(give) as server, attached(server.url, "ServerSentEvents") as client:
        yield client, server


async def test_an_event_stream_on_the_wire() -> None:
    async with streaming(b":\r\n", b"data: {}\x1e\r\n\r", b"\ndata: a\r\ndata: b\r\n\r\n\r\n") as (client, server):
        await client.has(b"{}\x1ea\nb")
        client.pipe.write(b"up")
    negotiate, get, post = server.requests
    assert get.path_qs == post.path_qs == "/hub?id=token"
    assert (negotiate.method, get.method, post.method) == ("POST", "GET", "POST")
    assert get.headers.getall("Accept") == ["text/event-stream"]
    assert post.headers["Content-Length"] == "2"
    assert "Content-Type" not in post.headers
    assert {request.headers["X-Requested-With"] for request in server.requests} == {"XMLHttpRequest"}
    assert {request.headers["User-Agent"].partition("/")[0] for request in server.requests} == {"hubstream"}


async def test_an_event_stream_that_the_server_ends() -> None:
    async with streaming(b"data: bye\r\n\r\n", b"") as (client, _):
        await client.until(("lost", True))
        assert client.data == b"bye"


@pytest.mark.parametrize("part", [b"event: x\r\n\r\n", b"<html>\n"])
async def test_an_event_stream_of_something_else(part: bytes) -> None:
    async with streaming(part) as (client, _):
        await client.until(("lost", False))


async def test_an_event_stream_that_breaks_off() -> None:
    async def give(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/negotiate"):
            return web.json_response(GOOD)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: x\r\n\r\n")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with answering(give) as server, attached(server.url, "ServerSentEvents") as client:
        await client.until(("lost", False))
        assert client.data == b"x"


async def test_long_polling_on_the_wire() -> None:
    given = iter([web.Response(body=b"one"), web.Response(), web.Response(body=b"two" * 50_000)])

    async def poll(request: web.Request) -> web.StreamResponse:
        response = next(given, None)
        return response if response is not None else await silence(request)

    async with polling(poll) as (client, server):
        await client.has(b"one" + b"two" * 50_000)
        client.pipe.write(b"up")
    assert client.seen[-2] == ("lost", True)
    assert server.asked[:2] == ["POST /hub/negotiate?negotiateVersion=1", "GET /hub?id=token"]
    assert server.asked[-2:] == ["POST /hub?id=token", "DELETE /hub?id=token"]
    post = server.requests[-2]
    assert "Content-Type" not in post.headers
    assert {request.headers.get("X-Requested-With") for request in server.requests} == {"XMLHttpRequest"}
    assert len({request.transport for request in server.requests}) <= 3, "connections are used again"


@pytest.mark.parametrize(("status", "graceful"), [(204, True), (404, False), (500, False), (409, False), (401, False)])
async def test_how_a_poll_may_end_it(status: int, graceful: bool) -> None:
    async def end(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=None if status == 204 else "why")

    async with polling(end) as (client, server):
        await client.until(("lost", graceful))
    assert "DELETE /hub?id=token" not in server.asked


async def test_a_poll_that_breaks_off_ends_it() -> None:
    async def end(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"some")
        assert request.transport is not None
        request.transport.close()
        raise ConnectionError

    async with polling(end) as (client, _):
        await client.until(("lost", False))
        assert client.data == b"some"


async def test_a_poll_that_is_not_answered_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longpolling, "SILENCE", 0.05)
    async with polling(silence) as (client, server):
        async with asyncio.timeout(5):
            while len(server.requests) < 5:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        assert "ended" not in client.seen


async def test_a_post_that_is_not_answered_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "SILENCE", 0.05)
    monkeypatch.setattr(uplink, "LAST", 0.1)
    async with polling(silence, silence) as (client, _):
        client.pipe.write(b"x" * 100_000)
        await client.until(("lost", False))
        assert reason(client.pipe.failure) == "the server sent nothing for 120 s"


@pytest.mark.parametrize("status", [400, 404, 401, 500, 302, 307])
async def test_a_post_that_is_refused_ends_it(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "LAST", 0.1)

    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with polling(silence, refuse) as (client, _):
        client.pipe.write(b"x")
        await client.until(("lost", False))
    async with streaming(b":\r\n", post=refuse) as (client, _):
        client.pipe.write(b"x")
        await client.until(("lost", False))


@pytest.mark.parametrize("transport", ["ServerSentEvents", "LongPolling"])
async def test_a_post_that_comes_too_late(transport: str) -> None:
    """The server has closed: why is still read."""
    refused = asyncio.Event()

    async def refuse(request: web.Request) -> web.StreamResponse:
        refused.set()
        return web.Response(status=404)

    last = [web.Response(status=204), web.Response(body=b"that is why")]

    async def give(request: web.Request) -> web.StreamResponse:
        await refused.wait()
        return last.pop()

    if transport == "LongPolling":
        async with polling(give, refuse) as (client, _):
            client.pipe.write(b"x")
            await client.until(("lost", True))
            assert client.data == b"that is why"
        return
    async with streaming(b":\r\n", wait=refused, last=b"data: that is why\r\n\r\n", post=refuse) as (client, _):
        client.pipe.write(b"x")
        await client.until(("lost", True))
        assert client.data == b"that is why"
        client.pipe.write(b"nothing more")


async def test_one_post_at_a_time_with_all_that_gathered() -> None:
    taking = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await taking.wait()
        return web.Response()

    async with polling(silence, wait) as (client, server):
        client.pipe.write(b"a")
        client.pipe.write(b"b")
        async with asyncio.timeout(5):
            while not server.bodies:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        for _ in range(3):
            client.pipe.write(b"c")
        assert not client.pipe.paused
        client.pipe.write(b"d" * 65_536)
        assert client.pipe.paused
        taking.set()
        await client.takes()
        assert server.bodies == [b"ab", b"ccc" + b"d" * 65_536]
