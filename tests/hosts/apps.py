"""The applications that the server programs are given by name."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount

from hubstream import HubServer
from hubstream.types import Receive, Scope, Send
from tests.hosts.clock import Clock

plain = HubServer({"/clock": Clock})
large = HubServer({"/clock": Clock}, max_message_size=None)


async def absent(scope: Scope, receive: Receive, send: Send) -> None:
    """Knows nothing of lifespan, and says so by an assertion, as the ASGI specification allows."""
    assert scope["type"] in {"http", "websocket"}
    await plain(scope, receive, send)


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    """Fails in its lifespan, after it has been told to start."""
    if scope["type"] == "lifespan":
        await receive()
        raise RuntimeError("this application's start fails")
    await plain(scope, receive, send)


mounted = Starlette(routes=[Mount("/hubs", plain)])
