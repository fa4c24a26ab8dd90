"""Every way a connection can end, and what the client is told (spec 8.5).

| end | Close message | clients reconnect |
|---|---|---|
| the client sent Close, or the hub aborted | without error | no |
| the application disconnected it, or its user | with the reason, if there is one | no |
| the server stops, or the user's login has expired | without error | yes |
| protocol error, oversize, silence, a peer that does not read | `Connection closed with an error.` | yes |
| `on_connected` failed | `Connection closed with an error.` | no |
| the handshake failed or never came | none: the handshake response carries the error | no |
| the transport was closed, or lost | with an error if it broke off inside a message; only a poll that waits gets it | yes |
"""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["EndReason"]

CLOSED: Final = "normal_closure"
TIMEOUT: Final = "timeout"
SHUTDOWN: Final = "app_shutdown"


class EndReason(Enum):
    """Why a connection ended."""

    CLIENT_CLOSED = ("client closed", True, False, False, CLOSED)
    """The client sent Close."""
    ABORTED = ("aborted", True, False, False, CLOSED)
    """The hub called `context.abort()`."""
    DISCONNECTED = ("disconnected", True, False, False, CLOSED)
    """The application called `hubs.disconnect()`."""
    LOGIN_EXPIRED = ("login expired", True, False, True, CLOSED)
    """The user's `expires` has come."""
    STOPPED = ("server stopped", True, False, True, SHUTDOWN)
    """The server stops."""
    PROTOCOL_ERROR = ("protocol error", True, True, True, CLOSED)
    """The client sent what the protocol does not allow, or too large a message."""
    CLIENT_SILENT = ("client timeout", True, True, True, TIMEOUT)
    """Nothing came from the client for `client_timeout`."""
    NOT_READING = ("client does not read", True, True, True, CLOSED)
    """The client did not take what was sent to it."""
    CONNECT_FAILED = ("on_connected failed", True, True, False, CLOSED)
    """`on_connected`, or a filter around it, raised."""
    HANDSHAKE_FAILED = ("handshake failed", False, False, False, CLOSED)
    """The handshake was wrong, or did not come within `handshake_timeout`."""
    TRANSPORT_CLOSED = ("transport closed", True, True, True, CLOSED)
    """The client closed its transport in good order, without a Close of the hub protocol."""
    TRANSPORT_LOST = ("transport lost", True, True, True, CLOSED)
    """The transport broke."""
    NOT_POLLING = ("client does not poll", True, True, True, TIMEOUT)
    """No poll of long polling came for `disconnect_timeout`, or its answer was not taken."""

    def __init__(self, label: str, sends_close: bool, error: bool, allow_reconnect: bool, status: str) -> None:
        self.label = label
        """In words, as in the log."""
        self.sends_close = sends_close
        """Whether the client is sent a Close, if it can get one."""
        self.error = error
        """Whether that has an error."""
        self.allow_reconnect = allow_reconnect
        """Whether clients that reconnect by themselves do."""
        self.status = status
        """OpenTelemetry's `signalr.connection.status`: `normal_closure`, `timeout` or `app_shutdown`."""
