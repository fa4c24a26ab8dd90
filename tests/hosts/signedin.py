"""A signed-in JSON client of a hub over aiohttp, on any transport, with the token where one wants it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

__all__ = ["TRANSPORTS", "SignedIn", "Where", "signed_in"]

TRANSPORTS = ("WebSockets", "ServerSentEvents", "LongPolling")
HANDSHAKE = '{"protocol":"json","version":1}\x1e'
LIMIT = 10.0

Where = dict[str, Any]
"""Arguments of every request: `headers`, `params`, `cookies`."""


class SignedIn:
    """One connection."""

    def __init__(self, session: aiohttp.ClientSession, url: str, transport: str, where: Where) -> None:
        self._session = session
        self._url = url
        self._transport = transport
        self._where = where
        self.token = ""
        """The secret of the connection."""
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.ended = asyncio.Event()
        """There is nothing more to read."""

    async def open(self) -> None:
        """Negotiate, attach, shake hands.

        Raises:
            aiohttp.ClientResponseError: The negotiation, or what follows, was refused.
        """
        async with self._session.post(f"{self._url}/negotiate", **self._with(negotiateVersion="1")) as answer:
            answer.raise_for_status()
            self.token = (await answer.json())["connectionToken"]
        self._where = self._with(id=self.token)
        if self._transport == "WebSockets":
            self._socket = await self._session.ws_connect(self._url, **self._where)

    async def read(self) -> None:
        """Read until the end."""
        try:
            if self._socket is not None:
                async for message in self._socket:
                    self._take(message.data)
            elif self._transport == "ServerSentEvents":
                where: Where = {
                    **self._where,
                    "headers": {**self._where.get("headers", {}), "accept": "text/event-stream"},
                }
                async with self._session.get(self._url, **where) as answer:
                    async for line in answer.content:
                        self._take(line.decode().rstrip("\r\n").removeprefix("data: "))
            else:
                while True:
                    async with self._session.get(self._url, **self._where) as answer:
                        if answer.status != 200:
                            return
                        self._take(await answer.text())
        finally:
            self.ended.set()

    async def close(self) -> None:
        """End the WebSocket; what else was open ended with its reading."""
        if self._socket is not None:
            await self._socket.close()

    def _take(self, data: str) -> None:
        for record in data.split("\x1e")[:-1]:
            self._messages.put_nowait(json.loads(record))

    async def say(self, text: str) -> None:
        """Send records."""
        if self._socket is not None:
            await self._socket.send_str(text)
            return
        async with self._session.post(self._url, data=text.encode(), **self._where) as answer:
            answer.raise_for_status()

    async def next(self) -> dict[str, Any]:
        """The next message that is no ping."""
        async with asyncio.timeout(LIMIT):
            while (message := await self._messages.get()) == {"type": 6}:
                pass
        return message

    async def call(self, target: str, *arguments: object) -> Any:
        """The result of a call, or the text of its error."""
        await self.say(json.dumps({"type": 1, "invocationId": "1", "target": target, "arguments": arguments}) + "\x1e")
        answer = await self.next()
        return answer["error"] if "error" in answer else answer["result"]

    def _with(self, **params: str) -> Where:
        return {**self._where, "params": {**self._where.get("params", {}), **params}}


@asynccontextmanager
async def signed_in(url: str, transport: str, where: Where | None = None) -> AsyncGenerator[SignedIn]:
    """A connection while the block runs; `where` goes along with every request."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LIMIT)) as session:
        client = SignedIn(session, url, transport, where or {})
        await client.open()
        reading = asyncio.create_task(client.read())
        try:
            await client.say(HANDSHAKE)
            assert await client.next() == {}
            yield client
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            await client.close()
