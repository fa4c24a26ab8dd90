"""What a connection keeps of its request for as long as it lives."""

from __future__ import annotations

import asyncio
import gc

import pytest

from hubstream.transports.asgi.request import Values
from tests.transports.asgi.driven import CONNECT, Server, Site, gone, scope, settle
from tests.transports.asgi.exchange import GONE, LIMIT, body, negotiated


def parsed() -> int:
    """How many requests' headers, queries and cookies are there, parsed."""
    gc.collect()
    return sum(type(thing) is Values for thing in gc.get_objects())


@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
async def test_nothing_parsed(transport: str) -> None:
    site = Site()
    before = parsed()
    websocket = transport == "WebSockets"
    headers = {"host": "a.example", "origin": "http://a.example", "cookie": "session=1"}
    if transport == "ServerSentEvents":
        headers["accept"] = "text/event-stream"
    made = scope("websocket" if websocket else "http", query=f"id={await negotiated(site)}", **headers)
    server = Server(CONNECT if websocket else body())
    call = asyncio.create_task(site.app(made, server.receive, server.send))
    await settle()
    if transport == "LongPolling":
        async with asyncio.timeout(LIMIT):
            await call
        server = Server(body())
        call = asyncio.create_task(site.app(made, server.receive, server.send))
        await settle()
    assert not call.done()
    assert site.requests[0].headers["cookie"] == "session=1"
    assert parsed() - before == 1
    server.gives(gone(1000) if websocket else GONE)
    async with asyncio.timeout(LIMIT):
        await call
    await site.app.aclose()
