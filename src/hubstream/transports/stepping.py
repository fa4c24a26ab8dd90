"""Running a coroutine a step at a time, without a task.

A task or a hop through the event loop for every frame would double what a call costs. A `receive` whose message is there
already, and a `send` on a socket that takes the bytes, end at their first step; only what really waits needs a task. Imports
nothing of the package; does not block.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from types import CoroutineType, coroutine
from typing import Any, cast

__all__ = ["Steps", "finish", "steps"]

Steps = Generator[Any, Any, Any]
"""What `await` drives: a coroutine, by `send`, `throw` and `close`."""


def steps(awaitable: Awaitable[Any]) -> Steps:
    """The steps of one `await`. Taken inside the task that awaits, they are what `await` itself would do."""
    return cast(Steps, awaitable if type(awaitable) is CoroutineType else _await(awaitable))


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@coroutine
def finish(rest: Steps, waits_for: object) -> Generator[Any, Any, Any]:
    """Await what is left of `rest`, which took one step and now waits for what that gave.

    Args:
        rest: Steps, the first of which is taken.
        waits_for: What the last step gave: the future it waits for.
    """
    while True:
        try:
            yield waits_for
        except GeneratorExit:
            rest.close()
            raise
        except BaseException as error:  # noqa: BLE001 - passed on into `rest`, which raises it again
            # Cancellation mostly: as `await` does, it goes to where the coroutine waits, which may well wait on.
            try:
                waits_for = rest.throw(error)
            except StopIteration as end:
                return end.value
        else:
            return (yield from rest)
