"""The end of an event loop's turn, once for all who have something to do then.

A `call_soon` for each of a thousand connections that a broadcast reaches costs more than all else the hub does for them. Imports
nothing of the package; does not block.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Protocol

__all__ = ["Turn", "TurnMember"]

logger = logging.getLogger("hubstream.connection")


class TurnMember(Protocol):
    """What has something to do at the end of a turn."""

    def turn_ends(self) -> None:
        """Called once for each `Turn.await_end`; must not raise or block."""
        ...


class Turn:
    """The current turn of one event loop.

    All members are called in one go, as by a `call_soon` each: the loop polls no socket between them. Some hundreds at
    a time would be no better: meanwhile the sender of a broadcast goes on, and all that it sends has to be kept.
    """

    __slots__ = ("_context", "_first", "_others", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._first: TurnMember | None = None
        self._others: list[TurnMember] = []
        self._context = contextvars.Context()  # empty: what is done then is nobody's

    def await_end(self, member: TurnMember) -> None:
        """Call `member.turn_ends()` when the loop has run what is ready now, in the order of these calls."""
        if self._first is None:
            self._first = member
            self.loop.call_soon(self._end, context=self._context)
        else:
            self._others.append(member)

    def _end(self) -> None:
        first, self._first = self._first, None
        assert first is not None
        if not self._others:  # a stream alone comes here with each item that it waits for
            first.turn_ends()
            return
        members, self._others = [first, *self._others], []
        for member in members:
            try:
                member.turn_ends()
            except Exception:
                logger.exception("%r failed at the end of a turn", member)
