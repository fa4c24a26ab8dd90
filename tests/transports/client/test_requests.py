"""URLs as they are written, headers, cookies, and the user's own session."""

from __future__ import annotations

import asyncio
from importlib.metadata import PackageNotFoundError
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from hubstream.errors import NegotiateError, TransportError
from hubstream.transports.client import requests
from hubstream.transports.client.choose import connect
from hubstream.transports.client.options import ClientOptions
from hubstream.transports.client.requests import as_written
from tests.transports.client.served import TRANSPORTS, Answers, Client, answering, attached, serving
from tests.transports.client.test_negotiate import ALL, GOOD


class Everything:
    """Takes each transport's requests; the first answer sets a cookie, and the second poll lasts."""

    def __init__(self) -> None:
        self.polled = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/negotiate"):
            self.polled = False
            answer = web.json_response(GOOD)
            answer.set_cookie("stuck", "here")
            return answer
        if "Upgrade" in request.headers:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.receive()
            return socket
        if request.headers["Accept"] == "text/event-stream":
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await asyncio.sleep(60)
        if request.method == "GET" and self.polled:
            await asyncio.sleep(60)
        self.polled = True
        return web.Response()


async def once(server: Answers, url: str = "", **options: Any) -> None:
    """Connect, post where that is done, and close."""
    made = await connect(ClientOptions(url=url or server.url, **options), binary=False, attach=Client)
    made.connection.write(b"x")
    made.connection.close()
    async with asyncio.timeout(5):
        await made.connection.closed()


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("http://h/hub", "http://h/hub"),
        ("http://h/a%2Fb/%7Ehub/?x=a%20b+c&y=%c3%a9&z=[1]#part", "http://h/a%2Fb/%7Ehub/?x=a%20b+c&y=%c3%a9&z=[1]"),
        ('http://h/über hub?q=ü|"<>', "http://h/%C3%BCber%20hub?q=%C3%BC|%22%3C%3E"),
        ("http://bücher.example:8080/hub", "http://xn--bcher-kva.example:8080/hub"),
        ("http://[::1]:81/hub", "http://[::1]:81/hub"),
        ("http://h:81/hub?", "http://h:81/hub"),
    ],
)
def test_urls(url: str, written: str) -> None:
    assert str(as_written(url)) == written


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_url_goes_out_as_it_is_written(transport: str) -> None:
    async with answering(Everything()) as server:
        url = server.url.replace("/hub", "/a%2Fb/%7Ehub/?x=a%20b+c&y=%c3%a9").replace("http", "ws")
        await once(server, url, transports=(transport,))
    negotiate, *others = server.requests
    assert negotiate.raw_path == "/a%2Fb/%7Ehub/negotiate?x=a%20b+c&y=%c3%a9&negotiateVersion=1"
    assert {request.raw_path for request in others} == {"/a%2Fb/%7Ehub/?x=a%20b+c&y=%c3%a9&id=token"}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("lent", ["none", "safe", "unsafe", "dummy"])
async def test_cookies_are_kept_for_addresses_too(transport: str, lent: str) -> None:
    jars: dict[str, Any] = {
        "safe": aiohttp.CookieJar,
        "unsafe": lambda: aiohttp.CookieJar(unsafe=True),
        "dummy": aiohttp.DummyCookieJar,
    }
    async with answering(Everything()) as server:
        if lent == "none":
            await once(server, transports=(transport,))
        else:
            async with aiohttp.ClientSession(cookie_jar=jars[lent](), cookies={"own": "1"}) as session:
                await once(server, transports=(transport,), session=session)
                assert not session.closed
    first, *others = [dict(request.cookies) for request in server.requests]
    own = {"own": "1"} if lent in {"safe", "unsafe"} else {}
    assert first == own
    assert others
    assert all(cookies == ({} if lent == "dummy" else {**own, "stuck": "here"}) for cookies in others)


@pytest.mark.parametrize("lent", [False, True])
async def test_cookies_stay_from_one_connection_to_the_next(lent: bool) -> None:
    async with answering(Everything()) as server, aiohttp.ClientSession() as session:
        options = ClientOptions(url=server.url, transports=("WebSockets",), session=session if lent else None)
        for _ in range(2):
            made = await connect(options, binary=False, attach=Client)
            made.connection.close()
            await made.connection.closed()
    assert [dict(request.cookies) for request in server.requests] == [{}] + [{"stuck": "here"}] * 3


async def test_cookies_of_named_hosts_are_the_sessions() -> None:
    async with answering(Everything(), host="localhost") as server, aiohttp.ClientSession() as session:
        await once(server, session=session)
        assert [(cookie.key, cookie.value) for cookie in session.cookie_jar] == [("stuck", "here")]
    assert server.requests[1].cookies == {"stuck": "here"}


