"""HTTP made by hand, and the transports that need no more: an event stream, and long polling.

Like the WebSocket of rawsocket.py they read only when told to, can have a small receive buffer, and can end in any way; what
is sent goes by a POST on a connection of its own. Every wait is the caller's to bound, but for `receive`, which takes its time
as an argument.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import NamedTuple

from tests.interop.rawsocket import TEXT, Closed, connect, reset

__all__ = ["RawEvents", "RawPolls", "Response"]

READ = 1 << 18
CLOSE = '{"type":7}\x1e'


class Response(NamedTuple):
    """An answer whose body is complete."""

    status: int
    body: bytes


class HttpSocket:
    """One connection; a request is begun with `ask` and its answer read with `answer`, or with `head` and `chunk`."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self.sock = sock
        self._host = host
        self._buffer = bytearray()
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, url: str, receive_buffer: int | None = None) -> HttpSocket:
        """Connect to the server at `url`."""
        return cls(await connect(url, receive_buffer), url.partition("//")[2])

    async def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> None:
        """Send a request."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", *headers]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        await self._loop.sock_sendall(self.sock, "\r\n".join([*lines, "", ""]).encode() + body)

    async def answer(self) -> Response:
        """Read an answer that says how long it is. Cancelled, nothing that was read is lost."""
        while (found := self._whole()) is None:
            await self._read()
        size, response = found
        del self._buffer[:size]
        return response

    async def head(self) -> int:
        """Read the head of an answer; its status."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            await self._read()
        status = int(self._buffer.split(None, 2)[1])
        del self._buffer[: end + 4]
        return status

    async def chunk(self) -> bytes:
        """Read the next chunk of a body; empty at its end. Cancelled, nothing that was read is lost."""
        while True:
            line = self._buffer.find(b"\r\n")
            if line >= 0:
                size = int(self._buffer[:line], 16)
                start, end = line + 2, line + 2 + size
                if len(self._buffer) >= end + 2:
                    data = bytes(self._buffer[start:end])
                    del self._buffer[: end + 2]
                    return data
            await self._read()

    def drop(self) -> None:
        """Close it."""
        self.sock.close()

    def reset(self) -> None:
        """Close it with RST at once."""
        reset(self.sock)

    def _whole(self) -> tuple[int, Response] | None:
        """The size of the complete answer in the buffer, and what it says."""
        head, found, _ = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            return None
        status, *lines = head.decode().split("\r\n")
        lengths = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
        start = len(head) + 4
        end = start + int(lengths[0] if lengths else 0)
        if len(self._buffer) < end:
            return None
        return end, Response(int(status.split()[1]), bytes(self._buffer[start:end]))

    async def _read(self) -> None:
        data = await self._loop.sock_recv(self.sock, READ)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self._buffer += data


async def request(url: str, method: str, path: str, body: bytes = b"") -> Response:
    """One request on a connection of its own."""
    http = await HttpSocket.open(url)
    try:
        await http.ask(method, path, "Connection: close", body=body)
        return await http.answer()
    finally:
        http.drop()


class _Raw:
    """What an event stream and long polling share: the way up."""

    def __init__(self, http: HttpSocket, url: str, path: str) -> None:
        self.closed: Closed | None = None
        self._http = http
        self._url = url
        self._path = path

    @staticmethod
    async def negotiate(url: str, path: str) -> str:
        """Negotiate at `path`; the path of the new connection."""
        answer = await request(url, "POST", f"{path}/negotiate?negotiateVersion=1")
        assert answer.status == 200, answer
        return f"{path}?id={json.loads(answer.body)['connectionToken']}"

    async def send(self, text: str) -> None:
        """Send hub messages."""
        answer = await request(self._url, "POST", self._path, text.encode())
        assert answer == Response(200, b""), answer

    def drop(self) -> None:
        """Close the socket of the way down: the server sees FIN, or RST where something was not read."""
        self._http.drop()

    def reset(self) -> None:
        """Close it with RST at once."""
        self._http.reset()


class RawEvents(_Raw):
    """One connection by server-sent events; `open` makes it."""

    _text = ""

    @classmethod
    async def open(cls, url: str, path: str, receive_buffer: int | None = None) -> RawEvents:
        """Negotiate at `path` and attach; `receive_buffer` as in `rawsocket.connect`."""
        path = await cls.negotiate(url, path)
        http = await HttpSocket.open(url, receive_buffer)
        await http.ask("GET", path, "Accept: text/event-stream")
        status = await http.head()
        assert status == 200, status
        return cls(http, url, path)

    async def receive(self, quiet: float) -> tuple[int, bytes] | None:
        """The next event; None after `quiet` seconds of silence or at the connection's end."""
        try:
            async with asyncio.timeout(quiet):
                while "\r\n\r\n" not in self._text:
                    data = await self._http.chunk()
                    if not data:
                        self.closed = Closed(1000, "")
                        return None
                    self._text += data.decode().removeprefix(":\r\n")
        except TimeoutError:
            return None
        except OSError:
            self.closed = Closed(1006, "")
            return None
        event, _, self._text = self._text.partition("\r\n\r\n")
        return TEXT, "\n".join(line.removeprefix("data: ") for line in event.split("\r\n")).encode()

    async def wait(self) -> None:
        """There is nothing to ask for: the stream comes by itself."""

    async def close(self) -> None:
        """Say goodbye with a Close message, and close the socket as the official clients do."""
        await self.send(CLOSE)
        self.drop()


class RawPolls(_Raw):
    """One connection by long polling, which polls only to `receive`; `open` makes it."""

    _asked = False

    @classmethod
    async def open(cls, url: str, path: str, receive_buffer: int | None = None) -> RawPolls:
        """Negotiate at `path` and poll for the first time; `receive_buffer` as in `rawsocket.connect`."""
        path = await cls.negotiate(url, path)
        raw = cls(await HttpSocket.open(url, receive_buffer), url, path)
        await raw.wait()
        assert await raw._answer() == Response(200, b"")
        return raw

    async def receive(self, quiet: float) -> tuple[int, bytes] | None:
        """What the next poll brings; None after `quiet` seconds of silence or at the connection's end."""
        try:
            async with asyncio.timeout(quiet):
                while self.closed is None:
                    await self.wait()
                    status, body = await self._answer()
                    if status != 200:
                        self.closed = Closed(1000 if status == 204 else status, "")
                    elif body:
                        return TEXT, body
        except TimeoutError:
            pass
        except OSError:
            self.closed = Closed(1006, "")
        return None

    async def wait(self) -> None:
        """See to it that a poll is at the server; its answer is for `receive`."""
        if not self._asked:
            self._asked = True
            await self._http.ask("GET", self._path)

    async def close(self) -> None:
        """Say goodbye with DELETE; the socket stays until `drop`."""
        answer = await request(self._url, "DELETE", self._path)
        assert answer.status == 202, answer

    async def _answer(self) -> Response:
        answer = await self._http.answer()
        self._asked = False
        return answer
