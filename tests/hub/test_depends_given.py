"""What the call itself gives: the context, the hub, the request, the user, and Starlette's views of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Optional

import fastapi
import pytest
from fastapi import Security
from fastapi.requests import HTTPConnection as FastAPIConnection
from fastapi.security import SecurityScopes
from starlette.requests import HTTPConnection
from starlette.requests import Request as StarletteRequest

from hubstream import Depends, Hub, HubCallerContext, HubServer, Request, User
from hubstream.connection.memory import pair
from hubstream.testing import connect
from hubstream.types import Scope
from tests.hub.wire import HANDSHAKE, LIMIT, Wire, done, raw, result

UNAUTHORIZED = "Failed to invoke '{}' because user is unauthorized"
UNEXPECTED = "An unexpected error occurred invoking '{}' on the server."


def context(context: HubCallerContext) -> str:
    return context.connection_id


async def request(request: Request) -> str:
    return request.query["name"]


@asynccontextmanager
async def asking(hub: type[Hub], request: Request) -> AsyncGenerator[Wire]:
    """A client whose connection began with this request."""
    hubs = HubServer({"/hub": hub})
    near, far = pair(asyncio.get_running_loop())
    wire = Wire(near, far)
    wire.server = hubs.attach(hub, far, request)
    far.attach(wire.server)
    near.attach(wire)
    wire.say(HANDSHAKE)
    assert await wire.next() == {}
    try:
        yield wire
    finally:
        wire.end()
        await wire.closed()
        async with asyncio.timeout(LIMIT):
            await far.ended.wait()
            await wire.server.ended()


class Mine(Hub):
    def name(self) -> str:
        return self.context.connection_id


def any_hub(hub: Hub) -> Any:
    return hub


def my_hub(hub: Mine) -> Any:
    return hub


class Gets(Mine):
    async def whole(
        self,
        a: HubCallerContext,
        b: Annotated[str, Depends(context)],
        c: Request,
        d: Annotated[str, Depends(request)],
        e: Annotated[Any, Depends(any_hub)],
        f: Annotated[Any, Depends(my_hub)],
    ) -> bool:
        return a is self.context and b == a.connection_id and c is a.request and d == "ann" and e is f is self

    async def starlette(self, connection: HTTPConnection, again: FastAPIConnection) -> list[Any]:
        assert isinstance(connection, HTTPConnection)
        assert not isinstance(connection, StarletteRequest)
        headers = connection.headers
        return [connection.url.path, headers["x-name"], headers.get("authorization"), connection.query_params["name"]]

    async def starlette_request(self, request: fastapi.Request) -> list[Any]:
        assert await request.body() == b""
        assert not await request.is_disconnected()
        assert request.scope["type"] == "http"
        return [request.method, str(request.url), request.headers.get("authorization"), request.cookies]


async def test_ours() -> None:
    async with connect(HubServer({"/hub": Gets}), Gets, query={"name": "ann"}) as connection:
        assert await connection.invoke("whole", result=bool)


AUTHORIZATIONS: list[tuple[dict[str, str], dict[str, str], str | None]] = [
    ({}, {}, None),
    ({"Authorization": "Bearer abc"}, {}, "Bearer abc"),
    ({"Authorization": "Basic abc"}, {}, "Basic abc"),
    ({}, {"access_token": "abc"}, "Bearer abc"),
    ({"Authorization": "Bearer abc"}, {"access_token": "other"}, "Bearer abc"),
    ({"Authorization": "Basic abc"}, {"access_token": "other"}, "Basic abc"),
    ({"Authorization": ""}, {"access_token": "other"}, ""),
]


@pytest.mark.parametrize(("headers", "query", "seen"), AUTHORIZATIONS)
async def test_starlettes_see_a_token_of_the_query_as_a_header(
    headers: dict[str, str], query: dict[str, str], seen: str | None
) -> None:
    headers, query = {"X-Name": "Ann", "Cookie": "a=b", **headers}, {"name": "ann", **query}
    async with connect(HubServer({"/hub": Gets}), Gets, headers=headers, query=query) as connection:
        assert await connection.invoke("starlette", result=list[Any]) == ["/hub", "Ann", seen, "ann"]
        method, url, authorization, cookies = await connection.invoke("starlette_request", result=list[Any])
        assert (method, authorization, cookies) == ("GET", seen, {"a": "b"})
        assert url.startswith("http://testserver/hub?name=ann")


async def test_a_scope_without_headers_and_query() -> None:
    async with raw(Plain) as wire:
        wire.call("path")
        assert await wire.next() == result("1", "/")


def name_of(user: User) -> str:
    return user.id


class Plain(Hub):
    async def path(self, connection: HTTPConnection, request: StarletteRequest) -> str:
        assert not connection.headers
        assert not request.query_params
        return request.url.path

    async def changes(self, connection: HTTPConnection) -> None:
        connection.scope["path"] = "/changed"

    async def user(self, user: User) -> str:
        return user.id

    async def anybody(self, user: User | None, other: Optional[User]) -> str | None:  # noqa: UP045 - the old spelling
        assert user is other
        return None if user is None else user.id

    async def through(self, name: Annotated[str, Depends(name_of)]) -> str:
        return name

    async def stream(self, name: Annotated[str, Depends(name_of)]) -> AsyncIterator[str]:
        yield name

    async def scheme(self, request: StarletteRequest) -> str:
        return request.url.scheme


async def test_what_is_changed_in_a_scope_does_not_stay() -> None:
    async with raw(Plain) as wire:
        wire.call("changes")
        assert await wire.next() == result("1")
        wire.call("path")
        assert await wire.next() == result("1", "/")


@pytest.mark.parametrize(("scheme", "seen"), [("ws", "http"), ("wss", "https"), ("https", "https")])
async def test_the_scheme_of_a_request(scheme: str, seen: str) -> None:
    """Starlette makes URLs of it."""
    scope: Scope = {"type": "websocket", "path": "/", "scheme": scheme, "server": ("h", 1), "headers": []}
    async with asking(Plain, Request(scope)) as wire:
        wire.call("scheme")
        assert await wire.next() == result("1", seen)


async def test_a_request_is_disconnected_when_its_connection_is() -> None:
    kept: list[StarletteRequest] = []

    class Keeps(Hub):
        def call(self, request: StarletteRequest) -> None:
            kept.append(request)

    async with raw(Keeps) as wire:
        wire.call("call")
        assert await wire.next() == result("1")
        assert not await kept[0].is_disconnected()
        assert await kept[0].body() == b""
        assert not await kept[0].is_disconnected()
    assert await kept[0].is_disconnected()


# -- users


@pytest.mark.parametrize("name", ["user", "anybody", "through", "stream"])
async def test_an_anonymous_caller(name: str) -> None:
    async with raw(Plain) as wire:
        if name == "stream":
            wire.stream(name)
        else:
            wire.call(name)
        assert await wire.next() == (result("1") if name == "anybody" else done("1", UNAUTHORIZED.format(name)))


@pytest.mark.parametrize("name", ["user", "anybody", "through"])
async def test_a_user(name: str) -> None:
    async with asking(Plain, Request({"type": "websocket", "path": "/"}, User("ann"))) as wire:
        wire.call(name)
        assert await wire.next() == result("1", "ann")
        wire.call(name, {"id": "bob"})
        assert "Failed to invoke" in (await wire.next())["error"]


class Employee(User):
    """What `authenticate=` gives may know more."""


class Staff(Hub):
    def call(self, user: Employee) -> str:
        return user.id

    def maybe(self, user: Annotated[Employee, "of ours"] | None) -> str | None:
        return None if user is None else user.id


@pytest.mark.parametrize(
    ("user", "call", "maybe"),
    [
        (Employee("ann"), result("1", "ann"), result("2", "ann")),
        (None, done("1", UNAUTHORIZED.format("call")), result("2")),
        (User("bob"), done("1", UNEXPECTED.format("call")), done("2", UNEXPECTED.format("maybe"))),
    ],
    ids=str,
)
async def test_a_user_of_a_class_of_ones_own_never_comes_from_the_caller(user: Any, call: Any, maybe: Any) -> None:
    async with raw(Staff, user=user) as wire:
        wire.call("call")
        wire.call("maybe", id="2")
        assert await wire.take(2) == [call, maybe]
        wire.call("call", {"id": "eve"}, id="3")
        assert "Failed to invoke" in (await wire.next())["error"]


# -- hubs and scopes


async def test_a_dependency_of_another_hub(caplog: pytest.LogCaptureFixture) -> None:
    class Other(Hub):
        async def call(self, hub: Annotated[Any, Depends(my_hub)]) -> None: ...

    async with raw(Other) as wire:
        wire.call("call")
        assert await wire.next() == done("1", "An unexpected error occurred invoking 'call' on the server.")
    assert "a dependency takes a Mine, and this call's hub is Other" in caplog.text


def scopes(scopes: SecurityScopes) -> list[str]:
    return scopes.scopes


def more(value: Annotated[list[str], Security(scopes, scopes=["items"])]) -> list[str]:
    return value


class Scoped(Hub):
    async def call(
        self,
        a: Annotated[list[str], Security(scopes)],
        b: Annotated[list[str], Security(scopes, scopes=["me"])],
        c: Annotated[list[str], Security(more, scopes=["me", "you"])],
        d: Annotated[list[str], Depends(scopes)],
        e: Annotated[list[str], Security(scopes, scopes=["me"])],
    ) -> list[Any]:
        assert b is e
        return [a, b, c, d]


async def test_the_scopes_of_fastapis_security() -> None:
    async with raw(Scoped) as wire:
        wire.call("call")
        assert await wire.next() == result("1", [[], ["me"], ["me", "you", "items"], []])
