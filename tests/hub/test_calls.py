"""What a call is given and what its caller gets: arguments, results, error texts, context variables, spawned tasks (spec 6.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from hubstream import Hub, HubError, HubServer
from tests.clock import EAGER
from tests.hub.wire import call, cancel, done, item, raw, result, stream, turns, until

LOOPS = EAGER

variable: ContextVar[Any] = ContextVar("variable", default="none")


@dataclass
class Point:
    x: int
    y: int = 0


class Line(msgspec.Struct):
    start: Point
    ends: list[Point] = msgspec.field(default_factory=list)


@dataclass
class Strict:
    n: int

    def __post_init__(self) -> None:
        raise KeyError(self.n)


@dataclass
class Unwritable:
    inner: object = field(default_factory=object)


class Strange(BaseException):
    """No Exception: what a test framework or another event library raises."""


class BrokenText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text either")


class OwnError(HubError):
    def __init__(self) -> None:  # its base is not asked
        Exception.__init__(self, "own")


ERRORS: dict[str, BaseException] = {
    "secret": ValueError("secret"),
    "shown": HubError("shown"),
    "code": HubError("shown", "E1"),
    "data": HubError("shown", "E1", {"at": [1]}),
    "bad data": HubError("shown", "E1", {"at": object()}),
    "bad text": HubError("half \ud83d"),
    "own": OwnError(),
    "broken": BrokenText(),
    "strange": Strange("far"),
    "group": BaseExceptionGroup("several", [asyncio.CancelledError(), ValueError("one")]),
    "cancelled": asyncio.CancelledError(),
    "timeout": TimeoutError(),
}


class Calls(Hub):
    log: list[str] = []  # noqa: RUF012 - emptied by the fixture
    kept: list[Any] = []  # noqa: RUF012 - emptied by the fixture
    gate: asyncio.Event

    # what they are given

    def builtins(self, a: int, b: float, c: bool, d: str, e: None) -> list[Any]:
        return [a, b, c, d, e]

    def containers(self, a: list[int], b: dict[str, list[bool]], c: tuple[int, str], d: set[int]) -> list[Any]:
        return [a, b, list(c), sorted(d)]

    def optional(self, a: int | None, b: str | None = "left out") -> list[Any]:
        return [a, b]

    def defaults(self, a: int = 1, b: int = 2, c: int = 3) -> list[int]:
        return [a, b, c]

    def anything(self, a: Any, b) -> list[Any]:  # type: ignore[no-untyped-def]  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType] - not annotated is anything
        return [a, b]

    def objects(self, point: Point, line: Line) -> list[Any]:
        assert type(point) is Point
        assert type(line) is Line
        assert all(type(end) is Point for end in [line.start, *line.ends])
        return [point.x, point.y, line.start.y, len(line.ends)]

    def strict(self, value: Strict) -> None: ...

    # how they answer

    def fail_def(self, which: str) -> None:
        raise ERRORS[which]

    async def fail_step(self, which: str) -> None:
        raise ERRORS[which]

    async def fail_task(self, which: str) -> None:
        await asyncio.sleep(0)
        raise ERRORS[which]

    async def fail_upload(self, which: str, numbers: AsyncIterator[int]) -> None:
        raise ERRORS[which]

    async def fail_stream(self, which: str) -> AsyncIterator[int]:
        if which:
            raise ERRORS[which]
        yield 1

    def bad_def(self) -> Any:
        return object()

    async def bad_step(self) -> Unwritable:
        return Unwritable()

    async def bad_task(self) -> Any:
        await asyncio.sleep(0)
        return object()

    async def bad_upload(self, numbers: AsyncIterator[int]) -> Any:
        return object()

    def awaitable(self, n: int) -> Awaitable[int]:
        return asyncio.sleep(0, n)

    async def nothing(self) -> None: ...

    # context variables

    def set_def(self) -> Any:
        return self._set()

    async def set_step(self) -> Any:
        return self._set()

    async def set_task(self) -> Any:
        await asyncio.sleep(0)
        return self._set()

    async def set_upload(self, numbers: AsyncIterator[int]) -> Any:
        return self._set()

    async def set_stream(self) -> AsyncIterator[Any]:
        yield self._set()

    def set_array(self) -> str:
        variable.set(Array())
        return "set"

    def _set(self) -> Any:
        seen = variable.get()
        variable.set("of another call")
        return seen

    # tasks

    async def wait(self) -> str:
        await self.gate.wait()
        return "waited"

    async def cancels_itself(self) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        return "not reached"

    async def cancels_itself_late(self) -> str:
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "done"

    async def cancels_itself_at_once(self) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "done"

    async def keeps_its_task(self) -> str:
        self.kept.append(asyncio.current_task())
        await asyncio.sleep(0)
        return "kept"

    async def times_out(self) -> str:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
        return "not reached"

    async def grouped(self, fail: bool) -> str:
        async def work() -> None:
            await asyncio.sleep(0)
            if fail:
                raise ValueError("in the group")

        async with asyncio.TaskGroup() as group:
            group.create_task(work())
        return "grouped"

    # spawned

    async def spawns(self, wait: bool) -> str:
        self.spawn(self._log_its_end())
        await asyncio.sleep(0)
        if wait:
            await self.gate.wait()
        return "spawned"

    async def spawns_failing(self) -> str:
        async def fails() -> None:
            raise ValueError("in the background")

        task = self.spawn(fails())
        await asyncio.wait([task])
        return "spawned"

    def spawns_in_vain(self) -> None:
        self.spawn(self._log_its_end())

    async def spawns_too_late(self) -> None:
        self.kept.append(self)
        await asyncio.sleep(0)
        self.spawn(asyncio.sleep(0))

    async def _log_its_end(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append("spawned task ended")


class Array:
    """Comparing two of them raises, as numpy's arrays do."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")


