"""The server's end of a hub connection: handshake, pings, time-outs, and how it ends (spec 3, 6.8, 6.9, 8).

It is the handler of a `Connection` and a member of the clock; its dispatcher handles the messages. Everything it starts it ends.
"""

# pyright: reportPrivateUsage=false
# What ends here ends its context, which users hold.

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hubstream.connection.clock import TICK
from hubstream.connection.connection import Connection
from hubstream.connection.output import FRAME, Output
from hubstream.errors import HandshakeError, HubError, HubstreamError, ProtocolError
from hubstream.hub import texts
from hubstream.hub.context import HubCallerContext
from hubstream.hub.dispatch import Dispatcher
from hubstream.hub.ends import End
from hubstream.hub.mapping import HubMapping
from hubstream.hub.runner import EXITS
from hubstream.protocol.codec import Codec
from hubstream.protocol.handshake import write_response
from hubstream.protocol.messages import Close
from hubstream.protocol.session import HubSession

if TYPE_CHECKING:
    from hubstream.connection.clock import Clock
    from hubstream.hub.lifetime import LifetimeManager
    from hubstream.transports.asgi.request import Request

__all__ = ["ServerConnection"]

logger = logging.getLogger("hubstream.hub")

HANDSHAKE_DONE = write_response(None)


