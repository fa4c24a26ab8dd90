"""Long polling, with a server driven by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hubstream.connection.connection import Connection
from hubstream.transports.asgi.app import TransportOptions
from hubstream.transports.asgi.longpolling import LongPollingConnection
from hubstream.types import Message
from tests.transports.asgi.driven import Handler, Server, Site, gone, settle
from tests.transports.asgi.exchange import LIMIT, Exchange, TrustedHTTP, body, negotiated

NO_CACHE = {
    "cache-control": "no-cache, no-store",
    "pragma": "no-cache",
    "expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}
OCTETS, PLAIN = "application/octet-stream", "text/plain"


class Polling:
    """A long polling connection: its first poll is answered."""

    def __init__(self, site: Site, token: str) -> None:
        self.site = site
        self.token = token

    @property
    def handler(self) -> Handler:
        return self.site.handlers[0]

    @property
    def connection(self) -> LongPollingConnection:
        connection = self.handler.connection
        assert isinstance(connection, LongPollingConnection)
        return connection

    async def poll(self, server: Server | None = None) -> Exchange:
        """A poll that may wait."""
        exchange = Exchange(self.site, "GET", self.token, server=server)
        await settle()
        return exchange

    async def answer(self) -> tuple[int, bytes]:
        """A poll's answer: status and body."""
        exchange = await self.poll()
        return await exchange.done(), exchange.body

    async def post(self, *events: Message) -> int:
        return await Exchange(self.site, "POST", self.token, *events).done()

    async def delete(self) -> int:
        return await Exchange(self.site, "DELETE", self.token).done()

    def at(self, later: float) -> None:
        """The clock's tick, so many seconds from now."""
        self.site.clock.later(later)

    async def over(self, graceful: bool = True) -> None:
        """It has ended, and nothing is left."""
        await self.handler.until("ended")
        await settle()
        assert self.handler.seen[-2:] == [("lost", graceful), "ended"]
        assert self.site.app.records == 0
        assert self.site.clock.members == {}
        assert len(asyncio.all_tasks()) == 1
        for method in ("GET", "POST", "DELETE"):
            assert await Exchange(self.site, method, self.token).done() == 404


async def opened(
    options: TransportOptions | None = None, make: Callable[[Connection], Handler] = Handler, version: int = 1
) -> Polling:
    site = Site(options=options)
    site.make = make
    it = Polling(site, await negotiated(site, version))
    first = await it.poll()
    assert await first.done() == 200
    assert first.body == b""
    assert first.headers == {"content-type": OCTETS, "content-length": "0", **NO_CACHE}
    return it


@pytest.mark.parametrize("version", [0, 1])
async def test_the_first_poll_makes_the_connection(version: int) -> None:
    it = await opened(version=version)
    connection = it.connection
    assert (connection.transport, connection.binary_capable, connection.inherent_keep_alive, connection.resumable) == (
        "LongPolling",
        True,
        True,
        False,
    )
    connection.use_binary(True)
    assert it.site.requests[0].query["id"] == it.token
    waiting = await it.poll()
    assert len(it.site.requests) == 1
    assert waiting.status is None
    connection.write(b"\x00\xff")
    assert await waiting.done() == 200
    assert waiting.body == b"\x00\xff"
    assert waiting.headers == {"content-type": OCTETS, "content-length": "2", **NO_CACHE}
    assert await it.delete() == 202
    await it.over()


async def test_a_poll_carries_away_all_there_is() -> None:
    it = await opened()
    it.connection.write(b"a")
    it.connection.write(b"b")
    assert await it.answer() == (200, b"ab")
    waiting = await it.poll()
    it.connection.write(b"c")
    it.connection.write(b"d")
    await waiting.done()
    assert waiting.body == b"cd"
    await it.delete()
    await it.over()


async def test_what_was_posted_before_the_first_poll() -> None:
    site = Site()
    it = Polling(site, await negotiated(site))
    assert await it.post(body(b"early")) == 200
    assert await it.answer() == (200, b"")
    assert it.handler.seen == [b"early", "read done"]
    assert await it.post(body(b"late")) == 200
    await settle()
    assert it.handler.seen[2:] == [b"late", "read done"]
    it.connection.pause_reading()
    held = Exchange(site, "POST", it.token, body(b"held"))
    await settle()
    assert held.status is None
    it.connection.resume_reading()
    assert await held.done() == 200
    assert it.handler.seen[4:] == [b"held", "read done"]
    await it.delete()
    await it.over()


