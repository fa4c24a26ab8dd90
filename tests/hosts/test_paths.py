"""Where a hub is found: root paths however they are given, mounts, and odd spellings of a URL; never a redirect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from litestar import Litestar
from litestar.handlers import asgi
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hubstream import HubServer
from hubstream.integrations.starlette import routes
from hubstream.types import ASGIApp, Receive, Scope, Send
from tests.hosts.clock import Clock
from tests.hosts.inside import ask, running
from tests.hosts.processes import free_port, serving


def hubs(path: str = "/clock") -> HubServer:
    return HubServer({path: Clock})


def by_header(app: ASGIApp) -> ASGIApp:
    """What a middleware makes of `X-Forwarded-Prefix`: the path stays, the root path is set."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        await app({**scope, "root_path": headers.get(b"x-forwarded-prefix", b"").decode()}, receive, send)

    return wrapped


def mounted(**options: Any) -> FastAPI:
    app = FastAPI(**options)
    app.mount("/hubs", hubs())
    return app


PREFIX = {"X-Forwarded-Prefix": "/api"}

# name: the application, uvicorn's options, what is asked for
FOUND: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "flag": (hubs, {"root_path": "/api"}, "/clock"),
    "flag with a slash": (hubs, {"root_path": "/api/"}, "/clock"),
    "flag, letters in common": (lambda: hubs("/apiary/clock"), {"root_path": "/api"}, "/apiary/clock"),
    "flag, the hub begins with it": (lambda: hubs("/api/clock"), {"root_path": "/api"}, "/api/clock"),
    "flag and mount": (mounted, {"root_path": "/api"}, "/hubs/clock"),
    "flag and exact routes": (lambda: FastAPI(routes=routes(hubs())), {"root_path": "/api"}, "/clock"),
    "flag that is the mount's name": (mounted, {"root_path": "/hubs"}, "/hubs/clock"),
    "argument, stripped": (lambda: mounted(root_path="/api"), {}, "/hubs/clock"),
    "argument, not stripped": (lambda: mounted(root_path="/api"), {}, "/api/hubs/clock"),
    "argument, letters in common": (
        lambda: FastAPI(root_path="/hub", routes=[Mount("/hubs", hubs())]),
        {},
        "/hubs/clock",
    ),
    "header": (lambda: by_header(hubs()), {}, "/clock"),
    "header, not stripped": (lambda: by_header(hubs()), {}, "/api/clock"),
    "header and mount": (lambda: by_header(mounted()), {}, "/hubs/clock"),
    "header and mount, not stripped": (lambda: by_header(mounted()), {}, "/api/hubs/clock"),
    "header, the hub begins with it": (lambda: by_header(hubs("/api/clock")), {}, "/api/clock"),
    "mount in mount": (
        lambda: Starlette(routes=[Mount("/a", Starlette(routes=[Mount("/b", hubs())]))]),
        {},
        "/a/b/clock",
    ),
    "mount in mount of the same name": (
        lambda: Starlette(routes=[Mount("/a", Starlette(routes=[Mount("/a", hubs("/a"))]))]),
        {},
        "/a/a/a",
    ),
    "mount in mount and flag": (
        lambda: Starlette(routes=[Mount("/a", Starlette(routes=[Mount("/b", hubs())]))]),
        {"root_path": "/api"},
        "/a/b/clock",
    ),
    "Litestar and flag": (
        lambda: Litestar([asgi("/hubs", is_mount=True, copy_scope=True)(hubs())]),
        {"root_path": "/api"},
        "/hubs/clock",
    ),
    "double slashes": (hubs, {}, "//clock"),
    "double slashes below a mount": (mounted, {}, "/hubs//clock"),
    "double slashes and flag": (hubs, {"root_path": "/api"}, "//clock"),
    "percent-encoding": (mounted, {}, "/%68ubs/%63lock"),
    "an encoded slash": (mounted, {}, "/hubs%2Fclock"),
    "beyond ASCII": (lambda: hubs("/zeit/größe"), {}, "/zeit/gr%C3%B6%C3%9Fe"),
    "a space": (lambda: hubs("/my clock"), {"root_path": "/api"}, "/my%20clock"),
}


async def greeted(url: str, headers: dict[str, str]) -> bool:
    """Whether a hub answers a WebSocket's handshake."""
    ws = url.replace("http://", "ws://", 1)
    try:
        async with connect(ws, open_timeout=5, close_timeout=5, proxy=None, additional_headers=headers) as client:
            await client.send('{"protocol":"json","version":1}\x1e')
            return await client.recv() == "{}\x1e"
    except InvalidStatus:
        return False


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")  # it works still, and is in use
async def test_a_hub_is_found(name: str) -> None:
    make, options, path = FOUND[name]
    headers = PREFIX if name.startswith("header") else {}
    async with running(make(), **options) as url:
        for slash in ("", "/"):
            assert (await ask(url, "POST", f"{path}/negotiate{slash}?negotiateVersion=1", headers)).status == 200
            answer = await ask(url, "POST", f"{path}{slash}?id=none", headers, b"{}")
            assert (answer.status, answer.body) == (404, b"No Connection with that ID")
            assert await greeted(f"{url}{path}{slash}", headers)


@pytest.mark.parametrize("ws", ["wsproto", "websockets"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The `websockets` implementation is deprecated")
async def test_a_hub_is_found_by_the_other_websocket_classes(ws: str) -> None:
    async with running(mounted(), ws=ws, root_path="/api") as url:
        assert await greeted(f"{url}/hubs//%63lock/", {})
        assert not await greeted(f"{url}/hubs/clocks", {})


@pytest.mark.parametrize("path", ["/clocks", "/cloc", "/api", "/", "/clock/negotiate", "/clock%3F", "/x/clock"])
async def test_another_path_is_none(path: str) -> None:
    async with running(hubs(), root_path="/api") as url:
        assert (await ask(url, "POST", f"{path}/negotiate")).status == 404
        assert not await greeted(url + path, {})


@pytest.mark.parametrize(
    "command",
    [
        ["hypercorn", "--root-path", "/api", "--bind"],
        ["granian", "--interface", "asgi", "--url-path-prefix", "/api", "--port"],
    ],
    ids=lambda command: command[0],
)
async def test_the_root_path_of_other_servers(command: list[str]) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(free_port()) if command[0] == "granian" else 0
        where = str(port) if port else "127.0.0.1:0"
        up = stack.enter_context(serving([*command, where, "tests.hosts.apps:mounted"], port))
        for path in ("/hubs/clock", "/hubs//%63lock", "/api/hubs/clock"):
            assert (await ask(up.url, "POST", f"{path}/negotiate?negotiateVersion=1")).status == 200
            assert await greeted(up.url + path, {})
