from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import UNSET

from hubstream.client import Handlers, runner
from hubstream.errors import ConnectionLost, HubError, MappingError
from hubstream.protocol.messages import Completion, Invocation
from tests.client.peer import joined, turns, until
from tests.clock import EAGER

LOOPS = EAGER

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass
class Point:
    x: int
    y: int


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_a_handler_is_called_typed_by_its_annotations(protocol: str) -> None:
    async with joined(protocol) as (client, peer):
        seen: asyncio.Queue[object] = asyncio.Queue()

        @client.on("point_moved")
        async def moved(point: Point, by: float, note: str = "none") -> None:
            await asyncio.sleep(0)
            seen.put_nowait((point, by, note))

        peer.say(peer.call("PointMoved", {"x": 1, "y": 2}, 3), peer.call("pointMoved", {"x": 1, "y": 2}, 3, "a"))
        async with asyncio.timeout(5):
            assert await seen.get() == (Point(1, 2), 3.0, "none")
            assert await seen.get() == (Point(1, 2), 3.0, "a")
        assert moved.__name__ == "moved"


async def test_without_annotations_any_value_comes_through() -> None:
    async with joined() as (client, peer):
        seen: list[object] = []

        def any_number(*values: object) -> None:
            seen.append(values)

        client.on("a", seen.append)
        client.on("b", any_number)
        client.on("c", functools.partial(any_number, 0))
        peer.say(peer.call("a", {"x": [1]}), peer.call("b", 1, "two"), peer.call("c", 3))
        await turns()
        assert seen == [{"x": [1]}, (1, "two"), (0, 3)]


async def test_several_run_one_after_another_and_off_takes_them_away() -> None:
    async with joined() as (client, peer):
        seen: list[str] = []

        async def first(text: str) -> None:
            await asyncio.sleep(0)
            seen.append("first " + text)

        def second(text: str) -> None:
            seen.append("second " + text)

        client.on("message", first)
        client.on("MESSAGE", second)
        peer.say(peer.call("Message", "a"))
        await turns(10)
        client.off("message", first)
        client.off("message", first)
        peer.say(peer.call("Message", "b"))
        await turns(10)
        client.off("Message")
        client.off("nobody")
        peer.say(peer.call("Message", "c"))
        await turns(10)
        assert seen == ["first a", "second a", "second b"]


async def test_they_run_in_order_whatever_they_wait_for() -> None:
    async with joined() as (client, peer):
        seen: list[str] = []
        done = asyncio.Event()

        @client.on("slow")
        async def slow(number: int) -> None:
            await asyncio.sleep(0.01)  # longer than the quick one takes
            seen.append(f"slow {number}")

        @client.on("quick")
        def quick(number: int) -> None:
            seen.append(f"quick {number}")
            if number == 4:
                done.set()

        peer.say(peer.call("slow", 1), peer.call("quick", 2), peer.call("slow", 3), peer.call("quick", 4))
        async with asyncio.timeout(5):
            await done.wait()
        assert seen == ["slow 1", "quick 2", "slow 3", "quick 4"]


