"""Filters: what they see, in what order, what they may change; and that every iterator of a chain is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hubstream import Hub, HubCallerContext, HubError, HubFilter, HubInvocationContext, HubServer
from hubstream.testing import connect
from tests.hub.wire import cancel, done, item, raw, result, turns, until

UNEXPECTED = "An unexpected error occurred invoking '{}' on the server."
STREAMING_FAILED = "An error occurred on the server while streaming results."

Next = Callable[[HubInvocationContext], Awaitable[Any]]

log: list[Any] = []


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    log.clear()


class Subject(Hub):
    async def on_connected(self) -> None:
        log.append("hub connected")

    async def on_disconnected(self, error: Exception | None) -> None:
        log.append(("hub disconnected", error))

    def plain(self, a: int, b: int = 2) -> int:
        return a + b

    async def step(self, a: int) -> int:
        return a

    async def task(self, a: int) -> int:
        await asyncio.sleep(0)
        return a

    async def upload(self, a: int, items: AsyncIterator[int]) -> int:
        return sum([n async for n in items], a)

    async def down(self, a: int) -> AsyncIterator[int]:
        try:
            for n in range(a):
                yield n
        finally:
            log.append("method closed")

    async def waits(self) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            log.append("method closed")

    async def breaks(self) -> AsyncIterator[int]:
        yield 1
        raise HubError("broken")

    def fail(self) -> None:
        raise HubError("no")

    async def asks(self) -> str:
        answer: str = await self.clients.caller.invoke("ask", result=str)
        return answer


class Named(HubFilter):
    def __init__(self, name: str) -> None:
        self.name = name

    async def on_call(self, call: HubInvocationContext, next: Next, /) -> Any:
        log.append((self.name, call.method.name))
        answer = await next(call)
        log.append((self.name, "after"))
        return answer

    async def on_connected(self, context: HubCallerContext, next: Callable[[], Awaitable[None]], /) -> None:
        log.append((self.name, "connecting"))
        await next()
        log.append((self.name, "connected"))

    async def on_disconnected(
        self,
        context: HubCallerContext,
        error: Exception | None,
        next: Callable[[Exception | None], Awaitable[None]],
        /,
    ) -> None:
        await next(error)
        log.append((self.name, "disconnected"))


class Times(HubFilter):
    """Multiplies every item."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    async def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any], /) -> AsyncIterator[Any]:
        try:
            async for value in items:
                yield value * self.factor
        finally:
            log.append(f"times {self.factor} closed")


def served(*filters: HubFilter, hub: type[Hub[Any]] = Subject) -> HubServer:
    return HubServer({"/hub": hub}, filters=filters)


CALLS = [("plain", (1,), 3), ("plain", (1, 5), 6), ("step", (4,), 4), ("task", (4,), 4), ("upload", (1, [2, 3]), 6)]


@pytest.mark.parametrize(("method", "arguments", "answer"), CALLS)
async def test_filters_stand_around_every_kind_of_call(method: str, arguments: tuple[Any, ...], answer: int) -> None:
    hubs = HubServer(filters=[Named("server")])
    hubs.map("/hub", Subject, filters=[Named("first"), Named("second")])
    streamed = [_each([2, 3]) if isinstance(value, list) else value for value in arguments]
    async with connect(hubs, "/hub") as connection:
        log.clear()
        assert await connection.invoke(method, *streamed, result=int) == answer
    names = ["server", "first", "second"]
    assert log[:6] == [*((name, method) for name in names), *((name, "after") for name in reversed(names))]


async def _each(values: list[int]) -> AsyncIterator[int]:
    for value in values:
        yield value


async def test_and_around_connects_and_disconnects() -> None:
    hubs = served(Named("outer"), Named("inner"))
    async with connect(hubs, "/hub"):
        pass
    assert log == [
        ("outer", "connecting"),
        ("inner", "connecting"),
        "hub connected",
        ("inner", "connected"),
        ("outer", "connected"),
        ("hub disconnected", None),
        ("inner", "disconnected"),
        ("outer", "disconnected"),
    ]


async def test_a_filter_of_connects_serves_a_hub_without_them() -> None:
    class Bare(Hub):
        def hello(self) -> str:
            return "hi"

    async with connect(served(Named("only"), hub=Bare), "/hub") as connection:
        assert await connection.invoke("hello") == "hi"
    assert ("only", "connected") in log
    assert ("only", "disconnected") in log


class Changes(HubFilter):
    async def on_call(self, call: HubInvocationContext, next: Next, /) -> Any:
        match call.arguments[0]:
            case 0:
                return "instead"
            case 1:
                return await next(call.replace(100))
            case 2:
                return [await next(call), await next(call)]
            case 3:
                raise HubError("not this one", code="three")
            case 4:
                await next(call)
                raise ValueError("secret")
            case 5:
                raise asyncio.CancelledError
            case _:
                return await next(call)


