"""The transports on uvicorn, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hubstream.connection.connection import Connection
from hubstream.types import ASGIApp, Message, Receive, Scope, Send
from tests.transports.asgi.driven import Handler, Site

CLASSES: list[Any] = [
    "websockets-sansio",
    pytest.param("wsproto", marks=pytest.mark.filterwarnings("ignore::DeprecationWarning")),
]


class Echo(Handler):
    """Sends back what comes, when the read is done."""

    def __init__(self, connection: Connection | None = None) -> None:
        super().__init__(connection)
        self.out: list[bytes] = []

    def received(self, data: bytes) -> None:
        super().received(data)
        self.out.append(data)

    def read_done(self) -> None:
        assert self.connection is not None
        if self.out and not self.connection.paused:
            self.connection.write(b"".join(self.out))
            self.out = []
        self.seen.append("read done")

    def writable(self) -> None:
        super().writable()
        self.read_done()


class Running:
    """An application on uvicorn, in this event loop."""

    def __init__(self, port: int, site: Site, server: uvicorn.Server) -> None:
        self.url = f"ws://127.0.0.1:{port}/clock"
        self.port = port
        self.site = site
        self.server = server

    def handler(self, number: int = -1) -> Any:
        return self.site.handlers[number]

    async def idle(self) -> None:
        """Every socket and every call has ended."""
        async with asyncio.timeout(10):
            while self.server.server_state.connections or self.server.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.01)
        assert self.site.app.records == 0

    def client(self, url: str = "", **options: Any) -> connect:
        return connect(url or self.url, open_timeout=5, close_timeout=5, proxy=None, **options)


@asynccontextmanager
async def running(
    ws: str, wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app, **options: Any
) -> AsyncGenerator[Running]:
    site = Site()
    site.make = Echo
    config = uvicorn.Config(
        wrap(site.app),
        ws=ws,
        lifespan="off",
        log_config=None,
        access_log=False,
        **options,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listening])
        try:
            yield Running(listening.getsockname()[1], site, server)
        finally:
            async with asyncio.timeout(10):
                await server.shutdown(sockets=[listening])


@pytest.fixture(params=CLASSES)
async def up(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    async with running(request.param) as made:
        yield made
        await made.idle()


async def reset(client: ClientConnection) -> None:
    """Drop the TCP connection with an RST."""
    sock = client.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()


async def http(port: int, method: str, target: str, version: str = "1.1") -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"{method} {target} HTTP/{version}\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body


async def test_negotiate_attach_echo_close(up: Running) -> None:
    status, body = await http(up.port, "POST", "/clock/negotiate?negotiateVersion=1")
    assert status == 200
    token = json.loads(body)["connectionToken"]
    async with asyncio.timeout(5), up.client(f"{up.url}?id={token}") as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        up.handler().connection.use_binary(True)
        await client.send(b"\x00\xff")
        assert await client.recv() == b"\x00\xff"
        with pytest.raises(InvalidStatus) as refused:
            await up.client(f"{up.url}?id={token}")
        assert refused.value.response.status_code == 409
    await up.handler().until("ended")
    assert up.handler().seen[-2:] == [("lost", True), "ended"]
    await up.idle()
    with pytest.raises(InvalidStatus) as unknown:
        await up.client(f"{up.url}?id={token}")
    assert unknown.value.response.status_code == 404
    assert unknown.value.response.body == b"No Connection with that ID"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/clock", 400),
        ("GET", "/clock?id=nope", 404),
        ("HEAD", "/clock", 405),
        ("OPTIONS", "/clock", 405),
        ("GET", "/clock/negotiate", 405),
        ("POST", "/clock?id=nope", 404),
        ("GET", "/", 404),
        ("POST", "//cl%6Fck/negotiate/", 200),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_http(method: str, target: str, status: int, version: str) -> None:
    async with running("websockets-sansio") as up:
        assert (await http(up.port, method, target, version))[0] == status
        up.site.clock.loop.call_soon(lambda: None)


async def test_many_messages_of_one_segment_are_one_frame(up: Running) -> None:
    async with asyncio.timeout(5), up.client() as client:
        await client.send("first")
        await client.recv()
        transport = client.transport
        client.protocol.send_text(b"a")
        client.protocol.send_text(b"b")
        client.protocol.send_text(b"c", fin=False)
        client.protocol.send_continuation(b"d", fin=True)
        transport.write(b"".join(client.protocol.data_to_send()))
        assert await client.recv() == "abcd"


async def test_the_server_closes_after_what_was_written(up: Running) -> None:
    async with asyncio.timeout(5), up.client() as client:
        await client.send("x")
        await client.recv()
        up.handler().connection.write(b"last")
        up.handler().connection.close()
        assert await client.recv() == "last"
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (1000, "")
    await up.handler().until("ended")
    assert up.handler().seen[-2:] == [("lost", True), "ended"]


async def test_abort(up: Running) -> None:
    async with asyncio.timeout(5), up.client() as client:
        await client.send("x")
        await client.recv()
        up.handler().connection.abort()
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1000
    await up.handler().until("ended")
    assert up.handler().seen[-2:] == [("lost", False), "ended"]


async def test_reset_is_seen(up: Running) -> None:
    for sends in (False, True):
        client = await up.client()
        if sends:
            await client.send("x")
            await client.recv()
        await reset(client)
        await up.idle()
        assert up.handler().seen[-2:] == [("lost", False), "ended"]


async def test_reset_before_the_accept(up: Running) -> None:
    request = (
        b"GET /clock HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    for _ in range(20):
        with socket.socket() as sock:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await loop.sock_connect(sock, ("127.0.0.1", up.port))
            await loop.sock_sendall(sock, request)
    await up.idle()
    for handler in up.site.handlers:
        assert handler.seen == [("lost", False), "ended"]


async def flood(connection: Connection, frame: bytes, most: int) -> int:
    """Write until the connection is paused; the frames written."""
    for number in range(1, most):
        connection.write(b"%06d" % number + frame)
        if connection.paused:
            return number
        if number % 10 == 0:
            await asyncio.sleep(0)
    raise AssertionError("never paused")


async def stalled(up: Running) -> ClientConnection:
    """A client that reads nothing, over a connection whose buffers are small."""
    client = await up.client(max_queue=1, ping_interval=None, compression=None)
    await client.send("x")
    await up.handler().until(b"x")
    client.transport.pause_reading()
    return client


async def test_a_peer_that_does_not_read_pauses_and_gets_all_in_order(up: Running) -> None:
    client = await stalled(up)
    connection: Any = up.handler().connection
    written = await flood(connection, b"x" * 16_384, 5_000)
    async with asyncio.timeout(5), up.client() as other:
        await other.send("meanwhile")
        assert await other.recv() == "meanwhile"
    assert connection.paused
    connection.write(b"%06d" % (written + 1))
    client.transport.resume_reading()
    async with asyncio.timeout(20):
        assert await client.recv() == "x"
        got = [int(str(await client.recv())[:6]) for _ in range(written + 1)]
        await up.handler(0).until("writable")
        assert not connection.paused
        await client.close()
    assert got == list(range(1, written + 2))


@pytest.mark.parametrize("how", ["reset", "abort", "timeout"])
async def test_the_end_of_a_peer_that_does_not_read(up: Running, how: Literal["reset", "abort", "timeout"]) -> None:
    client = await stalled(up)
    handler = up.handler()
    await flood(handler.connection, b"x" * 16_384, 5_000)
    if how == "reset":
        await reset(client)
    elif how == "abort":
        handler.connection.abort()
    else:
        handler.connection.close()
        handler.connection.due(asyncio.get_running_loop().time() + 11)
    await handler.until("ended")
    assert handler.seen[-2:] == [("lost", False), "ended"]
    await up.idle()
    client.transport.abort()


async def test_paused_reading_holds_the_peer(up: Running) -> None:
    async with asyncio.timeout(20), up.client(compression=None) as client:
        await client.send("x")
        await client.recv()
        handler = up.handler()
        handler.connection.pause_reading()
        before = len(handler.seen)
        frame = "y" * 65_536
        sends = asyncio.create_task(send_all(client, frame, 400))
        await asyncio.sleep(0.2)
        assert not sends.done()
        assert len(handler.seen) - before <= 4
        handler.connection.resume_reading()
        total = 0
        while total < 400 * 65_536:
            total += len(await client.recv())
        await sends


async def send_all(client: ClientConnection, frame: str, count: int) -> None:
    for _ in range(count):
        await client.send(frame)


def with_timeouts(app: ASGIApp) -> ASGIApp:
    """A middleware whose `send` needs a task of its own."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def timed(message: Message) -> None:
            async with asyncio.timeout(5):
                await send(message)

        async def timed_receive() -> Message:
            async with asyncio.timeout(5):
                return await receive()

        await app(scope, timed_receive, timed)

    return wrapped


