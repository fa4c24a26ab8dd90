"""A task begins after the call that starts it, whatever the loop's task factory does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

from hubstream.connection.task import start_task

variable = ContextVar("variable", default="unset")


def plain(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(work, loop=loop, **options)


def hasty(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    """Eager in a way that every Python knows."""
    assert work.send(None) is None
    return asyncio.Task(work, loop=loop, **options)


def around(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    async def trace() -> Any:
        return await work

    return asyncio.Task(trace(), loop=loop, **options)


FACTORIES: dict[str, Callable[..., asyncio.Task[Any]] | None] = {
    "the loop's": None,
    "plain": plain,
    "hasty": hasty,
    "around": around,
}
if sys.version_info >= (3, 12):  # the first with eager tasks
    FACTORIES["eager"] = asyncio.eager_task_factory

OURS = pytest.mark.parametrize("start", [name for name in FACTORIES if name != "around"], indirect=True)
"""Where the task runs what it was given, not a coroutine of the factory's."""


class Steps:
    """Work that notes how far it has come."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def work(self) -> str:
        self.seen.append("begun")
        try:
            await asyncio.sleep(0)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            variable.set("of the task")
        return variable.get()


@pytest.fixture(params=FACTORIES)
def start(request: pytest.FixtureRequest) -> Callable[..., asyncio.Task[Any]]:
    """`start_task` on a loop that has the factory."""

    def started(work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(FACTORIES[request.param])
        try:
            return start_task(loop, work, **options)
        finally:
            loop.set_task_factory(None)

    return started


async def test_none_of_the_work_is_done_in_the_call(start: Callable[..., asyncio.Task[Any]]) -> None:
    steps = Steps()
    task = start(steps.work())
    asyncio.get_running_loop().call_soon(steps.seen.append, "after")
    assert steps.seen == []
    await asyncio.sleep(0)
    assert steps.seen == ["begun", "after"]
    task.cancel()
    assert await task == "of the task"
    assert steps.seen == ["begun", "after", "cancelled"]


async def test_its_name_its_variables_and_what_it_raises(start: Callable[..., asyncio.Task[Any]]) -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError(variable.get())

    context = copy_context()
    context.run(variable.set, "of the context")
    task = start(work(), name="named", context=context)
    assert task.get_name() == "named"
    with pytest.raises(ValueError, match="of the context"):
        await task


@OURS
async def test_cancelled_before_it_began_it_never_does(start: Callable[..., asyncio.Task[Any]]) -> None:
    steps = Steps()
    task = start(steps.work())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps.seen == []


@OURS
async def test_it_is_shown_as_its_work(start: Callable[..., asyncio.Task[Any]]) -> None:
    task = start(Steps().work())
    await asyncio.sleep(0)
    assert "Steps.work() running at" in repr(task)
    task.cancel()
    await task
