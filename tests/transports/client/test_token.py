"""When the token is asked for, where it goes, and what a 401 brings (spec 1.8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from hubstream.errors import NegotiateError, TransportError
from hubstream.transports.client.choose import connect
from hubstream.transports.client.options import ClientOptions
from tests.transports.client.served import TRANSPORTS, Answers, Client, answering
from tests.transports.client.test_negotiate import ALL, GOOD


class Tokens:
    """Gives `t1`, `t2`, …."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self) -> str:
        self.given += 1
        return f"t{self.given}"

    async def later(self) -> str:
        await asyncio.sleep(0)
        return self()


def accepting(*accepted: str, transports: tuple[str, ...] = TRANSPORTS) -> Any:
    """Negotiates with anyone; all else needs a token of these. Polls after the first wait."""
    polls = 0

    async def give(request: web.Request) -> web.StreamResponse:
        nonlocal polls
        if request.path.endswith("/negotiate"):
            offered = [transport for transport in ALL if transport["transport"] in transports]
            return web.json_response({**GOOD, "availableTransports": offered})
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in accepted:
            return web.Response(status=401)
        if "Upgrade" in request.headers:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.receive()
            return socket
        if request.method != "GET":
            return web.Response()
        if request.headers["Accept"] == "text/event-stream":
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await asyncio.sleep(60)
        polls += 1
        if polls > 1:
            await asyncio.sleep(60)
        return web.Response()

    return give


def tokens(server: Answers) -> list[str]:
    return [
        f"{request.method} {request.headers.get('Authorization', '-').removeprefix('Bearer ')}"
        for request in server.requests
    ]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_one_token_for_all_requests(transport: str, later: bool) -> None:
    given = Tokens()
    async with answering(accepting("t1", transports=(transport,))) as server:
        made = await connect(
            ClientOptions(url=server.url, token=given.later if later else given), binary=False, attach=Client
        )
        made.connection.write(b"x")
        made.connection.close()
        await made.connection.closed()
    assert given.given == 1
    assert {line.split()[1] for line in tokens(server)} == {"t1"}
    assert tokens(server)[0] == "POST t1"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_401_is_answered_once_with_a_new_token(transport: str) -> None:
    given = Tokens()
    async with answering(accepting("t2", transports=(transport,))) as server:
        made = await connect(ClientOptions(url=server.url, token=given), binary=False, attach=Client)
        made.connection.abort()
        await made.connection.closed()
    assert tokens(server)[:3] == ["POST t1", "GET t1", "GET t2"]
    given = Tokens()
    async with answering(accepting("never", transports=(transport,))) as server:
        with pytest.raises(TransportError, match="status 401"):
            await connect(ClientOptions(url=server.url, token=given), binary=False, attach=Client)
    assert tokens(server) == ["POST t1", "GET t1", "GET t2"]


async def test_a_token_that_runs_out_on_the_way() -> None:
    """A poll and a POST are refused at the same time: one new token serves both."""
    accepted = ["t1"]
    given = Tokens()
    polls = 0
    refuse = asyncio.Event()

    async def give(request: web.Request) -> web.StreamResponse:
        nonlocal polls
        if request.path.endswith("/negotiate"):
            return web.json_response({**GOOD, "availableTransports": ALL[2:]})
        polls += request.method == "GET"
        if polls == 2 and request.method == "GET":
            await refuse.wait()
        if request.headers["Authorization"].removeprefix("Bearer ") not in accepted:
            if request.method == "POST":
                refuse.set()
            return web.Response(status=401)
        if polls > 2 and request.method == "GET":
            await asyncio.sleep(60)
        return web.Response()

    async with answering(give) as server:
        made = await connect(ClientOptions(url=server.url, token=given.later), binary=False, attach=Client)
        accepted[:] = ["t2"]
        made.connection.write(b"x")
        async with asyncio.timeout(5):
            while not {"POST t2", "GET t2"} <= set(tokens(server)):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        made.connection.close()
        await made.connection.closed()
    assert tokens(server)[-1] == "DELETE t2"
    assert given.given == 2


