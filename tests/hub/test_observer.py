"""Observers: what they are told of connections and calls, that they change nothing, and that without them nothing changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Generator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from hubstream import (
    ChannelReader,
    EndReason,
    Hub,
    HubCallerContext,
    HubEvent,
    HubFilter,
    HubInvocationContext,
    HubServer,
    Notice,
    Observer,
    hub_method,
)
from hubstream.hub.mapping import HubMapping
from hubstream.hub.methods import Kind
from hubstream.hub.options import HubOptions
from hubstream.hub.threads import Threads
from hubstream.streams.channel import Channel
from tests.hub.wire import PING, Wire, call, cancel, done, item, raw, result, stream, turns, until

LIMIT = 5.0
told: list[Any] = []
gate: list[asyncio.Event] = []
current: ContextVar[str] = ContextVar("current", default="outside")


@pytest.fixture(autouse=True)
def fresh() -> None:
    told.clear()
    gate[:] = [asyncio.Event()]


class Sample(Hub):
    def plain(self, a: int) -> int:
        told.append(f"in plain, {current.get()}")
        return a

    async def step(self, a: int) -> int:
        told.append(f"in step, {current.get()}")
        return a

    async def task(self, a: int) -> int:
        await asyncio.sleep(0)
        told.append(f"in task, {current.get()}")
        return a

    def gives(self, a: int) -> Awaitable[int]:
        return self.task(a)

    @hub_method(thread=True)
    def thread(self, a: int) -> int:
        return a

    async def up(self, a: int, numbers: AsyncIterator[int]) -> int:
        return a + sum([n async for n in numbers])

    def reader(self, numbers: ChannelReader[int]) -> int:
        return 7

    async def down(self, a: int) -> AsyncIterator[int]:
        try:
            for n in range(a):
                told.append(f"in down, {current.get()}")
                yield n
        finally:
            told.append("down closed")

    async def channel(self, a: int) -> ChannelReader[int]:
        channel = Channel[int](16)
        for n in range(a):
            await channel.write(n)
        channel.complete()
        return channel.reader

    async def wait(self) -> None:
        await gate[0].wait()

    async def waiting(self) -> AsyncIterator[int]:
        yield 1
        await gate[0].wait()

    async def fail(self) -> None:
        raise LookupError("hidden")

    def odd(self) -> int:
        return object()  # type: ignore[return-value]

    async def broken(self) -> AsyncIterator[int]:
        yield 1
        raise LookupError("hidden")


class Tells(Observer):
    """Notes all it is told."""

    def __init__(self, name: str = "it") -> None:
        self.name = name

    def connection_opened(self, context: HubCallerContext, /) -> None:
        told.append((self.name, "opened", context.connection_id))

    def connection_ended(
        self, context: HubCallerContext, reason: EndReason, error: BaseException | None, seconds: float, /
    ) -> None:
        assert 0 <= seconds < LIMIT
        told.append((self.name, reason, error and str(error)))

    @contextmanager
    def call(self, call: HubInvocationContext, /) -> Generator[None]:
        told.append((self.name, call.method.name, call.context.hub.__name__))
        token = current.set(f"in {self.name}")
        try:
            yield
        except BaseException as error:
            told.append((self.name, type(error)))
            raise
        else:
            told.append((self.name, "done"))
        finally:
            current.reset(token)

    def noticed(self, notice: Notice, /) -> None:
        told.append((self.name, notice.event))


class Quiet(Observer):
    """Watches no call."""

    def connection_opened(self, context: HubCallerContext, /) -> None:
        told.append("opened")


def served(*observers: Observer, hub: type[Hub] = Sample, **options: Any) -> HubServer:
    return HubServer({"/hub": hub}, observers=observers, **options)


async def over(wire: Wire) -> None:
    """The connection has ended."""
    wire.end()
    await wire.closed()
    await turns()


async def test_a_connection_opens_and_ends_once() -> None:
    async with raw(served(Tells())) as wire:
        id_ = wire.server.connection_id
        assert told == [("it", "opened", id_)]
        await over(wire)
        assert told == [("it", "opened", id_), ("it", EndReason.TRANSPORT_CLOSED, None)]


async def test_those_of_the_server_are_told_before_those_of_map() -> None:
    hubs = HubServer(observers=[Tells("server")])
    hubs.map("/hub", Sample, observers=[Tells("map")])
    hubs.map("/other", Sample)
    async with raw(hubs) as wire:
        told.clear()
        wire.call("plain", 1)
        assert await wire.next() == result("1", 1)
    assert told[:5] == [
        ("server", "plain", "Sample"),
        ("map", "plain", "Sample"),
        "in plain, in map",
        ("map", "done"),
        ("server", "done"),
    ]


CALLS: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[Any]]] = {
    "def": (call("plain", 1), [result("1", 1)], ["in plain, in it"]),
    "step": (call("step", 1), [result("1", 1)], ["in step, in it"]),
    "task": (call("task", 1), [result("1", 1)], ["in task, in it"]),
    "an awaitable": (call("gives", 1), [result("1", 1)], ["in task, in it"]),
    "thread": (call("thread", 1), [result("1", 1)], []),
    "a plain reader": (call("reader", streams=["u"]), [result("1", 7)], []),
    "stream": (
        stream("down", 2),
        [item("1", 0), item("1", 1), done("1")],
        ["in down, in it", "in down, in it", "down closed"],
    ),
    "channel": (stream("channel", 1), [item("1", 0), done("1")], []),
}


@pytest.mark.parametrize("case", CALLS)
async def test_what_runs_inside_of_an_observer(case: str) -> None:
    said, answers, inside = CALLS[case]
    async with raw(served(Tells())) as wire:
        told.clear()
        wire.say(said)
        assert await wire.take(len(answers)) == answers
        await turns()
        assert told == [("it", said["target"], "Sample"), *inside, ("it", "done")]
        assert current.get() == "outside"
        wire.call("plain", 2, id="2")
        assert await wire.next() == result("2", 2), "nothing was left behind"


async def test_an_upload_is_watched_to_its_end() -> None:
    async with raw(served(Tells())) as wire:
        told.clear()
        wire.say(call("up", 1, streams=["u"]))
        await turns()
        assert told == [("it", "up", "Sample")]
        wire.say(item("u", 2), done("u"))
        assert await wire.next() == result("1", 3)
        assert told == [("it", "up", "Sample"), ("it", "done")]


ERRORS: dict[str, tuple[dict[str, Any], int, type[BaseException]]] = {
    "a call fails": (call("fail"), 1, LookupError),
    "a stream fails": (stream("broken"), 2, LookupError),
}


@pytest.mark.parametrize("case", ERRORS)
async def test_an_error_goes_through_its_observers(case: str) -> None:
    said, answers, error = ERRORS[case]
    async with raw(served(Tells())) as wire:
        told.clear()
        wire.say(said)
        assert "error" in (await wire.take(answers))[-1]
        await turns()
        assert told == [("it", said["target"], "Sample"), ("it", error), ("it", HubEvent.CALL_FAILED)]


@pytest.mark.parametrize("said", [call("wait"), stream("waiting")], ids=["call", "stream"])
@pytest.mark.parametrize("way", ["cancel", "stop"])
async def test_a_cancelled_call_ends_for_its_observers(said: dict[str, Any], way: str) -> None:
    hubs = served(Tells())
    async with raw(hubs) as wire:
        wire.say(said)
        await turns()
        told.clear()
        if way == "cancel":
            wire.say(cancel("1"))
        else:
            await hubs.aclose()
        await until(lambda: ("it", asyncio.CancelledError) in told)


async def test_a_result_that_cannot_be_written_is_noticed() -> None:
    async with raw(served(Tells())) as wire:
        told.clear()
        wire.call("odd")
        assert "error" in await wire.next()
        assert told == [("it", "odd", "Sample"), ("it", "done"), ("it", HubEvent.CALL_FAILED)]


async def test_what_is_refused_is_noticed_and_not_watched() -> None:
    async with raw(served(Tells())) as wire:
        told.clear()
        wire.say(call("plain", "x"), call("missing", id="2"), stream("plain", 1, id="3"), call("down", 1, id="4"))
        assert all("error" in message for message in await wire.take(4))
        assert told == [
            ("it", HubEvent.ARGUMENTS_INVALID),
            ("it", HubEvent.METHOD_UNKNOWN),
            ("it", HubEvent.CALL_REFUSED),
            ("it", HubEvent.CALL_REFUSED),
        ]


class Doubles(HubFilter):
    async def on_call(self, call: HubInvocationContext, next: Any, /) -> Any:
        told.append(f"filter, {current.get()}")
        return await next(call)


async def test_observers_stand_around_filters() -> None:
    async with raw(served(Tells(), filters=[Doubles()])) as wire:
        told.clear()
        wire.call("plain", 1)
        assert await wire.next() == result("1", 1)
        assert told == [("it", "plain", "Sample"), "filter, in it", "in plain, in it", ("it", "done")]


KINDS = {
    "plain": Kind.DEF,
    "step": Kind.STEP,
    "task": Kind.TASK,
    "gives": Kind.TASK,
    "thread": Kind.TASK,
    "up": Kind.UPLOAD,
    "reader": Kind.UPLOAD,
    "down": Kind.STREAM,
    "channel": Kind.STREAM,
}


def mapped(*observers: Observer) -> HubMapping:
    return HubMapping("/hub", Sample, HubOptions().replace({"observers": observers}), Threads(), dict)


@pytest.mark.parametrize("name", KINDS)
def test_how_a_method_is_run_does_not_depend_on_observers(name: str) -> None:
    bare, quiet, watched = (mapped(*them).tables["json"][name] for them in ((), (Quiet(),), (Tells(),)))
    assert bare.kind == quiet.kind == watched.kind == KINDS[name]
    assert bare.awaited == watched.awaited
    if name != "thread":
        assert bare.function is quiet.function is vars(Sample)[name], (
            "without a watcher of calls nothing stands around it"
        )
    assert watched.function is not bare.function


# -- observers that misbehave


class Raises(Observer):
    """Fails wherever it can."""

    def __init__(self, where: str, error: type[BaseException]) -> None:
        self.where = where
        self.error = error

    def connection_opened(self, context: HubCallerContext, /) -> None:
        self._fail("connection_opened")

    def connection_ended(
        self, context: HubCallerContext, reason: EndReason, error: BaseException | None, seconds: float, /
    ) -> None:
        self._fail("connection_ended")

    def call(self, call: HubInvocationContext, /) -> AbstractContextManager[object]:
        self._fail("call")
        return self._watched()

    @contextmanager
    def _watched(self) -> Generator[None]:
        self._fail("enter")
        try:
            yield
        except Exception:
            self._fail("swallow")
            if self.where == "swallow":
                return
            raise
        finally:
            self._fail("exit")

    def noticed(self, notice: Notice, /) -> None:
        self._fail("noticed")

    def _fail(self, where: str) -> None:
        if where == self.where and where != "swallow":
            raise self.error("observer")


PLACES = {
    "connection_opened": "connection_opened",
    "connection_ended": "connection_ended",
    "call": "call",
    "enter": "call",
    "exit": "call",
    "noticed": "noticed",
    "swallow": None,
}


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
@pytest.mark.parametrize("where", PLACES)
async def test_one_that_raises_is_told_once_and_harms_nothing(
    where: str, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    hubs = served(Raises(where, error), Tells())
    for _ in range(2):
        async with raw(hubs) as wire:
            told.clear()
            wire.say(call("plain", 1), call("task", 2, id="2"), stream("down", 1, id="3"))
            assert sorted(map(str, await wire.take(4))) == sorted(
                map(str, [result("1", 1), result("2", 2), item("3", 0), done("3")])
            )
            wire.say(call("fail", id="4"), call("fail", id="5"))
            assert all("error" in message for message in await wire.take(2)), "what fails, fails"
            assert [it for it in told if it == ("it", "done")] == [("it", "done")] * 3, "the next observer is told"
            assert [it for it in told if it == ("it", LookupError)] == [("it", LookupError)] * 2
            await over(wire)
            assert ("it", EndReason.TRANSPORT_CLOSED, None) in told
    records = [vars(record) for record in caplog.records if vars(record)["event"] == "ObserverFailed"]
    assert len(records) == (PLACES[where] is not None)
    for record in records:
        assert record["exc_info"][0] is error
        assert f"Raises.{PLACES[where]}" in record["msg"] % record["args"]


async def test_one_that_ends_the_program_ends_it() -> None:
    class Exits(Observer):
        def noticed(self, notice: Notice, /) -> None:
            raise SystemExit

    hubs = served(Exits())
    async with raw(hubs) as wire:
        with pytest.raises(SystemExit):
            wire.server.notice(HubEvent.METHOD_UNKNOWN)


async def test_one_that_is_slow_is_told_as_a_call_that_holds_the_loop() -> None:
    class Slow(Observer):
        @contextmanager
        def call(self, call: HubInvocationContext, /) -> Generator[None]:
            time.sleep(0.11)
            yield

    async with raw(served(Slow(), Tells())) as wire:
        wire.say(call("plain", 1), PING)
        assert await wire.next() == result("1", 1)
        assert told.count(("it", HubEvent.LOOP_HELD)) == 1


async def test_one_may_end_the_connection_that_it_is_told_of() -> None:
    class Bouncer(Observer):
        def connection_opened(self, context: HubCallerContext, /) -> None:
            context.abort()

    hubs = served(Bouncer(), Tells())
    with pytest.raises(AssertionError, match="has ended"):
        async with raw(hubs):
            raise AssertionError("the handshake was answered")
    assert [it for it in told if it[1] is EndReason.ABORTED] == [("it", EndReason.ABORTED, None)]
    assert hubs.snapshot()["connections"] == 0


@pytest.mark.parametrize("observers", [[Observer], [object()], ["it"]], ids=repr)
def test_observers_are_objects_of_their_class(observers: Any) -> None:
    with pytest.raises(TypeError, match="derived from Observer"):
        HubServer(observers=observers)


class Awaits(Observer):
    async def noticed(self, notice: Notice, /) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride] - the mistake
        ...


def test_observers_cannot_await() -> None:
    with pytest.raises(TypeError, match=r"Awaits.noticed is called, not awaited: write 'def'"):
        HubServer(observers=[Awaits()])


HEADERS = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
SAID = [call("plain", 1), call("step", 1), call("task", 1), stream("down", 0), call("up", 1, streams=["u"])]


@pytest.mark.parametrize("said", SAID, ids=lambda it: it["target"])
@pytest.mark.parametrize("waits", [False, True])
async def test_a_call_has_the_headers_of_its_message(said: dict[str, Any], waits: bool) -> None:
    seen: list[Any] = []

    class Traces(Observer):
        @contextmanager
        def call(self, call: HubInvocationContext, /) -> Generator[None]:
            seen.append((call.method.name, dict(call.headers)))
            yield

    class Looks(HubFilter):
        async def on_call(self, call: HubInvocationContext, next: Any, /) -> Any:
            seen.append(dict(call.headers))
            return await next(call)

    for filters in ([], [Looks()]):
        seen.clear()
        async with raw(served(Traces(), filters=filters)) as wire:
            if waits:
                wire.call("wait", id="0")
                await turns()
            wire.say({**said, "headers": HEADERS})
            await turns()
            gate[0].set()
            await until(lambda: (said["target"], HEADERS) in seen)
            wire.call("plain", 2, id="2")
            await until(lambda: ("plain", {}) in seen)
            assert seen.count(HEADERS) == len(filters)
