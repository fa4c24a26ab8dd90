"""What every lifetime manager must do. Derive a test class, and pytest runs the kit against yours:

    class TestMine(LifetimeManagerSpec):
        async def managers(self) -> tuple[LifetimeManager, LifetimeManager]:
            return MyManager(...), MyManager(...)

Every wait is bounded by `PATIENCE`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from hubstream.errors import ConnectionLost, ProtocolError
from hubstream.hub.lifetime import LifetimeManager
from hubstream.hub.outgoing import Outgoing
from hubstream.payloads.bind import EncodeError, binder
from hubstream.payloads.style import PYTHON
from hubstream.protocol.codec import Codec
from hubstream.protocol.json import JsonCodec
from hubstream.protocol.messagepack import MessagePackCodec
from hubstream.protocol.messages import Completion, HubMessage, Invocation

__all__ = ["PATIENCE", "LifetimeManagerSpec", "SpecClient", "call"]

PATIENCE = 5.0
"""Seconds anything may take."""

CODECS: dict[str, Codec] = {"json": JsonCodec(), "messagepack": MessagePackCodec()}
ENCODERS = {"json": binder(PYTHON, "json").encoder(), "messagepack": binder(PYTHON, "messagepack").encoder()}
DECODERS: dict[str, Callable[[Raw], Any]] = {"json": msgspec.json.decode, "messagepack": msgspec.msgpack.decode}


def call(argument: object) -> Outgoing:
    """A call of the clients' `m` with one argument."""
    return Outgoing("m", [argument], CODECS, ENCODERS)


class SpecClient:
    """A connection of the manager's process; it keeps what is sent to it."""

    def __init__(self, connection_id: str, user_id: str | None = None, protocol: str = "json") -> None:
        self.connection_id = connection_id
        self.user_id = user_id
        self.protocol = protocol
        self.closed = False
        self.out = self
        self.awaited = 0
        self.reasons: list[str | None] = []
        """Why it was disconnected, each time."""
        self.ended = asyncio.Event()
        self._messages: asyncio.Queue[Invocation] = asyncio.Queue()

    def emit(self, message: bytes, /) -> None:
        messages: list[HubMessage] = []
        assert CODECS[self.protocol].read(message, None, messages) == len(message), "one framed message"
        for found in messages:
            assert isinstance(found, Invocation)
            if not self.closed:
                self._messages.put_nowait(found)

    async def drained(self) -> None: ...

    def awaiting(self, answers: int) -> None:
        self.awaited = answers

    def disconnect(self, reason: str | None) -> None:
        self.reasons.append(reason)
        self.ended.set()

    async def next(self) -> Invocation:
        """The next call it gets."""
        async with asyncio.timeout(PATIENCE):
            return await self._messages.get()

    async def question(self) -> str:
        """The id of the next call, which awaits an answer."""
        invocation_id = (await self.next()).invocation_id
        assert isinstance(invocation_id, str)
        assert invocation_id
        return invocation_id

    async def until(self, mark: object) -> list[Any]:
        """The arguments it was called with before this one."""
        got: list[Any] = []
        while (argument := self.read(await self.next())) != mark:
            got.append(argument)
        return got

    def read(self, message: Invocation) -> Any:
        """The argument of a call."""
        (argument,) = DECODERS[self.protocol](message.arguments)
        return argument

    def answer(self, invocation_id: str, value: object = None, error: str | None = None) -> Completion:
        """An answer of the client."""
        if error is not None:
            return Completion(invocation_id=invocation_id, error=error)
        return Completion(invocation_id=invocation_id, result=Raw(ENCODERS[self.protocol](value)))