async def test_one_that_hangs_harms_nobody(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(runner, "PATIENCE", 0.01)
    monkeypatch.setattr(runner, "LANE", 12)
    async with joined() as (client, peer):
        seen: list[object] = []
        gate = asyncio.Event()
        done = asyncio.Event()

        @client.on("message")
        async def hangs(number: int) -> None:
            await gate.wait()
            seen.append(-number)

        @client.on("message")
        def works(number: int) -> None:
            seen.append(number)
            if number == 6:
                done.set()

        # Each call is 3 bytes of arguments: four fit the lane of the one that hangs.
        peer.say(*(peer.call("message", number) for number in range(1, 7)))
        async with asyncio.timeout(5):
            await done.wait()
        assert seen == [1, 2, 3, 4, 5, 6]
        assert "others no longer wait" in caplog.text
        gate.set()
        await turns(20)
        assert seen[6:] == [-1, -2, -3, -4, -5]
        assert "1 calls of 'message' were dropped" in caplog.text
        peer.say(peer.call("message", 7))
        await turns(20)
        assert seen[11:] == [-7, 7]


async def test_one_that_raises_or_does_not_bind_is_logged_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    async with joined() as (client, peer):
        seen: list[int] = []

        @client.on("n")
        def raises(number: int) -> None:
            raise ZeroDivisionError(number)

        @client.on("n")
        async def raises_later(number: int) -> None:
            await asyncio.sleep(0)
            raise ZeroDivisionError(number)

        @client.on("n")
        async def cancels_itself(number: int) -> None:
            raise asyncio.CancelledError

        @client.on("n")
        def too_few() -> None: ...

        @client.on("n")
        def other_type(number: str) -> None: ...

        client.on("n", seen.append)
        peer.say(peer.call("n", 1), peer.call("nobody", 1), peer.call("n", 2))
        await turns(30)
        assert seen == [1, 2]
        assert client.ending is None
        warnings = [record.levelno for record in caplog.records]
        assert warnings.count(logging.ERROR) == 4
        assert warnings.count(logging.WARNING) == 7


async def none_declared(question: str) -> None: ...


async def returns_none(question: str) -> int | None:
    return None


def undeclared(question: str):  # type: ignore[no-untyped-def]  # what it returns is not declared
    return question + "!"


def undeclared_nothing(question: str):  # type: ignore[no-untyped-def]  # what it returns is not declared
    return None


async def point(question: str) -> Point:
    return Point(1, 2)


async def fails(question: str) -> int:
    raise ValueError("cannot say")


async def fails_without_a_text(question: str) -> int:
    raise ValueError


async def hub_error(question: str) -> int:
    raise HubError("cannot say", "code")


async def cancelled(question: str) -> int:
    raise asyncio.CancelledError("given up")


def wrong(question: str) -> Any:
    return object()


def number(question: int) -> int:
    return question


def no_argument() -> int:
    return 1


NOT_PARSED, NO_RESULT = "Client failed to parse argument(s).", "Client didn't provide a result."

QUESTIONS: list[tuple[list[Callable[..., object]], tuple[object, ...], object, str | None]] = [
    ([point], ("?",), {"x": 1, "y": 2}, None),
    ([returns_none], ("?",), None, None),
    ([undeclared], ("?",), "?!", None),
    ([undeclared, none_declared], ("?",), "?!", None),
    ([fails, undeclared], ("?",), "?!", None),
    ([none_declared], ("?",), None, NO_RESULT),
    ([undeclared_nothing], ("?",), None, NO_RESULT),
    ([undeclared, point], ("?",), None, "Client provided multiple results."),
    ([fails], ("?",), None, "cannot say"),
    ([fails_without_a_text], ("?",), None, "ValueError"),
    ([hub_error], ("?",), None, "cannot say"),
    ([cancelled], ("?",), None, "given up"),
    ([number], ("?",), None, NOT_PARSED),
    ([no_argument], ("?",), None, NOT_PARSED),
    ([no_argument], (), 1, None),
    ([], ("?",), None, NOT_PARSED),
    ([], (), None, NO_RESULT),
]


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize(("handlers", "arguments", "result", "error"), QUESTIONS)
async def test_answers_to_the_servers_questions(
    protocol: str,
    handlers: list[Callable[..., object]],
    arguments: tuple[object, ...],
    result: object,
    error: str | None,
) -> None:
    async with joined(protocol) as (client, peer):
        for handler in handlers:
            client.on("ask", handler)
        peer.say(peer.call("Ask", *arguments, ask="s1"))
        answer = await peer.next(Completion)
        assert answer.invocation_id == "s1"
        assert answer.error == (UNSET if error is None else error)
        if error is None:
            assert answer.result is not UNSET
            assert peer.decode(answer.result) == result


async def test_a_question_that_no_handler_has_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with joined() as (_, peer):
        peer.say(peer.call("Ask", ask="s1"))
        await peer.next(Completion)
    assert caplog.messages == ["the server asks 'Ask', and no handler has that name"]


@pytest.mark.parametrize("asked", [False, True])
async def test_a_handler_that_holds_the_event_loop_is_logged(asked: bool, caplog: pytest.LogCaptureFixture) -> None:
    def blocks() -> int:
        time.sleep(0.11)
        return 1

    async with joined() as (client, peer):
        client.on("block", blocks)
        peer.say(peer.call("block", ask="s1" if asked else None))
        await until(lambda: caplog.messages)
    assert re.fullmatch(r"the handler <.*blocks.*> of 'block' held the event loop for 1\d\d ms, .*", caplog.messages[0])


async def test_an_answer_that_cannot_be_sent_is_an_error() -> None:
    async with joined() as (client, peer):
        client.on("ask", wrong)
        peer.say(peer.call("ask", "?", ask="s1"))
        assert "object" in str((await peer.next(Completion)).error)


async def test_a_handler_may_call_the_server_and_a_question_may_come_meanwhile() -> None:
    async with joined() as (client, peer):
        results: asyncio.Queue[int] = asyncio.Queue()

        @client.on("start")
        async def start() -> None:
            results.put_nowait(await client.invoke("work", result=int))

        @client.on("confirm")
        async def confirm() -> int:
            return await client.invoke("deeper", result=int)

        peer.say(peer.call("start"))
        assert (await peer.next(Invocation)).target == "work"
        peer.say(peer.call("confirm", ask="s1"))
        assert (await peer.next(Invocation)).target == "deeper"
        peer.say(peer.result("2", 5))
        answer = await peer.next(Completion)
        assert answer.result is not UNSET
        peer.say(peer.result("1", peer.decode(answer.result) + 1))
        async with asyncio.timeout(5):
            assert await results.get() == 6


async def test_questions_do_not_wait_for_each_other() -> None:
    async with joined() as (client, peer):
        gate = asyncio.Event()

        @client.on("ask")
        async def ask(number: int) -> int:
            if number == 1:
                await gate.wait()
            return number

        peer.say(peer.call("ask", 1, ask="s1"), peer.call("ask", 2, ask="s2"))
        assert (await peer.next(Completion)).invocation_id == "s2"
        gate.set()
        assert (await peer.next(Completion)).invocation_id == "s1"


async def test_too_many_questions_are_answered_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "QUESTIONS", 1)
    async with joined() as (client, peer):
        gate = asyncio.Event()

        @client.on("ask")
        async def ask() -> int:
            await gate.wait()
            return 1

        peer.say(peer.call("ask", ask="s1"), peer.call("ask", ask="s2"))
        assert (await peer.next(Completion)).error == "Client answers 1 questions already."
        gate.set()
        assert (await peer.next(Completion)).invocation_id == "s1"


