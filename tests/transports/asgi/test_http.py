from __future__ import annotations

import json

import pytest

from hubstream.transports.asgi.app import TransportOptions
from hubstream.types import Scope
from tests.transports.asgi.driven import Server, Site, Watched, gone, scope, settle
from tests.transports.asgi.exchange import Exchange, body, negotiated

NO_CACHE = {
    "cache-control": "no-cache, no-store",
    "pragma": "no-cache",
    "expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}

TRANSPORTS = [
    {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
    {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
    {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
]


@pytest.fixture
async def site() -> Site:
    return Site()


def post(query: str = "", path: str = "/clock/negotiate") -> Scope:
    return scope("http", path, query, "POST")


async def test_negotiate_version_1(site: Site) -> None:
    status, headers, body = await site.http(post("negotiateVersion=1"))
    assert (status, headers["content-type"]) == (200, "application/json")
    answer = json.loads(body)
    assert list(answer) == ["negotiateVersion", "connectionId", "connectionToken", "availableTransports"]
    assert answer["negotiateVersion"] == 1
    assert len(answer["connectionId"]) == len(answer["connectionToken"]) == 22
    assert answer["connectionId"] != answer["connectionToken"]
    assert answer["availableTransports"] == TRANSPORTS
    assert b" " not in body
    assert site.app.records == 1


@pytest.mark.parametrize("query", ["", "negotiateVersion=0", "NEGOTIATEVERSION=0", "other=1"])
async def test_negotiate_version_0(site: Site, query: str) -> None:
    _, _, body = await site.http(post(query))
    answer = json.loads(body)
    assert list(answer) == ["negotiateVersion", "connectionId", "availableTransports"]
    assert answer["negotiateVersion"] == 0


@pytest.mark.parametrize(
    ("query", "minimum", "error"),
    [
        ("negotiateVersion=one", 0, "The client requested a non-integer protocol version."),
        ("negotiateVersion=", 0, "The client requested a non-integer protocol version."),
        ("negotiateVersion=-1", 0, "The client requested version '-1', but the server does not support this version."),
        ("negotiateVersion=0", 1, "The client requested version '0', but the server does not support this version."),
        ("", 1, "The client requested version '0', but the server does not support this version."),
    ],
)
async def test_negotiate_versions_refused(query: str, minimum: int, error: str) -> None:
    site = Site(options=TransportOptions(minimum_protocol_version=minimum))
    status, headers, body = await site.http(post(query))
    assert (status, headers["content-type"], json.loads(body)) == (200, "application/json", {"error": error})
    assert site.app.records == 0


@pytest.mark.parametrize(
    ("names", "offered"),
    [
        ({"LongPolling"}, [2]),
        ({"ServerSentEvents", "WebSockets"}, [0, 1]),
        ({"LongPolling", "ServerSentEvents", "WebSockets"}, [0, 1, 2]),
    ],
)
async def test_negotiate_offers_what_there_is(names: set[str], offered: list[int]) -> None:
    site = Site(options=TransportOptions(transports=frozenset(names)))
    _, _, body = await site.http(post("negotiateVersion=1"))
    assert json.loads(body)["availableTransports"] == [TRANSPORTS[number] for number in offered]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_negotiate_is_post_only(site: Site, method: str) -> None:
    status, headers, body = await site.http(scope("http", "/clock/negotiate", method=method))
    assert (status, headers["content-type"], body) == (405, "text/plain", b"")


UNKNOWN = "A" * 22
NO_ID = b"Connection ID required"
NO_RECORD = b"No Connection with that ID"


@pytest.mark.parametrize(
    ("method", "query", "accept", "status", "body", "more"),
    [
        ("GET", "", "*/*", 400, NO_ID, NO_CACHE),
        ("GET", "id=", "*/*", 400, NO_ID, NO_CACHE),
        ("GET", "", "text/event-stream", 400, NO_ID, {}),
        ("POST", "", "*/*", 400, NO_ID, {}),
        ("DELETE", "", "*/*", 400, NO_ID, {}),
        ("GET", "id=nope", "*/*", 404, NO_RECORD, NO_CACHE),
        ("GET", f"id={UNKNOWN}", "*/*", 404, NO_RECORD, NO_CACHE),
        ("GET", "id=nope", "text/event-stream", 404, NO_RECORD, {}),
        ("POST", f"id={UNKNOWN}", "*/*", 404, NO_RECORD, {}),
        ("DELETE", f"id={UNKNOWN}", "*/*", 404, NO_RECORD, {}),
        ("PUT", "id={}", "", 405, b"", {}),
        ("PUT", "", "", 405, b"", {}),
        ("HEAD", "", "", 405, b"", {}),
        ("OPTIONS", "", "", 405, b"", {}),
    ],
)
@pytest.mark.parametrize("attached", [False, True])
async def test_answers(
    site: Site, method: str, query: str, accept: str, status: int, body: bytes, more: dict[str, str], attached: bool
) -> None:
    _, _, negotiated = await site.http(post("negotiateVersion=1"))
    token = json.loads(negotiated)["connectionToken"]
    server = Server()
    call = site.websocket(server, query=f"id={token}") if attached else None
    await settle()
    got = await site.http(scope("http", "/clock", query.format(token), method, accept=accept))
    assert got == (status, {"content-type": "text/plain", "content-length": str(len(body)), **more}, body)
    if call is not None:
        assert server.types == ["accept"]
        server.gives(gone(1000))
        await call


async def test_the_public_id_is_not_the_token(site: Site) -> None:
    _, _, negotiated = await site.http(post("negotiateVersion=1"))
    public = json.loads(negotiated)["connectionId"]
    assert (await site.http(scope("http", query=f"id={public}")))[0] == 404


async def test_a_record_belongs_to_its_endpoint() -> None:
    site = Site("/clock", "/other")
    _, _, negotiated = await site.http(post("negotiateVersion=1"))
    token = json.loads(negotiated)["connectionToken"]
    assert await Exchange(site, "POST", token, path="/other").done() == 404
    assert await Exchange(site, "POST", token).done() == 200


async def test_there_is_a_limit_to_posts_before_the_transport(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubstream.transports.asgi.table.MAX_EARLY", 2)
    early = [await negotiated(site) for _ in range(4)]
    for _ in range(2):
        assert [await Exchange(site, "POST", token).done() for token in early] == [200, 200, 429, 429]
    server = Server()
    call = site.websocket(server, query=f"id={early[0]}")
    await settle()
    assert [await Exchange(site, "POST", token).done() for token in early] == [405, 200, 200, 429]
    server.gives(gone(1000))
    await call
    site.clock.later(16)
    assert await Exchange(site, "POST", await negotiated(site)).done() == 200


async def test_what_was_posted_before_a_websocket_reaches_its_handler(site: Site) -> None:
    token = await negotiated(site)
    assert await Exchange(site, "POST", token, body(b"early")).done() == 200
    held = Exchange(site, "POST", token, body(b"never ends", more=True))
    await settle()
    server = Server()
    call = site.websocket(server, query=f"id={token}")
    await settle()
    assert site.handlers[0].seen[0] == b"earlynever ends"
    assert await held.done() == 404
    server.gives(gone(1000))
    await call


async def test_unknown_paths_are_answered_and_the_first_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        status, headers, body = await site.http(scope("http", "/clokc"))
        assert (status, headers["content-type"]) == (404, "text/plain")
        assert body
    (record,) = caplog.records
    assert record.name == "hubstream.transport"
    assert "/clokc" in record.getMessage()
    assert record.getMessage().endswith(": /clock")


async def test_another_loop_starts_afresh(site: Site) -> None:
    await site.http(post())
    assert site.app.records == 1
    site.clock = Watched(site.clock.loop)
    await site.http(post("negotiateVersion=x"))
    assert site.app.records == 0


async def test_endpoints_may_come_later(site: Site) -> None:
    assert (await site.http(post(path="/late/negotiate")))[0] == 404
    site.endpoints["/late"] = site.endpoints["/clock"]
    assert (await site.http(post(path="/late/negotiate")))[0] == 200


async def test_a_peer_that_has_gone_harms_nobody(site: Site) -> None:
    server = Server()
    server.fault = OSError("gone")
    await site.app(post(), server.receive, server.send)


async def test_lifespan_is_not_served_here(site: Site) -> None:
    server = Server()
    with pytest.raises(RuntimeError, match="lifespan"):
        await site.app({"type": "lifespan", "path": ""}, server.receive, server.send)


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match=r"no such transport: Carrier; there are WebSockets"):
        TransportOptions(transports=frozenset({"Carrier"}))


async def test_a_mount_at_the_hubs_own_path_is_told_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    below = {**post(path="/hubs/clock/negotiate"), "root_path": "/hubs"}
    assert (await site.http(below))[0] == 200
    assert not caplog.records
    for _ in range(2):
        own = {**post(path="/clock/negotiate"), "root_path": "/clock"}
        assert (await site.http(own))[0] == 200
    assert len(caplog.records) == 1
    assert "mounted at a hub's own path, /clock" in caplog.text
    assert "hubstream.integrations.starlette.routes" in caplog.text
