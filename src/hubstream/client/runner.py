"""Runs handlers: in order, one at a time, off the receive loop (spec 11.5).

The server's plain calls wait in one queue; a task drains it and ends; after a reconnect it begins when the one before has
ended. A handler that takes longer than `PATIENCE` holds up nobody but itself: it is logged, its further calls wait in a lane of
its own, and the queue goes on. The server's questions (calls that want a result) are run at once, beside the queue, so that a
handler may itself call the server. A handler that raises or does not bind is logged.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from asyncio import CancelledError
from collections import deque
from collections.abc import Awaitable
from time import perf_counter
from typing import Any

from msgspec import Raw

from hubstream.client.handlers import BindingFailed, Handler, Handlers
from hubstream.client.wire import Wire
from hubstream.payloads.bind import BINDING_ERRORS
from hubstream.protocol.messages import Completion, Invocation

__all__ = ["Runner"]

logger = logging.getLogger("hubstream.client")

PATIENCE = 1.0
"""Seconds the queue waits for one handler."""
HELD = 0.1
"""Seconds after which a handler that lets nothing else run is logged; for a server's methods they are as many."""
SHARE = 100
"""Calls that wait in the queue before it counts as full."""
LANE = 1_048_576
"""Bytes of calls that wait for a handler that hangs; further ones are dropped, and logged."""
QUESTIONS = 1_000
"""Questions of the server under way at a time; further ones are answered with an error."""

NOT_PARSED = "Client failed to parse argument(s)."
NO_RESULT = "Client didn't provide a result."
SEVERAL = "Client provided multiple results."


class _Lane:
    """The calls that wait for one slow handler."""

    __slots__ = ("calls", "dropped", "held")

    def __init__(self) -> None:
        self.calls: deque[Raw] = deque()
        self.held = 0
        self.dropped = 0