@pytest.fixture(autouse=True)
def fresh() -> None:
    Calls.log.clear()
    Calls.kept.clear()
    Calls.gate = asyncio.Event()


def misfit(target: str, detail: str = "") -> str:
    return f"Failed to invoke '{target}' due to an error on the server.{detail}"


FITS: list[tuple[str, list[Any], Any]] = [
    ("builtins", [1, 2.5, True, "x", None], [1, 2.5, True, "x", None]),
    ("builtins", [1, 2, False, "", None], [1, 2, False, "", None]),
    ("containers", [[1], {"a": [True]}, [1, "x"], [3, 3]], [[1], {"a": [True]}, [1, "x"], [3]]),
    ("optional", [None, None], [None, None]),
    ("optional", [3], [3, "left out"]),
    ("defaults", [], [1, 2, 3]),
    ("defaults", [9, 8], [9, 8, 3]),
    ("defaults", [9, 8, 7], [9, 8, 7]),
    ("anything", [{"a": [1]}, "b"], [{"a": [1]}, "b"]),
    ("objects", [{"x": 1}, {"start": {"x": 2, "y": 3}, "ends": [{"x": 4}]}], [1, 0, 3, 1]),
    ("awaitable", [7], 7),
    ("nothing", [], None),
]


@pytest.mark.parametrize(("target", "arguments", "answer"), FITS)
async def test_arguments(target: str, arguments: list[Any], answer: Any) -> None:
    async with raw(Calls) as wire:
        wire.call(target, *arguments)
        assert await wire.next() == result("1", answer)


