"""Gathered output of one connection: what is produced together leaves as one frame.

* What is emitted while one read is handled leaves when the read is done (`held`, then `release`).
* Messages emitted later leave at the end of the loop iteration.
* Stream items leave when the connection stops producing: the tick is re-armed while output grew in the last iteration, for a
  millisecond and 16 KiB at most. On stock uvicorn an item then costs 0.27 us instead of 11 us alone in its frame.

A frame always ends at a message boundary. While the transport is paused everything waits here: streams in `room()`, messages up
to `CUT_OFF` bytes. Calls `Connection.write` only; never blocks but in `room()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from hubstream.connection.connection import Connection
from hubstream.connection.turn import Turn
from hubstream.errors import ConnectionLost
from hubstream.protocol.codec import ItemFrame

__all__ = ["FRAME", "ItemBatch", "Output"]

FRAME: Final = 16_384
"""Bytes after which a stream sends: 4 KiB costs 1.5 times the CPU an item, 64 KiB gains nothing."""
AGE: Final = 0.001
"""Seconds an item may wait for company."""
CUT_OFF: Final = 1_048_576
"""Bytes of messages, items apart, that wait for a peer that does not read; above it the connection is ended."""


class ItemBatch:
    """The items of one stream that wait for the next frame, encoded and not yet framed."""

    __slots__ = ("frame", "items")

    def __init__(self, frame: ItemFrame) -> None:
        self.frame = frame
        self.items: list[bytes] = []


class Output:
    """The messages of one connection on their way to its transport."""

    __slots__ = (
        "_batches",
        "_connection",
        "_emitted",
        "_loop",
        "_parts",
        "_passed",
        "_scheduled",
        "_seen",
        "_since",
        "_turn",
        "_urgent",
        "_waiters",
        "closed",
        "held",
        "limit",
        "on_cut_off",
        "size",
    )

    def __init__(self, connection: Connection, turn: Turn, on_cut_off: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._turn = turn
        self._loop = turn.loop
        self._parts: list[bytes] = []
        self._batches: list[ItemBatch] = []
        self._waiters: dict[asyncio.Future[None], None] = {}
        self._passed: dict[
            asyncio.Future[None], None
        ] = {}  # of those woken before, for whom there was no room any more
        self._scheduled = False
        self._urgent = False
        self._emitted: int = 0  # bytes of messages among `size`: items wait one a stream, however long they are
        self._seen: int = 0
        self._since = 0.0
        self.on_cut_off = on_cut_off
        self.size: int = 0
        """Bytes gathered; a stream adds its items' to it."""
        self.limit: int = 0
        """The size at which a stream has to await `room()`."""
        self.held = False
        """A read is being handled: nothing leaves before `release()`."""
        self.closed = False

    def emit(self, message: bytes, *, urgent: bool = True) -> None:
        """Send a framed message, after everything emitted so far; nothing after the end.

        Args:
            message: The message, framed.
            urgent: It leaves at the end of the loop iteration; else it waits for company as an item does.
        """
        if self.closed:
            return
        if self._batches:
            self._seal()
        self._parts.append(message)
        length = len(message)
        self.size += length
        self._emitted = emitted = self._emitted + length
        if not self.held:
            if urgent:
                self._urgent = True
            if not self._scheduled:
                self._scheduled = True
                self._turn.await_end(self)
        if emitted > CUT_OFF and self._connection.paused and self.on_cut_off is not None:
            self.on_cut_off()

    def gather(self, batch: ItemBatch) -> None:
        """The batch gets its first item: it takes its place in the order and leaves with the next frame."""
        self._batches.append(batch)
        if not self._scheduled and not self.held:
            self._scheduled = True
            self._turn.await_end(self)

    def roomy(self) -> bool:
        """Whether a stream whose items brought `size` to `limit` may go on at once; if not, it has to await `room()`."""
        if self.size >= FRAME or self._connection.paused or self.closed:
            return False
        now = self._loop.time()
        self._since = self._since or now
        age = now - self._since
        if age >= AGE:
            return False
        # Look at the clock after 1, 2, 4, ... items: a generator that computes for long between items must not keep
        # them back for a whole frame.
        self.limit = min(FRAME, 2 * self.size) if age < AGE / 2 else 0
        return True

    async def room(self) -> None:
        """Send, and wait until a stream may go on.

        Raises:
            ConnectionLost: The connection has ended.
        """
        if not self._connection.paused and not self.closed:
            self.flush()
            if not self._connection.paused:
                await asyncio.sleep(0)  # a generator that never suspends would starve the loop
        await self.drained()
        if self.closed:
            raise ConnectionLost("the connection has ended")

    async def drained(self) -> None:
        """Wait until a sender may go on: while the transport is paused, and for a turn of the loop after every 16 KiB.

        Returns at the connection's end too.
        """
        if self.size >= FRAME and not self._connection.paused:
            self.flush()
            if not self._connection.paused:
                await asyncio.sleep(0)
        waiters = self._waiters
        while self._connection.paused and not self.closed:
            waiter = self._loop.create_future()
            waiters[waiter] = None
            try:
                await waiter
            finally:  # cancelled, it is not left to a peer that may never read again
                waiters.pop(waiter, None)
            # Where each frame makes the transport wait, the one woken first takes all the room: the others are next.
            waiters = self._passed

    def expect(self) -> None:
        """Whoever the read has woken will emit in the loop's next turn: what they do leaves right behind them.

        Without, the loop polls its sockets once more before a client's next call leaves: an eighth of the package's own work.
        """
        if not self._scheduled:
            self._scheduled = True
            self._turn.await_end(self)

    def release(self) -> None:
        """The read has been handled: send what it gave."""
        self.held = False
        if self.size:
            self.flush()

    def flush(self) -> None:
        """Send what is gathered, as one frame, if the transport takes it."""
        if self._connection.paused or self.closed:
            return
        if self._batches:
            self._seal()
        parts = self._parts
        if not parts:
            return
        self._parts = []
        self.size = self.limit = self._seen = self._emitted = 0
        self._since = 0.0
        self._urgent = False
        self._connection.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def resumed(self) -> None:
        """The transport takes bytes again."""
        self.flush()
        if not self._connection.paused:
            self._wake()

    def close(self) -> None:
        """Hand over what is left, whether or not the peer takes it; whoever waits for room gets `ConnectionLost`."""
        if self.closed:
            return
        if self._batches:
            self._seal()
        if self._parts:
            self._connection.write(b"".join(self._parts))
        self.discard()

    def discard(self) -> None:
        """The connection is gone: drop what is left."""
        self.closed = True
        self._parts = []
        self._batches = []
        self._wake()

    def _seal(self) -> None:
        parts = self._parts
        for batch in self._batches:
            parts.append(batch.frame.join(batch.items))
            batch.items.clear()
        self._batches.clear()

    def turn_ends(self) -> None:
        """The turn's: what was gathered leaves, unless items go on coming."""
        size = self.size
        if size and not self._urgent and size != self._seen and not self._connection.paused:
            now = self._loop.time()
            self._since = self._since or now
            if not self._seen or now - self._since < AGE:
                self._seen = size
                self.limit = min(FRAME, 2 * size)  # the loop has its turns: this looks at the clock
                self._turn.await_end(self)
                return
        self._scheduled = False
        self._seen = 0
        if not self.held:
            self.flush()

    def _wake(self) -> None:
        waiters = [*self._passed, *self._waiters]
        self._passed.clear()
        self._waiters.clear()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
