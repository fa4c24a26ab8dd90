"""Streams from the server: a handle to iterate, to leave, to subscribe to (spec 7.2, 7.3).

The server is asked on entering the block, at the first item, or by `subscribe()`. Leaving the block, `aclose()`, cancelling the
task that waits for an item, or dropping the handle cancels the server's stream at once. What came before an error or a loss is
delivered before it, and a loss never looks like the end of a stream.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from asyncio import CancelledError
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Generic, Self

from msgspec import UNSET, Raw
from typing_extensions import TypeVar

from hubstream.client import up
from hubstream.client.calls import encode_arguments
from hubstream.client.errors import deserialize_error, hub_error
from hubstream.client.reading import Holder
from hubstream.client.up import Upload
from hubstream.client.wire import Wire
from hubstream.errors import ConnectionLost, HubError, HubstreamError, ProtocolError
from hubstream.payloads.bind import BINDING_ERRORS, describe
from hubstream.protocol.messages import Completion, StreamInvocation

__all__ = ["Download", "Stream", "Subscription"]

logger = logging.getLogger("hubstream.client")

T = TypeVar("T")


class Download:
    """What the connection knows of a stream: its items as they came. It does not know its handle, so that one can go."""

    __slots__ = (
        "_arguments",
        "_full",
        "_known",
        "_name",
        "_share",
        "_type",
        "_waiter",
        "decode",
        "ended",
        "error",
        "held",
        "id",
        "items",
        "opened",
        "task",
        "uploads",
        "wire",
    )

    def __init__(self, wire: Wire, name: str, arguments: Sequence[Any], type_: Any, share: int) -> None:
        self.wire = wire
        self._name = name
        self._arguments: Sequence[Any] = arguments
        self._type = type_
        self.decode = wire.binder.decoder(type_)
        self._share = share
        self._full = False
        self._known = False  # whether `task` has been looked up since it became full: not at each item
        self._waiter: asyncio.Future[None] | None = None
        self.id: str | None = None
        self.uploads: list[Upload] = []
        self.items: deque[Raw] = deque()
        self.held = 0
        self.opened = False
        self.ended = False
        self.error: HubstreamError | None = None
        self.task: asyncio.Task[Any] | None = None
        """The task that took or waited last: one that waits elsewhere now may be held up by this stream."""

    @property
    def gone(self) -> bool:
        """Ended, and nothing of it is held that keeps the connection from reading."""
        return self.ended and not self._full

    async def open(self) -> None:
        """Ask the server.

        Raises:
            ConnectionLost: The connection is not active.
            TypeError: An argument cannot be sent.
            ValueError: The name cannot be, for half a surrogate pair in it.
        """
        self.opened = True
        self.task = asyncio.current_task()
        try:
            encoded, self.uploads = encode_arguments(self.wire, self._name, self._arguments)
            self._arguments = ()
            await self.wire.turn("stream")
            if self.ended:  # closed while it waited for its turn
                up.settle(self.uploads, None)
            else:
                self.id = self.wire.ask(StreamInvocation, self._name, encoded, self.uploads, self)
        except BaseException as error:
            self.ended = True
            self.error = error if isinstance(error, HubstreamError) else None
            up.settle(self.uploads, None)
            raise

    def item(self, raw: Raw) -> None:
        items = self.items
        items.append(raw)
        self.held += len(raw)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if len(items) > self._share and not self._full:
            self._full = True
            self._known = False
            self.wire.reading.fill(self)

    def complete(self, completion: Completion) -> None:
        if completion.error is not UNSET:
            self._end(hub_error(completion.error))
        elif completion.result is not UNSET:
            self._end(ProtocolError("the server gave a result at the end of a stream"))
        else:
            self._end(None)

    def fail(self, error: ConnectionLost) -> None:
        self._end(error)

    def held_up_by(self, full: set[Holder]) -> bool:
        if self._waiter is None:
            return False
        return any(isinstance(holder, Download) and holder.task is self.task for holder in full)

    def overflow(self) -> None:
        self._full = False
        error = HubstreamError(
            f"the stream '{self._name}' was given up: {self.held} bytes of it wait to be taken while its reader waits for "
            "an answer on the same connection; take its items faster or use another connection"
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

    def take(self) -> Raw:
        """The next item, as it came; there is one."""
        raw = self.items.popleft()
        self.held -= len(raw)
        if self._full:
            self._taken()
        return raw

    def undecodable(self, cause: Exception) -> HubError:
        """An item is not of the type asked for: that ends the stream."""
        error = deserialize_error("item", self._type, describe(cause))
        self.close(error)
        return error

    def close(self, error: HubstreamError | None = None) -> None:
        """Want no more: what is held is dropped, and the server is told at once."""
        self.items.clear()
        self.held = 0
        if not self.ended:
            self._cancel(error)
        if self._full:
            self._full = False
            self.wire.reading.drain(self)

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

    def _taken(self) -> None:
        if len(self.items) <= self._share:
            self._full = False
            self.wire.reading.drain(self)
            return
        if not self._known:
            self._known = True
            self.task = asyncio.current_task()
        if self.wire.reading.paused:
            self.wire.reading.check()

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError(f"another task waits for the next item of the stream '{self._name}'")
        self._waiter = self.wire.loop.create_future()
        self.task = asyncio.current_task()
        if self.wire.reading.paused:
            self.wire.reading.check()
        try:
            await self._waiter
        except CancelledError:
            self.close()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Stream(AsyncIterator[T]):
    """A stream from the server: an async iterator, and an async context manager that cancels it at the end of the block.

    Cancelling a task that waits for an item cancels the stream, as it does with an async generator.

    Raises, from the iteration:
        HubError: The server ended it with an error, or an item is not of the type asked for.
        ConnectionLost: The connection ended before the stream had.
    """

    __slots__ = ("__weakref__", "_download")

    def __init__(self, download: Download) -> None:
        self._download = download

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        download = self._download
        if not download.opened:
            await download.open()
        if not download.items:
            await download.wait()
        raw = download.take()
        try:
            item: T = download.decode(raw)
        except BINDING_ERRORS as cause:
            raise download.undecodable(cause) from cause
        return item

    async def aclose(self) -> None:
        """Cancel the server's stream, if it has not ended, and close what is uploaded to it."""
        download = self._download
        download.opened = True
        download.close()
        await up.ended(download.uploads)

    def subscribe(
        self,
        next: Callable[[T], object] | None = None,
        error: Callable[[Exception], object] | None = None,
        complete: Callable[[], object] | None = None,
    ) -> Subscription[T]:
        """Have the items brought, as the JavaScript client does; each callback may be a coroutine function.

        Args:
            next: Called with each item, in order, one at a time.
            error: Called once if the stream ends with an error; without it the error is logged.
            complete: Called once if the stream ends without.

        Returns:
            A subscription, whose `dispose()` cancels the stream.
        """
        return Subscription(self, self._download, next, error, complete)

    async def _open(self) -> None:
        if not self._download.opened:
            await self._download.open()

    def __del__(self) -> None:
        download: Download | None = getattr(self, "_download", None)
        if download is None or download.id is None or download.gone:
            return
        loop = download.wire.loop
        if not loop.is_closed():  # from any thread, and perhaps in the middle of anything
            loop.call_soon_threadsafe(download.close)


