"""Observers: what logging, metrics, tracing and your own pages are told of a server. They see everything and change nothing.

Imports the table of events and the ends. An observer is called on the event loop, where the thing happens, and must not block.
One that raises is told once in the log and harms nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hubstream.hub.events import HubEvent

if TYPE_CHECKING:
    from hubstream.hub.context import HubCallerContext
    from hubstream.hub.ends import EndReason
    from hubstream.hub.filters import HubInvocationContext

__all__ = ["Notice", "Observer", "Observers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that went wrong, was refused or was dropped; what does not apply is None, or empty."""

    event: HubEvent
    """What: a row of the table."""
    context: HubCallerContext | None = None
    """The connection it happened on."""
    method: str | None = None
    """The name of the hub method, one that there is."""
    invocation_id: str | None = None
    """The client's id of the call."""
    error: BaseException | None = None
    """The error."""
    seconds: float | None = None
    """For how long: of a call that held the event loop, or did not end."""
    detail: str = ""
    """What else the log says; never what a client sent as an argument or an item."""


class Observer:
    """Derive from it and override what is of interest; give the objects to `observers=`.

        class Live(Observer):
            def __init__(self) -> None:
                self.connections: dict[str, HubCallerContext] = {}

            def connection_opened(self, context):
                self.connections[context.connection_id] = context

            def connection_ended(self, context, reason, error, seconds):
                del self.connections[context.connection_id]

    What is not overridden costs nothing. Observers of the server are told before those of `map(..., observers=)`.
    """

    def connection_opened(self, context: HubCallerContext, /) -> None:
        """A client's transport is there; its handshake is yet to come."""

    def connection_ended(
        self, context: HubCallerContext, reason: EndReason, error: BaseException | None, seconds: float, /
    ) -> None:
        """A connection that was opened has ended; told once of each.

        Args:
            context: The connection.
            reason: Why.
            error: What it ended with, if it did not end in good order.
            seconds: How long it was open.
        """

    def call(self, call: HubInvocationContext, /) -> AbstractContextManager[object]:
        """Around the run of a hub method, and of the stream it answers with, to its end; in the call's own context variables.

            @contextmanager
            def call(self, call):
                started = time.perf_counter()
                try:
                    yield
                finally:
                    note(call.method.name, time.perf_counter() - started)

        What the method raises, `CancelledError` too, goes through the context manager, which cannot swallow it. Calls that were
        refused never come here.
        """
        return nullcontext()

    def noticed(self, notice: Notice, /) -> None:
        """Something went wrong, was refused or was dropped."""


class Observers:
    """All observers of one hub, told one after the other; none can harm another, or the hub.

    Args:
        observers: In the order in which they are told.
    """

    __slots__ = ("_ended", "_failed", "_noticed", "_opened", "calls")

    def __init__(self, observers: Collection[Observer]) -> None:
        self._opened = _overriding(observers, "connection_opened")
        self._ended = _overriding(observers, "connection_ended")
        self._noticed = _overriding(observers, "noticed")
        self.calls = _overriding(observers, "call")
        """Those that watch calls."""
        self._failed: set[tuple[int, str]] = set()

    def opened(self, context: HubCallerContext) -> None:
        """A connection is there."""
        for observer in self._opened:
            self._tell(observer, "connection_opened", context)

    def ended(self, context: HubCallerContext, reason: EndReason, error: BaseException | None, seconds: float) -> None:
        """A connection has ended."""
        for observer in self._ended:
            self._tell(observer, "connection_ended", context, reason, error, seconds)

    def noticed(self, notice: Notice) -> None:
        """Something else has happened."""
        for observer in self._noticed:
            self._tell(observer, "noticed", notice)

    def failed(self, observer: Observer, where: str, error: BaseException) -> None:
        """An observer has raised: told the first time, at this place."""
        if (id(observer), where) not in self._failed:
            self._failed.add((id(observer), where))
            detail = f"{type(observer).__qualname__}.{where}"
            self.noticed(Notice(event=HubEvent.OBSERVER_FAILED, error=error, detail=detail))

    def _tell(self, observer: Observer, what: str, *args: object) -> None:
        try:
            getattr(observer, what)(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - an observer changes nothing, not by what it raises either
            self.failed(observer, what, error)


def _overriding(observers: Collection[Observer], name: str) -> Sequence[Observer]:
    found = tuple(it for it in observers if getattr(type(it), name) is not getattr(Observer, name))
    for observer in found:
        if inspect.iscoroutinefunction(getattr(observer, name)):
            raise TypeError(f"{type(observer).__qualname__}.{name} is called, not awaited: write 'def'")
    return found
