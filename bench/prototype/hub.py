"""The yardstick's hub: the methods that are measured, and what is known about each before the first call."""

from __future__ import annotations

import asyncio
import dis
import inspect
import typing
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

__all__ = ["CALL", "METHODS", "RUNNER", "STEP", "STREAM", "Hub", "Method", "Upload"]

# How a method is run.
STEP = 0  # `async def` that cannot suspend: one `send(None)`
CALL = 1  # `def`
STREAM = 2  # async generator: a task of its own
RUNNER = 3  # any other `async def`: a pooled task


class Point(msgspec.Struct, gc=False):
    id: int
    v: float
    name: str


class Upload:
    """An unbounded stream from the client: a deque and one waiter."""

    __slots__ = ("ended", "items", "loop", "waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.items: deque[typing.Any] = deque()
        self.waiter: asyncio.Future[None] | None = None
        self.ended = False
        self.loop = loop

    def put(self, item: typing.Any) -> None:
        self.items.append(item)
        self._wake()

    def close(self) -> None:
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def __aiter__(self) -> Upload:
        return self

    async def __anext__(self) -> typing.Any:
        while not self.items:
            if self.ended:
                raise StopAsyncIteration
            self.waiter = self.loop.create_future()
            await self.waiter
        return self.items.popleft()


class Hub:
    async def add(self, a: int, b: int) -> int:
        return a + b

    def add_sync(self, a: int, b: int) -> int:
        return a + b

    async def add_await(self, a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    async def counter(self, n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i

    async def counter_await(self, n: int) -> AsyncIterator[int]:
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def objs(self, n: int) -> AsyncIterator[Point]:
        for i in range(n):
            yield Point(i, 2.5, "abcdef")

    async def sum(self, stream: Upload) -> int:
        total = 0
        async for item in stream:
            total += item
        return total


class Method:
    __slots__ = ("function", "json_arguments", "kind", "msgpack_arguments")

    def __init__(self, function: Callable[..., typing.Any]) -> None:
        hints = typing.get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)[1:]
        uploads = [name for name in parameters if hints[name] is Upload]
        types = tuple(hints[name] for name in parameters if name not in uploads)
        arguments = tuple[types]  # type: ignore[valid-type]  # built at run time
        suspends = any(
            i.opname in {"GET_AWAITABLE", "GET_AITER", "BEFORE_ASYNC_WITH"} for i in dis.get_instructions(function)
        )
        self.function = function
        self.json_arguments = msgspec.json.Decoder(arguments).decode
        self.msgpack_arguments = msgspec.msgpack.Decoder(arguments).decode
        if inspect.isasyncgenfunction(function):
            self.kind = STREAM
        elif not inspect.iscoroutinefunction(function):
            self.kind = CALL
        else:
            self.kind = RUNNER if uploads or suspends else STEP


METHODS = {name.title().replace("_", ""): Method(f) for name, f in vars(Hub).items() if not name.startswith("_")}
