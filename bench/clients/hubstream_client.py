"""Our client; with `uvloop` as a third argument on that loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from bench.clients.driven import Clock, drive
from hubstream import HubConnection

IN_FLIGHT = 100


async def _call(connection: HubConnection, count: int) -> None:
    for n in range(count):
        await connection.invoke("Add", n, 1, result=int)


async def _calls(connection: HubConnection, count: int) -> None:
    await asyncio.gather(*(_call(connection, count // IN_FLIGHT) for _ in range(IN_FLIGHT)))


async def _down(connection: HubConnection, count: int) -> None:
    seen = 0
    async with connection.stream("Counter", count, item=int) as items:
        async for _ in items:
            seen += 1
    assert seen == count


async def _ints(count: int) -> AsyncIterator[int]:
    for n in range(count):
        yield n


async def _up(connection: HubConnection, count: int) -> None:
    total = await connection.invoke("Sum", _ints(count), result=int)
    assert (total - count * (count - 1) // 2) % 2**32 == 0  # the reference server counts in 32 bits


WORK = {"call": _call, "calls": _calls, "down": _down, "up": _up}


async def _run(url: str, protocol: str, case: str, count: int) -> dict[str, float]:
    clock = Clock(count)
    async with HubConnection(url, protocol="messagepack" if protocol == "messagepack" else "json") as connection:
        clock.start()
        await WORK[case](connection, count)
        return clock.stop()


def _work(url: str, protocol: str, case: str, count: int) -> dict[str, float]:
    if sys.argv[3:] == ["uvloop"]:
        import uvloop  # noqa: PLC0415 - only where it is asked for

        return uvloop.run(_run(url, protocol, case, count))
    return asyncio.run(_run(url, protocol, case, count))


if __name__ == "__main__":
    drive(_work)
