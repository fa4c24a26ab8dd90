from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import UNSET

from hubstream.errors import ConnectionLost, HubError, ProtocolError
from hubstream.protocol.messages import CancelInvocation, Close, Completion, Invocation
from tests.client.peer import joined, turns

PROTOCOLS = pytest.mark.parametrize("protocol", ["json", "messagepack"])


@dataclass
class Point:
    x: int
    y: int


RESULTS: list[tuple[object, Any, object]] = [
    (3, int, 3),
    (3, float, 3.0),
    (None, int | None, None),
    ([1, 2], list[int], [1, 2]),
    ({"x": 1, "y": 2}, Point, Point(1, 2)),
    ({"x": 1, "y": 2}, Any, {"x": 1, "y": 2}),
]


@PROTOCOLS
@pytest.mark.parametrize(("wire", "type_", "expected"), RESULTS)
async def test_a_result_is_decoded_as_asked(protocol: str, wire: object, type_: Any, expected: object) -> None:
    async with joined(protocol) as (client, peer):
        call = asyncio.create_task(client.invoke("add", 1, "two", result=type_))
        asked = await peer.next(Invocation)
        assert (asked.target, asked.invocation_id, peer.arguments(asked)) == ("add", "1", [1, "two"])
        assert not asked.stream_ids
        peer.say(peer.result("1", wire))
        result = await call
        assert result == expected
        assert type(result) is type(expected)


@PROTOCOLS
async def test_without_a_result_it_is_none(protocol: str) -> None:
    async with joined(protocol) as (client, peer):
        first = asyncio.create_task(client.invoke("nothing"))
        second = asyncio.create_task(client.invoke("nothing", result=int))
        await turns()
        peer.say(peer.done("1"), peer.done("2"))
        assert await first is None
        with pytest.raises(HubError, match="Error trying to deserialize result to int"):
            await second


@PROTOCOLS
async def test_many_arguments(protocol: str) -> None:
    async with joined(protocol) as (client, peer):
        for count in (0, 15, 16, 300):
            await client.send("many", *range(count))
            assert peer.arguments(await peer.next(Invocation)) == list(range(count))


async def test_a_send_has_no_id_and_names_go_out_as_written() -> None:
    async with joined() as (client, peer):
        await client.send("Say_it", "hello")
        said = await peer.next(Invocation)
        assert (said.target, said.invocation_id) == ("Say_it", UNSET)


async def test_calls_go_out_in_order_and_answers_may_come_in_any() -> None:
    async with joined() as (client, peer):
        tasks = [asyncio.create_task(client.invoke("n", n, result=int)) for n in range(10)]
        asked = [await peer.next(Invocation) for _ in tasks]
        assert [peer.arguments(message) for message in asked] == [[n] for n in range(10)]
        assert [message.invocation_id for message in asked] == [str(n) for n in range(1, 11)]
        peer.say(*(peer.result(str(n + 1), n) for n in reversed(range(10))))
        assert await asyncio.gather(*tasks) == list(range(10))


async def test_the_servers_error() -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("fail"))
        await peer.next(Invocation)
        peer.say(peer.done("1", "An unexpected error occurred invoking 'Fail' on the server. HubException: no [a.b]"))
        with pytest.raises(HubError) as raised:
            await call
        assert (raised.value.text, raised.value.code) == ("no", "a.b")
        assert str(raised.value).startswith("An unexpected error")


async def test_a_result_of_another_type_is_that_calls_error() -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("add", result=int))
        await peer.next(Invocation)
        peer.say(peer.result("1", "three"))
        with pytest.raises(HubError, match="Error trying to deserialize result to int"):
            await call
        again = asyncio.create_task(client.invoke("add", result=str))
        await peer.next(Invocation)
        peer.say(peer.result("2", "three"))
        assert await again == "three"


@PROTOCOLS
@pytest.mark.parametrize("value", [object(), {"a": object()}, {1, object()}])
async def test_what_cannot_be_sent_is_raised_and_nothing_is_written(protocol: str, value: object) -> None:
    async with joined(protocol) as (client, peer):
        with pytest.raises(TypeError, match="argument 2 of 'add' cannot be sent"):
            await client.invoke("add", 1, value)
        with pytest.raises(TypeError, match="argument 1 of 'say' cannot be sent"):
            await client.send("say", value)
        await client.send("after")
        assert (await peer.next(Invocation)).target == "after"


async def test_cancelling_a_call_tells_the_server() -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("slow"))
        await peer.next(Invocation)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await peer.next(CancelInvocation)).invocation_id == "1"
        peer.say(peer.result("1", 1), peer.done("7"), peer.item("1", 1))
        other = asyncio.create_task(client.invoke("add", result=int))
        assert (await peer.next(Invocation)).invocation_id == "2"
        peer.say(peer.result("2", 2))
        assert await other == 2


async def test_cancelled_in_the_moment_of_its_answer_it_sends_nothing() -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("slow"))
        await peer.next(Invocation)
        client.received(peer.codec.encode(peer.result("1", 1)))
        client.read_done()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await client.send("after")
        await peer.next(Invocation)


async def test_a_stream_for_an_invoke() -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("counter"))
        await peer.next(Invocation)
        peer.say(peer.item("1", 1), peer.item("1", 2), peer.done("1"))
        with pytest.raises(
            ProtocolError, match=r"^Streaming hub methods must be invoked with the 'HubC.*\.stream' method\.$"
        ):
            await call
        assert (await peer.next(CancelInvocation)).invocation_id == "1"


