"""A network in memory for `HubConnection`: each attempt to connect meets what the test has laid out for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from hubstream import HubConnection, RetryContext
from hubstream.client.life import Attach
from hubstream.connection.connection import ConnectionHandler
from hubstream.connection.memory import MemoryConnection
from tests.client.peer import Peer

__all__ = ["Network", "TestedConnection", "at_once", "networked"]


class Carrier(MemoryConnection):
    """The client's end."""

    async def closed(self) -> None:
        await self.ended.wait()


@dataclass(frozen=True)
class Attached:
    connection: Carrier
    handler: ConnectionHandler
    connection_id: str | None


class Network:
    """Where the servers are.

    Args:
        plan: What the attempts meet, one by one: `agree` (a server, as after the end of the plan), `silent` (one that does not
            answer the handshake), `refuse` (one that refuses it), `hang` (nobody answers), or an error.
        high: Bytes that may be on their way in one direction.
    """

    def __init__(self, plan: Iterable[str | Exception] = (), *, high: int = 65_536) -> None:
        self.plan = list(plan)
        self.high = high
        self.peers: list[Peer] = []
        self.times: list[float] = []
        """When each attempt was made, from the first on."""
        self.open = 0
        """Attempts under way."""

    @property
    def peer(self) -> Peer:
        """The newest server."""
        return self.peers[-1]

    async def connect(self, attach: Attach, protocol: str) -> Attached:
        loop = asyncio.get_running_loop()
        self.times.append(loop.time() - self.times[0] if self.times else loop.time())
        step = self.plan.pop(0) if self.plan else "agree"
        self.open += 1
        try:
            await asyncio.sleep(0)
            if isinstance(step, Exception):
                raise step
            if step == "hang":
                await asyncio.sleep(1_000_000)
        finally:
            self.open -= 1
        near, far = Carrier(loop, self.high), MemoryConnection(loop, self.high)
        near.join(far)
        handshake = {"silent": None, "refuse": "not today"}.get(step, "")
        peer = Peer(far, protocol, handshake=handshake)
        self.peers.append(peer)
        handler = attach(near)
        near.attach(handler)
        far.attach(peer)
        return Attached(near, handler, f"id{len(self.peers)}")

    @property
    def waits(self) -> list[float]:
        """Seconds between the attempts."""
        times = [0.0, *self.times[1:]]
        return [round(later - earlier, 3) for earlier, later in pairwise(times)]


class TestedConnection(HubConnection):
    """A `HubConnection` on such a network, that notes its events."""

    __test__ = False

    def __init__(self, network: Network, **options: Any) -> None:
        super().__init__("http://test/hub", **options)
        self.network = network
        self.protocol: str = options.get("protocol", "json")
        self.events: list[tuple[str, Any]] = []
        self.on_close(partial(self.note, "closed"))
        self.on_reconnecting(partial(self.note, "reconnecting"))
        self.on_reconnected(partial(self.note, "reconnected"))

    def note(self, event: str, argument: object) -> None:
        self.events.append((event, str(argument) if isinstance(argument, Exception) else argument))

    async def _connect(self, attach: Attach) -> Attached:
        return await self.network.connect(attach, self.protocol)


@asynccontextmanager
async def networked(
    plan: Iterable[str | Exception] = (), *, start: bool = True, high: int = 65_536, **options: Any
) -> AsyncGenerator[tuple[TestedConnection, Network]]:
    """A connection and its network; it is stopped at the end of the block."""
    network = Network(plan, high=high)
    connection = TestedConnection(network, **options)
    try:
        if start:
            await connection.start()
        yield connection, network
    finally:
        await connection.stop()


def at_once(context: RetryContext) -> float:
    """A policy that never waits and never ends."""
    return 0
