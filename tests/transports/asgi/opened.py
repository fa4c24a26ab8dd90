"""An open connection on a server driven by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hubstream.connection.connection import Connection
from hubstream.transports.asgi.websocket import WebSocketConnection
from hubstream.types import Message
from tests.transports.asgi.driven import Handler, Server, Site, Trusted, gone, settle


class Open:
    """An open connection on a server driven by hand."""

    def __init__(self, server: Server, make: Callable[[Connection], Handler]) -> None:
        self.site = Site()
        self.site.make = make
        self.server = server
        self.call = self.site.websocket(server)

    @property
    def handler(self) -> Handler:
        return self.site.handlers[0]

    @property
    def connection(self) -> WebSocketConnection:
        connection = self.handler.connection
        assert isinstance(connection, WebSocketConnection)
        return connection

    @property
    def sent(self) -> list[Message]:
        """After the accept."""
        return self.server.sent[1:]

    @property
    def payloads(self) -> list[object]:
        return [message.get("text", message.get("bytes")) for message in self.sent if message["type"].endswith("send")]

    async def done(self) -> None:
        async with asyncio.timeout(5):
            await self.call
        assert self.handler.seen[-1] == "ended"
        assert self.site.app.records == 0
        assert len(asyncio.all_tasks()) == 1

    async def over(self, code: int = 1000) -> None:
        self.server.gives(gone(code))
        await self.done()


async def opened(server: Server | None = None, make: Callable[[Connection], Handler] = Handler) -> Open:
    made = Open(server or Trusted(), make)
    await settle()
    return made


KINDS = [Trusted, Server]


class Cut(Trusted):
    """Has a transport that can be reset."""

    def __init__(self) -> None:
        super().__init__()
        self.transport = self
        self.aborts = 0

    def abort(self) -> None:
        self.aborts += 1


Cut.__module__ = Trusted.__module__
