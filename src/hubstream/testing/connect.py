"""A hub and a client joined in memory: the real protocol, no port, one event loop.

It imports the client's core, `connection/memory` and the hub server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from hubstream.client.connection import ClientCore
from hubstream.client.handlers import Handlers
from hubstream.connection.memory import pair
from hubstream.hub.hub import Hub
from hubstream.hub.server import HubServer
from hubstream.payloads.style import Payloads

__all__ = ["connect"]

logger = logging.getLogger("hubstream.testing")

PATIENCE = 5.0
"""Seconds the hub's calls have, once the client has left, to end by themselves."""


@asynccontextmanager
async def connect(
    hubs: HubServer,
    hub: str | type[Hub[Any]],
    /,
    *,
    protocol: str = "json",
    payloads: Payloads | None = None,
    handlers: Handlers | None = None,
) -> AsyncGenerator[ClientCore]:
    """A connected client of one of the server's hubs; at the end of the block both sides have ended.

    A plain call runs on without its client, as on a network; one that still runs 5 s later is cancelled, and logged.

        async with connect(hubs, "/clock") as connection:
            assert await connection.invoke("add", 1, 2, result=int) == 3

    Args:
        hubs: The server. It need not be running.
        hub: The path of the hub, or its class.
        protocol: `json` or `messagepack`.
        payloads: How the client writes names and values; as the hub does, unless another style is said.
        handlers: What the hub may call from its `on_connected` on; others are added with `connection.on()`.

    Raises:
        LookupError: There is no such hub.
        ValueError: There is no such protocol.
        HandshakeError: The hub does not speak this protocol.
    """
    near, far = pair(asyncio.get_running_loop())
    server = hubs.attach(hub, far)
    far.attach(server)
    try:
        style = server.mapping.options.payloads if payloads is None else payloads
        client = ClientCore(near, protocol=protocol, payloads=style, handlers=handlers)
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