async def test_a_websocket_without_a_negotiation() -> None:
    """Its token was asked for this very request: a 401 is the answer."""
    given = Tokens()
    options: Any = {"transports": ("WebSockets",), "skip_negotiation": True, "token": given}
    async with answering(accepting("t1")) as server:
        made = await connect(ClientOptions(url=server.url, **options), binary=False, attach=Client)
        made.connection.abort()
        await made.connection.closed()
    async with answering(accepting("never")) as server:
        with pytest.raises(TransportError, match="WebSockets failed: the server answered with status 401"):
            await connect(ClientOptions(url=server.url, **options), binary=False, attach=Client)
    assert tokens(server) == ["GET t2"]


async def test_each_attempt_asks_anew() -> None:
    given = Tokens()
    async with answering(accepting()) as server:
        with pytest.raises(TransportError):
            await connect(ClientOptions(url=server.url, token=given), binary=False, attach=Client)
    assert tokens(server) == [
        *("POST t1", "GET t1", "GET t2"),
        *("POST t3", "GET t3", "GET t4"),
        *("POST t5", "GET t5", "GET t6"),
    ]


async def test_a_token_given_with_a_redirect_stays() -> None:
    given = Tokens()

    async def give(request: web.Request) -> web.StreamResponse:
        if request.path == "/hub/negotiate":
            return web.json_response({"url": f"http://{request.host}/other", "accessToken": "fixed"})
        answer: web.StreamResponse = await accepting("not this", transports=("LongPolling",))(request)
        return answer

    async with answering(give) as server:
        with pytest.raises(TransportError, match="status 401"):
            await connect(ClientOptions(url=server.url, token=given), binary=False, attach=Client)
    assert tokens(server) == ["POST t1", "POST fixed", "GET fixed"]


async def test_a_negotiation_refused_is_not_asked_again() -> None:
    given = Tokens()

    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})

    async with answering(refuse) as server:
        with pytest.raises(NegotiateError, match="'401'"):
            await connect(ClientOptions(url=server.url, token=given), binary=False, attach=Client)
    assert tokens(server) == ["POST t1"]


@pytest.mark.parametrize("nothing", [None, ""])
async def test_no_token_is_no_header(nothing: str | None) -> None:
    async with answering(accepting("-", transports=("LongPolling",))) as server:
        made = await connect(
            ClientOptions(url=server.url, token=lambda: nothing, headers={"authorization": "Bearer -"}),
            binary=False,
            attach=Client,
        )
        made.connection.abort()
        await made.connection.closed()
    assert set(tokens(server)) == {"POST -", "GET -"}


async def test_a_token_that_cannot_be_had() -> None:
    def fail() -> str:
        raise ZeroDivisionError

    async with answering(accepting("t1")) as server:
        with pytest.raises(ZeroDivisionError):
            await connect(ClientOptions(url=server.url, token=fail), binary=False, attach=Client)
    assert not server.requests


async def test_a_token_that_is_no_text() -> None:
    token: Any = lambda: b"t1"  # noqa: E731
    async with answering(accepting("t1")) as server:
        with pytest.raises(TypeError, match="token gives a text, or None, not bytes"):
            await connect(ClientOptions(url=server.url, token=token), binary=False, attach=Client)
    assert not server.requests


async def test_the_token_has_the_last_word_on_its_header() -> None:
    async with answering(accepting("t1", transports=("LongPolling",))) as server:
        made = await connect(
            ClientOptions(url=server.url, token=Tokens(), headers={"authorization": "Basic x", "X-Own": "y"}),
            binary=False,
            attach=Client,
        )
        made.connection.abort()
        await made.connection.closed()
    for request in server.requests:
        assert request.headers.getall("Authorization") == ["Bearer t1"]
        assert request.headers["X-Own"] == "y"