TOO_MANY = " InvalidDataException: Invocation provides {} argument(s) but target expects {}."
WRONG = (
    " InvalidDataException: Error binding arguments. Make sure that the types of the provided values match "
    "the types of the hub method being invoked."
)
MISFITS: list[tuple[str, list[Any], str]] = [
    ("builtins", [1, 2.5, True, "x"], TOO_MANY.format(4, 5)),
    ("builtins", [1, 2.5, True, "x", None, 1], TOO_MANY.format(6, 5)),
    ("defaults", [1, 2, 3, 4], TOO_MANY.format(4, 3)),
    ("nothing", [1], TOO_MANY.format(1, 0)),
    ("builtins", ["1", 2.5, True, "x", None], WRONG),
    ("builtins", [1.5, 2.5, True, "x", None], WRONG),
    ("optional", ["x"], WRONG),
    ("objects", [{"y": 1}, {"start": {"x": 1}}], WRONG),
    ("strict", [{"n": 1}], WRONG),
]


@pytest.mark.parametrize("detailed", [False, True])
@pytest.mark.parametrize(("target", "arguments", "detail"), MISFITS)
async def test_arguments_that_do_not_fit(target: str, arguments: list[Any], detail: str, detailed: bool) -> None:
    async with raw(HubServer({"/hub": Calls}, detailed_errors=detailed)) as wire:
        wire.call(target, *arguments)
        assert await wire.next() == done("1", misfit(target, detail if detailed else ""))
        wire.call("nothing")
        assert await wire.next() == result("1")


def miscounted(target: str, sent: int, expected: int) -> str:
    text = f"Client sent {sent} stream(s), Hub method expects {expected}."
    return f"An unexpected error occurred invoking '{target}' on the server. HubException: {text}"


SHAPES: list[tuple[dict[str, Any], str]] = [
    (call("none"), misfit("none", " HubException: Method does not exist.")),
    (stream("none"), misfit("none", " HubException: Method does not exist.")),
    (call("on_connected"), misfit("on_connected", " HubException: Method does not exist.")),
    (call("spawn", 1), misfit("spawn", " HubException: Method does not exist.")),
    (call("_set"), misfit("_set", " HubException: Method does not exist.")),
    (call(""), misfit("", " HubException: Method does not exist.")),
    (
        call("SetStream"),
        "The client attempted to invoke the streaming 'set_stream' method with a non-streaming invocation.",
    ),
    (
        stream("set_def"),
        "The client attempted to invoke the non-streaming 'set_def' method with a streaming invocation.",
    ),
    (
        stream("set_upload", streams=["u"]),
        "The client attempted to invoke the non-streaming 'set_upload' method with a streaming invocation.",
    ),
    (call("set_stream", 1), misfit("set_stream")),
    (stream("set_def", 1), misfit("set_def")),
    (call("set_def", streams=["a"]), miscounted("set_def", 1, 0)),
    (call("set_task", streams=["a", "b"]), miscounted("set_task", 2, 0)),
    (call("set_upload"), miscounted("set_upload", 0, 1)),
    (call("set_upload", streams=[]), miscounted("set_upload", 0, 1)),
    (stream("set_stream", streams=["a"]), miscounted("set_stream", 1, 0)),
]


@pytest.mark.parametrize(("message", "text"), SHAPES, ids=[f"{m['type']} {m['target']}" for m, _ in SHAPES])
async def test_calls_of_the_wrong_shape(message: dict[str, Any], text: str) -> None:
    async with raw(Calls) as wire:
        wire.say(message, item("a", 1))
        assert await wire.next() == done("1", text)
        wire.call("nothing")
        assert await wire.next() == result("1")


# What a caller sees, without and with detailed errors.
TEXTS: dict[str, tuple[str, str]] = {
    "secret": ("", " ValueError: secret"),
    "shown": (" HubException: shown", " HubException: shown"),
    "code": (" HubException: shown [E1]", " HubException: shown [E1]"),
    "data": (' HubException: shown [E1 {"at":[1]}]', ' HubException: shown [E1 {"at":[1]}]'),
    "bad data": (" HubException: shown [E1]", " HubException: shown [E1]"),
    "bad text": (" HubException: half \ufffd", " HubException: half \ufffd"),
    "own": (" HubException: own", " HubException: own"),
    "broken": ("", " BrokenText"),
    "strange": ("", " Strange: far"),
    "group": ("", " BaseExceptionGroup: several (2 sub-exceptions)"),
    "cancelled": ("", " CancelledError: "),
    "timeout": ("", " TimeoutError: "),
}


