"""An event loop in which nobody waits: where a real one would sleep, its clock jumps to the next timer.

A test sleeps for a minute in no time, and what is due in that minute has happened, in order. Nothing here imports the package.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["JumpingLoop"]


class JumpingSelector(selectors.DefaultSelector):
    """Finds what is ready and never waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everything waits, and no timer is set: nothing would ever happen")
            self.now += max(timeout, 0)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """The loop. Its time is seconds since it was made, and a thousand."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def oversleep(self, seconds: float) -> None:
        """As if the process had been held up: every timer of that time is late."""
        self._jumping.now += seconds


def loop_factories(module: Any) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """For a conftest's `pytest_asyncio_loop_factories`: the loop class a test module names as `LOOP`, or asyncio's own."""
    return {"loop": getattr(module, "LOOP", asyncio.new_event_loop)}
