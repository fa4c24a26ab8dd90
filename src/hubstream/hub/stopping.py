"""Sees that the ASGI server is about to stop, and ends the connections it would wait for.

uvicorn waits for open responses before it tells the application of its end, by default without limit, so that one event stream
would hold it for ever. Imports `connection` for the clock and its task; does not block.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from hubstream.connection.clock import Clock
from hubstream.connection.task import start_task
from hubstream.hub.events import HubEvent
from hubstream.hub.observer import Notice, Observers

__all__ = ["StopWatch", "server_stops"]


def server_stops() -> bool:
    """Whether uvicorn has got its SIGTERM; known only where its own handler is still the signal's."""
    handler = signal.getsignal(signal.SIGTERM)
    return getattr(getattr(handler, "__self__", None), "should_exit", False) is True


class StopWatch:
    """Looks at every tick, while there are connections, whether the server stops.

    Args:
        clock: Ticks.
        busy: Whether there is anything to end.
        end: Ends it.
        observers: Told of it.
    """

    def __init__(
        self,
        clock: Clock,
        busy: Callable[[], bool],
        end: Callable[[], Coroutine[Any, Any, None]],
        observers: Observers,
    ) -> None:
        self._clock = clock
        self._busy = busy
        self._end = end
        self._observers = observers
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """There is something to end, from now on."""
        self._clock.add(self)

    def due(self, now: float) -> None:
        if not self._busy():
            self._clock.discard(self)
        elif server_stops() and (self._ending is None or self._ending.done()):
            self._observers.noticed(Notice(event=HubEvent.SERVER_STOPS))
            self._ending = start_task(self._clock.loop, self._end())
            self._ending.add_done_callback(self._ended)

    def overslept(self, now: float) -> None:
        """Nothing here has a deadline."""

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._observers.noticed(Notice(event=HubEvent.STOP_FAILED, error=error))
