"""Order and slots: what waits behind a call, what does not, and how a call is cancelled, waiting or running (spec 6.6, 7.3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubstream import Hub, HubServer
from tests.clock import EAGER
from tests.hub.wire import PING, Wire, call, cancel, done, item, raw, result, stream, turns, until

LOOPS = EAGER


class Calls(Hub):
    log: list[str] = []  # noqa: RUF012 - emptied by the fixture
    gates: dict[str, asyncio.Event] = {}  # noqa: RUF012 - emptied by the fixture

    async def wait(self, name: str) -> str:
        self.log.append(f"{name} begins")
        try:
            await self.gates.setdefault(name, asyncio.Event()).wait()
        finally:
            self.log.append(f"{name} ends")
        return name

    def now(self, name: str) -> str:
        self.log.append(name)
        return name

    async def step(self, name: str) -> str:
        self.log.append(name)
        return name

    async def turn(self, name: str) -> str:
        self.log.append(name)
        await asyncio.sleep(0)
        return name

    async def count(self, n: int) -> AsyncIterator[int]:
        self.log.append("counts")
        for i in range(n):
            yield i

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([n async for n in numbers])

    async def refuses(self) -> str:
        while not self.gates.setdefault("refuses", asyncio.Event()).is_set():
            try:
                await self.gates["refuses"].wait()
            except asyncio.CancelledError:
                self.log.append("refused")
        return "late"

    async def swallows(self) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.log.append("swallowed")
        return "done"

    async def says(self, size: int) -> str:
        await asyncio.sleep(0)
        return "x" * size


@pytest.fixture(autouse=True)
def fresh() -> None:
    Calls.log.clear()
    Calls.gates.clear()


def open_gate(name: str) -> None:
    Calls.gates.setdefault(name, asyncio.Event()).set()


def cancelled(invocation_id: str, name: str) -> dict[str, Any]:
    return done(invocation_id, f"An unexpected error occurred invoking '{name}' on the server.")


def unknown(invocation_id: str) -> dict[str, Any]:
    text = "Failed to invoke 'none' due to an error on the server. HubException: Method does not exist."
    return done(invocation_id, text)


def misfit(invocation_id: str) -> dict[str, Any]:
    return done(invocation_id, "Failed to invoke 'now' due to an error on the server.")


A, B, C = result("A", "a"), result("B", "b"), result("C", "c")
B_WAITS = call("now", "b", id="B")
C_WAITS = call("turn", "c", id="C")
S_WAITS = stream("count", 1, id="S")
S = [item("S", 0), done("S")]
UPLOAD = [call("total", id="U", streams=["u"]), item("u", 1), item("u", 2), done("u")]
U = result("U", 3)

# While `wait("a")` runs, what is sent, what is answered before it ends, and what after.
BESIDE: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "a stream": ([S_WAITS], S, [A]),
    "an upload": (UPLOAD, [U], [A]),
    "an upload without an id": ([call("total", id=None, streams=["u"]), done("u"), S_WAITS], S, [A]),
    "no such method": ([call("none", id="B")], [unknown("B")], [A]),
    "arguments that do not fit": ([call("now", 1, id="B")], [misfit("B")], [A]),
    "a plain call": ([B_WAITS], [], [A, B]),
    "plain calls": ([B_WAITS, C_WAITS], [], [A, B, C]),
    "a stream behind a plain call": ([B_WAITS, S_WAITS], [], [A, B, *S]),
    "an upload behind a plain call": ([B_WAITS, *UPLOAD], [], [A, B, U]),
    "plain calls around a stream": ([B_WAITS, S_WAITS, C_WAITS], [], None),  # type: ignore[dict-item]  # C and S overlap
    "an error behind a plain call": ([B_WAITS, call("none", id="E")], [], [A, B, unknown("E")]),
    "a misfit behind a plain call": ([B_WAITS, call("now", 1, id="E")], [], [A, B, misfit("E")]),
    "a misfit between plain calls": ([B_WAITS, call("now", 1, id="E"), C_WAITS], [], [A, B, misfit("E"), C]),
    "signs of life": ([B_WAITS, PING, {"type": 8, "sequenceId": 1}, {"type": 9, "sequenceId": 1}], [], [A, B]),
    "cancel of the waiting": ([B_WAITS, cancel("B")], [cancelled("B", "now")], [A]),
    "cancel of the waiting frees what is behind": (
        [B_WAITS, S_WAITS, cancel("B")],
        [cancelled("B", "now"), *S],
        [A],
    ),
    "cancel of a waiting stream": ([B_WAITS, S_WAITS, cancel("S")], [done("S")], [A, B]),
    "cancel of a waiting upload": (
        [B_WAITS, *UPLOAD, cancel("U")],
        [cancelled("U", "total")],
        [A, B],
    ),
    "cancel of an unknown id": ([B_WAITS, cancel("no"), cancel("")], None, [A, B]),  # type: ignore[dict-item]  # see the test
    "cancel of the running": ([B_WAITS, cancel("A")], [cancelled("A", "wait"), B], []),
    "cancel of both": ([B_WAITS, cancel("B"), cancel("A")], None, []),  # type: ignore[dict-item]  # their order is open
    "the same id again": ([call("now", "again", id="A")], [], [A, result("A", "again")]),
}


@pytest.mark.parametrize("case", BESIDE)
async def test_beside_a_running_call(case: str) -> None:
    messages, before, after = BESIDE[case]
    if case == "cancel of an unknown id":
        messages, before = messages[:-1], []
    async with raw(Calls) as wire:
        wire.call("wait", "a", id="A")
        await until(lambda: Calls.log == ["a begins"])
        wire.say(*messages)
        await turns(20)
        came = [m for m in wire.messages if m != PING]
        wire.messages.clear()
        if case == "cancel of both":
            assert sorted(came, key=str) == sorted([cancelled("A", "wait"), cancelled("B", "now")], key=str)
        else:
            assert came == before
        open_gate("a")
        await turns(20)
        came, wire.messages = wire.messages, []
        if case == "plain calls around a stream":
            assert came[:2] == [A, B]
            assert sorted(came[2:], key=str) == sorted([C, *S], key=str)
            assert came.index(S[0]) < came.index(S[1])
        else:
            assert came == after


async def test_a_cancelled_call_runs_its_finally_and_its_caller_sees_no_detail() -> None:
    async with raw(HubServer({"/hub": Calls}, detailed_errors=True)) as wire:
        wire.say(call("wait", "a", id="A"), cancel("A"), cancel("A"))
        assert await wire.next() == cancelled("A", "wait")
        assert Calls.log == [], "it had not begun"
        wire.call("wait", "b", id="B")
        await until(lambda: "b begins" in Calls.log)
        wire.say(cancel("B"))
        assert await wire.next() == cancelled("B", "wait")
        assert Calls.log[-2:] == ["b begins", "b ends"]


async def test_a_cancelled_call_may_return_all_the_same() -> None:
    async with raw(Calls) as wire:
        wire.call("swallows", id="A")
        await turns()
        wire.say(call("turn", "b", id="B"), cancel("A"))
        assert await wire.take(2) == [result("A", "done"), B]
        assert Calls.log == ["swallowed", "b"]


async def test_a_close_acts_though_a_call_waits() -> None:
    async with raw(Calls) as wire:
        wire.say(call("wait", "a", id="A"), B_WAITS, {"type": 7})
        assert await wire.next() == {"type": 7}
        open_gate("a")
        await turns()
    assert Calls.log == ["a begins", "a ends"], "a plain call runs on, one that waited never starts"


@pytest.mark.parametrize("slots", [1, 2, 3])
async def test_slots(slots: int) -> None:
    async with raw(HubServer({"/hub": Calls}, parallel_invocations=slots)) as wire:
        wire.say(
            *(call("wait", name, id=name) for name in "abcd"), call("now", "e", id="e"), stream("count", 0, id="S")
        )
        await turns(20)
        assert Calls.log == [f"{name} begins" for name in "abcd"[:slots]]
        assert wire.messages == []
        last = "abcd"[slots - 1]
        open_gate(last)
        assert await wire.next() == result(last, last)
        await turns()
        assert Calls.log[slots:] == [f"{last} ends", f"{'abcd'[slots]} begins"]
        for name in "abcd":
            open_gate(name)
        answers = await wire.take(5)
        assert sorted(m["invocationId"] for m in answers) == sorted({*"abcde", "S"} - {last})
    begun = [entry for entry in Calls.log if entry.endswith("begins")]
    assert begun == [f"{name} begins" for name in "abcd"], "they start in order"


async def test_a_refused_call_gives_its_slot_to_the_next() -> None:
    """What waits may turn out not to fit only when its turn has come."""
    async with raw(Calls) as wire:
        wire.say(call("wait", "a", id="A"), B_WAITS, *(call("now", n, id=f"E{n}") for n in range(3)), C_WAITS)
        await turns()
        open_gate("a")
        assert await wire.take(6) == [A, B, misfit("E0"), misfit("E1"), misfit("E2"), C]
        wire.call("now", "d", id="D")
        assert await wire.next() == result("D", "d")


async def test_streams_and_uploads_need_no_slot() -> None:
    async with raw(Calls) as wire:
        wire.say(call("wait", "a", id="A"))
        await turns()
        for n in range(20):
            wire.say(stream("count", 1, id=f"S{n}"), call("total", id=f"U{n}", streams=[f"u{n}"]), item(f"u{n}", n))
            wire.say(done(f"u{n}"))
        answers = await wire.take(60)
        assert {m["invocationId"] for m in answers} == {f"{kind}{n}" for kind in "SU" for n in range(20)}
        open_gate("a")
        assert await wire.next() == A


async def test_calls_without_an_id_keep_order_and_slot_and_are_never_answered() -> None:
    async with raw(Calls) as wire:
        wire.say(
            call("wait", "a", id=None),
            call("now", "b", id=None),
            call("none", id=None),
            call("now", 1, id=None),
            call("count", 1, id=None),
            {**call("now", "c"), "invocationId": ""},
            call("now", "d", id="D"),
        )
        await turns()
        assert wire.messages == []
        assert Calls.log == ["a begins"]
        open_gate("a")
        assert await wire.next() == result("D", "d")
        await turns()
        assert wire.messages == []
    assert Calls.log == ["a begins", "a ends", "b", "c", "d"]


async def test_plain_calls_with_one_id_are_both_answered() -> None:
    async with raw(HubServer({"/hub": Calls}, parallel_invocations=3)) as wire:
        wire.say(call("wait", "a", id="1"), call("wait", "b", id="1"))
        await turns()
        open_gate("b")
        assert await wire.next() == result("1", "b")
        wire.say(cancel("1"))
        assert await wire.next() == cancelled("1", "wait")


async def test_a_stream_may_not_take_the_id_of_a_call() -> None:
    async with raw(Calls) as wire:
        wire.say(call("wait", "a", id="A"), stream("count", 1, id="A"), call("total", id="A", streams=["u"]))
        refused = done("A", "Invocation ID 'A' is already in use.")
        assert await wire.take(2) == [refused, refused]
        open_gate("a")
        assert await wire.next() == A


@pytest.mark.parametrize("target", ["now", "Now", "NOW", "n_o_w", "_now_"])
async def test_names_in_every_spelling(target: str) -> None:
    async with raw(Calls) as wire:
        wire.call(target, "x")
        assert await wire.next() == result("1", "x")
        wire.call(target)
        assert await wire.next() == misfit("1"), "errors spell it as it is registered"


async def test_a_call_that_refuses_to_end_is_logged_and_keeps_nobody_else_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hubs = HubServer({"/hub": Calls}, stop_timeout=0.02)
    try:
        async with raw(hubs) as wire:
            wire.call("refuses", id="A")
            await turns()
            wire.say(S_WAITS, cancel("A"))
            assert await wire.take(2) == S
            await until(lambda: Calls.log == ["counts", "refused", "refused"])
            assert [record.levelname for record in caplog.records] == ["ERROR"]
            assert "'refuses' did not end 0.02 s after it was cancelled" in caplog.text
            async with asyncio.timeout(1):
                await hubs.aclose()
        assert hubs.snapshot()["tasks"] == 0
    finally:
        open_gate("refuses")


async def test_a_client_that_reads_slowly_is_waited_for_not_cut_off() -> None:
    async with raw(HubServer({"/hub": Calls}, max_message_size=None)) as wire:
        wire.connection.pause_reading()
        wire.say(*(call("says", 20_000, id=str(n)) for n in range(200)))
        await turns(1000)
        assert wire.server.out.size < 200_000
        wire.connection.resume_reading()
        answers = await wire.take(200)
        assert [m["invocationId"] for m in answers] == [str(n) for n in range(200)]


async def test_a_flood_of_calls_behind_one_that_runs_stops_reading_and_is_served_whole() -> None:
    async with raw(Calls) as wire:
        wire.call("wait", "a", id="A")
        for n in range(3000):
            wire.call("turn" if n % 3 else "step", "x" * 50, id=str(n))
        await until(lambda: not wire.server.reading)
        await turns(50)
        assert wire.connection.paused, "what was read ahead is not all there is"
        open_gate("a")
        answers = await wire.take(3001)
        assert [m["invocationId"] for m in answers] == ["A", *map(str, range(3000))]
        assert wire.server.reading


async def test_a_flood_of_cancels_is_no_search_each() -> None:
    """With one, this takes minutes."""
    count = 20_000
    async with raw(HubServer({"/hub": Calls}, max_message_size=None)) as wire:
        wire.call("wait", "a", id="A")
        wire.say(
            *(call("now", "x", id=str(n)) for n in range(count)), *(cancel(str(n)) for n in reversed(range(count)))
        )
        wire.say(*(cancel("A") for _ in range(3)))
        answers = await wire.take(count + 1)
        assert [m["invocationId"] for m in answers] == [*map(str, reversed(range(count))), "A"]
        wire.call("now", "b", id="B")
        assert await wire.next() == B
        assert Calls.log[-1] == "b"


KINDS = st.sampled_from(["now", "step", "turn", "count", "total", "none"])


@settings(max_examples=60, deadline=None)
@given(kinds=st.lists(KINDS, max_size=30), cuts=st.lists(st.integers(1, 200), max_size=8), slots=st.integers(1, 3))
def test_plain_calls_start_in_order_and_each_is_answered_once(kinds: list[str], cuts: list[int], slots: int) -> None:
    async def run() -> None:
        Calls.log.clear()
        async with raw(HubServer({"/hub": Calls}, parallel_invocations=slots)) as wire:
            data = b"".join(
                json.dumps(m).encode() + b"\x1e" for n, kind in enumerate(kinds) for m in said(kind, str(n))
            )
            await send_cut(wire, data, cuts)
            ended: list[str] = []
            while len(ended) < len(kinds):
                message = await wire.next()
                if message["type"] == 3:
                    ended.append(message["invocationId"])
            assert sorted(ended) == sorted(str(n) for n in range(len(kinds)))
            plain = [str(n) for n, kind in enumerate(kinds) if kind in {"now", "step", "turn"}]
            assert [entry for entry in Calls.log if entry != "counts"] == plain
            if slots == 1:
                assert [n for n in ended if n in plain] == plain

    asyncio.run(run())


def said(kind: str, name: str) -> list[dict[str, Any]]:
    if kind == "count":
        return [stream("count", 2, id=name)]
    if kind == "total":
        return [call("total", id=name, streams=[f"u{name}"]), item(f"u{name}", 1), done(f"u{name}")]
    return [call(kind, name, id=name)]


async def send_cut(wire: Wire, data: bytes, cuts: list[int]) -> None:
    for size in cuts:
        wire.connection.write(data[:size])
        data = data[size:]
        await asyncio.sleep(0)
    wire.connection.write(data)
