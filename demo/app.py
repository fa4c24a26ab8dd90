"""The sample as one ASGI application: the hub, the page, and the browser libraries that npm installed. Never blocks."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from demo.hub import StreamHub
from hubstream import HubServer
from hubstream.types import Receive, Scope, Send

__all__ = ["app"]

HERE = Path(__file__).parent
LIBRARIES = {
    "signalr": "@microsoft/signalr/dist/browser",
    "signalr-protocol-msgpack": "@microsoft/signalr-protocol-msgpack/dist/browser",
    "uplot": "uplot/dist",
}

hubs = HubServer({"/streamHub": StreamHub})
site = Starlette(
    routes=[
        *(
            Mount(f"/libraries/{name}", StaticFiles(directory=HERE / "node_modules" / folder, check_dir=False))
            for name, folder in LIBRARIES.items()
        ),
        Mount("/", StaticFiles(directory=HERE / "static", html=True)),
    ]
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The hub's path and the lifespan are the hub server's, all else is files."""
    if scope["type"] == "lifespan" or scope["path"].startswith("/streamHub"):
        await hubs(scope, receive, send)
    else:
        await site(scope, receive, send)
