"""The usual middleware around a hub: nothing is held back or lost, who goes is missed, refusals keep their headers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hubstream import HubServer
from hubstream.types import ASGIApp, Message, Receive, Scope, Send
from tests.hosts.client import passes
from tests.hosts.clock import Clock
from tests.hosts.inside import ask, running

ORIGIN = "https://page.example"
METHODS = ["GET", "POST", "DELETE"]
CORS = Middleware(
    CORSMiddleware, allow_origins=[ORIGIN], allow_methods=METHODS, allow_headers=["*"], allow_credentials=True
)


async def pass_on(request: Any, call_next: Callable[[Any], Any]) -> Any:
    """What most such middleware does: something before, something with the answer."""
    response = await call_next(request)
    response.headers["x-passed-on"] = "yes"
    return response


async def read_and_pass_on(request: Any, call_next: Callable[[Any], Any]) -> Any:
    """As audit logs do."""
    await request.body()
    return await call_next(request)


class ReadsBodies:
    """Takes the whole body of a POST before the application is called, and gives it the same again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, replay, send)


class WorksAfterwards:
    """Wraps `send`, and works on after the application has returned."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.sent = 0
        self.after = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            self.sent += 1
            async with asyncio.timeout(30):
                await send(message)

        await self.app(scope, receive, counting)
        await asyncio.sleep(0)
        self.after += 1


class Collects:
    """Passes a response on when all of it is there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                for each in messages:
                    await send(each)

        await self.app(scope, receive, collect if scope["type"] == "http" else send)


BASE = Middleware(BaseHTTPMiddleware, dispatch=pass_on)

STACKS: dict[str, list[Middleware]] = {
    "BaseHTTPMiddleware": [BASE],
    "BaseHTTPMiddleware three deep": [BASE] * 3,
    "BaseHTTPMiddleware that reads the body": [Middleware(BaseHTTPMiddleware, dispatch=read_and_pass_on)],
    "GZip": [Middleware(GZipMiddleware, minimum_size=1)],
    "sessions": [Middleware(SessionMiddleware, secret_key="a secret of the test")],
    "CORS": [CORS],
    "trusted hosts": [Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1"])],
    "one that reads POST bodies": [Middleware(ReadsBodies)],
    "one that wraps send": [Middleware(WorksAfterwards)],
    "all of them": [
        CORS,
        BASE,
        Middleware(GZipMiddleware, minimum_size=1),
        Middleware(SessionMiddleware, secret_key="a secret of the test"),
        Middleware(ReadsBodies),
        Middleware(WorksAfterwards),
    ],
}


def application(stack: list[Middleware], **options: Any) -> Starlette:
    return Starlette(routes=[Mount("/hubs", HubServer({"/clock": Clock}, **options))], middleware=stack)


@pytest.mark.parametrize("name", STACKS)
async def test_the_short_list(name: str) -> None:
    async with running(application(STACKS[name])) as url:
        await passes(f"{url}/hubs/clock")


@pytest.mark.parametrize("name", STACKS)
async def test_an_events_client_that_goes_is_missed(name: str) -> None:
    """By the hub itself, within 2 s, and nothing of it stays."""
    hubs = HubServer({"/clock": Clock})
    async with running(Starlette(routes=[Mount("/hubs", hubs)], middleware=STACKS[name])) as url:
        host, port = url.removeprefix("http://").split(":")
        answer = await ask(url, "POST", "/hubs/clock/negotiate?negotiateVersion=0")
        token = answer.body.decode().partition('"connectionId":"')[2].partition('"')[0]
        reader, writer = await asyncio.open_connection(host, int(port))
        head = "host: 127.0.0.1\r\naccept: text/event-stream\r\naccept-encoding: gzip\r\n"
        writer.write(f"GET /hubs/clock?id={token} HTTP/1.1\r\n{head}\r\n".encode())
        async with asyncio.timeout(5):
            seen = await reader.readuntil(b":\r\n\r\n")
            assert b"content-encoding: identity" in seen.lower()
            await ask(url, "POST", f"/hubs/clock?id={token}", body=b'{"protocol":"json","version":1}\x1e')
            await reader.readuntil(b"data: {}\x1e\r\n\r\n")
        assert hubs.snapshot()["connections"] == 1
        writer.transport.abort()
        async with asyncio.timeout(2):
            while any(hubs.snapshot().values()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


async def test_what_works_afterwards_does() -> None:
    counter = WorksAfterwards(HubServer({"/clock": Clock}))
    async with running(counter) as url:
        await passes(f"{url}/clock", ("ServerSentEvents", "WebSockets"), ("call",))
    # A negotiation and a GET for each of three connections; POSTs beside the event stream: a handshake, a call.
    assert counter.after >= 3 + 3 + 2
    assert counter.sent > counter.after


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/hubs/clock/negotiate?negotiateVersion=1", 200),
        ("POST", "/hubs/clock?id=none", 404),
        ("GET", "/hubs/clock?id=none", 404),
        ("GET", "/hubs/clock", 400),
        ("PUT", "/hubs/clock", 405),
        ("POST", "/hubs/none/negotiate", 404),
    ],
)
@pytest.mark.parametrize("name", ["CORS", "all of them"])
async def test_answers_keep_their_cors_headers(name: str, method: str, target: str, status: int) -> None:
    async with running(application(STACKS[name])) as url:
        answer = await ask(url, method, target, {"Origin": ORIGIN})
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"


