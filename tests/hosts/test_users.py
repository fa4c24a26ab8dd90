"""Users over real sockets: tokens in headers, queries and cookies, the users of frameworks, and who gets what is sent to one."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import asgi
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from hubstream import Hub, HubServer, Request, User, authorize
from tests.hosts.inside import running
from tests.hosts.signedin import TRANSPORTS, Where, signed_in

REFUSED = "Failed to invoke 'AdminOnly' because user is unauthorized"


class Who(Hub):
    def Who(self) -> list[Any]:
        user = self.context.user
        return [None, []] if user is None else [user.id, sorted(user.roles)]

    @authorize(role="admin")
    def AdminOnly(self) -> str:
        return "secret"

    async def Tell(self, user: str, text: str) -> None:
        await self.clients.user(user).send("Message", text)


@authorize
class Known(Who):
    pass


def by_token(request: Request) -> User | None:
    if request.token is None:
        return None
    name, _, role = request.token.partition(":")
    return User(name, roles=[role] if role else ())


def by_session(request: Request) -> User | None:
    name = request.scope["session"].get("user")
    return None if name is None else User(name, roles=["admin"])


def header(token: str) -> Where:
    return {"headers": {"authorization": f"Bearer {token}"}}


def query(token: str) -> Where:
    return {"params": {"access_token": token}}


@pytest.mark.parametrize("place", [header, query])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_tokens(transport: str, place: Callable[[str], Where]) -> None:
    async with running(HubServer({"/who": Known}, authenticate=by_token)) as url:
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            async with signed_in(f"{url}/who", transport):
                pass
        assert refused.value.status == 401
        async with (
            signed_in(f"{url}/who", transport, place("ann:admin")) as ann,
            signed_in(f"{url}/who", transport, place("bob")) as bob,
            signed_in(f"{url}/who", transport, place("bob")) as bob_again,
        ):
            assert await ann.call("Who") == ["ann", ["admin"]]
            assert await ann.call("AdminOnly") == "secret"
            assert await bob.call("Who") == ["bob", []]
            assert await bob.call("AdminOnly") == REFUSED
            assert await ann.call("Tell", "bob", "hello") is None
            assert await ann.call("Tell", "BOB", "not he") is None
            for each in (bob, bob_again):
                assert (await each.next())["arguments"] == ["hello"]
                assert await each.call("Who") == ["bob", []]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stolen_connection(transport: str) -> None:
    async with (
        running(HubServer({"/who": Known}, authenticate=by_token)) as url,
        signed_in(f"{url}/who", transport, header("ann")) as ann,
        aiohttp.ClientSession() as session,
    ):
        for thief, status in ((header("bob"), 403), (header("bob:admin"), 403), ({}, 401)):
            for method in ("POST", "DELETE", "GET"):
                where: Where = {**thief, "params": {"id": ann.token}}
                async with session.request(method, f"{url}/who", data=STOLEN, **where) as answer:
                    assert (method, answer.status) == (method, status)
        assert await ann.call("Who") == ["ann", []]


STOLEN = b'{"type":7}\x1e'


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_login_that_expires(transport: str) -> None:
    user = User("ann", expires=time.time() + 1)
    async with (
        running(HubServer({"/who": Who}, authenticate=lambda request: user)) as url,
        signed_in(f"{url}/who", transport) as ann,
    ):
        assert await ann.call("Who") == ["ann", []]
        assert await ann.next() == {"type": 7, "allowReconnect": True}
        assert 0 <= time.time() - (user.expires_at or 0) < 4, "to a tick, on a machine that may be busy"
        async with asyncio.timeout(10):
            await ann.ended.wait()


class Basic(AuthenticationBackend):
    """As Starlette's documentation has it."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        scheme, _, credentials = conn.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        name, _, _ = base64.b64decode(credentials).decode().partition(":")
        return AuthCredentials(["authenticated", "admin"] if name == "ann" else ["authenticated"]), SimpleUser(name)


def basic(name: str) -> Where:
    return {"headers": {"authorization": "Basic " + base64.b64encode(f"{name}:secret".encode()).decode()}}


def starlette() -> Any:
    middleware = [Middleware(AuthenticationMiddleware, backend=Basic())]
    return Starlette(routes=[Mount("/hubs", HubServer({"/who": Known}))], middleware=middleware)


def fastapi() -> Any:
    app = FastAPI()
    app.add_middleware(AuthenticationMiddleware, backend=Basic())
    app.mount("/hubs", HubServer({"/who": Known}))
    return app


class LitestarBasic(AbstractAuthenticationMiddleware):
    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        found = await Basic().authenticate(HTTPConnection(dict(connection.scope)))
        credentials, user = found or (None, None)
        return AuthenticationResult(user=user, auth=credentials)


def litestar() -> Any:
    hubs = HubServer({"/who": Known})
    return Litestar([asgi("/hubs", is_mount=True, copy_scope=True)(hubs)], middleware=[LitestarBasic])


@pytest.mark.parametrize("make", [starlette, fastapi, litestar])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_users_of_frameworks(transport: str, make: Callable[[], Any]) -> None:
    async with running(make()) as url:
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            async with signed_in(f"{url}/hubs/who", transport):
                pass
        assert refused.value.status == 401
        async with (
            signed_in(f"{url}/hubs/who", transport, basic("ann")) as ann,
            signed_in(f"{url}/hubs/who", transport, basic("bob")) as bob,
        ):
            assert await ann.call("Who") == ["ann", ["admin", "authenticated"]]
            assert await ann.call("AdminOnly") == "secret"
            assert await bob.call("Who") == ["bob", ["authenticated"]]
            assert await bob.call("AdminOnly") == REFUSED
            assert await ann.call("Tell", "bob", "hello") is None
            assert (await bob.next())["arguments"] == ["hello"]


async def sign_in(request: StarletteRequest) -> PlainTextResponse:
    request.session["user"] = request.query_params["name"]
    return PlainTextResponse("")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_sessions(transport: str) -> None:
    app = Starlette(
        routes=[Route("/login", sign_in), Mount("/hubs", HubServer({"/who": Known}, authenticate=by_session))],
        middleware=[Middleware(SessionMiddleware, secret_key="a secret of this test")],
    )
    async with running(app) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/login", params={"name": "ann"}) as answer:
            cookie = answer.cookies["session"].value
        async with signed_in(f"{url}/hubs/who", transport, {"headers": {"cookie": f"session={cookie}"}}) as ann:
            assert await ann.call("Who") == ["ann", ["admin"]]
            assert await ann.call("AdminOnly") == "secret"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_anonymous_ones_are_welcome_where_nobody_is_asked_for(transport: str) -> None:
    async with (
        running(HubServer({"/who": Who}, authenticate=by_token)) as url,
        signed_in(f"{url}/who", transport) as nobody,
    ):
        assert await nobody.call("Who") == [None, []]
        assert await nobody.call("AdminOnly") == REFUSED
