"""`POST …/negotiate`: makes the record of a connection to come (spec 1.2, 1.3).

Imports `protocol.negotiate`, and this room's files; the body of the request is not read, as .NET does not read it.
"""

from __future__ import annotations

from msgspec import UNSET

from hubstream.errors import NegotiateError
from hubstream.protocol.negotiate import AvailableTransport, NegotiateResponse, read_query, write_error, write_response
from hubstream.transports.asgi.endpoint import TransportOptions
from hubstream.transports.asgi.request import Request
from hubstream.transports.asgi.response import respond
from hubstream.transports.asgi.table import Table
from hubstream.types import Send

__all__ = ["negotiate"]

CARRIED = (
    AvailableTransport("WebSockets", ("Text", "Binary")),
    AvailableTransport("ServerSentEvents", ("Text",)),
    AvailableTransport("LongPolling", ("Text", "Binary")),
)
"""What each transport carries, in the order in which clients are to try them."""


async def negotiate(options: TransportOptions, table: Table, request: Request, send: Send) -> None:
    """Answer a request for `…/negotiate`; errors of the version are answered with 200 too.

    Args:
        options: The endpoint's.
        table: Its records; a success adds one.
        request: What is answered.
        send: ASGI's.
    """
    if request.scope["method"] != "POST":
        await respond(send, 405)
        return
    query: bytes = request.scope.get("query_string", b"")
    try:
        asked = read_query(query.decode("latin-1"), options.minimum_protocol_version)
    except NegotiateError as error:
        await respond(send, 200, write_error(str(error)), b"application/json")
        return
    record = table.add(asked.version, request.user)
    response = NegotiateResponse(
        negotiate_version=asked.version,
        connection_id=record.connection_id,
        connection_token=record.token if asked.version else UNSET,
        available_transports=tuple(carried for carried in CARRIED if carried.transport in options.transports),
    )
    await respond(send, 200, write_response(response), b"application/json")
