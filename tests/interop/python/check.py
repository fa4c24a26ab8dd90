"""What a check is, how one is run, and what it works with: connections of one combination, a relay, tokens.

Imports the package as its users do. Everything waits in the test's event loop, for a bounded time.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import pytest

from hubstream import DOTNET, HubConnection, RetryContext
from tests.interop.checks import Combination
from tests.interop.relay import Relay, relaying

__all__ = ["Area", "Check", "Context", "at_once", "eventually", "everything", "noted", "run"]

T = TypeVar("T")

SECONDS = 15.0
"""What a check may take."""

Body = Callable[["Context"], Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """One check, by its name in `checks.txt`, or of this client's own."""

    name: str
    body: Body
    seconds: float


class Area:
    """The checks of one area; a decorator that adds one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checks: list[Check] = []

    def __call__(self, body: Body) -> Body:
        return self.within(SECONDS)(body)

    def within(self, seconds: float) -> Callable[[Body], Body]:
        """For a check that may take longer, or has to be done sooner."""

        def add(body: Body) -> Body:
            self.checks.append(Check(f"{self.name}.{body.__name__}", body, seconds))
            return body

        return add


class Context:
    """What one check works with; all of it ends with the check.

    Args:
        url: The server's.
        combination: The transport and the protocol.
        owned: What ends with the check.
    """

    def __init__(self, url: str, combination: Combination, owned: AsyncExitStack) -> None:
        self.url = url
        self.transport, self.protocol = combination
        self.owned = owned

    @property
    def binary(self) -> bool:
        return self.protocol == "messagepack"

    def build(self, hub: str = "conformance", *, base: str | None = None, **options: Any) -> HubConnection:
        """A connection, not started: to the server, or to what stands before it at `base`."""
        defaults: dict[str, Any] = {
            "protocol": self.protocol,
            "transports": (self.transport,),
            "payloads": DOTNET,
        }
        connection = HubConnection(f"{base or self.url}/{hub}", **{**defaults, **options})
        self.owned.push_async_callback(connection.stop)
        return connection

    async def open(self, hub: str = "conformance", **options: Any) -> HubConnection:
        """A connection that is up."""
        connection = self.build(hub, **options)
        await connection.start()
        return connection

    async def open_as(self, name: str, role: str | None = None) -> HubConnection:
        """A connection to the hub that needs a token, with one for `name`."""
        token = await self.token(name, role)
        return await self.open("conformance-auth", token=lambda: token)

    async def token(self, name: str, role: str | None = None, seconds: int = 600) -> str:
        """A token for `name`, good for so long."""
        query = {"name": name, "seconds": str(seconds), **({"role": role} if role is not None else {})}
        return await self.fetch("GET", "token", query)

    async def fetch(self, method: str, path: str, query: dict[str, str]) -> str:
        """What the server answers to a plain request."""
        async with aiohttp.request(method, f"{self.url}/{path}", params=query) as answer:
            answer.raise_for_status()
            return await answer.text()

    async def relay(self) -> Relay:
        """A link to the server that can be cut."""
        return await self.owned.enter_async_context(relaying(self.url))

    def key(self) -> str:
        """A fresh key for what the server is to record."""
        return uuid.uuid4().hex


async def run(check: Check, url: str, combination: Combination) -> None:
    """Run a check; in the end nothing of it may be left."""
    before = asyncio.all_tasks()
    async with asyncio.timeout(check.seconds), AsyncExitStack() as owned:
        await check.body(Context(url, combination, owned))
    for _ in range(20):
        if asyncio.all_tasks() <= before:
            return
        await asyncio.sleep(0)
    pytest.fail(f"tasks are left: {asyncio.all_tasks() - before}")


def at_once(context: RetryContext) -> float:
    """A policy that never waits and never ends."""
    return 0


async def everything(items: AsyncIterator[T]) -> list[T]:
    """All items of a stream."""
    return [item async for item in items]


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds; the check's own limit ends it."""
    while not condition():  # noqa: ASYNC110 - of what comes over the network, nobody tells
        await asyncio.sleep(0.005)


def noted(c: HubConnection) -> list[str]:
    """The events of a connection as they come, with what they say; of a new connection id that there is one."""
    events: list[str] = []

    @c.on_reconnecting
    def reconnecting(error: Exception | None) -> None:
        events.append(f"reconnecting: {error}")

    @c.on_reconnected
    def reconnected(connection_id: str | None) -> None:
        assert connection_id == c.connection_id is not None
        events.append("reconnected")

    @c.on_close
    def closed(error: Exception | None) -> None:
        events.append(f"closed: {error}")

    return events
