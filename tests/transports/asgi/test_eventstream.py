"""Server-sent events, with a server driven by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hubstream.connection.connection import Connection
from hubstream.transports.asgi.app import TransportOptions
from hubstream.transports.asgi.eventstream import EventStreamConnection
from tests.transports.asgi.driven import Handler, Server, Site, gone, settle
from tests.transports.asgi.exchange import LIMIT, Exchange, TrustedHTTP, body, negotiated

KINDS = [TrustedHTTP, Server]


class Stream(Exchange):
    """An open event stream."""

    def __init__(self, site: Site, token: str, server: Server | None = None, accept: str = "text/event-stream") -> None:
        super().__init__(site, "GET", token, server=server, accept=accept)
        self.site = site
        self.token = token

    @property
    def handler(self) -> Handler:
        return self.site.handlers[0]

    @property
    def connection(self) -> EventStreamConnection:
        connection = self.handler.connection
        assert isinstance(connection, EventStreamConnection)
        return connection

    @property
    def events(self) -> bytes:
        """After the opening."""
        assert self.body.startswith(b":\r\n")
        return self.body[3:]

    async def over(self) -> None:
        """Its call has ended, and nothing is left."""
        await self.done()
        assert self.handler.seen[-1] == "ended"
        assert self.site.app.records == 0
        assert len(asyncio.all_tasks()) == 1
        assert await Exchange(self.site, "POST", self.token).done() == 404


async def opened(
    server: Server | None = None,
    make: Callable[[Connection], Handler] = Handler,
    options: TransportOptions | None = None,
) -> Stream:
    site = Site(options=options)
    site.make = make
    stream = Stream(site, await negotiated(site), server)
    await settle()
    return stream


@pytest.mark.parametrize("kind", KINDS)
async def test_headers_and_events(kind: type[Server]) -> None:
    it = await opened(kind())
    assert it.status == 200
    assert it.headers == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache,no-store",
        "pragma": "no-cache",
        "content-encoding": "identity",
        "x-accel-buffering": "no",
    }
    assert it.body == b":\r\n"
    assert it.site.requests[0].headers["accept"] == "text/event-stream"
    connection = it.connection
    assert (connection.transport, connection.binary_capable, connection.inherent_keep_alive, connection.resumable) == (
        "ServerSentEvents",
        False,
        False,
        False,
    )
    connection.use_binary(False)
    connection.write(b"one\x1e")
    connection.write(b"two\x1ethree\x1e")
    await settle()
    assert it.events == b"data: one\x1e\r\n\r\ndata: two\x1ethree\x1e\r\n\r\n"
    assert [message["more_body"] for message in it.server.sent[1:]] == [True] * 3
    assert not connection.paused
    it.leave()
    await it.over()


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"a\nb", b"data: a\r\ndata: b\r\n\r\n"),
        ("é\u2028\u2029–".encode(), "data: é\\u2028\\u2029–\r\n\r\n".encode()),
    ],
)
async def test_lines(data: bytes, event: bytes) -> None:
    it = await opened()
    it.connection.write(data)
    assert it.events == event
    it.leave()
    await it.over()


async def test_a_server_that_may_be_stepped_needs_no_task() -> None:
    it = await opened()
    it.connection.write(b"a")
    assert it.events == b"data: a\r\n\r\n"
    assert not it.connection.paused
    it.leave()
    await it.over()


async def test_posts_are_the_way_up() -> None:
    it = await opened()
    assert await Exchange(it.site, "POST", it.token, body(b"a", more=True), body(b"b")).done() == 200
    await settle()
    assert it.handler.seen == [b"ab", "read done"]
    it.connection.pause_reading()
    held = Exchange(it.site, "POST", it.token, body(b"c"))
    await settle()
    assert held.status is None
    it.connection.resume_reading()
    assert await held.done() == 200
    it.leave()
    await it.over()
    assert it.handler.seen[2:] == [b"c", "read done", ("lost", False), "ended"]


async def test_what_was_posted_before_it_opened_comes_first() -> None:
    site = Site()
    token = await negotiated(site)
    assert await Exchange(site, "POST", token, body(b"early")).done() == 200
    it = Stream(site, token)
    await settle()
    assert it.handler.seen == [b"early", "read done"]
    it.leave()
    await it.over()


async def test_the_record_goes_when_the_client_does_whatever_still_runs() -> None:
    it = await opened()
    still_runs = asyncio.Event()
    it.handler.before_end = still_runs.wait
    it.leave()
    await it.handler.until(("lost", False))
    assert it.site.app.records == 0
    again = Stream(it.site, it.token)
    assert await again.done() == 404
    assert not it.call.done()
    still_runs.set()
    await it.over()


@pytest.mark.parametrize("kind", KINDS)
async def test_close(kind: type[Server]) -> None:
    it = await opened(kind())
    held = Exchange(it.site, "POST", it.token, body(b"", more=True))
    it.connection.write(b"last")
    it.connection.close()
    it.connection.close()
    it.connection.write(b"too late")
    await it.done()
    assert it.events == b"data: last\r\n\r\n"
    assert it.complete
    assert await held.done() == 404
    await it.over()
    assert it.handler.seen == [("lost", True), "ended"]


@pytest.mark.parametrize("kind", KINDS)
async def test_close_waits_for_what_was_written(kind: type[Server]) -> None:
    it = await opened(kind())
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    it.connection.close()
    await settle()
    assert it.events == b""
    assert await Exchange(it.site, "POST", it.token, body(b"late")).done() == 200
    it.server.room.set()
    await it.over()
    assert it.events == b"data: a\r\n\r\ndata: b\r\n\r\n"
    assert it.handler.seen == [("lost", True), "ended"]


async def test_closed_by_what_came_first() -> None:
    class Rude(Handler):
        def __init__(self, connection: Connection | None = None) -> None:
            super().__init__(connection)
            assert connection is not None
            connection.write(b"no")
            connection.close()

    it = await opened(make=Rude)
    await it.over()
    assert it.events == b"data: no\r\n\r\n"


@pytest.mark.parametrize("kind", KINDS)
async def test_abort_drops_what_was_not_sent(kind: type[Server]) -> None:
    it = await opened(kind())
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    it.connection.abort()
    it.connection.abort()
    it.server.room.set()
    await it.over()
    assert b"b" not in it.events
    assert it.complete
    assert it.handler.seen == [("lost", False), "ended"]


async def test_abort_in_the_constructor() -> None:
    class Refuses(Handler):
        def __init__(self, connection: Connection | None = None) -> None:
            super().__init__(connection)
            assert connection is not None
            connection.abort()

    it = await opened(make=Refuses)
    await it.over()
    assert it.complete


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_that_takes_nothing(kind: type[Server]) -> None:
    it = await opened(kind())
    it.server.room.clear()
    it.connection.write(b"a")
    paused = [it.connection.paused]
    it.connection.write(b"b")
    await settle()
    assert "writable" not in it.handler.seen
    it.server.room.set()
    await it.handler.until("writable")
    assert it.events == b"data: a\r\n\r\ndata: b\r\n\r\n"
    assert [*paused, it.connection.paused] == [True, False]
    it.leave()
    await it.over()


async def test_writing_when_there_is_room_again() -> None:
    it = await opened()
    it.server.room.clear()
    it.connection.write(b"a")
    it.handler.on_writable = lambda: it.connection.write(b"b")
    it.server.room.set()
    await it.handler.until("writable")
    await settle()
    assert it.events == b"data: a\r\n\r\ndata: b\r\n\r\n"
    it.leave()
    await it.over()


async def test_the_send_timeout() -> None:
    it = await opened(options=TransportOptions(send_timeout=4))
    it.server.room.clear()
    it.connection.write(b"a")
    now = it.site.clock.loop.time()
    it.connection.due(now + 3.9)
    it.connection.overslept(now + 2)
    it.connection.due(now + 5.9)
    await settle()
    assert it.handler.seen == []
    it.connection.due(now + 6)
    await it.over()
    assert it.handler.seen == [("lost", False), "ended"]
    assert isinstance(it.server, TrustedHTTP)
    assert it.server.aborts == 1


async def test_an_end_the_server_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubstream.transports.asgi.writer.LAST", 0.01)
    it = await opened()
    it.server.room.clear()
    it.connection.abort()
    await it.over()
    assert isinstance(it.server, TrustedHTTP)
    assert it.server.aborts == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed")])
async def test_a_send_that_fails(kind: type[Server], error: Exception) -> None:
    it = await opened(kind())
    it.server.fault = error
    it.connection.write(b"a")
    await it.over()
    assert it.handler.seen == [("lost", False), "ended"]


async def test_an_end_that_cannot_be_sent() -> None:
    it = await opened()
    it.server.fault = OSError("gone")
    it.connection.abort()
    await it.over()


@pytest.mark.parametrize("fault", [OSError("gone"), RuntimeError("closed")])
async def test_gone_before_it_began(fault: Exception) -> None:
    site = Site()
    server = Server()
    server.fault = fault
    it = Stream(site, await negotiated(site), server)
    async with asyncio.timeout(LIMIT):
        await it.call
    assert not site.handlers
    assert site.app.records == 0


async def test_the_call_cancelled_before_it_began() -> None:
    site = Site()
    server = Server()
    server.room.clear()
    it = Stream(site, await negotiated(site), server)
    await settle()
    it.call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await it.call
    assert site.app.records == 0


async def test_the_call_cancelled() -> None:
    it = await opened()
    it.call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await it.call
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.site.app.records == 0
    assert not it.complete


async def test_a_handler_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: object) -> None:
        raise LookupError("a bug")

    it = await opened()
    it.handler.on_received = fails
    assert await Exchange(it.site, "POST", it.token, body(b"a")).done() == 200
    await it.over()
    assert it.complete

    it = await opened()
    it.handler.on_writable = fails
    it.server.room.clear()
    it.connection.write(b"a")
    it.server.room.set()
    await it.over()
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


async def test_a_handler_that_cannot_be_made(caplog: pytest.LogCaptureFixture) -> None:
    def fails(connection: Connection) -> Handler:
        raise LookupError("no such thing")

    site = Site()
    site.make = fails
    it = Stream(site, await negotiated(site))
    await it.done()
    assert it.complete
    assert site.app.records == 0
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize("fault", [OSError("gone"), RuntimeError("closed")])
async def test_a_client_that_goes_while_its_handler_cannot_be_made(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()

    def fails(connection: Connection) -> Handler:
        server.fault = fault
        raise LookupError("no such thing")

    site = Site()
    site.make = fails
    it = Stream(site, await negotiated(site), server)
    assert await it.done() == 200
    assert not it.complete
    assert site.app.records == 0
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_one_at_a_time() -> None:
    it = await opened()
    second = Stream(it.site, it.token)
    assert await second.done() == 409
    assert (second.body, second.headers["content-type"]) == (b"", "text/plain")
    assert await Exchange(it.site, "GET", it.token).done() == 400
    websocket = Server()
    async with asyncio.timeout(LIMIT):
        await it.site.websocket(websocket, query=f"id={it.token}")
    assert websocket.sent[0]["status"] == 400
    assert websocket.sent[1]["body"] == b"Cannot change transports mid-connection"
    assert await Exchange(it.site, "DELETE", it.token).done() == 400
    assert not it.call.done()
    it.leave()
    await it.over()


async def test_not_on_a_websockets_record() -> None:
    site = Site()
    token = await negotiated(site)
    websocket = Server()
    call = site.websocket(websocket, query=f"id={token}")
    await settle()
    it = Stream(site, token)
    assert await it.done() == 400
    assert it.body == b"Cannot change transports mid-connection"
    websocket.gives(gone(1000))
    await call


async def test_switched_off() -> None:
    site = Site(options=TransportOptions(transports=frozenset({"LongPolling"})))
    it = Stream(site, await negotiated(site))
    assert await it.done() == 404
    assert it.body == b"ServerSentEvents transport not supported by this end point type"
    assert it.headers["content-type"] == "text/plain"