async def test_a_preflight_is_answered_by_the_middleware() -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-requested-with,x-signalr-user-agent",
    }
    async with running(application([CORS])) as url:
        answer = await ask(url, "OPTIONS", "/hubs/clock/negotiate", asked)
        assert answer.status == 200
        assert "x-requested-with" in answer.headers["access-control-allow-headers"]
        refused = await ask(url, "OPTIONS", "/hubs/clock/negotiate", {**asked, "Origin": "https://other.example"})
        assert refused.status == 400


async def test_a_host_that_is_not_trusted_is_refused_on_every_transport() -> None:
    async with running(application([Middleware(TrustedHostMiddleware, allowed_hosts=["hubs.example"])])) as url:
        assert (await ask(url, "POST", "/hubs/clock/negotiate")).status == 400
        assert (await ask(url, "POST", "/hubs/clock/negotiate", {"Host": "hubs.example"})).status == 200
        with pytest.raises(InvalidStatus):
            await connect(f"{url.replace('http', 'ws')}/hubs/clock", proxy=None)


async def test_a_hub_that_fails_to_be_made_is_no_leak_and_keeps_its_headers() -> None:
    def broken(hub: type[Any]) -> Any:
        raise RuntimeError("no hub today")

    async with running(application([CORS], factory=broken)) as url:
        with pytest.raises(AssertionError, match="LongPolling/json call"):
            await passes(f"{url}/hubs/clock", ("LongPolling",), ("call",))
        answer = await ask(url, "POST", "/hubs/clock/negotiate", {"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_a_middleware_that_collects_responses_breaks_event_streams_only() -> None:
    stack = [Middleware(Collects)]
    async with running(application(stack, transports=("WebSockets", "LongPolling"))) as url:
        await passes(f"{url}/hubs/clock", ("WebSockets", "LongPolling"))
    async with running(application(stack)) as url:
        answer = await ask(url, "POST", "/hubs/clock/negotiate?negotiateVersion=0")
        token = answer.body.decode().partition('"connectionId":"')[2].partition('"')[0]
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        writer.write(f"GET /hubs/clock?id={token} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n".encode())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await reader.read(1)
        writer.transport.abort()
    # Around what else there is, it leaves the hubs alone.
    routes = [Mount("/hubs", HubServer({"/clock": Clock})), Mount("/api", routes=[], middleware=stack)]
    async with running(Starlette(routes=routes)) as url:
        await passes(f"{url}/hubs/clock", ("ServerSentEvents",))