async def test_answers_wait_for_a_server_that_does_not_read() -> None:
    async with joined(high=1_000) as (client, peer):

        @client.on("ask")
        def answer() -> str:
            return "x" * 100_000

        peer.connection.pause_reading()
        for number in range(50):
            peer.say(peer.call("ask", ask=f"s{number}"))
            await turns()
        assert client.ending is None
        assert client.wire.output.size < 2 * 100_000
        peer.connection.resume_reading()
        answered = {(await peer.next(Completion)).invocation_id for _ in range(50)}
        assert answered == {f"s{number}" for number in range(50)}


async def test_a_server_that_asks_on_and_on_and_reads_no_answer_is_left() -> None:
    async with joined(high=1_000) as (client, peer):
        ran = 0

        @client.on("ask")
        def answer() -> str:
            return "x" * 1_000

        @client.on("call")
        def called() -> None:
            nonlocal ran
            ran += 1

        waiting = asyncio.create_task(client.invoke("call"))
        await peer.next(Invocation)
        peer.connection.pause_reading()
        for _ in range(100):
            peer.say(*(peer.call("ask", ask=f"s{number}") for number in range(1_000)))
            await turns()
            if client.ending is not None:
                break
        with pytest.raises(ConnectionLost, match=r"^The server does not read what it is sent\.$"):
            await waiting
        assert client.ending is not None
        assert client.ending.reconnect
        assert ran == 0


async def test_calls_wait_in_a_bounded_queue_and_none_is_lost() -> None:
    async with joined(high=2_000) as (client, peer):
        gate = asyncio.Event()
        seen: list[int] = []

        @client.on("n")
        async def note(number: int, filling: str) -> None:
            await gate.wait()
            seen.append(number)

        sent = 0
        while not peer.connection.paused:
            peer.say(peer.call("n", sent, "x" * 1_000))
            sent += 1
            await asyncio.sleep(0)
            assert sent < 1_000
        assert sent > 100
        gate.set()
        await until(lambda: len(seen) == sent)
        assert seen == list(range(sent))
        assert not peer.connection.paused


async def test_a_handler_that_waits_for_an_answer_behind_a_flood_gets_it(caplog: pytest.LogCaptureFixture) -> None:
    async with joined(high=20_000) as (client, peer):

        @client.on("n")
        async def note(number: int, filling: str) -> None:
            if number == 0:
                await client.invoke("work")

        peer.say(peer.call("n", 0, ""))
        await peer.next(Invocation)
        for number in range(1, 1_200):
            peer.say(peer.call("n", number, "x" * 1_000))
            await asyncio.sleep(0)
        peer.say(peer.result("1", None))
        await turns(20)
        assert "calls of the server were dropped" in caplog.text
        assert client.ending is None


def test_only_one_handler_of_a_name_answers() -> None:
    handlers = Handlers()
    handlers.on("ask", point)
    handlers.on("ask", none_declared)
    with pytest.raises(
        ValueError, match=r"'Ask' already has a value returning handler\. Multiple return values are not"
    ):
        handlers.on("Ask", returns_none)


def keyword_only(*, text: str) -> None: ...


def unresolvable(amount: Decimal) -> None: ...


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (keyword_only, "keyword argument 'text'"),
        (unresolvable, "'Decimal' is not defined"),
        (max, r"no signature.* Put a function around it"),
    ],
)
def test_a_handler_that_cannot_be_called_is_an_error_at_once(handler: Callable[..., object], text: str) -> None:
    with pytest.raises(MappingError, match=text):
        Handlers().on("a", handler)


async def test_handlers_stay_for_the_next_connection() -> None:
    handlers = Handlers()
    seen: list[int] = []

    @handlers.on("n")
    def note(number: int) -> None:
        seen.append(number)

    for protocol in ("json", "messagepack"):
        async with joined(protocol, handlers=handlers) as (_client, peer):
            peer.say(peer.call("n", 1))
            await turns()
    assert seen == [1, 1]
