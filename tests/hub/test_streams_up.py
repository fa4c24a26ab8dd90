"""Streams from the client: items as they come, their ends and errors, and a full buffer that holds up nobody (spec 7.4)."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing
from itertools import chain
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubstream import ChannelClosed, ChannelReader, ConnectionLost, Hub, HubError, HubServer
from tests.clock import EAGER
from tests.hub.wire import PING, Wire, call, cancel, done, item, raw, result, stream, turns, until

LOOPS = EAGER

FAILED = "An unexpected error occurred invoking '{}' on the server."
BINDING = "Failed to bind Stream message."


class Up(Hub):
    log: list[Any] = []  # noqa: RUF012 - emptied by the fixture
    gate: asyncio.Event

    async def collect(self, numbers: AsyncIterator[int]) -> list[int]:
        return [n async for n in numbers]

    async def iterable(self, numbers: AsyncIterable[int]) -> list[int]:
        return [n async for n in numbers]

    async def read(self, numbers: ChannelReader[int]) -> list[Any]:
        first = await numbers.read()
        rest = [n async for n in numbers]
        try:
            await numbers.read()
        except ChannelClosed:
            rest.append(len(numbers))
        return [first, rest]

    async def anywhere(self, a: AsyncIterator[int], text: str, b: ChannelReader[str], last: int = 9) -> list[Any]:
        return [[n async for n in a], text, [s async for s in b], last]

    async def typed(self, points: AsyncIterator[dict[str, int]]) -> int:
        return sum([point["x"] async for point in points])

    async def watch(self, numbers: AsyncIterator[int]) -> str:
        try:
            async for n in numbers:
                self.log.append(n)
        except (HubError, ConnectionLost) as error:
            self.log.append(type(error).__name__)
            return str(error)
        except asyncio.CancelledError:
            self.log.append("CancelledError")
            raise
        self.log.append("end")
        return "end"

    async def gated(self, numbers: AsyncIterator[int]) -> list[int]:
        await self.gate.wait()
        return [n async for n in numbers]

    async def gated_watch(self, numbers: AsyncIterator[int]) -> str:
        await self.gate.wait()
        return await self.watch(numbers)

    async def early(self, numbers: AsyncIterator[int], fail: bool) -> str:
        await self.gate.wait()
        if fail:
            raise HubError("no more")
        return "enough"

    async def closes(self, numbers: AsyncIterator[int]) -> str:
        async with aclosing(cast("ChannelReader[int]", numbers)):
            self.log.append(await anext(numbers))
        await self.gate.wait()
        return "closed"

    async def one_after_the_other(self, a: AsyncIterator[int], b: AsyncIterator[int]) -> list[int]:
        return [n async for n in a] + [n async for n in b]

    async def several_readers(self, numbers: AsyncIterator[int]) -> list[int]:
        async def read() -> list[int]:
            return [n async for n in numbers]

        return sorted(chain(*await asyncio.gather(*(read() for _ in range(3)))))

    async def shout(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        async for word in words:
            yield word.upper()

    async def echo(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        return words

    async def halts(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        async for word in words:
            yield word
            return

    def sync(self, numbers: AsyncIterator[int]) -> str:
        return "at once"

    def add(self, a: int, b: int) -> int:
        return a + b


@pytest.fixture(autouse=True)
def fresh() -> None:
    Up.log.clear()
    Up.gate = asyncio.Event()


def items(stream_id: str, *values: Any) -> list[dict[str, Any]]:
    return [item(stream_id, value) for value in values]


# A method, its arguments and stream ids; what the client sends; the result.
WHOLE: dict[str, tuple[str, list[Any], list[str], list[dict[str, Any]], Any]] = {
    "one": ("collect", [], ["u"], [*items("u", 1, 2, 3), done("u")], [1, 2, 3]),
    "empty": ("collect", [], ["u"], [done("u")], []),
    "more than the buffer": ("collect", [], ["u"], [*items("u", *range(100)), done("u")], list(range(100))),
    "an iterable": ("iterable", [], ["u"], [*items("u", 1), done("u")], [1]),
    "a channel": ("read", [], ["u"], [*items("u", 1, 2, 3), done("u")], [1, [2, 3, 0]]),
    "several, anywhere": (
        "anywhere",
        ["x"],
        ["b", "a"],
        [*items("a", "p"), *items("b", 1), *items("a", "q"), done("b"), done("a")],
        [[1], "x", ["p", "q"], 9],
    ),
    "and a default": ("anywhere", ["x", 4], ["a", "b"], [done("b"), done("a")], [[], "x", [], 4]),
    "objects": ("typed", [], ["u"], [*items("u", {"x": 1}, {"x": 2, "y": 3}), done("u")], 3),
    "a completion with a result": ("collect", [], ["u"], [*items("u", 1), {**result("u", 7)}], [1]),
    "several readers": ("several_readers", [], ["u"], [*items("u", *range(50)), done("u")], list(range(50))),
    "one that nobody reads": ("sync", [], ["u"], items("u", 1, 2), "at once"),
    "an id like the call's": ("collect", [], ["1"], [*items("1", 1), done("1")], [1]),
}


@pytest.mark.parametrize("together", [True, False], ids=["one frame", "a frame each"])
@pytest.mark.parametrize("case", WHOLE)
async def test_whole(case: str, together: bool) -> None:
    target, arguments, ids, sent, answer = WHOLE[case]
    async with raw(Up) as wire:
        messages = [call(target, *arguments, streams=ids), *sent]
        if together:
            wire.say(*messages)
        else:
            for message in messages:
                wire.say(message)
                await turns(5)
        assert await wire.next() == result("1", answer)
        wire.call("add", 1, 2)
        assert await wire.next() == result("1", 3)
        assert wire.server.streams == 0


async def test_items_arrive_while_the_stream_goes_on() -> None:
    async with raw(Up) as wire:
        wire.call("watch", streams=["u"])
        for n in range(3):
            wire.say(item("u", n))
            await until(lambda: len(Up.log) == n + 1)  # noqa: B023 - called before the next n
        wire.say(done("u"))
        assert await wire.next() == result("1", "end")
    assert Up.log == [0, 1, 2, "end"]


ERRORS: list[tuple[list[dict[str, Any]], list[Any], str]] = [
    ([done("u", "broke")], ["HubError"], "broke"),
    ([*items("u", 1, 2), done("u", "broke")], [1, 2, "HubError"], "broke"),
    ([*items("u", *range(20)), done("u", "broke"), item("u", 99)], [*range(20), "HubError"], "broke"),
    ([*items("u", 1, "two", 3), done("u")], [1, "HubError"], BINDING),
    ([*items("u", 1, 2.5, 3)], [1, "HubError"], BINDING),
    ([*items("u", None)], ["HubError"], BINDING),
    ([done("u", "")], ["end"], "end"),
]


@pytest.mark.parametrize(("sent", "log", "text"), ERRORS)
async def test_errors_reach_the_method_after_the_items_before_them(
    sent: list[dict[str, Any]], log: list[Any], text: str
) -> None:
    async with raw(Up) as wire:
        wire.say(call("watch", streams=["u"]), *sent)
        assert await wire.next() == result("1", text)
        assert Up.log == log
        wire.say(call("collect", streams=["u"]), item("u", 5), done("u"))
        assert await wire.next() == result("1", [5]), "the id is free again"


@pytest.mark.parametrize("detailed", [False, True])
async def test_an_error_the_method_lets_out_is_its_callers(detailed: bool) -> None:
    async with raw(HubServer({"/hub": Up}, detailed_errors=detailed)) as wire:
        wire.say(call("collect", streams=["u"]), *items("u", 1), done("u", "broke"))
        assert await wire.next() == done("1", FAILED.format("collect") + " HubException: broke")
        wire.say(call("collect", streams=["u"]), *items("u", "one"))
        error = (await wire.next())["error"]
        assert error.startswith(FAILED.format("collect") + " HubException: " + BINDING)
        assert (error == FAILED.format("collect") + " HubException: " + BINDING) is not detailed


async def test_an_item_of_half_a_surrogate_pair_is_the_error_of_its_stream() -> None:
    async with raw(Up) as wire:
        wire.say(stream("shout", streams=["u"]), item("u", "a"), '{"type":2,"invocationId":"u","item":"\\ud83d"}\x1e')
        assert await wire.next() == item("1", "A")
        text = f"An error occurred on the server while streaming results. HubException: {BINDING}"
        assert await wire.next() == done("1", text)


STRAY: dict[str, list[dict[str, Any]]] = {
    "unknown ids": [item("no", 1), done("no"), done("no", "error"), item("None", 1)],
    "before the call": [item("u", 1), done("u", "error")],
    "no id at all": [result("1", 3), done("1", "error")],
}


@pytest.mark.parametrize("case", STRAY)
async def test_items_of_no_stream_are_dropped(case: str) -> None:
    async with raw(Up) as wire:
        wire.say(*STRAY[case], call("collect", streams=["u"]), *STRAY["unknown ids"], item("u", 7), done("u"))
        assert await wire.next() == result("1", [7])
        wire.say(*STRAY[case], item("u", 8), done("u"), call("collect", streams=["u"]), done("u"))
        assert await wire.next() == result("1", []), "nor are those after the end kept for the next"


async def test_an_id_twice_in_a_call_is_refused() -> None:
    async with raw(Up) as wire:
        wire.say(call("one_after_the_other", streams=["u", "u"]), item("u", 1), done("u"))
        assert await wire.next() == done("1", "Invocation ID 'u' is already in use.")
        wire.say(call("one_after_the_other", streams=["u", "v"]), *items("u", 1), done("u"), *items("v", 2), done("v"))
        assert await wire.next() == result("1", [1, 2])


@pytest.mark.parametrize("second", [call("collect", id="2", streams=["u"]), stream("shout", id="2", streams=["u"])])
async def test_an_id_in_use_is_refused_and_the_first_stream_goes_on(second: dict[str, Any]) -> None:
    async with raw(Up) as wire:
        wire.say(call("collect", streams=["u"]), item("u", 1), second, item("u", 2), done("u"))
        assert await wire.next() == done("2", "Invocation ID 'u' is already in use.")
        assert await wire.next() == result("1", [1, 2])


async def test_a_refused_call_leaves_none_of_its_streams_behind() -> None:
    async with raw(HubServer({"/hub": Up}, max_streams=2)) as wire:
        wire.say(call("collect", streams=["u"]))
        for n in range(5):
            wire.say(call("one_after_the_other", id=f"r{n}", streams=["v", "u"]))
            assert "Too many streams" in (await wire.next())["error"]
        wire.say(done("u"))
        assert await wire.next() == result("1", [])
        wire.say(call("one_after_the_other", id="2", streams=["v", "u"]), done("u"), done("v"))
        assert await wire.next() == result("2", [])


async def test_a_finished_upload_counts_until_its_call_is_over() -> None:
    async with raw(HubServer({"/hub": Up}, max_streams=2)) as wire:
        for n in range(3):
            wire.say(call("gated", id=str(n), streams=[f"u{n}"]), done(f"u{n}"))
        assert "Too many streams" in (await wire.next())["error"]
        Up.gate.set()
        assert [m["result"] for m in await wire.take(2)] == [[], []]
        wire.say(call("collect", streams=["u"]), done("u"))
        assert await wire.next() == result("1", [])


@pytest.mark.parametrize("fail", [False, True], ids=["returns", "fails"])
async def test_a_method_may_end_with_a_full_buffer(fail: bool) -> None:
    answer = done("1", FAILED.format("early") + " HubException: no more") if fail else result("1", "enough")
    async with raw(Up) as wire:
        wire.say(call("early", fail, streams=["u"]), call("watch", id="2", streams=["v"]))
        for n in range(4000):
            wire.say(item("u", n), *([item("v", n)] if n < 3 else []))
        await until(lambda: not reading(wire))
        Up.gate.set()
        assert await wire.next() == answer
        await until(lambda: reading(wire))
        wire.say(*items("u", 1, 2), done("u"), call("add", 1, 2, id="3"), done("v"))
        assert await wire.take(2) == [result("3", 3), result("2", "end")]
        assert Up.log == [0, 1, 2, "end"]


async def test_a_method_that_closes_its_stream_holds_up_nobody() -> None:
    async with raw(Up) as wire:
        wire.call("closes", streams=["u"])
        for n in range(4000):
            wire.say(item("u", n))
        wire.say(done("u"), call("add", 1, 2, id="2"))
        assert await wire.next() == result("2", 3)
        assert reading(wire)
        Up.gate.set()
        assert await wire.next() == result("1", "closed")
        assert Up.log == [0]


async def test_a_full_buffer_stops_reading_after_64_kib_and_loses_nothing() -> None:
    async with raw(Up) as wire:
        wire.call("gated", streams=["u"])
        sent = 0
        record = len(json.dumps(item("u", 1000))) + 1
        while reading(wire):
            wire.say(item("u", 1000 + sent % 1000))
            sent += 1
            await turns(2)
        assert 65_536 < sent * record < 65_536 + 12 * record, "ten items, 64 KiB, and one more read"
        for n in range(sent, 5000):
            wire.say(item("u", 1000 + n % 1000))
        wire.say(done("u"))
        await turns(50)
        assert not reading(wire)
        Up.gate.set()
        assert await wire.next() == result("1", [1000 + n % 1000 for n in range(5000)])
        assert reading(wire)


@pytest.mark.parametrize("buffer", [1, 10, 100])
async def test_the_buffer_holds_what_the_option_says(buffer: int) -> None:
    async with raw(HubServer({"/hub": Up}, stream_buffer=buffer, max_message_size=None)) as wire:
        wire.call("gated", streams=["u"])
        for _ in range(buffer):
            wire.say(json.dumps(item("u", 1)) + " " * 70_000 + "\x1e")
            await turns(3)
            assert reading(wire)
        wire.say(json.dumps(item("u", 1)) + " " * 70_000 + "\x1e")
        await turns(3)
        assert not reading(wire)
        wire.say(done("u"))
        Up.gate.set()
        assert await wire.next() == result("1", [1] * (buffer + 1))


async def test_beside_a_full_buffer_everything_else_acts() -> None:
    async with raw(Up) as wire:
        wire.say(call("gated", streams=["u"]), *items("u", *range(50)))
        wire.say(PING, call("add", 1, 2, id="2"), stream("shout", id="3", streams=["w"]), item("w", "a"))
        assert await wire.take(2) == [result("2", 3), item("3", "A")]
        wire.say(cancel("3"))
        assert await wire.next() == done("3")
        wire.say(cancel("1"))
        assert await wire.next() == done("1", FAILED.format("gated"))
        wire.say(call("gated", streams=["u"]), *items("u", *range(50)), {"type": 7})
        assert await wire.next() == {"type": 7}
        Up.gate.set()


async def test_one_stream_after_the_other_in_any_order() -> None:
    """.NET deadlocks on the eleventh item of the second stream; here all that is read ahead finds its place."""
    async with raw(Up) as wire:
        wire.call("one_after_the_other", streams=["a", "b"])
        wire.say(*items("b", *range(1000)), done("b"))
        await turns()
        wire.say(*items("a", *range(5)), done("a"))
        assert await wire.next() == result("1", [*range(5), *range(1000)])


async def test_a_lost_connection_ends_an_unfinished_upload_after_its_items() -> None:
    async with raw(Up) as wire:
        wire.say(call("gated_watch", id="1", streams=["u"]), *items("u", 1, 2))
        await turns()
        wire.end()
        await wire.closed()
        Up.gate.set()
        await until(lambda: len(Up.log) == 3)
    assert Up.log == [1, 2, "ConnectionLost"]


async def test_a_lost_connection_leaves_a_finished_upload_to_be_read() -> None:
    async with raw(Up) as wire:
        wire.say(call("gated_watch", id="1", streams=["u"]), *items("u", *range(30)), done("u"))
        await turns()
        wire.connection.abort()
        await wire.closed()
        Up.gate.set()
        await until(lambda: len(Up.log) == 31)
    assert Up.log == [*range(30), "end"]


@pytest.mark.parametrize("ending", ["end", "abort", "Close", "protocol error"])
async def test_every_end_reaches_the_reader(ending: str, caplog: pytest.LogCaptureFixture) -> None:
    async with raw(Up) as wire:
        wire.say(call("watch", id="1", streams=["u"]), call("collect", id="2", streams=["v"]), item("u", 1))
        await until(lambda: Up.log == [1])
        if ending == "Close":
            wire.say({"type": 7})
        elif ending == "protocol error":
            wire.say("{}\x1e")
        elif ending == "end":
            wire.end()
        else:
            wire.connection.abort()
        await until(lambda: Up.log == [1, "ConnectionLost"])
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_the_server_stops_a_call_that_reads_an_upload() -> None:
    hubs = HubServer({"/hub": Up})
    async with raw(hubs) as wire:
        wire.say(call("watch", streams=["u"]), item("u", 1))
        await until(lambda: Up.log == [1])
        await hubs.aclose()
        assert Up.log == [1, "CancelledError"]
        assert await wire.next() == {"type": 7, "allowReconnect": True}


async def test_a_cancelled_call_that_reads_an_upload() -> None:
    async with raw(Up) as wire:
        wire.say(call("watch", streams=["u"]), item("u", 1))
        await until(lambda: Up.log == [1])
        wire.say(cancel("1"), *items("u", *range(100)), done("u"))
        assert await wire.next() == done("1", FAILED.format("watch"))
        assert Up.log == [1, "CancelledError"]


async def test_fire_and_forget() -> None:
    async with raw(Up) as wire:
        wire.say(call("watch", id=None, streams=["u"]), *items("u", 1, 2), done("u"))
        wire.say(call("collect", id=None, streams=["v"]), *items("v", "no number"))
        wire.say(call("collect", id=None, streams=[]), call("collect", id=None, streams=["a", "b"]))
        await until(lambda: Up.log == [1, 2, "end"])
        wire.call("add", 1, 2)
        assert await wire.next() == result("1", 3)
        assert wire.messages == []


BOTH: list[tuple[str, list[str], list[str]]] = [
    ("shout", ["a", "b"], ["A", "B"]),
    ("echo", ["a", "b"], ["a", "b"]),
    ("halts", ["a", "b", "c"], ["a"]),
    ("shout", [], []),
]


@pytest.mark.parametrize(("target", "sent", "came"), BOTH)
async def test_both_ways(target: str, sent: list[str], came: list[str]) -> None:
    async with raw(Up) as wire:
        wire.say(stream(target, streams=["u"]), *items("u", *sent), done("u"))
        assert await wire.take(len(came) + 1) == [*items("1", *came), done("1")]
        wire.say(*items("u", *sent))


def reading(wire: Wire) -> bool:
    return wire.server.reading


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    buffer=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    sync=st.booleans(),
)
def test_items_of_several_uploads_keep_their_order(counts: list[int], buffer: int, seed: int, sync: bool) -> None:
    async def run() -> None:
        chance = random.Random(seed)
        Up.gate = asyncio.Event()
        if sync:
            Up.gate.set()
        async with raw(HubServer({"/hub": Up}, stream_buffer=buffer)) as wire:
            queues = [[*items(f"u{i}", *range(count)), done(f"u{i}")] for i, count in enumerate(counts)]
            texts = [json.dumps(call("gated", id=str(i), streams=[f"u{i}"])) for i in range(len(counts))]
            order = [i for i, queue in enumerate(queues) for _ in queue]
            chance.shuffle(order)
            texts += [json.dumps(queues[i].pop(0)) for i in order]
            data = ("\x1e".join(texts) + "\x1e").encode()
            while data:
                size = chance.randint(1, 400)
                wire.connection.write(data[:size])
                data = data[size:]
                if chance.random() < 0.3:
                    await asyncio.sleep(0)
            await turns(chance.randint(0, 20))
            Up.gate.set()
            answers = {m["invocationId"]: m["result"] for m in await wire.take(len(counts))}
            assert answers == {str(i): list(range(count)) for i, count in enumerate(counts)}

    asyncio.run(run())
