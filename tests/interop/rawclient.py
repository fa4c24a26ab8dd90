"""A JSON hub client on raw sockets, for tests by the thousand: cheap to open, reads when told to, ends in any way."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections import deque
from collections.abc import Mapping
from typing import Any

from tests.interop.rawhttp import RawEvents, RawPolls
from tests.interop.rawsocket import RawSocket

__all__ = ["TRANSPORTS", "RawHub", "settled", "standstill", "stats"]

Raw = RawSocket | RawEvents | RawPolls

TRANSPORTS: dict[str, type[Raw]] = {"WebSockets": RawSocket, "ServerSentEvents": RawEvents, "LongPolling": RawPolls}

RS = "\x1e"
PING = {"type": 6}

WAIT = 10.0
"""Seconds any one answer may take."""

STEADY = 100
"""Objects by which two looks at an idle server may differ."""

ENDING = 15.0
"""Seconds after which the server has noticed that its clients are gone and has ended what they had."""


class RawHub:
    """One hub connection; `open` makes it."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self._messages: deque[dict[str, Any]] = deque()
        self._last_id = 0

    @classmethod
    async def open(
        cls, url: str, path: str = "/conformance", receive_buffer: int | None = None, transport: str = "WebSockets"
    ) -> RawHub:
        """Connect, with WebSockets without negotiation, and shake hands."""
        async with asyncio.timeout(WAIT):
            raw = await TRANSPORTS[transport].open(url, path, receive_buffer=receive_buffer)
            if isinstance(raw, RawSocket):
                assert raw.status == 101, f"{path}: status {raw.status}"
            hub = cls(raw)
            await raw.send('{"protocol":"json","version":1}' + RS)
            reply = await hub.next()
            assert reply == {}, reply
            return hub

    async def send(self, *messages: dict[str, Any]) -> None:
        """Send hub messages as one frame."""
        await self.raw.send("".join(json.dumps(message) + RS for message in messages))

    async def next(self) -> dict[str, Any]:
        """The next hub message that is no ping."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                if message != PING:
                    return message
            received = await self.raw.receive(WAIT)
            assert received is not None, f"no message within {WAIT} s, closed: {self.raw.closed}"
            self._messages.extend(json.loads(record) for record in received[1].decode().split(RS)[:-1])

    async def ping(self) -> None:
        """Send a hub ping: from then on the server times this client out when it is silent (spec 8.2)."""
        await self.send(PING)

    async def invoke(self, target: str, *arguments: object) -> Any:
        """Call a method and wait for its result; no stream may be running."""
        call = self._id()
        await self.send({"type": 1, "invocationId": call, "target": target, "arguments": arguments})
        answer = await self.next()
        assert answer.get("invocationId") == call, answer
        assert "error" not in answer, answer
        return answer.get("result")

    async def stream(self, target: str, *arguments: object) -> str:
        """Ask for a stream; its invocation id."""
        call = self._id()
        await self.send({"type": 4, "invocationId": call, "target": target, "arguments": arguments})
        return call

    async def item(self, call: str) -> Any:
        """The next item of the stream `call`, which must be the next message."""
        message = await self.next()
        assert message["type"] == 2, message
        assert message["invocationId"] == call, message
        return message["item"]

    async def cancel(self, *calls: str) -> None:
        """Cancel streams."""
        await self.send(*({"type": 5, "invocationId": call} for call in calls))

    def _id(self) -> str:
        self._last_id += 1
        return str(self._last_id)


async def stats(url: str) -> dict[str, int]:
    """What `GET /stats` of the conformance server at `url` counts."""
    server = urllib.parse.urlsplit(url)
    async with asyncio.timeout(WAIT):
        reader, writer = await asyncio.open_connection(server.hostname, server.port)
        try:
            writer.write(f"GET /stats HTTP/1.1\r\nHost: {server.netloc}\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    counts: dict[str, int] = json.loads(body)
    return counts


async def settled(
    url: str, before: dict[str, int], *, sockets: bool = True, more: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Wait until no more is alive in the server than `before`, and its objects stay as many; what it counts then.

    Args:
        sockets: Whether its open sockets are counted too.
        more: Further counts to look at, and by how much each may have grown.
    """
    allowed = {"connections": 0, "records": 0, "tasks": 0, "generators": 0, **(more or {})}
    if sockets:
        allowed["sockets"] = 0
    deadline = asyncio.get_running_loop().time() + ENDING
    last = before
    while True:
        now = await stats(url)
        left = {name: now[name] - before[name] for name in allowed if now[name] - before[name] > allowed[name]}
        # What a server has closed it may drop an iteration later.
        if not left and abs(now["objects"] - last["objects"]) < STEADY:
            return now
        last = now
        assert asyncio.get_running_loop().time() < deadline, f"left behind after {ENDING} s: {left}"
        await asyncio.sleep(0.1)


async def standstill(observer: RawHub, reads: int = 10) -> int:
    """How many items the floods of the server have produced, once no more come between so many looks, 50 ms apart."""
    produced, same = -1, 0
    async with asyncio.timeout(WAIT):
        while same < reads:
            now = await observer.invoke("Produced")
            same = same + 1 if now == produced else 0
            produced = now
            await asyncio.sleep(0.05)
    return produced
