"""Whole HTTP answers, and the refusal of a WebSocket before its upgrade. Imports only `types`."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from hubstream.types import Scope, Send

__all__ = ["PLAIN", "refuse", "respond"]

logger = logging.getLogger("hubstream.transport")

PLAIN = b"text/plain"


async def respond(
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: bytes | None = PLAIN,
    headers: Iterable[tuple[bytes, bytes]] = (),
    kind: str = "http",
) -> None:
    """Answer a request, with an explicit Content-Length (204 has none); a peer that has gone meanwhile is none the wiser.

    Args:
        send: The request's.
        status: HTTP status.
        body: The whole body.
        content_type: Its type, or None for none.
        headers: More headers, names in lower case.
        kind: What ASGI calls the answer: `http`, or `websocket.http` for a refused WebSocket.
    """
    sent = list(headers) if status == 204 else [(b"content-length", b"%d" % len(body)), *headers]
    if content_type is not None:
        sent.insert(0, (b"content-type", content_type))
    try:
        await send({"type": f"{kind}.response.start", "status": status, "headers": sent})
        await send({"type": f"{kind}.response.body", "body": body})
    except OSError as error:
        logger.debug("the peer went before it had its answer %d: %r", status, error)


async def refuse(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: bytes | None = PLAIN,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Refuse a WebSocket that is not accepted yet; a server without `websocket.http.response` makes it a 403."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await respond(send, status, body, content_type, headers, "websocket.http")
        return
    try:
        await send({"type": "websocket.close", "code": 1000, "reason": ""})
    except OSError as error:
        logger.debug("the peer went before it was refused with %d: %r", status, error)