@pytest.mark.parametrize("detailed", [False, True])
@pytest.mark.parametrize("way", ["def", "step", "task", "upload", "stream"])
async def test_errors(way: str, detailed: bool, caplog: pytest.LogCaptureFixture) -> None:
    async with raw(HubServer({"/hub": Calls}, detailed_errors=detailed)) as wire:
        for which, texts in TEXTS.items():
            caplog.clear()
            if way == "stream":
                wire.stream("fail_stream", which)
                prefix = "An error occurred on the server while streaming results."
            else:
                wire.call(f"fail_{way}", which, streams=["u"] if way == "upload" else None)
                prefix = f"An unexpected error occurred invoking 'fail_{way}' on the server."
            answer = await wire.next()
            assert answer == done("1", prefix + texts[detailed]), which
            logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
            if isinstance(ERRORS[which], HubError):
                assert len(logged) == (which == "bad data")
            else:
                assert len(logged) == 1
                assert wire.server.connection_id in logged[0].getMessage()
                assert f"'fail_{way}'" in logged[0].getMessage()
                assert "invocation 1" in logged[0].getMessage()
                assert logged[0].exc_info is not None
                assert logged[0].exc_info[1] is ERRORS[which]
        wire.call("nothing")
        assert await wire.next() == result("1")


@pytest.mark.parametrize("way", ["def", "step", "task", "upload"])
async def test_a_result_that_cannot_be_written(way: str, caplog: pytest.LogCaptureFixture) -> None:
    async with raw(Calls) as wire:
        for _ in range(3):
            wire.call(f"bad_{way}", streams=["u"] if way == "upload" else None)
            assert await wire.next() == done("1", f"An unexpected error occurred invoking 'bad_{way}' on the server.")
        wire.call("nothing")
        assert await wire.next() == result("1")
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 3


@pytest.mark.parametrize("behind", [False, True], ids=["alone", "behind a running call"])
async def test_context_variables_do_not_leak_from_call_to_call(behind: bool) -> None:
    variable.set("of the request")
    hubs = HubServer({"/hub": Calls}, parallel_invocations=1)
    async with raw(hubs) as wire:
        variable.set("of later")
        calls: list[dict[str, Any]] = []
        for n, way in enumerate(
            ("def", "task", "def", "step", "upload", "task", "task", "stream", "step", "step", "def")
        ):
            if way == "stream":
                calls.append(stream("set_stream", id=str(n)))
            else:
                calls.append(call(f"set_{way}", id=str(n), streams=[f"u{n}"] if way == "upload" else None))
        if behind:
            calls.insert(0, call("wait", id="W"))
        wire.say(*calls)
        await turns()
        Calls.gate.set()
        answers = await wire.take(len(calls) + 1)
        seen = [message.get("result", message.get("item")) for message in answers if len(message) == 3]
        assert [value for value in seen if value != "waited"] == ["of the request"] * 11
        assert variable.get() == "of later"


async def test_a_context_variable_that_cannot_be_compared() -> None:
    variable.set(Array())
    async with raw(Calls) as wire:
        wire.say(call("set_array", id="1"), call("wait", id="2"), call("set_array", id="3"), call("nothing", id="4"))
        assert await wire.next() == result("1", "set")
        Calls.gate.set()
        assert await wire.take(3) == [result("2", "waited"), result("3", "set"), result("4")]


OWN_TASK: list[tuple[str, dict[str, Any]]] = [
    ("cancels_itself", done("1", "An unexpected error occurred invoking 'cancels_itself' on the server.")),
    ("cancels_itself_late", result("1", "done")),
    ("cancels_itself_at_once", result("1", "done")),
    ("keeps_its_task", result("1", "kept")),
    ("times_out", done("1", "An unexpected error occurred invoking 'times_out' on the server.")),
]


