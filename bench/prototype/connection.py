"""The yardstick's hot path: one connection, both protocols, inlined.

Output of one read leaves as one frame; completions that come later leave at the end of the loop iteration; stream items
when the connection stops producing, at 16 KiB, or after a millisecond.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from bench.prototype.hub import CALL, METHODS, STREAM, Hub, Method, Upload

__all__ = ["Connection"]

HIGH_WATER = 16384  # bytes gathered before an inline flush
MAX_AGE = 0.001  # seconds an item waits at most for others
MAX_IDLE_RUNNERS = 64
COMPLETION = b'{"type":3,"invocationId":"'
RESULT = b'","result":'
END = b"}\x1e"


class Envelope(msgspec.Struct, gc=False):
    type: int
    invocationId: str | None = None  # noqa: N815 - the wire's name
    target: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"")
    item: msgspec.Raw = msgspec.Raw(b"")
    result: msgspec.Raw = msgspec.Raw(b"")
    error: str | None = None
    streamIds: list[str] | None = None  # noqa: N815 - the wire's name


class Invocation(msgspec.Struct, array_like=True, tag=1):
    headers: dict[str, str]
    invocationId: str | None  # noqa: N815 - as in Envelope
    target: str
    arguments: msgspec.Raw
    streamIds: list[str] | None = None  # noqa: N815 - as in Envelope


class StreamItem(msgspec.Struct, array_like=True, tag=2):
    headers: dict[str, str]
    invocationId: str  # noqa: N815 - as in Envelope
    item: msgspec.Raw


class Completion(msgspec.Struct, array_like=True, tag=3):
    headers: dict[str, str]
    invocationId: str  # noqa: N815 - as in Envelope
    kind: int
    result: msgspec.Raw = msgspec.Raw(b"")


class StreamInvocation(msgspec.Struct, array_like=True, tag=4):
    headers: dict[str, str]
    invocationId: str | None  # noqa: N815 - as in Envelope
    target: str
    arguments: msgspec.Raw
    streamIds: list[str] | None = None  # noqa: N815 - as in Envelope


class Cancel(msgspec.Struct, array_like=True, tag=5):
    headers: dict[str, str]
    invocationId: str  # noqa: N815 - as in Envelope


class Ping(msgspec.Struct, array_like=True, tag=6):
    pass


decode_json = msgspec.json.Decoder(Envelope).decode
encode_json = msgspec.json.Encoder().encode
decode_msgpack = msgspec.msgpack.Decoder(Invocation | StreamItem | Completion | StreamInvocation | Cancel | Ping).decode
encode_msgpack = msgspec.msgpack.Encoder().encode
json_value = msgspec.json.decode
msgpack_value = msgspec.msgpack.decode


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


VARINTS = [_varint(i) for i in range(16384)]


def prefixed(record: bytes) -> bytes:
    n = len(record)
    return (VARINTS[n] if n < 16384 else _varint(n)) + record


class Connection:
    __slots__ = (
        "armed",
        "binary",
        "call_soon",
        "dirty",
        "greeted",
        "held",
        "hub",
        "idle",
        "loop",
        "now",
        "out",
        "paused",
        "pending",
        "resumed",
        "scheduled",
        "seen",
        "since",
        "size",
        "streams",
        "tasks",
        "time",
        "uploads",
        "write",
    )

    def __init__(self, write: Callable[[bytes], None], loop: asyncio.AbstractEventLoop) -> None:
        self.write = write
        self.loop = loop
        self.hub = Hub()
        self.call_soon = loop.call_soon
        self.time = loop.time
        self.greeted = False
        self.binary = False
        # output
        self.out: list[bytes] = []
        self.dirty: list[tuple[bytes, bytes, list[bytes]]] = []  # per stream: prefix, separator, encoded items
        self.size = 0
        self.scheduled = False  # a tick is
        self.held = False  # a read is being handled: it flushes at its end
        self.now = False  # something should leave at the end of this iteration
        self.seen = 0  # size at the last tick
        self.since = 0.0
        self.paused = False
        self.resumed: asyncio.Future[None] | None = None
        # calls
        self.uploads: dict[str, Upload] = {}
        self.streams: dict[str, asyncio.Task[None]] = {}
        self.pending: deque[tuple[str | None, Callable[..., Any], tuple[Any, ...]]] | None = (
            None  # an empty one is 0.7 KB
        )
        self.idle: list[asyncio.Future[None]] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.armed = False

    # ---- output

    def flush(self) -> None:
        out = self.out
        dirty = self.dirty
        if dirty:
            for prefix, separator, items in dirty:
                out += (prefix, separator.join(items), END)
                items.clear()
            dirty.clear()
        if out:
            self.out = []
            self.size = 0
            self.seen = 0
            self.now = False
            self.write(b"".join(out))

    def tick(self) -> None:
        size = self.size
        if size and not self.now and size != self.seen:
            time = self.time()
            if not self.seen:
                self.since = time
            if not self.seen or time - self.since < MAX_AGE:
                self.seen = size
                self.call_soon(self.tick)
                return
        self.scheduled = False
        self.seen = 0
        self.flush()

    def emit(self, message: bytes) -> None:
        self.out.append(message)
        self.size += len(message)
        self.now = True
        if not self.scheduled and not self.held:
            self.scheduled = True
            self.call_soon(self.tick)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        resumed = self.resumed
        self.resumed = None
        if resumed is not None and not resumed.done():
            resumed.set_result(None)

    async def drain(self) -> None:
        while self.paused:
            if self.resumed is None:
                self.resumed = self.loop.create_future()
            await asyncio.shield(self.resumed)

    # ---- input

    def feed(self, data: bytes, last: bool) -> None:
        """Take one whole WebSocket message; `last` when no other one of the same read follows."""
        if not self.greeted:
            head, _, data = data.partition(b"\x1e")
            self.binary = b"messagepack" in head
            self.greeted = True
            self.write(b"{}\x1e")
            if not data:
                return
        self.held = True
        if self.binary:
            self.feed_msgpack(data)
        else:
            self.feed_json(data)
        if last:
            self.held = False
            if self.out:
                self.flush()

    def feed_json(self, data: bytes) -> None:
        out = self.out
        hub = self.hub
        for record in data.split(b"\x1e"):
            if not record:
                continue
            message = decode_json(record)
            kind = message.type
            if kind == 1:
                method = METHODS[message.target]
                arguments = method.json_arguments(message.arguments)
                if method.kind > CALL:
                    self.start(message, method, arguments)
                    continue
                try:
                    if method.kind == CALL:
                        result = method.function(hub, *arguments)
                    else:
                        try:
                            method.function(hub, *arguments).send(None)
                        except StopIteration as stop:
                            result = stop.value
                except Exception as error:  # noqa: BLE001 - a method's error is its call's
                    self.fail(message.invocationId, error)
                    continue
                invocation = message.invocationId
                if invocation is not None:
                    out += (COMPLETION, invocation.encode(), RESULT, encode_json(result), END)
            elif kind == 2:
                self.uploads[message.invocationId].put(json_value(message.item))
            elif kind == 3:
                self.uploads.pop(message.invocationId).close()
            elif kind == 4:
                method = METHODS[message.target]
                self.start(message, method, method.json_arguments(message.arguments))
            elif kind == 5:
                self.cancel(message.invocationId)

    def feed_msgpack(self, data: bytes) -> None:
        out = self.out
        hub = self.hub
        position = 0
        end = len(data)
        while position < end:
            size = data[position]
            position += 1
            if size > 127:
                size &= 127
                shift = 7
                while True:
                    byte = data[position]
                    position += 1
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
            message = decode_msgpack(data[position : position + size])
            position += size
            kind = type(message)
            if kind is Invocation:
                method = METHODS[message.target]
                arguments = method.msgpack_arguments(message.arguments)
                if method.kind > CALL:
                    self.start(message, method, arguments)
                    continue
                try:
                    if method.kind == CALL:
                        result = method.function(hub, *arguments)
                    else:
                        try:
                            method.function(hub, *arguments).send(None)
                        except StopIteration as stop:
                            result = stop.value
                except Exception as error:  # noqa: BLE001 - a method's error is its call's
                    self.fail(message.invocationId, error)
                    continue
                if message.invocationId is not None:
                    payload = encode_msgpack(result)
                    name = message.invocationId.encode()
                    head = b"\x95\x03\x80%c%b\x03" % (0xA0 | len(name), name)
                    size = len(head) + len(payload)
                    out += (VARINTS[size] if size < 16384 else _varint(size), head, payload)
            elif kind is StreamItem:
                self.uploads[message.invocationId].put(msgpack_value(message.item))
            elif kind is Completion:
                self.uploads.pop(message.invocationId).close()
            elif kind is StreamInvocation:
                method = METHODS[message.target]
                self.start(message, method, method.msgpack_arguments(message.arguments))
            elif kind is Cancel:
                self.cancel(message.invocationId)

    def cancel(self, invocation: str) -> None:
        task = self.streams.get(invocation)
        if task is not None:
            task.cancel()

    # ---- calls that may suspend

    def start(self, message: Any, method: Method, arguments: tuple[Any, ...]) -> None:
        invocation = message.invocationId
        for stream in message.streamIds or ():
            upload = self.uploads[stream] = Upload(self.loop)
            arguments = (*arguments, upload)
        if method.kind == STREAM:
            generator = method.function(self.hub, *arguments)
            self.streams[invocation] = self.loop.create_task(self.stream(invocation, generator))
            return
        if self.pending is None:
            self.pending = deque()
        self.pending.append((invocation, method.function, arguments))
        if not self.armed:
            self.armed = True
            self.kick()

    def kick(self) -> None:
        # The loop's queue is first in, first out: the runner runs, then check(); calls that are left then mean that it
        # is suspended.
        if self.idle:
            self.idle.pop().set_result(None)
        else:
            self.tasks.add(self.loop.create_task(self.run()))
        self.call_soon(self.check)

    def check(self) -> None:
        if self.pending:
            self.kick()
        else:
            self.armed = False

    async def run(self) -> None:
        pending = self.pending
        hub = self.hub
        idle = self.idle
        while True:
            while pending:
                invocation, function, arguments = pending.popleft()
                try:
                    result = await function(hub, *arguments)
                except Exception as error:  # noqa: BLE001 - a method's error is its call's
                    self.fail(invocation, error)
                    continue
                if invocation is None:
                    continue
                if self.binary:
                    name = invocation.encode()
                    record = b"\x95\x03\x80%c%b\x03%b" % (0xA0 | len(name), name, encode_msgpack(result))
                    self.emit(prefixed(record))
                else:
                    self.emit(b"".join((COMPLETION, invocation.encode(), RESULT, encode_json(result), END)))
            if len(idle) >= MAX_IDLE_RUNNERS:
                self.tasks.discard(asyncio.current_task())
                return
            woken = self.loop.create_future()
            idle.append(woken)
            await woken

    def fail(self, invocation: str | None, error: Exception) -> None:
        if invocation is None:
            return
        if self.binary:
            name = invocation.encode()
            self.emit(prefixed(b"\x95\x03\x80%c%b\x01%b" % (0xA0 | len(name), name, encode_msgpack(str(error)))))
        else:
            self.emit(encode_json({"type": 3, "invocationId": invocation, "error": str(error)}) + b"\x1e")

    async def stream(self, invocation: str, generator: AsyncIterator[Any]) -> None:
        binary = self.binary
        name = invocation.encode()
        prefix = (
            b"\x94\x02\x80%c%b" % (0xA0 | len(name), name)
            if binary
            else b'{"type":2,"invocationId":"%b","item":' % name
        )
        head = len(prefix)
        overhead = head + 2
        encode = encode_msgpack if binary else encode_json
        items: list[bytes] = []
        entry = (prefix, END + prefix, items)
        try:
            async for item in generator:
                payload = encode(item)
                if binary:
                    size = head + len(payload)
                    self.out += (VARINTS[size] if size < 16384 else _varint(size), prefix, payload)
                elif items:
                    items.append(payload)
                else:
                    items.append(payload)
                    self.dirty.append(entry)
                size = self.size = self.size + len(payload) + overhead
                if size >= HIGH_WATER:
                    self.flush()
                    if self.paused:
                        await self.drain()
                    else:
                        await asyncio.sleep(0)  # a generator that never suspends would starve the loop
                elif not self.scheduled:
                    self.scheduled = True
                    self.call_soon(self.tick)
        except Exception as error:  # noqa: BLE001 - a method's error is its call's
            self.fail(invocation, error)
            return
        finally:
            self.streams.pop(invocation, None)
        if items:
            self.dirty.remove(entry)
            self.out += (prefix, entry[1].join(items), END)
        if binary:
            self.emit(prefixed(b"\x94\x03\x80%c%b\x02" % (0xA0 | len(name), name)))
        else:
            self.emit(b'{"type":3,"invocationId":"%b"}\x1e' % name)
