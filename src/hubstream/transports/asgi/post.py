"""The requests beside the way down: POST brings bytes up, DELETE ends a long polling connection (spec 2.2, 2.4).

Imports this room only.
"""

from __future__ import annotations

from hubstream.transports.asgi.response import respond
from hubstream.transports.asgi.table import Record, Table
from hubstream.transports.asgi.uplink import TOO_MANY
from hubstream.types import Receive, Send

__all__ = ["delete", "post"]


async def post(table: Table, record: Record, receive: Receive, send: Send) -> None:
    """Take what a client sends; the answer comes when all of it was accepted, dispatched or not.

    Args:
        table: The endpoint's records.
        record: The one its `id=` names.
        receive: ASGI's.
        send: ASGI's.
    """
    if record.transport == "WebSockets":
        await respond(send, 405, b"POST requests are not allowed for WebSocket connections.")
        return
    if record.transport is None and not table.takes_early(record):
        await respond(send, TOO_MANY)
        return
    await respond(send, await table.uplink(record).post(receive))


async def delete(record: Record, send: Send) -> None:
    """End a connection, with whatever its waiting poll may still carry away.

    Args:
        record: The one its `id=` names.
        send: ASGI's.
    """
    if record.polled is None:
        await respond(send, 400, b"Cannot terminate this connection using the DELETE endpoint.")
        return
    record.polled.terminate()
    await respond(send, 202)