@pytest.mark.parametrize("ws", CLASSES)
async def test_behind_a_middleware_that_wraps_send_and_receive(ws: str) -> None:
    async with running(ws, with_timeouts) as up:
        async with asyncio.timeout(5), up.client() as client:
            for number in range(20):
                await client.send(str(number))
                assert await client.recv() == str(number)
            handler = up.handler()
            handler.connection.close()
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1000
        await handler.until("ended")
        await up.idle()


@pytest.mark.parametrize("ws", CLASSES)
async def test_the_servers_shutdown_is_a_loss(ws: str) -> None:
    async with running(ws) as up:
        client = await up.client()
        await client.send("x")
        await client.recv()
    assert up.handler().seen[-2:] == [("lost", False), "ended"]
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed):
            await client.recv()
        await client.wait_closed()
    assert client.close_code == 1012


def alive() -> dict[str, int]:
    """How many there are of what a connection is made of."""
    gc.collect()
    names = [type(thing).__name__ for thing in gc.get_objects()]
    counts = {name: names.count(name) for name in ("Echo", "WebSocketConnection", "Record", "WebSocketsSansIOProtocol")}
    return {**counts, "tasks": len(asyncio.all_tasks())}


async def test_nothing_is_left_of_many(up: Running) -> None:
    client = await up.client()
    await client.close()
    await up.idle()
    up.site.handlers.clear()
    up.site.requests.clear()
    before = alive()
    for round_ in range(100):
        client = await up.client(compression=None)
        await client.send("x")
        await client.recv()
        if round_ % 3 == 0:
            await reset(client)
        elif round_ % 3 == 1:
            await client.close()
        else:
            up.handler().connection.abort()
            await client.wait_closed()
    await up.idle()
    up.site.handlers.clear()
    up.site.requests.clear()
    assert alive() == before
