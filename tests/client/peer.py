"""A scripted server over the memory pair: it speaks the protocol, and says only what the test has it say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw

from hubstream.client import ClientCore
from hubstream.connection.memory import MemoryConnection, pair
from hubstream.protocol.codec import Codec
from hubstream.protocol.handshake import HandshakeRequest, write_response
from hubstream.protocol.json import JsonCodec
from hubstream.protocol.messagepack import MessagePackCodec
from hubstream.protocol.messages import Close, Completion, HubMessage, Invocation, Ping, StreamItem
from hubstream.protocol.session import HubSession

M = TypeVar("M")

LIMIT = 5.0


class Peer:
    """The server's side."""

    def __init__(self, connection: MemoryConnection, protocol: str, *, handshake: str | None = "") -> None:
        self.connection = connection
        self.codec: Codec = JsonCodec() if protocol == "json" else MessagePackCodec()
        self.encode = msgspec.json.encode if protocol == "json" else msgspec.msgpack.encode
        self.decode = msgspec.json.decode if protocol == "json" else msgspec.msgpack.decode
        self.session = HubSession("server", [self.codec], max_message_size=None)
        self.messages: list[HubMessage] = []
        """What has come and was not taken by `next()`, without pings."""
        self.requests: list[HandshakeRequest] = []
        self.pings = 0
        self.graceful: bool | None = None
        self._handshake = handshake  # "" agrees, None says nothing, another text refuses
        self._news = asyncio.Event()

    def received(self, data: bytes) -> None:
        for message in self.session.receive(data, 0.0):
            if isinstance(message, HandshakeRequest):
                self.requests.append(message)
                if self._handshake is not None:
                    self.connection.write(write_response(self._handshake or None))
            elif isinstance(message, Ping):
                self.pings += 1
            elif message.type != 0:
                self.messages.append(message)
        assert self.session.error is None, self.session.error
        self._news.set()

    def read_done(self) -> None: ...
    def writable(self) -> None: ...
    def reattached(self) -> None: ...

    def lost(self, graceful: bool) -> None:
        self.graceful = graceful
        self._news.set()

    async def ended(self) -> None: ...

    async def next(self, kind: type[M]) -> M:
        """The next message, which is of this kind."""
        async with asyncio.timeout(LIMIT):
            while not self.messages:
                assert self.graceful is None, "the connection has ended"
                self._news.clear()
                await self._news.wait()
        message = self.messages.pop(0)
        assert isinstance(message, kind), message
        return message

    async def next_value(self, invocation_id: str | None = None) -> Any:
        """The value of the next message, an item."""
        message = await self.next(StreamItem)
        assert invocation_id in {None, message.invocation_id}
        return self.decode(message.item)

    def arguments(self, message: Any) -> Any:
        return self.decode(message.arguments)

    def say(self, *messages: HubMessage) -> None:
        """Send, as one frame."""
        self.connection.write(b"".join(self.codec.encode(message) for message in messages))

    def raw(self, value: object) -> Raw:
        return Raw(self.encode(value))

    def item(self, invocation_id: str, value: object) -> StreamItem:
        return StreamItem(invocation_id=invocation_id, item=self.raw(value))

    def result(self, invocation_id: str, value: object) -> Completion:
        return Completion(invocation_id=invocation_id, result=self.raw(value))

    def done(self, invocation_id: str, error: str | None = None) -> Completion:
        return Completion(invocation_id=invocation_id, error=UNSET if error is None else error)

    def call(self, target: str, *arguments: object, ask: str | None = None) -> Invocation:
        return Invocation(target=target, arguments=self.raw(arguments), invocation_id=UNSET if ask is None else ask)

    def close(self, error: str | None = None, *, reconnect: bool = False) -> None:
        self.say(Close(error=UNSET if error is None else error, allow_reconnect=reconnect))
        self.connection.close()


@asynccontextmanager
async def joined(
    protocol: str = "json", *, start: bool = True, handshake: str | None = "", **options: Any
) -> AsyncGenerator[tuple[ClientCore, Peer]]:
    """A client and a scripted server, joined; both have ended at the end of the block."""
    near, far = pair(asyncio.get_running_loop(), high=options.pop("high", 65_536))
    client = ClientCore(near, protocol=protocol, **options)
    peer = Peer(far, protocol, handshake=handshake)
    near.attach(client)
    far.attach(peer)
    try:
        if start:
            await client.start()
        yield client, peer
    finally:
        await client.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that needs no more than the loop's turns."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)


async def turns(count: int = 5) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)
