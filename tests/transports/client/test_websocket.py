"""A WebSocket's frames, its ends, and servers that break the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from tests.transports.client.served import Answers, Client, answering, attached

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def talking(talk: Talk, **options: Any) -> AsyncGenerator[tuple[Client, Answers]]:
    """A client, and a server that says this; then it waits for the client's close."""

    async def give(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False, autoclose=False, timeout=0.1, max_msg_size=0)
        await socket.prepare(request)
        await talk(socket)
        if not socket.closed:
            await socket.receive()
        return socket

    async with (
        answering(give) as server,
        attached(server.url, "WebSockets", skip_negotiation=True, **options) as client,
    ):
        yield client, server


async def nothing(socket: web.WebSocketResponse) -> None:
    pass


async def test_the_upgrade() -> None:
    async with talking(nothing, token=lambda: "t", headers={"X-Own": "1"}) as (_, server):
        pass
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer t"
    assert request.headers["X-Requested-With"] == "XMLHttpRequest"
    assert request.headers["X-Own"] == "1"
    assert not {"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Origin"} & set(request.headers)


async def test_frames_as_they_come() -> None:
    """Text or bytes, in pieces, empty or of megabytes: bytes are bytes (spec 2.1)."""
    big = b"y" * 6_000_000

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("é")
        await socket.send_bytes(b"\xff")
        await socket.send_str("")
        writer: Any = socket._writer  # pyright: ignore[reportPrivateUsage] - aiohttp sends no fragments by itself
        writer.transport.write(b"\x01\x01a" + b"\x80\x01b")
        await socket.send_bytes(big)

    async with talking(talk) as (client, _):
        await client.has("é".encode() + b"\xffab" + big)


async def test_what_goes_out() -> None:
    seen: list[Any] = []
    done = asyncio.Event()

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.ping(b"there?")
        while len(seen) < 3:
            message = await socket.receive()
            seen.append((message.type, bytes(message.data) if type(message.data) is bytearray else message.data))
        done.set()

    async with talking(talk) as (client, _):
        client.pipe.write("é".encode())
        client.pipe.use_binary(True)
        client.pipe.write(b"\xff")
        async with asyncio.timeout(5):
            await done.wait()
    kinds = {WSMsgType.PONG: b"there?", WSMsgType.TEXT: "é", WSMsgType.BINARY: b"\xff"}
    assert sorted(seen) == sorted(kinds.items())
    assert [kind for kind, _ in seen if kind != WSMsgType.PONG] == [WSMsgType.TEXT, WSMsgType.BINARY]


@pytest.mark.parametrize(
    ("code", "graceful"), [(1000, True), (1001, True), (1002, False), (1008, False), (1011, False), (4000, False)]
)
async def test_how_the_server_closes(code: int, graceful: bool) -> None:
    answered: list[Any] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("bye")
        writer: Any = socket._writer  # pyright: ignore[reportPrivateUsage] - without waiting for the answer
        await writer.close(code, b"why")
        answer = await socket.receive()
        answered.append((answer.type, answer.data))

    async with talking(talk) as (client, _):
        await client.until(("lost", graceful))
        assert client.data == b"bye"
    assert answered == [(WSMsgType.CLOSE, 1000)]


async def test_a_server_that_is_gone_with_its_close() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        writer: Any = socket._writer  # pyright: ignore[reportPrivateUsage] - aiohttp waits for the answer
        writer.transport.write(b"\x88\x02\x03\xe8")
        writer.transport.close()

    for _ in range(5):
        async with talking(talk) as (client, _):
            client.on_received = lambda data: None
            await client.until(("lost", True))


async def test_a_close_without_a_code() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        writer: Any = socket._writer  # pyright: ignore[reportPrivateUsage] - aiohttp always gives one
        writer.transport.write(b"\x88\x00")

    async with talking(talk) as (client, _):
        await client.until(("lost", False))


@pytest.mark.parametrize("bytes_", [b"\xff\xff\xff", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x88\x01\x00", b"\x80\x01x"])
async def test_what_is_no_websocket(bytes_: bytes) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        writer: Any = socket._writer  # pyright: ignore[reportPrivateUsage] - aiohttp breaks no protocol
        writer.transport.write(bytes_)

    async with talking(talk, close_timeout=0.2) as (client, _):
        async with asyncio.timeout(2):
            await client.until(("lost", False))


async def test_a_server_that_does_not_answer_a_close() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(60)

    async with talking(talk, close_timeout=0.2) as (client, _):
        client.pipe.close()
        async with asyncio.timeout(2):
            await client.until(("lost", False))


async def test_a_server_that_talks_on_after_a_close() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        while True:
            await socket.send_bytes(b"x" * 10_000)

    async with talking(talk, close_timeout=0.2) as (client, _):
        await client.until("read done")
        client.pipe.close()
        async with asyncio.timeout(2):
            await client.until(("lost", False))


async def test_a_flood_of_pings_ends() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        for _ in range(20_000):
            await socket.ping(b"x" * 100)
        await socket.send_str("done")
        while (await socket.receive()).type is WSMsgType.PONG:
            pass

    async with talking(talk, close_timeout=0.2) as (client, _):
        await client.has(b"done")
