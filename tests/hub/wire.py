"""A client that says exactly what a test has it say, in JSON over a memory pair, and keeps every answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from hubstream import Hub, HubServer, Request, User
from hubstream.connection.memory import MemoryConnection, pair
from hubstream.hub.connection import ServerConnection

LIMIT = 5.0
HANDSHAKE = '{"protocol":"json","version":1}\x1e'


class Wire:
    """The client's end."""

    def __init__(self, connection: MemoryConnection, far: MemoryConnection) -> None:
        self.connection = connection
        self.far = far
        """The server's end."""
        self.server: ServerConnection
        self.messages: list[dict[str, Any]] = []
        """What has come and was not taken, pings included."""
        self.lost_gracefully: bool | None = None
        self._news = asyncio.Event()

    # -- as a handler

    def received(self, data: bytes) -> None:
        assert data.endswith(b"\x1e"), "a frame ends at a message boundary"
        self.messages += [json.loads(record) for record in data.split(b"\x1e")[:-1]]
        self._news.set()

    def read_done(self) -> None: ...
    def writable(self) -> None: ...
    def reattached(self) -> None: ...

    def lost(self, graceful: bool) -> None:
        self.lost_gracefully = graceful
        self._news.set()

    async def ended(self) -> None: ...

    # -- for the test

    def say(self, *messages: dict[str, Any] | str) -> None:
        """Send, as one frame."""
        self.connection.write(b"".join(m.encode() if isinstance(m, str) else encoded(m) for m in messages))

    def call(self, target: str, *arguments: Any, id: str | None = "1", streams: list[str] | None = None) -> None:
        self.say(call(target, *arguments, id=id, streams=streams))

    def stream(self, target: str, *arguments: Any, id: str = "1", streams: list[str] | None = None) -> None:
        self.say(stream(target, *arguments, id=id, streams=streams))

    async def next(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(LIMIT):
            while not self.messages:
                assert self.lost_gracefully is None, "the connection has ended"
                self._news.clear()
                await self._news.wait()
        return self.messages.pop(0)

    async def take(self, count: int) -> list[dict[str, Any]]:
        """The next messages."""
        return [await self.next() for _ in range(count)]

    def alive(self) -> bool:
        """Whether the connection has not ended yet."""
        return self.lost_gracefully is None

    async def closed(self) -> bool:
        """Wait for the end of the connection; whether it was graceful."""
        async with asyncio.timeout(LIMIT):
            while self.lost_gracefully is None:
                self._news.clear()
                await self._news.wait()
        return self.lost_gracefully

    def end(self) -> None:
        self.connection.close()


def encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\x1e"


def call(target: str, *arguments: Any, id: str | None = "1", streams: list[str] | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {"type": 1, "target": target, "arguments": list(arguments)}
    if id is not None:
        message["invocationId"] = id
    if streams is not None:
        message["streamIds"] = streams
    return message


def stream(target: str, *arguments: Any, id: str = "1", streams: list[str] | None = None) -> dict[str, Any]:
    return {**call(target, *arguments, id=id, streams=streams), "type": 4}


def item(stream_id: str, value: Any) -> dict[str, Any]:
    return {"type": 2, "invocationId": stream_id, "item": value}


def done(stream_id: str, error: str | None = None) -> dict[str, Any]:
    return {"type": 3, "invocationId": stream_id, **({} if error is None else {"error": error})}


def cancel(invocation_id: str) -> dict[str, Any]:
    return {"type": 5, "invocationId": invocation_id}


def result(invocation_id: str, value: Any = None) -> dict[str, Any]:
    return {"type": 3, "invocationId": invocation_id, "result": value}


PING = {"type": 6}


def attached(hubs: HubServer, hub: str | type[Hub[Any]] = "/hub", user: User | None = None) -> Wire:
    """A raw client of a hub, before its handshake."""
    near, far = pair(asyncio.get_running_loop())
    wire = Wire(near, far)
    wire.server = hubs.attach(hub, far, Request({"type": "websocket", "path": "/"}, user))
    far.attach(wire.server)
    near.attach(wire)
    return wire


@asynccontextmanager
async def raw(
    server: HubServer | type[Hub[Any]], *, handshake: str | None = HANDSHAKE, user: User | None = None
) -> AsyncGenerator[Wire]:
    """A raw client of a server's only hub; both ends have ended at the end of the block."""
    hubs = server if isinstance(server, HubServer) else HubServer({"/hub": server})
    wire = attached(hubs, user=user)
    if handshake is not None:
        wire.say(handshake)
        assert await wire.next() == {}
    try:
        yield wire
    finally:
        wire.end()
        await wire.closed()
        async with asyncio.timeout(LIMIT):
            await wire.far.ended.wait()
            await wire.server.ended()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that needs no more than the loop's turns."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)


async def turns(count: int = 10) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)
