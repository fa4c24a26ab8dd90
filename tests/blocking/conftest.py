"""One server for all tests of the blocking client. After each nothing may be left: no task, no upload."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator

import pytest

from hubstream.blocking import HubConnection
from hubstream.blocking.loop_thread import loop_thread
from tests.blocking.served import LIMIT, seen, served


@pytest.fixture(scope="session")
def url() -> Generator[str]:
    with served() as url:
        yield url


@pytest.fixture
def connection(url: str) -> Generator[HubConnection]:
    with HubConnection(url) as connection:
        yield connection


async def count_tasks() -> int:
    return len(asyncio.all_tasks())


def left() -> list[str]:
    """The loop's own task and the one that counts are always there."""
    threads = [thread.name for thread in threading.enumerate() if thread.name == "hubstream-upload"]
    tasks = loop_thread().call(count_tasks()) - 2
    return [*threads, *(["task"] * tasks)]


@pytest.fixture(autouse=True)
def nothing_left() -> Generator[None]:
    yield
    end = time.monotonic() + LIMIT
    while left() and time.monotonic() < end:
        time.sleep(0.01)
    assert left() == []
    while not seen.empty():
        seen.get()
