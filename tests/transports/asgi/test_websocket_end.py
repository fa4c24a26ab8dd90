"""The connection, with a server driven by hand: its ends."""

from __future__ import annotations

import asyncio

import pytest

from hubstream.connection.connection import Connection
from hubstream.transports.asgi import websocket as module
from tests.transports.asgi.driven import CLOSE, Handler, Server, Trusted, gone, settle, text
from tests.transports.asgi.opened import KINDS, Cut, Open, opened

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
    monkeypatch.setattr("hubstream.transports.asgi.writer.LAST", 0.01)
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
    monkeypatch.setattr("hubstream.transports.asgi.writer.LAST", 0.01)
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
