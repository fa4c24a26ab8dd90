"""What a server may answer to a negotiation, and what the client makes of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from hubstream.errors import NegotiateError, TransportError
from hubstream.transports.client.choose import connect
from hubstream.transports.client.negotiate import negotiate
from hubstream.transports.client.options import ClientOptions
from hubstream.transports.client.requests import Requests
from tests.transports.client.served import Client, answering

ALL = [
    {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
    {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
    {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
]
GOOD: dict[str, Any] = {
    "negotiateVersion": 1,
    "connectionId": "id",
    "connectionToken": "token",
    "availableTransports": ALL,
}


async def negotiated(url: str, **options: Any) -> tuple[str, str, str]:
    requests = Requests(ClientOptions(url=url, **options))
    try:
        offer = await negotiate(requests, url)
        return offer.url, offer.key, str(offer.response.connection_id)
    finally:
        await requests.close()


def answer(body: object, status: int = 200, content_type: str = "application/json") -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)

    async def give(request: web.Request) -> web.Response:
        data = text.encode() if isinstance(text, str) else text
        return web.Response(status=status, body=data, content_type=content_type)

    return give


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (GOOD, "token"),
        ({"connectionId": "id", "availableTransports": ALL}, "id"),
        ({"negotiateVersion": 0, "connectionId": "id", "connectionToken": "t", "availableTransports": ALL}, "id"),
        ({**GOOD, "anything": [1, None]}, "token"),
    ],
)
async def test_an_offer(given: object, key: str) -> None:
    async with answering(answer(given)) as server:
        assert await negotiated(server.url) == (server.url, key, "id")
        (request,) = server.requests
    assert server.asked == ["POST /hub/negotiate?negotiateVersion=1"]
    assert request.headers["X-Requested-With"] == "XMLHttpRequest"
    assert request.headers["User-Agent"].startswith("hubstream/")
    assert request.headers["Content-Length"] == "0"
    assert not {"Content-Type", "Accept-Encoding", "Authorization", "Cookie"} & set(request.headers)


LOGIN = "<!DOCTYPE html>\n<html>\x00<title>Please   sign in</title>" + "é" * 10_000


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            answer(LOGIN, content_type="text/html"),
            (
                "Invalid negotiation response received. Error reading JSON. "
                "The server answered with status 200, text/html: <!DOCTYPE html> <html>�<title>"
            ),
        ),
        (
            answer("", 200),
            "Invalid negotiation response received. Error reading JSON. The server answered with status 200, no body",
        ),
        (
            answer(b"\xff\xfe\x1b[31m", 404, "text/plain"),
            "Unexpected status code returned from negotiate '404'. The server answered with status 404, text/plain: ���[31m",
        ),
        (answer(GOOD, 500), "Unexpected status code returned from negotiate '500'."),
        (answer(GOOD, 201), "Unexpected status code returned from negotiate '201'."),
        (
            answer("", 401),
            "Unexpected status code returned from negotiate '401'. The server answered with status 401, no body",
        ),
        (answer({"error": "Not today."}), "Not today."),
        (answer([]), "Invalid negotiation response received."),
        (answer({}), "Invalid negotiation response received. Missing required property 'connectionId'."),
        (
            answer({"ProtocolVersion": "1.5", "Url": "/signalr", "ConnectionToken": "x", "TryWebSockets": True}),
            "Detected a connection attempt to an ASP.NET SignalR Server.",
        ),
        (answer({**GOOD, "negotiateVersion": 2}), "The server speaks version 2 of the negotiation, not 0 or 1."),
        (answer({**GOOD, "negotiateVersion": -1}), "The server speaks version -1 of the negotiation, not 0 or 1."),
        (answer({**GOOD, "negotiateVersion": "1"}), "Invalid negotiation response received."),
        (
            answer({**GOOD, "useStatefulReconnect": True}),
            "Client didn't negotiate Stateful Reconnect but the server did.",
        ),
        (
            answer({"url": "ftp://elsewhere/hub"}),
            "The server sends to 'ftp://elsewhere/hub', which is no http or https URL.",
        ),
        (answer({"url": "http://[::1/hub"}), "The server sends to 'http://[::1/hub': Invalid IPv6 URL"),
        (answer({"url": "http://host:99999/hub"}), "The server sends to 'http://host:99999/hub': Port out of range"),
        (answer(" " * 2_000_000), "The answer to the negotiation has more than 1048576 bytes."),
        (answer({**GOOD, "availableTransports": []}), "The server offers no transport."),
        (
            answer({**GOOD, "availableTransports": [{"transport": "Pigeons", "transferFormats": ["Text"]}]}),
            "The server offers no transport that this client knows: Pigeons",
        ),
    ],
)
async def test_no_offer(given: Any, text: str) -> None:
    async with answering(given) as server:
        with pytest.raises(NegotiateError) as refused:
            await connect(ClientOptions(url=server.url), binary=False, attach=Client)
        assert len(server.requests) == 1
    assert str(refused.value).startswith(text)
    assert len(str(refused.value)) < 350


async def test_a_server_that_is_not_there() -> None:
    async with answering(answer(GOOD)) as server:
        url = server.url
    with pytest.raises(
        TransportError, match="The server cannot be asked for a connection: Cannot connect to host"
    ) as caught:
        await negotiated(url)
    assert "ssl" not in str(caught.value)


async def test_an_answer_that_breaks_off() -> None:
    async def half(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        request.transport.close()
        raise ConnectionError

    async with answering(half) as server:
        with pytest.raises(TransportError, match="The server cannot be asked"):
            await negotiated(server.url)


async def test_a_server_of_something_else() -> None:
    async def greet(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.write(b"220 mail.example ESMTP\r\n")
        request.transport.close()
        raise ConnectionError

    async with answering(greet) as server:
        with pytest.raises(TransportError) as raised:
            await negotiated(server.url)
    assert str(raised.value).startswith(
        "The server cannot be asked for a connection: what answered speaks no HTTP: Bad status line"
    )
    assert "220 mail.example" in str(raised.value)
    assert "400" not in str(raised.value)


async def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:

    async def wait(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        raise AssertionError

    defaults: Any = Requests.ask.__kwdefaults__
    monkeypatch.setitem(defaults, "total", 0.05)
    async with answering(wait) as server:
        with pytest.raises(TransportError, match="The server cannot be asked for a connection: no answer within 30 s"):
            await negotiated(server.url)


async def test_redirects_are_followed_with_their_tokens() -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append("asked")
        return "mine"

    async def send_on(request: web.Request) -> web.Response:
        if request.path == "/hub/negotiate":
            return web.json_response({"url": f"http://{request.host}/second?own=1"})
        if request.path == "/second/negotiate":
            return web.json_response({"url": "/third/?a=b%2F+c", "accessToken": "theirs"})
        return web.json_response(GOOD)

    async with answering(send_on) as server:
        url, key, _ = await negotiated(server.url, token=token)
    assert url == server.url.replace("/hub", "/third/?a=b%2F+c")
    assert key == "token"
    assert server.asked == [
        "POST /hub/negotiate?negotiateVersion=1",
        "POST /second/negotiate?own=1&negotiateVersion=1",
        "POST /third/negotiate?a=b%2F+c&negotiateVersion=1",
    ]
    assert [request.headers["Authorization"] for request in server.requests] == [
        "Bearer mine",
        "Bearer mine",
        "Bearer theirs",
    ]
    assert asked == ["asked", "asked"]


async def test_a_hundred_redirects_are_the_end() -> None:
    async with answering(answer({"url": "/hub"})) as server:
        with pytest.raises(NegotiateError, match=r"Negotiate redirection limit exceeded\."):
            await negotiated(server.url)
    assert len(server.requests) == 100
