"""What a hub has called a client with, kept until the test expects it.

Imports the client's handlers. Only `next()` waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Raw
from typing_extensions import override

from hubstream.client.handlers import Handler, Handlers
from hubstream.errors import HubstreamError
from hubstream.naming import fold
from hubstream.payloads.bind import Binder

__all__ = ["Calls"]

KEPT = 1_000
"""Calls of one name that are kept; beyond, the oldest are dropped, and `next()` says so."""


class _Kept(Handler):
    """The calls of one name. To the runner it is a handler like others, that takes its arguments as they came."""

    __slots__ = ("calls", "dropped", "heard")

    def __init__(self, name: str, heard: Callable[[], None]) -> None:
        super().__init__(name, self.keep)
        self.calls: deque[Raw] = deque()
        self.dropped = 0
        self.heard = heard

    def keep(self, arguments: Raw) -> None:
        self.calls.append(arguments)
        if len(self.calls) > KEPT:
            self.calls.popleft()
            self.dropped += 1
        self.heard()

    @override
    def bind(self, binder: Binder, arguments: Raw) -> Sequence[Any]:
        return (arguments,)


class Calls(Handlers):
    """A table of handlers, under whose every name the calls are kept as well.

    Args:
        handlers: The table that is meant; what is added to either is in both.
    """

    def __init__(self, handlers: Handlers) -> None:
        super().__init__()
        self._handlers = handlers._handlers
        self._kept: dict[str, _Kept] = {}
        self._news = asyncio.Event()

    @override
    def find(self, name: str) -> tuple[Handler, ...]:
        # Kept first: a handler that is slow keeps nobody from expecting.
        kept = self._keeper(name)
        kept.name = name  # as the hub writes it
        return (kept, *super().find(name))

    async def next(self, name: str, ended: Callable[[], bool]) -> Raw | None:
        """The arguments of the next call of this name; None when there is none and, by `ended`, none can come.

        Raises:
            HubstreamError: So many came that some were dropped; told once.
        """
        kept = self._keeper(name)
        while not kept.calls:
            if ended():
                return None
            self._news.clear()
            await self._news.wait()
        if dropped := kept.dropped:
            kept.dropped = 0
            raise HubstreamError(f"{dropped} calls of '{name}' were dropped: {KEPT} are kept until they are expected")
        return kept.calls.popleft()

    def heard(self) -> None:
        """Something has happened: whoever waits looks again."""
        self._news.set()

    @property
    def names(self) -> list[str]:
        """The names of the calls that are kept, each as often as it was called."""
        return [kept.name for kept in self._kept.values() for _ in kept.calls]

    def _keeper(self, name: str) -> _Kept:
        key = fold(name)
        return self._kept.get(key) or self._kept.setdefault(key, _Kept(name, self.heard))
