"""`/strain`: streams that press on the server, which no other server has: endless, asleep, or unwilling to end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from hubstream import Hub

__all__ = ["StrainHub"]

A_LONG_TIME = 3600.0
"""Seconds, far beyond any test: a generator that sleeps so long ends only when it is cancelled."""


class StrainHub(Hub):
    """Streams that do not end by themselves."""

    produced = 0
    """Items `Flood` has given to all connections since the server started."""

    async def Flood(self, size: int) -> AsyncIterator[str]:
        """Without end and without a pause: the number of the item, filled up to `size` characters."""
        n = 0
        while True:
            StrainHub.produced += 1
            yield f"{n} ".ljust(size, "x")
            n += 1

    async def Produced(self) -> int:
        """How many items `Flood` has given to all connections so far."""
        return StrainHub.produced

    async def Asleep(self) -> AsyncIterator[int]:
        """One item, then nothing."""
        yield 0
        await asyncio.sleep(A_LONG_TIME)

    async def Stubborn(self) -> AsyncIterator[int]:
        """Numbers without end, 50 ms apart; a cancellation is swallowed."""
        n = 0
        while True:
            yield n
            n += 1
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)