class Subscription(Generic[T]):
    """A stream whose items are brought to callbacks."""

    __slots__ = ("_complete", "_download", "_error", "_next", "_task")

    def __init__(
        self,
        stream: Stream[T],
        download: Download,
        next_: Callable[[T], object] | None,
        error: Callable[[Exception], object] | None,
        complete: Callable[[], object] | None,
    ) -> None:
        self._next = next_
        self._error = error
        self._complete = complete
        self._download = download
        self._task = download.wire.spawn(self._bring(stream))

    def dispose(self) -> None:
        """Want no more: no callback is called from now on, and the server's stream is cancelled."""
        self._next = self._error = self._complete = None
        self._download.opened = True
        self._download.close()
        self._task.cancel()

    async def _bring(self, stream: Stream[T]) -> None:
        try:
            async for item in stream:
                if self._next is not None:
                    await _call(self._next, item)
        except Exception as error:
            if self._error is not None:
                await _call(self._error, error)
            else:
                logger.exception("a subscribed stream failed, and nobody asked for its error")
        else:
            if self._complete is not None:
                await _call(self._complete)


async def _call(callback: Callable[..., object], *arguments: object) -> None:
    try:
        outcome = callback(*arguments)
        if inspect.isawaitable(outcome):
            awaitable: Awaitable[object] = outcome
            await awaitable
    except Exception:
        logger.exception("the callback %r of a subscription failed", callback)