async def test_headers() -> None:
    async with answering(Everything()) as server:
        await once(server, transports=("LongPolling",), headers={"user-agent": "mine", "X-Own": "1", "Cookie": "a=b"})
        async with aiohttp.ClientSession(headers={"User-Agent": "the session's", "X-Session": "2"}) as session:
            await once(server, transports=("LongPolling",), session=session, headers={"x-requested-with": "me"})
    agents = [request.headers.getall("User-Agent") for request in server.requests]
    half = len(agents) // 2
    assert agents == [["mine"]] * half + [["the session's"]] * half
    assert all(request.headers["X-Own"] == "1" and request.cookies["a"] == "b" for request in server.requests[:half])
    for request in server.requests[half:]:
        assert request.headers["X-Session"] == "2"
        assert request.headers.getall("X-Requested-With") == ["me"]


async def test_in_a_program_that_was_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(requests, "version", version)
    requests.user_agent.cache_clear()
    try:
        async with answering(Everything()) as server:
            await once(server, transports=("LongPolling",))
    finally:
        requests.user_agent.cache_clear()
    assert server.requests[0].headers["User-Agent"].startswith("hubstream (Python 3.")


async def test_a_sessions_limits_do_not_count() -> None:
    """Its time-out of a fifth of a second, its one connection, its small buffers, and that it raises for a status."""
    timeout = aiohttp.ClientTimeout(total=0.2, sock_read=0.2)
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        serving() as server,
        aiohttp.ClientSession(connector=connector, timeout=timeout, raise_for_status=True) as session,
    ):
        clients: list[Client] = []

        async def one(transport: str) -> None:
            async with attached(server.url, transport, session=session) as client:
                there = server.site.handlers[-1]
                there.on_received = Echo(there)
                clients.append(client)
                await asyncio.sleep(0.5)
                big = b"x" * 5_000_000 if transport == "WebSockets" else b"x"
                client.pipe.write(big)
                await client.has(big)

        for transport in TRANSPORTS:
            await one(transport)
        assert len(clients) == 3
        assert not session.closed
        assert not connector.closed


class Echo:
    def __init__(self, handler: Any) -> None:
        self.connection = handler.connection

    def __call__(self, data: bytes) -> None:
        self.connection.write(data)


async def test_what_a_session_has_is_used() -> None:
    """Its middlewares and its connector's way to servers."""
    seen: list[str] = []

    async def middleware(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        seen.append(request.method)
        return await handler(request)

    class Resolver(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
            assert host == "hub.example"
            return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            pass

    connector = aiohttp.TCPConnector(resolver=Resolver())
    async with (
        answering(Everything()) as server,
        aiohttp.ClientSession(connector=connector, middlewares=(middleware,)) as session,
    ):
        await once(server, server.url.replace("127.0.0.1", "hub.example"), session=session)
        await once(server, server.url.replace("127.0.0.1", "hub.example"), session=session, transports=("LongPolling",))
    assert seen == [request.method for request in server.requests]


async def test_a_closed_session() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(RuntimeError, match="the session given to the client is closed"):
        await connect(ClientOptions(url="http://h/hub", session=session), binary=False, attach=Client)


async def test_the_way_to_negotiate_may_be_moved() -> None:
    everything = Everything()

    async def give(request: web.Request) -> web.StreamResponse:
        if request.path == "/hub/negotiate":
            raise web.HTTPPermanentRedirect("/moved/negotiate")
        if request.path == "/moved/negotiate":
            return web.json_response({**GOOD, "availableTransports": ALL[2:]})
        return await everything(request)

    async with answering(give) as server:
        await once(server)
    assert server.asked[2] == "GET /hub?id=token"

    async def login(request: web.Request) -> web.StreamResponse:
        if request.path == "/hub/negotiate":
            raise web.HTTPFound("/login")
        return web.Response(text="<html>Sign in", content_type="text/html")

    async with answering(login) as server:
        with pytest.raises(NegotiateError, match="text/html: <html>Sign in"):
            await once(server)


async def test_ipv6() -> None:
    try:
        async with answering(Everything(), host="::1") as server:
            assert "[::1]" in server.url
            for transport in TRANSPORTS:
                await once(server, transports=(transport,))
    except OSError:
        pytest.skip("this machine has no ::1")


async def test_what_a_message_does_not_tell() -> None:
    """A URL may hold secrets: it is in no text."""
    with pytest.raises(TransportError) as refused:
        await connect(ClientOptions(url="http://127.0.0.1:1/hub?access_token=secret"), binary=False, attach=Client)
    assert "secret" not in str(refused.value)
