"""Hubs inside FastAPI, Starlette and Litestar: below a mount, and at their exact path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from litestar import Litestar
from litestar.handlers import asgi
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from hubstream import HubServer
from hubstream.integrations.starlette import routes
from tests.hosts.client import passes
from tests.hosts.clock import Clock
from tests.hosts.inside import ask, running


def hubs(path: str = "/clock") -> HubServer:
    return HubServer({path: Clock})


def fastapi_mount() -> FastAPI:
    app = FastAPI()
    app.mount("/hubs", hubs())
    return app


def fastapi_prefix_twice() -> FastAPI:
    app = FastAPI()
    app.mount("/api", fastapi_mount())
    return app


def litestar_mount() -> Litestar:
    return Litestar([asgi("/hubs", is_mount=True, copy_scope=True)(hubs())])


def litestar_exact() -> Litestar:
    return Litestar([asgi(["/clock", "/clock/negotiate"], copy_scope=True)(hubs())])


async def nothing(request: Any) -> Any:
    raise AssertionError("another route was taken")


APPS: dict[str, tuple[Callable[[], Any], str]] = {
    "FastAPI mount": (fastapi_mount, "/hubs/clock"),
    "FastAPI mount in mount": (fastapi_prefix_twice, "/api/hubs/clock"),
    "FastAPI exact": (lambda: FastAPI(routes=routes(hubs())), "/clock"),
    "FastAPI mount with a parameter": (
        lambda: FastAPI(routes=[Mount("/of/{tenant}", hubs())]),
        "/of/acme/clock",
    ),
    "Starlette mount": (lambda: Starlette(routes=[Mount("/hubs", hubs())]), "/hubs/clock"),
    "Starlette mount at the root": (
        lambda: Starlette(routes=[Route("/other", nothing), Mount("/", hubs("/a/b/clock"))]),
        "/a/b/clock",
    ),
    "Starlette exact": (lambda: Starlette(routes=[*routes(hubs()), Route("/{rest:path}", nothing)]), "/clock"),
    "Litestar mount": (litestar_mount, "/hubs/clock"),
    "Litestar exact": (litestar_exact, "/clock"),
}


@pytest.mark.parametrize("name", APPS)
async def test_the_short_list(name: str) -> None:
    make, path = APPS[name]
    async with running(make()) as url:
        await passes(url + path)


@pytest.mark.parametrize("name", APPS)
async def test_a_slash_at_the_end_is_no_redirect(name: str) -> None:
    make, path = APPS[name]
    async with running(make()) as url:
        for suffix in ("", "/"):
            assert (await ask(url, "POST", f"{path}/negotiate{suffix}?negotiateVersion=1")).status == 200
            assert (await ask(url, "GET", f"{path}{suffix}?id=none")).status == 404
            assert (await ask(url, "POST", f"{path}{suffix}?id=none")).body == b"No Connection with that ID"
            assert (await ask(url, "OPTIONS", f"{path}{suffix}")).status == 405


async def test_a_mount_at_the_hubs_own_path_fails_as_the_documentation_says() -> None:
    async with running(Starlette(routes=[Mount("/clock", HubServer({"/": Clock}))])) as url:
        assert (await ask(url, "POST", "/clock/negotiate")).status == 200
        assert (await ask(url, "POST", "/clock?id=none")).status == 307


async def test_the_first_404_below_a_mount_names_the_paths(caplog: pytest.LogCaptureFixture) -> None:
    async with running(fastapi_mount()) as url:
        answers = [await ask(url, "POST", f"/hubs/{path}/negotiate") for path in ("clocks", "clock/negotiate", "")]
    assert [answer.status for answer in answers] == [404] * 3
    told = [record.getMessage() for record in caplog.records if "there are" in record.getMessage()]
    assert told == ["no hub at /hubs/clocks/negotiate (root path '/hubs'); below this application there are: /clock"]
