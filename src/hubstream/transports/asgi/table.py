"""The records of one endpoint's connections: negotiated ones that wait for a transport, and attached ones.

A record that waits costs some 300 bytes and is reaped by the clock (spec 8.3). Imports `connection` for the clock; nothing here
blocks or waits.
"""

from __future__ import annotations

import logging
from itertools import islice

from hubstream.connection.clock import Clock
from hubstream.transports.asgi.tokens import mint

__all__ = ["Record", "Table"]

logger = logging.getLogger("hubstream.transport")

MAX_WAITING = 50_000
"""Negotiated records that wait, per endpoint: 15 MB. Beyond it the oldest go first, for a client that means it attaches within a
round trip or two, while one that only negotiates never comes back; refusing new ones would lock out the former."""
EVICTED = MAX_WAITING // 100
"""How many go at once: one pass over the front of a dict, instead of one for each."""


class Record:
    """One connection that was negotiated, or came without negotiation."""

    __slots__ = ("connection_id", "deadline", "token", "transport")

    def __init__(self, connection_id: str, token: str, deadline: float) -> None:
        self.connection_id = connection_id
        """What a hub calls the connection; public."""
        self.token = token
        """What `id=` carries; secret, except in negotiate version 0, where it is the connection id."""
        self.deadline = deadline
        """Loop time at which it is reaped if nothing has attached."""
        self.transport: str | None = None
        """The transport that carries it, once attached."""


class Table:
    """All records of one endpoint on one event loop.

    Args:
        clock: Drives the reaper; visited only while records wait.
        timeout: Seconds a record waits for its transport.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self.clock = clock
        self._timeout = timeout
        self._waiting: dict[str, Record] = {}
        self._attached: dict[str, Record] = {}
        self._warned = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._attached)

    def add(self, version: int) -> Record:
        """A new record that waits; in version 0 its id is its token too (spec 1.3)."""
        if not self._waiting:
            self.clock.add(self)
        elif len(self._waiting) >= MAX_WAITING:
            self._evict()
        connection_id = mint()
        token = connection_id if version == 0 else mint()
        record = Record(connection_id, token, self.clock.loop.time() + self._timeout)
        self._waiting[token] = record
        return record

    def find(self, token: str) -> Record | None:
        """The record whose token this is, waiting or attached."""
        return self._waiting.get(token) or self._attached.get(token)

    def attach(self, record: Record, transport: str) -> None:
        """`transport` carries the record from now on, until `remove`."""
        del self._waiting[record.token]
        if not self._waiting:
            self.clock.discard(self)
        record.transport = transport
        self._attached[record.token] = record

    def remove(self, record: Record) -> None:
        """The attached record's connection has ended; its token is unknown from now on."""
        del self._attached[record.token]

    def due(self, now: float) -> None:
        """Reap: records are kept in the order of their deadlines."""
        late: list[str] = []
        for token, record in self._waiting.items():
            if record.deadline > now:
                break
            late.append(token)
        self._forget(late)

    def overslept(self, now: float) -> None:
        """No client could attach meanwhile: all wait anew."""
        for record in self._waiting.values():
            record.deadline = now + self._timeout

    def _evict(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "%d connections are negotiated and wait for a transport; the oldest are dropped", MAX_WAITING
            )
        self._forget(list(islice(self._waiting, EVICTED)))

    def _forget(self, tokens: list[str]) -> None:
        for token in tokens:
            del self._waiting[token]
        if tokens and not self._waiting:
            self.clock.discard(self)