async def test_the_poll_timeout() -> None:
    it = await opened(TransportOptions(poll_timeout=0.01))
    poll = await it.poll()
    assert await poll.done() == 200
    assert poll.body == b""
    assert poll.headers == {"content-type": PLAIN, "content-length": "0", **NO_CACHE}
    it.connection.write(b"still here")
    assert await it.answer() == (200, b"still here")
    await it.delete()
    await it.over()


async def test_a_newer_poll_ends_the_older() -> None:
    it = await opened()
    older = await it.poll()
    newer = await it.poll()
    assert await older.done() == 204
    assert older.body == b""
    assert older.headers == {"content-type": PLAIN, **NO_CACHE}
    assert newer.status is None
    it.connection.write(b"a")
    assert await newer.done() == 200
    assert newer.body == b"a"
    await it.delete()
    await it.over()


async def test_what_comes_as_the_newer_poll_does_is_for_the_newer() -> None:
    it = await opened()
    older = await it.poll()
    newer = Exchange(it.site, "GET", it.token)
    await asyncio.sleep(0)
    it.connection.write(b"a")
    assert await older.done() == 204
    assert await newer.done() == 200
    assert newer.body == b"a"
    await it.delete()
    await it.over()


async def test_of_three_polls_one_waits() -> None:
    it = await opened()
    polls = [await it.poll()]
    polls[0].server.room.clear()
    polls += [await it.poll(), await it.poll()]
    assert [poll.status for poll in polls] == [None, None, None]
    polls[0].server.room.set()
    await settle()
    assert [poll.status for poll in polls] == [204, None, 409]
    assert polls[2].headers == {"content-type": PLAIN, "content-length": "0", **NO_CACHE}
    it.connection.write(b"a")
    assert await polls[1].done() == 200
    await it.delete()
    await it.over()


async def test_a_poll_while_the_one_before_is_answered() -> None:
    it = await opened()
    slow = await it.poll()
    slow.server.room.clear()
    it.connection.write(b"a")
    await settle()
    next_ = await it.poll()
    it.connection.write(b"b")
    await settle()
    assert next_.status is None
    slow.server.room.set()
    assert await slow.done() == 200
    assert slow.body == b"a"
    assert await next_.done() == 200
    assert next_.body == b"b"
    await it.delete()
    await it.over()


async def test_a_client_that_goes_loses_nothing_that_was_not_sent() -> None:
    it = await opened()
    poll = await it.poll()
    poll.leave()
    await poll.done()
    it.connection.write(b"a")
    assert await it.answer() == (200, b"a")
    leaving = await it.poll()
    leaving.leave()
    it.connection.write(b"b")
    await leaving.done()
    assert await it.answer() == (200, b"b")
    await it.delete()
    await it.over()


async def test_closed_here() -> None:
    it = await opened()
    it.connection.write(b"last")
    it.connection.close()
    it.connection.close()
    it.connection.write(b"too late")
    assert await it.post(body(b"dropped")) == 200
    assert await it.answer() == (200, b"last")
    assert it.handler.seen == []
    end = await it.poll()
    assert await end.done() == 204
    assert end.headers == {"content-type": PLAIN, **NO_CACHE}
    await it.over()


async def test_closed_here_while_a_poll_waits() -> None:
    it = await opened()
    waiting = await it.poll()
    it.connection.close()
    assert await waiting.done() == 204
    await it.over()


async def test_closed_here_and_nobody_comes_for_the_rest() -> None:
    it = await opened()
    it.connection.write(b"last")
    it.connection.close()
    it.at(14.9)
    assert it.site.app.records == 1
    it.at(15.1)
    await it.over(graceful=False)


async def test_aborted() -> None:
    it = await opened()
    it.connection.write(b"dropped")
    it.connection.abort()
    it.connection.abort()
    it.connection.write(b"too late")
    assert it.handler.seen == []
    await it.over(graceful=False)
    it = await opened()
    waiting = await it.poll()
    it.connection.abort()
    assert await waiting.done() == 204
    await it.over(graceful=False)