class ServerConnection:
    """One client of a hub."""

    __slots__ = (
        "_connected",
        "_dispatcher",
        "_ending",
        "_expires",
        "_greeting",
        "_leaving",
        "_ping_due",
        "_session",
        "_started",
        "_table",
        "clock",
        "connection",
        "connection_id",
        "context",
        "lifetime",
        "loop",
        "mapping",
        "out",
    )

    def __init__(
        self,
        mapping: HubMapping,
        connection: Connection,
        request: Request,
        connection_id: str,
        clock: Clock,
        lifetime: LifetimeManager,
        table: dict[str, ServerConnection],
        leaving: set[ServerConnection],
    ) -> None:
        self.mapping = mapping
        self.connection = connection
        self.connection_id = connection_id
        self.clock = clock
        self.lifetime = lifetime
        self.loop = clock.loop
        self._table = table
        self._leaving = leaving
        self._greeting: asyncio.Task[None] | None = None
        options = mapping.options
        self.out = Output(connection, clock.turn, self._not_reading)
        self.context = HubCallerContext(connection_id, request, connection.transport, self._abort)
        self._session = HubSession(
            "server",
            mapping.codecs,
            max_message_size=options.max_message_size,
            binary_capable=connection.binary_capable,
        )
        self._dispatcher = Dispatcher(self, contextvars.copy_context())
        self._ending: End | None = None
        self._connected = False
        clock.add(self)
        table[connection_id] = self
        self._started = self.loop.time()
        expires = None if request.user is None else request.user.expires_at
        self._expires = None if expires is None else self._started + expires - time.time()
        # Spread: a thousand clients that connect together are not pinged together.
        self._ping_due = self._started + options.keep_alive * (0.5 + random.random() / 2)  # noqa: S311 - no secret

    # -- the connection's callbacks

    def received(self, data: bytes) -> None:
        if self._ending is not None:
            return
        self.out.held = True
        messages: Any = self._session.receive(data, self.clock.now)
        if not self._connected and messages and self._ending is None:
            messages = self._shake(messages)
        if messages and self._ending is None:
            self._dispatcher.dispatch(messages, len(data))
        if self._session.error is not None and self._ending is None:
            self._failed(self._session.error)

    def read_done(self) -> None:
        self.out.release()

    def writable(self) -> None:
        self.out.resumed()
        self._dispatcher.writable()

    def reattached(self) -> None:
        self._session.forget_partial()
        self.out.resumed()

    def lost(self, graceful: bool) -> None:
        if self._ending is None:
            error = ProtocolError("Connection terminated while reading a message.") if self._session.partial else None
            self._end(End.TRANSPORT_LOST, error)
        self.out.discard()

    async def ended(self) -> None:
        try:
            await self._dispatcher.tasks.idle()
        except asyncio.CancelledError:
            await self._dispatcher.stop()  # the server does not wait for the application any longer
            raise

    # -- the clock's

    def due(self, now: float) -> None:
        options = self.mapping.options
        if not self._session.handshaken:
            if now - self._started >= options.handshake_timeout:
                self._failed(HandshakeError(texts.HANDSHAKE_CANCELED))
            return
        if self._expires is not None and now >= self._expires:
            self.connection.resumable = False
            self._end(End.LOGIN_EXPIRED, None)
            return
        if self.connection.inherent_keep_alive:
            return  # neither pings nor a time-out for silence (spec 2.4)
        if not self.reading:
            self._session.heard = now  # it is this side that does not listen
        elif self._session.silent(now, options.client_timeout + TICK):  # what was heard is noted to a tick
            text = "Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
            self._end(End.CLIENT_SILENT, TimeoutError(text))
            return
        if now >= self._ping_due:
            self._ping_due = now + options.keep_alive
            if not self.connection.paused:
                self.out.emit(self.codec.ping)

    def overslept(self, now: float) -> None:
        self._session.heard = self._started = now

    # -- what the hub sees

    @property
    def codec(self) -> Codec:
        """The protocol the client asked for."""
        return self._dispatcher.codec

    @property
    def protocol(self) -> str:
        """The name of it."""
        return self._dispatcher.codec.name

    @property
    def user_id(self) -> str | None:
        """The id of its user."""
        return self.context.user_id

    @property
    def closed(self) -> bool:
        """It has ended."""
        return self._ending is not None

    @property
    def greeting(self) -> bool:
        """`on_connected` has not returned."""
        return self._dispatcher.greeting

    @property
    def streams(self) -> int:
        """Streams to the client that are running."""
        return self._dispatcher.streams

    @property
    def reading(self) -> bool:
        """Whether its messages are read at present."""
        return self._dispatcher.reading

    @property
    def running(self) -> int:
        """Tasks that are running on its behalf."""
        return len(self._dispatcher.tasks)

    async def drained(self) -> None:
        """Wait while the client does not read what is sent to it, or for the loop's turn after every 16 KiB."""
        if self.out.size >= FRAME or self.connection.paused:
            await self.out.drained()

    def awaiting(self, answers: int) -> None:
        """So many answers of the client are awaited from now on."""
        self._dispatcher.awaited = answers
        self._dispatcher.throttle()

    def disconnect(self, reason: str | None) -> None:
        """End it from outside its hub. The client is told why, and not to reconnect."""
        self.connection.resumable = False
        self._end(End.DISCONNECTED, None, reason)

    def failed(self, error: ProtocolError) -> None:
        """The client has broken the protocol."""
        self._end(End.PROTOCOL_ERROR, error)

    def client_closed(self, message: Close) -> None:
        """The client has sent its last message."""
        error = HubError(message.error) if message.error else None
        self.connection.resumable = False
        self._end(End.CLIENT_CLOSED, error)

    def stop(self) -> None:
        """The server stops: tell the client to come back, cancel everything, also what outlived its connection."""
        self._end(End.STOPPED, None)
        self._dispatcher.cancel_calls()
        if self._greeting is not None:
            self._greeting.cancel()

    async def stopped(self) -> None:
        """Wait, after `stop()`, until everything has ended, but not for what refuses to."""
        await self._dispatcher.stop()

    async def parted(self, timeout: float) -> set[asyncio.Task[Any]]:
        """Wait, after `lost()`, for all that ends with the connection; after so many seconds, what still runs.

        Plain calls run on (spec 6.9), and are not waited for.
        """
        until = self.loop.time() + timeout
        await asyncio.sleep(0)  # each call knows its task then
        while (left := self._dispatcher.parting()) and (seconds := until - self.loop.time()) > 0:
            await asyncio.wait(left, timeout=seconds)
        return left

    def left(self) -> None:
        """The last of its tasks has ended, after the connection did."""
        self._leaving.discard(self)

    # -- the course of its life

    def _shake(self, messages: Sequence[Any]) -> Sequence[Any]:
        """The first message is the handshake request; what came behind it is returned."""
        session = self._session
        assert session.codec is not None
        self.connection.use_binary(session.codec.binary)
        self._connected = True
        if self.connection.inherent_keep_alive and self._expires is None:
            self.clock.discard(self)  # nothing in it depends on time any more
        self.out.emit(HANDSHAKE_DONE)
        greets = self.mapping.greets or self.lifetime.joins
        self._dispatcher.open(session.codec, greeting=greets)
        self.lifetime.add(self)
        if greets:
            self._greeting = self._dispatcher.tasks.spawn(self._greet())
        return messages[1:]

    async def _greet(self) -> None:
        try:
            if self.lifetime.joins:
                await self.lifetime.connected(self)
            hub = self._dispatcher.hub()
            before: dict[str, Any] = dict(getattr(hub, "__dict__", ()))
            await self.mapping.connected(hub)
            after: dict[str, Any] = getattr(hub, "__dict__", {})
            if assigned := [name for name, value in after.items() if name not in before or before[name] is not value]:
                raise HubstreamError(
                    f"on_connected assigned {', '.join(sorted(assigned))} to the hub object, which lives for this call only: "
                    "use self.context.items"
                )
        except EXITS:
            raise
        except BaseException as error:
            self._connected = False  # so that on_disconnected is not called (spec 6.8)
            if self._ending is None or not isinstance(error, asyncio.CancelledError):
                logger.exception("on_connected failed: connection %s", self.connection_id)
            self._end(End.CONNECT_FAILED, error)
            return
        finally:
            self._greeting = None
        self._dispatcher.greeted()

    async def _part(self, error: Exception | None) -> None:
        try:
            if self._greeting is not None:
                await asyncio.wait([self._greeting])
            if self._connected and self.mapping.parts:
                await self.mapping.disconnected(self._dispatcher.hub(), error)
        except Exception:
            logger.exception("on_disconnected failed: connection %s", self.connection_id)
        finally:
            self.lifetime.remove(self)
        try:
            if self.lifetime.joins:
                await self.lifetime.disconnected(self)
        except Exception:
            logger.exception("the lifetime manager failed at the end of connection %s", self.connection_id)

    def _failed(self, error: ProtocolError) -> None:
        if isinstance(error, HandshakeError):
            text = str(error)
            if error.__cause__ is not None:
                text += texts.detail(error.__cause__, self.mapping.options.detailed_errors)
            self.out.emit(write_response(text))
            self._end(End.HANDSHAKE_FAILED, None)
        else:
            self._end(End.PROTOCOL_ERROR, error)

    def _abort(self) -> None:
        self.connection.resumable = False
        self._end(End.ABORTED, None)

    def _not_reading(self) -> None:
        self._end(End.NOT_READING, TimeoutError("the client does not read what is sent to it"))

    def _end(self, end: End, error: BaseException | None, reason: str | None = None) -> None:
        if self._ending is not None:
            return
        self._ending = end
        level = logging.WARNING if end in {End.PROTOCOL_ERROR, End.NOT_READING} else logging.DEBUG
        logger.log(level, "connection %s ended: %s%s", self.connection_id, end.label, f" ({error})" if error else "")
        if end.sends_close and self._session.handshaken:
            close = Close(allow_reconnect=end.allow_reconnect)
            if end.error and error is not None:
                close.error = texts.closed(error, self.mapping.options.detailed_errors)
            elif reason:
                close.error = reason
            self.out.emit(self.codec.encode(close))
        if end is End.NOT_READING:
            self.out.discard()
            self.connection.abort()
        else:
            self.out.close()
            if end is not End.TRANSPORT_LOST:
                self.connection.close()
        self.clock.discard(self)
        self._table.pop(self.connection_id, None)
        self._dispatcher.close(cancel_calls=end is End.STOPPED)
        self.context._end()
        if self._session.handshaken:
            self.lifetime.ended(self)
            if (self._connected and self.mapping.parts) or self.lifetime.joins:
                self._dispatcher.tasks.spawn(self._part(error if isinstance(error, Exception) else None))
            else:
                self.lifetime.remove(self)
        if len(self._dispatcher.tasks):
            self._leaving.add(self)
