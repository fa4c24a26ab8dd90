"""The hub the blocking client is tried on, on uvicorn in a thread, and what it has seen."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import uvicorn

from hubstream import Hub, HubError, HubServer, hub_method

__all__ = ["LIMIT", "Works", "go_on", "heard", "seen", "served"]

LIMIT = 10.0
"""Seconds for anything at all."""

seen: Queue[Any] = Queue()
"""What the hub's methods note."""
servers: list[uvicorn.Server] = []
go_on = threading.Event()
"""What `hesitant` and `first` wait for."""


class Works(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        seen.put(("gone", self.context.connection_id))

    async def add(self, a: int, b: int) -> int:
        return a + b

    async def fail(self, text: str) -> None:
        raise HubError(text, "broken")

    @hub_method(cancel_on_disconnect=True)
    async def wait(self) -> None:
        seen.put("waiting")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.put("cancelled")
            raise

    async def counter(self, count: int, first: int = 0) -> AsyncIterator[int]:
        for n in range(first, count):
            yield n

    async def failing(self, count: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n
        raise HubError("no more")

    async def mixed(self) -> AsyncIterator[Any]:
        for item in (1, 2, "three", 4):
            yield item

    async def blocks(self, count: int) -> AsyncIterator[bytes]:
        n = 0
        try:
            for n in range(count):  # noqa: B007 - how far it came
                yield bytes(16_384)
        finally:
            seen.put(("blocks", n))

    async def forever(self) -> AsyncIterator[int]:
        try:
            n = 0
            while True:
                yield n
                n += 1
                await asyncio.sleep(0.001)
        finally:
            seen.put("stopped")

    async def rare(self) -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.sleep(60)
        finally:
            seen.put("stopped")

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([n async for n in numbers])

    async def both(self, left: AsyncIterator[int], right: AsyncIterator[int]) -> list[int]:
        return [sum([n async for n in left]), sum([n async for n in right])]

    async def first(self, numbers: AsyncIterator[int], later: bool = False) -> int:
        n = await anext(numbers)
        if later:
            await asyncio.to_thread(go_on.wait, LIMIT)
        return n

    async def hesitant(self, pieces: AsyncIterator[bytes]) -> int:
        got = len(await anext(pieces))
        seen.put("hesitates")
        await asyncio.to_thread(go_on.wait, LIMIT)
        return got + sum([len(piece) async for piece in pieces])

    async def double(self, numbers: AsyncIterator[int]) -> AsyncIterator[int]:
        async for n in numbers:
            yield 2 * n

    async def size(self, pieces: AsyncIterator[bytes]) -> int:
        return sum([len(piece) async for piece in pieces])

    async def say(self, name: str, texts: list[str]) -> None:
        for text in texts:
            await self.clients.caller.send(name, text)

    async def ask(self, question: str) -> str:
        return await self.clients.caller.invoke("answer", question, result=str)

    async def who(self) -> str | None:
        return self.context.request.token

    async def cut(self) -> None:
        connections: Any = servers[-1].server_state.connections
        for connection in list(connections):
            connection.transport.abort()


def heard(what: object) -> Any:
    """Wait until the hub notes that, or something that begins with it; what it noted before is of other connections."""
    while True:
        noted: Any = seen.get(timeout=LIMIT)
        if what in (noted, noted[0]):
            return noted


@contextmanager
def served() -> Generator[str]:
    """The hub's URL while the block runs."""
    hubs = HubServer({"/works": Works}, max_message_size=200_000)
    server = uvicorn.Server(uvicorn.Config(hubs, lifespan="off", log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        servers.append(server)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}/works"
        finally:
            server.should_exit = True
            thread.join(LIMIT)
            assert not thread.is_alive()
