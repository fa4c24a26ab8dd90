"""Streams to the client: one task drives the generator, an item at a time, as fast as the transport takes them (spec 7.2, 7.3).

The generator is always closed, so its `finally` runs: at a `yield` it sees `GeneratorExit`, at an `await` `CancelledError`. The
next item is asked for only when there is room for it.
"""

from __future__ import annotations

import asyncio
import inspect
from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from hubstream.connection.output import ItemBatch
from hubstream.errors import ConnectionLost
from hubstream.hub import texts
from hubstream.hub.events import HubEvent
from hubstream.hub.held import StepTimer
from hubstream.hub.http_exception import as_answer
from hubstream.hub.runner import EXITS, Call

__all__ = ["StreamCall"]


class StreamCall(Call):
    """A call whose answer is a stream."""

    __slots__ = ("_batch", "_error", "_source", "_stack", "_streaming", "_text")

    id: str

    def start(self) -> None:
        """Run it."""
        self._source: AsyncIterator[Any] | None = None
        self._batch: ItemBatch | None = None
        self._stack: AsyncExitStack | None = None
        self._streaming = False
        self._error: BaseException | None = None
        self._text: str | None = None
        self.dispatcher.starting = self
        self.task = self.dispatcher.tasks.spawn(StepTimer(self).run(self._run))
        self.task.add_done_callback(self._ended)

    @property
    def stack(self) -> AsyncExitStack:
        """What is left when the stream is over: the iterators around it, then its dependencies."""
        if self._stack is None:
            self._stack = AsyncExitStack()
        return self._stack

    def where(self) -> str:
        frame = getattr(self._source, "ag_frame", None)
        return f" (line {frame.f_lineno} of {frame.f_code.co_qualname})" if frame is not None else ""

    def give_up(self) -> None:
        if self.task is not None:
            self.dispatcher.tasks.abandon(self.task)
            self.task.remove_done_callback(self._ended)
            self._ended(self.task)
            if self._batch is not None:
                self._batch.items.append(b"")  # an empty batch alone is gathered: what comes yet is never sent

    async def _run(self) -> None:
        self.begun()
        try:
            try:
                await self._answer()
            except BaseException as error:
                if self._stack is not None:
                    await self._stack.__aexit__(type(error), error, error.__traceback__)
                raise  # whatever a dependency makes of it
            if self._stack is not None:
                await self._stack.aclose()
        except ConnectionLost as error:
            if not self.dispatcher.closed:
                self._error = error
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a hub method raises is its caller's
            self._error = error

    async def _answer(self) -> None:
        source = self.method.function(self.hub, *self.arguments)
        if self.method.awaited:
            source = await source
        if not hasattr(source, "__aiter__"):
            if inspect.iscoroutine(source):
                source.close()
            self._text = text = texts.not_a_stream(self.method.name)
            self.dispatcher.owner.notice(
                HubEvent.CALL_REFUSED, method=self.method.name, invocation_id=self.id, detail=text
            )
            return
        self._source = source.__aiter__()
        self._streaming = True
        await self._send_items()

    async def _send_items(self) -> None:
        source = self._source
        assert source is not None
        me = asyncio.current_task()
        assert me is not None
        out = self.dispatcher.out
        batch = self._batch = ItemBatch(self.dispatcher.codec.items(self.id))
        items, overhead, encode = batch.items, batch.frame.overhead, self.method.encode
        add = items.append
        try:
            if self.ended:  # given up before its generator was there
                return
            if self.dispatcher.connection.paused:
                await out.room()
            async for value in source:
                item = encode(value)
                if not items:
                    out.gather(batch)
                add(item)
                out.size = size = out.size + len(item) + overhead
                if size >= out.limit:
                    if me.cancelling():  # the generator swallowed its cancellation; asked at least once a frame
                        return
                    if not out.roomy():
                        await out.room()
        finally:
            # A bare `async for` would leave the generator suspended, its `finally` to the garbage collector's hour.
            aclose = getattr(source, "aclose", None)
            if aclose is not None:
                await aclose()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.task = None
        self._source = None
        error, self._error = self._error, None
        text = self._text
        if error is not None and not (self.cancelled and isinstance(error, CancelledError)):
            error = as_answer(error)
            self.dispatcher.answers.note(self.method.name, self.id, error)
            if not self.cancelled:
                detailed = self.dispatcher.options.detailed_errors
                if self._streaming:
                    text = texts.streaming_failed(error, detailed)
                else:
                    text = texts.unexpected(self.method.name, error, detailed)
        self.dispatcher.stream_ended(self, text)
