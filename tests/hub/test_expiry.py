"""A login that expires ends its connection, on every transport, and tells the client to come back (spec 8.5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hubstream import Hub, HubServer, Request, User
from tests.clock import JumpingLoop
from tests.hub.life import COME_BACK
from tests.hub.wire import HANDSHAKE, PING, raw, result, until
from tests.transports.asgi.talk import TRANSPORTS, Talk

LOOP = JumpingLoop


class Login(Hub):
    log: list[Any] = []  # noqa: RUF012 - emptied by the fixture

    async def on_disconnected(self, error: Exception | None) -> None:
        self.log.append(error)

    def who(self) -> str | None:
        return self.context.user_id

    async def numbers(self) -> AsyncIterator[int]:
        try:
            for n in range(1_000):
                yield n
                await asyncio.sleep(1)
        finally:
            self.log.append("closed")


@pytest.fixture(autouse=True)
def fresh() -> None:
    Login.log.clear()


def now() -> float:
    return asyncio.get_running_loop().time()


def ann(seconds: float) -> User:
    return User("ann", expires=time.time() + seconds)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_each_transport(transport: str) -> None:
    began = now()
    user = ann(100)

    def authenticate(request: Request) -> User | None:
        return user

    hubs = HubServer({"/hub": Login}, authenticate=authenticate, poll_timeout=1_000)
    client = await Talk(hubs, transport).start()
    await client.say({"type": 1, "invocationId": "1", "target": "who", "arguments": []})
    assert await client.next() == result("1", "ann")
    await asyncio.sleep(99)
    end, *rest = await client.rest()
    assert (end, rest) == (COME_BACK, [])
    assert 100 <= now() - began <= 101.1, "to a tick"
    assert client.ended == [{"WebSockets": 1000, "ServerSentEvents": "end", "LongPolling": 204}[transport]]
    await client.finish()
    await until(lambda: Login.log)
    assert Login.log == [None], "it ended in good order"
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


async def test_streams_end_with_it() -> None:
    async with raw(Login, user=ann(3.5)) as wire:
        wire.stream("numbers")
        assert await wire.closed()
        assert [message["item"] for message in wire.messages if message["type"] == 2] == [0, 1, 2, 3]
        assert wire.messages[-1] == COME_BACK
        await until(lambda: len(Login.log) == 2)
        assert Login.log == ["closed", None]


@pytest.mark.parametrize("expires", [None, datetime(2200, 1, 1, tzinfo=UTC), float("inf")])
async def test_one_that_does_not_expire_stays(expires: Any) -> None:
    async with raw(Login, user=User("ann", expires=expires)) as wire:
        await asyncio.sleep(10_000)
        assert wire.alive()
        assert {message["type"] for message in wire.messages} == {6}


async def test_one_that_expires_before_the_handshake_ends_after_it() -> None:
    async with raw(Login, user=ann(2), handshake=None) as wire:
        await asyncio.sleep(5)
        wire.say(HANDSHAKE)
        assert await wire.next() == {}
        assert await wire.next() == COME_BACK
        assert await wire.closed()


async def test_long_polling_has_no_pings_while_it_waits_for_the_end() -> None:
    user = ann(100)
    hubs = HubServer({"/hub": Login}, authenticate=lambda request: user, poll_timeout=1_000, keep_alive=5)
    client = await Talk(hubs, "LongPolling").start()
    await client.say(PING)
    await asyncio.sleep(99)
    assert await client.rest() == [COME_BACK]
    assert client.pings == 0
    await client.finish()


async def test_a_loop_that_was_held_up_does_not_give_more_time() -> None:
    async with raw(Login, user=ann(60)) as wire:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, JumpingLoop)
        loop.oversleep(100)
        began = loop.time()
        assert await wire.closed()
        assert loop.time() - began < 2
