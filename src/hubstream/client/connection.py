"""The client of one hub connection, over any `Connection`: handshake, calls, pings, the end.

It imports `errors`, `protocol`, `payloads`, `connection` and its own room. Whoever made the connection calls the handler
methods, which never block; the coroutines are the user's. One life: after the end a new one is made, with the same `Handlers`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from msgspec import UNSET, Raw
from typing_extensions import override

from hubstream.client import errors
from hubstream.client.handlers import Handlers
from hubstream.client.hub_client import HubClient
from hubstream.client.runner import Runner
from hubstream.client.tasks import GRACE, Tasks
from hubstream.client.wire import Successor, Wire
from hubstream.connection.clock import TICK, Clock
from hubstream.connection.connection import Connection
from hubstream.errors import ConnectionLost, HandshakeError, TransportError
from hubstream.payloads.bind import binder
from hubstream.payloads.style import PYTHON, Payloads
from hubstream.protocol.codec import Codec
from hubstream.protocol.handshake import write_request
from hubstream.protocol.json import JsonCodec
from hubstream.protocol.messagepack import MessagePackCodec
from hubstream.protocol.messages import Close
from hubstream.protocol.session import HubSession
from hubstream.streams.buffer import StreamPolicy

__all__ = ["ClientCore", "Ending"]

CODECS: dict[str, Callable[[], Codec]] = {"json": JsonCodec, "messagepack": MessagePackCodec}
CLOSE_TIMEOUT = 5.0
"""Seconds the other side has to answer the closing of the transport (spec 8.6)."""
STOP = 1.0
"""Seconds handlers that run have to end when this side closes."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended."""

    error: Exception | None
    """None for `close()`, and for a server that closed without an error."""
    reconnect: bool
    """Whether a client that reconnects should (spec 8.5): after a loss, and when the server's Close allows it."""
    text: str
    """What pending calls were told (spec 11.3)."""