async def test_while_the_server_does_not_read_calls_wait_in_order() -> None:
    async with joined(high=1_000) as (client, peer):
        peer.connection.pause_reading()
        await client.send("first", "x" * 2_000)
        await turns()
        later = [asyncio.create_task(client.send("later", n)) for n in range(5)]
        await turns()
        given_up = asyncio.create_task(client.invoke("given up"))
        await turns()
        given_up.cancel()
        last = asyncio.create_task(client.send("last"))
        await turns()
        assert not any(task.done() for task in later)
        peer.connection.resume_reading()
        targets = [await peer.next(Invocation) for _ in range(7)]
        assert [message.target for message in targets] == ["first", *["later"] * 5, "last"]
        assert [peer.arguments(message) for message in targets[1:6]] == [[n] for n in range(5)]
        await asyncio.gather(*later, last)
        with pytest.raises(asyncio.CancelledError):
            await given_up


async def test_sending_without_a_pause_leaves_the_loop_to_others_and_keeps_the_order() -> None:
    async with joined() as (client, peer):

        async def flood(name: str) -> None:
            for number in range(5_000):
                await client.send(name, number)

        floods = [asyncio.create_task(flood(name)) for name in ("a", "b")]
        most = 0
        while not all(task.done() for task in floods):
            most = max(most, len(peer.messages))
            del peer.messages[:-1]
            await asyncio.sleep(0)
        assert most < 3_000
        await client.send("last")
        await turns()
        assert [message.target for message in peer.messages if isinstance(message, Invocation)][-1] == "last"


LOSSES: list[tuple[str, str]] = [
    ("close", "Invocation canceled due to the underlying connection being closed."),
    ("server closes", "Invocation canceled due to the underlying connection being closed."),
    ("server closes with an error", "The server closed the connection with the following error: too bad"),
    ("closed without a word", "Invocation canceled due to the underlying connection being closed."),
    ("cut", "The connection to the server was lost."),
    ("cut in a message", "Connection terminated while reading a message."),
    ("silent", "Server timeout (30000.00ms) elapsed without receiving a message from the server."),
    ("garbage", "Error reading JSON"),
]


@pytest.mark.parametrize(("how", "text"), LOSSES)
async def test_what_pending_calls_get_when_the_connection_ends(how: str, text: str) -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("slow"))
        items = asyncio.create_task(anext(client.stream("slow")))
        await turns()
        match how:
            case "close":
                closing = asyncio.create_task(client.close())
                await turns()
                assert isinstance(peer.messages[-1], Close)
                await closing
            case "server closes":
                peer.close()
            case "server closes with an error":
                peer.close("too bad")
            case "closed without a word":
                peer.connection.close()
            case "cut":
                peer.connection.abort()
            case "cut in a message":
                peer.connection.write(b'{"type":')
                await turns()
                peer.connection.abort()
            case "silent":
                now = asyncio.get_running_loop().time()
                client.due(now + 29)
                await turns()
                assert not call.done()
                client.due(now + 31)
            case _:
                peer.connection.write(b"{]\x1e")
        for task in (call, items):
            with pytest.raises(ConnectionLost) as raised:
                await task
            assert text in str(raised.value)
        assert client.ending is not None
        assert text in client.ending.text
        with pytest.raises(
            ConnectionLost, match="The 'invoke' method cannot be called if the connection is not active"
        ):
            await client.invoke("again")
        with pytest.raises(ConnectionLost, match="The 'send' method"):
            await client.send("again")
        with pytest.raises(ConnectionLost, match="The 'stream' method"):
            await anext(client.stream("again"))


async def test_answers_before_the_end_count() -> None:
    async with joined() as (client, peer):
        call = asyncio.create_task(client.invoke("add", result=int))
        await peer.next(Invocation)
        peer.say(peer.result("1", 1))
        peer.close("too bad")
        assert await call == 1


async def test_a_call_that_waits_for_its_turn_fails_with_the_connection() -> None:
    async with joined(high=100) as (client, peer):
        peer.connection.pause_reading()
        await client.send("first", "x" * 200)
        await turns()
        waiting = [asyncio.create_task(client.invoke("later")), asyncio.create_task(client.send("later"))]
        await turns()
        peer.connection.abort()
        for task in waiting:
            with pytest.raises(ConnectionLost, match=r"^The connection to the server was lost\.$"):
                await task


async def test_completions_nobody_waits_for_are_ignored() -> None:
    async with joined() as (client, peer):
        peer.say(peer.done("9", "error"), peer.item("9", 1), Completion(invocation_id="9"))
        await turns()
        assert client.ending is None


async def test_what_an_answer_sets_going_leaves_in_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one frame, before the loop looks at its sockets again."""

    async def twice(client: Any) -> None:
        for n in range(2):
            await client.invoke("n", n)

    async with joined() as (client, peer):
        tasks = [asyncio.create_task(twice(client)) for _ in range(3)]
        for _ in tasks:
            await peer.next(Invocation)
        frames: list[bytes] = []
        monkeypatch.setattr(client.wire.connection, "write", frames.append)
        client.received(b"".join(peer.codec.encode(peer.result(str(n), n)) for n in (1, 2, 3)))
        client.read_done()
        assert frames == []
        await asyncio.sleep(0)
        assert [frame.count(b'"target":"n"') for frame in frames] == [3]
        monkeypatch.undo()
        peer.say(*(peer.result(str(n), n) for n in (4, 5, 6)))
        await asyncio.gather(*tasks)
