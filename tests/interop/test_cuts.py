"""A thousand connections that are cut in the middle of everything leave nothing behind in the client: no task, socket or
generator, and no more objects after the second half than after the first."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import AsyncGeneratorType

import pytest

from tests.interop import servers
from tests.interop.checks import COMBINATIONS, Combination
from tests.interop.python.check import Context, at_once, eventually
from tests.interop.python.work import Work
from tests.interop.relay import Relay

CLIENTS = 20
"""Side by side."""

EACH = 5
"""How often each is cut, in one of two halves, on one of five combinations: a thousand times in all."""

SETTLE = 5.0
"""Seconds until what has ended is gone."""

OBJECTS = 50
"""Objects that the second half may add: one for each second cut."""

HOW: Sequence[Callable[[Relay], None]] = (
    lambda relay: relay.cut("reset"),
    lambda relay: relay.cut("end"),
    lambda relay: relay.spoil("client"),
    lambda relay: relay.spoil("server"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One that soon gives up clients that poll no more: their streams would go on for 15 s and keep it busy."""
    with servers.conformance("--client-timeout", "3") as served:
        yield served.url


def counts() -> dict[str, int]:
    """What is alive in this process."""
    gc.collect()
    objects = gc.get_objects()
    return {
        "tasks": len(asyncio.all_tasks()),
        "generators": sum(type(it) is AsyncGeneratorType and it.ag_frame is not None for it in objects),
        "sockets": sum(file.is_socket() for file in Path("/proc/self/fd").iterdir())
        if Path("/proc/self/fd").exists()
        else 0,
        "objects": len(objects),
    }


async def cut_again_and_again(url: str, combination: Combination, seed: int, cuts: int) -> None:
    """One client, cut so many times; each time it comes back by itself."""
    dice = random.Random(seed)
    async with AsyncExitStack() as owned:
        x = Context(url, combination, owned)
        relay = await x.relay()
        c = await x.open(base=relay.url, reconnect=at_once)
        for _ in range(cuts):
            work = Work(c, x.key())
            await work.start(dice.randrange(4))
            lost = c.connection_id
            dice.choice(HOW)(relay)
            await work.ended()
            await eventually(lambda: c.state == "Connected" and c.connection_id != lost)  # noqa: B023 - of this turn


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
async def test_a_thousand_cuts_leave_nothing(
    server: str, combination: Combination, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL + 1)  # a record holds what it speaks of

    async def half(seed: int) -> dict[str, int]:
        seeds = range(seed, seed + CLIENTS)
        await asyncio.gather(*(cut_again_and_again(server, combination, n, EACH) for n in seeds))
        return await settled(before)

    async with asyncio.timeout(90):
        before = counts()
        last = await half(0)
        grown: list[int] = []
        # What a cut left behind would be there after every half; what Python keeps for itself is not.
        while len(grown) < 2:
            now = await half((1 + len(grown)) * CLIENTS)
            grown.append(now["objects"] - last["objects"])
            if grown[-1] <= OBJECTS:
                return
            last = now
    pytest.fail(f"each half adds objects: {grown}")


async def settled(before: dict[str, int]) -> dict[str, int]:
    """What is alive once that is as much as before; the last sockets take a turn or two."""
    end = asyncio.get_running_loop().time() + SETTLE
    while True:
        now = counts()
        more = {what: count for what, count in now.items() if what != "objects" and count > before[what]}
        if not more:
            return now
        assert asyncio.get_running_loop().time() < end, more
        await asyncio.sleep(0.05)
