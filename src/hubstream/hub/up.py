"""Streams from the client: the buffer between the connection and the method that reads, and the calls that have one.

A full buffer (`stream_buffer` items) stops reading from the connection, not dispatch: what was read finds its place, so pings,
cancels and other streams go on (spec 7.4 tells what the strict order of ASP.NET Core does instead).
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hubstream.errors import HubError
from hubstream.hub import texts
from hubstream.hub.runner import EXITS, Call
from hubstream.payloads.bind import BINDING_ERRORS
from hubstream.streams.channel import ChannelReader

if TYPE_CHECKING:
    from msgspec import Raw

    from hubstream.hub.dispatch import Dispatcher

__all__ = ["Upload", "UploadCall"]


class Upload(ChannelReader[Any]):
    """One stream of the client, as the method that reads it gets it."""

    __slots__ = ("_capacity", "_decode", "_dispatcher", "_full", "id")

    def __init__(
        self, dispatcher: Dispatcher, stream_id: str, decode: Callable[[Raw | bytes], Any], capacity: int
    ) -> None:
        super().__init__()
        self.id = stream_id
        self._dispatcher = dispatcher
        self._decode = decode
        self._capacity = capacity
        self._full = False

    def receive(self, item: Raw) -> None:
        """An item has come. One that is not of the declared type ends the stream for its reader."""
        try:
            value = self._decode(item)
        except BINDING_ERRORS as error:
            text = texts.STREAM_BINDING + texts.detail(error, self._dispatcher.options.detailed_errors)
            self._dispatcher.forget([self])
            self.finish(HubError(text))
            return
        items = self._items
        items.append(value)
        if self._waiters:
            self._wake_one()
        if not self._full and len(items) > self._capacity:
            self._full = True
            self._low = self._capacity
            self._on_low = self.forgotten
            self._dispatcher.full += 1

    async def aclose(self) -> None:
        """Read no more: what still comes is dropped, so that nothing waits for this method."""
        self._dispatcher.forget([self])
        await super().aclose()

    def finish(self, error: BaseException | None = None) -> None:
        """The client, or its connection, has ended the stream."""
        self._end(error)

    def forgotten(self) -> None:
        """The buffer holds nobody up any more: it has room, or nothing comes that would need it."""
        if self._full:
            self._full = False
            self._on_low = None
            self._dispatcher.full -= 1
            self._dispatcher.throttle()


class UploadCall(Call):
    """A call that reads streams of the client and answers once. It runs in a task of its own, beside everything else."""

    __slots__ = ("_error", "_result")

    def start(self) -> None:
        """Run it."""
        self._result: Any = None
        self._error: BaseException | None = CancelledError()  # what holds if it is cancelled before its first step
        self.dispatcher.starting = self
        self.task = self.dispatcher.tasks.spawn(self._run())
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
