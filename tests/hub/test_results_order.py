"""Client results: what does not wait for them, and that nothing of them is left (spec 6.6, 6.11)."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from hubstream import HubServer
from tests.hub.asking import Asking, fresh, question
from tests.hub.wire import LIMIT, PING, Wire, call, cancel, done, item, raw, result, stream, turns, until

__all__ = ["fresh"]


# -- nobody waits for it


async def test_the_slot_goes_to_the_next_call() -> None:
    async with raw(Asking) as wire:
        wire.say(call("ask"), call("add", 1, 2, id="2"), call("running", id="3"), call("running", id="4"))
        assert await wire.next() == question("s1", "?")
        assert await wire.next() == result("2", 3)
        await turns()
        assert Asking.log == ["begun"], "the other waits for its slot"
        wire.say(result("s1", "answer"))
        assert await wire.next() == result("1", "answer"), "it did not wait behind the call that has no slot"
        await turns()
        assert Asking.log == ["begun"], "a slot given away is not given twice"
        Asking.gate.set()
        assert await wire.take(2) == [result("3", "ran"), result("4", "ran")]


async def test_asking_again_does_not_take_another_slot() -> None:
    async with raw(Asking) as wire:
        wire.say(call("ask_twice"), call("running", id="2"), call("running", id="3"))
        for n in range(2):
            assert await wire.next() == question(f"s{n + 1}", n)
            await turns()
            assert Asking.log == ["begun"]
            wire.say(result(f"s{n + 1}", n))
        assert await wire.next() == result("1", [0, 1])
        Asking.gate.set()
        assert await wire.take(2) == [result("2", "ran"), result("3", "ran")]


async def test_two_questions_at_once() -> None:
    async with raw(Asking) as wire:
        wire.call("ask_both")
        assert await wire.take(2) == [question("s1", 0), question("s2", 1)]
        wire.say(result("s2", "b"), result("s1", "a"))
        assert await wire.next() == result("1", ["a", "b"])


async def test_clients_that_ask_each_other() -> None:
    hubs = HubServer({"/hub": Asking})
    async with raw(hubs) as one, raw(hubs) as other:
        wires = (one, other)
        for wire, peer in ((one, other), (other, one)):
            wire.say(*(call("ask_another", peer.server.connection_id, id=str(n)) for n in range(5)))
        for wire in wires:
            for message in await wire.take(5):
                wire.say(result(message["invocationId"], "yes"))
        for wire in wires:
            assert sorted(await wire.take(5), key=lambda m: m["invocationId"]) == [
                result(str(n), "yes") for n in range(5)
            ]


@pytest.mark.parametrize("cut", [1, 10, 57, 1000])
async def test_answers_among_everything_else(cut: int) -> None:
    """An answer that stands behind calls, items and pings, however the bytes are cut."""
    async with raw(Asking) as wire:
        wire.say(call("ask"), call("wait", id="2"), call("wait", id="3"), stream("ask_each", id="4", streams=["u"]))
        assert await wire.next() == question("s1", "?")
        data = b"".join(
            part
            for n in range(40)
            for part in (as_bytes(item("u", f"q{n}")), as_bytes(PING), as_bytes(call("add", n, n, id=f"a{n}")))
        ) + as_bytes(result("s1", "answer"))
        for start in range(0, len(data), cut):
            wire.connection.write(data[start : start + cut])
        assert await wire.next() == result("1", "answer")
        Asking.gate.set()
        assert await wire.take(2) == [result("2", "waited"), result("3", "waited")]
        wire.say(done("u"))
        seen = 0
        while seen < 40:
            message = await wire.next()
            if message.get("target") == "Ask":
                wire.say(result(message["invocationId"], "yes"))
            elif message["type"] == 2:
                seen += 1


def as_bytes(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\x1e"


async def test_reading_goes_on_for_an_answer() -> None:
    """The buffer of the method's own upload is full, and the answer stands behind what more was sent."""
    async with raw(Asking) as wire:
        wire.call("ask_after_first", streams=["u"])
        wire.say(item("u", 0))
        assert await wire.next() == question("s1", 0)
        padding = {**item("u", 1), "ignored": "x" * 20_000}
        for _ in range(40):  # 800 kB
            wire.say(padding)
        wire.say(result("s1", "answer"), done("u"))
        assert await wire.next() == result("1", ["answer", 40])


async def test_too_much_before_an_answer_ends_the_stream() -> None:
    async with raw(Asking) as wire:
        wire.call("ask_after_first", streams=["u"])
        wire.say(item("u", 0))
        assert await wire.next() == question("s1", 0)
        padding = {**item("u", 1), "ignored": "x" * 20_000}
        for _ in range(70):  # 1.4 MB
            wire.say(padding)
        wire.say(result("s1", "answer"), done("u"), call("add", 1, 2, id="2"))
        answers = [await wire.next(), await wire.next()]
        text = "The buffer of the stream is full, and what follows it holds up an answer that is awaited."
        assert sorted(answers, key=lambda m: m["invocationId"]) == [result("1", ["answer", text]), result("2", 3)]
        assert wire.alive()


async def test_without_a_question_reading_stops_as_before() -> None:
    async with raw(Asking) as wire:
        wire.call("wait")
        wire.call("add", 1, 2, id="2")
        for _ in range(10):
            wire.say({**PING, "ignored": "x" * 20_000})
        await turns(50)
        assert not wire.server.reading
        Asking.gate.set()
        assert await wire.take(2) == [result("1", "waited"), result("2", 3)]
        await until(lambda: wire.server.reading)


