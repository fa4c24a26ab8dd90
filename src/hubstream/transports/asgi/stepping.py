"""Which servers' `send` may be run a step at a time, and how their sockets are reset. Imports only `types` and `stepping`."""

from __future__ import annotations

import inspect
from types import FunctionType, MethodType

from hubstream.transports.stepping import Steps, finish, steps
from hubstream.types import Send

__all__ = ["Steps", "cut", "finish", "server", "steps"]

_PASS_ON = frozenset({"starlette._exception_handler", "starlette.middleware.errors"})
"""Modules whose wrapper of `send` only passes messages on; they are around every application Starlette and FastAPI run."""
_SERVERS = ("uvicorn.protocols.websockets.", "uvicorn.protocols.http.")


def server(send: Send) -> object | None:
    """The server's own protocol object behind `send`, if its coroutine may be stepped outside a task; else None.

    Stepped outside a task, code that asks for the current one (`asyncio.timeout`, anyio) fails, or worse, cancels another.
    The `send` of uvicorn's classes, for WebSockets and HTTP, only waits for the socket; what a middleware has wrapped may do
    anything; granian's starts to send when called and must be awaited.
    """
    while True:
        if isinstance(send, MethodType):
            owner: object = send.__self__
            known = type(owner).__module__.startswith(_SERVERS)
            return owner if known and inspect.iscoroutinefunction(send) else None
        if not isinstance(send, FunctionType) or send.__module__ not in _PASS_ON:
            return None
        send = inspect.getclosurevars(send).nonlocals.get("send", abs)


def cut(protocol: object | None) -> bool:
    """Reset the socket of a peer that takes nothing: the server would wait a quarter of an hour for it to take the rest.

    Returns whether that was possible.
    """
    abort = getattr(getattr(protocol, "transport", None), "abort", None)
    if not callable(abort):
        return False
    abort()
    return True