CHANGED = [
    (0, result("1", "instead")),
    (1, result("1", 100)),
    (2, result("1", [2, 2])),
    (3, done("1", UNEXPECTED.format("anything") + " HubException: not this one [three]")),
    (4, done("1", UNEXPECTED.format("anything"))),
    (5, done("1", UNEXPECTED.format("anything"))),
    (6, result("1", 6)),
]


@pytest.mark.parametrize(("argument", "answer"), CHANGED)
async def test_what_a_filter_may_do(argument: int, answer: dict[str, Any]) -> None:
    class Any_(Hub):  # noqa: N801 - a hub of any result
        def anything(self, a: int):  # type: ignore[no-untyped-def]
            return a

    async with raw(served(Changes(), hub=Any_)) as wire:
        wire.call("anything", argument)
        assert await wire.next() == answer
        wire.call("anything", 7, id="2")
        assert await wire.next() == result("2", 7), "the connection lives"


REFUSED = [
    ("missing", (), "Failed to invoke 'missing' due to an error on the server. HubException: Method does not exist."),
    ("plain", ("x",), "Failed to invoke 'plain' due to an error on the server."),
    ("plain", (), "Failed to invoke 'plain' due to an error on the server."),
    ("down", (1,), "The client attempted to invoke the streaming 'down' method with a non-streaming invocation."),
]


@pytest.mark.parametrize(("method", "arguments", "text"), REFUSED)
async def test_what_is_refused_never_comes_to_a_filter(method: str, arguments: tuple[Any, ...], text: str) -> None:
    async with raw(served(Named("only"))) as wire:
        log.clear()
        wire.call(method, *arguments)
        assert await wire.next() == done("1", text)
    assert not [entry for entry in log if entry == ("only", method)]


async def test_items_pass_from_the_inside_out_and_all_is_closed() -> None:
    async with connect(served(Times(2), Times(10), Named("call")), "/hub") as connection:
        log.clear()
        async with connection.stream("down", 4, item=int) as items:
            assert [n async for n in items] == [0, 20, 40, 60]
    assert log[:5] == [("call", "down"), ("call", "after"), "method closed", "times 10 closed", "times 2 closed"]


@pytest.mark.parametrize("way", ["cancel", "loss", "close"])
async def test_a_chain_that_is_left_early_is_closed(way: str) -> None:
    hubs = served(Times(2), Times(10))
    async with raw(hubs) as wire:
        log.clear()
        wire.stream("waits")
        assert await wire.next() == item("1", 20)
        if way == "cancel":
            wire.say(cancel("1"))
            assert await wire.next() == done("1")
        elif way == "loss":
            wire.connection.abort()
        else:
            wire.end()
        await until(lambda: len([entry for entry in log if "closed" in entry]) == 3)
    assert [entry for entry in log if "closed" in entry] == ["method closed", "times 10 closed", "times 2 closed"]


class Feed:
    """An iterable whose every iterator is a generator of its own."""

    async def __aiter__(self) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await turns()
            log.append("feed closed")


class Fed(Hub):
    async def feed(self) -> AsyncIterable[int]:
        return Feed()


class Dawdles(HubFilter):
    async def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any], /) -> AsyncIterator[Any]:
        async for value in items:
            yield value
            await asyncio.Event().wait()


async def test_the_iterator_of_an_iterable_is_closed_before_the_stream_is_over() -> None:
    async with raw(HubServer({"/hub": Fed}, filters=[Dawdles()])) as wire:
        wire.stream("feed")
        assert await wire.next() == item("1", 1)
        wire.say(cancel("1"))
        assert await wire.next() == done("1")
        assert log == ["feed closed"]


async def test_an_error_of_the_method_passes_through_the_chain() -> None:
    async with raw(served(Times(2))) as wire:
        wire.stream("breaks")
        assert await wire.take(2) == [item("1", 2), done("1", STREAMING_FAILED + " HubException: broken")]
    assert "times 2 closed" in log


class Drops(HubFilter):
    """Takes the stream and answers with another, or not at all."""

    def __init__(self, instead: Any) -> None:
        self.instead = instead

    async def on_call(self, call: HubInvocationContext, next: Next, /) -> Any:
        items = await next(call)
        async for value in items:
            log.append(value)
            break
        if isinstance(self.instead, Exception):
            raise self.instead
        return self.instead


DROPPED = [
    (HubError("dropped"), [done("1", UNEXPECTED.format("waits") + " HubException: dropped")]),
    (
        None,
        [
            done(
                "1",
                "The value returned by the streaming method 'waits' is not a ChannelReader<> or IAsyncEnumerable<>.",
            )
        ],
    ),
]