async def test_asking_from_outside_reads_on() -> None:
    hubs = HubServer({"/hub": Asking})
    async with raw(hubs) as wire:
        wire.call("wait")
        wire.call("add", 1, 2, id="2")
        for _ in range(10):
            wire.say({**PING, "ignored": "x" * 20_000})
        await turns(50)
        assert not wire.server.reading
        asked = asyncio.ensure_future(hubs.of(Asking).clients.client(wire.server.connection_id).invoke("Ask"))
        assert await wire.next() == question("s1")
        await until(lambda: wire.server.reading)
        wire.say(result("s1", "yes"))
        assert await asked == "yes"
        Asking.gate.set()
        assert await wire.take(2) == [result("1", "waited"), result("2", 3)]


# -- nothing is left


@pytest.mark.parametrize("how", ["end", "abort", "stop", "disconnect"])
async def test_questions_that_are_open_when_the_connection_goes(how: str) -> None:
    hubs = HubServer({"/hub": Asking}, parallel_invocations=5)
    for _ in range(20):
        async with raw(hubs) as wire:
            for n in range(5):
                wire.say(call("ask_and_note", id=f"c{n}"))
                wire.say(stream("ask_each", id=f"s{n}", streams=[f"u{n}"]), item(f"u{n}", "q"))
                wire.say(call("ask_after_first", id=f"a{n}", streams=[f"v{n}"]), item(f"v{n}", 1))
            await until(lambda: len(wire.messages) == 15)
            await end(hubs, wire, how)
            await wire.closed()
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
    assert Asking.log.count("closed") == 100, "every generator was closed"
    lost = "CancelledError" if how == "stop" else "ConnectionLost"
    assert set(Asking.log) - {"closed"} <= {lost, "ConnectionLost"}
    assert len(Asking.log) == 200


async def end(hubs: HubServer, wire: Wire, how: str) -> None:
    if how == "stop":
        await hubs.aclose()
    elif how == "disconnect":
        await hubs.disconnect(connection=wire.server.connection_id)
    elif how == "abort":
        wire.connection.abort()
    else:
        wire.end()


async def test_a_cancelled_stream_stops_asking() -> None:
    async with raw(Asking) as wire:
        wire.stream("ask_each", streams=["u"])
        wire.say(item("u", "q"))
        assert await wire.next() == question("s1", "q")
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
        assert Asking.log == ["closed"]
        wire.say(result("s1", "late"), call("add", 1, 2, id="2"))
        assert await wire.next() == result("2", 3)


@pytest.mark.parametrize("seed", range(12))
async def test_random_questions_all_end(seed: int) -> None:
    """Clients that ask, are asked, ask each other, stream and upload, in frames of any size: nobody waits for ever."""
    chance = random.Random(seed)
    hubs = HubServer({"/hub": Asking}, parallel_invocations=chance.choice([1, 1, 2, 4]))
    Asking.gate.set()
    async with raw(hubs) as one, raw(hubs) as two, raw(hubs) as three:
        wires = [one, two, three]
        async with asyncio.timeout(LIMIT):
            await asyncio.gather(
                *(one_of_many(random.Random(f"{seed} {n}"), wire, wires) for n, wire in enumerate(wires))
            )
        await turns()
        assert all(wire.messages == [] for wire in wires)
        assert hubs.snapshot() == {"connections": 3, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


async def one_of_many(chance: random.Random, wire: Wire, wires: list[Wire]) -> None:
    count = 60
    said: list[dict[str, Any]] = []
    for n in range(count):
        peer = chance.choice(wires).server.connection_id
        said += chance.choice(
            [
                [call("ask", id=f"{n}")],
                [call("ask_twice", id=f"{n}")],
                [call("ask_another", peer, id=f"{n}")],
                [call("ask_another", peer, id=f"{n}"), cancel(f"{n}")],
                [call("add", 1, 2, id=f"{n}")],
                [call("wait", id=f"{n}")],
                [
                    stream("ask_each", id=f"{n}", streams=[f"u{n}"]),
                    *(item(f"u{n}", "q") for _ in range(15)),
                    done(f"u{n}"),
                ],
                [
                    call("ask_after_first", id=f"{n}", streams=[f"u{n}"]),
                    *(item(f"u{n}", i) for i in range(30)),
                    done(f"u{n}"),
                ],
            ]
        )
    data = b"".join(as_bytes(message) for message in said)
    ended: set[str] = set()
    questions: list[str] = []
    while len(ended) < count or questions or data:
        cut = chance.choice([1, 50, 500, 5000])
        answers = b"".join(as_bytes(result(questions.pop(), "yes")) for _ in range(chance.randint(0, len(questions))))
        if data and chance.random() < 0.7:
            end = data.find(b"\x1e", cut) + 1 or len(data)
            wire.connection.write(data[:end])
            data = data[end:]
        if answers:
            wire.connection.write(answers)
        await turns(chance.randint(1, 5))
        while wire.messages:
            message = wire.messages.pop(0)
            if message["type"] == 1:
                questions.append(message["invocationId"])
            elif message["type"] == 3:
                assert message["invocationId"] not in ended
                ended.add(message["invocationId"])
