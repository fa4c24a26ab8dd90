"""Calling clients: proxies whose sends become Invocations without an id (spec 10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw

from hubstream.connection.output import FRAME
from hubstream.protocol.messages import Invocation

if TYPE_CHECKING:
    from hubstream.hub.connection import ServerConnection

__all__ = ["ClientProxy", "HubCallerClients"]


class ClientProxy:
    """One client."""

    __slots__ = ("_connection",)

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def send(self, name: str, /, *arguments: Any) -> None:
        """Call the client's handlers of that name, and do not wait for them. Waits while the client does not read.

        A client that is gone is no error: nobody is there to miss it.

        Raises:
            ValueError: An argument cannot be encoded; nothing was sent.
        """
        connection = self._connection
        out = connection.out
        payload = connection.encode(list(arguments))
        out.emit(connection.codec.encode(Invocation(target=name, arguments=Raw(payload))))
        if out.size >= FRAME or connection.connection.paused:
            await out.drained()


class HubCallerClients:
    """The clients as seen from a call; `self.clients` in a hub."""

    __slots__ = ("_connection",)

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    @property
    def caller(self) -> ClientProxy:
        """The client whose call this is."""
        return ClientProxy(self._connection)
