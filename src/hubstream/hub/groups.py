"""Groups of clients: joined and left by connections, gone with them (spec 10.2).

`self.groups` in a hub, `hubs.of(Chat).groups` outside. Adding and removing twice is as doing it once; a connection that is gone
is no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubstream.hub.clients import names_of
from hubstream.hub.proxies import Sender

if TYPE_CHECKING:
    from hubstream.hub.connection import ServerConnection

__all__ = ["HubCallerGroups", "HubGroups"]


class HubGroups:
    """The groups of a hub."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def add(self, name: str, /, *, connection: str) -> None:
        """Add a connection to a group. The group need not exist; its name is compared as it is.

        Args:
            name: The group.
            connection: The connection's id.

        Raises:
            ValueError: The name is empty.
        """
        names_of("a group's name", (name,))
        await self._sender.lifetime.add_to_group(connection, name)

    async def remove(self, name: str, /, *, connection: str) -> None:
        """Take a connection out of a group.

        Args:
            name: The group.
            connection: The connection's id.

        Raises:
            ValueError: The name is empty.
        """
        names_of("a group's name", (name,))
        await self._sender.lifetime.remove_from_group(connection, name)


class HubCallerGroups(HubGroups):
    """The groups as seen from a call: of the caller, unless another connection is named."""

    __slots__ = ("_connection_id",)

    def __init__(self, caller: ServerConnection) -> None:
        super().__init__(caller)
        self._connection_id = caller.connection_id

    async def add(self, name: str, /, *, connection: str | None = None) -> None:
        """Add this connection, or the one with an id, to a group. It leaves by itself when it ends.

        Raises:
            ValueError: The name is empty.
        """
        await super().add(name, connection=self._connection_id if connection is None else connection)

    async def remove(self, name: str, /, *, connection: str | None = None) -> None:
        """Take this connection, or the one with an id, out of a group.

        Raises:
            ValueError: The name is empty.
        """
        await super().remove(name, connection=self._connection_id if connection is None else connection)