class Runner:
    """The handlers' side of one connection."""

    def __init__(self, wire: Wire, handlers: Handlers, before: Runner | None = None) -> None:
        self.held = 0
        self._before: asyncio.Task[None] | None = before._task if before is not None else None
        self._wire = wire
        self._handlers = handlers
        self._queue: deque[Invocation] = deque()
        self._task: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._lanes: dict[Handler, _Lane] = {}
        self._questions = 0
        self._full = False

    def take(self, message: Invocation) -> None:
        """The server calls."""
        if message.invocation_id:
            if self._questions >= QUESTIONS:
                self._answer(message.invocation_id, error=f"Client answers {QUESTIONS} questions already.")
                return
            self._questions += 1
            self._wire.spawn(self._ask(message, message.invocation_id))
            return
        self._queue.append(message)
        self.held += len(message.arguments)
        if len(self._queue) > SHARE and not self._full:
            self._full = True
            self._wire.reading.fill(self)
        if self._task is None:
            self._task = self._wire.spawn(self._drain())

    def overflow(self) -> None:
        """Drop what waits: reading must go on, and the handler that runs waits for something behind it."""
        logger.error("%d calls of the server were dropped: their handlers are too slow", len(self._queue))
        self._queue.clear()
        self.held = 0
        self._full = False

    def let_go(self) -> None:
        """The current task is about to wait for the end of all others: if it is a handler, the queue must not wait for it."""
        if self._task is not None and self._running is asyncio.current_task():
            self._task.cancel()
            self._task = self._wire.spawn(self._drain()) if self._queue else None

    async def _drain(self) -> None:
        try:
            if self._before is not None:
                await asyncio.wait((self._before,))
                self._before = None
            while self._queue:
                message = self._queue.popleft()
                self.held -= len(message.arguments)
                if self._full and len(self._queue) <= SHARE:
                    self._full = False
                    self._wire.reading.drain(self)
                elif self._wire.reading.paused:
                    self._wire.reading.check()
                handlers = self._handlers.find(message.target)
                if not handlers:
                    logger.warning("the server calls '%s', and no handler has that name", message.target)
                for handler in handlers:
                    await self._run(handler, message.arguments)
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _run(self, handler: Handler, arguments: Raw) -> None:
        lane = self._lanes.get(handler)
        if lane is not None:
            if lane.held + len(arguments) > LANE:
                lane.dropped += 1
                return
            lane.calls.append(arguments)
            lane.held += len(arguments)
            return
        waiting = self._call(handler, arguments)
        if waiting is None:
            return
        task = self._wire.spawn(self._finish(handler, waiting))
        self._running = task
        done, _ = await asyncio.wait((task,), timeout=PATIENCE)
        if not done:
            logger.warning(
                "the handler %r of '%s' is slow: others no longer wait for it", handler.function, handler.name
            )
            self._lanes[handler] = _Lane()
            self._wire.spawn(self._catch_up(handler, task))

    async def _catch_up(self, handler: Handler, task: asyncio.Task[None]) -> None:
        await asyncio.wait((task,))
        lane = self._lanes[handler]
        while lane.calls:
            arguments = lane.calls.popleft()
            lane.held -= len(arguments)
            waiting = self._call(handler, arguments)
            if waiting is not None:
                await self._finish(handler, waiting)
        del self._lanes[handler]
        if lane.dropped:
            logger.error("%d calls of '%s' were dropped: its handler did not end", lane.dropped, handler.name)

    def _call(self, handler: Handler, arguments: Raw) -> Awaitable[object] | None:
        """Call a handler; what is left to wait for, if anything."""
        try:
            outcome = self._begin(handler, arguments)
        except BindingFailed as error:
            logger.warning("the arguments of the server's call '%s' do not fit its handler: %s", handler.name, error)
        except Exception:
            logger.exception("the handler of '%s' failed", handler.name)
        else:
            if inspect.isawaitable(outcome):
                waiting: Awaitable[object] = outcome
                return waiting
        return None

    def _begin(self, handler: Handler, arguments: Raw) -> Any:
        """Call a handler; one that holds the event loop is logged, for nothing else runs in that time."""
        bound = handler.bind(self._wire.binder, arguments)
        began = perf_counter()
        try:
            return handler.function(*bound)
        finally:
            if (seconds := perf_counter() - began) >= HELD:
                logger.warning(
                    "the handler %r of '%s' held the event loop for %.0f ms, and nothing else ran: "
                    "`await asyncio.to_thread(...)` runs what blocks",
                    handler.function,
                    handler.name,
                    seconds * 1000,
                )

    async def _finish(self, handler: Handler, waiting: Awaitable[object]) -> None:
        try:
            await waiting
        except CancelledError:
            if _cancelled():
                raise
            logger.warning("the handler of '%s' cancelled itself", handler.name)
        except Exception:
            logger.exception("the handler of '%s' failed", handler.name)

    async def _ask(self, message: Invocation, invocation_id: str) -> None:
        try:
            result, error = await self._results(message)
            await self._wire.output.drained()  # a server that does not read its answers asks no more than QUESTIONS
            self._answer(invocation_id, result=result, error=error)
        finally:
            self._questions -= 1

    async def _results(self, message: Invocation) -> tuple[bytes, str | None]:
        """The encoded answer to a question, or the text of an error."""
        encoded: bytes | None = None
        failed: str | None = None
        handlers = self._handlers.find(message.target)
        if not handlers:
            logger.warning("the server asks '%s', and no handler has that name", message.target)
        if not handlers and self._has_arguments(message.arguments):
            return b"", NOT_PARSED
        for handler in handlers:
            try:
                outcome = self._begin(handler, message.arguments)
                if inspect.isawaitable(outcome):
                    outcome = await outcome
                if handler.gives or (handler.gives is None and outcome is not None):
                    if encoded is not None:
                        return b"", SEVERAL
                    encoded = self._wire.binder.encoder(handler.result)(outcome)
            except BindingFailed as error:
                logger.warning("the arguments of the server's question '%s' do not fit: %s", handler.name, error)
                failed = failed or NOT_PARSED
            except CancelledError as error:
                if _cancelled():
                    raise
                logger.warning("the handler of '%s' cancelled itself", handler.name)
                failed = failed or _text(error)
            except Exception as error:
                logger.exception("the handler of '%s' failed, or its answer cannot be sent", handler.name)
                failed = failed or _text(error)
        if encoded is None:
            return b"", failed or NO_RESULT
        return encoded, None

    def _has_arguments(self, arguments: Raw) -> bool:
        try:
            return bool(self._wire.binder.decoder(list[Any])(arguments))
        except BINDING_ERRORS:
            return True

    def _answer(self, invocation_id: str, *, result: bytes = b"", error: str | None = None) -> None:
        codec = self._wire.codec
        if error is None:
            self._wire.output.emit(codec.result(invocation_id, result))
        else:
            self._wire.output.emit(codec.encode(Completion(invocation_id=invocation_id, error=error)))


def _cancelled() -> bool:
    """Whether this task was cancelled, rather than something a handler waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
