"""A server whose own limit of a message is below the hub's is warned about, once; and what it does beyond its limit."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hubstream import HubServer
from tests.hosts.clock import Clock
from tests.hosts.inside import running
from tests.hosts.processes import free_port, serving

MIB = 1024 * 1024


async def sent(url: str, size: int) -> int | None:
    """Send one call of this size; the close code if that ends the connection, 0 if it is answered."""
    call = {"type": 1, "invocationId": "1", "target": "Size", "arguments": ["x" * size]}
    async with connect(f"{url.replace('http', 'ws')}/clock", proxy=None, compression=None) as client:
        await client.send('{"protocol":"json","version":1}\x1e')
        await client.recv()
        try:
            await client.send(f"{json.dumps(call)}\x1e")
            assert json.loads(str(await client.recv())[:-1]).get("result") == size
        except ConnectionClosed:
            return client.close_code
        return 0


@pytest.mark.parametrize(
    ("options", "server", "warned"),
    [
        ({}, {}, False),
        ({"max_message_size": 16 * MIB}, {}, False),
        ({"max_message_size": 16 * MIB + 1}, {}, True),
        ({"max_message_size": 16 * MIB + 1}, {"ws": "wsproto"}, True),
        ({"max_message_size": None}, {}, True),
        ({"max_message_size": 20 * MIB}, {"ws_max_size": 20 * MIB}, False),
        ({}, {"ws_max_size": 10_000}, True),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_uvicorn(
    options: dict[str, Any], server: dict[str, Any], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "hubstream")
    async with running(HubServer({"/clock": Clock}, **options), **server) as url:
        for _ in range(2):
            assert await sent(url, 10) == 0
    assert [record.message.count("--ws-max-size") for record in caplog.records] == [1] * warned


async def test_behind_middleware(caplog: pytest.LogCaptureFixture) -> None:
    stack = [Middleware(SessionMiddleware, secret_key="a secret of the test"), Middleware(CORSMiddleware)]
    hubs = HubServer({"/clock": Clock}, max_message_size=None)
    async with running(Starlette(routes=[Mount("/", hubs)], middleware=stack)) as url:
        assert await sent(url, 10) == 0
        assert await sent(url, 17 * MIB) == 1009
    assert "/clock takes messages of any size" in caplog.text


async def test_hypercorn(tmp_path: Path) -> None:
    # Its default is 16 MiB too, which it takes 20 s to read.
    (tmp_path / "limit.toml").write_text("websocket_max_message_size = 1_000_000\n", encoding="utf-8")
    command = ["hypercorn", "--config", str(tmp_path / "limit.toml"), "--bind", "127.0.0.1:0", "tests.hosts.apps:large"]
    with serving(command) as up:
        assert await sent(up.url, 900_000) == 0
        assert await sent(up.url, 1_100_000) == 1009
        assert "the ASGI server ends a WebSocket beyond 1000000 bytes" in up.log()


async def test_granian() -> None:
    with free_port() as port:
        command = ["granian", "--interface", "asgi", "--port", str(port), "tests.hosts.apps:large"]
        with serving(command, port) as up:
            assert await sent(up.url, 15 * MIB) == 0
            assert await sent(up.url, 17 * MIB) == 1005
            assert "the ASGI server ends a WebSocket beyond 16777216 bytes" in up.log()
