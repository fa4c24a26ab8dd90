"""A WebSocket to the server, as a `Connection` (spec 2.1).

A frame goes from the socket to the handler with one task between them, and out without one while the socket takes it. Imports
`connection` and this room.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import ClassVar, Final, cast

import aiohttp
from aiohttp import WSMsgType
from typing_extensions import override

from hubstream.connection.connection import ConnectionHandler
from hubstream.connection.task import start_task
from hubstream.errors import TransportError
from hubstream.transports.client.carrier import CLOSING, OPEN, Carrier
from hubstream.transports.client.requests import Requests
from hubstream.transports.stepping import Steps, finish, steps

__all__ = ["WebSocketConnection", "open_websocket"]

logger = logging.getLogger("hubstream.transport")

ROW: Final = 256
"""Messages handled in a row before the event loop gets its turn; one read of the socket may hold thousands."""
GRACEFUL: Final = frozenset({1000, 1001})
DATA: Final = frozenset({WSMsgType.TEXT, WSMsgType.BINARY})
BROKEN: Final = (aiohttp.ClientError, OSError, RuntimeError)
"""What aiohttp raises where it cannot write."""


class WebSocketConnection(Carrier):
    """One open WebSocket.

    Bytes that the server does not take wait in the socket's own buffer: at 64 KiB and the frame that filled it the connection is
    `paused`.

    Args:
        requests: Its own: closed with it.
        socket: What `Requests.upgrade` gave.
    """

    _name: ClassVar[str] = "a WebSocket"
    transport: str = "WebSockets"
    binary_capable: bool = True
    inherent_keep_alive: bool = False

    def __init__(self, requests: Requests, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        super().__init__(requests)
        self._socket = socket
        # Its limit is 256 KiB before it looks whether the socket is full: it is to look at every frame.
        writer = socket._writer  # pyright: ignore[reportPrivateUsage]
        writer._limit = 0  # pyright: ignore[reportPrivateUsage]
        self._send = writer.send_frame
        self._send_close = writer.close
        self._response = socket._response  # pyright: ignore[reportPrivateUsage]
        self._opcode = WSMsgType.TEXT
        self._pending: deque[tuple[bytes, WSMsgType]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._answer = False  # the server has closed, and was not answered yet

    @override
    def use_binary(self, binary: bool) -> None:
        self._opcode = WSMsgType.BINARY if binary else WSMsgType.TEXT

    @override
    def write(self, data: bytes) -> None:
        if self._state:
            return
        if self._writing is not None:
            self._pending.append((data, self._opcode))
            return
        sending = steps(self._send(data, self._opcode))
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except BROKEN as error:
            self._unwritable(error)
            return
        self.paused = True
        self._writing = start_task(self._loop, self._write_on(sending, waits_for))

    async def _write_on(self, sending: Steps, waits_for: object) -> None:
        try:
            await finish(sending, waits_for)
            while self._pending:
                await self._send(*self._pending.popleft())
        except BROKEN as error:
            self._unwritable(error)
            return
        finally:
            self._writing = None
        if self._state == OPEN:
            self._writable()

    def _unwritable(self, error: Exception) -> None:
        """What the server had sent before is still read, up to the end."""
        logger.debug("a WebSocket cannot be written: %r", error)
        self.paused = True
        self._pending.clear()

    @override
    async def _read(self, handler: ConnectionHandler) -> bool:
        receive = self._socket.receive
        row = 0
        while self._state == OPEN:
            if row and (row >= ROW or not self._reading):
                row = 0
                handler.read_done()
                await asyncio.sleep(0)
            if not self._reading:
                await self._held()
                continue
            receiving = steps(receive())
            try:
                waits_for = receiving.send(None)
            except StopIteration as end:
                message = cast(aiohttp.WSMessage, end.value)
            else:
                # Nothing is left of what one read of the socket gave.
                if row:
                    row = 0
                    handler.read_done()
                message = cast(aiohttp.WSMessage, await finish(receiving, waits_for))
            if message.type in DATA:
                row += 1
                if message.data:
                    handler.received(cast(bytes, message.data))
            else:
                if row:
                    handler.read_done()
                return self._peer_ended(message.type, message.data)
        return False

    def _peer_ended(self, kind: WSMsgType, code: object) -> bool:
        if kind is WSMsgType.CLOSE:
            self._answer = self._state != CLOSING
            if code not in GRACEFUL:
                self.failure = TransportError(f"The server closed the WebSocket with code {code}.")
            return code in GRACEFUL
        failure = self._socket.exception()
        self.failure = (
            failure if isinstance(failure, Exception) else TransportError("The WebSocket ended without a Close.")
        )
        logger.debug("a WebSocket has failed: %r", failure or kind)
        return False

    @override
    async def _shut(self) -> bool:
        if self._writing is not None:
            await asyncio.wait({self._writing})
        # Not by aiohttp's own close: called out of its `receive`, it does not wait for the server's answer.
        await self._send_close(1000)
        while (message := await self._socket.receive()).type in DATA:
            pass
        return self._peer_ended(message.type, message.data)

    @override
    async def _end(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait({self._writing})
        try:
            if self._answer:
                await self._send_close(1000)
        finally:
            self._response.close()


async def open_websocket(requests: Requests, url: str) -> WebSocketConnection:
    """Open a WebSocket at `url`.

    Raises:
        aiohttp.ClientError: It was refused or not answered.
        TimeoutError: Not in time.
    """
    return WebSocketConnection(requests, await requests.upgrade(url))
