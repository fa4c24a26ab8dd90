"""A WebSocket over ASGI, as a `Connection`.

`run` reads inside the server's own call of the application. `write` takes one step of the server's coroutine, and only what does
not go at once gets a task. Imports `connection` and this room's `stepping`; nothing but `run` waits.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Final, cast

from hubstream.connection.clock import Clock
from hubstream.connection.connection import ConnectionHandler
from hubstream.transports.asgi.stepping import Steps, cut, finish, server, steps
from hubstream.types import Message, Receive, Send

__all__ = ["WebSocketConnection"]

logger = logging.getLogger("hubstream.transport")

CLOSE_TIMEOUT: Final = 5.0
"""Seconds the peer has to answer a close, and the server to report a loss (spec 2.1)."""
LAST_FRAME: Final = 1.0
"""Seconds the close of an aborted connection may take to leave."""
ROW: Final = 256
"""Messages handled in a row before the event loop gets its turn; a server may have a whole read of its socket ready."""
GRACEFUL: Final = frozenset({1000, 1001})

OPEN, BROKEN, CLOSING, ENDING, ENDED = range(5)
# OPEN     both ways
# BROKEN   a send has failed: nothing is written, what the server still has is read, up to its disconnect
# CLOSING  closed here: what was written is sent, then the close; what comes in is dropped, up to the disconnect
# ENDING   the reading is told to end now
# ENDED    `lost` was called


class WebSocketConnection:
    """One accepted WebSocket; made inside the server's call, which then awaits `run`.

    Args:
        receive: ASGI's; `websocket.connect` was taken from it.
        send: ASGI's; `websocket.accept` was sent.
        clock: Watches over sends and closes that take too long.
        send_timeout: Seconds the peer may take nothing of a frame; then its socket is reset.
    """

    transport: str = "WebSockets"
    binary_capable: bool = True
    inherent_keep_alive: bool = False

    __slots__ = (
        "_binary",
        "_cancels",
        "_clock",
        "_code",
        "_context",
        "_deadline",
        "_handler",
        "_hold",
        "_interrupted",
        "_pending",
        "_reading",
        "_receive",
        "_row",
        "_send",
        "_send_timeout",
        "_sendable",
        "_server",
        "_state",
        "_stuck",
        "_task",
        "_writer",
        "paused",
        "resumable",
    )

    def __init__(self, receive: Receive, send: Send, clock: Clock, send_timeout: float) -> None:
        self.paused = False
        self.resumable = False
        self._receive = receive
        self._send = send
        self._clock = clock
        self._send_timeout = send_timeout
        self._server = server(send)
        self._context = contextvars.copy_context()
        self._task = asyncio.current_task()
        self._cancels = 0 if self._task is None else self._task.cancelling()
        self._state = OPEN
        self._binary = False
        self._reading = True
        self._row = 0  # messages of the read that is not done yet
        self._sendable = True  # the peer may still be sent a close
        self._interrupted = False  # our own cancel is on its way to the reading
        self._stuck = False  # the peer did not take a frame, or answer a close, in time
        self._code = 1000
        self._deadline = 0.0
        self._hold: asyncio.Future[None] | None = None
        self._pending: list[Message] = []
        self._writer: asyncio.Task[None] | None = None
        self._handler: ConnectionHandler | None = None

    def use_binary(self, binary: bool) -> None:
        """`write` carries bytes, or text."""
        self._binary = binary

    def write(self, data: bytes) -> None:
        """Send whole messages as one frame; `paused` if it does not go at once."""
        if self._state:
            return
        event: Message = (
            {"type": "websocket.send", "bytes": data}
            if self._binary
            else {"type": "websocket.send", "text": data.decode()}
        )
        if self.paused:
            self._pending.append(event)
            return
        if self._server is None:
            self._pending.append(event)
            self._start_writer(None)
            return
        sending = steps(self._send(event))
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
            self._broken(error)
            return
        self._start_writer((sending, waits_for))

    def pause_reading(self) -> None:
        """Take no more messages from the server; it then stops to read its socket."""
        self._reading = False

    def resume_reading(self) -> None:
        """Take them again."""
        self._reading = True
        self._release()

    def close(self) -> None:
        """Send what was written, then a close with 1000; the peer has `CLOSE_TIMEOUT` to answer."""
        if self._state > BROKEN:
            return
        start = self._state == OPEN and not self.paused
        self._state = CLOSING
        self._release()
        if start:
            self._start_writer(None)

    def abort(self) -> None:
        """End it now; what was not sent is dropped."""
        if self._state >= ENDING:
            return
        self._state = ENDING
        self._pending.clear()
        self._release()
        task = self._task
        if task is not None and task is not asyncio.current_task():
            # The reading waits somewhere in the server: it is called out as `asyncio.timeout` does it.
            self._interrupted = True
            task.cancel()

    async def run(self, handler: ConnectionHandler) -> None:
        """Carry the connection to its end, and wait until what it started has ended.

        Args:
            handler: Gets all that comes; `lost` is called on every way out.
        """
        self._handler = handler
        graceful = False
        try:
            graceful = await self._read(handler)
            self._called_out()
        except asyncio.CancelledError:
            if not self._called_out():
                self._sendable = False
                self._state = ENDING
                raise
        except Exception:
            # Handlers do not raise; one that does is a bug of ours, and its state cannot be trusted.
            logger.exception("the handler of a WebSocket failed")
            self._code = 1011
            self._called_out()
        finally:
            await self._end(handler, graceful)

    async def _read(self, handler: ConnectionHandler) -> bool:
        """Pass on what comes, until the end; returns whether that was graceful."""
        receive = self._receive
        call_soon = self._clock.loop.call_soon
        while self._state != ENDING:
            if self._row >= ROW:
                await asyncio.sleep(0)
                continue
            if not (self._reading or self._state == CLOSING):
                self._hold = self._clock.loop.create_future()
                await self._hold
                continue
            try:
                message = await receive()
            except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot read
                return self._unreadable(error)
            kind = message["type"]
            if kind == "websocket.receive":
                if not self._row:
                    # The server gives what it has without suspending: when the loop gets its turn, the read is done.
                    # Sending at once instead, connection by connection, costs a quarter more with 50 of them.
                    call_soon(self._read_done)
                self._row += 1
                if self._state >= CLOSING:
                    continue
                data = message.get("bytes")
                if data is None:
                    data = cast(str, message.get("text") or "").encode()
                elif type(data) is not bytes:
                    data = bytes(data)
                if data:
                    handler.received(data)
            elif kind == "websocket.disconnect":
                self._sendable = False
                if self._state != CLOSING:
                    self._state = ENDING
                return message.get("code") in GRACEFUL
        return False

    def _read_done(self) -> None:
        if not self._row or self._handler is None:
            return
        self._row = 0
        try:
            self._handler.read_done()
        except Exception:
            logger.exception("the handler of a WebSocket failed")
            self._failed()

    def _unreadable(self, error: Exception) -> bool:
        self._sendable = False
        known = isinstance(error, OSError | RuntimeError)
        logger.log(logging.DEBUG if known else logging.WARNING, "a WebSocket cannot be read: %r", error)
        return False

    def _release(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None and not hold.done():
            hold.set_result(None)

    def _called_out(self) -> bool:
        """Whether a cancellation was ours alone; takes it back."""
        if not self._interrupted or self._task is None:
            return False
        self._interrupted = False
        return self._task.uncancel() <= self._cancels

    def _start_writer(self, begun: tuple[Steps, object] | None) -> None:
        self.paused = True
        self._watch(self._send_timeout)
        # In the context of the server's call, not of whoever happened to write; a copy, for it may be in use.
        self._writer = self._clock.loop.create_task(self._write_on(begun), context=self._context.copy())

    async def _write_on(self, begun: tuple[Steps, object] | None) -> None:
        """Send the rest of a begun frame, what was written meanwhile, and the close if there is to be one."""
        try:
            if begun is not None:
                await finish(*begun)
            while self._pending:
                self._watch(self._send_timeout)
                await self._send(self._pending.pop(0))
            if self._state == CLOSING:
                self._watch(CLOSE_TIMEOUT)
                self._sendable = False
                await self._send({"type": "websocket.close", "code": self._code, "reason": ""})
        except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
            self._broken(error)
            return
        if self._state == OPEN:
            self.paused = False
            self._clock.discard(self)
            try:
                cast(ConnectionHandler, self._handler).writable()
            except Exception:
                logger.exception("the handler of a WebSocket failed")
                self._failed()

    def _failed(self) -> None:
        """The handler raised, which it must not: its state cannot be trusted."""
        self._code = 1011
        self.abort()

    def _broken(self, error: Exception) -> None:
        """Nothing can be sent; the server's own word on how it ended follows, or is not waited for much longer."""
        logger.debug("a WebSocket cannot be written: %r", error)
        self._sendable = False
        self.paused = True
        self._pending.clear()
        if self._state <= CLOSING:
            self._state = max(self._state, BROKEN)
            self._watch(CLOSE_TIMEOUT)

    def _watch(self, seconds: float) -> None:
        self._deadline = self._clock.loop.time() + seconds
        self._clock.add(self)

    def due(self, now: float) -> None:
        """The clock's tick."""
        if now >= self._deadline and self._state < ENDING:
            logger.info("a peer took nothing, or did not answer a close, in time; its WebSocket is reset")
            self._stuck = True
            self.abort()

    def overslept(self, now: float) -> None:
        """The loop slept, not the peer."""
        self._deadline = now + CLOSE_TIMEOUT

    async def _end(self, handler: ConnectionHandler, graceful: bool) -> None:
        self._read_done()
        aborted, self._state = self._state == ENDING, ENDED
        self.paused = True
        self._clock.discard(self)
        self._pending.clear()
        self._handler = self._task = None
        try:
            handler.lost(graceful)
        except Exception:
            logger.exception("the handler of a WebSocket failed")
        try:
            await self._end_writing(aborted)
        finally:
            await handler.ended()

    async def _end_writing(self, aborted: bool) -> None:
        writer = self._writer
        if writer is not None and not writer.done():
            # One that has sent the close only sees the server's part of it through.
            if aborted:
                writer.cancel()
            _, late = await asyncio.wait({writer}, timeout=LAST_FRAME)
            if late:
                writer.cancel()
                await asyncio.wait({writer})
        if self._stuck:
            cut(self._server)
        elif self._sendable:
            self._sendable = False
            try:
                async with asyncio.timeout(LAST_FRAME):
                    await self._send({"type": "websocket.close", "code": self._code, "reason": ""})
            except TimeoutError:
                cut(self._server)
            except Exception as error:  # noqa: BLE001 - whatever it raises, the server cannot send
                logger.debug("a WebSocket cannot be closed: %r", error)
