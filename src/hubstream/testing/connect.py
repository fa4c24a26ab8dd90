"""A hub and a client joined in memory: the real protocol, no port, one event loop.

It imports the client's core, `connection/memory` and the hub server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from hubstream.client.handlers import Handlers
from hubstream.connection.memory import pair
from hubstream.hub.hub import Hub
from hubstream.hub.server import HubServer
from hubstream.payloads.style import Payloads
from hubstream.testing.connection import PATIENCE, TestConnection
from hubstream.transports.asgi.request import Request
from hubstream.types import Scope

__all__ = ["connect"]

logger = logging.getLogger("hubstream.testing")


@asynccontextmanager
async def connect(
    hubs: HubServer,
    hub: str | type[Hub[Any]],
    /,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    protocol: str = "json",
    payloads: Payloads | None = None,
    handlers: Handlers | None = None,
) -> AsyncGenerator[TestConnection]:
    """A connected client of one of the server's hubs; at the end of the block both sides have ended.

    A plain call runs on without its client, as on a network; one that still runs 5 s later is cancelled, and logged.

        async with connect(hubs, "/clock") as connection:
            assert await connection.invoke("add", 1, 2, result=int) == 3

    Args:
        hubs: The server. It need not be running.
        hub: The path of the hub, or its class.
        headers: Those of the request that the hub sees: `self.context.request.headers`.
        query: The query of that request.
        protocol: `json` or `messagepack`.
        payloads: How the client writes names and values; as the hub does, unless another style is said.
        handlers: What the hub may call from its `on_connected` on; others are added with `connection.on()`.

    Raises:
        LookupError: There is no such hub.
        ValueError: There is no such protocol.
        HandshakeError: The hub does not speak this protocol.
    """
    near, far = pair(asyncio.get_running_loop())
    scope = _scope(headers or {}, query or {})
    server = hubs.attach(hub, far, Request(scope))
    scope["path"] = server.mapping.path or "/"
    scope["raw_path"] = quote(scope["path"]).encode()
    far.attach(server)
    try:
        style = server.mapping.options.payloads if payloads is None else payloads
        client = TestConnection(near, far, server, protocol=protocol, payloads=style, handlers=handlers)
        near.attach(client)
        try:
            await client.start()
            yield client
        finally:
            await client.close()
    finally:
        near.abort()  # if there is no client to have closed it
        await far.ended.wait()
        try:
            async with asyncio.timeout(PATIENCE):
                await server.ended()
        except TimeoutError:
            logger.warning("calls of the hub still ran %g s after their client had left, and were cancelled", PATIENCE)


def _scope(headers: Mapping[str, str], query: Mapping[str, str]) -> Scope:
    """What an ASGI server would give; the path is not known yet."""
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "query_string": urlencode(query).encode(),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("testclient", 50_000),
        "server": ("testserver", 80),
        "subprotocols": [],
        "state": {},
        "extensions": {},
    }
