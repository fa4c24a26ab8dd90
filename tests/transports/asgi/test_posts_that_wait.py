"""POSTs that wait for a transport are answered when that fails to begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hubstream.connection.connection import Connection
from hubstream.transports.asgi.endpoint import TransportOptions
from tests.transports.asgi.driven import CONNECT, Handler, Server, Site, scope, settle
from tests.transports.asgi.exchange import LIMIT, Exchange, body, negotiated


def no_handler(connection: Connection) -> Handler:
    raise LookupError("no such thing")


@pytest.mark.parametrize(
    ("make", "fault"), [(Handler, OSError("gone")), (no_handler, None)], ids=["gone", "no handler"]
)
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
async def test_are_refused(transport: str, make: Callable[[Connection], Handler], fault: Exception | None) -> None:
    site = Site(options=TransportOptions(application_buffer=4))
    site.make = make
    token = await negotiated(site)
    post = Exchange(site, "POST", token, body(b"123456", more=True))
    await settle()
    assert post.status is None
    server = Server()
    server.fault = fault
    accept = {"accept": "text/event-stream"} if transport == "ServerSentEvents" else {}
    made = scope("websocket" if transport == "WebSockets" else "http", "/clock", f"id={token}", **accept)
    server.gives(CONNECT if transport == "WebSockets" else body())
    async with asyncio.timeout(LIMIT):
        await site.app(made, server.receive, server.send)
    site.clock.later(20)  # where a poll's answer did not arrive, the next one may still come in time
    assert await post.done() == 404
    assert site.app.records == 0