class LifetimeManagerSpec:
    """The tests. Messages of one sender must reach a client in the order they were sent."""

    async def managers(self) -> tuple[LifetimeManager, LifetimeManager]:
        """Two managers of one hub that know of each other, as if in two processes; one that is alone, twice."""
        raise NotImplementedError

    async def close(self, *managers: LifetimeManager) -> None:
        """Called at the end of each test that passed."""

    # -- sends

    async def test_all(self) -> None:
        here, there = await self.managers()
        one, two, three = await joined((here, "1"), (there, "2"), (there, "3"))
        await here.send_all(call("a"))
        await here.send_all(call("b"), ["1", "3", "nobody"])
        assert await seen(here, one, two, three) == [["a"], ["a", "b"], ["a"]]
        await self.close(here, there)

    async def test_connections(self) -> None:
        here, there = await self.managers()
        one, two, three = await joined((here, "1"), (there, "2"), (there, "3"))
        await here.send_connection("1", call("a"))
        await here.send_connection("2", call("b"))
        await here.send_connection("nobody", call("c"))
        await here.send_connections(["1", "2", "2", "nobody"], call("d"))
        assert await seen(here, one, two, three) == [["a", "d"], ["b", "d"], []]
        await self.close(here, there)

    async def test_a_client_gets_its_own_protocol(self) -> None:
        here, there = await self.managers()
        one, two = SpecClient("1"), SpecClient("2", protocol="messagepack")
        await join(here, one)
        await join(there, two)
        await here.send_all(call({"a": 1}))
        assert await seen(here, one, two) == [[{"a": 1}], [{"a": 1}]]
        await self.close(here, there)

    async def test_messages_keep_their_order(self) -> None:
        here, there = await self.managers()
        one, two = await joined((here, "1"), (there, "2"))
        await here.add_to_group("2", "g")
        for n in range(50):
            await here.send_all(call(n))
            await here.send_groups(["g"], call(f"g{n}"))
            await here.send_connection("1", call(f"c{n}"))
        first, second = await seen(here, one, two)
        assert first == [item for n in range(50) for item in (n, f"c{n}")]
        assert second == [item for n in range(50) for item in (n, f"g{n}")]
        await self.close(here, there)

    @pytest.mark.parametrize("anybody", [True, False])
    async def test_what_cannot_be_written_reaches_nobody(self, anybody: bool) -> None:
        here, there = await self.managers()
        clients = [SpecClient("1"), SpecClient("2", protocol="messagepack")] if anybody else []
        for client in clients:
            await join(here, client)
            await here.add_to_group(client.connection_id, "g")
        ids = ["1", "2"]
        # One that JSON can carry and MessagePack cannot, too: nobody gets it while one of them cannot.
        for value in (object(), 1 << 70) if anybody else (object(),):
            for send in (
                here.send_all(call(value)),
                here.send_connections(ids, call(value)),
                here.send_groups(["g"], call(value)),
            ):
                with pytest.raises(EncodeError, match="'m' cannot be sent"):
                    await send
        with pytest.raises(EncodeError):
            await here.send_connection("1", call(object()))
        with pytest.raises(EncodeError):
            await here.send_users(["u"], call(object()))
        assert await seen(here, *clients) == [[] for _ in clients]
        await self.close(here, there)

    # -- groups and users

    async def test_groups(self) -> None:
        here, there = await self.managers()
        clients = await joined((here, "1"), (there, "2"), (there, "3"))
        for connection_id, name in (("1", "g"), ("1", "g"), ("2", "g"), ("2", "h"), ("3", "h"), ("3", "G")):
            await here.add_to_group(connection_id, name)
        await here.send_groups(["g"], call("g"))
        await here.send_groups(["g", "h", "nobody's"], call("once"))
        await here.send_groups(["g", "h"], call("but two"), ["2"])
        await here.send_groups(["nobody's"], call("nobody"))
        await here.remove_from_group("2", "g")
        await here.remove_from_group("2", "g")
        await here.remove_from_group("1", "h")
        await here.send_groups(["g"], call("later"))
        assert await seen(here, *clients) == [["g", "once", "but two", "later"], ["g", "once"], ["once", "but two"]]
        await self.close(here, there)

    async def test_groups_of_a_connection_that_is_not_there(self) -> None:
        here, there = await self.managers()
        (one,) = await joined((here, "1"))
        await leave(here, one)
        await here.add_to_group("1", "g")
        await here.remove_from_group("1", "g")
        assert (here.group_count, there.group_count) == (0, 0)
        await self.close(here, there)

    async def test_groups_go_with_their_connection(self) -> None:
        here, there = await self.managers()
        one, two = await joined((here, "1"), (there, "2"))
        for name in ("g", "h"):
            await here.add_to_group("1", name)
        await here.add_to_group("2", "g")
        here.ended(one)
        assert "1" in await there.connections(group="g"), "until on_disconnected has returned"
        await leave(here, one)
        assert await there.connections(group="g") == {"2"}
        await here.send_groups(["g", "h"], call("a"))
        await here.send_all(call("b"))
        assert await seen(here, two) == [["a", "b"]]
        await leave(there, two)
        assert (here.group_count, there.group_count) == (0, 0)
        await self.close(here, there)

    async def test_users(self) -> None:
        here, there = await self.managers()
        ann, ann_too, bob, nobody = (
            SpecClient("1", "ann"),
            SpecClient("2", "ann"),
            SpecClient("3", "bob"),
            SpecClient("4"),
        )
        for manager, client in ((here, ann), (there, ann_too), (there, bob), (here, nobody)):
            await join(manager, client)
        await here.send_users(["ann"], call("a"))
        await here.send_users(["ann", "bob", "ann", "ANN", "4"], call("b"))
        await leave(there, ann_too)
        await here.send_users(["ann"], call("c"))
        assert await seen(here, ann, bob, nobody) == [["a", "b", "c"], ["b"], []]
        assert await ann_too.until("b") == ["a"]
        await self.close(here, there)

    async def test_who_is_there(self) -> None:
        here, there = await self.managers()
        assert await here.connections() == frozenset()
        one, two, three = SpecClient("1", "ann"), SpecClient("2", "ann"), SpecClient("3")
        for manager, client in ((here, one), (there, two), (there, three)):
            await join(manager, client)
        for connection_id in ("1", "3"):
            await here.add_to_group(connection_id, "g")
        for manager in (here, there):
            assert await manager.connections() == {"1", "2", "3"}
            assert await manager.connections(group="g") == {"1", "3"}
            assert await manager.connections(user_id="ann") == {"1", "2"}
            assert await manager.connections(group="g", user_id="ann") == {"1"}
            assert await manager.connections(group="h") == await manager.connections(user_id="bob") == frozenset()
        await leave(there, two)
        assert await here.connections() == {"1", "3"}
        assert await here.connections(user_id="ann") == {"1"}
        await self.close(here, there)

    # -- ends

    async def test_disconnect(self) -> None:
        here, there = await self.managers()
        one, two, three = SpecClient("1", "ann"), SpecClient("2", "ann"), SpecClient("3", "bob")
        for manager, client in ((here, one), (there, two), (there, three)):
            await join(manager, client)
        await here.disconnect(connection_id="3", reason="go")
        await here.disconnect(user_id="ann")
        await here.disconnect(connection_id="nobody")
        await here.disconnect(user_id="nobody")
        async with asyncio.timeout(PATIENCE):
            for client in (one, two, three):
                await client.ended.wait()
        assert [client.reasons for client in (one, two, three)] == [[None], [None], ["go"]]
        await self.close(here, there)

    # -- client results

    @pytest.mark.parametrize("protocol", CODECS)
    async def test_an_answer(self, protocol: str) -> None:
        here, there = await self.managers()
        client = SpecClient("1", protocol=protocol)
        await join(there, client)
        for value, error in (([1, "two"], None), (None, None), (None, "no idea")):
            asked = asyncio.ensure_future(here.invoke("1", call("what")))
            message = await client.next()
            assert client.read(message) == "what"
            assert isinstance(message.invocation_id, str)
            assert there.awaits(client, message.invocation_id)
            assert client.awaited == 1
            there.answered(client, client.answer(message.invocation_id, value, error))
            async with asyncio.timeout(PATIENCE):
                answer = await asked
            if error is not None:
                assert answer.completion.error == error
            else:
                assert isinstance(answer.completion.result, Raw)
                assert DECODERS[answer.protocol](answer.completion.result) == value
            assert not there.awaits(client, message.invocation_id)
            assert client.awaited == 0
        await self.close(here, there)

    async def test_several_answers_in_any_order(self) -> None:
        here, there = await self.managers()
        (client,) = await joined((there, "1"))
        asked = [asyncio.ensure_future(here.invoke("1", call(n))) for n in range(3)]
        questions = {client.read(message): message.invocation_id for message in [await client.next() for _ in asked]}
        assert len(set(questions.values())) == 3
        assert client.awaited == 3
        for n in (2, 0, 1):
            there.answered(client, client.answer(str(questions[n]), n * 10))
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*asked)
        assert [result_of(answer.completion) for answer in answers] == [0, 10, 20]
        await self.close(here, there)

    async def test_asking_a_connection_that_is_not_there(self) -> None:
        here, there = await self.managers()
        with pytest.raises(ConnectionLost, match=r"^Connection 'nobody' does not exist\.$"):
            async with asyncio.timeout(PATIENCE):
                await here.invoke("nobody", call(1))
        await self.close(here, there)

    async def test_the_connection_ends_before_it_answers(self) -> None:
        here, there = await self.managers()
        (client,) = await joined((there, "1"))
        asked = asyncio.ensure_future(here.invoke("1", call(1)))
        invocation_id = await client.question()
        client.closed = True
        there.ended(client)
        with pytest.raises(ConnectionLost, match=r"^Connection '1' disconnected\.$"):
            async with asyncio.timeout(PATIENCE):
                await asked
        with pytest.raises(ConnectionLost, match=r"^Connection '1' disconnected\.$"):
            async with asyncio.timeout(PATIENCE):
                await here.invoke("1", call(2))  # in its on_disconnected
        assert not there.awaits(client, invocation_id)
        await leave(there, client)
        await self.close(here, there)

    async def test_nobody_waits_any_more(self) -> None:
        here, there = await self.managers()
        (client,) = await joined((there, "1"))
        asked = asyncio.ensure_future(here.invoke("1", call(1)))
        invocation_id = await client.question()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        there.answered(client, client.answer(invocation_id, "late"))
        there.answered(client, client.answer(invocation_id, "twice"))
        there.answered(client, client.answer("s999", "never asked"))
        assert await seen(here, client) == [[]], "nothing is sent to it"
        await self.close(here, there)

    async def test_another_client_answers(self) -> None:
        here, there = await self.managers()
        client, other = await joined((there, "1"), (there, "2"))
        asked = asyncio.ensure_future(here.invoke("1", call(1)))
        invocation_id = await client.question()
        assert not there.awaits(other, invocation_id)
        with pytest.raises(ProtocolError, match=f"Connection ID '2' is not valid for invocation ID '{invocation_id}'."):
            there.answered(other, other.answer(invocation_id, "stolen"))
        there.answered(client, client.answer(invocation_id, "mine"))
        async with asyncio.timeout(PATIENCE):
            assert result_of((await asked).completion) == "mine"
        await self.close(here, there)

    async def test_a_question_that_cannot_be_written(self) -> None:
        here, there = await self.managers()
        (client,) = await joined((here, "1"))
        with pytest.raises(EncodeError):
            await here.invoke("1", call(object()))
        assert client.awaited == 0
        assert await seen(here, client) == [[]]
        await self.close(here, there)


def result_of(completion: Completion) -> Any:
    """The result in an answer of a client that speaks JSON."""
    assert isinstance(completion.result, Raw)
    return msgspec.json.decode(completion.result)


async def join(manager: LifetimeManager, client: SpecClient) -> None:
    """As a connection does after its handshake."""
    manager.add(client)
    await manager.connected(client)


async def leave(manager: LifetimeManager, client: SpecClient) -> None:
    """As a connection does at its end."""
    client.closed = True
    manager.ended(client)
    manager.remove(client)
    await manager.disconnected(client)


async def joined(*connections: tuple[LifetimeManager, str]) -> list[SpecClient]:
    """Clients with these ids, in JSON and without a user."""
    clients: list[SpecClient] = []
    for manager, connection_id in connections:
        client = SpecClient(connection_id)
        await join(manager, client)
        clients.append(client)
    return clients


async def seen(manager: LifetimeManager, *clients: SpecClient) -> list[list[Any]]:
    """What each has got so far, by a last message to all of them."""
    mark = "that is all"
    await manager.send_connections(ids(clients), call(mark))
    return [await client.until(mark) for client in clients]


def ids(clients: Iterable[SpecClient]) -> list[str]:
    """Their connection ids."""
    return [client.connection_id for client in clients]
