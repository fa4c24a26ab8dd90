"""pysignalr. Its uploads have no answer: the call behind one tells that it was sent."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol

from bench.clients.driven import Clock, drive

IN_FLIGHT = 100


async def _add(client: SignalRClient, n: int) -> None:
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def completed(message: Any) -> None:
        answered.set_result(message.result)

    await client.send("Add", [n, 1], completed)
    assert await answered == n + 1


async def _call(client: SignalRClient, count: int) -> None:
    for n in range(count):
        await _add(client, n)


async def _calls(client: SignalRClient, count: int) -> None:
    await asyncio.gather(*(_call(client, count // IN_FLIGHT) for _ in range(IN_FLIGHT)))


async def _down(client: SignalRClient, count: int) -> None:
    done = asyncio.Event()
    seen = 0

    async def took(_: Any) -> None:
        nonlocal seen
        seen += 1

    async def completed(_: Any) -> None:
        done.set()

    await client.stream("Counter", [count], took, completed)
    await done.wait()
    assert seen == count


async def _up(client: SignalRClient, count: int) -> None:
    async with client.client_stream("Sum") as stream:
        for n in range(count):
            await stream.send(n)
    await _add(client, 0)


WORK = {"call": _call, "calls": _calls, "down": _down, "up": _up}


async def _run(url: str, protocol: str, case: str, count: int) -> dict[str, float]:
    clock = Clock(count)
    client = SignalRClient(url, MessagepackProtocol() if protocol == "messagepack" else JSONProtocol())
    opened = asyncio.Event()

    async def open_() -> None:
        opened.set()

    client.on_open(open_)
    running = asyncio.ensure_future(client.run())
    try:
        async with asyncio.timeout(10):
            await opened.wait()
        clock.start()
        await WORK[case](client, count)
        return clock.stop()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


if __name__ == "__main__":
    drive(lambda url, protocol, case, count: asyncio.run(_run(url, protocol, case, count)))
