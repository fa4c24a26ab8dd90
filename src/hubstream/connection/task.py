"""Tasks that never take a step inside the call that starts them.

Whoever starts one keeps it, counts it or queues behind it before it runs. A loop with `asyncio.eager_task_factory` would run it
first, up to where it waits, and often to its end. Imports nothing of the package; does not block.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any, TypeVar, cast

from typing_extensions import override

__all__ = ["start_task"]

T = TypeVar("T")


def start_task(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T],
    *,
    name: str | None = None,
    context: Context | None = None,
) -> asyncio.Task[T]:
    """Start a task by the loop's own factory; none of its work is done before this returns."""
    if loop.get_task_factory() is None:
        return loop.create_task(work, name=name, context=context)
    held = _Held(work)
    task: asyncio.Task[T] = loop.create_task(held, name=name, context=context)
    held.early = False
    return task


class _Held(Coroutine[Any, Any, T]):
    """The work of a task that is being made: a step that is taken too early does nothing but give the loop its turn."""

    __slots__ = ("_work", "early")

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self.early = True

    def __getattr__(self, name: str) -> Any:
        # Whatever shows a task looks here for a name and a line: those of the work.
        return getattr(self._work, name)

    @override
    def send(self, value: Any, /) -> Any:
        return None if self.early else self._work.send(value)

    @override
    def throw(self, *error: Any) -> Any:
        return self._work.throw(*error)

    @override
    def close(self) -> None:
        self._work.close()

    @override
    def __await__(self) -> Generator[Any, Any, T]:
        return cast("Generator[Any, Any, T]", self)

    def __iter__(self) -> _Held[T]:
        return self

    def __next__(self) -> Any:
        return self.send(None)