async def test_delete() -> None:
    it = await opened()
    deletion = Exchange(it.site, "DELETE", it.token)
    assert await deletion.done() == 202
    assert (deletion.headers, deletion.body) == ({"content-type": PLAIN, "content-length": "0"}, b"")
    await it.over()


class LastWords(Handler):
    """Writes when it learns of the end."""

    def lost(self, graceful: bool) -> None:
        assert self.connection is not None
        self.connection.write(b"last words")
        super().lost(graceful)
        self.connection.close()
        self.connection.abort()


async def test_a_poll_that_waits_gets_the_last_words() -> None:
    it = await opened(make=LastWords)
    waiting = await it.poll()
    assert await it.delete() == 202
    assert await waiting.done() == 200
    assert waiting.body == b"last words"
    assert waiting.headers["content-type"] == OCTETS
    await it.over()


async def test_the_end_while_newer_polls_wait_for_the_older() -> None:
    it = await opened()
    older = await it.poll()
    older.server.room.clear()
    newer = await it.poll()
    assert await it.delete() == 202
    older.server.room.set()
    assert await older.done() == 204
    assert await newer.done() == 204
    await it.over()


async def test_the_end_of_a_body_that_never_ends() -> None:
    it = await opened()
    endless = Exchange(it.site, "POST", it.token, body(b"a", more=True))
    await settle()
    assert it.handler.seen == [b"a", "read done"]
    await it.delete()
    assert await endless.done() == 404
    await it.over()


async def test_no_poll_comes() -> None:
    it = await opened()
    it.at(14.9)
    assert it.handler.seen == []
    waiting = await it.poll()
    it.at(1000)
    assert it.handler.seen == []
    it.connection.write(b"a")
    await waiting.done()
    it.at(14.9)
    assert it.handler.seen == []
    it.at(15.1)
    await it.over(graceful=False)


async def test_a_held_up_loop_gives_the_time_anew() -> None:
    it = await opened()
    (table,) = it.site.clock.members
    now = it.site.clock.loop.time()
    table.overslept(now + 100)
    it.at(114.9)
    assert it.handler.seen == []
    it.at(115.1)
    await it.over(graceful=False)


async def test_the_bound_towards_the_client() -> None:
    it = await opened(TransportOptions(transport_buffer=10))
    paused: list[bool] = []
    for size in (9, 1):
        it.connection.write(b"x" * size)
        paused.append(it.connection.paused)
    assert paused == [False, True]
    await settle()
    assert it.handler.seen == []
    it.handler.on_writable = lambda: it.connection.write(b"more")
    assert await it.answer() == (200, b"x" * 10)
    assert it.handler.seen == ["writable"]
    assert not it.connection.paused
    assert await it.answer() == (200, b"more")
    assert it.handler.seen == ["writable"]
    await it.delete()
    await it.over()


async def test_no_room_as_long_as_the_answer_is_on_its_way() -> None:
    it = await opened(TransportOptions(transport_buffer=10))
    it.connection.write(b"x" * 10)
    slow = TrustedHTTP()
    slow.room.clear()
    poll = await it.poll(slow)
    assert it.handler.seen == []
    slow.room.set()
    assert await poll.done() == 200
    assert it.handler.seen == ["writable"]
    await it.delete()
    await it.over()


async def test_the_send_timeout() -> None:
    it = await opened(TransportOptions(send_timeout=0.01))
    slow = TrustedHTTP()
    slow.room.clear()
    it.connection.write(b"a")
    poll = await it.poll(slow)
    async with asyncio.timeout(LIMIT):
        await poll.call
    assert slow.aborts == 1
    await it.over(graceful=False)


async def test_the_call_cancelled_while_it_waits() -> None:
    it = await opened()
    poll = await it.poll()
    poll.call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll.call
    it.connection.write(b"a")
    assert await it.answer() == (200, b"a")
    await it.delete()
    await it.over()


async def test_what_it_leaves_is_not_waited_for_by_a_request() -> None:
    it = await opened()
    still_runs = asyncio.Event()
    it.handler.before_end = still_runs.wait
    assert await it.delete() == 202
    assert it.site.app.records == 0
    closing = asyncio.create_task(it.site.app.aclose())
    await settle()
    assert not closing.done()
    still_runs.set()
    async with asyncio.timeout(LIMIT):
        await closing
    await it.over()


