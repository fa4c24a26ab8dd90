"""The server's end of a hub connection: handshake, pings, time-outs, and how it ends (spec 3, 6.8, 6.9, 8).

It is the handler of a `Connection` and a member of the clock; its dispatcher handles the messages. Everything it starts it ends.
"""

# pyright: reportPrivateUsage=false
# What ends here ends its context, which users hold.

from __future__ import annotations

import asyncio
import contextvars
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
from hubstream.hub.ends import EndReason
from hubstream.hub.events import HubEvent
from hubstream.hub.mapping import HubMapping
from hubstream.hub.observer import Notice
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

HANDSHAKE_DONE = write_response(None)
_GONE = {EndReason.TRANSPORT_CLOSED, EndReason.TRANSPORT_LOST, EndReason.NOT_POLLING}


class ServerConnection:
    """One client of a hub."""

    __slots__ = (
        "_connected",
        "_dispatcher",
        "_ending",
        "_expires",
        "_greeting",
        "_leaving",
        "_opened",
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
        self.context = HubCallerContext(mapping.hub, connection_id, request, connection.transport, self._abort)
        self._session = HubSession(
            "server",
            mapping.codecs,
            max_message_size=options.max_message_size,
            binary_capable=connection.binary_capable,
        )
        self._dispatcher = Dispatcher(self, contextvars.copy_context())
        self._ending: EndReason | None = None
        self._connected = False
        clock.add(self)
        table[connection_id] = self
        self._started = self._opened = self.loop.time()
        expires = None if request.user is None else request.user.expires_at
        self._expires = None if expires is None else self._started + expires - time.time()
        # Spread: a thousand clients that connect together are not pinged together.
        self._ping_due = self._started + options.keep_alive * (0.5 + random.random() / 2)  # noqa: S311 - no secret
        mapping.observers.opened(self.context)

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
            self._end(self._loss(graceful), error)
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
            self._end(EndReason.LOGIN_EXPIRED, None)
            return
        if self.connection.inherent_keep_alive:
            return  # neither pings nor a time-out for silence (spec 2.4)
        if not self.reading:
            self._session.heard = now  # it is this side that does not listen
        elif self._session.silent(now, options.client_timeout + TICK):  # what was heard is noted to a tick
            text = "Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
            self._end(EndReason.CLIENT_SILENT, TimeoutError(text))
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

    def notice(
        self,
        event: HubEvent,
        *,
        method: str | None = None,
        invocation_id: str | None = None,
        error: BaseException | None = None,
        seconds: float | None = None,
        detail: str = "",
    ) -> None:
        """Tell observers, the log among them, what has happened on this connection."""
        self.mapping.observers.noticed(
            Notice(
                event=event,
                context=self.context,
                method=method,
                invocation_id=invocation_id,
                error=error,
                seconds=seconds,
                detail=detail,
            )
        )

    def disconnect(self, reason: str | None) -> None:
        """End it from outside its hub. The client is told why, and not to reconnect."""
        self.connection.resumable = False
        self._end(EndReason.DISCONNECTED, None, reason)

    def failed(self, error: ProtocolError) -> None:
        """The client has broken the protocol."""
        self._end(EndReason.PROTOCOL_ERROR, error)

    def client_closed(self, message: Close) -> None:
        """The client has sent its last message."""
        error = HubError(message.error) if message.error else None
        self.connection.resumable = False
        self._end(EndReason.CLIENT_CLOSED, error)

    def stop(self) -> None:
        """The server stops: tell the client to come back, cancel everything, also what outlived its connection."""
        self._end(EndReason.STOPPED, None)
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
        except BaseException as error:  # noqa: BLE001 - whatever a hub raises ends its connection
            self._connected = False  # so that on_disconnected is not called (spec 6.8)
            if self._ending is None or not isinstance(error, asyncio.CancelledError):
                self.notice(HubEvent.CONNECT_FAILED, error=error)
            self._end(EndReason.CONNECT_FAILED, error)
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
        except Exception as failure:  # noqa: BLE001 - nobody is left who could be told but the observers
            self.notice(HubEvent.DISCONNECT_FAILED, error=failure)
        finally:
            self.lifetime.remove(self)
        try:
            if self.lifetime.joins:
                await self.lifetime.disconnected(self)
        except Exception as failure:  # noqa: BLE001 - as above
            self.notice(HubEvent.LIFETIME_FAILED, error=failure)

    def _failed(self, error: ProtocolError) -> None:
        if isinstance(error, HandshakeError):
            text = str(error)
            if error.__cause__ is not None:
                text += texts.detail(error.__cause__, self.mapping.options.detailed_errors)
            self.out.emit(write_response(text))
            self._end(EndReason.HANDSHAKE_FAILED, error)
        else:
            self._end(EndReason.PROTOCOL_ERROR, error)

    def _loss(self, graceful: bool) -> EndReason:
        if graceful:
            return EndReason.TRANSPORT_CLOSED
        polled = self.connection.transport == "LongPolling"
        return EndReason.NOT_POLLING if polled else EndReason.TRANSPORT_LOST

    def _abort(self) -> None:
        self.connection.resumable = False
        self._end(EndReason.ABORTED, None)

    def _not_reading(self) -> None:
        self._end(EndReason.NOT_READING, TimeoutError("the client does not read what is sent to it"))

    def _end(self, end: EndReason, error: BaseException | None, reason: str | None = None) -> None:
        if self._ending is not None:
            return
        self._ending = end
        self.mapping.observers.ended(self.context, end, error, self.loop.time() - self._opened)
        if end.sends_close and self._session.handshaken:
            close = Close(allow_reconnect=end.allow_reconnect)
            if end.error and error is not None:
                close.error = texts.closed(error, self.mapping.options.detailed_errors)
            elif reason:
                close.error = reason
            self.out.emit(self.codec.encode(close))
        if end is EndReason.NOT_READING:
            self.out.discard()
            self.connection.abort()
        else:
            self.out.close()
            if end not in _GONE:
                self.connection.close()
        self.clock.discard(self)
        self._table.pop(self.connection_id, None)
        self._dispatcher.close(cancel_calls=end is EndReason.STOPPED)
        self.context._end()
        if self._session.handshaken:
            self.lifetime.ended(self)
            if (self._connected and self.mapping.parts) or self.lifetime.joins:
                self._dispatcher.tasks.spawn(self._part(error if isinstance(error, Exception) else None))
            else:
                self.lifetime.remove(self)
        if len(self._dispatcher.tasks):
            self._leaving.add(self)
