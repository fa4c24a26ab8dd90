"""The connection, with a server driven by hand."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hubstream.connection.connection import Connection
from hubstream.transports.asgi import websocket as module
from hubstream.transports.asgi.websocket import WebSocketConnection
from hubstream.types import Message
from tests.transports.asgi.driven import CLOSE, Handler, Server, Site, Trusted, gone, settle, text


class Open:
    """An open connection on a server driven by hand."""

    def __init__(self, server: Server, make: Callable[[Connection], Handler]) -> None:
        self.site = Site()
        self.site.make = make
        self.server = server
        self.call = self.site.websocket(server)

    @property
    def handler(self) -> Handler:
        return self.site.handlers[0]

    @property
    def connection(self) -> WebSocketConnection:
        connection = self.handler.connection
        assert isinstance(connection, WebSocketConnection)
        return connection

    @property
    def sent(self) -> list[Message]:
        """After the accept."""
        return self.server.sent[1:]

    @property
    def payloads(self) -> list[object]:
        return [message.get("text", message.get("bytes")) for message in self.sent if message["type"].endswith("send")]

    async def done(self) -> None:
        async with asyncio.timeout(5):
            await self.call
        assert self.handler.seen[-1] == "ended"
        assert self.site.app.records == 0
        assert len(asyncio.all_tasks()) == 1

    async def over(self, code: int = 1000) -> None:
        self.server.gives(gone(code))
        await self.done()


async def opened(server: Server | None = None, make: Callable[[Connection], Handler] = Handler) -> Open:
    made = Open(server or Trusted(), make)
    await settle()
    return made


KINDS = [Trusted, Server]


# ---- receiving


async def test_what_is_ready_is_one_read() -> None:
    it = await opened()
    it.server.gives(text("a"), text("b"), {"type": "websocket.receive", "bytes": b"c", "text": None})
    await settle()
    assert it.handler.seen == [b"a", b"b", b"c", "read done"]
    it.server.gives(text("d"))
    await settle()
    assert it.handler.seen[4:] == [b"d", "read done"]
    await it.over()
    assert it.handler.seen[6:] == [("lost", True), "ended"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"text": "é"}, b"\xc3\xa9"),
        ({"text": "a", "bytes": None}, b"a"),
        ({"bytes": b"a", "text": None}, b"a"),
        ({"bytes": bytearray(b"a")}, b"a"),
        ({"bytes": memoryview(b"a")}, b"a"),
    ],
)
async def test_text_or_bytes(message: dict[str, Any], expected: bytes) -> None:
    it = await opened()
    it.server.gives({"type": "websocket.receive", **message})
    await settle()
    assert it.handler.seen[0] == expected
    assert type(it.handler.seen[0]) is bytes
    await it.over()


async def test_empty_messages_and_unknown_events() -> None:
    it = await opened()
    it.server.gives(
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.receive", "bytes": b""},
        {"type": "websocket.receive"},
        {"type": "websocket.other"},
        text("a"),
    )
    await settle()
    assert it.handler.seen == [b"a", "read done"]
    await it.over()


async def test_the_loop_gets_its_turn() -> None:
    it = await opened()
    turns: list[int] = []
    it.handler.on_received = lambda data: turns.append(loops)
    loops = 0
    it.server.gives(*(text("x") for _ in range(3 * module.ROW)))
    while len(turns) < 3 * module.ROW:
        loops += 1
        await asyncio.sleep(0)
    assert len(set(turns)) == 3
    assert max(map(turns.count, turns)) == module.ROW
    await it.over()


@pytest.mark.parametrize(
    ("code", "graceful"), [(1000, True), (1001, True), (1005, False), (1006, False), (1011, False), (1012, False)]
)
async def test_what_is_graceful(code: int, graceful: bool) -> None:
    it = await opened()
    it.server.gives(text("a"))
    await it.over(code)
    assert it.handler.seen == [b"a", "read done", ("lost", graceful), "ended"]
    assert not it.sent


async def test_a_disconnect_without_a_code() -> None:
    it = await opened()
    it.server.gives({"type": "websocket.disconnect"})
    await it.done()
    assert it.handler.seen[0] == ("lost", False)


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("not connected"), KeyError("bug")])
@pytest.mark.parametrize("ready", [True, False])
async def test_a_receive_that_raises(error: Exception, ready: bool, caplog: pytest.LogCaptureFixture) -> None:
    it = await opened()
    if ready:
        it.server.gives(text("a"))
    it.server.gives(error)
    await it.done()
    assert it.handler.seen[-2:] == [("lost", False), "ended"]
    assert bool(caplog.records) is isinstance(error, KeyError)
    assert not it.sent


async def test_a_receive_that_is_no_coroutine() -> None:
    class Futures(Trusted):
        def receive(self) -> Awaitable[Message]:  # type: ignore[override]  # as granian's
            return asyncio.ensure_future(super().receive())

    it = await opened(Futures())
    it.server.gives(text("a"), text("b"))
    await settle()
    assert it.handler.seen == [b"a", "read done", b"b", "read done"]
    await it.over()


async def test_reading_paused() -> None:
    it = await opened()
    it.server.gives(text("a"))
    await settle()
    it.connection.pause_reading()
    it.server.gives(text("on its way"), text("held"))
    await settle()
    await settle()
    assert it.handler.seen == [b"a", "read done", b"on its way", "read done"]
    it.connection.resume_reading()
    it.connection.resume_reading()
    await settle()
    assert it.handler.seen[4:] == [b"held", "read done"]
    await it.over()


async def test_reading_paused_while_a_message_is_handled() -> None:
    it = await opened()
    it.handler.on_received = lambda data: it.connection.pause_reading()
    it.server.gives(text("a"), text("b"))
    await settle()
    assert it.handler.seen == [b"a", "read done"]
    it.connection.resume_reading()
    await settle()
    assert it.handler.seen == [b"a", "read done", b"b", "read done"]
    it.handler.on_received = lambda data: None
    it.connection.resume_reading()
    await it.over()


# ---- sending


@pytest.mark.parametrize("kind", KINDS)
async def test_write_text_then_bytes(kind: type[Server]) -> None:
    it = await opened(kind())
    it.connection.write("é".encode())
    it.connection.use_binary(True)
    it.connection.write(b"\xff")
    await settle()
    assert it.sent == [{"type": "websocket.send", "text": "é"}, {"type": "websocket.send", "bytes": b"\xff"}]
    assert it.connection.paused is False
    await it.over()


async def test_a_write_goes_at_once_and_without_a_task() -> None:
    it = await opened()
    asyncio.get_running_loop().call_soon(it.connection.write, b"a")
    await settle()
    assert it.server.in_tasks == [True, False]
    assert it.connection.paused is False
    assert it.handler.seen == []
    await it.over()


async def test_a_send_that_is_not_the_servers_own_is_never_stepped() -> None:
    it = await opened(Server())
    loop = asyncio.get_running_loop()
    loop.call_soon(it.connection.write, b"a")
    loop.call_soon(it.connection.write, b"b")
    await settle()
    assert it.server.in_tasks == [True, True, True]
    assert it.payloads == ["a", "b"]
    assert it.handler.seen == ["writable"]
    await it.over()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_full_transport_pauses_and_keeps_the_order(kind: type[Server]) -> None:
    it = await opened(kind())
    it.server.room.clear()
    for number in range(5):
        it.connection.write(b"%d" % number)
        assert it.connection.paused is True
    it.connection.use_binary(True)
    it.connection.write(b"5")
    await settle()
    assert it.sent == []
    more = [b"6"]

    def write_more() -> None:
        while more:
            it.connection.write(more.pop())

    it.handler.on_writable = write_more
    it.server.room.set()
    await settle()
    assert it.payloads == ["0", "1", "2", "3", "4", b"5", b"6"]
    assert it.connection.paused is False
    await it.over()
    assert it.handler.seen.count("writable") == (1 if kind is Trusted else 2)


async def test_a_send_runs_in_the_context_of_the_servers_call() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="the call's")
    seen: list[str] = []

    class Notes(Server):
        async def send(self, message: Message) -> None:
            seen.append(variable.get())
            await super().send(message)

    it = await opened(Notes())
    variable.set("the writer's")
    it.connection.write(b"a")
    await settle()
    assert seen == ["the call's"] * 2
    await it.over()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed"), KeyError("bug")])
async def test_a_send_that_fails(kind: type[Server], error: Exception) -> None:
    it = await opened(kind())
    it.server.fault = error
    it.connection.write(b"a")
    it.connection.write(b"b")
    await settle()
    it.connection.write(b"c")
    assert it.connection.paused is True
    it.server.fault = None
    it.server.gives(text("sent before it died"))
    await settle()
    assert it.handler.seen == [b"sent before it died", "read done"]
    await it.over(1006)
    assert it.handler.seen == [b"sent before it died", "read done", ("lost", False), "ended"]
    assert it.sent == []


async def test_a_waiting_send_that_fails() -> None:
    it = await opened()
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    it.server.fault = OSError("gone")
    it.server.room.set()
    await settle()
    assert it.connection.paused is True
    assert "writable" not in it.handler.seen
    await it.over(1006)


async def test_a_send_fails_and_the_server_never_tells_of_a_disconnect() -> None:
    it = await opened()
    it.server.fault = OSError("gone")
    it.connection.write(b"a")
    it.connection.due(it.site.clock.loop.time() + module.CLOSE_TIMEOUT + 0.1)
    await it.done()
    assert it.handler.seen == [("lost", False), "ended"]


async def test_lost_while_a_send_waits() -> None:
    it = await opened()
    it.server.room.clear()
    it.connection.write(b"a")
    await it.over(1006)
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.sent == []


class Cut(Trusted):
    """Has a transport that can be reset."""

    def __init__(self) -> None:
        super().__init__()
        self.transport = self
        self.aborts = 0

    def abort(self) -> None:
        self.aborts += 1


Cut.__module__ = Trusted.__module__


async def test_a_peer_that_takes_nothing_is_reset() -> None:
    it = await opened(Cut())
    it.server.room.clear()
    it.connection.write(b"a")
    now = it.site.clock.loop.time()
    it.connection.due(now + 9.9)
    await settle()
    assert it.handler.seen == []
    it.connection.due(now + 10.1)
    await it.done()
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.sent == []
    assert isinstance(it.server, Cut)
    assert it.server.aborts == 1


async def test_time_starts_anew_with_each_frame_taken() -> None:
    it = await opened()
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    before = it.site.clock.loop.time()
    it.connection.overslept(before + 100)
    it.connection.due(before + 100 + module.CLOSE_TIMEOUT - 0.1)
    await settle()
    assert it.handler.seen == []
    it.server.room.set()
    await settle()
    assert it.payloads == ["a", "b"]
    await it.over()


# ---- ending it from here


@pytest.mark.parametrize("kind", KINDS)
async def test_close(kind: type[Server]) -> None:
    it = await opened(kind())
    it.connection.write(b"last")
    it.connection.close()
    it.connection.close()
    it.connection.write(b"too late")
    await settle()
    assert it.sent == [{"type": "websocket.send", "text": "last"}, CLOSE]
    it.server.gives(text("dropped"))
    await it.over(1000)
    assert it.handler.seen == ["read done", ("lost", True), "ended"]
    assert len(it.sent) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_close_waits_for_what_was_written(kind: type[Server]) -> None:
    it = await opened(kind())
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    it.connection.close()
    await settle()
    assert it.sent == []
    it.server.room.set()
    await settle()
    assert it.payloads == ["a", "b"]
    assert it.sent[-1] == CLOSE
    await it.over()
    assert it.handler.seen == [("lost", True), "ended"]


async def test_close_from_inside_and_while_reading_is_paused() -> None:
    it = await opened()

    def stop(data: bytes) -> None:
        it.connection.pause_reading()
        it.connection.write(b"bye")
        it.connection.close()

    it.handler.on_received = stop
    it.server.gives(text("a"), text("dropped"))
    await settle()
    assert it.sent[-1] == CLOSE
    await it.over()
    assert it.handler.seen[0] == b"a"
    assert b"dropped" not in it.handler.seen


async def test_close_while_the_reading_is_held() -> None:
    it = await opened()
    it.handler.on_received = lambda data: it.connection.pause_reading()
    it.server.gives(text("a"))
    await settle()
    it.connection.close()
    await it.over()


async def test_a_close_that_is_not_answered() -> None:
    it = await opened(Cut())
    it.connection.close()
    await settle()
    now = it.site.clock.loop.time()
    it.connection.due(now + module.CLOSE_TIMEOUT - 0.1)
    await settle()
    assert it.handler.seen == []
    it.connection.due(now + module.CLOSE_TIMEOUT + 0.1)
    await it.done()
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.sent == [CLOSE]
    assert isinstance(it.server, Cut)
    assert it.server.aborts == 1


async def test_close_after_a_send_failed() -> None:
    it = await opened()
    it.server.fault = OSError("gone")
    it.connection.write(b"a")
    it.server.fault = None
    it.connection.close()
    await it.over(1006)
    assert it.sent == []


async def test_a_close_the_server_does_not_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_FRAME", 0.01)
    it = await opened()
    it.server.room.clear()
    it.connection.close()
    await settle()
    await it.over()
    assert it.handler.seen == [("lost", True), "ended"]
    assert it.sent == []


async def test_a_close_that_cannot_be_sent() -> None:
    it = await opened()
    it.server.fault = OSError("gone")
    it.connection.close()
    await settle()
    await it.over(1006)


@pytest.mark.parametrize("kind", KINDS)
async def test_abort(kind: type[Server]) -> None:
    it = await opened(kind())
    it.connection.write(b"a")
    await settle()
    it.connection.abort()
    it.connection.abort()
    it.connection.close()
    it.connection.write(b"too late")
    await it.done()
    assert it.handler.seen[-2:] == [("lost", False), "ended"]
    assert it.payloads == ["a"]
    assert it.sent[-1] == CLOSE


async def test_abort_from_inside() -> None:
    for when in ("on_received", "on_read_done"):
        it = await opened()
        connection = it.connection

        def abort(*_: object, connection: Connection = connection) -> None:
            connection.abort()

        setattr(it.handler, when, abort)
        it.server.gives(text("a"))
        await it.done()
        assert it.handler.seen[-2:] == [("lost", False), "ended"]
        assert it.sent == [CLOSE]


async def test_abort_before_the_reading_began() -> None:
    def make(connection: Connection) -> Handler:
        connection.write(b"no")
        connection.abort()
        return Handler(connection)

    it = await opened(make=make)
    await it.done()
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.payloads == ["no"]


async def test_abort_while_a_send_waits_drops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_FRAME", 0.01)
    it = await opened(Cut())
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    it.connection.abort()
    await it.handler.until(("lost", False))
    await it.done()
    assert it.sent == []
    assert isinstance(it.server, Cut)
    assert it.server.aborts == 1


async def test_abort_while_the_reading_is_held() -> None:
    it = await opened()
    it.handler.on_received = lambda data: it.connection.pause_reading()
    it.server.gives(text("a"))
    await settle()
    it.connection.abort()
    await it.done()


async def test_abort_while_closing() -> None:
    it = await opened()
    it.connection.close()
    await settle()
    it.connection.abort()
    await it.done()
    assert it.sent == [CLOSE]


async def test_abort_whose_close_fails() -> None:
    it = await opened()
    it.server.fault = OSError("gone")
    it.connection.abort()
    await it.done()


async def test_after_the_end_nothing_happens() -> None:
    it = await opened()
    connection = it.connection
    await it.over()
    seen = list(it.handler.seen)
    connection.write(b"a")
    connection.close()
    connection.abort()
    connection.pause_reading()
    connection.resume_reading()
    connection.due(1e9)
    await settle()
    assert it.handler.seen == seen
    assert it.sent == []


# ---- the server's call


async def test_the_call_waits_for_what_the_connection_started() -> None:
    it = await opened()
    release = asyncio.Event()
    it.handler.before_end = release.wait
    it.server.gives(gone(1000))
    await settle()
    assert it.handler.seen == [("lost", True)]
    assert not it.call.done()
    release.set()
    await it.done()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sending", [True, False])
async def test_the_call_cancelled(kind: type[Server], sending: bool) -> None:
    it = await opened(kind())
    if sending:
        it.server.room.clear()
        it.connection.write(b"a")
        await settle()
    it.call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await it.call
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.sent == []
    assert len(asyncio.all_tasks()) == 1


async def test_the_call_cancelled_again_while_it_waits_for_the_end() -> None:
    it = await opened()
    cancelled: list[bool] = []

    async def ends_what_is_left() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    it.handler.before_end = ends_what_is_left
    it.call.cancel()
    await settle()
    it.call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await it.call
    assert cancelled == [True]


async def test_cancelled_and_aborted_at_once_is_cancelled() -> None:
    it = await opened()
    it.connection.abort()
    it.call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await it.call
    assert it.handler.seen == [("lost", False), "ended"]


async def test_an_abort_leaves_no_cancellation_behind() -> None:
    it = Open(Trusted(), Handler)
    left: list[int] = []

    async def middleware() -> None:
        server = it.server
        await it.site.app({"type": "websocket", "path": "/clock", "headers": []}, server.receive, server.send)
        task = asyncio.current_task()
        assert task is not None
        left.append(task.cancelling())
        await asyncio.sleep(0)
        left.append(1)

    it.server.gives(gone(1000))
    await it.call
    it.server.gives({"type": "websocket.connect"})
    call = asyncio.create_task(middleware())
    await settle()
    connection = it.site.handlers[1].connection
    assert connection is not None
    connection.abort()
    async with asyncio.timeout(5):
        await call
    assert left == [0, 1]


@pytest.mark.parametrize("where", ["on_received", "on_read_done", "on_writable"])
async def test_a_handler_that_fails(where: str, caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: object) -> None:
        raise LookupError("a bug")

    it = await opened()
    setattr(it.handler, where, fails)
    if where == "on_writable":
        it.server.room.clear()
        it.connection.write(b"a")
        it.server.room.set()
    else:
        it.server.gives(text("a"))
    await it.done()
    assert it.sent[-1] == {"type": "websocket.close", "code": 1011, "reason": ""}
    assert it.handler.seen[-2:] == [("lost", False), "ended"]
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_an_end_that_fails_is_logged_and_still_the_end(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Handler):
        def lost(self, graceful: bool) -> None:
            super().lost(graceful)
            raise LookupError("a bug")

    it = await opened(make=Fails)
    await it.over()
    assert it.handler.seen == [("lost", True), "ended"]
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_what_it_is() -> None:
    it = await opened()
    assert (it.connection.transport, it.connection.binary_capable, it.connection.resumable) == (
        "WebSockets",
        True,
        False,
    )
    await it.over()
