"""Whom a hub method's calls reach, in which form, and that nobody waits for a client that does not read (spec 10.1)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from hubstream import DOTNET, Hub, HubServer, User
from hubstream.connection.output import CUT_OFF
from hubstream.hub.inmemory import InMemoryLifetimeManager
from hubstream.hub.outgoing import Outgoing
from hubstream.payloads.bind import EncodeError
from hubstream.testing import connect
from hubstream.testing.spec.lifetime import CODECS, ENCODERS, SpecClient
from tests.hub.wire import HANDSHAKE, LIMIT, Wire, raw, result, turns, until

EVERYBODY = ["A", "B", "C", "D"]


def sent(message: str = "hello") -> dict[str, Any]:
    return {"type": 1, "target": "Message", "arguments": [message]}


@dataclass
class Point:
    x_value: int


class Plain(Hub):
    names: dict[str, str] = {}  # noqa: RUF012 - filled by the fixture: what a test calls a connection, and its id

    async def reach(self, how: str, whom: list[str]) -> None:
        clients: Any = self.clients
        target = getattr(clients, how)
        if how not in {"all", "others", "caller"}:
            target = target(*(self.names.get(name, name) for name in whom))
        await target.send("Message", "hello")

    async def point(self) -> None:
        await self.clients.all.send("Point", Point(1))

    async def flood(self, count: int, size: int) -> str:
        for n in range(count):
            await self.clients.others.send("Message", f"{n} ".ljust(size, "x"))
        return "all sent"

    async def drip(self, connection_id: str, count: int, size: int) -> str:
        for n in range(count):
            await self.clients.client(connection_id).send("Message", f"{n} ".ljust(size, "x"))
        return "all sent"

    async def unwritable(self, how: str) -> str:
        try:
            await getattr(self.clients, how).send("Message", object())
        except EncodeError as error:
            return str(error)
        return "sent"

    async def wrong(self, how: str) -> None:
        whom: Any = {"list": ["g", "h"], "empty": "", "number": 1}[how]
        await self.clients.groups(whom).send("Message", "hello")

    async def join(self, name: str) -> None:
        await self.groups.add(name)


@pytest.fixture(autouse=True)
def nobody_yet() -> None:
    Plain.names.clear()


async def entered(
    stack: AsyncExitStack, hubs: HubServer, *names: str, users: dict[str, str] | None = None
) -> list[Wire]:
    """Raw clients of the only hub, by names that `Plain.reach` knows."""
    wires: list[Wire] = []
    for name in names:
        signed_in = (users or {}).get(name)
        user = None if signed_in is None else User(signed_in)
        wire = await stack.enter_async_context(raw(hubs, handshake=None, user=user))
        wire.say(HANDSHAKE)
        assert await wire.next() == {}
        Plain.names[name] = wire.server.connection_id
        wires.append(wire)
    return wires


@pytest.mark.parametrize(
    ("how", "whom", "reached"),
    [
        ("all", [], "ABCD"),
        ("others", [], "BCD"),
        ("caller", [], "A"),
        ("all_except", [], "ABCD"),
        ("all_except", ["B", "nobody"], "ACD"),
        ("client", ["A"], "A"),
        ("client", ["B"], "B"),
        ("client", ["nobody"], ""),
        ("clients", ["B", "D", "B", "nobody"], "BD"),
        ("clients", [], ""),
        ("group", ["g"], "AB"),
        ("group", ["G"], ""),
        ("groups", ["g", "h", "none"], "ABC"),
        ("group_except", ["g", "B"], "A"),
        ("others_in_group", ["g"], "B"),
        ("user", ["ann"], "AC"),
        ("user", ["nobody"], ""),
        ("users", ["ann", "bob", "ann"], "ACD"),
    ],
)
async def test_whom_a_call_reaches(how: str, whom: list[str], reached: str) -> None:
    hubs = HubServer({"/hub": Plain})
    async with AsyncExitStack() as stack:
        wires = await entered(stack, hubs, *EVERYBODY, users={"A": "ann", "C": "ann", "D": "bob"})
        for wire, names in zip(wires, ["g", "gh", "h", ""], strict=True):
            for name in names:
                wire.call("join", name)
                assert await wire.next() == result("1")
        wires[0].call("reach", how, whom, id="2")
        await until(lambda: result("2") in wires[0].messages)
        await turns()
        got = {
            name: [m for m in wire.messages if m != result("2")] for name, wire in zip(EVERYBODY, wires, strict=True)
        }
        assert got == {name: [sent()] if name in reached else [] for name in EVERYBODY}


async def test_both_protocols_and_the_hubs_own_style() -> None:
    hubs = HubServer({"/hub": Plain}, payloads=DOTNET)
    async with connect(hubs, Plain, payloads=DOTNET) as one, connect(hubs, Plain, protocol="messagepack") as other:
        got: list[Any] = []
        for connection in (one, other):
            connection.on("point")(got.append)
        await one.invoke("point")
        await until(lambda: len(got) == 2)
        assert sorted(got, key=str) == [{"XValue": 1}, {"xValue": 1}]


async def test_a_broadcast_is_encoded_once_for_each_protocol() -> None:
    encoded: list[str] = []

    def encoder(protocol: str) -> Any:
        def encode(value: object) -> bytes:
            encoded.append(protocol)
            return ENCODERS[protocol](value)

        return encode

    manager = InMemoryLifetimeManager()
    for n in range(6):
        manager.add(SpecClient(str(n), protocol=["json", "messagepack"][n % 2]))
    await manager.send_all(Outgoing("m", [1], CODECS, {name: encoder(name) for name in CODECS}))
    assert sorted(encoded) == ["json", "messagepack"]


async def test_nobody_waits_for_a_client_that_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    hubs = HubServer({"/hub": Plain})
    async with AsyncExitStack() as stack:
        one, slow, other = await entered(stack, hubs, "A", "B", "C")
        slow.connection.pause_reading()
        count, size = 3 * CUT_OFF // 16_384, 16_384
        one.call("flood", count, size)
        assert await one.next() == result("1", "all sent")
        numbers = [int(str((await other.next())["arguments"][0]).split()[0]) for _ in range(count)]
        assert numbers == list(range(count))
        assert slow.server.closed, "it is cut off"
        assert hubs.snapshot()["connections"] == 2
        assert await hubs.of(Plain).connections() == {one.server.connection_id, other.server.connection_id}
        slow.connection.resume_reading()


async def test_a_client_that_reads_gets_a_flood_whole() -> None:
    hubs = HubServer({"/hub": Plain})
    async with AsyncExitStack() as stack:
        one, other = await entered(stack, hubs, "A", "B")
        one.call("flood", 3 * CUT_OFF // 1_000, 1_000)
        assert await one.next() == result("1", "all sent")
        await until(lambda: len(other.messages) == 3 * CUT_OFF // 1_000)
        assert not other.server.closed


async def test_one_client_alone_is_waited_for() -> None:
    hubs = HubServer({"/hub": Plain})
    async with AsyncExitStack() as stack:
        one, slow = await entered(stack, hubs, "A", "B")
        slow.connection.pause_reading()
        count, size = 3 * CUT_OFF // 16_384, 16_384
        one.call("drip", slow.server.connection_id, count, size)
        await turns(2 * count)
        assert one.messages == []
        slow.connection.resume_reading()
        assert await one.next() == result("1", "all sent")
        await until(lambda: len(slow.messages) == count)


@pytest.mark.parametrize("how", ["all", "others", "caller"])
async def test_what_cannot_be_written_is_the_senders_error(how: str) -> None:
    hubs = HubServer({"/hub": Plain})
    async with AsyncExitStack() as stack:
        one, other = await entered(stack, hubs, "A", "B")
        one.call("unwritable", how)
        text = (await one.next())["result"]
        assert text == "the call of 'Message' cannot be sent: object is no class that can be carried"
        await turns()
        assert (one.messages, other.messages) == ([], [])
        assert one.alive()
        assert other.alive()


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("list", "TypeError: a group's name is a text, not list; several are given one by one: *names"),
        ("empty", "ValueError: a group's name is not empty"),
        ("number", "TypeError: a group's name is a text, not int; several are given one by one: *names"),
    ],
)
async def test_names_that_are_none(how: str, text: str) -> None:
    async with raw(HubServer({"/hub": Plain}, detailed_errors=True)) as wire:
        wire.call("wrong", how)
        assert (await wire.next())["error"] == f"An unexpected error occurred invoking 'wrong' on the server. {text}"


class Greeting(Hub):
    async def on_connected(self) -> None:
        await self.clients.others.send("Joined", 1)
        await self.clients.caller.send("Welcome", 1)

    async def on_disconnected(self, error: Exception | None) -> None:
        await self.clients.all.send("Left", 1)
        await self.clients.caller.send("Farewell", 1)


async def test_calls_from_on_connected_and_on_disconnected() -> None:
    hubs = HubServer({"/hub": Greeting})
    async with raw(hubs) as one:
        assert (await one.next())["target"] == "Welcome"
        async with raw(hubs) as two:
            assert (await two.next())["target"] == "Welcome"
            assert (await one.next())["target"] == "Joined"
        assert (await one.next())["target"] == "Left"
        assert one.messages == []


async def test_nobody_is_reached_before_the_handshake() -> None:
    hubs = HubServer({"/hub": Plain})
    async with raw(hubs) as one, raw(hubs, handshake=None) as other:
        one.call("reach", "all", [])
        assert await one.take(2) == [sent(), result("1")]
        other.say(HANDSHAKE)
        assert await other.next() == {}
        assert other.messages == []


async def test_hubs_do_not_hear_each_other() -> None:
    class Another(Plain): ...

    hubs = HubServer({"/hub": Plain, "/another": Another})
    async with connect(hubs, "/hub") as one, connect(hubs, "/another") as other:
        got: list[str] = []

        @one.on("message")
        def _(text: str) -> None:
            got.append(f"one {text}")

        @other.on("message")
        def _(text: str) -> None:
            got.append(f"other {text}")

        await hubs.of(Another).clients.all.send("Message", "a")
        await hubs.of("/hub").clients.all.send("Message", "b")
        await until(lambda: len(got) == 2)
        assert sorted(got) == ["one b", "other a"]


# -- from outside


async def test_from_outside() -> None:
    hubs = HubServer({"/hub": Plain})
    outside = hubs.of(Plain)  # may be kept, and made before anything runs
    assert await outside.connections() == frozenset()
    async with AsyncExitStack() as stack:
        one, two, three = await entered(stack, hubs, "A", "B", "C", users={"A": "ann"})
        ids = {name: wire.server.connection_id for name, wire in zip("ABC", (one, two, three), strict=True)}
        await outside.groups.add("g", connection=ids["B"])
        await outside.groups.add("g", connection=ids["C"])
        await outside.groups.remove("g", connection=ids["C"])
        await outside.clients.user("ann").send("Message", "hello")
        await outside.clients.group("g").send("Message", "hello")
        await outside.clients.client(ids["C"]).send("Message", "hello")
        for wire in (one, two, three):
            assert await wire.next() == sent()
        assert await outside.connections() == set(ids.values())
        assert await outside.connections(group="g") == {ids["B"]}
        assert await outside.connections(user="ann") == {ids["A"]}
        assert hubs.snapshot()["groups"] == 1
    assert hubs.snapshot()["groups"] == 0


def test_from_outside_on_one_loop_after_the_other() -> None:
    hubs = HubServer({"/hub": Plain})
    outside = hubs.of(Plain)

    async def one_client() -> int:
        async with asyncio.timeout(LIMIT), raw(hubs) as wire:
            await outside.clients.all.send("Message", "hello")
            assert await wire.next() == sent()
            return len(await outside.connections())

    assert [asyncio.run(one_client()), asyncio.run(one_client())] == [1, 1]


def test_a_hub_that_is_not_there() -> None:
    with pytest.raises(LookupError, match="no hub is mapped"):
        HubServer().of(Plain)


@pytest.mark.parametrize(
    ("reason", "message"), [("You are banned.", {"type": 7, "error": "You are banned."}), (None, {"type": 7})]
)
async def test_disconnect(reason: str | None, message: dict[str, Any]) -> None:
    server = HubServer({"/hub": Plain})
    async with AsyncExitStack() as stack:
        one, two, three = await entered(stack, server, "A", "B", "C", users={"A": "ann", "C": "ann"})
        await server.disconnect(user="ann", reason=reason)
        await server.disconnect(connection="nobody", reason=reason)
        for wire in (one, three):
            await wire.closed()
            assert wire.messages == [message]
        assert two.alive()
        await server.disconnect(connection=two.server.connection_id, reason=reason)
        await two.closed()
        assert two.messages == [message]


@pytest.mark.parametrize("named", [{}, {"user": "ann", "connection": "1"}])
async def test_disconnect_names_one_thing(named: Any) -> None:
    with pytest.raises(TypeError, match="either user= or connection="):
        await HubServer().disconnect(**named)


async def test_a_call_after_its_hub_object() -> None:
    """Proxies outlive the call they were made in."""
    kept: list[Any] = []

    class Keeping(Hub):
        async def keep(self) -> None:
            kept.extend([self.clients.caller, self.clients.all, self.clients])

    async with raw(HubServer({"/hub": Keeping})) as wire:
        wire.call("keep")
        assert await wire.next() == result("1")
        await kept[0].send("Message", "hello")
        await kept[1].send("Message", "hello")
        await kept[2].others.send("Message", "hello")
        assert await wire.take(2) == [sent()] * 2
    for proxy in kept[:2]:
        await proxy.send("Message", "to nobody")


def test_what_clients_do_not_have_says_what_to_write() -> None:
    clients: Any = HubServer({"/hub": Plain}).of(Plain).clients
    for target in (clients.all, clients.client("id")):
        with pytest.raises(
            AttributeError, match=r"no 'message': write send\('message', ...\), or declare .* Hub\[...\]"
        ):
            _ = target.message
        assert not hasattr(target, "__deepcopy__")
    with pytest.raises(AttributeError, match=r"one client can be asked: clients.client\(id\).invoke\(...\)"):
        _ = clients.all.invoke
