"""`@hub_method`: what happens at a disconnect, tasks of their own; and calls that hold the event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubstream import Hub, HubServer, hub_method
from hubstream.testing import connect
from tests.hub.wire import call, item, raw, result, until

log: list[str] = []
BUSY = 0.11


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    log.clear()


class Waits(Hub):
    gate: asyncio.Event

    async def runs_on(self) -> None:
        await self._wait("runs_on")

    @hub_method(cancel_on_disconnect=True)
    async def is_cancelled(self) -> None:
        await self._wait("is_cancelled")

    @hub_method(cancel_on_disconnect=True)
    async def reads(self, items: AsyncIterator[int]) -> None:
        await self._wait("reads")

    async def _wait(self, name: str) -> None:
        log.append(f"{name} begun")
        try:
            await self.gate.wait()
            log.append(f"{name} ran on")
        except asyncio.CancelledError:
            log.append(f"{name} cancelled")
            raise


@pytest.mark.parametrize("way", ["loss", "close"])
@pytest.mark.parametrize(
    ("method", "streams", "end"),
    [
        ("runs_on", None, "runs_on ran on"),
        ("is_cancelled", None, "is_cancelled cancelled"),
        ("reads", ["s"], "reads cancelled"),
    ],
)
async def test_what_a_disconnect_does_to_a_call(method: str, streams: list[str] | None, end: str, way: str) -> None:
    Waits.gate = asyncio.Event()
    async with raw(HubServer({"/hub": Waits})) as wire:
        wire.call(method, streams=streams)
        await until(lambda: log == [f"{method} begun"])
        if way == "loss":
            wire.connection.abort()
        else:
            wire.say({"type": 7})
        await wire.far.ended.wait()
        Waits.gate.set()
        await until(lambda: len(log) > 1)
    assert log == [f"{method} begun", end]


class Tasks(Hub):
    async def shared(self) -> str:
        await asyncio.sleep(0)
        return _task()

    @hub_method(own_task=True)
    async def own(self) -> str:
        await asyncio.sleep(0)
        return _task()


def _task() -> str:
    task = asyncio.current_task()
    assert task is not None
    return task.get_name()


CALLS = [
    (["shared", "shared", "shared"], [0, 0, 0]),
    (["own", "own", "own"], [0, 1, 2]),
    (["shared", "own", "shared"], [0, 1, 2]),
]


@pytest.mark.parametrize(("methods", "expected"), CALLS)
async def test_who_shares_a_task(methods: list[str], expected: list[int]) -> None:
    async with raw(HubServer({"/hub": Tasks})) as wire:
        wire.say(*(call(it, id=str(n)) for n, it in enumerate(methods)))
        names = [answer["result"] for answer in await wire.take(len(methods))]
    assert [list(dict.fromkeys(names)).index(name) for name in names] == expected


class Busy(Hub):
    def plain(self) -> int:
        time.sleep(BUSY)  # what must not be
        return 1

    async def step(self) -> int:
        time.sleep(BUSY)  # noqa: ASYNC251 - what must not be
        return 1

    async def task(self) -> int:
        await asyncio.sleep(0)
        time.sleep(BUSY)  # noqa: ASYNC251 - what must not be
        return 1

    async def upload(self, items: AsyncIterator[int]) -> int:
        time.sleep(BUSY)  # noqa: ASYNC251 - what must not be
        return 1

    async def down(self) -> AsyncIterator[int]:
        await asyncio.sleep(0)
        time.sleep(BUSY)  # noqa: ASYNC251 - what must not be
        yield 1

    async def spawns(self) -> int:
        return await self.spawn(self.step())

    def quick(self) -> int:
        return 1

    async def waits(self) -> int:
        await asyncio.sleep(0)
        return 1

    async def busy_first(self) -> int:
        time.sleep(BUSY)  # noqa: ASYNC251 - what must not be
        await asyncio.sleep(0)
        return 1


@pytest.mark.parametrize("method", ["plain", "step", "task", "upload", "down", "spawns"])
async def test_a_call_that_holds_the_event_loop_is_logged(method: str, caplog: pytest.LogCaptureFixture) -> None:
    async with raw(HubServer({"/hub": Busy})) as wire:
        if method == "down":
            wire.stream(method)
            assert await wire.next() == item("1", 1)
        else:
            wire.call(method, streams=["s"] if method == "upload" else None)
            assert await wire.next() == result("1", 1)
        held = [it.getMessage() for it in caplog.records if "held the event loop" in it.getMessage()]
    (text,) = held
    assert text.startswith(f"'{method}' held the event loop for 1")
    assert "invocation 1" in text


@pytest.mark.parametrize(
    "names",
    [
        ["quick", "plain", "quick"],
        # One after the other in one task: the end of one and the beginning of the next are one step of it.
        ["waits", "busy_first", "waits"],
        ["waits", "task", "waits"],
    ],
)
async def test_only_the_one_that_did(names: list[str], caplog: pytest.LogCaptureFixture) -> None:
    async with raw(HubServer({"/hub": Busy})) as wire:
        wire.say(*(call(it, id=str(n)) for n, it in enumerate(names)))
        await wire.take(3)
    held = [it.getMessage() for it in caplog.records if it.levelno >= logging.WARNING]
    assert len(held) == 1
    assert held[0].startswith(f"'{names[1]}' held")
    assert "invocation 1" in held[0]


async def test_waiting_is_not_holding(caplog: pytest.LogCaptureFixture) -> None:
    class Sleeps(Hub):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds)

    async with connect(HubServer({"/hub": Sleeps}), "/hub") as connection:
        await connection.invoke("sleep", BUSY)
    assert not [it for it in caplog.records if it.levelno >= logging.WARNING]


SETTINGS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"name": ""}, ValueError, "needs a name"),
    ({"threads": True}, TypeError, "unexpected keyword"),
]


@pytest.mark.parametrize(("settings", "error", "text"), SETTINGS)
def test_mistakes(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        hub_method(**settings)
