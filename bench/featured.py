"""`/bench` with every feature on: users and who may, filters for calls and streams, a dependency, an observer.

The methods are those of the plain hub. The load has the token in its address, as a browser does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Annotated, Any

from conformance.bench import CHANNEL, Item
from hubstream import (
    Channel,
    ChannelReader,
    Depends,
    Hub,
    HubCallerContext,
    HubFilter,
    HubInvocationContext,
    HubServer,
    Observer,
    Request,
    User,
    authorize,
)

__all__ = ["Counted", "FeaturedHub", "Passing", "app", "authenticate"]

TOKEN = "bench"  # noqa: S105 - nobody's


class Counted(Observer):
    """Counts what there is, as metrics would."""

    def __init__(self) -> None:
        self.connections = 0
        self.running = 0

    def connection_opened(self, context: HubCallerContext, /) -> None:
        self.connections += 1

    def connection_ended(self, context: HubCallerContext, /, *_: object) -> None:
        self.connections -= 1

    @contextmanager
    def call(self, call: HubInvocationContext, /) -> Generator[None]:
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1


class Passing(HubFilter):
    """Passes everything on."""

    async def on_call(self, call: HubInvocationContext, next: Any, /) -> Any:
        return await next(call)

    async def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any], /) -> AsyncIterator[Any]:
        async for item in items:
            yield item


def authenticate(request: Request) -> User | None:
    """Whoever has the token."""
    return User("bench", roles=["bench"]) if request.token == TOKEN else None


class Settings:
    """What the dependency gives."""

    step = 1


def settings(user: User) -> Settings:
    """As an application's, it looks at who asks."""
    assert user.id
    return Settings()


Given = Annotated[Settings, Depends(settings)]
may = authorize(role="bench")


@authorize
class FeaturedHub(Hub):
    """What the load generator calls."""

    @may
    async def Add(self, a: int, b: int, given: Given) -> int:
        return a + b

    @may
    async def AddAwait(self, a: int, b: int, given: Given) -> int:
        await asyncio.sleep(0)
        return a + b

    @may
    async def Counter(self, count: int, given: Given) -> AsyncIterator[int]:
        for n in range(0, count, given.step):
            yield n

    @may
    async def CounterAwait(self, count: int, given: Given) -> AsyncIterator[int]:
        for n in range(0, count, given.step):
            await asyncio.sleep(0)
            yield n

    @may
    async def CounterChannel(self, count: int, given: Given) -> ChannelReader[int]:
        channel = Channel[int](CHANNEL)

        async def write() -> None:
            async with channel:
                for n in range(0, count, given.step):
                    await channel.write(n)

        self.spawn(write())
        return channel.reader

    @may
    async def Objs(self, count: int, given: Given) -> AsyncIterator[Item]:
        for n in range(0, count, given.step):
            yield Item(n, 2.5, "abcdef")

    @may
    async def Broadcast(self, text: str, given: Given) -> None:
        await self.clients.all.send("m", text)

    @may
    async def Sum(self, numbers: AsyncIterator[int], given: Given) -> int:
        total = 0
        async for n in numbers:
            total += n
        return total


app = HubServer({"/bench": FeaturedHub}, authenticate=authenticate, filters=[Passing()], observers=[Counted()])