class ClientCore(HubClient):
    """A client's side of one hub connection; a `ConnectionHandler`.

    Args:
        connection: The pipe; whoever made it calls `received()` and the rest.
        protocol: `json` or `messagepack`.
        clock: The event loop's timer; pings and the server timeout hang on it.
        handlers: Those of an earlier connection.
        payloads: How names and values are written.
        handshake_timeout: Seconds the server has to answer the handshake.
        server_timeout: Seconds without a message after which the server is taken for gone.
        keep_alive: Seconds without a message of ours after which a Ping is sent.
        stream_buffer: Items of one stream that wait to be taken before it counts as full.
        stream_policy: What happens then.
        on_end: Called once, when the connection ends after its handshake.
        tasks: The owner of the handlers and uploads, if it is not this connection alone.
        before: The connection before this one: its server's calls are handled before those of this one.
        successor: Waits for the connection after this one.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        protocol: str = "json",
        clock: Clock | None = None,
        handlers: Handlers | None = None,
        payloads: Payloads = PYTHON,
        handshake_timeout: float = 15.0,
        server_timeout: float = 30.0,
        keep_alive: float = 15.0,
        stream_buffer: int = 10,
        stream_policy: StreamPolicy = "wait",
        on_end: Callable[[Ending], None] | None = None,
        tasks: Tasks | None = None,
        before: ClientCore | None = None,
        successor: Successor | None = None,
    ) -> None:
        if protocol not in CODECS:
            raise ValueError(f"the protocols are {' and '.join(CODECS)}, not {protocol!r}")
        loop = asyncio.get_running_loop()
        codec = CODECS[protocol]()
        super().__init__(
            handlers if handlers is not None else Handlers(),
            binder(payloads, codec.name),
            tasks if tasks is not None else Tasks(),
            stream_buffer=stream_buffer,
            stream_policy=stream_policy,
        )
        self.ending: Ending | None = None
        """How it ended; None before."""
        self._connection = connection
        self._session = HubSession("client", [codec], max_message_size=None, binary_capable=connection.binary_capable)
        self._clock = clock if clock is not None else Clock(loop)
        self._wire = Wire(connection, self._session, codec, self._binder, self._clock, self._tasks, successor)
        self._wire.output.on_cut_off = self._not_read
        self._runner: Runner = Runner(self._wire, self._handlers, before._runner if before is not None else None)
        self._owns_tasks = tasks is None
        self._handshake_timeout = handshake_timeout
        self._server_timeout = server_timeout
        self._keep_alive = keep_alive
        self._on_end = on_end
        self._loop = loop
        self._answered = False  # a call or stream has ended in this read: whoever awaited it goes on
        self._shaken: asyncio.Future[None] | None = None
        self._lost = asyncio.Event()
        self._visited = 0.0  # by the clock
        self._spared = False

    # The user's side.

    @property
    def transport(self) -> str:
        """`WebSockets`, `ServerSentEvents`, `LongPolling` or `Memory`."""
        return self._connection.transport

    @property
    def wire(self) -> Wire:
        """The connection, as calls and streams see it."""
        return self._wire

    async def start(self) -> None:
        """Agree with the server on the protocol.

        Raises:
            HandshakeError: It refused, garbled its answer, or gave none in time; the connection is closed.
            RuntimeError: It was started before.
        """
        if self.ending is not None:
            raise HandshakeError(self.ending.text)
        if self._shaken is not None:
            raise RuntimeError("this connection was started already")
        self._shaken = self._loop.create_future()
        self._connection.use_binary(self._wire.codec.binary)
        self._wire.output.emit(write_request(self._wire.codec.name, self._session.version))
        try:
            async with asyncio.timeout(self._handshake_timeout):
                await self._shaken
        except TimeoutError:
            text = f"The server did not answer the handshake within {self._handshake_timeout:g} s."
            self._end(HandshakeError(text), text, reconnect=False)
            raise HandshakeError(text) from None
        finally:
            if not self._wire.active:
                self._connection.abort()

    async def close(self) -> None:
        """Tell the server, end the connection and wait until all of it has ended.

        Pending calls get `ConnectionLost`; handlers that run have a second. Closing again does nothing more.
        """
        await self.leave()
        self.let_go()
        await self._tasks.end(STOP)

    async def leave(self) -> None:
        """Tell the server, end the connection and wait until the transport has; after `CLOSE_TIMEOUT` it is aborted.

        Pending calls get `ConnectionLost`; handlers run on. Cancelled, it aborts at once.
        """
        if self._wire.active:
            self._wire.output.emit(self._wire.codec.encode(Close()))
        self._end(None, errors.CLOSED, reconnect=False)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._lost.wait()
        except TimeoutError:
            self._connection.abort()
        except asyncio.CancelledError:
            self._connection.abort()
            raise

    def let_go(self) -> None:
        """The current task is about to wait for the end of all others: if it is a handler, they must not wait for it."""
        self._runner.let_go()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @override
    def _wire_for(self, method: str) -> Wire:
        return self._wire  # which says itself whether it is active

    # The transport's side.

    def received(self, data: bytes) -> None:
        if self.ending is not None:
            return
        wire = self._wire
        wire.output.held = True
        pending = wire.pending
        items: list[Raw] = []  # that stand together, of one stream
        stream_id = ""
        for message in self._session.receive(data, self._loop.time()):
            if message.type == 2:  # not by isinstance: a no costs three times as much
                if message.invocation_id != stream_id:
                    if items:
                        wire.items(stream_id, items)
                        items = []
                    stream_id = message.invocation_id
                items.append(message.item)
                continue
            if items:
                wire.items(stream_id, items)
                items = []
            if message.type == 3:
                waiting = pending.pop(message.invocation_id, None)
                if waiting is not None:
                    waiting.complete(message)
                    self._answered = True
            elif message.type == 1:
                self._runner.take(message)
                if not wire.active:  # of all that it was asked, the server reads no answer
                    return
            elif message.type == 7:
                self._closed_by_server(message)
                return
            elif message.type == 0:
                self._agreed()
        if items:
            wire.items(stream_id, items)
        if self._session.error is not None:
            self._end(self._session.error, str(self._session.error), reconnect=wire.active)
        else:
            wire.reading.check()

    def read_done(self) -> None:
        output = self._wire.output
        output.release()
        if self._answered:
            self._answered = False
            output.expect()

    def writable(self) -> None:
        self._wire.output.resumed()

    def reattached(self) -> None:
        self._session.forget_partial()

    def lost(self, graceful: bool) -> None:
        if self._wire.active:
            if self._session.partial:
                text = "Connection terminated while reading a message."
            else:
                text = errors.CLOSED if graceful else errors.LOST
            error = None if graceful else ConnectionLost(text)
            if error is not None:  # a connection over a network knows why
                error.__cause__ = getattr(self._connection, "failure", None)
            self._end(error, text, reconnect=True)
        else:
            failure = getattr(self._connection, "failure", None)
            text = "The server disconnected before sending a handshake response."
            text += f" ({failure})" if isinstance(failure, TransportError) else ""  # whose texts hold no URL
            unshaken = HandshakeError(text)
            unshaken.__cause__ = failure
            self._end(unshaken, text, reconnect=False)
        self._wire.output.discard()
        self._lost.set()

    async def ended(self) -> None:
        if self._owns_tasks:
            await self._tasks.end(GRACE)

    # The clock's side.

    def due(self, now: float) -> None:
        wire = self._wire
        late, self._visited = now - self._visited > 2 * TICK, now
        if wire.reading.paused:
            self._session.heard = now  # it is not the server that is silent
        elif not self._session.silent(now, self._server_timeout):
            self._spared = False
        elif late and not self._spared:
            self._spared = True  # the loop was held up: what has come meanwhile is read first
        else:
            text = errors.server_silent(self._server_timeout)
            self._end(ConnectionLost(text), text, reconnect=True)
            self._connection.abort()
            return
        if now - wire.sent >= self._keep_alive and not self._connection.paused:
            self._ping(now)

    def overslept(self, now: float) -> None:
        self._session.heard = now

    def _not_read(self) -> None:
        """Calls and uploads wait for the server to read; the answers to what it asks are more than may wait."""
        self._end(ConnectionLost(errors.NOT_READ), errors.NOT_READ, reconnect=True)
        self._connection.abort()

    def _ping(self, now: float) -> None:
        self._wire.sent = now
        self._wire.output.emit(self._wire.codec.ping)

    def _agreed(self) -> None:
        self._wire.active = True
        if not self._connection.inherent_keep_alive:
            self._visited = self._loop.time()
            self._clock.add(self)
            self._ping(self._loop.time())  # arms the server's timeout (spec 3)
        if self._shaken is not None and not self._shaken.done():
            self._shaken.set_result(None)

    def _closed_by_server(self, message: Close) -> None:
        text = errors.CLOSED if message.error is UNSET else errors.closed_by_server(message.error)
        error = None if message.error is UNSET else ConnectionLost(text)
        self._end(error, text, reconnect=message.allow_reconnect)

    def _end(self, error: Exception | None, text: str, *, reconnect: bool) -> None:
        """Everybody who waits is told, at once; the transport is closed and `lost()` follows."""
        if self.ending is not None:
            return
        wire = self._wire
        started, wire.active = wire.active, False
        wire.lost = error
        self.ending = Ending(error, reconnect, text)
        self._clock.discard(self)
        if started and self._on_end is not None:
            self._on_end(self.ending)  # first: whoever is told of the loss finds the client reconnecting already
        pending = list(wire.pending.values())
        wire.pending.clear()
        for waiting in pending:
            lost = ConnectionLost(text)
            lost.__cause__ = error.__cause__ if isinstance(error, ConnectionLost) else error
            waiting.fail(lost)
        wire.stop_uploads()
        wire.output.held = False
        wire.output.close()
        self._connection.close()
        if self._shaken is not None and not self._shaken.done():
            self._shaken.set_exception(error if isinstance(error, HandshakeError) else HandshakeError(text))
