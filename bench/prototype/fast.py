"""The yardstick's "fast" column: a WebSocket class of its own inside uvicorn, from socket to hub without ASGI events.

python -m uvicorn bench.prototype.asgi:app --ws bench.prototype.fast:WebSocket
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

from websockets.speedups import apply_mask

from bench.prototype.connection import Connection

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BIG = 65536  # a frame above it that has not come whole is gathered in a list
TEXT = [bytes((0x81, n)) for n in range(126)]
BINARY = [bytes((0x82, n)) for n in range(126)]


class WebSocket(asyncio.Protocol):
    __slots__ = ("buffer", "connection", "connections", "missing", "parts", "transport", "upgraded")

    def __init__(self, config: Any = None, server_state: Any = None, app_state: Any = None, _loop: Any = None) -> None:
        self.upgraded = False
        self.buffer = b""
        self.missing = 0
        self.parts: list[bytes] = []
        self.connections = server_state.connections

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.connection = Connection(self.write, asyncio.get_running_loop())
        self.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)

    def shutdown(self) -> None:
        self.transport.close()

    def pause_writing(self) -> None:
        self.connection.pause()

    def resume_writing(self) -> None:
        self.connection.resume()

    def write(self, data: bytes) -> None:
        size = len(data)
        binary = self.connection.binary and data[0] != 123  # the handshake's answer is text
        if size < 126:
            head = (BINARY if binary else TEXT)[size]
        elif size < 65536:
            head = (b"\x82\x7e" if binary else b"\x81\x7e") + size.to_bytes(2, "big")
        else:
            head = (b"\x82\x7f" if binary else b"\x81\x7f") + size.to_bytes(8, "big")
        self.transport.write(head + data)

    def upgrade(self, request: bytes) -> bytes | None:
        head, end, rest = request.partition(b"\r\n\r\n")
        if not end:
            return None
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                accept = base64.b64encode(hashlib.sha1(value.strip() + GUID, usedforsecurity=False).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.upgraded = True
        return rest

    def data_received(self, data: bytes) -> None:
        if self.missing:
            self.parts.append(data)
            self.missing -= len(data)
            if self.missing > 0:
                return
            data = b"".join(self.parts)
            self.parts = []
            self.missing = 0
        elif self.buffer:
            data = self.buffer + data
            self.buffer = b""
        if not self.upgraded:
            rest = self.upgrade(data)
            if rest is None:
                self.buffer = data
                return
            data = rest
        position = 0
        end = len(data)
        feed = self.connection.feed
        while end - position >= 6:
            size = data[position + 1] & 127
            at = position + 2
            if size == 126:
                size = data[at] << 8 | data[at + 1]
                at += 2
            elif size == 127:
                if end - at < 12:
                    break
                size = int.from_bytes(data[at : at + 8], "big")
                at += 8
            stop = at + 4 + size
            if stop > end:
                if size > BIG:
                    self.missing = stop - end
                    self.parts = [data[position:]]
                    return
                break
            if data[position] & 15 == 8:
                self.transport.close()
                return
            feed(apply_mask(data[at + 4 : stop], data[at : at + 4]), stop == end)
            position = stop
        if position < end:
            self.buffer = data[position:]
            connection = self.connection
            if connection.held:
                connection.held = False
                if connection.out:
                    connection.flush()
