"""A TCP relay in the test's own event loop: what passes through it can be cut, stalled, delayed and spoilt at any moment.

Nothing here blocks. It knows nothing of what it carries, and ends with its block: every socket of it is closed then.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from typing_extensions import override

__all__ = ["How", "Relay", "Side", "relaying"]

How = Literal["reset", "end"]
"""RST, or FIN."""

Side = Literal["client", "server", "both"]

Spoil = Callable[[bytes], bytes]
"""Bytes that pass, and what becomes of them; asked until it has changed some."""


def noise(data: bytes) -> bytes:
    """As many bytes, which are no UTF-8, no MessagePack, no WebSocket frame, and no HTTP, whose reader need not wait for more."""
    return b"\xc1" * (len(data) - 4) + b"\r\n\r\n"


class Relay:
    """A link to a server that is up.

    Args:
        target: The server's URL.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.url = ""
        """Where it listens, without a slash at the end."""
        self.accepted = 0
        """Connections of clients so far, those that were refused too."""
        self.refuses = False
        """Whether new connections are reset at once."""
        self.delay = 0.0
        """Seconds by which everything comes later; set before the first connection."""
        self.ends: set[_End] = set()
        self.tasks: set[asyncio.Task[Any]] = set()
        self._stalled = False
        self._pieces = 0  # until everything is cut; 0 for never

    def cut(self, how: How = "reset", side: Side = "both") -> None:
        """End every connection on one side of the relay or both. Cut on one side, the other stays open and silent."""
        for end in list(self.ends):
            if side != "both":
                end.part()
            if side in {end.side, "both"}:
                end.cut(how)

    def spoil(self, toward: Literal["client", "server"], spoil: Spoil = noise) -> None:
        """Change what comes next on each connection, on its way toward the client or the server."""
        for end in self.ends:
            if end.side != toward:
                end.spoil = spoil

    def stall(self) -> None:
        """Let nothing pass, without an end: a network that has gone silent."""
        self._stalled = True
        for end in self.ends:
            end.flow()

    def go_on(self) -> None:
        """Let pass what was held up, and the rest."""
        self._stalled = False
        for end in self.ends:
            end.flow()

    def cut_after(self, pieces: int) -> None:
        """Cut everything when so many more pieces have passed, whichever way."""
        self._pieces = pieces

    @property
    def will_cut(self) -> bool:
        """Whether that is still to come."""
        return self._pieces > 0

    def passed(self) -> None:
        """A piece has passed."""
        if self._pieces:
            self._pieces -= 1
            if not self._pieces:
                self.cut()

    @property
    def stalled(self) -> bool:
        return self._stalled

    def accept(self) -> _End:
        """The relay's end of a client's connection."""
        return _End(self, "client")


class _End(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(self, relay: Relay, side: Literal["client", "server"], peer: _End | None = None) -> None:
        self.side = side
        self.peer = peer
        self.transport: asyncio.Transport | None = None
        self.spoil: Spoil | None = None
        self.full = False
        """Whether its own buffer, on the way out, is full."""
        self._relay = relay

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        relay = self._relay
        relay.ends.add(self)
        if self.side == "server":
            if self.peer is None or self.peer.transport is None:  # gone meanwhile
                self.cut("reset")
                return
            self.peer.peer = self
            self.peer.flow()
            self.flow()
            return
        relay.accepted += 1
        if relay.refuses:
            self.cut("reset")
            return
        transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._reach())
        relay.tasks.add(task)
        task.add_done_callback(relay.tasks.discard)

    async def _reach(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _End(self._relay, "server", self), self._relay.host, self._relay.port)
        except OSError:
            self.cut("reset")

    def flow(self) -> None:
        """Read, or not: while the relay is stalled, and while the other end has enough to write."""
        if self.transport is None or self.transport.is_closing() or self.peer is None:
            return
        if self._relay.stalled or self.peer.full:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    @override
    def data_received(self, data: bytes) -> None:
        if self.spoil is not None:
            whole, data = data, self.spoil(data)
            if data != whole:
                self.spoil = None
        if self._relay.delay:
            asyncio.get_running_loop().call_later(self._relay.delay, self._pass, data)
        else:
            self._pass(data)

    def _pass(self, data: bytes) -> None:
        if self.peer is not None and self.peer.transport is not None and not self.peer.transport.is_closing():
            self.peer.transport.write(data)
            self._relay.passed()

    @override
    def pause_writing(self) -> None:
        self.full = True
        if self.peer is not None:
            self.peer.flow()

    @override
    def resume_writing(self) -> None:
        self.full = False
        if self.peer is not None:
            self.peer.flow()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.ends.discard(self)
        self.transport = None
        peer, self.peer = self.peer, None
        if peer is None or peer.transport is None:
            return
        if exc is not None:
            peer.cut("reset")
        elif self._relay.delay:
            asyncio.get_running_loop().call_later(self._relay.delay, peer.cut, "end")
        else:
            peer.cut("end")

    def part(self) -> None:
        """What happens to one end is no business of the other any more; nothing passes."""
        self.peer = None
        if self.transport is not None:
            self.transport.pause_reading()

    def cut(self, how: How) -> None:
        """End this socket."""
        if self.transport is None:
            return
        if how == "end":
            self.transport.close()
            return
        opened: socket.socket = self.transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


@asynccontextmanager
async def relaying(target: str) -> AsyncGenerator[Relay]:
    """A relay to the server at that URL, while the block runs."""
    relay = Relay(target)
    server = await asyncio.get_running_loop().create_server(relay.accept, "127.0.0.1", 0, backlog=1_000)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        await server.wait_closed()
        relay.refuses = True
        while relay.tasks:
            await asyncio.wait(relay.tasks)
        relay.cut()
        while relay.ends:  # noqa: ASYNC110 - a turn of the loop each
            await asyncio.sleep(0)