async def test_the_server_stops() -> None:
    it = await opened(make=LastWords)
    waiting = await it.poll()
    waiting.server.room.clear()
    closing = asyncio.create_task(it.site.app.aclose())
    await settle()
    assert not closing.done()
    waiting.server.room.set()
    async with asyncio.timeout(LIMIT):
        await closing
    assert waiting.body == b"last words"
    assert waiting.call.done()
    await it.over()


async def test_a_handler_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: object) -> None:
        raise LookupError("a bug")

    it = await opened()
    it.handler.on_received = fails
    assert await it.post(body(b"a")) == 200
    await it.over(graceful=False)

    it = await opened(TransportOptions(transport_buffer=1))
    it.handler.on_writable = fails
    it.connection.write(b"a")
    assert await it.answer() == (200, b"a")
    await it.over(graceful=False)
    assert [record.exc_info is not None for record in caplog.records if record.levelname == "ERROR"] == [True, True]


async def test_a_handler_that_raises_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Handler):
        def lost(self, graceful: bool) -> None:
            super().lost(graceful)
            raise LookupError("a bug")

    it = await opened(make=Fails)
    assert await it.delete() == 202
    await it.over()
    assert caplog.records[0].exc_info is not None


async def test_a_handler_that_cannot_be_made(caplog: pytest.LogCaptureFixture) -> None:
    def fails(connection: Connection) -> Handler:
        raise LookupError("no such thing")

    site = Site()
    site.make = fails
    it = Polling(site, await negotiated(site))
    poll = await it.poll()
    assert await poll.done() == 500
    assert poll.headers == {"content-type": PLAIN, "content-length": "0", **NO_CACHE}
    assert site.app.records == 0
    assert caplog.records[0].exc_info is not None


async def test_an_answer_that_cannot_be_sent() -> None:
    it = await opened()
    it.connection.write(b"lost, as in .NET")
    server = Server()
    server.fault = OSError("gone")
    poll = await it.poll(server)
    async with asyncio.timeout(LIMIT):
        await poll.call
    it.connection.write(b"next")
    assert await it.answer() == (200, b"next")
    await it.delete()
    await it.over()


async def test_other_transports_on_its_record() -> None:
    it = await opened()
    events = Exchange(it.site, "GET", it.token, accept="text/event-stream")
    assert await events.done() == 400
    assert events.body == b"Cannot change transports mid-connection"
    assert events.headers["content-type"] == PLAIN
    websocket = Server()
    async with asyncio.timeout(LIMIT):
        await it.site.websocket(websocket, query=f"id={it.token}")
    assert websocket.sent[0]["status"] == 400
    assert await Exchange(it.site, "PUT", it.token).done() == 405
    it.connection.write(b"a")
    assert await it.answer() == (200, b"a")
    await it.delete()
    await it.over()


async def test_on_a_websockets_record() -> None:
    site = Site()
    token = await negotiated(site)
    websocket = Server()
    call = site.websocket(websocket, query=f"id={token}")
    await settle()
    poll = Exchange(site, "GET", token)
    assert await poll.done() == 400
    assert poll.body == b"Cannot change transports mid-connection"
    assert poll.headers.items() >= NO_CACHE.items()
    assert await Exchange(site, "POST", token).done() == 405
    assert await Exchange(site, "DELETE", token).done() == 400
    websocket.gives(gone(1000))
    await call


async def test_delete_before_anything_attached() -> None:
    site = Site()
    token = await negotiated(site)
    deletion = Exchange(site, "DELETE", token)
    assert await deletion.done() == 400
    assert deletion.body == b"Cannot terminate this connection using the DELETE endpoint."


async def test_switched_off() -> None:
    site = Site(options=TransportOptions(transports=frozenset({"WebSockets"})))
    poll = Exchange(site, "GET", await negotiated(site))
    assert await poll.done() == 404
    assert poll.body == b"LongPolling transport not supported by this end point type"
    assert poll.headers.items() >= NO_CACHE.items()


async def test_a_post_to_what_never_attaches_ends_with_its_record() -> None:
    site = Site(options=TransportOptions(application_buffer=3))
    it = Polling(site, await negotiated(site))
    held = Exchange(site, "POST", it.token, body(b"abcd"))
    await settle()
    assert held.status is None
    it.at(15.1)
    assert await held.done() == 404
    assert site.app.records == 0
