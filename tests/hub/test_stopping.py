"""Seeing that the server stops: by uvicorn's own handler of SIGTERM, and only while there are connections."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from hubstream.connection.clock import Clock
from hubstream.hub.observer import Observers
from hubstream.hub.stopping import StopWatch, server_stops


class Server:
    """As uvicorn's."""

    should_exit = False

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        raise AssertionError("nobody sends a signal here")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    before = signal.signal(signal.SIGTERM, made.handle_exit)
    yield made
    signal.signal(signal.SIGTERM, before)


def test_whether_the_server_stops(server: Server) -> None:
    assert not server_stops()
    server.should_exit = True
    assert server_stops()
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    assert not server_stops()


async def test_it_ends_everything_once_at_a_time(server: Server) -> None:
    ends: list[asyncio.Future[None]] = []

    async def end() -> None:
        ends.append(asyncio.get_running_loop().create_future())
        await ends[-1]

    watch = StopWatch(Clock(asyncio.get_running_loop()), lambda: True, end, Observers(()))
    watch.start()
    watch.due(0.0)
    await asyncio.sleep(0)
    assert not ends
    server.should_exit = True
    for _ in range(2):
        watch.due(1.0)
        await asyncio.sleep(0)
    assert len(ends) == 1
    ends[0].set_result(None)
    await asyncio.sleep(0)
    watch.due(2.0)  # one has connected meanwhile
    await asyncio.sleep(0)
    assert len(ends) == 2
    ends[1].set_result(None)
    await asyncio.sleep(0)


async def test_it_does_not_keep_the_clock_running(server: Server) -> None:
    busy = True

    async def end() -> None:
        raise AssertionError("nothing to end")

    clock: Any = Clock(asyncio.get_running_loop())
    watch = StopWatch(clock, lambda: busy, end, Observers(()))
    watch.start()
    assert clock._handle is not None
    busy, server.should_exit = False, True
    watch.due(0.0)
    assert clock._handle is None
