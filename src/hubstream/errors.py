"""The errors of hubstream, as a tree.

    HubstreamError
    ├── HubError           the text a hub shows its caller; on the client, what the server answered
    ├── ConnectionLost     the connection ended under a call, a stream or an upload
    ├── ProtocolError      the peer broke the hub protocol; the connection ends
    │   └── HandshakeError     the handshake failed, on either side
    ├── NegotiateError     the server refused or garbled the negotiation (client)
    ├── TransportError     no transport could be started, or the one in use failed (client)
    └── MappingError       a hub cannot be mapped: what is wrong and how to mend it

Imports nothing of the package.
"""

from __future__ import annotations

import re

__all__ = [
    "ConnectionLost",
    "HandshakeError",
    "HubError",
    "HubstreamError",
    "MappingError",
    "NegotiateError",
    "ProtocolError",
    "TransportError",
]

_CODE = re.compile(r"[A-Za-z0-9_.-]+")


class HubstreamError(Exception):
    """The root of every error this package raises on purpose."""


class HubError(HubstreamError):
    """An error whose text is meant for the other side.

    Raised in a hub method it reaches the caller as `HubException: text`; with a code as `HubException: text [code]`, with data as
    well as `HubException: text [code {"json": "object"}]`. Raised by a client call it is what the server answered.

    Args:
        text: What the caller may read.
        code: A word of letters, digits, `_`, `.` and `-` for programs to look at.
        data: A JSON object with details; needs a code.

    Raises:
        ValueError: The code is no such word, or there is data without a code.
    """

    def __init__(self, text: str, code: str | None = None, data: dict[str, object] | None = None) -> None:
        if code is not None and not _CODE.fullmatch(code):
            raise ValueError(f"an error code is a word of letters, digits, '_', '.' and '-', not {code!r}")
        if data is not None and code is None:
            raise ValueError("error data needs a code beside it")
        super().__init__(text)
        self.text = text
        self.code = code
        self.data = data


class ConnectionLost(HubstreamError):
    """The connection ended before what was waited for had come."""


class ProtocolError(HubstreamError):
    """The peer sent what the hub protocol does not allow; its connection ends."""


class HandshakeError(ProtocolError):
    """The handshake failed. The text is the one that goes over the wire."""


class NegotiateError(HubstreamError):
    """The negotiation failed: the server's own error, or an answer that is none."""


class TransportError(HubstreamError):
    """A transport could not be started or failed while in use."""


class MappingError(HubstreamError, TypeError):
    """A hub class cannot be mapped as it is written; the text says what to change."""
