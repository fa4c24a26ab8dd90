"""The network is cut: what the hub sees, and that it has seen it when `drop()` returns."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubstream import ConnectionLost, Hub, HubServer
from hubstream.testing import TestConnection, connect

PROTOCOLS = pytest.mark.parametrize("protocol", ["json", "messagepack"])


class Log:
    """What the hub saw."""

    seen: list[str]
    gate: asyncio.Event


@pytest.fixture(autouse=True)
async def fresh() -> None:
    Log.seen = []
    Log.gate = asyncio.Event()


class Life(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        await asyncio.sleep(0.01)
        Log.seen.append(f"disconnected: {error}")

    async def numbers(self) -> AsyncIterator[int]:
        try:
            yield 1
            await Log.gate.wait()
        finally:
            await asyncio.sleep(0.01)
            Log.seen.append("numbers ended")

    async def collect(self, words: AsyncIterator[str]) -> None:
        try:
            async for word in words:
                Log.seen.append(word)
        except ConnectionLost:
            await asyncio.sleep(0.01)
            Log.seen.append("lost")
            raise

    async def ask(self) -> None:
        try:
            await self.clients.caller.invoke("Question")
        except ConnectionLost:
            Log.seen.append("not answered")
            raise

    async def works(self) -> str:
        self.spawn(Log.gate.wait())
        await Log.gate.wait()
        Log.seen.append("worked")
        return "nobody hears it"

    async def watches(self) -> None:
        await self.context.aborted.wait()
        Log.seen.append("aborted")

    async def join(self, group: str) -> None:
        await self.groups.add(group)


class Stubborn(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        await Log.gate.wait()


@pytest.fixture
def hubs() -> HubServer:
    return HubServer({"/life": Life, "/stubborn": Stubborn})


async def words() -> AsyncIterator[str]:
    try:
        yield "word"
        await asyncio.Event().wait()
    finally:
        Log.seen.append("source closed")


@PROTOCOLS
async def test_all_that_ends_with_the_connection_has_ended(
    hubs: HubServer, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "hubstream.hub")
    async with connect(hubs, "/life", protocol=protocol) as connection:
        await connection.invoke("join", "kitchen")
        stream = connection.stream("numbers", item=int)
        assert await anext(stream) == 1
        upload = asyncio.create_task(connection.invoke("collect", words()))
        asked = asyncio.Event()

        @connection.on("Question")
        async def think() -> str:
            asked.set()
            await asyncio.Event().wait()
            return "never"

        question = asyncio.create_task(connection.invoke("ask"))
        watches = asyncio.create_task(connection.invoke("watches"))
        async with asyncio.timeout(5):
            await asked.wait()
            while "word" not in Log.seen:  # noqa: ASYNC110 - it is the hub that notes it
                await asyncio.sleep(0)
        await connection.drop()
        assert sorted(Log.seen) == [
            "aborted",
            "disconnected: None",
            "lost",
            "not answered",
            "numbers ended",
            "source closed",
            "word",
        ]
        assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
        with pytest.raises(ConnectionLost):
            await anext(stream)
        for call in (upload, question, watches):
            with pytest.raises(ConnectionLost):
                await call
        assert connection.ending is not None
        assert connection.ending.reconnect
        with pytest.raises(ConnectionLost):
            await connection.invoke("join", "hall")
    assert f"connection {connection.connection_id} ended: transport lost" in caplog.text


async def test_a_plain_call_runs_on(hubs: HubServer) -> None:
    async with connect(hubs, "/life") as connection:
        call = asyncio.create_task(connection.invoke("works"))
        await connection.invoke("collect", iter(()))
        async with asyncio.timeout(2):
            await connection.drop()
        assert Log.seen == ["disconnected: None"]
        with pytest.raises(ConnectionLost):
            await call
        Log.gate.set()
    assert Log.seen == ["disconnected: None", "worked"]


async def test_others_go_on_and_drop_can_be_repeated(hubs: HubServer) -> None:
    async with connect(hubs, "/life") as ann, connect(hubs, "/life") as bob:
        for _ in range(2):
            await ann.drop()
        assert Log.seen == ["disconnected: None"]
        await bob.invoke("join", "kitchen")
        await bob.close()
        await bob.drop()
    assert Log.seen == ["disconnected: None"] * 2


async def test_what_does_not_end_is_named(hubs: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[TestConnection.__module__], "PATIENCE", 0.05)
    async with connect(hubs, "/stubborn") as connection:
        with pytest.raises(TimeoutError, match=r"0.05 s after the connection was cut, this still runs: .*_part"):
            await connection.drop()
        Log.gate.set()
    assert not any(hubs.snapshot().values())


async def test_a_thousand_drops_leave_nothing(hubs: HubServer) -> None:
    streams: list[Any] = []
    for turn in range(200):
        async with connect(hubs, "/life", protocol=("json", "messagepack")[turn % 2]) as connection:
            streams += [connection.stream("numbers", item=int) for _ in range(5)]
            for stream in streams[-5:]:
                await anext(stream)
            if turn % 3:
                await connection.drop()
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
    assert Log.seen.count("numbers ended") == 1_000
