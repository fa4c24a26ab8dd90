"""A WebSocket client made by hand, for tests that look at every frame or treat the server badly.

It knows no extension and no keep-alive, reads only when told to, can have a small receive buffer, and can end its
connection in any way. Every wait is the caller's to bound, but for `receive`, which takes its time as an argument.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import struct
import urllib.parse
from typing import NamedTuple

__all__ = ["BINARY", "TEXT", "Closed", "RawSocket", "connect", "reset"]

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

READ = 1 << 18
SEGMENT = 1_400


class Closed(NamedTuple):
    """How the server ended the connection: its Close frame's code and reason, 1006 without such a frame."""

    code: int
    reason: str


async def connect(url: str, receive_buffer: int | None = None) -> socket.socket:
    """A socket connected to the server at `url`.

    Args:
        receive_buffer: Bytes the kernel may hold for us (doubled by Linux); None leaves its default.
    """
    server = urllib.parse.urlsplit(url)
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        # Loopback's segments of 64 KiB make the server's kernel buffer 3 MB; with a network's it is 100 KB.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (server.hostname, server.port))
    except BaseException:
        sock.close()
        raise
    return sock


def reset(sock: socket.socket) -> None:
    """Close a socket with RST at once."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class RawSocket:
    """One WebSocket connection; `open` makes it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.status = 0
        """The HTTP status of the upgrade: 101 when there is a WebSocket."""
        self.closed: Closed | None = None
        self._buffer = bytearray()
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(
        cls, url: str, path: str, headers: tuple[str, ...] = (), receive_buffer: int | None = None
    ) -> RawSocket:
        """Connect to the server at `url` and ask for an upgrade at `path`.

        Args:
            headers: More header lines.
            receive_buffer: See `connect`.
        """
        sock = await connect(url, receive_buffer)
        raw = cls(sock)
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {urllib.parse.urlsplit(url).netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *headers,
            "",
            "",
        ]
        await raw._loop.sock_sendall(sock, "\r\n".join(lines).encode())
        while b"\r\n\r\n" not in raw._buffer:
            await raw._read()
        head, _, rest = bytes(raw._buffer).partition(b"\r\n\r\n")
        raw._buffer[:] = rest
        raw.status = int(head.split()[1])
        return raw

    async def send(self, data: bytes | str, opcode: int | None = None, *, fin: bool = True) -> None:
        """Send one frame, its opcode by default that of the data's type. After the connection's end it does nothing."""
        payload = data.encode() if isinstance(data, str) else data
        if opcode is None:
            opcode = TEXT if isinstance(data, str) else BINARY
        size = len(payload)
        head = bytes([opcode | (0x80 if fin else 0)])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 1 << 16:
            head += struct.pack(">BH", 0xFE, size)
        else:
            head += struct.pack(">BQ", 0xFF, size)
        # A mask of zeros is a mask (RFC 6455 5.3) and leaves the payload as it is.
        with contextlib.suppress(OSError):
            await self._loop.sock_sendall(self.sock, head + bytes(4) + payload)

    async def receive(self, quiet: float) -> tuple[int, bytes] | None:
        """The next message as (opcode, payload); None after `quiet` seconds of silence or at the connection's end."""
        opcode, message = 0, b""
        while self.closed is None:
            try:
                async with asyncio.timeout(quiet):
                    first, payload = await self._frame()
            except TimeoutError:
                return None
            except OSError:
                self.closed = Closed(1006, "")
                return None
            kind = first & 0x0F
            if kind == CLOSE:
                code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else 1005
                self.closed = Closed(code, payload[2:].decode())
                await self.send(payload[:2], CLOSE)
            elif kind == PING:
                await self.send(payload, PONG)
            elif kind != PONG:
                opcode = opcode or kind
                message += payload
                if first & 0x80:
                    return opcode, message
        return None

    async def close(self, code: int = 1000) -> None:
        """Say goodbye with a Close frame; the socket stays until `drop`."""
        await self.send(code.to_bytes(2, "big"), CLOSE)

    def drop(self) -> None:
        """Close the socket: the server sees FIN, or RST where something was not read."""
        self.sock.close()

    def reset(self) -> None:
        """Close the socket with RST at once."""
        reset(self.sock)

    async def wait(self) -> None:
        """There is nothing to ask for: messages come by themselves."""

    async def _read(self) -> None:
        data = await self._loop.sock_recv(self.sock, READ)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self._buffer += data

    async def _frame(self) -> tuple[int, bytes]:
        """The first byte and the payload of the next frame. Cancelled, nothing that was read is lost."""
        buffer = self._buffer
        while True:
            if len(buffer) >= 2:
                size, start = buffer[1] & 0x7F, 2
                if size == 126:
                    size, start = int.from_bytes(buffer[2:4], "big"), 4
                elif size == 127:
                    size, start = int.from_bytes(buffer[2:10], "big"), 10
                if len(buffer) >= start + size:
                    first, payload = buffer[0], bytes(buffer[start : start + size])
                    del buffer[: start + size]
                    return first, payload
            await self._read()
