"""Running the server's `receive` and `send` a step at a time, without a task.

A task or a hop through the event loop for every frame would double what a call costs. A `receive` whose message is there already,
and a `send` on a socket that takes the bytes, end at their first step; only what really waits needs a task. Imports only `types`;
does not block.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Generator
from types import CoroutineType, FunctionType, MethodType, coroutine
from typing import Any, cast

from hubstream.types import Send

__all__ = ["Steps", "cut", "finish", "server", "steps"]

Steps = Generator[Any, Any, Any]
"""What `await` drives: a coroutine, by `send`, `throw` and `close`."""

_PASS_ON = frozenset({"starlette._exception_handler", "starlette.middleware.errors"})
"""Modules whose wrapper of `send` only passes messages on; they are around every application Starlette and FastAPI run."""
_SERVERS = ("uvicorn.protocols.websockets.", "uvicorn.protocols.http.")


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


def server(send: Send) -> object | None:
    """The server's own protocol object behind `send`, if its coroutine may be stepped outside a task; else None.

    Stepped outside a task, code that asks for the current one (`asyncio.timeout`, anyio) fails, or worse, cancels another.
    The `send` of uvicorn's classes, for WebSockets and HTTP, only waits for the socket; what a middleware has wrapped may do
    anything; granian's starts to send when called and must be awaited.
    """
    while True:
        if isinstance(send, MethodType):
            owner: object = send.__self__
            known = type(owner).__module__.startswith(_SERVERS)
            return owner if known and inspect.iscoroutinefunction(send) else None
        if not isinstance(send, FunctionType) or send.__module__ not in _PASS_ON:
            return None
        send = inspect.getclosurevars(send).nonlocals.get("send", abs)


def cut(protocol: object | None) -> None:
    """Reset the socket of a peer that takes nothing: the server would wait a quarter of an hour for it to take the rest."""
    abort = getattr(getattr(protocol, "transport", None), "abort", None)
    if callable(abort):
        abort()