@pytest.mark.parametrize(("target", "answer"), OWN_TASK)
async def test_what_a_call_does_to_its_task_does_not_reach_the_next(target: str, answer: dict[str, Any]) -> None:
    async with raw(Calls) as wire:
        wire.say(call(target, id="1"), call("wait", id="2"), call(target, id="1"))
        assert await wire.next() == answer
        await turns()
        for task in Calls.kept:
            task.cancel()
        await turns()
        Calls.gate.set()
        assert await wire.take(2) == [result("2", "waited"), answer]


async def test_task_groups() -> None:
    async with raw(Calls) as wire:
        wire.say(*(call("grouped", n % 2 == 1, id=str(n)) for n in range(6)))
        fails = "An unexpected error occurred invoking 'grouped' on the server."
        for n, message in enumerate(await wire.take(6)):
            assert message == (done(str(n), fails) if n % 2 else result(str(n), "grouped"))


@pytest.mark.parametrize("ending", ["return", "cancel"])
async def test_a_spawned_task_ends_with_its_call(ending: str) -> None:
    async with raw(Calls) as wire:
        wire.call("spawns", ending == "cancel")
        await turns()
        if ending == "cancel":
            assert Calls.log == []
            wire.say(cancel("1"))
            await wire.next()
        else:
            assert await wire.next() == result("1", "spawned")
        await until(lambda: Calls.log == ["spawned task ended"])


async def test_a_spawned_task_of_a_lost_connection_ends_with_its_call() -> None:
    async with raw(Calls) as wire:
        wire.call("spawns", True)
        await turns()
        wire.end()
        await wire.closed()
        await turns()
        assert Calls.log == [], "a plain call runs on"
        Calls.gate.set()
        await until(lambda: Calls.log == ["spawned task ended"])


async def test_an_error_in_a_spawned_task_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with raw(Calls) as wire:
        wire.call("spawns_failing")
        assert await wire.next() == result("1", "spawned")
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "a task of 'spawns_failing' failed" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


async def test_spawning_where_nothing_waits_is_an_error() -> None:
    text = " HubstreamError: spawn() in a method that never waits"
    async with raw(HubServer({"/hub": Calls}, detailed_errors=True)) as wire:
        wire.call("spawns_in_vain")
        assert text in (await wire.next())["error"]
        wire.say(call("wait", id="0"), call("spawns_in_vain"))
        await turns()
        Calls.gate.set()
        await wire.next()
        assert text in (await wire.next())["error"]


async def test_spawning_after_the_call_is_an_error() -> None:
    async with raw(Calls) as wire:
        wire.call("spawns_too_late")
        await wire.next()
        work = Calls.kept[0]._log_its_end()
        with pytest.raises(Exception, match="is over"):
            Calls.kept[0].spawn(work)


async def test_a_hub_that_cannot_be_made_is_the_error_of_its_call(caplog: pytest.LogCaptureFixture) -> None:
    broken = False

    def factory(hub: type[Hub]) -> Hub:
        if broken:
            raise ConnectionRefusedError("no database")
        return hub()

    async with raw(HubServer({"/hub": Calls}, factory=factory)) as wire:
        wire.call("wait", id="W")
        await turns()
        broken = True
        wire.say(call("nothing", id="1"), call("wait", id="2"))
        Calls.gate.set()
        assert await wire.next() == result("W", "waited")
        fails = "An unexpected error occurred invoking '{}' on the server."
        assert await wire.take(2) == [done("1", fails.format("nothing")), done("2", fails.format("wait"))]
        wire.say(call("nothing"), call("wait"), call("set_upload", streams=["u"]), stream("set_stream"))
        names = ("nothing", "wait", "set_upload", "set_stream")
        assert await wire.take(4) == [done("1", fails.format(name)) for name in names]
        broken = False
        wire.say(call("set_upload", streams=["u"]))
        assert (await wire.next())["type"] == 3
        wire.call("nothing")
        assert await wire.next() == result("1")
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 6
