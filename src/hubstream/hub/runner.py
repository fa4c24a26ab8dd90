"""Calls, and the running of plain ones that suspend.

A call waits its turn for a slot and is then awaited by a *runner*: a task that goes on with the next waiting call when one is
done, and ends when there is none (1.7 us a call instead of 3.6 us with a task for each). A runner that a call left marked, by a
context variable, a pending cancellation or something that holds on to the task, is retired: the next call gets a new one.
"""

# pyright: reportPrivateUsage=false
# A hub object is told its call, by an attribute that users do not see.

from __future__ import annotations

import asyncio
import weakref
from asyncio import CancelledError
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from sys import getrefcount
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hubstream.errors import ConnectionLost, HubstreamError
from hubstream.hub.events import HubEvent
from hubstream.hub.held import StepTimer, Watched
from hubstream.hub.methods import Kind

if TYPE_CHECKING:
    from hubstream.hub.dispatch import Dispatcher
    from hubstream.hub.hub import Hub
    from hubstream.hub.mapping import BoundMethod
    from hubstream.hub.up import Upload

__all__ = ["EXITS", "LAST_WAIT", "Call", "run_calls"]

T = TypeVar("T")

EXITS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends the process or the coroutine itself. All else that a method raises is its caller's, `BaseException`s too."""
TASK: Final = int(Kind.TASK)

LAST_WAIT: Final = 0.5
"""Seconds a call has after its second cancellation before nobody waits for it any more."""


class Call:
    """One call of a hub method that is running, or about to."""

    __slots__ = (
        "__weakref__",
        "_again",
        "arguments",
        "cancelled",
        "dispatcher",
        "doubted",
        "ended",
        "freed",
        "hub",
        "id",
        "key",
        "method",
        "spawned",
        "task",
        "uploads",
    )

    def __init__(
        self,
        dispatcher: Dispatcher,
        method: BoundMethod,
        invocation_id: str | None,
        hub: Hub[Any],
        arguments: tuple[Any, ...],
    ) -> None:
        self.dispatcher = dispatcher
        self.method = method
        self.id = invocation_id
        self.key: str | int = 0
        """What the dispatcher knows it by."""
        self.hub = hub
        self.arguments = arguments
        self.uploads: list[Upload] | None = None
        self.task: asyncio.Task[None] | None = None
        """The task that runs it, while it runs."""
        self.cancelled = False
        self.doubted = False
        """Another call under its id was refused: the client may have taken that for this one's end, and cancelled what it has
        seen completed. Then nothing more is sent under the id, as in .NET."""
        self.spawned: set[asyncio.Task[Any]] | None = None
        self._again: asyncio.TimerHandle | None = None
        self.ended = False
        self.freed = False
        """It has given its slot away and is not one of those that run at a time any more."""
        if method.kind >= TASK:
            hub._call = self

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that ends with this call."""
        if self.ended:
            work.close()
            raise HubstreamError(
                f"spawn() when the call of '{self.method.name}' is over: what it spawns ends with it. Start a task of your own"
            )
        task = self.dispatcher.tasks.spawn(Watched(work, self.held))
        if self.spawned is None:
            self.spawned = set()
        self.spawned.add(task)
        task.add_done_callback(self._spawned_ended)
        return task

    def cancel(self) -> None:
        """Cancel it; what does not end within `stop_timeout` is logged and cancelled again."""
        if self.cancelled:
            return
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()
            loop = self.dispatcher.loop
            self._again = loop.call_later(self.dispatcher.options.stop_timeout, self._insist)

    def over(self) -> None:
        """It has ended: so do the tasks it spawned and the streams it read."""
        self.ended = True
        self.begun()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        for task in tuple(self.spawned or ()):
            task.cancel()
        if self.uploads is not None:
            self.dispatcher.uploads_over(self.uploads)
            self.uploads = None

    def free(self) -> None:
        """It waits for a client's answer, which may stand behind the client's next call: its slot is that call's (spec 6.6)."""
        if self.method.kind == TASK and not self.freed and not self.ended:
            self.freed = True
            self.dispatcher.free_slot()

    def keep_slot(self, thread: Future[Any]) -> None:
        """It was cancelled while a thread works for it: its slot stays taken until the thread ends."""
        if not self.freed:
            self.freed = True
            thread.add_done_callback(self._thread_ended)

    def _thread_ended(self, thread: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self.dispatcher.loop.call_soon_threadsafe(self.dispatcher.free_slot)

    def held(self, seconds: float) -> None:
        """It let nothing else run for so long."""
        self.dispatcher.answers.held(self.method.name, self.id, seconds)

    def begun(self) -> None:
        """Its first step has been taken: what was sent after it may begin too."""
        if self.dispatcher.starting is self:
            self.dispatcher.starting = None

    def where(self) -> str:
        """Where it hangs, for the log."""
        return ""

    def give_up(self) -> None:
        """It refuses to end: nobody waits for it any more."""
        if self.task is not None:
            self.dispatcher.tasks.abandon(self.task)

    def _insist(self) -> None:
        if self.task is None or self.task.done():
            return
        self.dispatcher.owner.notice(
            HubEvent.CALL_OVERDUE,
            method=self.method.name,
            invocation_id=self.id,
            seconds=self.dispatcher.options.stop_timeout,
            detail=self.where(),
        )
        self.task.cancel()
        self._again = self.dispatcher.loop.call_later(LAST_WAIT, self.give_up)

    def _spawned_ended(self, task: asyncio.Task[Any]) -> None:
        if self.spawned is not None:
            self.spawned.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if self.dispatcher.closed and isinstance(error, ConnectionLost):
                return  # no news, as for the call itself
            self.dispatcher.owner.notice(
                HubEvent.SPAWNED_TASK_FAILED, method=self.method.name, invocation_id=self.id, error=error
            )


def run_calls(dispatcher: Dispatcher, call: Call) -> Coroutine[Any, Any, None]:
    """The runner: awaits a call, then those that wait for its slot."""
    timer = StepTimer(call)
    return timer.run(_run_calls, dispatcher, call, timer)


async def _run_calls(dispatcher: Dispatcher, call: Call | None, timer: StepTimer) -> None:
    me = asyncio.current_task()
    assert me is not None
    # What holds on to this task now. Counted with `call.task` clear; more of it later means that a call left something.
    references, weak_references = getrefcount(me), weakref.getweakrefcount(me)
    while call is not None:
        call.task = me
        timer.call = call
        if dispatcher.starting is call:
            dispatcher.starting = None
        result: Any = None
        error: BaseException | None = None
        try:
            if call.cancelled:
                raise CancelledError
            result = call.method.function(call.hub, *call.arguments)
            if call.method.kind >= 1:
                result = await result
        except EXITS:
            raise
        except BaseException as raised:  # noqa: BLE001 - whatever a hub method raises is its caller's
            error = raised
        call.task = None
        dispatcher.finish(call, result, error)
        freed, own_task = call.freed, call.method.own_task
        timer.look()
        timer.call = call = result = error = None
        if freed:
            return
        try:
            clean = (
                not own_task
                and dispatcher.starting is None  # else what was sent before the next call begins only now
                and not me.cancelling()
                and getrefcount(me) == references
                and weakref.getweakrefcount(me) == weak_references
                and copy_context() == dispatcher.context
            )
        except Exception:  # noqa: BLE001 - a context variable's own __eq__ raised: not clean either
            clean = False
        call = dispatcher.next_plain()
        if call is not None and (not clean or call.method.own_task):
            dispatcher.starting = call
            dispatcher.tasks.spawn(run_calls(dispatcher, call))
            return
