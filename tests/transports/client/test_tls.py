"""Private certificate authorities and HTTP proxies, on each transport."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import trustme

from hubstream.errors import TransportError
from hubstream.transports.client.choose import connect
from hubstream.transports.client.options import ClientOptions
from tests.transports.client.served import TRANSPORTS, Answers, Client, answering
from tests.transports.client.test_requests import Everything, once


@pytest.fixture(scope="module")
def authority() -> Any:  # trustme is typed for pyOpenSSL too, which is not here
    return trustme.CA()


@pytest.fixture
def trusting(authority: Any) -> ssl.SSLContext:
    """A client's, that knows the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
async def secure(authority: Any) -> AsyncIterator[Answers]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with answering(Everything(), tls=context) as server:
        yield server


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_private_authority(secure: Answers, trusting: ssl.SSLContext, transport: str) -> None:
    await once(secure, transports=(transport,), ssl=trusting)
    await once(secure, secure.url.replace("https", "wss"), transports=(transport,), ssl=trusting)
    await once(secure, transports=(transport,), ssl=False)
    assert len(secure.requests) >= 6


async def test_the_sessions_authority(secure: Answers, trusting: ssl.SSLContext) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
        for transport in TRANSPORTS:
            await once(secure, transports=(transport,), session=session)


async def test_an_authority_nobody_knows(secure: Answers) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)  # the server's side of the refusal
    with pytest.raises(
        TransportError, match=r"The server cannot be asked for a connection: .*CERTIFICATE_VERIFY_FAILED"
    ):
        await connect(ClientOptions(url=secure.url), binary=False, attach=Client)
    assert not secure.requests


async def test_https_for_http_and_the_other_way_round(secure: Answers) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)  # the server's side of the refusal
    with pytest.raises(TransportError, match=r"\. Does it want https://\?"):
        await connect(ClientOptions(url=secure.url.replace("https", "http")), binary=False, attach=Client)
    async with answering(Everything()) as plain:
        url = plain.url.replace("http", "https")
        with pytest.raises(TransportError, match=r"\. Does it want http://\?"):
            await connect(ClientOptions(url=url), binary=False, attach=Client)


@pytest.mark.parametrize("end", ["close", "abort"])
async def test_its_sockets_are_gone_at_once(secure: Answers, trusting: ssl.SSLContext, end: str) -> None:
    made = await connect(
        ClientOptions(url=secure.url, transports=("WebSockets",), ssl=trusting), binary=False, attach=Client
    )
    assert len(made.connection.sockets) == 1  # that of the negotiation, used again
    (made.connection.close if end == "close" else made.connection.abort)()
    async with asyncio.timeout(2):
        await made.connection.closed()
    assert not made.connection.sockets


class Proxy:
    """An HTTP proxy: tunnels by CONNECT, and passes on requests with a whole URL."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.url = ""
        self._running: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        there: asyncio.StreamWriter | None = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode())
            method, target, _ = head.split(b" ", 2)
            whole = target.removeprefix(b"http://")
            host, _, port = whole.partition(b"/")[0].decode().rpartition(":")
            answers, there = await asyncio.open_connection(host, int(port))
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Go\r\n\r\n")
            else:
                there.write(head.replace(target, b"/" + whole.partition(b"/")[2], 1))
            await asyncio.gather(self._pump(reader, there), self._pump(answers, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for side in (writer, there):
                if side is not None:
                    side.transport.abort()
            self._running.discard(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
        raise ConnectionError

    async def end(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


@asynccontextmanager
async def proxying() -> AsyncGenerator[Proxy]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
        await server.wait_closed()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_through_a_proxy(secure: Answers, trusting: ssl.SSLContext, transport: str) -> None:
    async with proxying() as proxy:
        with_user = proxy.url.replace("//", "//user:word@")
        options: Any = {"transports": (transport,), "ssl": trusting}
        await once(secure, proxy=with_user, **options)
        assert proxy.heads
        password = base64.b64encode(b"user:word").decode()
        for head in proxy.heads:
            assert head.startswith("CONNECT 127.0.0.1:")
            assert f"Proxy-Authorization: Basic {password}" in head
        proxy.heads.clear()
        async with aiohttp.ClientSession(proxy=proxy.url) as session:
            await once(secure, session=session, **options)
        assert proxy.heads


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_plain_server_through_a_proxy(transport: str) -> None:
    async with answering(Everything()) as server, proxying() as proxy:
        await once(server, transports=(transport,), proxy=proxy.url)
        assert proxy.heads[0].startswith("POST http://127.0.0.1:")


async def test_a_proxy_that_is_not_there() -> None:
    with pytest.raises(TransportError, match=r"Cannot connect to host 127\.0\.0\.1:1"):
        await connect(
            ClientOptions(url="https://hub.example/hub", proxy="http://127.0.0.1:1"), binary=False, attach=Client
        )
