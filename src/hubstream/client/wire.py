"""What the parts of one client connection share: its output, the table of what waits for the server, its tasks.

Imports `errors`, `protocol`, `payloads` and `connection`. Only `turn()` waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import UNSET, Raw

from hubstream.client.errors import CLOSED, not_active
from hubstream.client.reading import Holder, Reading
from hubstream.client.tasks import Tasks
from hubstream.connection.clock import Clock
from hubstream.connection.connection import Connection
from hubstream.connection.output import FRAME, Output
from hubstream.errors import ConnectionLost
from hubstream.payloads.bind import Binder
from hubstream.protocol.codec import Codec
from hubstream.protocol.messages import CancelInvocation, Completion, Invocation, StreamInvocation
from hubstream.protocol.session import HubSession

__all__ = ["Outgoing", "Pending", "Successor", "Wire"]


class Outgoing(Protocol):
    """An upload, as the wire sees it."""

    def start(self, upload_id: str) -> None:
        """Its call has been written: send the items."""
        ...

    def stop(self, text: str | None) -> None:
        """Send no more and close the source; with a text, the server is told first."""
        ...


class Pending(Protocol):
    """A call or a stream the server has not completed."""

    @property
    def uploads(self) -> Sequence[Outgoing]: ...
    def take_in(self, items: list[Raw]) -> None: ...
    def complete(self, completion: Completion) -> None: ...
    def fail(self, error: ConnectionLost) -> None: ...
    def held_up_by(self, full: set[Holder]) -> bool:
        """Whether something that takes from one of `full` may be waiting for this."""
        ...


Successor: TypeAlias = "Callable[[Wire, ConnectionLost], Awaitable[Wire]]"
"""Waits for the connection after this one, which was lost so.

Raises:
    ConnectionLost: There will be none.
"""


class Wire:
    """One hub connection from the client's side."""

    def __init__(
        self,
        connection: Connection,
        session: HubSession,
        codec: Codec,
        binder: Binder,
        clock: Clock,
        tasks: Tasks,
        successor: Successor | None = None,
    ) -> None:
        self.connection = connection
        self.session = session
        self.codec = codec
        self.binder = binder
        self.encode = binder.encoder()
        """What writes a value whose type was not declared."""
        self._clock = clock
        self.loop = clock.loop
        self.tasks = tasks
        self.spawn = tasks.spawn
        self.successor = successor
        """Set where a client reconnects."""
        self.output = Output(connection, clock.turn)
        self.reading = Reading(connection, self._awaited)
        self.active = False
        """Between the handshake and the end."""
        self.lost: Exception | None = None
        """The error it ended with."""
        self.pending: dict[str, Pending] = {}
        self.sent = 0.0
        """Loop time, good to a second, of the last call; pings are counted from here."""
        self.uploads: set[Outgoing] = set()
        """Those that have not ended, of every call."""
        self._gate = asyncio.Lock()
        self._queued = 0

    @property
    def free(self) -> bool:
        """Whether a call may be written at once; if not, it has to await `turn()`."""
        return self.active and not self._queued and not self.connection.paused and self.output.size < FRAME

    async def turn(self, method: str) -> None:
        """Wait until the transport takes more, in the order of the calls.

        Raises:
            ConnectionLost: The connection is not active.
        """
        output = self.output
        if self.active and (self._queued or self.connection.paused or output.size >= FRAME):
            self._queued += 1
            try:
                async with self._gate:
                    # A full frame is sent first, and the loop gets a turn: who sends for ever may not starve it.
                    while self.active and (self.connection.paused or output.size >= FRAME):
                        await output.drained()
            finally:
                self._queued -= 1
            if not self.active:  # it was when the call was made
                raise ConnectionLost(str(self.lost or CLOSED)) from self.lost
        if not self.active:
            raise ConnectionLost(not_active(method)) from self.lost

    def ask(
        self,
        kind: type[Invocation | StreamInvocation],
        name: str,
        arguments: bytes,
        uploads: Sequence[Outgoing],
        pending: Pending | None,
    ) -> str:
        """Write a call and start its uploads. Returns its id; without `pending` nobody waits, and it has none."""
        next_id = self.session.next_id
        invocation_id = next_id() if pending is not None else ""
        stream_ids = [next_id() for _ in uploads] if uploads else UNSET
        if kind is StreamInvocation:
            encoded = self.codec.encode(
                StreamInvocation(
                    invocation_id=invocation_id, target=name, arguments=Raw(arguments), stream_ids=stream_ids
                )
            )
        elif invocation_id and stream_ids is UNSET:
            encoded = self.codec.invocation(invocation_id, name, arguments)
        else:
            encoded = self.codec.encode(
                Invocation(
                    invocation_id=invocation_id or UNSET, target=name, arguments=Raw(arguments), stream_ids=stream_ids
                )
            )
        self.output.emit(encoded)
        self.sent = self._clock.now
        if pending is not None:
            self.pending[invocation_id] = pending
            if self.reading.paused:
                self.reading.check()
        if stream_ids is not UNSET:
            for upload, upload_id in zip(uploads, stream_ids, strict=True):
                upload.start(upload_id)
        return invocation_id

    def items(self, invocation_id: str, items: list[Raw]) -> None:
        """Items of a stream have come, one after the other."""
        waiting = self.pending.get(invocation_id)
        if waiting is not None:
            waiting.take_in(items)

    def cancel(self, invocation_id: str) -> None:
        """Nobody wants the answer any more: tell the server, the completions of uploads first (spec 7.5)."""
        pending = self.pending.pop(invocation_id, None)
        if pending is None:
            return
        for upload in pending.uploads:
            upload.stop("Stream canceled by client.")
        self.output.emit(self.codec.encode(CancelInvocation(invocation_id=invocation_id)))
        self.reading.check()

    def stop_uploads(self) -> None:
        """The connection has ended: close every source, silently (spec 7.5)."""
        for upload in list(self.uploads):
            upload.stop(None)

    def _awaited(self, full: set[Holder]) -> bool:
        return any(pending.held_up_by(full) for pending in self.pending.values())
