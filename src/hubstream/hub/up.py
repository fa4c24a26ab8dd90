"""Streams from the client: the buffer between the connection and the method that reads, and the calls that have one.

A full buffer (`stream_buffer` items) stops reading from the connection, not dispatch: what was read finds its place, so pings,
cancels and other streams go on (spec 7.4 tells what the strict order of ASP.NET Core does instead).
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hubstream.hub.held import StepTimer
from hubstream.hub.runner import EXITS, Call
from hubstream.payloads.bind import BINDING_ERRORS
from hubstream.streams.channel import ChannelReader

if TYPE_CHECKING:
    from msgspec import Raw

    from hubstream.hub.uploads import Uploads

__all__ = ["Upload", "UploadCall"]


class Upload(ChannelReader[Any]):
    """One stream of the client, as the method that reads it gets it."""

    __slots__ = ("_capacity", "_decode", "_uploads", "full", "id")

    def __init__(self, uploads: Uploads, stream_id: str, decode: Callable[[Raw | bytes], Any], capacity: int) -> None:
        super().__init__()
        self.id = stream_id
        self._uploads = uploads
        self._decode = decode
        self._capacity = capacity
        self.full = False
        """Its buffer is over its bound."""

    def receive(self, item: Raw) -> None:
        """An item has come. One that is not of the declared type ends the stream for its reader."""
        try:
            value = self._decode(item)
        except BINDING_ERRORS as error:
            self._uploads.forget([self])
            self.finish(self._uploads.binding_failed(self, error))
            return
        items = self._items
        items.append(value)
        if self._waiters:
            self._wake_one()
        if not self.full and len(items) > self._capacity:
            self.full = True
            self._low = self._capacity
            self._on_low = self.forgotten
            self._uploads.changed(+1)

    async def aclose(self) -> None:
        """Read no more: what still comes is dropped, so that nothing waits for this method."""
        self._uploads.forget([self])
        await super().aclose()

    def finish(self, error: BaseException | None = None) -> None:
        """The client, or its connection, has ended the stream."""
        self._end(error)

    def forgotten(self) -> None:
        """The buffer holds nobody up any more: it has room, or nothing comes that would need it."""
        if self.full:
            self.full = False
            self._on_low = None
            self._uploads.changed(-1)


class UploadCall(Call):
    """A call that reads streams of the client and answers once. It runs in a task of its own, beside everything else."""

    __slots__ = ("_error", "_result")

    def start(self) -> None:
        """Run it."""
        self._result: Any = None
        self._error: BaseException | None = CancelledError()  # what holds if it is cancelled before its first step
        self.dispatcher.starting = self
        self.task = self.dispatcher.tasks.spawn(StepTimer(self).run(self._run))
        self.task.add_done_callback(self._ended)

    def give_up(self) -> None:
        if self.task is not None:
            self.dispatcher.tasks.abandon(self.task)
            self.task.remove_done_callback(self._ended)
            self._ended(self.task)

    async def _run(self) -> None:
        self.begun()
        try:
            result = self.method.function(self.hub, *self.arguments)
            self._result = await result if self.method.awaited else result
            self._error = None
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a hub method raises is its caller's
            self._error = error

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.task = None
        error, self._error = self._error, None
        result, self._result = self._result, None
        self.dispatcher.finish(self, result, error)
