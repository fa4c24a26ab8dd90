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
    """Start a task by the loop's own factory; the work begins at the next turn at the earliest."""
    if loop.get_task_factory() is not None:  # nobody can tell an eager one from others
        work = _NextTurn(work)
    return loop.create_task(work, name=name, context=context)


class _NextTurn(Coroutine[Any, Any, T]):
    """The work after a step in which nothing is done. Cancelled before that, it has not begun."""

    __slots__ = ("_begun", "_work")

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._begun = False

    def __getattr__(self, name: str) -> Any:
        # Whatever shows a task looks here for a name and a line: those of the work.
        return getattr(self._work, name)

    @override
    def send(self, value: Any, /) -> Any:
        if self._begun:
            return self._work.send(value)
        self._begun = True
        return None  # as a bare `yield`: the loop gets its turn

    @override
    def throw(self, *error: Any) -> Any:
        self._begun = True
        return self._work.throw(*error)

    @override
    def close(self) -> None:
        self._work.close()

    @override
    def __await__(self) -> Generator[Any, Any, T]:
        return cast("Generator[Any, Any, T]", self)

    def __iter__(self) -> _NextTurn[T]:
        return self

    def __next__(self) -> Any:
        return self.send(None)
