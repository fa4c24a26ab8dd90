"""What an ASGI transport is told: where its connections come in, under which rules, and who handles them.

Imports `connection` and this room's `request`; nothing here blocks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from typing_extensions import override

from hubstream.connection.connection import Connection, ConnectionHandler
from hubstream.transports.asgi import origin, paths
from hubstream.transports.asgi.request import Request

__all__ = ["TRANSPORTS", "Endpoint", "TransportOptions"]

TRANSPORTS = ("WebSockets", "ServerSentEvents", "LongPolling")
"""All there are, in the order in which clients are to try them."""


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """The rules of one endpoint.

    Raises:
        ValueError: A transport's name is none of `TRANSPORTS`.
    """

    transports: frozenset[str] = frozenset(TRANSPORTS)
    """Those that clients may use (.NET: `Transports`)."""
    origins: frozenset[str] | None = None
    """Origins, such as `https://example.com`, whose pages may open a WebSocket with this host's cookies; its own always may."""
    disconnect_timeout: float = 15.0
    """Seconds a negotiated connection waits for its transport, or between two polls (.NET: `DisconnectTimeout`)."""
    poll_timeout: float = 90.0
    """Seconds a poll waits for something to answer (.NET: `LongPolling.PollTimeout`)."""
    send_timeout: float = 10.0
    """Seconds a peer may take nothing of a frame before its connection ends (.NET: `TransportSendTimeout`)."""
    transport_buffer: int = 65_536
    """Bytes that gather for the next poll before the connection is `paused` (.NET: `TransportMaxBufferSize`)."""
    application_buffer: int = 65_536
    """Bytes POSTs may bring before a transport has attached (.NET: `ApplicationMaxBufferSize`)."""
    minimum_protocol_version: int = 0
    """The lowest negotiate version that is accepted (.NET: `MinimumProtocolVersion`)."""
    secret: bytes | None = field(default=None, repr=False)
    """Signs connection tokens, so that a WebSocket may attach in another process than the one that negotiated."""

    def __post_init__(self) -> None:
        if unknown := self.transports.difference(TRANSPORTS):
            raise ValueError(f"no such transport: {', '.join(sorted(unknown))}; there are {', '.join(TRANSPORTS)}")
        if self.origins is not None:
            object.__setattr__(self, "origins", frozenset(map(origin.normal, self.origins)))


@dataclass(slots=True)
class Endpoint:
    """One path with a handler for its connections."""

    path: str
    """Below the application; with one slash in front and none at the end."""
    options: TransportOptions
    connect: Callable[[Connection, Request, str], ConnectionHandler]
    """Called with an open connection, its request and its connection id; gives the handler. May write already."""
    admit: Callable[[Request], Awaitable[int | None]] | None = None
    """Asked about every request first; may say whose it is (`request.user`). Gives the HTTP status to refuse it with, or None."""

    def __post_init__(self) -> None:
        self.path = paths.normal(self.path)

    @override
    def __repr__(self) -> str:
        return f"<Endpoint {self.path or '/'}>"
