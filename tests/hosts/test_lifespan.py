"""Lifespan on, off, raising and absent: a hub is served all the same, and closed where there is one."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any, Literal

import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect

from hubstream import HubServer
from tests.hosts import apps
from tests.hosts.client import passes
from tests.hosts.clock import Clock
from tests.hosts.inside import running
from tests.hosts.processes import free_port, serving


@pytest.mark.parametrize(
    ("app", "lifespan"),
    [
        (apps.plain, "on"),
        (apps.plain, "auto"),
        (apps.plain, "off"),
        (apps.absent, "auto"),
        (apps.raising, "auto"),
        (apps.raising, "off"),
    ],
)
async def test_uvicorn(app: Any, lifespan: Literal["on", "auto", "off"]) -> None:
    async with running(app, lifespan) as url:
        await passes(f"{url}/clock", checks=("call", "cancel"))


@pytest.mark.parametrize("app", ["absent", "raising"])
@pytest.mark.parametrize("server", ["hypercorn", "granian"])
async def test_other_servers(server: str, app: str) -> None:
    with ExitStack() as stack:
        if server == "granian":
            port = stack.enter_context(free_port())
            options = ["--interface", "asgi", "--port", str(port)]
        else:
            port, options = 0, ["--bind", "127.0.0.1:0"]
        up = stack.enter_context(serving([server, *options, f"tests.hosts.apps:{app}"], port))
        await passes(f"{up.url}/clock", checks=("call", "cancel"))


async def test_a_frameworks_lifespan_ends_connections() -> None:
    hubs = HubServer({"/clock": Clock})
    app = FastAPI(lifespan=hubs.lifespan)
    app.mount("/hubs", hubs)
    async with hubs.lifespan(app), running(app) as url:
        client = await connect(f"{url.replace('http', 'ws')}/hubs/clock", proxy=None)
        await client.send('{"protocol":"json","version":1}\x1e')
        assert await client.recv() == "{}\x1e"
        async with asyncio.timeout(5), hubs.lifespan():
            pass
        assert await client.recv() == '{"type":7,"allowReconnect":true}\x1e'
        await client.wait_closed()
        assert client.close_code == 1000
        assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
