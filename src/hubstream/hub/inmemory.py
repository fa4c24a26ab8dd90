"""The lifetime manager of a single process (.NET's `DefaultHubLifetimeManager`): everything is in its memory.

Imports nothing of hubs but the interface. Waits for nothing but one client that does not read, where it alone is sent to, and,
after every 16 KiB that were sent to somebody, for one turn of the event loop, in which the sockets are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from hubstream.connection.output import FRAME
from hubstream.errors import ConnectionLost
from hubstream.hub import texts
from hubstream.hub.audience import Audience
from hubstream.hub.lifetime import Answer, LifetimeManager, LocalConnection
from hubstream.hub.outgoing import Outgoing
from hubstream.hub.results import Results
from hubstream.protocol.messages import Completion

__all__ = ["InMemoryLifetimeManager"]


class InMemoryLifetimeManager(LifetimeManager):
    """The connections of this process."""

    def __init__(self) -> None:
        self._all = Audience()
        self._groups: dict[str, Audience] = {}
        self._users: dict[str, Audience] = {}
        self._memberships: dict[str, set[str]] = {}
        self._results = Results()
        self._unseen = 0
        """Bytes sent to everybody since the loop last had its turn."""

    def add(self, connection: LocalConnection) -> None:
        self._all.add(connection)
        if connection.user_id is not None:
            self._users.setdefault(connection.user_id, Audience()).add(connection)

    def ended(self, connection: LocalConnection) -> None:
        self._results.lost(connection)

    def remove(self, connection: LocalConnection) -> None:
        self._results.lost(connection)
        self._all.discard(connection)
        if connection.user_id is not None:
            _leave(self._users, connection.user_id, connection)
        for name in self._memberships.pop(connection.connection_id, ()):
            _leave(self._groups, name, connection)

    def awaits(self, connection: LocalConnection, invocation_id: str) -> bool:
        return self._results.awaits(connection, invocation_id)

    def answered(self, connection: LocalConnection, completion: Completion) -> None:
        self._results.answered(connection, completion)

    async def send_all(self, message: Outgoing, excluded: Collection[str] = ()) -> None:
        await self._send(self._all, message, excluded)

    async def send_connection(self, connection_id: str, message: Outgoing) -> None:
        connection = self._all.get(connection_id)
        if connection is None:
            message.check()
        else:
            connection.out.emit(message.frame(connection.protocol))
            await connection.drained()

    async def send_connections(self, connection_ids: Iterable[str], message: Outgoing) -> None:
        found = (self._all.get(connection_id) for connection_id in connection_ids)
        await self._send(Audience(connection for connection in found if connection is not None), message)

    async def send_groups(self, names: Collection[str], message: Outgoing, excluded: Collection[str] = ()) -> None:
        await self._send(_together(self._groups, names), message, excluded)

    async def send_users(self, user_ids: Iterable[str], message: Outgoing) -> None:
        await self._send(_together(self._users, user_ids), message)

    async def invoke(self, connection_id: str, message: Outgoing) -> Answer:
        connection = self._all.get(connection_id)
        if connection is None:
            raise ConnectionLost(texts.no_connection(connection_id))
        if connection.closed:
            raise ConnectionLost(texts.disconnected(connection_id))
        question = self._results.ask(connection)
        try:
            connection.out.emit(message.question(connection.protocol, question.id))
            completion = await question.answer
        finally:
            self._results.forget(question)
        if completion is None:
            raise ConnectionLost(texts.disconnected(connection_id))
        return Answer(connection.protocol, completion)

    async def disconnect(
        self, *, connection_id: str | None = None, user_id: str | None = None, reason: str | None = None
    ) -> None:
        if connection_id is not None and (connection := self._all.get(connection_id)) is not None:
            connection.disconnect(reason)
        for connection in tuple(self._users.get(user_id, ()) if user_id is not None else ()):
            connection.disconnect(reason)

    async def add_to_group(self, connection_id: str, name: str) -> None:
        connection = self._all.get(connection_id)
        if connection is not None:
            self._groups.setdefault(name, Audience()).add(connection)
            self._memberships.setdefault(connection_id, set()).add(name)

    async def remove_from_group(self, connection_id: str, name: str) -> None:
        connection = self._all.get(connection_id)
        names = self._memberships.get(connection_id)
        if connection is not None and names is not None and name in names:
            names.remove(name)
            if not names:
                del self._memberships[connection_id]
            _leave(self._groups, name, connection)

    @property
    def group_count(self) -> int:
        return len(self._groups)

    @property
    def awaited(self) -> int:
        """Answers of clients that are awaited."""
        return len(self._results)

    async def connections(self, *, group: str | None = None, user_id: str | None = None) -> frozenset[str]:
        found: list[Iterable[LocalConnection]] = []
        if group is not None:
            found.append(self._groups.get(group, ()))
        if user_id is not None:
            found.append(self._users.get(user_id, ()))
        first, *others = (frozenset(c.connection_id for c in audience) for audience in found or [self._all])
        return first.intersection(*others)

    async def _send(self, audience: Audience, message: Outgoing, excluded: Collection[str] = ()) -> None:
        self._unseen += audience.send(message, excluded)
        if self._unseen >= FRAME:
            # A sender that never suspends would keep everybody's messages from leaving.
            self._unseen = 0
            await asyncio.sleep(0)


def _together(audiences: dict[str, Audience], names: Iterable[str]) -> Audience:
    """The members of all these, once each."""
    found = [audience for name in names if (audience := audiences.get(name)) is not None]
    return found[0] if len(found) == 1 else Audience(connection for audience in found for connection in audience)


def _leave(audiences: dict[str, Audience], name: str, connection: LocalConnection) -> None:
    audience = audiences.get(name)
    if audience is not None:
        audience.discard(connection)
        if not len(audience):
            del audiences[name]
