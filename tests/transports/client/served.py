"""What the client's transports are tried against: our own transports on uvicorn, and servers that answer what a test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from hubstream.transports.asgi.app import TransportOptions
from hubstream.transports.client.choose import Attached, connect
from hubstream.transports.client.options import ClientOptions
from hubstream.types import ASGIApp
from tests.hosts.inside import running
from tests.transports.asgi.driven import Handler, Site

__all__ = ["TRANSPORTS", "Answers", "Client", "Server", "answering", "attached", "left", "serving"]

TRANSPORTS = ("WebSockets", "ServerSentEvents", "LongPolling")
LIMIT = 10.0
"""Seconds for anything at all."""


@dataclass
class Server:
    """Our transports on uvicorn, in this event loop."""

    url: str
    """The hub's."""
    site: Site

    def handler(self) -> Any:
        """That of the newest connection."""
        return self.site.handlers[-1]

    async def idle(self) -> None:
        """Wait until every connection has ended."""
        async with asyncio.timeout(LIMIT):
            for handler in self.site.handlers:
                await handler.until("ended")
            while self.site.app.records:  # noqa: ASYNC110 - the table tells nobody
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(
    options: TransportOptions | None = None, wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app, **how: Any
) -> AsyncGenerator[Server]:
    """A server while the block runs; in the end nothing of a connection may be left there."""
    site = Site(options=options)
    async with running(wrap(site.app), **how) as url:
        server = Server(f"{url}/clock", site)
        yield server
        await server.idle()


class Client(Handler):
    """A handler that gathers all that comes."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.pipe: Any = connection
        self.attached: Any = None
        self.data = bytearray()

    def received(self, data: bytes) -> None:
        assert type(data) is bytes
        self.data += data
        super().received(data)

    async def has(self, data: bytes) -> None:
        """Wait until that, and nothing else, has come."""
        async with asyncio.timeout(LIMIT):
            while len(self.data) < len(data):
                self.heard.clear()
                await self.heard.wait()
        assert bytes(self.data) == data

    async def takes(self) -> None:
        """Wait until the connection can be written."""
        async with asyncio.timeout(LIMIT):
            while self.pipe.paused:
                self.heard.clear()
                await self.heard.wait()


def left() -> list[asyncio.Task[Any]]:
    """Tasks of this package's."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("hubstream")]


@asynccontextmanager
async def attached(url: str, *transports: str, binary: bool = False, **options: Any) -> AsyncGenerator[Client]:
    """A connection while the block runs; it has ended, and nothing of it is left, when that is left."""
    made = ClientOptions(url=url, transports=transports or TRANSPORTS, **options)
    async with asyncio.timeout(LIMIT):
        attached: Attached = await connect(made, binary=binary, attach=Client)
    handler: Any = attached.handler
    handler.attached = attached
    try:
        yield handler
    finally:
        attached.connection.close()
        async with asyncio.timeout(LIMIT):
            await attached.connection.closed()
            await handler.until("ended")
    assert [what for what in handler.seen if what in {("lost", True), ("lost", False)}] == handler.seen[-2:-1]
    assert not handler.pipe.sockets
    await asyncio.sleep(0)
    assert handler.pipe._task.cancelled() or handler.pipe._task.exception() is None


@dataclass
class Answers:
    """A server that answers as it is told, and what it was asked."""

    url: str
    requests: list[web.Request] = field(default_factory=list[web.Request])
    bodies: list[bytes] = field(default_factory=list[bytes])
    """What was posted."""

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path_qs}" for request in self.requests]


@asynccontextmanager
async def answering(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[Answers]:
    """Every request is answered by `answer`; what that raises is an error of the test."""
    answers = Answers("")
    faults: list[Exception] = []

    async def take(request: web.Request) -> web.StreamResponse:
        answers.requests.append(request)
        if request.can_read_body:
            answers.bodies.append(await request.read())
        try:
            return await answer(request)
        except web.HTTPException:
            raise
        except ConnectionError:
            raise
        except Exception as error:
            faults.append(error)
            raise

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        bracketed = f"[{host}]" if ":" in host else host
        answers.url = f"{'https' if tls else 'http'}://{bracketed}:{port}/hub"
        yield answers
    finally:
        async with asyncio.timeout(LIMIT):
            await runner.cleanup()
    if faults:
        raise ExceptionGroup("the server's", faults)
