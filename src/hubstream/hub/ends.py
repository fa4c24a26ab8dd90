"""Every way a connection can end, and what the client is told (spec 8.5).

| end | Close message | clients reconnect |
|---|---|---|
| the client sent Close, or the hub aborted | without error | no |
| the application disconnected it, or its user | with the reason, if there is one | no |
| the server stops, or the user's login has expired | without error | yes |
| protocol error, oversize, silence, a peer that does not read | `Connection closed with an error.` | yes |
| `on_connected` failed | `Connection closed with an error.` | no |
| the handshake failed or never came | none: the handshake response carries the error | no |
| the transport was lost | without error, or with one if it broke off inside a message; only a poll that waits gets it | yes |
"""

from __future__ import annotations

from enum import Enum

__all__ = ["End"]


class End(Enum):
    """Why a connection ended: its name in logs, and the Close message: (sent, with an error, allowReconnect)."""

    CLIENT_CLOSED = ("client closed", True, False, False)
    ABORTED = ("aborted", True, False, False)
    DISCONNECTED = ("disconnected", True, False, False)
    LOGIN_EXPIRED = ("login expired", True, False, True)
    STOPPED = ("server stopped", True, False, True)
    PROTOCOL_ERROR = ("protocol error", True, True, True)
    CLIENT_SILENT = ("client timeout", True, True, True)
    NOT_READING = ("client does not read", True, True, True)
    CONNECT_FAILED = ("on_connected failed", True, True, False)
    HANDSHAKE_FAILED = ("handshake failed", False, False, False)
    TRANSPORT_LOST = ("transport lost", True, True, True)

    def __init__(self, label: str, sends_close: bool, error: bool, allow_reconnect: bool) -> None:
        self.label = label
        self.sends_close = sends_close
        self.error = error
        self.allow_reconnect = allow_reconnect
