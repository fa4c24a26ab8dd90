"""A hub and its client on one event loop, over each transport: more than sockets take at once, so that both wait and go on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from hubstream import Hub, HubConnection, HubServer
from tests.client.network.test_network import EVERY
from tests.clock import EAGER

LOOPS = EAGER

LIMIT = 20.0
MANY = 300
BLOCK = "x" * 16_384


class Works(Hub):
    def now(self, n: int) -> int:
        return n

    async def later(self, n: int) -> int:
        await asyncio.sleep(0)
        return n

    async def blocks(self, count: int) -> AsyncIterator[str]:
        for _ in range(count):
            yield BLOCK

    async def total(self, items: AsyncIterator[str]) -> int:
        return sum([len(item) async for item in items])

    async def back(self, items: AsyncIterator[str]) -> AsyncIterator[int]:
        async for item in items:
            yield len(item)

    async def tell(self, count: int) -> list[int]:
        for n in range(count):
            await self.clients.caller.send("told", n)
        return [await self.clients.caller.invoke("double", n, result=int) for n in range(3)]


def double(n: int) -> int:
    return 2 * n


async def blocks() -> AsyncIterator[str]:
    for _ in range(MANY):
        yield BLOCK


@asynccontextmanager
async def serving(hubs: HubServer) -> AsyncGenerator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(hubs, log_level="warning"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/works"
        finally:
            server.should_exit = True
            async with asyncio.timeout(LIMIT):
                await task


@EVERY
async def test_all_of_it_comes_through(transport: Any, protocol: Any) -> None:
    told: list[int] = []
    async with (
        serving(HubServer({"/works": Works})) as url,
        asyncio.timeout(LIMIT),
        HubConnection(url, transports=[transport], protocol=protocol) as client,
    ):
        client.on("told", told.append)
        client.on("double", double)
        calls = [client.invoke("later" if n % 2 else "now", n, result=int) for n in range(MANY)]
        assert await asyncio.gather(*calls) == list(range(MANY))
        async with client.stream("blocks", MANY, item=str) as down:
            assert [item async for item in down] == [BLOCK] * MANY
        assert await client.invoke("total", blocks(), result=int) == MANY * len(BLOCK)
        async with client.stream("back", blocks(), item=int) as lengths:
            assert [item async for item in lengths] == [len(BLOCK)] * MANY
        assert await client.invoke("tell", MANY, result=list[int]) == [0, 2, 4]
        assert told == list(range(MANY))
