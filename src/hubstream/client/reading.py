"""When a client stops reading, because what it has read is not taken (design: back-pressure everywhere, bounds everywhere).

A stream or a handler queue that holds more than its share is *full*; what was read still goes to it. While something is full,
`AHEAD` bytes more are read, so that a peer that vanishes is noticed and pings, completions and the server's questions get
through; then reading pauses until half of that is taken. While an answer is awaited that only reading can bring, `ANSWER` bytes
are read; then the fullest gives way with an error, not the connection. Nothing here blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hubstream.connection.connection import Connection

__all__ = ["Holder", "Reading"]

AHEAD = 65_536
ANSWER = 1_048_576


class Holder(Protocol):
    """Something that holds what was read until it is taken."""

    held: int
    """Bytes it holds."""

    def overflow(self) -> None:
        """Give way: drop what is held, with an error to whoever waits for it, and `Reading.drain()`."""
        ...


class Reading:
    """The reading side of one connection."""

    def __init__(self, connection: Connection, awaited: Callable[[set[Holder]], bool]) -> None:
        self.paused = False
        self._connection = connection
        self._awaited = awaited
        self._full: set[Holder] = set()

    def fill(self, holder: Holder) -> None:
        """`holder` has got more than its share. `check()` follows at the end of the read."""
        self._full.add(holder)

    def drain(self, holder: Holder) -> None:
        """`holder` is back within its share, or ended."""
        self._full.discard(holder)
        self.check()

    def check(self) -> None:
        """Pause or go on; after each read, when something was taken while paused, and when an answer begins to be awaited."""
        if not self._full:
            if self.paused:
                self._resume()
            return
        held = sum(holder.held for holder in self._full)
        if held <= AHEAD // 2:
            if self.paused:
                self._resume()
        elif self._awaited(self._full):
            if held > ANSWER:
                fullest = max(self._full, key=lambda holder: holder.held)
                self._full.discard(fullest)
                fullest.overflow()
                self.check()
            elif self.paused:
                self._resume()
        elif held > AHEAD and not self.paused:
            self.paused = True
            self._connection.pause_reading()

    def _resume(self) -> None:
        self.paused = False
        self._connection.resume_reading()
