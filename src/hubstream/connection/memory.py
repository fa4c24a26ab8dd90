"""A joined pair of connections: what one side writes the other receives, without a socket.

Imports only `connection.connection`; no call blocks. It keeps a socket's manners: writes arrive later and in order, a peer that
does not read makes the writer `paused`, what was written before `close()` still arrives, `abort()` throws it away.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque

from hubstream.connection.connection import ConnectionHandler

__all__ = ["MemoryConnection", "pair"]

HIGH = 65_536
"""Bytes on their way before the writer is paused: .NET's pipes hold as much (spec 2)."""
CLOSE_TIMEOUT = 5.0
"""Seconds a closed side waits for a peer that does not read (spec 2.1)."""


class MemoryConnection:
    """One side of a pair, made by `pair()`; a `Connection`.

    Nothing is delivered before `attach()` gave it a handler, and nothing after its `lost()`.
    """

    transport = "Memory"
    binary_capable = True
    inherent_keep_alive = False

    def __init__(self, loop: asyncio.AbstractEventLoop, high: int) -> None:
        self.paused = False
        self.resumable = False
        self.binary = False
        """What `use_binary` was told last."""
        self.ended = asyncio.Event()
        """Set once the handler has been told that the connection is lost."""
        self._loop = loop
        self._high = high
        self._peer = self
        self._handler: ConnectionHandler | None = None
        self._context: contextvars.Context | None = None
        self._inbox: deque[bytes] = deque()
        self._size = 0
        self._reading = True
        self._scheduled = False
        self._closing = False
        self._lost = False
        self._eof: bool | None = None  # the peer has ended; the value is lost()'s `graceful`
        self._timer: asyncio.TimerHandle | None = None

    def join(self, other: MemoryConnection) -> None:
        """Make `other` the other side."""
        self._peer, other._peer = other, self

    def attach(self, handler: ConnectionHandler) -> None:
        """Start delivering to `handler`, in a copy of the caller's context."""
        self._handler = handler
        self._context = contextvars.copy_context()
        self._schedule()

    def use_binary(self, binary: bool) -> None:
        self.binary = binary

    def write(self, data: bytes) -> None:
        if self._closing or self._lost:
            return
        peer = self._peer
        peer._inbox.append(data)
        peer._size += len(data)
        if peer._size > self._high:
            self.paused = True
        peer._schedule()

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._schedule()

    def close(self) -> None:
        if self._closing or self._lost:
            return
        self._closing = True
        self._timer = self._loop.call_later(CLOSE_TIMEOUT, self.abort, context=contextvars.Context())
        self._peer._end(graceful=True)

    def abort(self) -> None:
        if self._lost:
            return
        peer = self._peer
        self._closing = True
        for side in (self, peer):
            side._inbox.clear()
            side._size = 0
            # The peer of a side that closed first has already been told, or is told now, how it ended.
            side._end(graceful=False)

    def _end(self, *, graceful: bool) -> None:
        """The other side writes no more: `lost()` follows what it had written."""
        if self._eof is None or not graceful:
            self._eof = graceful
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and not self._lost and self._handler is not None:
            self._scheduled = True
            self._loop.call_soon(self._deliver, context=self._context)

    def _deliver(self) -> None:
        self._scheduled = False
        handler = self._handler
        if self._lost or handler is None:
            return
        if self._inbox and self._reading and not self._closing:
            self._read(handler)
        if self._eof is not None and (self._closing or not self._inbox):
            self._end_here(handler, graceful=self._eof)

    def _read(self, handler: ConnectionHandler) -> None:
        # One read is what was there at its start: what a handler provokes comes with the next.
        for _ in range(len(self._inbox)):
            data = self._inbox.popleft()
            self._size -= len(data)
            handler.received(data)
            if not self._reading or self._closing or not self._inbox:
                break
        handler.read_done()
        peer = self._peer
        if peer.paused and self._size <= self._high // 2:
            peer.paused = False
            if peer._handler is not None and not peer._lost:
                self._loop.call_soon(peer._writable, context=peer._context)

    def _writable(self) -> None:
        if not self.paused and not self._lost and self._handler is not None:
            self._handler.writable()

    def _end_here(self, handler: ConnectionHandler, *, graceful: bool) -> None:
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._inbox.clear()
        handler.lost(graceful)
        self.ended.set()
        # A closed socket is answered by closing: the side that closed first hears of its end now.
        self._peer._end(graceful=graceful)


def pair(loop: asyncio.AbstractEventLoop, *, high: int = HIGH) -> tuple[MemoryConnection, MemoryConnection]:
    """Two joined connections. Each needs its `attach()`.

    Args:
        loop: The event loop both live in.
        high: Bytes on their way in one direction before the writer is `paused`.
    """
    one, other = MemoryConnection(loop, high), MemoryConnection(loop, high)
    one.join(other)
    return one, other
