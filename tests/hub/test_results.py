"""Client results: what a hub method gets when it asks a client (spec 6.11)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hubstream import ConnectionLost, Hub, HubError, HubServer
from hubstream.testing import connect
from tests.hub.asking import Asking, failed, fresh, question
from tests.hub.wire import PING, call, cancel, done, item, raw, result

__all__ = ["fresh"]

CLOSED = {"type": 7, "error": "Connection closed with an error.", "allowReconnect": True}


async def test_an_answer() -> None:
    async with raw(Asking) as wire:
        wire.call("ask", "well")
        assert await wire.next() == question("s1", "well")
        wire.say(result("s1", {"any": ["thing"]}))
        assert await wire.next() == result("1", {"any": ["thing"]})
        wire.call("ask", "again")
        assert (await wire.next())["invocationId"] == "s2"
        wire.say(done("s2", "do not know"))
        assert await wire.next() == failed("HubException: do not know")


@pytest.mark.parametrize(
    ("type_", "answer", "seen"),
    [
        ("any", {"result": {"x": 1}}, "{'x': 1}"),
        ("int", {"result": 1}, "1"),
        ("point", {"result": {"x": 1}}, "Point(x=1, y=0)"),
        ("points", {"result": [{"x": 1}]}, "[Point(x=1, y=0)]"),
        ("none", {"result": None}, "None"),
        ("maybe", {"result": None}, "None"),
        ("any", {}, "None"),
        ("maybe", {}, "None"),
    ],
)
async def test_answers_of_a_type(type_: str, answer: dict[str, Any], seen: str) -> None:
    async with raw(Asking) as wire:
        wire.call("ask_as", type_)
        wire.say({**done((await wire.next())["invocationId"]), **answer})
        assert await wire.next() == result("1", seen)


@pytest.mark.parametrize(
    ("type_", "answer", "text"),
    [
        ("int", {"result": "one"}, "int. Expected `int`, got `str`"),
        ("int", {}, "int. Expected `int`, got `null`"),
        ("point", {"result": {"y": 1}}, "Point. Object missing required field `x`"),
        ("points", {"result": 1}, "list. Expected `array`, got `int`"),
        ("none", {"result": 1}, "None. Expected `null`, got `int`"),
    ],
)
async def test_answers_of_another_type(type_: str, answer: dict[str, Any], text: str) -> None:
    async with raw(Asking) as wire:
        wire.call("ask_as", type_)
        wire.say({**done((await wire.next())["invocationId"]), **answer})
        text = f"HubException: Error trying to deserialize result to {text}"
        assert await wire.next() == failed(text, "ask_as")
        assert wire.alive()


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_a_client_of_ours(protocol: str) -> None:
    hubs = HubServer({"/hub": Asking})
    async with connect(hubs, Asking, protocol=protocol) as client:

        @client.on("ask")
        async def _(text: str) -> str:
            if text == "fail":
                raise ValueError("not that")
            return text.upper()

        assert await client.invoke("ask", "well", result=str) == "WELL"
        with pytest.raises(HubError, match="not that"):
            await client.invoke("ask", "fail")
        asked = hubs.of(Asking).clients.client(*await hubs.of(Asking).connections())
        assert await asked.invoke("Ask", "outside", result=str) == "OUTSIDE"


# -- clients that are not there


async def test_connections_that_are_gone() -> None:
    hubs = HubServer({"/hub": Asking})
    async with raw(hubs) as one:
        one.call("ask_another", "nobody")
        assert await one.next() == result("1", "ConnectionLost: Connection 'nobody' does not exist.")
        async with raw(hubs) as two:
            gone = two.server.connection_id
            one.call("ask_another", gone)
            assert (await two.next())["target"] == "Ask"
            two.end()
            assert await one.next() == result("1", f"ConnectionLost: Connection '{gone}' disconnected.")
        one.call("ask_another", gone)
        assert await one.next() == result("1", f"ConnectionLost: Connection '{gone}' does not exist.")


class Parting(Hub):
    log: list[str] = []  # noqa: RUF012 - one test's

    async def on_disconnected(self, error: Exception | None) -> None:
        try:
            await self.clients.caller.invoke("Ask")
        except ConnectionLost as lost:
            self.log.append(str(lost))


async def test_asking_in_on_disconnected() -> None:
    async with raw(Parting) as wire:
        gone = wire.server.connection_id
    assert Parting.log == [f"Connection '{gone}' disconnected."]


class Greeting(Hub):
    async def on_connected(self) -> None:
        await getattr(self, self.context.request.path.strip("/") or "caller")()

    async def caller(self) -> None:
        await self.clients.caller.invoke("Ask")


async def test_asking_in_on_connected(caplog: pytest.LogCaptureFixture) -> None:
    async with raw(HubServer({"/hub": Greeting}, detailed_errors=True)) as wire:
        text = "HubstreamError: Client results inside on_connected are not allowed."
        assert await wire.next() == {"type": 7, "error": f"Connection closed with an error. {text}"}
        await wire.closed()
    assert "on_connected failed" in caplog.text


# -- time


async def test_timeouts() -> None:
    hubs = HubServer({"/hub": Asking}, client_result_timeout=0.01, detailed_errors=True)
    async with raw(hubs) as wire:
        wire.call("ask")
        assert await wire.next() == question("s1", "?")
        text = f"TimeoutError: connection '{wire.server.connection_id}' did not answer 'Ask' within 0.01 s"
        assert await wire.next() == failed(text)
        wire.call("ask_for", 0.02, id="2")
        assert await wire.next() == question("s2")
        assert (await wire.next())["error"].endswith("within 0.02 s")
        # Answers that come late, or twice, are nobody's.
        wire.say(result("s1", 1), result("s2", 1), result("s2", 1), done("s9", "never asked"))
        wire.call("ask_for", None, id="3")
        assert await wire.next() == question("s3")
        await asyncio.sleep(0.03)
        assert wire.messages == []
        wire.say(result("s3", "took its time"))
        assert await wire.next() == result("3", "took its time")


async def test_a_timeout_of_ones_own() -> None:
    async with raw(Asking) as wire:
        wire.call("ask_within", 0.01)
        assert await wire.next() == question("s1")
        assert await wire.next() == result("1", "timed out: ")
        wire.say(result("s1"))
        wire.call("add", 1, 2)
        assert await wire.next() == result("1", 3)


async def test_a_cancelled_call_ignores_its_answer() -> None:
    async with raw(Asking) as wire:
        wire.call("ask_and_note")
        assert await wire.next() == question("s1")
        wire.say(cancel("1"))
        assert await wire.next() == failed(target="ask_and_note")
        wire.say(result("s1", "late"), PING)
        wire.call("add", 1, 2)
        assert await wire.next() == result("1", 3)
    assert Asking.log == ["CancelledError"]


# -- who answers


async def test_an_answer_of_another_connection() -> None:
    hubs = HubServer({"/hub": Asking})
    async with raw(hubs) as one, raw(hubs) as other:
        one.call("ask")
        assert await one.next() == question("s1", "?")
        other.say(result("s1", "stolen"))
        assert await other.next() == CLOSED
        await other.closed()
        one.say(result("s1", "mine"))
        assert await one.next() == result("1", "mine")


async def test_an_answer_of_another_connection_says_why() -> None:
    hubs = HubServer({"/hub": Asking}, detailed_errors=True)
    async with raw(hubs) as one, raw(hubs) as other:
        one.call("ask")
        await one.next()
        other.say(call("wait"), call("wait"), result("s1", "stolen"))  # in its turn, since nothing waits for it
        Asking.gate.set()
        assert [m.get("result") for m in await other.take(2)] == ["waited"] * 2
        text = (
            f"InvalidDataException: Connection ID '{other.server.connection_id}' is not valid for invocation ID 's1'."
        )
        assert (await other.next())["error"] == f"Connection closed with an error. {text}"


async def test_an_upload_of_the_same_id_comes_first() -> None:
    async with raw(Asking) as wire:
        wire.call("ask")
        assert await wire.next() == question("s1", "?")
        wire.say(call("sum", id="2", streams=["s1"]), item("s1", 3), done("s1"), result("s1", "answer"))
        assert sorted([await wire.next(), await wire.next()], key=lambda m: m["invocationId"]) == [
            result("1", "answer"),
            result("2", 3),
        ]


async def test_ids_are_the_hubs_own() -> None:
    hubs = HubServer({"/hub": Asking})
    async with raw(hubs) as one, raw(hubs) as other:
        for wire in (one, other, one):
            wire.call("ask_twice" if wire is other else "ask")
        assert [(await wire.next())["invocationId"] for wire in (one, other, one)] == ["s1", "s2", "s3"]
