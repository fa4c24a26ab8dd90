"""A WebSocket over ASGI, as a `Connection`.

`run` reads inside the server's own call of the application; nothing else waits. Imports `connection` and this room's `writer`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar, Final, cast

from typing_extensions import override

from hubstream.connection.clock import Clock
from hubstream.connection.connection import ConnectionHandler
from hubstream.transports.asgi.writer import BROKEN, CLOSING, ENDING, OPEN, Writer
from hubstream.types import Message, Receive, Send

__all__ = ["WebSocketConnection"]

logger = logging.getLogger("hubstream.transport")

CLOSE_TIMEOUT: Final = 5.0
"""Seconds the peer has to answer a close, and the server to report a loss (spec 2.1)."""
PIECE: Final = 65_536
"""Bytes of a message that are handled in one go: there may be a thousand calls in them."""
ROW: Final = 256
"""Messages handled in a row before the event loop gets its turn; a server may have a whole read of its socket ready."""
GRACEFUL: Final = frozenset({1000, 1001})


class WebSocketConnection(Writer):
    """One accepted WebSocket; made inside the server's call, which then awaits `run`.

    Args:
        receive: ASGI's; `websocket.connect` was taken from it.
        send: ASGI's; `websocket.accept` was sent.
        clock: Watches over sends and closes that take too long.
        send_timeout: Seconds the peer may take nothing of a frame; then its socket is reset.
    """

    _name: ClassVar[str] = "a WebSocket"
    transport: str = "WebSockets"
    binary_capable: bool = True
    inherent_keep_alive: bool = False

    __slots__ = (
        "_binary",
        "_cancels",
        "_code",
        "_hold",
        "_interrupted",
        "_reading",
        "_receive",
        "_row",
        "_task",
        "resumable",
    )

    def __init__(self, receive: Receive, send: Send, clock: Clock, send_timeout: float) -> None:
        super().__init__(send, clock, send_timeout, CLOSE_TIMEOUT)
        self.resumable = False
        self._receive = receive
        self._task = asyncio.current_task()
        self._cancels = 0 if self._task is None else self._task.cancelling()
        self._binary = False
        self._reading = True
        self._row = 0  # messages of the read that is not done yet
        self._interrupted = False  # our own cancel is on its way to the reading
        self._code = 1000
        self._hold: asyncio.Future[None] | None = None

    def use_binary(self, binary: bool) -> None:
        """`write` carries bytes, or text."""
        self._binary = binary

    @override
    def _event(self, data: bytes) -> Message:
        if self._binary:
            return {"type": "websocket.send", "bytes": data}
        return {"type": "websocket.send", "text": data.decode()}

    @override
    def _last(self) -> Message:
        return {"type": "websocket.close", "code": self._code, "reason": ""}

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
            self._start_writing(None)

    @override
    def _call_out(self) -> None:
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
            self._read_done()
            aborted = self._state == ENDING
            self._stop()
            self._task = None
            await self._end(handler, graceful, aborted)

    async def _read(self, handler: ConnectionHandler) -> bool:
        """Pass on what comes, until the end; returns whether that was graceful."""
        receive = self._receive
        call_soon = self._clock.loop.call_soon
        while self._state != ENDING:
            if self._row >= ROW:
                await asyncio.sleep(0)
                continue
            if not (self._reading or self._state == CLOSING):
                await self._held()
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
                if len(data) > PIECE:
                    await self._pass_on(handler, data)
                elif data:
                    handler.received(data)
            elif kind == "websocket.disconnect":
                self._sendable = False
                if self._state != CLOSING:
                    self._state = ENDING
                return message.get("code") in GRACEFUL
        return False

    async def _pass_on(self, handler: ConnectionHandler, data: bytes) -> None:
        """Pass on a long message piece by piece; between them the loop has its turn, and what was called is answered."""
        for start in range(0, len(data), PIECE):
            if start:
                await asyncio.sleep(0)
                while not self._reading and self._state < CLOSING:
                    await self._held()
                if self._state >= CLOSING:
                    return
                self._clock.loop.call_soon(self._read_done)
                self._row = 1
            handler.received(data[start : start + PIECE])

    async def _held(self) -> None:
        self._hold = self._clock.loop.create_future()
        await self._hold

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

    @override
    def _closed(self) -> None:
        """The peer's answer is waited for."""

    @override
    async def _disconnected(self) -> None:
        """The call may end before."""

    @override
    def _failed(self) -> None:
        self._code = 1011
        super()._failed()

    @override
    def _unwritable(self) -> None:
        """The server's own word on how it ended follows, or is not waited for much longer."""
        if self._state <= CLOSING:
            self._state = max(self._state, BROKEN)
            self._watch(CLOSE_TIMEOUT)
