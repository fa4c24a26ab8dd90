"""The ASGI application of the transports: finds the endpoint and the record, then the request's own file serves it.

Everything of type `http` and `websocket` is its business; `lifespan` is not. Imports `protocol` and `connection` through this
room's files only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from hubstream.connection.clock import Clock
from hubstream.transports.asgi import paths
from hubstream.transports.asgi.attach import attach
from hubstream.transports.asgi.endpoint import Endpoint, TransportOptions
from hubstream.transports.asgi.eventstream import open_stream
from hubstream.transports.asgi.framework import framework_user
from hubstream.transports.asgi.longpolling import NO_CACHE, poll
from hubstream.transports.asgi.negotiate import negotiate
from hubstream.transports.asgi.post import delete, post
from hubstream.transports.asgi.request import Request
from hubstream.transports.asgi.response import refuse, respond
from hubstream.transports.asgi.table import NOT_YOURS, Table
from hubstream.transports.asgi.tokens import Signer
from hubstream.types import Receive, Scope, Send

__all__ = ["Endpoint", "HubApp", "TransportOptions"]

logger = logging.getLogger("hubstream.transport")

CHALLENGE = ((b"www-authenticate", b"Bearer"),)


class HubApp:
    """Serves endpoints over HTTP and WebSockets.

    Args:
        endpoints: Path, in the form of `paths.normal`, to endpoint. Looked at for each request: more may be added.
        clock: Gives the clock of the running loop. Another clock than last time means another loop: all records start afresh.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint], clock: Callable[[], Clock]) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._tables: dict[str, Table] = {}
        self._missed = False
        self._mounted_at_hub = False

    @property
    def records(self) -> int:
        """How many connections are negotiated or attached, on all endpoints."""
        return sum(map(len, self._tables.values()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            RuntimeError: The scope is neither `http` nor `websocket`.
        """
        kind = scope["type"]
        found = paths.find(scope, self._endpoints)
        if kind == "websocket":
            if (await receive())["type"] != "websocket.connect":
                return
            if found is None:
                await refuse(scope, send, 404, self._no_hub(scope))
            elif (request := await _admitted(self._endpoints[found[0]], scope, send)) is None:
                return
            elif found[1]:
                await refuse(scope, send, 405)
            else:
                await attach(self._endpoints[found[0]], self._table(found[0]), request, receive, send)
        elif kind == "http":
            if found is None:
                await respond(send, 404, self._no_hub(scope))
            elif (request := await _admitted(self._endpoints[found[0]], scope, send)) is None:
                return
            elif found[1]:
                self._look_at_mount(scope)
                await negotiate(self._endpoints[found[0]].options, self._table(found[0]), request, send)
            else:
                await _serve(self._endpoints[found[0]], self._table(found[0]), request, receive, send)
        else:
            raise RuntimeError(f"the scope type {kind!r} is not served here")

    async def aclose(self) -> None:
        """End the connections that no request's call ends: long polling's. To be called on the loop that serves."""
        for table in tuple(self._tables.values()):
            if table.clock.loop is asyncio.get_running_loop():
                await table.aclose()

    def _table(self, path: str) -> Table:
        clock = self._clock()
        table = self._tables.get(path)
        if table is None or table.clock is not clock:
            options = self._endpoints[path].options
            signer = None if options.secret is None else Signer(options.secret, path, options.disconnect_timeout)
            table = self._tables[path] = Table(clock, options.disconnect_timeout, options.application_buffer, signer)
        return table

    def _look_at_mount(self, scope: Scope) -> None:
        """Frameworks give a mount what is below its path; the hub's own path, which clients open, is not."""
        root = paths.normal(scope.get("root_path") or "")
        if root and not self._mounted_at_hub and paths.normal(scope["path"]) in {f"{root}/negotiate", "/negotiate"}:
            self._mounted_at_hub = True
            logger.warning(
                "this application is mounted at a hub's own path, %s: WebSockets will be refused there. Mount it one level up, "
                "give the hub a path below the mount, or add routes instead: hubstream.integrations.starlette.routes(hubs)",
                root,
            )

    def _no_hub(self, scope: Scope) -> bytes:
        if not self._missed:
            self._missed = True
            logger.warning(
                "no hub at %s (root path %r); below this application there are: %s",
                scope["path"],
                scope.get("root_path", ""),
                ", ".join(path or "/" for path in sorted(self._endpoints)) or "none",
            )
        return b"There is no hub at this path; the server's log tells which paths there are."


async def _admitted(endpoint: Endpoint, scope: Scope, send: Send) -> Request | None:
    """A request that may come in, with its user; None if it was refused (spec 1.5, 16)."""
    request = Request(scope, framework_user(scope))
    status = None if endpoint.admit is None else await endpoint.admit(request)
    if status is None:
        return request
    headers = CHALLENGE if status == 401 else ()
    if scope["type"] == "websocket":
        await refuse(scope, send, status, content_type=None, headers=headers)
    else:
        await respond(send, status, content_type=None, headers=headers)
    return None


async def _serve(endpoint: Endpoint, table: Table, request: Request, receive: Receive, send: Send) -> None:
    """What a hub's own path answers to HTTP (spec 1.1, 1.5)."""
    method = request.scope["method"]
    if method not in {"GET", "POST", "DELETE"}:
        await respond(send, 405)
        return
    token, events = _asked(request)
    headers = NO_CACHE if method == "GET" and not events else ()
    record = table.find(token) if token else None
    if not token:
        await respond(send, 400, b"Connection ID required", headers=headers)
    elif record is None:
        if method == "GET":
            table.unknown(token, request.user)
        await respond(send, 404, b"No Connection with that ID", headers=headers)
    elif table.foreign(record, request.user):
        await respond(send, 403, NOT_YOURS, headers=headers)
    elif method == "POST":
        await post(table, record, receive, send)
    elif method == "DELETE":
        await delete(record, send)
    elif events:
        await open_stream(endpoint, table, record, request, receive, send)
    else:
        await poll(endpoint, table, record, request, receive, send)


def _asked(request: Request) -> tuple[str | None, bool]:
    """Which connection, and whether for its event stream."""
    media_types = [part.strip().lower() for part in request.headers.get("accept", "").split(",")]
    token = request.query.get("id")
    request.forget()
    return token, request.scope["method"] == "GET" and "text/event-stream" in media_types
