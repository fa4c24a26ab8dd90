"""What only a network shows: a loop that was held up, a server that is stuck, cuts, and what is left after many."""

from __future__ import annotations

import asyncio
import gc
import time
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from hubstream import ConnectionLost, HubConnection, HubstreamError
from hubstream.client import connection as core
from tests.client.attempts import at_once
from tests.client.conftest import live_tasks
from tests.interop.relay import Relay, relaying

LIMIT = 20.0
COMBINATIONS = [
    ("WebSockets", "json"),
    ("WebSockets", "messagepack"),
    ("ServerSentEvents", "json"),
    ("LongPolling", "json"),
    ("LongPolling", "messagepack"),
]
EVERY = pytest.mark.parametrize(("transport", "protocol"), COMBINATIONS, ids=str)


def to(url: str, transport: str = "WebSockets", protocol: Any = "json", **options: Any) -> HubConnection:
    return HubConnection(f"{url}/conformance", transports=[transport], protocol=protocol, **options)


async def lose(relay: Relay, connection: HubConnection) -> None:
    """Cut the network, and let nobody come back until the client has noticed."""
    relay.refuses = True
    relay.cut()
    while connection.state == "Connected":  # noqa: ASYNC110 - it sets no event
        await asyncio.sleep(0.001)
    relay.refuses = False


async def test_a_loop_that_was_held_up_reads_before_it_calls_the_server_silent(conformance_server: str) -> None:
    async with asyncio.timeout(LIMIT), to(conformance_server, server_timeout=2) as connection:
        got = 0
        async with connection.stream("CounterEnumerable", 500, 10, item=int) as items:
            async for item in items:
                got += 1
                assert item == got - 1
                if got == 50:
                    time.sleep(4)  # noqa: ASYNC251 - the loop is held up
        assert got == 500


async def test_a_silent_server_is_noticed(conformance_server: str) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT), relaying(conformance_server) as relay:
        connection = to(relay.url, server_timeout=1)
        async with connection:
            call = asyncio.create_task(connection.invoke("Slow", 10_000))
            relay.stall()
            began = loop.time()
            with pytest.raises(ConnectionLost, match=r"Server timeout \(1000\.00ms\) elapsed"):
                await call
            assert loop.time() - began < 4
            assert connection.state == "Disconnected"
            relay.go_on()


@EVERY
async def test_a_lost_call_says_what_the_network_met(conformance_server: str, transport: str, protocol: str) -> None:
    async with (
        asyncio.timeout(LIMIT),
        relaying(conformance_server) as relay,
        to(relay.url, transport, protocol) as connection,
    ):
        call = asyncio.create_task(connection.invoke("Slow", 10_000))
        await asyncio.sleep(0.05)
        await lose(relay, connection)
        with pytest.raises(ConnectionLost, match=r"^The connection to the server was lost\.$") as raised:
            await call
        assert isinstance(raised.value.__cause__, (OSError, HubstreamError, aiohttp.ClientError))


@EVERY
async def test_stopping_over_a_network_that_is_stuck(
    conformance_server: str, transport: str, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "CLOSE_TIMEOUT", 0.5)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT), relaying(conformance_server) as relay:
        connection = to(relay.url, transport, protocol)
        await connection.start()
        relay.stall()
        calls = [asyncio.create_task(connection.invoke("EchoString", 30_000 * "x")) for _ in range(200)]
        await asyncio.sleep(0.2)
        began = loop.time()
        await connection.stop()
        assert loop.time() - began < 1.5
        for call in calls:
            with pytest.raises(ConnectionLost):
                await call
        relay.go_on()


@pytest.mark.parametrize("stage", ["negotiate", "upgrade"])
async def test_stopping_while_the_server_answers_nothing(conformance_server: str, stage: str) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT), relaying(conformance_server) as relay:
        connection = to(relay.url, skip_negotiation=stage == "upgrade")
        relay.stall()
        starting = asyncio.create_task(connection.start())
        while not relay.accepted:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0)
        assert connection.state == "Connecting"
        began = loop.time()
        await connection.stop()
        assert loop.time() - began < 1
        with pytest.raises(ConnectionLost, match="stopped before it had started"):
            await starting
        relay.go_on()
        await connection.start()
        assert await connection.invoke("Add", 1, 2) == 3
        await connection.stop()


@EVERY
async def test_a_stream_goes_on_over_cuts(conformance_server: str, transport: str, protocol: str) -> None:
    def again(last: int) -> tuple[int, int]:
        resumed.append(last)
        return 40, 5

    resumed: list[int] = []
    got: list[int] = []
    async with (
        asyncio.timeout(LIMIT),
        relaying(conformance_server) as relay,
        to(relay.url, transport, protocol, reconnect=[0.05, 0.1, 0.2, 0.5, 1]) as connection,
    ):
        async for item in connection.stream("CounterEnumerable", 40, 5, item=int, resume=again):
            got.append(item)
            if len(got) in {10, 25}:
                await lose(relay, connection)
        assert resumed == [last for last, after in pairwise(got) if after == 0]
        assert len(resumed) == 2
        assert got[-40:] == list(range(40))


@EVERY
async def test_many_cuts_leave_nothing(conformance_server: str, transport: str, protocol: str) -> None:
    async def numbers() -> Any:
        for number in range(1_000_000):
            yield number
            await asyncio.sleep(0.001)

    before = live_tasks()
    async with asyncio.timeout(2 * LIMIT), relaying(conformance_server) as relay:
        async with to(relay.url, transport, protocol, reconnect=at_once) as connection:
            for _ in range(50):
                pending = [
                    asyncio.ensure_future(connection.invoke("Slow", 60_000)),
                    asyncio.ensure_future(connection.invoke("Sum", numbers())),
                    asyncio.ensure_future(anext(connection.stream("CounterEnumerable", 1, 60_000))),
                ]
                await asyncio.sleep(0.01)
                await lose(relay, connection)
                ends = await asyncio.gather(*pending, return_exceptions=True)
                assert all(isinstance(end, (ConnectionLost, int)) for end in ends), ends
                while connection.state != "Connected":  # noqa: ASYNC110 - it sets no event
                    await asyncio.sleep(0.001)
            assert await connection.invoke("Add", 1, 2) == 3
        assert connection.state == "Disconnected"
    gc.collect()
    await asyncio.sleep(0.05)
    assert live_tasks() <= before
