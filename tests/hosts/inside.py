"""An application on uvicorn in the test's own event loop, and plain HTTP requests to it."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import uvicorn

__all__ = ["Answer", "ask", "running"]

LIMIT = 10.0
"""Seconds for a request, and for the server's end."""


@dataclass(frozen=True)
class Answer:
    """What a request got."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@asynccontextmanager
async def running(app: Any, lifespan: Literal["auto", "on", "off"] = "off", **options: Any) -> AsyncGenerator[str]:
    """The URL of an application that is served while the block runs; in the end every connection has to end."""
    config = uvicorn.Config(app, lifespan=lifespan, log_config=None, access_log=False, **options)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listening])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            async with asyncio.timeout(LIMIT):
                await server.shutdown(sockets=[listening])


async def ask(url: str, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    """One request, its target sent as it is written here; redirects are not followed."""

    def send() -> Answer:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=LIMIT)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    return await asyncio.to_thread(send)
