"""The yardstick's "plain" column: an ASGI application, for stock uvicorn.

    python -m uvicorn bench.prototype.asgi:app --ws websockets-sansio

No task writes: what is gathered becomes one `send()` coroutine, which is stepped on the spot and finishes unless the
transport is paused. Only servers whose `send()` is a real coroutine can be served that way; others are refused here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from types import CoroutineType, coroutine
from typing import Any

from bench.prototype.connection import Connection

PAUSE_ABOVE = 262144  # bytes not yet given to the server
FLUSH_ABOVE = 65536


@coroutine
def go_on(coro: CoroutineType[Any, Any, None], future: Any) -> Generator[Any, Any, None]:
    """Drive a coroutine that was stepped once and waits for `future`."""
    try:
        yield future
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the coroutine's
        try:
            future = coro.throw(error)
        except StopIteration:
            return
        yield from go_on(coro, future)
        return
    yield from coro


class Output:
    __slots__ = ("busy", "connection", "loop", "queue", "scheduled", "send", "size")

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]], loop: asyncio.AbstractEventLoop) -> None:
        self.send = send
        self.loop = loop
        self.queue: list[bytes] = []
        self.size = 0
        self.scheduled = False
        self.busy: asyncio.Task[None] | None = None  # a send() that suspended
        self.connection = Connection(self.write, loop)

    def write(self, data: bytes) -> None:
        self.queue.append(data)
        self.size += len(data)
        if self.size > PAUSE_ABOVE:
            self.connection.pause()
        if self.busy is None:
            if self.size > FLUSH_ABOVE:
                self.flush()
            elif not self.scheduled:
                self.scheduled = True
                self.loop.call_soon(self.tick)

    def tick(self) -> None:
        self.scheduled = False
        if self.queue and self.busy is None:
            self.flush()

    def flush(self) -> None:
        queue = self.queue
        data = b"".join(queue) if len(queue) > 1 else queue[0]
        queue.clear()
        self.size = 0
        connection = self.connection
        if connection.binary and data[0] != 123:  # the handshake's answer is text
            message: dict[str, Any] = {"type": "websocket.send", "bytes": data}
        else:
            message = {"type": "websocket.send", "text": data.decode()}
        sending = self.send(message)
        if type(sending) is not CoroutineType:
            raise TypeError("the yardstick runs on servers whose send() is a coroutine")
        try:
            future = sending.send(None)
        except StopIteration:
            if connection.paused:
                connection.resume()
            return
        self.busy = self.loop.create_task(self.finish(sending, future))

    async def finish(self, sending: CoroutineType[Any, Any, None], future: Any) -> None:
        await go_on(sending, future)
        self.busy = None
        if self.queue:
            self.flush()
        if self.connection.paused and self.size < FLUSH_ABOVE:
            self.connection.resume()


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    output = Output(send, asyncio.get_running_loop())
    feed = output.connection.feed
    try:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            feed(text.encode() if text is not None else message["bytes"], True)
    finally:
        if output.busy is not None:
            output.busy.cancel()
