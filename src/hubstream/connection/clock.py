"""One timer for all connections of an event loop (pings, client and handshake timeouts, reaping).

It ticks once a second while it has members and costs nothing while it has none: two `call_later` per connection cost six times
the CPU. A tick visits its members 500 at a time, one slice a loop iteration, so that 20,000 connections never hold the loop for
longer than a third of a millisecond.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Final, Protocol

from hubstream.connection.turn import Turn

__all__ = ["TICK", "Clock", "Member"]

logger = logging.getLogger("hubstream.connection")

TICK: Final = 1.0
"""Seconds between two visits, and how far `Clock.now` may be behind."""
SLICE = 500
OVERSLEPT = 5.0
"""Seconds a tick may be late before silence is no longer held against the peers: the loop slept, not they."""


class Member(Protocol):
    """What the clock looks after."""

    def due(self, now: float) -> None:
        """Called once a tick; must not raise or block."""
        ...

    def overslept(self, now: float) -> None:
        """The loop was held up: what came meanwhile was not heard, so deadlines start anew."""
        ...


class Clock:
    """The timer of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.turn = Turn(loop)
        self.now = loop.time()
        """Loop time of the last tick: good to a second, and free to read."""
        self._members: dict[Member, None] = {}
        self._handle: asyncio.TimerHandle | None = None

    def add(self, member: Member) -> None:
        """Visit `member` at every tick from now on."""
        self._members[member] = None
        if self._handle is None:
            self.now = self.loop.time()
            self._arm()

    def discard(self, member: Member) -> None:
        """Visit it no more; the last one out stops the clock."""
        self._members.pop(member, None)
        if not self._members and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        # An empty context: the tick must not keep the variables of whoever came first.
        self._handle = self.loop.call_later(TICK, self._tick, context=contextvars.Context())

    def _tick(self) -> None:
        now = self.loop.time()
        late = now - self.now - TICK
        self.now = now
        self._arm()
        members = list(self._members)
        if late > OVERSLEPT:
            logger.warning("the event loop was held up for %.1f s", late)
            for member in members:
                member.overslept(now)
        self._visit(members, 0)

    def _visit(self, members: list[Member], start: int) -> None:
        for member in members[start : start + SLICE]:
            if member in self._members:
                member.due(self.now)
        if start + SLICE < len(members):
            self.loop.call_soon(self._visit, members, start + SLICE, context=contextvars.Context())
