"""FastAPI's own dependencies work in hub methods as they are: the tutorial's chain from `OAuth2PasswordBearer` to a user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Security
from fastapi.requests import HTTPConnection, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, APIKeyQuery, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.middleware.sessions import SessionMiddleware

from hubstream import Hub, HubError, HubServer
from hubstream.testing import connect
from hubstream.testing.connection import TestConnection
from tests.hosts.inside import ask, running
from tests.integrations.fastapi_tutorial import Items, User, app, create_access_token, get_current_user, hubs
from tests.interop.rawclient import RS, RawHub
from tests.interop.rawsocket import RawSocket

UNAUTHORIZED = "Failed to invoke '{}' because user is unauthorized"
UNEXPECTED = "An unexpected error occurred invoking '{}' on the server."


def token(name: str, minutes: float = 15) -> str:
    return create_access_token({"sub": name}, timedelta(minutes=minutes))


WAYS = ("header", "query")
"""How a token comes: from .NET's and Java's clients in a header, from a browser's WebSocket in the query."""


def connected(way: str, token: str | None) -> AbstractAsyncContextManager[TestConnection]:
    if token is None:
        return connect(hubs, Items)
    if way == "header":
        return connect(hubs, Items, headers={"Authorization": f"Bearer {token}"})
    return connect(hubs, Items, query={"access_token": token})


@pytest.mark.parametrize("way", WAYS)
async def test_a_user_of_the_tutorial(way: str) -> None:
    async with connected(way, token("johndoe")) as connection:
        owned = await connection.invoke("read_own_items", result=list[Any])
        assert owned == [{"item_id": "Foo", "owner": "johndoe"}]
        async with connection.stream("watch", 2, item=str) as stream:
            assert [text async for text in stream] == ["johndoe 0", "johndoe 1"]
        renamed = await connection.invoke("rename", "Jane", result=User)
        assert (renamed.username, renamed.full_name) == ("johndoe", "Jane")


REFUSED: dict[str, tuple[str | None, int, str]] = {
    "without a token": (None, 401, UNAUTHORIZED),
    "with one that is none": ("abc", 401, UNAUTHORIZED),
    "with an old one": (token("johndoe", -1), 401, UNAUTHORIZED),
    "of nobody": (token("nobody"), 401, UNAUTHORIZED),
    "inactive": (token("alice"), 400, UNEXPECTED + " HubException: Inactive user"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("way", WAYS)
async def test_whom_the_tutorial_refuses(way: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    given, _, text = REFUSED[name]
    async with connected(way, given) as connection:
        with pytest.raises(HubError) as caught:
            await connection.invoke("read_own_items")
        assert str(caught.value) == text.format("read_own_items")
        with pytest.raises(HubError) as caught:
            async with connection.stream("watch", 2) as stream:
                _ = [item async for item in stream]
        assert str(caught.value) == text.format("watch")
        assert await connection.invoke("anyone") == "anyone"
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


async def shaken(url: str, query: str = "", *headers: str) -> RawHub:
    """A hub connection over a real WebSocket."""
    raw = await RawSocket.open(url, f"/hubs/items{query}", headers)
    assert raw.status == 101
    hub = RawHub(raw)
    await raw.send('{"protocol":"json","version":1}' + RS)
    assert await hub.next() == {}
    return hub


async def test_a_route_and_a_hub_know_the_same_users() -> None:
    async with running(app) as url, asyncio.timeout(10):
        for given, status, _ in [*REFUSED.values(), (token("johndoe"), 200, "")]:
            headers = {} if given is None else {"Authorization": f"Bearer {given}"}
            assert (await ask(url, "GET", "/users/me/", headers)).status == status
        good = token("johndoe")
        for hub in (
            await shaken(url, "", f"Authorization: Bearer {good}"),
            await shaken(url, f"?access_token={good}"),
        ):
            assert await hub.invoke("ReadOwnItems") == [{"item_id": "Foo", "owner": "johndoe"}]
            hub.raw.drop()
        for hub in (await shaken(url), await shaken(url, "?access_token=abc")):
            await hub.send({"type": 1, "invocationId": "1", "target": "read_own_items", "arguments": []})
            assert (await hub.next())["error"] == UNAUTHORIZED.format("read_own_items")
            hub.raw.drop()


async def test_an_override_as_fastapis_tests_write_it() -> None:
    hubs.dependency_overrides[get_current_user] = lambda: User(username="tester")
    try:
        async with connect(hubs, Items) as connection:
            assert await connection.invoke("read_own_items") == [{"item_id": "Foo", "owner": "tester"}]
    finally:
        hubs.dependency_overrides.clear()


# -- FastAPI's other schemes, sessions and state

Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


class Schemes(Hub):
    async def bearer(self, it: Bearer) -> str:
        return f"{it.scheme} {it.credentials}"

    async def basic(self, it: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
        return f"{it.username} {it.password}"

    async def key_header(self, it: Annotated[str, Security(APIKeyHeader(name="X-Key"))]) -> str:
        return it

    async def key_query(self, it: Annotated[str, Security(APIKeyQuery(name="key"))]) -> str:
        return it

    async def key_cookie(self, it: Annotated[str, Security(APIKeyCookie(name="key"))]) -> str:
        return it

    async def nothing(self, it: Annotated[str | None, Security(APIKeyHeader(name="X-None", auto_error=False))]) -> str:
        return repr(it)


SCHEMES = {
    "bearer": "Bearer abc",
    "basic": "ann secret",
    "key_header": "one",
    "key_query": "two",
    "key_cookie": "three",
    "nothing": "None",
}
HEADERS = {"Authorization": "Bearer abc", "X-Key": "one", "Cookie": "key=three"}


@pytest.mark.parametrize("name", SCHEMES)
async def test_fastapis_schemes(name: str) -> None:
    headers = {**HEADERS, "Authorization": "Basic YW5uOnNlY3JldA=="} if name == "basic" else HEADERS
    schemes = HubServer({"/hub": Schemes})
    async with connect(schemes, Schemes, headers=headers, query={"key": "two"}) as connection:
        assert await connection.invoke(name) == SCHEMES[name]
    if name == "nothing":
        return
    async with connect(schemes, Schemes) as connection:
        with pytest.raises(HubError, match="because user is unauthorized"):
            await connection.invoke(name)


async def session(request: Request) -> AsyncIterator[dict[str, Any]]:
    yield request.session


class Sessions(Hub):
    async def visit(self, session: Annotated[dict[str, Any], Depends(session)]) -> int:
        session["visits"] = session.get("visits", 0) + 1
        return int(session["visits"])

    async def route(self, connection: HTTPConnection) -> list[str]:
        return [connection.app.title, str(connection.url_for("home", name="x")), connection.path_params["tenant"]]


async def test_what_the_framework_put_into_the_scope() -> None:
    framework = FastAPI(title="the app")
    framework.add_middleware(SessionMiddleware, secret_key="secret")
    framework.mount("/of/{tenant}", HubServer({"/hub": Sessions}))

    @framework.get("/home/{name}", name="home")
    async def home(name: str) -> str:
        return name

    async with running(framework) as url, asyncio.timeout(10):
        raw = await RawSocket.open(url, "/of/acme/hub")
        assert raw.status == 101
        hub = RawHub(raw)
        await raw.send('{"protocol":"json","version":1}' + RS)
        assert await hub.next() == {}
        assert [await hub.invoke("visit") for _ in range(2)] == [1, 2]
        title, target, tenant = await hub.invoke("route")
        assert (title, tenant) == ("the app", "acme")
        assert target.endswith("/home/x")
        hub.raw.drop()
