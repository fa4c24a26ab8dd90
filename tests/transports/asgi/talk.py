"""A hub's raw JSON client on each transport, its requests driven by hand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hubstream import HubServer
from hubstream.types import Message
from tests.transports.asgi.driven import CONNECT, Trusted, gone, scope
from tests.transports.asgi.exchange import GONE, LIMIT, TrustedHTTP, body

TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"]
HANDSHAKE = '{"protocol":"json","version":1}\x1e'
PING = {"type": 6}


class Request:
    """One HTTP request to a hub server; its call runs."""

    def __init__(self, hubs: HubServer, method: str, path: str, query: str, *events: Message, **headers: str) -> None:
        self.server = TrustedHTTP()
        self.server.gives(*(events or (body(),)))
        made = scope("http", path, query, method, **headers)
        self.call = asyncio.create_task(hubs(made, self.server.receive, self.server.send))

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(LIMIT):
            await self.call
        start, *rest = self.server.sent
        return start["status"], b"".join(message["body"] for message in rest)


class Talk:
    """One client of a hub at `/hub`."""

    def __init__(self, hubs: HubServer, transport: str) -> None:
        self.hubs = hubs
        self.transport = transport
        self.token = ""
        self.messages: list[dict[str, Any]] = []
        """What has come, without pings."""
        self.pings = 0
        self.polls = True
        """Long polling: the next poll follows each answer."""
        self.polled = 0
        """How many polls were answered."""
        self.ended: list[object] = []
        """How the transport ended: the WebSocket's close code, the event stream's last chunk, the last poll's status."""
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.down: Trusted | TrustedHTTP = Trusted() if transport == "WebSockets" else TrustedHTTP()

    async def negotiate(self) -> dict[str, Any]:
        status, answer = await Request(self.hubs, "POST", "/hub/negotiate", "negotiateVersion=1").answer()
        assert status == 200
        found: dict[str, Any] = json.loads(answer)
        self.token = found.get("connectionToken", "")
        return found

    async def start(self, handshake: str | None = HANDSHAKE) -> Talk:
        await self.negotiate()
        self.down.gives(CONNECT if self.transport == "WebSockets" else body())
        self._reader = asyncio.create_task(self._poll() if self.transport == "LongPolling" else self._read())
        if handshake is not None:
            if self.transport == "LongPolling":
                await self.until(lambda: self.polled)
            await self.say(handshake)
            assert await self.next() == {}
        return self

    async def say(self, *texts: dict[str, Any] | str) -> int:
        """Send, as one frame or POST; the status."""
        data = "".join(t if isinstance(t, str) else json.dumps(t) + "\x1e" for t in texts)
        if self.transport == "WebSockets":
            self.down.gives({"type": "websocket.receive", "text": data})
            return 200
        post = Request(self.hubs, "POST", "/hub", f"id={self.token}", body(data.encode()))
        return (await post.answer())[0]

    async def next(self) -> dict[str, Any]:
        await self.until(lambda: self.messages)
        return self.messages.pop(0)

    async def rest(self) -> list[dict[str, Any]]:
        """All messages up to the end of the transport."""
        await self.until(lambda: self.ended)
        return self.messages

    async def vanish(self) -> None:
        """The client goes, without a word."""
        self.polls = False
        self.down.gives(gone(1006) if self.transport == "WebSockets" else GONE)
        await self.finish()

    async def finish(self) -> None:
        """The calls that carried it have ended."""
        if self._reader is not None:
            async with asyncio.timeout(LIMIT):
                await self._reader

    async def finish_polling(self) -> None:
        """The poll that waits is answered."""
        await self.finish()
        self._reader = None

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _take(self, data: str) -> None:
        for record in data.split("\x1e")[:-1]:
            message = json.loads(record)
            if message == PING:
                self.pings += 1
            else:
                self.messages.append(message)
        self._news.set()

    async def _read(self) -> None:
        down, query = self.down, f"id={self.token}"
        original = down.send

        async def heard(message: Message) -> None:
            await original(message)
            kind = message["type"]
            if kind == "websocket.send":
                self._take(message["text"])
            elif kind == "websocket.close":
                self.ended.append(message["code"])
                down.gives(gone(1000))
            elif kind == "http.response.body":
                data = message["body"].decode()
                if data not in {"", ":\r\n"}:
                    self._take(data.removeprefix("data: ").removesuffix("\r\n\r\n"))
                if not message.get("more_body"):
                    self.ended.append("end")
            self._news.set()

        if self.transport == "WebSockets":
            made = scope("websocket", "/hub", query)
        else:
            made = scope("http", "/hub", query, accept="text/event-stream")
        await self.hubs(made, down.receive, heard)
        if not self.ended:
            self.ended.append("gone")
            self._news.set()

    async def _poll(self) -> None:
        while self.polls:
            down = self.down = TrustedHTTP()
            down.gives(body())
            await self.hubs(scope("http", "/hub", f"id={self.token}"), down.receive, down.send)
            start, *rest = down.sent
            self.polled += 1
            self._take(b"".join(message["body"] for message in rest).decode())
            if start["status"] != 200:
                if self.polls:
                    self.ended.append(start["status"])
                    self._news.set()
                return
