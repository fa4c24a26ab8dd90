"""What holds for each transport of the client, over real sockets, against our own server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from hubstream.transports.asgi.app import TransportOptions
from tests.transports.asgi.driven import Handler
from tests.transports.client.served import TRANSPORTS, Server, attached, left, serving

BIG = 3_000_000
"""More than any buffer on the way holds back silently."""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


class Echo(Handler):
    """Sends back what comes."""

    def received(self, data: bytes) -> None:
        assert self.connection is not None
        self.connection.write(data)


def echo(server: Server) -> None:
    """The newest connection sends back what comes."""
    handler = server.handler()
    handler.on_received = handler.connection.write


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_bytes_go_both_ways_in_order(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        assert client.pipe.transport == transport == client.attached.transport
        assert client.attached.connection_id == server.site.ids[-1]
        assert (client.pipe.binary_capable, client.pipe.inherent_keep_alive) == (
            transport != "ServerSentEvents",
            transport == "LongPolling",
        )
        echo(server)
        sent = [f"{number}\x1e".encode() for number in range(50)]
        for part in sent:
            client.pipe.write(part)
        await client.has(b"".join(sent))
        assert client.seen[-1] == "read done"
    client.pipe.write(b"nothing more")
    client.pipe.close()
    client.pipe.abort()
    assert client.seen[-2:] == [("lost", True), "ended"]


@pytest.mark.parametrize("transport", ["WebSockets", "LongPolling"])
async def test_a_binary_protocol(server: Server, transport: str) -> None:
    async with attached(server.url, transport, binary=True) as client:
        echo(server)
        server.handler().connection.use_binary(True)
        client.pipe.use_binary(True)
        client.pipe.write(bytes(range(256)))
        await client.has(bytes(range(256)))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_all_of_much_arrives_both_ways(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        echo(server)
        part = b"x" * 9_999 + b"\x1e"
        for _ in range(BIG // len(part)):
            await client.takes()
            client.pipe.write(part)
        await client.has(part * (BIG // len(part)))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_server_that_takes_nothing_pauses_the_client(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        there = server.handler()
        gathered: bytearray = bytearray()
        there.on_received = gathered.extend
        there.connection.pause_reading()
        part = b"x" * 16_000
        written = 0
        async with asyncio.timeout(10):
            while True:
                if client.pipe.paused:
                    await asyncio.sleep(0.05)  # the rest of the sockets' buffers fills
                    if client.pipe.paused:
                        break
                client.pipe.write(part)
                written += 1
                await asyncio.sleep(0)
        waiting = sum(open_.get_write_buffer_size() for open_ in client.pipe.sockets)
        assert waiting <= 65_536 + 16_100
        there.connection.resume_reading()
        await client.until("writable")
        async with asyncio.timeout(10):
            while len(gathered) < written * len(part):
                there.heard.clear()
                await there.heard.wait()
        assert not client.pipe.paused


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_takes_nothing_pauses_the_server(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        there = server.handler().connection
        client.pipe.pause_reading()
        part = b"x" * 16_000
        written = 0
        async with asyncio.timeout(10):
            while True:
                if there.paused:
                    await asyncio.sleep(0.05)
                    if there.paused:
                        break
                there.write(part)
                written += 1
                await asyncio.sleep(0)
        assert len(client.data) < written * len(part)
        client.pipe.resume_reading()
        await client.has(part * written)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_was_written_before_close_arrives(server: Server, transport: str) -> None:
    part = b"x" * 16_000
    async with attached(server.url, transport) as client:
        gathered: bytearray = bytearray()
        server.handler().on_received = gathered.extend
        for _ in range(40):
            client.pipe.write(part)
    assert client.seen[-2] == ("lost", True)
    await server.idle()
    assert gathered == part * 40
    assert server.handler().seen[-2] == ("lost", True) if transport == "WebSockets" else True


@pytest.mark.parametrize("reading", [True, False])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_closing_does_not_wait_for_a_server_that_takes_nothing(
    server: Server, transport: str, reading: bool
) -> None:
    async with attached(server.url, transport, close_timeout=0.2) as client:
        server.handler().connection.pause_reading()
        if not reading:
            client.pipe.pause_reading()
        for _ in range(1_000):
            client.pipe.write(b"x" * 16_000)
        assert client.pipe.paused
        client.pipe.close()
        async with asyncio.timeout(2):
            await client.until(("lost", False))
        server.handler().connection.abort()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_closing_as_the_connection_breaks(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        server.handler().connection.pause_reading()
        for _ in range(1_000):
            client.pipe.write(b"x" * 16_000)
        assert client.pipe.paused
        for open_ in client.pipe.sockets:
            open_.abort()
        client.pipe.close()
        await client.until(("lost", False))
        server.handler().connection.abort()


@pytest.mark.parametrize("reading", [True, False])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_abort_is_at_once(server: Server, transport: str, reading: bool) -> None:
    async with attached(server.url, transport, close_timeout=60) as client:
        server.handler().connection.pause_reading()
        if not reading:
            client.pipe.pause_reading()
            await asyncio.sleep(0)
        for _ in range(1_000):
            client.pipe.write(b"x" * 16_000)
        client.pipe.close()
        client.pipe.abort()
        async with asyncio.timeout(1):
            await client.until(("lost", False))
            await client.pipe.closed()
        server.handler().connection.abort()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_abort_and_close_from_inside_the_handler(server: Server, transport: str) -> None:
    for end in ("abort", "close"):
        async with attached(server.url, transport) as client:
            ends = {"abort": client.pipe.abort, "close": client.pipe.close}
            client.on_received = lambda data, end=ends[end]: end()  # type: ignore[misc]  # mypy cannot infer it
            server.handler().connection.write(b"end")
            await client.until(("lost", end == "close"))
            server.handler().connection.abort()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_server_closes(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        server.handler().connection.write(b"bye\x1e")
        server.handler().connection.close()
        await client.until(("lost", True))
        assert client.data == b"bye\x1e"


async def test_the_server_aborts_a_websocket_as_gracefully_as_it_can(server: Server) -> None:
    async with attached(server.url, "WebSockets") as client:
        server.handler().connection.abort()
        await client.until(("lost", True))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_server_vanishes(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        for open_ in client.pipe.sockets:
            open_.abort()  # what a reset looks like from here
        # A poll is not asked again: what came with its answer would be lost in silence.
        await client.until(("lost", False))
        if transport == "LongPolling":
            server.handler().connection.abort()  # who polls no more is missed after a while only


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_handler_that_fails_ends_its_connection(
    server: Server, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with attached(server.url, transport) as client:

        def fail(data: bytes) -> None:
            raise ZeroDivisionError(data)

        client.on_received = fail
        server.handler().connection.write(b"x")
        await client.until(("lost", False))
        server.handler().connection.abort()
    failed = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info[0] for record in failed if record.exc_info] == [ZeroDivisionError]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_cancelled_task_ends_its_connection(server: Server, transport: str) -> None:
    async with attached(server.url, transport) as client:
        (task,) = left()
        task.cancel()
        await client.until("ended")
        assert client.seen[-2:] == [("lost", False), "ended"]
        server.handler().connection.abort()


async def test_many_messages_leave_the_loop_its_turns(server: Server) -> None:
    """A read of many small frames is handled in rows, each with its end."""
    async with attached(server.url, "WebSockets") as client:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        client.pipe.pause_reading()
        there = server.handler().connection
        for _ in range(2_000):
            there.write(b"x")
        async with asyncio.timeout(5):
            while there.paused:  # noqa: ASYNC110 - the handler there is told, not here
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        turning = asyncio.create_task(turn())
        client.pipe.resume_reading()
        await client.has(b"x" * 2_000)
        turning.cancel()
        assert client.seen.count("read done") >= 7
        assert turns >= 7


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_many_connections_leave_nothing(transport: str) -> None:
    async with serving(TransportOptions()) as server:
        server.site.make = Echo
        before = len(asyncio.all_tasks())
        clients: list[Any] = []

        async def one(number: int) -> None:
            async with attached(server.url, transport) as client:
                client.pipe.write(b"x")
                await client.has(b"x")
                if number % 2:
                    client.pipe.abort()
                clients.append(client)

        for start in range(0, 60, 20):
            await asyncio.gather(*(one(start + number) for number in range(20)))
        assert len(clients) == 60
        for handler in server.site.handlers:
            cast(Any, handler).connection.abort()
        await server.idle()
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.01)
