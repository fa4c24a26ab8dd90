"""Expecting what a hub calls its client with."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import assert_type

import pytest

from hubstream import DOTNET, ConnectionLost, Hub, HubError, HubServer, HubstreamError
from hubstream.client import Handlers
from hubstream.testing import TestConnection, connect
from hubstream.testing.calls import Calls

PROTOCOLS = pytest.mark.parametrize("protocol", ["json", "messagepack"])


@dataclass
class Point:
    first_x: int
    y: int


class Chat(Hub):
    async def on_connected(self) -> None:
        await self.clients.caller.send("Welcome", self.context.request.query.get("name"))

    async def say(self, text: str, number: int) -> None:
        await self.clients.all.send("Said", text, number)

    async def draw(self) -> None:
        await self.clients.caller.send("Drawn", Point(1, 2), [Point(3, 4)])

    async def nothing(self) -> None:
        await self.clients.caller.send("Nothing")

    async def several(self, names: list[str]) -> None:
        for name in names:
            await self.clients.caller.send(name, name)

    async def ask(self) -> str:
        return await self.clients.caller.invoke("Question", 7, result=str)

    async def bye(self) -> None:
        await self.clients.caller.send("Bye")
        self.context.abort()


@pytest.fixture
def hubs() -> HubServer:
    return HubServer({"/chat": Chat, "/dotnet": Chat}, payloads=DOTNET)


@PROTOCOLS
async def test_a_call_that_came_before_and_one_that_comes(hubs: HubServer, protocol: str) -> None:
    async with connect(hubs, "/chat", protocol=protocol, query={"name": "Zoë & co"}) as connection:
        assert await connection.expect("welcome") == ("Zoë & co",)
        await connection.invoke("say", "before", 1)
        assert connection.unexpected == ["Said"]
        waiting = asyncio.create_task(connection.expect("Waits"))
        assert await connection.expect("said") == ("before", 1)
        await connection.send("several", ["Waits"])
        assert await waiting == ("Waits",)
        assert connection.unexpected == []


@PROTOCOLS
async def test_types(hubs: HubServer, protocol: str) -> None:
    async with connect(hubs, "/chat", protocol=protocol) as connection:
        await connection.invoke("draw")
        point, points = await connection.expect("Drawn", Point, list[Point])
        assert (point, points) == (Point(1, 2), [Point(3, 4)])
        assert_type(point, Point)
        assert_type(points, list[Point])
        await connection.invoke("draw")
        names = ("firstX", "y") if protocol == "json" else ("FirstX", "Y")
        (first, _) = await connection.expect("Drawn")
        assert tuple(first) == names, "without a type, members are named as they are sent"
        await connection.invoke("nothing")
        assert await connection.expect("Nothing") == ()
        await connection.invoke("say", "a", 1)
        assert_type(await connection.expect("Said", str, int | None), tuple[str, int | None])


@pytest.mark.parametrize(
    ("types", "text"), [((str,), "2"), ((str, int, int), "2"), ((int, int), "Expected `int`, got `str`")]
)
async def test_arguments_that_are_not_what_was_expected(hubs: HubServer, types: tuple[type, ...], text: str) -> None:
    async with connect(hubs, "/chat") as connection:
        await connection.invoke("say", "a", 1)
        with pytest.raises(TypeError, match="the hub's call of 'Said' is not what was expected") as raised:
            await connection.expect("Said", *types)
        assert text in str(raised.value)
        assert connection.unexpected == ["Welcome"]


async def test_they_come_in_order_to_whoever_expects_first(hubs: HubServer) -> None:
    async with connect(hubs, "/chat") as connection:
        waiting = [asyncio.create_task(connection.expect("A")), asyncio.create_task(connection.expect("a"))]
        other = asyncio.create_task(connection.expect("B", str))
        await connection.invoke("several", ["A", "B", "a", "A"])
        assert [await task for task in waiting] == [("A",), ("a",)]
        assert await other == ("B",)
        assert await connection.expect("A") == ("A",)


async def test_none_in_time(hubs: HubServer) -> None:
    async with connect(hubs, "/chat") as connection:
        await connection.invoke("several", ["Said", "Said"])
        with pytest.raises(TimeoutError) as raised:
            await connection.expect("Sad", timeout=0.01)
        assert str(raised.value) == "the hub did not call 'Sad' within 0.01 s; not expected so far: Welcome, Said"
        async with asyncio.timeout(5):
            assert await connection.expect("Said") == ("Said",), "it was not used up"
        waiting = asyncio.create_task(connection.expect("Sad", timeout=60))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize("how", ["before", "while", "drop"])
async def test_a_connection_that_ends(hubs: HubServer, how: str) -> None:
    async with connect(hubs, "/chat") as connection:
        waiting = asyncio.create_task(connection.expect("Sad", timeout=60)) if how != "before" else None
        await asyncio.sleep(0)
        if how == "drop":
            await connection.drop()
        else:
            with pytest.raises(ConnectionLost):
                await connection.invoke("bye")
            assert await connection.expect("Bye") == ()
        with pytest.raises(ConnectionLost, match="the connection ended before the hub called 'Sad': "):
            await (waiting or connection.expect("Sad", timeout=60))


async def test_a_handler_that_is_slow_hides_nothing(hubs: HubServer) -> None:
    gate = asyncio.Event()
    async with connect(hubs, "/chat") as connection:

        @connection.on("A")
        async def slow(_: str) -> None:
            await gate.wait()

        await connection.send("several", ["A", "B"])
        await connection.send("bye")
        try:
            async with asyncio.timeout(5):
                assert await connection.expect("A") == ("A",)
                assert await connection.expect("B", timeout=4) == ("B",)
        finally:
            gate.set()


async def test_handlers_are_called_as_well(hubs: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    handlers = Handlers()
    seen: list[str] = []

    @handlers.on("Welcome")
    def welcome(name: str) -> None:
        seen.append(f"welcome {name}")

    def said(text: str, number: int) -> None:
        seen.append(text * number)

    def second(*arguments: object) -> None:
        seen.append(f"second: {arguments}")

    async with connect(hubs, "/chat", query={"name": "ann"}, handlers=handlers) as connection:
        handlers.on("Said", said)
        connection.on("Said", second)
        await connection.invoke("say", "ho", 2)
        assert await connection.expect("Said") == ("ho", 2)
        assert seen == ["welcome ann", "hoho", "second: ('ho', 2)"]
        connection.off("Said")
        assert not handlers.find("Said")
        await connection.invoke("say", "ho", 3)
        assert await connection.expect("Said") == ("ho", 3)
    assert not caplog.records, "what may be expected is no call without a handler"


async def test_questions_are_answered_by_handlers_and_can_be_expected(hubs: HubServer) -> None:
    async with connect(hubs, "/chat") as connection:
        with pytest.raises(HubError, match="Client didn't provide a result"):
            await connection.invoke("ask")

        @connection.on("Question")
        def answer(number: int) -> str:
            return f"no {number}"

        assert await connection.invoke("ask", result=str) == "no 7"
        assert await connection.expect("Question", int) == (7,)
        assert await connection.expect("Question", int) == (7,)


async def test_calls_that_nobody_expects_are_dropped_in_the_end(
    hubs: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[Calls.__module__], "KEPT", 3)
    async with connect(hubs, "/chat") as connection:
        await connection.invoke("several", ["A", "a", "B", "A_", "A", "A"])
        assert await connection.expect("B") == ("B",)
        with pytest.raises(HubstreamError, match="2 calls of 'A' were dropped: 3 are kept"):
            await connection.expect("A")
        assert [await connection.expect("A") for _ in range(3)] == [("A_",), ("A",), ("A",)]


async def test_who_it_is(hubs: HubServer) -> None:
    async with connect(hubs, "/chat") as ann, connect(hubs, "/dotnet") as bob:
        assert isinstance(ann, TestConnection)
        await hubs.of("/chat").clients.client(ann.connection_id).send("Hello", 1)
        await hubs.of("/chat").clients.client(bob.connection_id).send("Hello", 2)
        assert await ann.expect("Hello") == (1,)
        await hubs.of("/dotnet").clients.all.send("Last")
        await bob.expect("Last")
        assert bob.unexpected == ["Welcome"]
