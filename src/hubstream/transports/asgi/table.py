"""The records of one endpoint's connections: negotiated ones that wait for a transport, attached ones, those between two polls.

A record that waits costs some 300 bytes and is reaped by the clock (spec 8.3). Imports `connection` for the clock, and this room;
only `aclose` waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from itertools import islice
from typing import TYPE_CHECKING, Any

from hubstream.connection.clock import Clock
from hubstream.connection.task import start_task
from hubstream.transports.asgi.tokens import Signer, genuine, mint
from hubstream.transports.asgi.uplink import Uplink
from hubstream.user import User

if TYPE_CHECKING:
    from hubstream.transports.asgi.longpolling import LongPollingConnection

__all__ = ["NOT_YOURS", "Record", "Table"]

logger = logging.getLogger("hubstream.transport")

MAX_WAITING = 50_000
"""Negotiated records that wait, per endpoint: 15 MB. Beyond it the oldest go first, for a client that means it attaches within a
round trip or two, while one that only negotiates never comes back; refusing new ones would lock out the former."""
EVICTED = MAX_WAITING // 100
"""How many go at once: one pass over the front of a dict, instead of one for each."""

MAX_EARLY = 1_000
"""Waiting records, per endpoint, whose POSTs have come before their transport: 64 MB. No official client sends so early."""

NOT_YOURS = b"The connection is another user's."
"""What a request of somebody else is told."""

MAX_ENDED = 1_000
"""Tokens remembered after their end, per endpoint: 100 KB. The Java client polls once more after its connection has ended."""


class Record:
    """One connection that was negotiated, or came without negotiation."""

    __slots__ = ("connection_id", "deadline", "polled", "token", "transport", "uplink", "user_id")

    def __init__(self, connection_id: str, token: str, deadline: float, user_id: str | None) -> None:
        self.connection_id = connection_id
        """What a hub calls the connection; public."""
        self.token = token
        """What `id=` carries; secret, except in negotiate version 0, where it is the connection id."""
        self.deadline = deadline
        """Loop time at which it is reaped if nothing has attached, or no other poll has come."""
        self.user_id = user_id
        """Whose it is; every request for it is this user's."""
        self.transport: str | None = None
        """The transport that carries it, once attached."""
        self.polled: LongPollingConnection | None = None
        """The connection, when it is long polling, which outlives its requests."""
        self.uplink: Uplink | None = None
        """What its POSTs bring, from the first one on."""


