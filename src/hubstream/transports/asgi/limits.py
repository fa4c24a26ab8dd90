"""The limit an ASGI server itself sets to a WebSocket message, where it can be known. Imports only `types`."""

from __future__ import annotations

from types import FunctionType
from typing import Final

from hubstream.types import Send

__all__ = ["message_limit"]

_SETTINGS: Final = ("ws_max_size", "websocket_max_message_size")
"""As uvicorn and hypercorn call it, in their `config`."""
_GRANIAN: Final = 16 * 1024 * 1024
"""granian's, which cannot be changed; beyond it the socket is closed without a word (2.8.9, tried)."""
_WRAPPERS: Final = 50
"""Middleware around `send` that is looked through at most."""


def message_limit(send: Send) -> int | None:
    """Bytes beyond which the server behind `send` ends a WebSocket; None if it does not say.

    Args:
        send: ASGI's, of a WebSocket; functions that wrapped it and call it `send` too, as all do, are seen through.
    """
    inner: object = send
    for _ in range(_WRAPPERS):
        if not isinstance(inner, FunctionType):
            break
        names = inner.__code__.co_freevars
        if "send" not in names or inner.__closure__ is None:
            return None
        inner = inner.__closure__[names.index("send")].cell_contents
    server: object = getattr(inner, "__self__", None)
    if type(server).__module__.startswith("granian."):
        return _GRANIAN
    config: object = getattr(server, "config", None)
    for name in _SETTINGS:
        limit = getattr(config, name, None)
        if isinstance(limit, int):
            return limit
    return None