@pytest.mark.parametrize(("instead", "answers"), DROPPED, ids=["raises", "nothing"])
async def test_a_stream_that_a_filter_drops_is_closed(instead: Any, answers: list[Any]) -> None:
    async with raw(served(Drops(instead))) as wire:
        log.clear()
        wire.stream("waits")
        assert await wire.take(len(answers)) == answers
        assert log == [1, "method closed"]


async def test_a_filter_may_answer_with_a_stream_of_its_own() -> None:
    async def own() -> AsyncIterator[int]:
        try:
            yield 7
        finally:
            log.append("own closed")

    async with connect(served(Drops(own())), "/hub") as connection:
        log.clear()
        async with connection.stream("waits", item=int) as items:
            assert [n async for n in items] == [7]
        assert log == [1, "own closed", "method closed"]


async def test_a_filter_of_streams_that_gives_none() -> None:
    class Forgets(HubFilter):
        def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any], /) -> AsyncIterator[Any]:
            return None  # type: ignore[return-value] # what happens to those who do

    async with raw(served(Forgets())) as wire:
        log.clear()
        wire.stream("down", 2)
        text = "The value returned by the streaming method 'down' is not a ChannelReader<> or IAsyncEnumerable<>."
        assert await wire.next() == done("1", text)


async def test_a_filter_that_hangs_is_cancelled_with_its_call() -> None:
    class Hangs(HubFilter):
        async def on_call(self, call: HubInvocationContext, next: Next, /) -> Any:
            log.append("entered")
            try:
                await asyncio.Event().wait()
            finally:
                log.append("left")

    async with raw(served(Hangs())) as wire:
        wire.call("plain", 1)
        wire.stream("down", 1, id="2")
        await until(lambda: log.count("entered") == 2)
        wire.say(cancel("1"), cancel("2"))
        assert await wire.take(2) == [done("1", UNEXPECTED.format("plain")), done("2")]
        assert log.count("left") == 2


async def test_a_filter_that_asks_the_client_does_not_deadlock() -> None:
    class Asks(HubFilter):
        async def on_call(self, call: HubInvocationContext, next: Next, /) -> Any:
            said = await call.hub.clients.caller.invoke("ask", result=str)
            return said + str(await next(call))

    async with connect(served(Asks()), "/hub") as connection:
        connection.on("ask", lambda: "yes ")
        assert await connection.invoke("plain", 1) == "yes 3"
        assert await connection.invoke("asks") == "yes yes "


@pytest.mark.parametrize("where", ["connected", "disconnected"])
async def test_a_filter_of_connects_that_fails(where: str, caplog: pytest.LogCaptureFixture) -> None:
    class Fails(HubFilter):
        async def on_connected(self, context: HubCallerContext, next: Callable[[], Awaitable[None]], /) -> None:
            if where == "connected":
                raise HubError("not you")
            await next()

        async def on_disconnected(
            self,
            context: HubCallerContext,
            error: Exception | None,
            next: Callable[[Exception | None], Awaitable[None]],
            /,
        ) -> None:
            raise ValueError("at the end")

    async with raw(served(Fails())) as wire:
        if where == "connected":
            expected = {"type": 7, "error": "Connection closed with an error. HubException: not you"}
            assert await wire.next() == expected
            await wire.closed()
            assert not log, "the hub saw neither a connect nor a disconnect"
    assert (f"on_{where} failed") in caplog.text


async def test_a_stand_in_for_a_hub_method_costs_nothing_unless_it_is_asked_for() -> None:
    class OnlyConnects(HubFilter):
        async def on_connected(self, context: HubCallerContext, next: Callable[[], Awaitable[None]], /) -> None:
            await next()

    hubs = served(OnlyConnects())
    async with raw(hubs) as wire:
        table = wire.server.mapping.tables["json"]
        for name in ("plain", "step", "task", "upload", "down"):
            assert table[name].function is getattr(Subject, name)


@pytest.mark.parametrize("wrong", [[Named], ["named"], [None]])
def test_what_is_no_filter(wrong: list[Any]) -> None:
    with pytest.raises(TypeError, match="filters are objects of classes derived from HubFilter"):
        HubServer({"/hub": Subject}, filters=wrong)


def test_a_filter_of_streams_is_no_coroutine() -> None:
    class Returns(HubFilter):
        async def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any], /) -> AsyncIterator[Any]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride] - the mistake
            return items

    with pytest.raises(
        TypeError, match=r"Returns.on_stream is called, not awaited: write 'async def' with a 'yield' in it"
    ):
        served(Returns())
