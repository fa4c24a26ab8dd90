"""HTTP over raw sockets: what a well-behaved client library would not do."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress

LIMIT = 10.0


class RawRequest:
    """One request on a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    @classmethod
    async def send(
        cls,
        port: int,
        method: str,
        target: str,
        content: bytes = b"",
        *,
        length: int | None = None,
        accept: str = "*/*",
        receive_buffer: int = 0,
    ) -> RawRequest:
        """Send a request; `length` may promise more than `content` has."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 22 if not receive_buffer else 1024)
        size = len(content) if length is None else length
        writer.write(
            f"{method} {target} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\ncontent-length: {size}\r\n\r\n".encode()
            + content
        )
        return cls(reader, writer)

    async def status(self) -> int:
        """Wait for the head of the answer."""
        async with asyncio.timeout(LIMIT):
            self.head = await self.reader.readuntil(b"\r\n\r\n")
        return int(self.head.split()[1])

    async def body(self) -> bytes:
        """The body of an answer that says how long it is."""
        (size,) = [
            int(line.split(b":")[1]) for line in self.head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        ]
        async with asyncio.timeout(LIMIT):
            return await self.reader.readexactly(size)

    async def chunk(self) -> bytes:
        """The next chunk of an answer that has no end yet; empty at its end."""
        async with asyncio.timeout(LIMIT):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def eof(self) -> bytes:
        """What comes up to the end of the connection."""
        async with asyncio.timeout(LIMIT):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def reset(self) -> None:
        """Drop the TCP connection with an RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def half_close(self) -> None:
        """Send a FIN, and go on reading."""
        self.writer.write_eof()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def request(port: int, method: str, target: str, content: bytes = b"", **more: str) -> tuple[int, bytes]:
    """Status and body of one answer."""
    raw = await RawRequest.send(port, method, target, content, **more)  # type: ignore[arg-type]  # accept= only
    status = await raw.status()
    content = b"" if status == 204 else await raw.body()
    await raw.close()
    return status, content


async def negotiate(port: int, path: str = "/clock") -> str:
    """A new connection's token."""
    _, answer = await request(port, "POST", f"{path}/negotiate?negotiateVersion=1")
    token: str = json.loads(answer)["connectionToken"]
    return token
