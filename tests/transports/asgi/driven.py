"""An ASGI server driven by hand, and a handler that writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hubstream.connection.clock import Clock, Member
from hubstream.connection.connection import Connection
from hubstream.transports.asgi.app import Endpoint, HubApp, TransportOptions
from hubstream.transports.asgi.request import Request
from hubstream.types import Message, Scope

CLOSE = {"type": "websocket.close", "code": 1000, "reason": ""}


def scope(kind: str, path: str = "/clock", query: str = "", method: str = "GET", **headers: str) -> dict[str, Any]:
    """A scope as uvicorn makes it; `x_y="…"` is the header `x-y`."""
    made: dict[str, Any] = {
        "type": kind,
        "path": path,
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 5),
    }
    if kind == "http":
        made["method"] = method
    else:
        made["extensions"] = {"websocket.http.response": {}}
    return made


class Handler:
    """Writes down what it is told; `on_received` and the others may be replaced."""

    def __init__(self, connection: Connection | None = None) -> None:
        self.connection = connection
        self.seen: list[object] = []
        self.on_received: Callable[[bytes], None] = lambda data: None
        self.on_read_done: Callable[[], None] = lambda: None
        self.on_writable: Callable[[], None] = lambda: None
        self.before_end: Callable[[], Any] | None = None
        self.heard = asyncio.Event()

    def _note(self, what: object) -> None:
        self.seen.append(what)
        self.heard.set()

    def received(self, data: bytes) -> None:
        self._note(data)
        self.on_received(data)

    def read_done(self) -> None:
        self._note("read done")
        self.on_read_done()

    def writable(self) -> None:
        self._note("writable")
        self.on_writable()

    def reattached(self) -> None:
        raise AssertionError("no transport reattaches yet")

    def lost(self, graceful: bool) -> None:
        self._note(("lost", graceful))

    async def ended(self) -> None:
        if self.before_end is not None:
            await self.before_end()
        self._note("ended")

    async def until(self, what: object) -> None:
        async with asyncio.timeout(5):
            while what not in self.seen:
                self.heard.clear()
                await self.heard.wait()


class Server:
    """One request's `receive` and `send`.

    `room` counts the sends that go at once; then they wait until there is more. `fault` is what the next send raises.
    """

    def __init__(self, *events: Message) -> None:
        self.events: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self.sent: list[Message] = []
        self.fault: Exception | None = None
        self.room = asyncio.Event()
        self.room.set()
        self.in_tasks: list[bool] = []
        for event in events:
            self.events.put_nowait(event)

    def gives(self, *events: Message | Exception) -> None:
        for event in events:
            self.events.put_nowait(event)

    async def receive(self) -> Message:
        event = await self.events.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def send(self, message: Message) -> None:
        self.in_tasks.append(asyncio.current_task() is not None)
        await self.room.wait()
        if self.fault is not None:
            raise self.fault
        self.sent.append(message)

    @property
    def types(self) -> list[str]:
        return [message["type"].removeprefix("websocket.") for message in self.sent]


class Trusted(Server):
    """One whose `send` is stepped, as uvicorn's is."""


Trusted.__module__ = "uvicorn.protocols.websockets.driven"


def text(data: str) -> Message:
    return {"type": "websocket.receive", "text": data}


def gone(code: int) -> Message:
    return {"type": "websocket.disconnect", "code": code}


CONNECT: Message = {"type": "websocket.connect"}


class Watched(Clock):
    """A clock whose members can be seen, and which ticks when told to."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.members: dict[Member, None] = {}

    def add(self, member: Member) -> None:
        self.members[member] = None
        super().add(member)

    def discard(self, member: Member) -> None:
        self.members.pop(member, None)
        super().discard(member)

    def later(self, seconds: float) -> None:
        """The tick that comes then."""
        for member in tuple(self.members):
            if member in self.members:
                member.due(self.loop.time() + seconds)


class Site:
    """An application with endpoints, and its handlers."""

    def __init__(self, *paths: str, options: TransportOptions | None = None) -> None:
        self.clock: Watched = Watched(asyncio.get_running_loop())
        self.handlers: list[Handler] = []
        self.requests: list[Request] = []
        self.ids: list[str] = []
        self.make: Callable[[Connection], Handler] = Handler
        options = options or TransportOptions()
        self.endpoints = {path: Endpoint(path, options, self.connect) for path in paths or ("/clock",)}
        self.app = HubApp(self.endpoints, lambda: self.clock)

    def connect(self, connection: Connection, request: Request, connection_id: str) -> Handler:
        handler = self.make(connection)
        self.handlers.append(handler)
        self.requests.append(request)
        self.ids.append(connection_id)
        return handler

    async def http(self, scope: Scope) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer."""
        server = Server()
        async with asyncio.timeout(5):
            await self.app(scope, server.receive, server.send)
        start, body = server.sent
        assert body.get("more_body", False) is False
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        assert headers["content-length"] == str(len(body["body"]))
        return start["status"], headers, body["body"]

    def websocket(self, server: Server, **more: Any) -> asyncio.Task[None]:
        """The running call for a WebSocket."""
        made = scope("websocket", **more)
        server.events.put_nowait(CONNECT)
        return asyncio.create_task(self.app(made, server.receive, server.send))


async def settle() -> None:
    """Let everything run that can run now."""
    for _ in range(10):
        await asyncio.sleep(0)
