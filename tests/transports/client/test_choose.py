"""Which transport is chosen, what happens when one fails, and what is left when all do."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from aiohttp import web

from hubstream.connection.connection import Connection
from hubstream.errors import TransportError
from hubstream.transports.asgi.app import TransportOptions
from hubstream.transports.client.choose import connect
from hubstream.transports.client.options import ClientOptions
from tests.transports.client.served import TRANSPORTS, Answers, Client, answering, attached, serving
from tests.transports.client.test_negotiate import ALL, GOOD


def offering(*transports: str, **answers: int) -> Any:
    """A server that offers these, and answers the requests of each with a status; 0 is never."""

    async def give(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/negotiate"):
            given.append(f"token{len(given)}")
            offered = [next((known for known in ALL if known["transport"] == name), None) for name in transports]
            unknown = {"transferFormats": ["Text"]}
            return web.json_response(
                {
                    **GOOD,
                    "connectionId": f"id{len(given)}",
                    "connectionToken": given[-1],
                    "availableTransports": [
                        entry or {**unknown, "transport": name} for name, entry in zip(transports, offered, strict=True)
                    ],
                }
            )
        kind = "LongPolling"
        if "Upgrade" in request.headers:
            kind = "WebSockets"
        elif request.headers["Accept"] == "text/event-stream":
            kind = "ServerSentEvents"
        status = answers[kind]
        if not status:
            await asyncio.sleep(60)
        if status == 200 and kind == "WebSockets":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.receive()
            return socket
        return web.Response(status=status, text=f"no {kind} here")

    given: list[str] = []
    return give


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_servers_order_decides(transport: str) -> None:
    async with serving(TransportOptions(transports=frozenset({transport}))) as server, attached(server.url) as client:
        assert client.pipe.transport == transport
    for allowed in (TRANSPORTS, TRANSPORTS[::-1]):
        async with serving() as server, attached(server.url, *allowed) as client:
            assert client.pipe.transport == "WebSockets"
        async with serving() as server, attached(server.url, *allowed[:0], transport) as client:
            assert client.pipe.transport == transport


async def test_bytes_do_not_go_over_an_event_stream() -> None:
    async with serving() as server, attached(server.url, "ServerSentEvents", "LongPolling", binary=True) as client:
        assert client.pipe.transport == "LongPolling"
    async with answering(offering(*TRANSPORTS)) as answers:
        with pytest.raises(TransportError) as refused:
            await connect(ClientOptions(url=answers.url, transports=("ServerSentEvents",)), binary=True, attach=Client)
    assert str(refused.value) == (
        "Unable to connect to the server with any of the available transports. "
        "(WebSockets failed: The transport is disabled by the client.) "
        "(ServerSentEvents failed: The transport does not support the 'Binary' transfer format.) "
        "(LongPolling failed: The transport is disabled by the client.)"
    )


def asked(server: Answers) -> list[str]:
    return [line.replace("/hub", "") for line in server.asked]


async def test_the_next_one_is_negotiated_for_anew(caplog: pytest.LogCaptureFixture) -> None:
    async with answering(offering("WebSockets", "ServerSentEvents", WebSockets=200, ServerSentEvents=503)) as server:
        options = ClientOptions(url=f"{server.url}?own=a%2Fb")
        made = await connect(options, binary=False, attach=Client)
        assert (made.transport, made.connection_id) == ("WebSockets", "id1")
        made.connection.abort()
        await made.connection.closed()
    async with answering(
        offering(
            "Pigeons",
            "ServerSentEvents",
            "LongPolling",
            "WebSockets",
            WebSockets=200,
            ServerSentEvents=503,
            LongPolling=404,
        )
    ) as server:
        made = await connect(ClientOptions(url=f"{server.url}?own=a%2Fb"), binary=False, attach=Client)
        assert (made.transport, made.connection_id) == ("WebSockets", "id3")
        made.connection.abort()
        await made.connection.closed()
    assert "\n".join(caplog.messages) == (
        "the connection is over WebSockets, for others could not be opened: "
        "(ServerSentEvents failed: the server answered with status 503, text/plain: no ServerSentEvents here) "
        "(LongPolling failed: the server answered with status 404, text/plain: no LongPolling here)"
    ), "and nothing of those that were not tried"
    assert asked(server) == [
        "POST /negotiate?own=a%2Fb&negotiateVersion=1",
        "GET ?own=a%2Fb&id=token0",
        "POST /negotiate?own=a%2Fb&negotiateVersion=1",
        "GET ?own=a%2Fb&id=token1",
        "POST /negotiate?own=a%2Fb&negotiateVersion=1",
        "GET ?own=a%2Fb&id=token2",
    ]


async def test_each_transport_has_its_own_reason() -> None:
    async with answering(
        offering("Pigeons", *TRANSPORTS, WebSockets=404, ServerSentEvents=200, LongPolling=500)
    ) as server:
        with pytest.raises(TransportError) as refused:
            await connect(ClientOptions(url=server.url), binary=False, attach=Client)
    assert str(refused.value) == (
        "Unable to connect to the server with any of the available transports. "
        "(Pigeons failed: this client does not know it) "
        "(WebSockets failed: the server answered with status 404: Invalid response status) "
        "(ServerSentEvents failed: the server answered with status 200, text/plain: no ServerSentEvents here) "
        "(LongPolling failed: the server answered with status 500, text/plain: no LongPolling here)"
    )
    assert "token" not in str(refused.value)
    cause: Any = refused.value.__cause__
    assert type(cause) is ExceptionGroup
    assert len(cause.exceptions) == 3


async def test_a_single_cause_is_the_cause() -> None:
    async with answering(offering("LongPolling", LongPolling=500)) as server:
        with pytest.raises(TransportError) as refused:
            await connect(ClientOptions(url=server.url), binary=False, attach=Client)
    assert isinstance(refused.value.__cause__, TransportError)


async def test_without_a_negotiation() -> None:
    async with serving() as server, attached(server.url, "WebSockets", skip_negotiation=True) as client:
        assert client.attached.connection_id is None
        assert client.pipe.transport == "WebSockets"
        server.handler().connection.write(b"there")
        await client.has(b"there")
    async with answering(offering("WebSockets", WebSockets=404)) as answers:
        with pytest.raises(TransportError, match=r"^WebSockets failed: the server answered with status 404"):
            await connect(
                ClientOptions(url=answers.url, transports=("WebSockets",), skip_negotiation=True),
                binary=False,
                attach=Client,
            )
    assert answers.asked == ["GET /hub"]


async def test_an_error_of_who_attaches_ends_what_was_opened() -> None:
    def fail(connection: Connection) -> Client:
        raise ZeroDivisionError

    for transport in TRANSPORTS:
        async with serving() as server:
            with pytest.raises(ZeroDivisionError):
                await connect(ClientOptions(url=server.url, transports=(transport,)), binary=False, attach=fail)
            for handler in server.site.handlers:
                connection: Any = handler.connection
                connection.abort()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_cancelling_ends_all_it_opened(transport: str) -> None:
    async with answering(offering(transport, **{transport: 0})) as server:
        connecting = asyncio.create_task(connect(ClientOptions(url=server.url), binary=False, attach=Client))
        async with asyncio.timeout(5):
            while len(server.requests) < 2:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        open_ = server.requests[-1].transport
        async with asyncio.timeout(5):
            while open_ is not None and not open_.is_closing():  # noqa: ASYNC110 - nor this
                await asyncio.sleep(0.01)


@pytest.mark.filterwarnings("error")
async def test_cancelled_again_while_it_ends_them() -> None:
    """As when a loop ends: every task is cancelled, and those that own others cancel them too."""
    async with answering(offering("LongPolling", LongPolling=0)) as server:
        connecting = asyncio.create_task(connect(ClientOptions(url=server.url), binary=False, attach=Client))
        async with asyncio.timeout(5):
            while len(server.requests) < 2:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        connecting.cancel()
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        del connecting
        gc.collect()  # an unclosed session would warn


async def test_cancelled_as_it_begins_to_carry() -> None:
    """The last turn in which `connect` may be cancelled: its connection is open, and its handler made."""
    handlers: list[Client] = []
    async with serving() as server:

        def attach(connection: Connection) -> Client:
            handlers.append(Client(connection))
            connecting.cancel()
            return handlers[0]

        connecting = asyncio.create_task(connect(ClientOptions(url=server.url), binary=False, attach=attach))
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await handlers[0].until("ended")
        assert handlers[0].seen == [("lost", False), "ended"]
        assert not handlers[0].pipe.sockets