class Table:
    """All records of one endpoint on one event loop.

    Args:
        clock: Drives the reaper; visited only while records wait.
        timeout: Seconds a record waits for its transport, or its next poll.
        application_buffer: Bytes POSTs may bring before a transport has attached.
        signer: Signs the tokens, if they are to be good in other processes too.
    """

    def __init__(
        self, clock: Clock, timeout: float, application_buffer: int = 65_536, signer: Signer | None = None
    ) -> None:
        self.clock = clock
        self._timeout = timeout
        self._application_buffer = application_buffer
        self._signer = signer
        self._waiting: dict[str, Record] = {}
        self._attached: dict[str, Record] = {}
        self._resting: dict[str, Record] = {}  # of the attached ones, those between two polls
        self._early = 0
        self._ended: deque[str] = deque(maxlen=MAX_ENDED)
        self._tasks: set[asyncio.Task[None]] = set()
        self._warned = False
        self._hinted = False
        self._suspected = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._attached)

    def add(self, version: int, user: User | None = None) -> Record:
        """A new record of a user that waits; in version 0 its id is its token too (spec 1.3)."""
        connection_id = mint()
        if version == 0:
            token = connection_id
        elif self._signer is not None:
            token = self._signer.sign(connection_id, _id(user))
        else:
            token = mint()
        return self._wait(connection_id, token, user)

    def adopt(self, token: str, user: User | None = None) -> Record | None:
        """A record for a token that another process signed for this user, and that was not used here; it waits."""
        connection_id = self._signer.read(token, _id(user)) if self._signer is not None and genuine(token) else None
        return None if connection_id is None else self._wait(connection_id, token, user)

    def find(self, token: str) -> Record | None:
        """The record whose token this is, waiting or attached."""
        if not genuine(token):
            return None
        return self._waiting.get(token) or self._attached.get(token)

    def unknown(self, token: str, user: User | None = None) -> None:
        """A client wants to attach with a token that is not known: say once what may be behind it, if it did not end here."""
        if self._hinted or not genuine(token) or token in self._ended:
            return
        if self._signer is None:
            self._hinted = True
            logger.warning(
                "a connection token is not known here: another process negotiated it, or its connection ended long ago; with "
                "several workers, give all of them the same secret=, or send each client to one worker (sticky sessions)"
            )
        elif self._signer.read(token, _id(user)) is not None:
            self._hinted = True
            logger.warning(
                "another process negotiated a connection that is no WebSocket; with event streams and long polling each client "
                "has to stay with one worker (sticky sessions)"
            )

    def foreign(self, record: Record, user: User | None) -> bool:
        """Whether a request for the record is not of the record's own user, who must not be impersonated by a stolen token."""
        if record.user_id == _id(user):
            return False
        if not self._suspected:
            self._suspected = True
            logger.warning(
                "a request was refused with 403: its connection token is another user's, or nobody's while it has a user. "
                "If it was no thief's, see to it that authenticate= finds the same id in all requests of a client"
            )
        return True

    def attach(self, record: Record, transport: str) -> None:
        """`transport` carries the record from now on, until `remove`."""
        del self._waiting[record.token]
        self._early -= record.uplink is not None
        self._relax()
        if self._signer is not None and record.token != record.connection_id:
            self._signer.spend(record.token)
        record.transport = transport
        self._attached[record.token] = record

    def remove(self, record: Record) -> None:
        """The attached record's connection has ended; its token is unknown from now on, and POSTs that wait are refused."""
        del self._attached[record.token]
        self._ended.append(record.token)
        if record.uplink is not None:
            record.uplink.end()
        self.wake(record)

    def uplink(self, record: Record) -> Uplink:
        """The record's uplink, made when it is first needed."""
        if record.uplink is None:
            self._early += record.transport is None
            record.uplink = Uplink(self._application_buffer)
        return record.uplink

    def takes_early(self, record: Record) -> bool:
        """Whether a record that waits for its transport may have POSTs."""
        return record.uplink is not None or self._early < MAX_EARLY

    # -- long polling's

    def rest(self, record: Record) -> None:
        """A poll was answered: the next one has to come in time."""
        record.deadline = self.clock.loop.time() + self._timeout
        self._resting[record.token] = record
        self.clock.add(self)

    def wake(self, record: Record) -> None:
        """A poll has come."""
        if self._resting.pop(record.token, None) is not None:
            self._relax()

    def own(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what a connection leaves behind, which no request's call waits for; `aclose` does."""
        task = start_task(self.clock.loop, work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End all long polling connections; polls that wait get the last words, and all that was left behind has ended."""
        polled = [record.polled for record in self._attached.values() if record.polled is not None]
        for connection in polled:
            connection.terminate()
        for connection in polled:
            await connection.answered()
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- the reaper

    def due(self, now: float) -> None:
        """Reap: records are kept in the order of their deadlines."""
        self._forget(_late(self._waiting, now))
        for token in _late(self._resting, now):
            connection = self._resting[token].polled
            assert connection is not None
            connection.expire()

    def overslept(self, now: float) -> None:
        """No client could attach or poll meanwhile: all wait anew."""
        for records in (self._waiting, self._resting):
            for record in records.values():
                record.deadline = now + self._timeout

    def _wait(self, connection_id: str, token: str, user: User | None) -> Record:
        if len(self._waiting) >= MAX_WAITING:
            self._evict()
        deadline = self.clock.loop.time() + self._timeout
        record = Record(connection_id, token, deadline, _id(user))
        if not self._waiting:
            self.clock.add(self)
        self._waiting[token] = record
        return record

    def _evict(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "%d connections are negotiated and wait for a transport; the oldest are dropped", MAX_WAITING
            )
        self._forget(list(islice(self._waiting, EVICTED)))

    def _forget(self, tokens: list[str]) -> None:
        self._ended.extend(tokens)
        for token in tokens:
            uplink = self._waiting.pop(token).uplink
            if uplink is not None:
                self._early -= 1
                uplink.end()
        if tokens:
            self._relax()

    def _relax(self) -> None:
        if not self._waiting and not self._resting:
            self.clock.discard(self)


def _id(user: User | None) -> str | None:
    return None if user is None else user.id


def _late(records: dict[str, Record], now: float) -> list[str]:
    late: list[str] = []
    for token, record in records.items():
        if record.deadline > now:
            break
        late.append(token)
    return late
