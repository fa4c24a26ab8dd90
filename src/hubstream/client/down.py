"""A stream from the server as the connection knows it: its items as they came, bounded, and its end (spec 7.2, 7.3).

What came before an error or a loss is delivered before it, and a loss never looks like the end of a stream. Imports `errors`,
`payloads`, `protocol`, `streams` and its own room. `open()` and `wait()` wait; the rest is called as messages are read.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, Raw

from hubstream.client import up
from hubstream.client.calls import encode_arguments
from hubstream.client.errors import RESULT_OF_STREAM, deserialize_error, hub_error
from hubstream.client.reading import Holder
from hubstream.client.up import Upload
from hubstream.client.wire import Wire
from hubstream.errors import ConnectionLost, HubError, HubstreamError, ProtocolError
from hubstream.payloads.bind import Decode, Encode, describe
from hubstream.protocol.messages import Completion, StreamInvocation
from hubstream.streams.buffer import StreamPolicy

__all__ = ["Download", "Request"]

logger = logging.getLogger("hubstream.client")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, each time it is."""

    name: str
    arguments: Sequence[Any]
    encoders: Sequence[Encode] | None
    """Of arguments whose types are declared."""
    item: Any
    """The type of an item."""
    decode: Decode
    buffer: int
    policy: StreamPolicy
    shared: bool = False
    """Cancelling who waits for an item leaves the stream to others."""


class Download:
    """What the connection knows of a stream: its items as they came. It does not know its handle, so that one can go."""

    __slots__ = (
        "_known",
        "_request",
        "_share",
        "_waiter",
        "decode",
        "dropped",
        "ended",
        "error",
        "full",
        "held",
        "id",
        "items",
        "task",
        "uploads",
        "wire",
    )

    def __init__(self, wire: Wire, request: Request) -> None:
        self.wire = wire
        self.decode = request.decode
        self._request = request
        self._share = 1 if request.policy == "latest" else request.buffer
        self._known = False  # whether `task` has been looked up since it became full: not at each item
        self._waiter: asyncio.Future[None] | None = None
        self.id: str | None = None
        self.uploads: list[Upload] = []
        self.items: deque[Raw] = deque()
        self.held = 0
        self.full = False
        """More than its share wait to be taken: `taken()` is to be called for each."""
        self.dropped = 0
        self.ended = False
        self.error: HubstreamError | None = None
        self.task: asyncio.Task[Any] | None = None
        """The task that took or waited last: one that waits elsewhere now may be held up by this stream."""

    @property
    def gone(self) -> bool:
        """Ended, and nothing of it is held that keeps the connection from reading."""
        return self.ended and not self.full

    async def open(self) -> None:
        """Ask the server.

        Raises:
            ConnectionLost: The connection is not active.
            TypeError: An argument cannot be sent.
            ValueError: The name cannot be, for half a surrogate pair in it.
        """
        request = self._request
        self.task = asyncio.current_task()
        try:
            encoded, self.uploads = encode_arguments(self.wire, request.name, request.arguments, request.encoders)
            await self.wire.turn("stream")
            if self.ended:  # closed while it waited for its turn
                up.settle(self.uploads, None)
            else:
                self.id = self.wire.ask(StreamInvocation, request.name, encoded, self.uploads, self)
        except BaseException as error:
            self.ended = True
            self.error = error if isinstance(error, HubstreamError) else None
            up.settle(self.uploads, None)
            raise

    def take_in(self, items: list[Raw]) -> None:
        if self._request.policy == "wait":
            self._hold(items)
        else:
            for item in items:
                self._hold((item,))
                if self.ended:
                    break

    def complete(self, completion: Completion) -> None:
        if completion.error is not UNSET:
            self._end(hub_error(completion.error))
        elif completion.result is not UNSET:
            self._end(ProtocolError(RESULT_OF_STREAM))
        else:
            self._end(None)

    def fail(self, error: ConnectionLost) -> None:
        self._end(error)

    def held_up_by(self, full: set[Holder]) -> bool:
        if self._waiter is None:
            return False
        return any(isinstance(holder, Download) and holder.task is self.task for holder in full)

    def overflow(self) -> None:
        self.full = False
        error = HubstreamError(
            f"the stream '{self._request.name}' was given up: {self.held} bytes of it wait to be taken while its reader waits "
            "for an answer on the same connection; take its items faster or use another connection"
        )
        self.items.clear()
        self.held = 0
        self._cancel(error)

    async def wait(self) -> None:
        """Wait until there is an item.

        Raises:
            StopAsyncIteration: The stream has ended.
            HubstreamError: It has ended with this.
        """
        while not self.items:
            if self.ended:
                if self.error is not None:
                    raise self.error
                raise StopAsyncIteration
            await self._wait()

    def taken(self) -> None:
        """An item was taken while it was full."""
        if len(self.items) <= self._share:
            self.full = False
            self.wire.reading.drain(self)
            return
        if not self._known:
            self._known = True
            self.task = asyncio.current_task()
        if self.wire.reading.paused:
            self.wire.reading.check()

    def undecodable(self, cause: Exception) -> HubError:
        """An item is not of the type asked for: that ends the stream."""
        error = deserialize_error("item", self._request.item, describe(cause))
        self.close(error)
        return error

    def close(self, error: HubstreamError | None = None) -> None:
        """Want no more: what is held is dropped, and the server is told at once."""
        self.items.clear()
        self.held = 0
        if not self.ended:
            self._cancel(error)
        if self.full:
            self.full = False
            self.wire.reading.drain(self)

    def _hold(self, items: Sequence[Raw]) -> None:
        self.items.extend(items)
        self.held += sum(map(len, items))
        self._wake()
        if len(self.items) > self._share and not self.full:
            self._overfull()

    def _overfull(self) -> None:
        request = self._request
        if request.policy == "wait":
            self.full = True
            self._known = False
            self.wire.reading.fill(self)
        elif request.policy == "error":
            self._cancel(
                HubstreamError(
                    f"the stream '{request.name}' was given up: more than the {request.buffer} items of its buffer wait to be "
                    "taken; take its items faster, or ask for it with a larger buffer or another policy"
                )
            )
        else:
            self.held -= len(self.items.popleft())
            self.dropped += 1
            if self.dropped == 1 and request.policy == "drop_oldest":
                logger.warning(
                    "items of the stream '%s' are dropped: %d wait to be taken already", request.name, request.buffer
                )

    def _cancel(self, error: HubstreamError | None) -> None:
        self.ended = True
        self.error = error
        if self.id is not None:
            self.wire.cancel(self.id)
        up.settle(self.uploads, None)
        self._wake()

    def _end(self, error: HubstreamError | None) -> None:
        self.ended = True
        self.error = error
        up.settle(self.uploads, error)
        self._wake()

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError(f"another task waits for the next item of the stream '{self._request.name}'")
        self._waiter = self.wire.loop.create_future()
        self.task = asyncio.current_task()
        if self.wire.reading.paused:
            self.wire.reading.check()
        try:
            await self._waiter
        except CancelledError:
            if not self._request.shared:
                self.close()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
