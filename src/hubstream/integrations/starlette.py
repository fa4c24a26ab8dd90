"""Hubs at exact paths of a Starlette or FastAPI application, where a mount can only serve below its prefix.

Imports Starlette, and the façade for its types. Nothing blocks.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route, WebSocketRoute

from hubstream.hub.server import HubServer

__all__ = ["routes"]


def routes(hubs: HubServer) -> list[BaseRoute]:
    """The routes of all hubs, for `Starlette(routes=...)`, `FastAPI(routes=...)` or `app.router.routes.extend(...)`.

    A mount at a hub's own path cannot work: Starlette answers the POST with a redirect and refuses the WebSocket.

    Args:
        hubs: What is mapped by now; each path is the path in the URL.
    """
    found: list[BaseRoute] = []
    for path in hubs.paths:
        # Both spellings, for Starlette would redirect from one to the other, which drops a POST's body.
        for spelled in (path, f"{path}/") if path else ("/",):
            found += [Route(spelled, hubs), WebSocketRoute(spelled, hubs)]
        found += [Route(f"{path}/negotiate", hubs), Route(f"{path}/negotiate/", hubs)]
    return found
