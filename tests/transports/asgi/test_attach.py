from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hubstream.connection.connection import Connection
from hubstream.transports.asgi.app import TransportOptions
from tests.transports.asgi.driven import CONNECT, Handler, Server, Site, gone, scope, settle, text

CROSS = {"origin": "https://evil.example", "host": "a.example", "cookie": "session=1"}


@pytest.fixture
async def site() -> Site:
    return Site()


async def negotiated(site: Site, version: int = 1) -> tuple[str, str]:
    """Public id and token."""
    _, _, body = await site.http(scope("http", "/clock/negotiate", f"negotiateVersion={version}", "POST"))
    answer = json.loads(body)
    return answer["connectionId"], answer.get("connectionToken", answer["connectionId"])


async def end(server: Server, call: asyncio.Task[None], code: int = 1000) -> None:
    server.gives(gone(code))
    async with asyncio.timeout(5):
        await call


@pytest.mark.parametrize("version", [0, 1])
async def test_attach_to_what_was_negotiated(site: Site, version: int) -> None:
    public, token = await negotiated(site, version)
    server = Server()
    call = site.websocket(server, query=f"x=1&Id={token}")
    await settle()
    assert server.types == ["accept"]
    assert site.ids == [public]
    assert site.requests[0].query["x"] == "1"
    assert site.app.records == 1
    await end(server, call)
    assert site.app.records == 0


async def test_without_negotiation(site: Site) -> None:
    server = Server()
    call = site.websocket(server, path="/clock/")
    await settle()
    assert server.types == ["accept"]
    assert len(site.ids[0]) == 22
    assert site.app.records == 1
    await end(server, call)
    assert site.app.records == 0


async def test_a_second_attach_is_refused_and_the_first_lives_on(site: Site) -> None:
    _, token = await negotiated(site)
    first, second, third = Server(), Server(), Server()
    call = site.websocket(first, query=f"id={token}")
    await settle()
    async with asyncio.timeout(5):
        await site.websocket(second, query=f"id={token}")
    assert second.sent[0]["status"] == 409
    assert second.sent[1]["body"] == b""
    first.gives(text("still here"))
    await site.handlers[0].until(b"still here")
    await end(first, call)
    async with asyncio.timeout(5):
        await site.websocket(third, query=f"id={token}")
    assert third.sent[0]["status"] == 404


async def test_two_attaches_at_once(site: Site) -> None:
    _, token = await negotiated(site)
    servers = [Server(), Server()]
    calls = [site.websocket(server, query=f"id={token}") for server in servers]
    await settle()
    assert servers[0].types == ["accept"]
    assert servers[1].sent[0]["status"] == 409
    await end(servers[0], calls[0])
    await calls[1]


REFUSALS: list[tuple[dict[str, Any], TransportOptions, int, bytes, bytes | None]] = [
    ({"query": "id=nope"}, TransportOptions(), 404, b"No Connection with that ID", None),
    ({"query": "id=" + "A" * 22}, TransportOptions(), 404, b"No Connection with that ID", None),
    ({"path": "/clock/negotiate"}, TransportOptions(), 405, b"", b"text/plain"),
    (
        {},
        TransportOptions(transports=frozenset({"LongPolling"})),
        404,
        b"WebSockets transport not supported by this end point type",
        b"text/plain",
    ),
    (CROSS, TransportOptions(), 403, b"Origin not allowed", b"text/plain"),
    (CROSS, TransportOptions(origins=frozenset({"https://other.example"})), 403, b"Origin not allowed", b"text/plain"),
    ({"path": "/other"}, TransportOptions(), 404, b"There is no hub at this path", b"text/plain"),
]


@pytest.mark.parametrize(("request_", "options", "status", "body", "content_type"), REFUSALS)
async def test_refusals(
    request_: dict[str, Any], options: TransportOptions, status: int, body: bytes, content_type: bytes | None
) -> None:
    site = Site(options=options)
    server = Server()
    async with asyncio.timeout(5):
        await site.websocket(server, **request_)
    start, end = server.sent
    assert start["type"] == "websocket.http.response.start"
    assert start["status"] == status
    assert dict(start["headers"]).get(b"content-type") == content_type
    assert end["type"] == "websocket.http.response.body"
    assert end["body"].startswith(body)
    assert bool(end["body"]) is bool(body)
    assert not site.handlers
    assert site.app.records == 0


async def test_a_transport_that_is_switched_off_is_refused_after_the_id(site: Site) -> None:
    _, token = await negotiated(site)
    site.endpoints["/clock"].options = TransportOptions(transports=frozenset({"LongPolling"}))
    server = Server()
    await site.websocket(server, query=f"id={token}")
    assert server.sent[1]["body"] == b"WebSockets transport not supported by this end point type"
    assert site.app.records == 1


async def test_refusal_without_the_extension_is_a_close(site: Site) -> None:
    made = scope("websocket", query="id=nope")
    for extensions in (dict[str, object](), None):
        made["extensions"] = extensions
        server = Server(CONNECT)
        await site.app(made, server.receive, server.send)
        assert server.types == ["close"]
    del made["extensions"]
    server = Server(CONNECT)
    server.fault = OSError("gone")
    await site.app(made, server.receive, server.send)


async def test_origins_that_may(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.endpoints["/clock"].options = TransportOptions(origins=frozenset({"https://evil.example"}))
    server = Server()
    call = site.websocket(server, **CROSS)
    await settle()
    assert server.types == ["accept"]
    await end(server, call)
    assert not caplog.records


async def test_a_refused_origin_names_the_cure_and_keeps_the_record(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = await negotiated(site)
    server = Server()
    await site.websocket(server, query=f"id={token}", **CROSS)
    assert server.sent[0]["status"] == 403
    assert "origins=" in caplog.text
    assert "session" not in caplog.text
    assert site.app.records == 1


async def test_gone_before_the_connect_was_seen(site: Site) -> None:
    server = Server(gone(1006))
    await site.app(scope("websocket"), server.receive, server.send)
    assert not server.sent


@pytest.mark.parametrize("fault", [OSError("gone"), RuntimeError("closed")])
async def test_gone_before_the_accept(site: Site, fault: Exception) -> None:
    server = Server()
    server.fault = fault
    async with asyncio.timeout(5):
        await site.websocket(server)
    assert not site.handlers
    assert site.app.records == 0


async def test_a_handler_that_cannot_be_made(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    def fails(connection: Connection) -> Handler:
        raise LookupError("no such thing")

    site.make = fails
    server = Server()
    async with asyncio.timeout(5):
        await site.websocket(server)
    assert [message.get("code") for message in server.sent] == [None, 1011]
    assert site.app.records == 0
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize("fault", [OSError("gone"), RuntimeError("closed")])
async def test_a_peer_that_goes_while_its_handler_cannot_be_made(
    site: Site, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()

    def fails(connection: Connection) -> Handler:
        server.fault = fault
        raise LookupError("no such thing")

    site.make = fails
    async with asyncio.timeout(5):
        await site.websocket(server)
    assert server.types == ["accept"]
    assert site.app.records == 0
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_the_call_cancelled_while_it_accepts(site: Site) -> None:
    server = Server()
    server.room.clear()
    call = site.websocket(server)
    await settle()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert site.app.records == 0
