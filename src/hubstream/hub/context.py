"""What a hub knows of its caller: one object per connection (.NET's `HubCallerContext`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hubstream.transports.asgi.request import Request
from hubstream.user import User

if TYPE_CHECKING:
    from hubstream.hub.hub import Hub

__all__ = ["HubCallerContext"]


class HubCallerContext:
    """The connection a hub method was called on; `self.context` in a hub. It outlives the hub object of a call."""

    __slots__ = ("_abort", "_aborted", "_ended", "_items", "_user", "connection_id", "hub", "request", "transport")

    def __init__(
        self, hub: type[Hub[Any]], connection_id: str, request: Request, transport: str, abort: Callable[[], None]
    ) -> None:
        self.hub = hub
        """The class of the hub it is connected to."""
        self.connection_id = connection_id
        """The public id: what others address this connection by."""
        self.request = request
        """The request that opened the connection: headers, query, cookies, path, client, token."""
        self.transport = transport
        """`WebSockets`, `ServerSentEvents` or `LongPolling`."""
        self._user = request.user
        self._abort = abort
        self._aborted: asyncio.Event | None = None
        self._ended = False
        self._items: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<HubCallerContext {self.connection_id} over {self.transport}>"

    @property
    def user(self) -> User | None:
        """Who is connected, as the request said that opened the connection; None for an anonymous one."""
        return self._user

    @property
    def user_id(self) -> str | None:
        """The id of the user; None for an anonymous one."""
        return None if self._user is None else self._user.id

    @property
    def items(self) -> dict[str, Any]:
        """A place for what belongs to this connection, from call to call."""
        if self._items is None:
            self._items = {}
        return self._items

    @property
    def aborted(self) -> asyncio.Event:
        """Set once the connection has ended; a long call can watch it."""
        if self._aborted is None:
            self._aborted = asyncio.Event()
            if self._ended:
                self._aborted.set()
        return self._aborted

    def abort(self) -> None:
        """End the connection. The client is told not to reconnect."""
        self._abort()

    def _end(self) -> None:
        self._ended = True
        if self._aborted is not None:
            self._aborted.set()
