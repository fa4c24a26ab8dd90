"""`@hub_method(thread=True)`: methods that block, and generators that do, in worker threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from hubstream import Hub, HubError, HubServer, MappingError, hub_method
from hubstream.hub.threads import MOST, THREADS, Threads
from hubstream.testing import connect
from tests.hub.wire import LIMIT, cancel, done, item, raw, result, until

UNEXPECTED = "An unexpected error occurred invoking '{}' on the server."
STREAMING_FAILED = "An error occurred on the server while streaming results."

variable: ContextVar[str] = ContextVar("variable", default="unset")


class Blocking(Hub):
    gate: threading.Event
    log: list[str] = []  # noqa: RUF012 - emptied by the fixture

    @hub_method(thread=True)
    def where(self) -> str:
        return threading.current_thread().name

    @hub_method(thread=True)
    def ident(self) -> int:
        return threading.get_ident()

    @hub_method(thread=True)
    def echo(self, a: int, b: int = 2) -> list[int]:
        return [a, b]

    @hub_method(thread=True)
    def fail(self) -> None:
        raise HubError("no")

    @hub_method(thread=True)
    def fail_hidden(self) -> None:
        raise ValueError("secret")

    @hub_method(thread=True)
    def exhausted(self) -> int:
        return next(iter(()))

    @hub_method(thread=True)
    def block(self) -> str:
        self.log.append("begun")
        self.gate.wait(LIMIT)
        self.log.append("ended")
        return "done"

    def inline(self) -> str:
        return "inline"

    @hub_method(thread=True)
    def count(self, n: int) -> Iterator[int]:
        try:
            yield from range(n)
        finally:
            self.log.append(f"closed in {threading.current_thread().name.partition('_')[0]}")

    @hub_method(thread=True)
    def listed(self) -> Iterator[int]:
        return iter([1, 2, 3])

    @hub_method(thread=True)
    def breaks(self) -> Iterator[int]:
        yield 1
        yield 2
        raise HubError("broken")

    @hub_method(thread=True)
    def gated(self) -> Iterator[int]:
        try:
            yield 1
            self.log.append("waits")
            self.gate.wait(LIMIT)
            yield 2
        finally:
            self.log.append("closed")

    @hub_method(thread=True)
    def forever(self) -> Iterator[int]:
        n = 0
        try:
            while True:
                yield n
                n += 1
        finally:
            self.log.append(f"closed at {n}")


@pytest.fixture(autouse=True)
def gate() -> Iterator[threading.Event]:
    Blocking.log.clear()
    Blocking.gate = threading.Event()
    yield Blocking.gate
    Blocking.gate.set()


def served() -> HubServer:
    return HubServer({"/hub": Blocking})


async def test_it_runs_in_a_thread_of_the_server() -> None:
    async with connect(served(), "/hub") as connection:
        assert (await connection.invoke("where", result=str)).startswith("hubstream")
        assert await connection.invoke("echo", 1) == [1, 2]
        assert await connection.invoke("echo", 1, 5) == [1, 5]


FAILURES = [
    ("fail", UNEXPECTED.format("fail") + " HubException: no"),
    ("fail_hidden", UNEXPECTED.format("fail_hidden")),
    ("exhausted", UNEXPECTED.format("exhausted")),  # a StopIteration, which no future can hold
]


@pytest.mark.parametrize(("method", "text"), FAILURES)
async def test_what_it_raises_is_the_calls_error(method: str, text: str) -> None:
    async with raw(served()) as wire:
        wire.call(method)
        assert await wire.next() == done("1", text)


async def test_a_blocked_thread_holds_up_nobody_else(gate: threading.Event) -> None:
    hubs = served()
    async with connect(hubs, "/hub") as one, connect(hubs, "/hub") as other:
        blocked = asyncio.create_task(one.invoke("block"))
        await until(lambda: "begun" in Blocking.log)
        assert await other.invoke("inline") == "inline"
        async with one.stream("count", 3, item=int) as numbers:
            assert [n async for n in numbers] == [0, 1, 2]
        gate.set()
        assert await blocked == "done"


async def test_cancelled_it_answers_at_once_and_keeps_its_slot_until_the_thread_ends(gate: threading.Event) -> None:
    async with raw(served()) as wire:
        wire.call("block")
        await until(lambda: "begun" in Blocking.log)
        wire.call("inline", id="2")
        wire.say(cancel("1"))
        assert await wire.next() == done("1", UNEXPECTED.format("block"))
        assert not wire.messages
        assert "ended" not in Blocking.log
        gate.set()
        assert await wire.next() == result("2", "inline")
        assert Blocking.log == ["begun", "ended"]


async def test_cancelled_before_a_thread_was_free_it_never_runs(gate: threading.Event) -> None:
    hubs = served()
    async with raw(hubs) as wire:
        busy = [hubs._threads.start(lambda: gate.wait(LIMIT)) for _ in range(THREADS)]  # pyright: ignore[reportPrivateUsage] - all are taken
        wire.call("block")
        wire.call("inline", id="2")
        wire.say(cancel("1"))
        assert await wire.take(2) == [done("1", UNEXPECTED.format("block")), result("2", "inline")]
        gate.set()
        for future in busy:
            await asyncio.wrap_future(future)
        assert not Blocking.log


async def test_a_stream_that_is_cancelled_before_a_thread_was_free_never_begins(gate: threading.Event) -> None:
    hubs = served()
    async with raw(hubs) as wire:
        busy = [hubs._threads.start(lambda: gate.wait(LIMIT)) for _ in range(THREADS)]  # pyright: ignore[reportPrivateUsage] - all are taken
        wire.stream("gated")
        await until(lambda: hubs._threads._executor and hubs._threads._executor._work_queue.qsize())  # pyright: ignore[reportPrivateUsage] - it waits
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
        gate.set()
        for future in [*busy, hubs._threads.start(lambda: None)]:  # pyright: ignore[reportPrivateUsage] - what stood in front of it is done
            await asyncio.wrap_future(future)
        assert not Blocking.log


@pytest.mark.parametrize(
    ("method", "arguments", "items"), [("count", (3,), [0, 1, 2]), ("listed", (), [1, 2, 3]), ("count", (0,), [])]
)
async def test_a_generator_streams(method: str, arguments: tuple[Any, ...], items: list[int]) -> None:
    async with connect(served(), "/hub") as connection, connection.stream(method, *arguments, item=int) as numbers:
        assert [n async for n in numbers] == items


async def test_a_fast_generator_changes_threads_seldom_and_keeps_its_order() -> None:
    async with connect(served(), "/hub") as connection, connection.stream("count", 10 * MOST, item=int) as numbers:
        assert [n async for n in numbers] == list(range(10 * MOST))
    assert Blocking.log == ["closed in hubstream"]


async def test_an_item_does_not_wait_for_the_next_one(gate: threading.Event) -> None:
    async with raw(served()) as wire:
        wire.stream("gated")
        assert await wire.next() == item("1", 1)
        gate.set()
        assert await wire.take(2) == [item("1", 2), done("1")]


async def test_items_come_before_the_error() -> None:
    async with raw(served()) as wire:
        wire.stream("breaks")
        assert await wire.take(3) == [item("1", 1), item("1", 2), done("1", STREAMING_FAILED + " HubException: broken")]


@pytest.mark.parametrize("way", ["cancel", "loss"])
async def test_a_generator_is_closed_in_a_thread_when_its_stream_is_left(way: str) -> None:
    async with raw(served()) as wire:
        wire.stream("forever")
        assert await wire.next() == item("1", 0)
        if way == "cancel":
            wire.say(cancel("1"))
        else:
            wire.connection.abort()
        await until(lambda: Blocking.log)
    assert Blocking.log[0].startswith("closed at ")


async def test_a_stream_that_is_cancelled_inside_a_step_ends_with_the_step(gate: threading.Event) -> None:
    async with raw(served()) as wire:
        wire.stream("gated")
        await until(lambda: "waits" in Blocking.log)
        wire.say(cancel("1"))
        gate.set()
        answers = [await wire.next()]
        while answers[-1]["type"] != 3:
            answers.append(await wire.next())
        assert answers[-1] == done("1")
    assert Blocking.log == ["waits", "closed"]


async def test_context_variables_are_the_calls() -> None:
    class Reads(Hub):
        @hub_method(thread=True)
        def read(self) -> str:
            found = variable.get()
            variable.set("changed")
            return found

        @hub_method(thread=True)
        def stream(self) -> Iterator[str]:
            yield variable.get()

    variable.set("of the connection")
    async with connect(HubServer({"/hub": Reads}), "/hub") as connection:
        assert await connection.invoke("read") == "of the connection"
        assert await connection.invoke("read") == "of the connection"
        async with connection.stream("stream") as values:
            assert [value async for value in values] == ["of the connection"]


async def test_a_generator_keeps_its_context_variables() -> None:
    class Sets(Hub):
        @hub_method(thread=True)
        def stream(self, n: int) -> Iterator[str]:
            token = variable.set("of the generator")
            try:
                for _ in range(n):
                    yield variable.get()
            finally:
                variable.reset(token)  # raises where it was not set

    async with raw(Sets) as wire:
        wire.stream("stream", 2 * MOST)
        assert await wire.take(2 * MOST + 1) == [*[item("1", "of the generator")] * 2 * MOST, done("1")]
        wire.stream("stream", 1_000_000)
        await wire.next()
        wire.say(cancel("1"))
        while (last := await wire.next())["type"] == 2:
            pass
        assert last == done("1")
    assert variable.get() == "unset"


async def test_threads_end_with_the_server() -> None:
    hubs = served()
    async with connect(hubs, "/hub") as connection:
        ident = await connection.invoke("ident", result=int)
    (thread,) = [it for it in threading.enumerate() if it.ident == ident]
    await hubs.aclose()
    await asyncio.to_thread(thread.join, LIMIT)
    assert not thread.is_alive()
    async with connect(hubs, "/hub") as connection:
        assert await connection.invoke("echo", 1) == [1, 2], "it may go on afterwards"
    await hubs.aclose()


async def test_no_thread_is_started_without_need() -> None:
    threads = Threads()
    assert threads._executor is None  # pyright: ignore[reportPrivateUsage] - what nobody sees otherwise
    threads.close()


async def _uploads(self: Hub, items: AsyncIterator[int]) -> int:
    return 0


def _uploads_plain(self: Hub, items: AsyncIterator[int]) -> int:
    return 0


async def _coroutine(self: Hub) -> int:
    return 0


async def _async_generator(self: Hub) -> AsyncIterator[int]:
    yield 1


def _generator(self: Hub) -> Any:
    yield 1


_generator.__annotations__["return"] = list[int]  # no type checker lets it be written


MISTAKES = [
    (_uploads, "runs in a thread, which cannot read the stream 'items'"),
    (_uploads_plain, "runs in a thread, which cannot read the stream 'items'"),
    (_coroutine, "thread=True runs a plain 'def' in a thread"),
    (_async_generator, "thread=True runs a plain 'def' in a thread"),
    (_generator, "declare it as '-> Iterator"),
]


@pytest.mark.parametrize(("function", "text"), MISTAKES, ids=lambda value: getattr(value, "__name__", ""))
def test_what_cannot_run_in_a_thread(function: Callable[..., Any], text: str) -> None:
    hub = type("Wrong", (Hub,), {"method": hub_method(thread=True)(function)})
    with pytest.raises(MappingError, match=text):
        HubServer({"/hub": hub})
