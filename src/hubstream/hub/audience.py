"""Local connections that get the same messages: all of a hub, a group's, a user's.

They are kept by protocol, so that a message costs each of them little more than the call of its output's `emit`. Does not block.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from hubstream.hub.lifetime import LocalConnection
from hubstream.hub.outgoing import Outgoing

__all__ = ["Audience"]


class Audience:
    """A set of connections."""

    __slots__ = ("_by_protocol",)

    def __init__(self, connections: Iterable[LocalConnection] = ()) -> None:
        self._by_protocol: dict[str, dict[str, LocalConnection]] = {}
        for connection in connections:
            self.add(connection)

    def __len__(self) -> int:
        return sum(map(len, self._by_protocol.values()))

    def __iter__(self) -> Iterator[LocalConnection]:
        for connections in self._by_protocol.values():
            yield from connections.values()

    def get(self, connection_id: str) -> LocalConnection | None:
        """The connection with an id."""
        for connections in self._by_protocol.values():
            if (found := connections.get(connection_id)) is not None:
                return found
        return None

    def add(self, connection: LocalConnection) -> None:
        """It gets what is sent from now on."""
        self._by_protocol.setdefault(connection.protocol, {})[connection.connection_id] = connection

    def discard(self, connection: LocalConnection) -> None:
        """It gets no more."""
        connections = self._by_protocol.get(connection.protocol)
        if connections is not None and connections.pop(connection.connection_id, None) is not None and not connections:
            del self._by_protocol[connection.protocol]

    def send(self, message: Outgoing, excluded: Collection[str] = ()) -> int:
        """Send to all of them but those with the excluded ids; how many bytes each got.

        Raises:
            EncodeError: It cannot be written; nobody got anything.
        """
        if not self._by_protocol:
            message.check()
            return 0
        # Copies: a client that is too slow is ended by `emit`, and leaves.
        sends = [(message.frame(name), tuple(them.items())) for name, them in self._by_protocol.items()]
        for frame, connections in sends:
            if excluded:
                for connection_id, connection in connections:
                    if connection_id not in excluded:
                        connection.out.emit(frame)
            else:
                for _, connection in connections:
                    connection.out.emit(frame)
        return max(len(frame) for frame, _ in sends)
