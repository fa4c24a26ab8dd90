"""Groups: joined and left from hub methods, gone with their connection (spec 10.2)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hubstream import Hub, HubServer
from tests.hub.wire import call, raw, result, turns, until


class Rooms(Hub):
    leaving: asyncio.Event
    seen: list[Any] = []  # noqa: RUF012 - emptied by the fixture

    async def on_connected(self) -> None:
        await self.groups.add("everybody")

    async def on_disconnected(self, error: Exception | None) -> None:
        await self.clients.others_in_group("room").send("Left", self.context.connection_id)
        await self.clients.group("room").send("Left", self.context.connection_id)
        await self.leaving.wait()
        await self.groups.add("too late")

    async def join(self, name: str) -> None:
        await self.groups.add(name)

    async def leave(self, name: str) -> None:
        await self.groups.remove(name)

    async def join_another(self, connection_id: str, name: str) -> None:
        await self.groups.add(name, connection=connection_id)

    async def leave_another(self, connection_id: str, name: str) -> None:
        await self.groups.remove(name, connection=connection_id)

    async def tell(self, names: list[str]) -> None:
        await self.clients.groups(*names).send("Told", names)

    async def linger(self) -> None:
        await self.context.aborted.wait()
        await self.leaving.wait()
        await turns()
        await self.groups.add("after the end")
        self.seen.append("lingered")


@pytest.fixture(autouse=True)
def fresh() -> None:
    Rooms.seen.clear()
    Rooms.leaving = asyncio.Event()
    Rooms.leaving.set()


async def said(wire: Any, target: str, *arguments: Any) -> None:
    wire.call(target, *arguments)
    assert await wire.next() == result("1")


async def test_joining_and_leaving() -> None:
    hubs = HubServer({"/hub": Rooms})
    async with raw(hubs) as one, raw(hubs) as two:
        for _ in range(2):
            await said(one, "join", "room")
        await said(two, "join_another", one.server.connection_id, "other")
        await said(two, "join_another", "nobody", "other")
        assert hubs.snapshot()["groups"] == 3
        await said(two, "tell", ["room", "other", "Room"])
        assert (await one.next())["arguments"] == [["room", "other", "Room"]]
        await said(two, "leave_another", one.server.connection_id, "other")
        for _ in range(2):
            await said(one, "leave", "room")
        await said(one, "leave", "never joined")
        await said(two, "tell", ["room", "other"])
        assert hubs.snapshot()["groups"] == 1
        assert one.messages == two.messages == []
    assert hubs.snapshot()["groups"] == 0


async def test_a_group_joined_in_on_connected() -> None:
    hubs = HubServer({"/hub": Rooms})
    async with raw(hubs) as one, raw(hubs) as two:
        await said(two, "tell", ["nobody"])  # both have been greeted
        one.call("tell", ["everybody"])
        assert (await one.next())["target"] == "Told"
        assert (await two.next())["target"] == "Told"


async def test_a_connection_leaves_after_on_disconnected() -> None:
    hubs = HubServer({"/hub": Rooms})
    Rooms.leaving.clear()
    async with raw(hubs) as one:
        await said(one, "join", "room")
        async with raw(hubs) as two:
            await said(two, "join", "room")
            gone = two.server.connection_id
            two.end()
            await until(lambda: len(one.messages) == 2)  # its on_disconnected still counts it, and writes to it in vain
            assert [m["arguments"] for m in one.messages] == [[gone]] * 2
            assert gone in await hubs.of(Rooms).connections(group="room")
            Rooms.leaving.set()
            await until(lambda: not two.server.running)
            assert await hubs.of(Rooms).connections(group="room") == {one.server.connection_id}
            assert await hubs.of(Rooms).connections(group="too late") == frozenset()


async def test_a_call_that_outlives_its_connection_joins_nothing() -> None:
    hubs = HubServer({"/hub": Rooms})
    async with raw(hubs) as one:
        one.call("linger")
        await turns()
    assert Rooms.seen == ["lingered"]
    assert hubs.snapshot()["groups"] == 0


class Failing(Hub):
    async def on_connected(self) -> None:
        await self.groups.add("room")
        raise RuntimeError("not today")


async def test_a_connection_that_was_never_greeted_leaves_too() -> None:
    hubs = HubServer({"/hub": Failing})
    async with raw(hubs) as wire:
        await wire.closed()
        assert hubs.snapshot()["groups"] == 0
        assert await hubs.of(Failing).connections() == frozenset()


async def test_a_thousand_connections_leave_nothing() -> None:
    hubs = HubServer({"/hub": Rooms})
    for _ in range(20):
        async with asyncio.TaskGroup() as group:
            for n in range(50):
                group.create_task(come_and_go(hubs, n))
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
    assert await hubs.of(Rooms).connections() == frozenset()


async def come_and_go(hubs: HubServer, n: int) -> None:
    async with raw(hubs) as wire:
        wire.say(*(call("join", name, id=None) for name in ("room", f"room {n}", "other")))
        wire.call("tell", ["room", "other", f"room {n}"])
        await until(lambda: result("1") in wire.messages)
        if n % 2:
            wire.connection.abort()
