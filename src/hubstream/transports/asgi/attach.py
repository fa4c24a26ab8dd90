"""A WebSocket's way in: the checks before its upgrade, each with its refusal (spec 1.5), then the connection itself.

Imports `connection` through this room's files only.
"""

from __future__ import annotations

import logging

from hubstream.transports.asgi.endpoint import Endpoint
from hubstream.transports.asgi.origin import allowed
from hubstream.transports.asgi.request import Request
from hubstream.transports.asgi.response import refuse
from hubstream.transports.asgi.table import NOT_YOURS, Record, Table
from hubstream.transports.asgi.websocket import WebSocketConnection
from hubstream.types import Receive, Send

__all__ = ["attach"]

logger = logging.getLogger("hubstream.transport")


async def attach(endpoint: Endpoint, table: Table, request: Request, receive: Receive, send: Send) -> None:
    """Serve one WebSocket to its end: of the record that `id=` names, or, without negotiation, of a new one.

    Args:
        endpoint: Where it came in.
        table: The endpoint's records.
        request: Its own.
        receive: ASGI's; `websocket.connect` was taken from it.
        send: ASGI's.
    """
    record = await _record(endpoint, table, request, send)
    request.forget()
    if record is None:
        return
    table.attach(record, "WebSockets")
    try:
        try:
            await send({"type": "websocket.accept"})
        except (OSError, RuntimeError) as error:
            logger.debug("a WebSocket went before it was accepted: %r", error)
            return
        connection = WebSocketConnection(receive, send, table.clock, endpoint.options.send_timeout)
        try:
            handler = endpoint.connect(connection, request, record.connection_id)
        except Exception:
            logger.exception("no handler could be made for a WebSocket of %r", endpoint)
            try:
                await send({"type": "websocket.close", "code": 1011, "reason": ""})
            except (OSError, RuntimeError) as error:
                logger.debug("a WebSocket went before it was closed: %r", error)
            return
        if record.uplink is not None:
            # POSTs came before it was known that this is a WebSocket; more are refused.
            record.uplink.attach(handler, connection.abort)
            record.uplink.end()
        await connection.run(handler)
    finally:
        table.remove(record)


async def _record(endpoint: Endpoint, table: Table, request: Request, send: Send) -> Record | None:
    """The record that is to be carried; None if the WebSocket was refused."""
    scope, user = request.scope, request.user
    options = endpoint.options
    if not allowed(request, options.origins or frozenset()):
        logger.warning(
            "a WebSocket from %s was refused: it carries cookies and comes from another host; list it in origins= if it may",
            request.headers["origin"],
        )
        await refuse(scope, send, 403, b"Origin not allowed")
        return None
    token = request.query.get("id")
    record = (table.find(token) or table.adopt(token, user)) if token else None
    if token and record is None:
        table.unknown(token, user)
        await refuse(scope, send, 404, b"No Connection with that ID", None)
        return None
    if record is not None and table.foreign(record, user):
        await refuse(scope, send, 403, NOT_YOURS)
        return None
    if "WebSockets" not in options.transports:
        await refuse(scope, send, 404, b"WebSockets transport not supported by this end point type")
        return None
    if record is None:
        return table.add(0, user)
    if record.transport not in {None, "WebSockets"}:
        await refuse(scope, send, 400, b"Cannot change transports mid-connection")
        return None
    if record.transport is not None:
        await refuse(scope, send, 409)
        return None
    return record
