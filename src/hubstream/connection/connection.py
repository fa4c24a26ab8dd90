"""A duplex byte pipe and its handler: callbacks below, coroutines above.

A transport makes a `Connection` and calls its handler by plain calls, as `asyncio.Protocol` does; a hub's dispatcher or a client
is such a handler. A coroutine hop per message would cost more than the rest of the work, so nothing here is a coroutine and
nothing blocks.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Connection", "ConnectionHandler"]


class ConnectionHandler(Protocol):
    """What a transport calls. No method may raise or block."""

    def received(self, data: bytes) -> None:
        """Bytes have come, cut anywhere (spec 2.1)."""
        ...

    def read_done(self) -> None:
        """All that one read gave has been passed on: what was gathered meanwhile may leave as one frame."""
        ...

    def writable(self) -> None:
        """The transport takes bytes again after `Connection.paused` was set."""
        ...

    def reattached(self) -> None:
        """Another transport carries this connection now (stateful reconnect): drop partial input, send Sequence, replay."""
        ...

    def lost(self, graceful: bool) -> None:
        """The connection is gone; called exactly once, and nothing follows.

        Args:
            graceful: The peer closed it (WebSocket code 1000 or 1001, or its hub Close was received).
        """
        ...

    async def ended(self) -> None:
        """Wait, after `lost()`, until all that the connection started has ended; the transport's own call waits here.

        Cancelled, it ends what is left and passes the cancellation on.
        """
        ...


class Connection(Protocol):
    """What a handler has in its hand. One event loop, one owner."""

    transport: str
    """`WebSockets`, `ServerSentEvents` or `LongPolling`; `Memory` in tests."""
    binary_capable: bool
    """Whether it carries bytes (transfer format `Binary`), not only text."""
    inherent_keep_alive: bool
    """The transport itself notices a peer that has gone (long polling): no pings and no time-out for silence (spec 2.4)."""
    paused: bool
    """The peer does not take what was written. Write no more until `writable()` is called; what was written is kept."""
    resumable: bool
    """Whether a loss of the transport may be followed by `reattached()` instead of `lost()`. The handler may clear it."""

    def use_binary(self, binary: bool) -> None:
        """From now on `write` carries a binary protocol (its WebSocket opcode); text at first."""
        ...

    def write(self, data: bytes) -> None:
        """Send whole messages, as one frame. May set `paused`. After the end it does nothing."""
        ...

    def pause_reading(self) -> None:
        """Take no more from the peer; at most what is on its way is still received."""
        ...

    def resume_reading(self) -> None:
        """Read again."""
        ...

    def close(self) -> None:
        """End it once what was written is sent; `lost()` follows."""
        ...

    def abort(self) -> None:
        """End it now, whatever was not sent; `lost()` follows."""
        ...
