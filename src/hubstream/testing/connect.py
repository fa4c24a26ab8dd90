"""A hub and a client joined in memory: the real protocol, no port, one event loop.

It imports the client's core, `connection/memory` and the hub server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from hubstream.client.handlers import Handlers
from hubstream.connection.memory import pair
from hubstream.hub.hub import Hub
from hubstream.hub.server import HubServer
from hubstream.payloads.style import Payloads
from hubstream.testing.admission import admitted, request_of
from hubstream.testing.connection import PATIENCE, TestConnection
from hubstream.user import User

__all__ = ["connect"]

logger = logging.getLogger("hubstream.testing")


@asynccontextmanager
async def connect(
    hubs: HubServer,
    hub: str | type[Hub[Any]],
    /,
    *,
    user: User | str | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    protocol: str = "json",
    payloads: Payloads | None = None,
    handlers: Handlers | None = None,
    overrides: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
) -> AsyncGenerator[TestConnection]:
    """A connected client of one of the server's hubs; at the end of the block both sides have ended.

    A plain call runs on without its client, as on a network; one that still runs 5 s later is cancelled, and logged.

        async with connect(hubs, "/clock") as connection:
            assert await connection.invoke("add", 1, 2, result=int) == 3

    Args:
        hubs: The server. It need not be running.
        hub: The path of the hub, or its class.
        user: Who connects, or only the id. Without, `authenticate=` says it, as of any request, or else it is an anonymous one.
        headers: Those of the request that the hub sees: `self.context.request.headers`.
        query: The query of that request.
        protocol: `json` or `messagepack`.
        payloads: How the client writes names and values; as the hub does, unless another style is said.
        handlers: What the hub may call from its `on_connected` on; others are added with `connection.on()`.
        overrides: What stands in for dependencies, for all clients of the server, until the end of the block: additions to
            `hubs.dependency_overrides`.

    Raises:
        LookupError: There is no such hub.
        NegotiateError: The hub does not let this user in.
        ValueError: There is no such protocol.
        HandshakeError: The hub does not speak this protocol.
    """
    mapping = hubs.of(hub).mapping
    request = request_of(mapping.path, headers or {}, query or {})
    with _overridden(hubs, overrides or {}):
        await admitted(mapping, request, user)
        near, far = pair(asyncio.get_running_loop())
        server = hubs.attach(hub, far, request)
        far.attach(server)
        try:
            style = mapping.options.payloads if payloads is None else payloads
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
                logger.warning(
                    "calls of the hub still ran %g s after their client had left, and were cancelled", PATIENCE
                )


@contextmanager
def _overridden(hubs: HubServer, overrides: Mapping[Callable[..., Any], Callable[..., Any]]) -> Generator[None]:
    there = hubs.dependency_overrides
    before = {function: there[function] for function in overrides if function in there}
    there.update(overrides)
    try:
        yield
    finally:
        for function in overrides:
            there.pop(function, None)
        there.update(before)
