"""Pings and time-outs (spec 8.1, 8.2)."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import cast

import pytest

from hubstream import HubServer
from tests.clock import JumpingLoop
from tests.hub.life import CLOSED, COME_BACK, Life, fresh
from tests.hub.wire import HANDSHAKE, PING, call, item, raw, until

__all__ = ["fresh"]

LOOP = JumpingLoop


def loop() -> JumpingLoop:
    return cast("JumpingLoop", asyncio.get_running_loop())


async def test_pings_come_at_their_cadence() -> None:
    async with raw(Life) as wire:
        times = [loop().time()]
        for _ in range(5):
            async with asyncio.timeout(20):
                while PING not in wire.messages:  # noqa: ASYNC110 - nothing else tells when
                    await asyncio.sleep(0.1)
            wire.messages.clear()
            times.append(loop().time())
        gaps = [after - before for before, after in pairwise(times)]
        assert 7 <= gaps[0] <= 16.1, "the first is spread"
        assert all(14.9 <= gap <= 16.1 for gap in gaps[1:])


async def test_traffic_does_not_put_pings_off() -> None:
    async with raw(HubServer({"/hub": Life}, keep_alive=5)) as wire:
        for _ in range(20):
            wire.call("add", 1, 2)
            await asyncio.sleep(1)
        assert 3 <= wire.messages.count(PING) <= 5


async def test_no_ping_to_a_client_that_does_not_read() -> None:
    async with raw(HubServer({"/hub": Life}, keep_alive=2)) as wire:
        wire.connection.pause_reading()
        wire.say(*(call("none" * 50, id="x" * 200) for _ in range(250)))
        await until(lambda: wire.server.connection.paused)
        before = wire.server.out.size
        await asyncio.sleep(60)
        assert wire.server.out.size == before
        wire.connection.resume_reading()
        await asyncio.sleep(3)
        assert wire.messages.count(PING) == 1
        assert wire.alive()


async def test_a_client_that_never_pings_is_never_timed_out() -> None:
    async with raw(Life) as wire:
        wire.say(call("add", 1, 2))
        await asyncio.sleep(10_000)
        assert wire.alive()


@pytest.mark.parametrize("timeout", [2, 30])
async def test_a_client_that_pings_in_time_is_not_timed_out(timeout: int) -> None:
    async with raw(HubServer({"/hub": Life}, client_timeout=timeout)) as wire:
        for n in range(200):
            wire.say(PING if n % 3 else call("add", 1, 2))
            await asyncio.sleep(timeout - 0.1)
        assert wire.alive()
        began = loop().time()
        async with asyncio.timeout(100):
            while wire.alive():  # noqa: ASYNC110 - the time it takes is looked for
                await asyncio.sleep(0.1)
        assert 0 < loop().time() - began < 2.2


@pytest.mark.parametrize("partial", [False, True], ids=["silent", "never finishing a message"])
async def test_the_client_timeout(partial: bool) -> None:
    async with raw(Life) as wire:
        await asyncio.sleep(100)
        wire.say(PING)
        began = loop().time()
        async with asyncio.timeout(100):
            while wire.alive():
                await asyncio.sleep(0.5)
                if partial:
                    wire.say(" ")
        assert 30 <= loop().time() - began <= 32.5
        assert wire.messages[-1] == {**COME_BACK, "error": CLOSED}


@pytest.mark.parametrize("cause", ["slot", "buffer"])
async def test_nobody_is_timed_out_while_this_side_does_not_read(cause: str) -> None:
    async with raw(Life) as wire:
        wire.say(PING)
        if cause == "slot":
            wire.say(call("wait", id="W"))
            for n in range(2000):
                wire.call("add", n, n, id=str(n))
        else:
            wire.call("collect", id="W", streams=["u"])
            for n in range(2000):
                wire.say(item("u", n))
        await until(lambda: not wire.server.reading)
        for _ in range(20):
            wire.say(PING)
            await asyncio.sleep(15)
        assert wire.alive()
        Life.gate.set()
        await until(lambda: wire.server.reading)
        await asyncio.sleep(25)
        assert wire.alive(), "it has its whole time from then on"
        await asyncio.sleep(8)
        assert not wire.alive()


async def test_a_loop_that_overslept_holds_it_against_nobody() -> None:
    hubs = HubServer({"/hub": Life})
    async with raw(hubs) as wire, raw(hubs, handshake=None) as shaking:
        wire.say(PING)
        await asyncio.sleep(10)
        loop().oversleep(100)
        await asyncio.sleep(2)
        assert wire.alive()
        shaking.say(HANDSHAKE)
        assert await shaking.next() == {}
        await asyncio.sleep(35)
        assert not wire.alive()
        assert shaking.alive()
