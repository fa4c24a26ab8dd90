"""The thread with the event loop of all blocking connections of a process.

It starts with the first of them, and ends with the program: an exit hook stops the connections that are open, and joins it. It is
a daemon, so that it outlives no program that ends otherwise. After a fork the child has none; its first connection starts one.
Imports `errors` and its own room. `call()` blocks, `end()` for `LAST` seconds at most.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol

from typing_extensions import TypeVar, override

from hubstream.blocking.threads import Threads
from hubstream.errors import ConnectionLost

__all__ = ["InThread", "LoopThread", "loop_thread"]

T = TypeVar("T")

STOP: Final = 6.0
"""Seconds the connections have to stop when the program ends: servers that do not answer have five of them."""
LAST: Final = 8.0
"""Seconds the thread has to end then."""
PATIENCE: Final = 1.0
"""Seconds a call that was interrupted has to end."""
SLICE: Final = 0.1 if sys.platform == "win32" else None
"""Seconds of waiting in one go: on Windows Ctrl-C does not interrupt a lock."""


class Stoppable(Protocol):
    """A connection."""

    async def stop(self) -> None:
        """End it."""
        ...


class LoopThread:
    """An event loop in a thread, and what runs there."""

    def __init__(self) -> None:
        self.threads = Threads()
        self.open: set[Stoppable] = set()
        """The connections that were started. Only the loop's own thread looks."""
        self._over = asyncio.Event()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._live, name="hubstream", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs; no longer at the end of the program, and not in a fork."""
        return self._thread.is_alive()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for its end. Interrupted, it is cancelled, and has ended when this returns.

        Raises:
            RuntimeError: This is the loop's own thread, which would wait for itself.
            ConnectionLost: The program is ending.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError(
                "this function runs in the connection's own thread, where it may not wait for the connection: `resume=` and "
                "retry policies are asked there"
            )
        if not self.alive:
            coroutine.close()
            raise ConnectionLost("the program is ending, and its connections have ended")
        call = _Call(coroutine)
        try:  # the interruption may come while the call is handed over, which is when the loop's thread gets its turn
            self.loop.call_soon_threadsafe(call.start)
            return _wait(call.outcome)
        except CancelledError:
            raise ConnectionLost("the program is ending, and its connections have ended") from None
        except BaseException:
            if not call.outcome.done():  # interrupted
                self.loop.call_soon_threadsafe(call.cancel)
                wait((call.outcome,), timeout=PATIENCE)
            raise

    def end(self) -> None:
        """Stop the connections, and wait for the end of the thread."""
        if self.alive:
            self.loop.call_soon_threadsafe(self._over.set)
            self._thread.join(LAST)

    def _live(self) -> None:
        with self._runner:
            self._runner.run(self._serve())

    async def _serve(self) -> None:
        await self._over.wait()
        stops = [asyncio.create_task(connection.stop()) for connection in self.open]
        if stops:
            await asyncio.wait(stops, timeout=STOP)


def _wait(future: Future[T]) -> T:
    while True:
        try:
            return future.result(SLICE)
        except TimeoutError:
            if future.done():
                return future.result()  # its own, if it has one


class _Call(Generic[T]):
    """A coroutine that one thread waits for and the loop's runs."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.outcome: Future[T] = Future()
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._coroutine)
        self._task.add_done_callback(self._done)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # it was not handed over
            self._coroutine.close()
            self.outcome.set_exception(CancelledError())

    def _done(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.outcome.set_exception(CancelledError())
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())


class _Process:
    """This process's thread."""

    def __init__(self, before: _Process | None = None) -> None:
        self.lock = threading.Lock()
        self.thread: LoopThread | None = None
        self.before = before
        """The parent's: its sockets and its selector are shared with it, so nothing here may ever close them."""


_process = _Process()


def loop_thread() -> LoopThread:
    """The thread of this process, which is started if there is none."""
    with _process.lock:
        if _process.thread is None:
            _process.thread = LoopThread()
        return _process.thread


@dataclass(frozen=True, slots=True, repr=False)
class InThread:
    """A function of the user's, called in a thread beside the event loop."""

    function: Callable[..., Any]

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self.function

    @override
    def __repr__(self) -> str:
        return repr(self.function)

    async def __call__(self, *arguments: object) -> Any:
        return await loop_thread().threads.run(self.function, *arguments)


def _end() -> None:
    if _process.thread is not None:
        _process.thread.end()


def _forked() -> None:
    global _process  # noqa: PLW0603 - one for each process
    _process = _Process(_process)


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
