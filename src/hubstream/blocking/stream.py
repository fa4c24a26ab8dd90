"""A stream from the server as a plain iterator.

An item is waited for in the event loop's thread; where the policy is `wait`, those that are there already come along with it,
since a change of threads costs more than an item. Imports `client` and its own room. Waiting for an item blocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from typing_extensions import TypeVar, override

from hubstream.client.stream import Stream as AsyncStream

__all__ = ["Stream"]

T = TypeVar("T")


class Call(Protocol):
    """Runs a coroutine in the event loop and waits for it, for so many seconds."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = ..., what: str = ..., /) -> T: ...


class Stream(Iterator[T]):
    """A stream from the server: an iterator, and a context manager that cancels it at the end of the block.

    Interrupting the wait for an item cancels the stream, as it ends a generator.

    Raises, from the iteration:
        HubError: The server ended it with an error, or an item is not of the type asked for.
        ConnectionLost: The connection ended before the stream had.
        TimeoutError: No item came within `timeout=` seconds; the stream is cancelled.
    """

    def __init__(self, stream: AsyncStream[T], call: Call, *, ahead: bool, timeout: float | None, what: str) -> None:
        self._stream = stream
        self._call = call
        self._ahead = ahead
        self._timeout = timeout
        self._what = what
        self._items: deque[T] = deque()
        self._error: Exception | None = None

    @property
    def dropped(self) -> int:
        """How many items the policies `drop_oldest` and `latest` have dropped since the stream was last asked for."""
        return self._stream.dropped

    def __enter__(self) -> Self:
        self._call(self._stream.ask())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @override
    def __iter__(self) -> Self:
        return self

    @override
    def __next__(self) -> T:
        if not self._items:
            if self._error is not None:
                raise self._error
            self._call(self._fetch(), self._timeout, self._what)
            if not self._items:
                raise StopIteration
        return self._items.popleft()

    def close(self) -> None:
        """Cancel the server's stream, if it has not ended, and close what is uploaded to it."""
        self._items.clear()
        self._error = None
        self._call(self._stream.aclose())

    async def _fetch(self) -> None:
        async for item in self._stream:
            self._items.append(item)
            break
        try:
            for _ in range(self._stream.ready if self._ahead else 0):
                self._items.append(await anext(self._stream))
        except Exception as error:  # noqa: BLE001 - it comes after the items before it
            self._error = error
