"""What the hub saw, for the page's server log: a short memory that any number of readers follow.

Readers keep a place in it and no queue of their own, so one that does not read costs nothing. It never blocks.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

__all__ = ["Entry", "Journal", "counted", "quoted"]

KEPT = 1_000
"""Entries that are kept; a reader that is further behind misses the oldest."""

SHOWN = 80
"""Characters of a line that an entry quotes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the server log."""

    number: int
    time: float
    """Seconds since 1970, as in `time.time()`."""
    source: str
    """The method that wrote it, or `Connection`."""
    text: str


class Journal:
    """The server log."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._next = 0
        self._news = asyncio.Event()

    @property
    def last(self) -> int:
        """The number of the newest entry; -1 before the first."""
        return self._next - 1

    def note(self, source: str, text: str) -> None:
        """Write an entry."""
        self._entries.append(Entry(self._next, time.time(), source, text))
        self._next += 1
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, after: int) -> AsyncIterator[Entry]:
        """The entries with a number above `after`, and then each new one as it is written; without an end."""
        if after > self.last:
            after = -1  # a number of an earlier run of the server
        while True:
            news = self._news
            for entry in [entry for entry in self._entries if entry.number > after]:
                yield entry
                after = entry.number
            if after == self.last:
                await news.wait()


def quoted(line: str) -> str:
    """A line as the log shows it."""
    return f"“{line[:SHOWN]}…”" if len(line) > SHOWN else f"“{line}”"


def counted(number: int, noun: str) -> str:
    """`1 line`, `1,000 lines`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
