"""Which call holds the event loop: every step of user code that a task takes is timed (0.2 us a step).

A call that is handled where its message was received is timed by its dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from time import perf_counter
from typing import Any, Final, TypeVar, cast

from typing_extensions import override

__all__ = ["HELD", "Watched"]

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
