"""A stream from the server in the user's hand: to iterate, to leave, to subscribe to, to read as a channel (spec 7.2, 7.3).

The server is asked on entering the block, at the first item, or by `subscribe()`. Leaving the block, `aclose()`, cancelling the
task that waits for an item, or dropping the handle cancels the server's stream at once. Imports `errors`, `streams` and its own
room; waits for items.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from typing_extensions import TypeVar, override

from hubstream.client import up
from hubstream.client.down import Download, Request
from hubstream.client.subscription import Subscription
from hubstream.client.wire import Wire
from hubstream.errors import ConnectionLost
from hubstream.payloads.bind import BINDING_ERRORS
from hubstream.streams.channel import ChannelReader

__all__ = ["Stream", "StreamReader"]

T = TypeVar("T")

_NOTHING: Any = object()


class Stream(AsyncIterator[T]):
    """A stream from the server: an async iterator, and an async context manager that cancels it at the end of the block.

    Cancelling a task that waits for an item cancels the stream, as it does with an async generator.

    Raises, from the iteration:
        HubError: The server ended it with an error, or an item is not of the type asked for.
        ConnectionLost: The connection ended before the stream had.
    """

    __slots__ = ("__weakref__", "_closed", "_download", "_find_wire", "_last", "_request", "_resume", "_spawn")

    def __init__(
        self,
        request: Request,
        find_wire: Callable[[str], Wire],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[Any]],
        resume: Callable[[Any], Sequence[object]] | None = None,
    ) -> None:
        self._request = request
        self._find_wire = find_wire
        self._spawn = spawn
        self._resume = resume
        self._last: Any = _NOTHING
        self._download: Download | None = None  # None until it is asked for
        self._closed = False

    @property
    def dropped(self) -> int:
        """How many items the policies `drop_oldest` and `latest` have dropped since the stream was last asked for."""
        return self._download.dropped if self._download is not None else 0

    @property
    def ready(self) -> int:
        """Items that can be taken without waiting."""
        return len(self._download.items) if self._download is not None else 0

    async def __aenter__(self) -> Self:
        await self.ask()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        download = self._download
        if download is None or not download.items:
            if self._closed:
                raise StopAsyncIteration
            if download is None:
                download = await self._open()
            if self._resume is None:
                await download.wait()
            else:
                download = await self._wait_over_losses(download, self._resume)
        raw = download.items.popleft()  # here, not by a method: a twelfth of what an item costs
        download.held -= len(raw)
        if download.full:
            download.taken()
        try:
            item: T = download.decode(raw)
        except BINDING_ERRORS as cause:
            raise download.undecodable(cause) from cause
        if self._resume is not None:
            self._last = item
        return item

    async def ask(self) -> None:
        """Ask the server for it, unless it was asked for.

        Raises:
            ConnectionLost: The connection is not active.
            TypeError: An argument cannot be sent; nothing was.
            ValueError: The name cannot be, for half a surrogate pair in it.
        """
        if self._download is None and not self._closed:
            await self._open()

    async def aclose(self) -> None:
        """Cancel the server's stream, if it has not ended, and close what is uploaded to it."""
        self.leave()
        if self._download is not None:
            await up.ended(self._download.uploads)

    def leave(self) -> None:
        """Cancel the server's stream, if it has not ended, without waiting for anything."""
        self._closed = True
        if self._download is not None:
            self._download.close()

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
        return Subscription(self, self.leave, self._spawn, next, error, complete)

    async def _open(self) -> Download:
        # Known before it is asked for: another task that wants an item too waits for this one.
        self._download = download = Download(self._find_wire("stream"), self._request)
        await download.open()
        return download

    async def _wait_over_losses(self, download: Download, resume: Callable[[Any], Sequence[object]]) -> Download:
        """Wait until there is an item, on this connection or on one after it."""
        while True:
            try:
                await download.wait()
            except ConnectionLost as lost:
                if download.wire.successor is None:
                    raise
                wire = await download.wire.successor(download.wire, lost)
            else:
                return download
            request = self._request
            try:
                if self._last is not _NOTHING:
                    request = replace(request, arguments=_arguments(resume(self._last)))
                self._download = download = Download(wire, request)
                if self._closed:  # while it waited for the connection
                    download.close()
                else:
                    await download.open()
            except ConnectionLost:
                continue  # lost again: `wait()` says so
            except BaseException:
                self._resume = None
                raise

    def __del__(self) -> None:
        download: Download | None = getattr(self, "_download", None)
        if download is None or download.id is None or download.gone:
            return
        loop = download.wire.loop
        if not loop.is_closed():  # from any thread, and perhaps in the middle of anything
            loop.call_soon_threadsafe(download.close)


class StreamReader(ChannelReader[T]):
    """A stream from the server as a channel's reader: several tasks may share its items, and one that is cancelled takes none.

    `aclose()`, or dropping it, cancels the server's stream.
    """

    __slots__ = ("_stream", "_turn")

    def __init__(self, stream: Stream[T]) -> None:
        super().__init__()
        self._stream = stream
        self._turn = asyncio.Lock()

    @override
    def __len__(self) -> int:
        return self._stream.ready

    @override
    async def __anext__(self) -> T:
        async with self._turn:
            return await self._stream.__anext__()

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()


def _arguments(value: Sequence[Any]) -> Sequence[Any]:
    if not isinstance(value, (tuple, list)):  # a text is a sequence too
        raise TypeError(f"resume= returns the arguments to ask again with, as a tuple or list, not {value!r}")
    return value
