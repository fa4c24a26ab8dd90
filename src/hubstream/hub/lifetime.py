"""The lifetime manager: who is connected to one hub, and how messages find them (.NET's `HubLifetimeManager`; spec 10.1, 10.2).

An interface, so that the connections may be those of several processes; `inmemory` has the one for a single process.
`hubstream.testing.spec.lifetime` has the tests that each must pass. Whatever may cross a process is awaited; nothing here waits
for a client that does not read, but `send_connection`, and that only for its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from typing import ClassVar, NamedTuple, Protocol

from hubstream.hub.outgoing import Outgoing
from hubstream.protocol.messages import Completion

__all__ = ["Answer", "LifetimeManager", "LocalConnection", "Outlet"]


class Outlet(Protocol):
    """Where a client's messages leave."""

    def emit(self, message: bytes, /) -> None:
        """Send a framed message. Never waits: a client that does not read is ended at 1 MiB."""
        ...


class LocalConnection(Protocol):
    """A client that is connected to this process, as a lifetime manager sees it."""

    @property
    def connection_id(self) -> str: ...
    @property
    def user_id(self) -> str | None:
        """Does not change while the connection lives."""
        ...

    @property
    def protocol(self) -> str:
        """The name of its hub protocol."""
        ...

    @property
    def closed(self) -> bool:
        """It has ended; what is emitted goes nowhere."""
        ...

    @property
    def out(self) -> Outlet: ...

    async def drained(self) -> None:
        """Wait while the client does not read; returns at its end too."""
        ...

    def awaiting(self, answers: int) -> None:
        """So many answers of the client are awaited from now on: it is read on for them (spec 6.11)."""
        ...

    def disconnect(self, reason: str | None) -> None:
        """End it, and tell the client why and not to reconnect."""
        ...


class Answer(NamedTuple):
    """What a client answered: still encoded, in its own protocol."""

    protocol: str
    completion: Completion


class LifetimeManager(ABC):
    """The connections of one hub, in this process and perhaps in others.

    A connection that is unknown, or has gone, is no error to send to: nobody is there to miss it. Group names and ids are
    compared as they are. A message whose arguments cannot be written raises `EncodeError` before anybody got it.
    """

    joins: ClassVar[bool] = False
    """Whether `connected` and `disconnected` have anything to do; without, a connection costs no task."""

    # -- the connections of this process

    @abstractmethod
    def add(self, connection: LocalConnection) -> None:
        """A client has shaken hands: from now on messages reach it."""

    async def connected(self, connection: LocalConnection) -> None:  # noqa: B027 - most have nothing to do here
        """Awaited after `add` and before the hub's `on_connected`; an error ends the connection."""

    @abstractmethod
    def ended(self, connection: LocalConnection) -> None:
        """The connection has ended: answers that are awaited from it fail. Its groups stay until `remove`."""

    @abstractmethod
    def remove(self, connection: LocalConnection) -> None:
        """It has ended and the hub's `on_disconnected` has returned: it leaves its groups, and is forgotten."""

    async def disconnected(self, connection: LocalConnection) -> None:  # noqa: B027 - most have nothing to do here
        """Awaited after `remove`."""

    @abstractmethod
    def awaits(self, connection: LocalConnection, invocation_id: str) -> bool:
        """Whether an answer under this id is awaited from this client."""

    @abstractmethod
    def answered(self, connection: LocalConnection, completion: Completion) -> None:
        """A client has completed what is none of its streams. One that nobody awaits any more is dropped.

        Raises:
            ProtocolError: Another client was asked; this one's connection ends for it.
        """

    # -- sends

    @abstractmethod
    async def send_all(self, message: Outgoing, excluded: Collection[str] = ()) -> None:
        """To every client but those with the excluded ids."""

    @abstractmethod
    async def send_connection(self, connection_id: str, message: Outgoing) -> None:
        """To one client; waits while it does not read."""

    @abstractmethod
    async def send_connections(self, connection_ids: Iterable[str], message: Outgoing) -> None:
        """To several clients, once each."""

    @abstractmethod
    async def send_groups(self, names: Collection[str], message: Outgoing, excluded: Collection[str] = ()) -> None:
        """To the members of one group or of several, once each, but those with the excluded ids."""

    @abstractmethod
    async def send_users(self, user_ids: Iterable[str], message: Outgoing) -> None:
        """To every connection of one user or of several."""

    # -- asking, ending

    @abstractmethod
    async def invoke(self, connection_id: str, message: Outgoing) -> Answer:
        """Call one client and wait for its answer, for as long as it takes. Cancelled, it ignores an answer that comes late.

        Raises:
            ConnectionLost: There is no such connection, or it ended before it answered.
        """

    @abstractmethod
    async def disconnect(
        self, *, connection_id: str | None = None, user_id: str | None = None, reason: str | None = None
    ) -> None:
        """End a connection, or all of a user."""

    # -- groups

    @abstractmethod
    async def add_to_group(self, connection_id: str, name: str) -> None:
        """Once it returns, messages to the group reach the connection. Adding twice is as adding once."""

    @abstractmethod
    async def remove_from_group(self, connection_id: str, name: str) -> None:
        """Once it returns, messages to the group do not reach the connection any more."""

    # -- who is there

    @property
    @abstractmethod
    def group_count(self) -> int:
        """Groups with members in this process."""

    @abstractmethod
    async def connections(self, *, group: str | None = None, user_id: str | None = None) -> frozenset[str]:
        """The ids of all connections, of a group's, or of a user's."""
