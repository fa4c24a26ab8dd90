"""The lifetime manager of a single process, by the kit that every manager must pass; and what a connection asks of one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hubstream import Hub, HubServer
from hubstream.hub.inmemory import InMemoryLifetimeManager
from hubstream.hub.lifetime import LifetimeManager, LocalConnection
from hubstream.testing.spec.lifetime import LifetimeManagerSpec
from tests.hub.wire import raw, result, turns


class TestInMemoryLifetimeManager(LifetimeManagerSpec):
    async def managers(self) -> tuple[LifetimeManager, LifetimeManager]:
        manager = InMemoryLifetimeManager()
        return manager, manager

    async def close(self, *managers: LifetimeManager) -> None:
        for manager in managers:
            assert isinstance(manager, InMemoryLifetimeManager)
            assert manager.awaited == 0


class Joining(InMemoryLifetimeManager):
    """As one of several processes: it has something to wait for when a connection comes and goes."""

    joins = True
    log: list[Any] = []  # noqa: RUF012 - emptied by the fixture
    gate: asyncio.Event
    fails: str = ""

    async def connected(self, connection: LocalConnection) -> None:
        await self.gate.wait()
        self.log.append("connected")
        if self.fails == "connected":
            raise OSError("far away")

    async def disconnected(self, connection: LocalConnection) -> None:
        assert connection.connection_id not in await self.connections()
        self.log.append("disconnected")
        if self.fails == "disconnected":
            raise OSError("far away")


class Greeting(Hub):
    async def on_connected(self) -> None:
        Joining.log.append("on_connected")

    async def on_disconnected(self, error: Exception | None) -> None:
        Joining.log.append("on_disconnected")

    def add(self, a: int, b: int) -> int:
        return a + b


class Silent(Hub):
    def add(self, a: int, b: int) -> int:
        return a + b


@pytest.fixture
def joining(monkeypatch: pytest.MonkeyPatch) -> type[Joining]:
    monkeypatch.setattr("hubstream.hub.server.InMemoryLifetimeManager", Joining)
    monkeypatch.setattr(Joining, "log", [])
    monkeypatch.setattr(Joining, "gate", asyncio.Event(), raising=False)
    return Joining


@pytest.mark.parametrize(
    ("hub", "log"),
    [
        (Greeting, ["connected", "on_connected", "on_disconnected", "disconnected"]),
        (Silent, ["connected", "disconnected"]),
    ],
)
async def test_a_manager_that_waits(joining: type[Joining], hub: type[Hub], log: list[str]) -> None:
    hubs = HubServer({"/hub": hub})
    async with raw(hubs) as wire:
        wire.call("add", 1, 2)
        await turns()
        assert wire.messages == [], "messages wait until it has joined"
        joining.gate.set()
        assert await wire.next() == result("1", 3)
    assert joining.log == log


@pytest.mark.parametrize("hub", [Greeting, Silent])
async def test_a_manager_that_fails_at_the_beginning(
    joining: type[Joining], hub: type[Hub], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(joining, "fails", "connected")
    joining.gate.set()
    hubs = HubServer({"/hub": hub})
    async with raw(hubs) as wire:
        assert await wire.next() == {"type": 7, "error": "Connection closed with an error."}
        await wire.closed()
    assert joining.log == ["connected", "disconnected"]
    assert await hubs.of(hub).connections() == frozenset()
    assert "far away" in caplog.text


async def test_a_manager_that_fails_at_the_end(
    joining: type[Joining], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(joining, "fails", "disconnected")
    joining.gate.set()
    async with raw(HubServer({"/hub": Greeting})):
        pass
    assert joining.log[-1] == "disconnected"
    assert "the lifetime manager failed at the end of connection" in caplog.text
    assert "far away" in caplog.text
