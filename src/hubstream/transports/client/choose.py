"""Which transport a client uses: the server's order, and the next one where one fails (spec 1.4).

Imports `errors`, `protocol`, `connection` and this room.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec import UNSET

from hubstream.connection.connection import Connection, ConnectionHandler
from hubstream.errors import NegotiateError, TransportError
from hubstream.protocol.negotiate import AvailableTransport, connect_url
from hubstream.transports.client.carrier import FAILURES, Carrier
from hubstream.transports.client.eventstream import open_event_stream
from hubstream.transports.client.longpolling import open_long_polling
from hubstream.transports.client.negotiate import Offer, negotiate
from hubstream.transports.client.options import ClientOptions
from hubstream.transports.client.requests import Requests, reason
from hubstream.transports.client.websocket import open_websocket

__all__ = ["Attached", "connect"]

logger = logging.getLogger("hubstream.transport")

Failure: TypeAlias = tuple[str, Exception | str]
"""A transport, and why it is not used."""

OPENERS: Final[Mapping[str, Callable[[Requests, str], Awaitable[Carrier]]]] = {
    "WebSockets": open_websocket,
    "ServerSentEvents": open_event_stream,
    "LongPolling": open_long_polling,
}


@dataclass(frozen=True, slots=True)
class Attached:
    """A connection that is open, and what handles it."""

    connection: Carrier
    """A `Connection`; its `closed()` waits for the end of its sockets and tasks."""
    handler: ConnectionHandler
    connection_id: str | None
    """What the server's hubs know the connection by; None where the negotiation was skipped."""
    transport: str
    """`WebSockets`, `ServerSentEvents` or `LongPolling`."""


async def connect(
    options: ClientOptions, *, binary: bool, attach: Callable[[Connection], ConnectionHandler]
) -> Attached:
    """Negotiate, choose a transport, fall back to the next; returns once one is open and its handler attached.

    Cancelled, it ends all it has opened.

    Args:
        options: Where the server is and how it is reached.
        binary: Whether the hub protocol is one of bytes, which an event stream does not carry.
        attach: Makes the handler of the connection that was opened; called once.

    Raises:
        NegotiateError: The server refused to negotiate, or gave no answer to it.
        TransportError: The server was not reached, or none of the transports could be opened; it tells of each.
        RuntimeError: The user's session is closed.
    """
    requests = Requests(options)
    try:
        connection, connection_id = await _open(requests, options, binary)
        handler = attach(connection)
    except BaseException:
        await requests.close()
        raise
    await connection.start(handler)
    return Attached(connection, handler, connection_id, connection.transport)


async def _open(requests: Requests, options: ClientOptions, binary: bool) -> tuple[Carrier, str | None]:
    url = options.url
    if url.startswith("ws"):
        url = f"http{url[2:]}"
    if options.skip_negotiation:
        try:
            return await open_websocket(requests, connect_url(url, None)), None
        except FAILURES as error:
            raise TransportError(f"WebSockets failed: {reason(error)}") from error
    first = await negotiate(requests, url)
    offer: Offer | None = first
    failures: list[Failure] = []
    for transport in _offered(first):
        name = transport.transport
        if (refusal := _refusal(transport, options, binary)) is not None:
            failures.append((name, refusal))
            continue
        try:
            if offer is None:
                offer = await negotiate(requests, url)
            url = offer.url
            opened = await OPENERS[name](requests, connect_url(url, offer.key))
        except FAILURES as error:
            failures.append((name, error))
            offer = None
        else:
            if tried := [failure for failure in failures if isinstance(failure[1], Exception)]:
                logger.warning("the connection is over %s, for others could not be opened: %s", name, _told(tried))
            return opened, _id(offer)
    raise _nothing_left(failures)


def _offered(offer: Offer) -> tuple[AvailableTransport, ...]:
    offered = offer.response.available_transports
    if offered is UNSET or not offered:
        raise NegotiateError("The server offers no transport.")
    if not any(transport.transport in OPENERS for transport in offered):
        names = ", ".join(transport.transport for transport in offered)
        raise NegotiateError(f"The server offers no transport that this client knows: {names[:200]}")
    return offered


def _refusal(transport: AvailableTransport, options: ClientOptions, binary: bool) -> str | None:
    name = transport.transport
    if name not in OPENERS:
        return "this client does not know it"
    if name not in options.transports:
        return "The transport is disabled by the client."
    wanted = "Binary" if binary else "Text"
    if wanted not in transport.transfer_formats:
        return f"The transport does not support the '{wanted}' transfer format."
    return None


def _id(offer: Offer) -> str:
    return str(offer.response.connection_id)


def _told(failures: list[Failure]) -> str:
    return " ".join(f"({name} failed: {why if isinstance(why, str) else reason(why)})" for name, why in failures)


def _nothing_left(failures: list[Failure]) -> TransportError:
    error = TransportError(f"Unable to connect to the server with any of the available transports. {_told(failures)}")
    causes = [why for _, why in failures if isinstance(why, Exception)]
    if causes:
        error.__cause__ = causes[0] if len(causes) == 1 else ExceptionGroup("what each transport met", causes)
    return error
