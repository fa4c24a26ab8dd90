"""Which call holds the event loop: every step of user code that a task takes is timed (0.2 us a step).

A call that is handled where its message was received is timed by its dispatcher. Where a task is of this package it has a
`StepTimer`, which costs a call half as much as `Watched`; a task that runs a coroutine of the user's looks like that coroutine.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from time import perf_counter
from types import coroutine
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from typing_extensions import override

__all__ = ["HELD", "StepTimer", "Watched"]

P = ParamSpec("P")
T = TypeVar("T")

HELD: Final = 0.1
"""Seconds without a turn of the event loop, after which the call that took them is logged."""


class Watched(Coroutine[Any, Any, T]):
    """A coroutine that tells of every step that takes too long.

    Args:
        work: What is run.
        held: Told the seconds.
    """

    __slots__ = ("_held", "_send", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], held: Callable[[float], None]) -> None:
        self._work = work
        self._send = work.send
        self._held = held

    def __getattr__(self, name: str) -> Any:
        # Whatever shows a task looks here for a name and a line: those of the work.
        return getattr(self._work, name)

    @override
    def send(self, value: Any, /) -> Any:
        started = perf_counter()
        try:
            return self._send(value)
        finally:
            if (seconds := perf_counter() - started) >= HELD:
                self._held(seconds)

    @override
    def throw(self, *error: Any) -> Any:
        started = perf_counter()
        try:
            return self._work.throw(*error)
        finally:
            if (seconds := perf_counter() - started) >= HELD:
                self._held(seconds)

    @override
    def close(self) -> None:
        self._work.close()

    @override
    def __await__(self) -> Generator[Any, Any, T]:
        return cast("Generator[Any, Any, T]", self)

    def __iter__(self) -> Watched[T]:
        return self

    def __next__(self) -> Any:
        return self.send(None)


class _Call(Protocol):
    def held(self, seconds: float) -> None: ...


class StepTimer:
    """Times the steps of one task, and tells the call that it works for of those that take too long."""

    __slots__ = ("_since", "call")

    def __init__(self, call: _Call) -> None:
        self.call: _Call | None = call
        """The call that the task works for; None between two."""
        self._since = 0.0

    def look(self) -> None:
        """Tell the call if this step has taken too long by now; what follows counts anew."""
        now = perf_counter()
        if now - self._since >= HELD and self.call is not None:
            self.call.held(now - self._since)
        self._since = now

    async def run(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the task runs: awaits the function, called when the task begins."""
        return await self._steps(function(*args, **kwargs))

    @coroutine
    def _steps(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        send = work.send
        self._since = perf_counter()
        try:
            waits_for = send(None)
            while True:
                if perf_counter() - self._since >= HELD:
                    self.look()
                try:
                    value = yield waits_for
                except BaseException as error:  # noqa: BLE001 - passed on into `work`, as `await` does
                    self._since = perf_counter()
                    waits_for = work.throw(error)
                else:
                    self._since = perf_counter()
                    waits_for = send(value)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            self.look()
