"""An event loop in which nobody waits: where a real one would sleep, its clock jumps to the next timer.

A test sleeps for a minute in no time, and all that was due in that minute has happened, in order. Imports nothing of the package,
and never blocks.
"""

from __future__ import annotations

import asyncio
import selectors

from typing_extensions import override

__all__ = ["JumpingLoop"]


class _JumpingSelector(selectors.DefaultSelector):
    """Finds what is ready and never waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everything waits, and no timer is set: nothing would ever happen")
            self.now += max(timeout, 0)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while everything waits, and then at once.

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(test())          # await asyncio.sleep(60) takes no time, and all timers before it have run

    Its time is seconds since it was made, and a thousand. What comes from outside the loop (sockets of other processes, threads)
    takes real time, in which its clock has long jumped on: such tests need a loop of the usual kind.

    Raises, from whatever runs it:
        RuntimeError: Everything waits and no timer is set: on another loop, the test would hang.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now

    def oversleep(self, seconds: float) -> None:
        """As if the process had been held up for so long: every timer of that time is late."""
        self._jumping.now += seconds
