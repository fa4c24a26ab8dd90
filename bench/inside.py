"""Rows that are measured inside one process, without a socket: a hub server called as an ASGI server calls it.

What is left is this package's own work, in thread CPU time, which repeats to a few percent where a whole server does not. Imports
nothing of the package but `HubServer` and what hubs are written with, so that it can run on another tree's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubstream import HubServer, Options

__all__ = ["QUIET", "ROWS", "Client", "Row", "calls", "joined", "loop_factory", "nanoseconds", "stream"]

END = "\x1e"
HANDSHAKE = f'{{"protocol":"json","version":1}}{END}'
IN_FLIGHT = 50
"""Calls in a frame."""
FAN = 1_000
QUIET: Options = {"keep_alive": 3_600, "client_timeout": 7_200}
"""No pings: they would count as answers."""
PATIENCE = 60
"""Seconds a row may take."""


class Client:
    """One WebSocket as uvicorn presents it, with the client on the other side."""

    # By its module this is known for a server whose `send` may be stepped, as uvicorn's is.
    __module__ = "uvicorn.protocols.websockets.bench"

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._messages: deque[dict[str, Any]] = deque([{"type": "websocket.connect"}])
        self._waiter: asyncio.Future[None] | None = None
        self.newest = ""
        """What was sent to it last."""
        self._records = 0
        self._wanted = 0
        self._there: asyncio.Future[None] | None = None

    async def receive(self) -> dict[str, Any]:
        """ASGI's."""
        if not self._messages:
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._messages.popleft()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's."""
        self.newest = text = message.get("text", "")
        self._records += text.count(END)
        if self._there is not None and self._records >= self._wanted:
            self._there.set_result(None)
            self._there = None

    def say(self, text: str) -> None:
        """One frame."""
        self._put({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        """The connection is lost."""
        self._put({"type": "websocket.disconnect", "code": 1000})

    def _put(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        if self._waiter is not None:
            self._waiter.set_result(None)
            self._waiter = None

    async def take(self, count: int) -> None:
        """Wait for so many records."""
        self._wanted += count
        if self._records < self._wanted:
            self._there = self._loop.create_future()
            await self._there


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"bench"), (b"authorization", b"Bearer bench")],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
        "state": {},
        "extensions": {},
    }


@contextlib.asynccontextmanager
async def joined(hubs: HubServer, path: str, count: int = 1) -> AsyncGenerator[list[Client]]:
    """Clients whose handshake is done."""
    clients = [Client() for _ in range(count)]
    calls = [asyncio.ensure_future(hubs(_scope(path), client.receive, client.send)) for client in clients]
    try:
        async with asyncio.timeout(PATIENCE):
            for client in clients:
                client.say(HANDSHAKE)
                await client.take(1)
        yield clients
    finally:
        for client in clients:
            client.leave()
        await asyncio.gather(*calls)


def _call(method: str, *arguments: Any, type: int = 1, id: str | None = "100000", **more: Any) -> str:
    message = {"type": type, "target": method, "arguments": arguments, **more}
    return json.dumps(message | ({"invocationId": id} if id else {}), separators=(",", ":")) + END


@dataclass(frozen=True)
class Row:
    """One row: what clients say and wait for, so often."""

    title: str
    work: Callable[[Sequence[Client]], Awaitable[int]]
    """Says how many items were handled."""
    clients: int = 1


def calls(
    method: str, *arguments: Any, frames: int = 20, in_flight: int = IN_FLIGHT, clients: int = 1, type: int = 1
) -> Row:
    """Frames of calls, one after the other's answers; with type 4, of streams of one item."""
    frame = "".join(_call(method, *arguments, type=type, id=str(100_000 + n)) for n in range(in_flight))
    answers = in_flight if type == 1 else 2 * in_flight
    title = f"{method}, {f'{in_flight} in flight' if in_flight > 1 else 'one at a time'}"

    async def work(clients: Sequence[Client]) -> int:
        for _ in range(frames):
            for client in clients:
                client.say(frame)
            for client in clients:
                await client.take(answers)
        return frames * in_flight * len(clients)

    return Row(f"{title}, {clients} clients" if clients > 1 else title, work, clients)


def stream(method: str, count: int) -> Row:
    """One stream to the client."""

    async def work(clients: Sequence[Client]) -> int:
        [client] = clients
        client.say(_call(method, count, type=4))
        await client.take(count + 1)
        return count

    return Row(f"{method}, an item", work)


def streams(method: str, count: int, clients: int) -> Row:
    """One stream to each client."""

    async def work(clients: Sequence[Client]) -> int:
        for client in clients:
            client.say(_call(method, count, type=4))
        for client in clients:
            await client.take(count + 1)
        return count * len(clients)

    return Row(f"{method}, an item, {clients} streams", work, clients)


def upload(method: str, count: int, in_frame: int) -> Row:
    """One stream from the client."""
    frame = f'{{"type":2,"invocationId":"s1","item":7}}{END}' * in_frame

    async def work(clients: Sequence[Client]) -> int:
        [client] = clients
        client.say(_call(method, streamIds=["s1"]))
        for _ in range(count // in_frame):
            client.say(frame)
        client.say(f'{{"type":3,"invocationId":"s1"}}{END}')
        await client.take(1)
        return count

    return Row(f"{method}, an item, {in_frame} a frame", work)


def _fan_out(method: str, count: int) -> Row:
    async def work(clients: Sequence[Client]) -> int:
        for _ in range(count):
            clients[0].say(_call(method, "hello " * 8, id=None))
            for client in clients:
                await client.take(1)
        return count * len(clients)

    return Row(f"{method} to {FAN}, each", work, FAN)


ROWS = {
    "one": calls("Add", 1, 2, frames=500, in_flight=1),
    "def": calls("AddSync", 1, 2),
    "step": calls("Add", 1, 2),
    "task": calls("AddAwait", 1, 2),
    "task50": calls("AddAwait", 1, 2, frames=2, in_flight=20, clients=50),
    "stream": stream("Counter", 20_000),
    "objs": stream("Objs", 10_000),
    "saw": stream("CounterAwait", 2_000),
    "saw50": streams("CounterAwait", 40, 50),
    "chan": stream("CounterChannel", 5_000),
    "up1": upload("Sum", 2_000, 1),
    "up64": upload("Sum", 6_400, 64),
    "fan": _fan_out("Broadcast", 5),
}


async def nanoseconds(row: Row, clients: Sequence[Client]) -> float:
    """Thread CPU time of one item."""
    gc.collect()
    async with asyncio.timeout(PATIENCE):
        start = time.thread_time_ns()
        items = await row.work(clients)
        spent = time.thread_time_ns() - start
    refused = [client.newest for client in clients if '"error"' in client.newest]
    if refused:
        raise RuntimeError(f"{row.title}: {refused[0][-200:]}")
    return spent / items


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """As uvicorn chooses it."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        factory = asyncio.new_event_loop
    return factory
