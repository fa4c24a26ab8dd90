"""Threads for the user's functions: handlers, events, tokens. One that blocks holds up no connection.

Imports nothing of the package. A thread is used again; there are as many as functions that run at the same time, which is up to
whoever starts them (of a connection's handlers one, those that are slow, and 1,000 questions). They are daemons: a program ends
although a function does not.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final

__all__ = ["Threads", "as_exception"]

IDLE: Final = 10.0
"""Seconds a thread waits for more to do."""


class Threads:
    """The threads of one event loop."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        """Threads that wait, less the jobs that are on their way to one."""

    async def run(self, function: Callable[..., object], *arguments: object) -> Any:
        """What the function returns; its error is raised. Cancelled, the wait ends, and the function runs on."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()

        def job() -> None:
            outcome: object = None
            error: Exception | None = None
            try:
                outcome = function(*arguments)
            except BaseException as raised:  # noqa: BLE001 - it is raised where the function's end is waited for
                error = as_exception(raised)
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(_settle, future, outcome, error)

        if self._idle.acquire(blocking=False):
            self._jobs.put(job)
        else:
            threading.Thread(target=self._work, args=(job,), name="hubstream-function", daemon=True).start()
        return await future

    def _work(self, job: Callable[[], None]) -> None:
        while True:
            job()
            del job  # what it holds is held no longer
            self._idle.release()
            try:
                job = self._jobs.get(timeout=IDLE)
            except Empty:
                if self._idle.acquire(blocking=False):
                    return
                job = self._jobs.get()  # this thread has been counted on just now


def as_exception(error: BaseException) -> Exception:
    """The error as one that a task may raise: `sys.exit()` in a thread ends neither the loop nor the program."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"it raised {error!r}")
    wrapped.__cause__ = error
    return wrapped


def _settle(future: asyncio.Future[object], outcome: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(outcome)
