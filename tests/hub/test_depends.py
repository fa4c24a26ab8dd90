"""Dependencies of every kind, where their parameters may stand, and how often each is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import msgspec
import pydantic
import pytest
from typing_extensions import TypeAliasType

from hubstream import ChannelReader, Depends, Hub, HubServer, hub_method
from hubstream.testing import connect
from tests.hub.wire import call, done, item, raw, result

P = ParamSpec("P")
T = TypeVar("T")

LOG: list[str] = []
"""What ran, in order."""


@pytest.fixture(autouse=True)
def clear() -> None:
    LOG.clear()


# -- every kind of dependency


def function() -> str:
    return "function"


async def suspends() -> str:
    await asyncio.sleep(0)
    return "async"


def promises() -> Awaitable[str]:
    return asyncio.sleep(0, "awaitable")


def generator() -> Iterator[str]:
    yield "generator"
    LOG.append("generator closed")


async def async_generator() -> AsyncIterator[str]:
    await asyncio.sleep(0)
    yield "async generator"
    await asyncio.sleep(0)
    LOG.append("async generator closed")


class Plain:
    def __init__(self, value: Annotated[str, Depends(function)]) -> None:
        self.value = value

    def __str__(self) -> str:
        return f"class of {self.value}"


@dataclass
class Data:
    value: Annotated[str, Depends(suspends)]
    limit: int = 3


class Struct(msgspec.Struct):
    value: Annotated[str, Depends(function)]
    limit: int = 3


class Model(pydantic.BaseModel):
    value: Annotated[str, Depends(function)]
    limit: int = 3


class Instance:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, value: Annotated[str, Depends(function)]) -> str:
        return f"{self.name} of {value}"

    async def method(self, value: Annotated[str, Depends(function)]) -> str:
        return f"method of {value}"


class Generates:
    async def __call__(self) -> AsyncIterator[str]:
        yield "generating instance"
        LOG.append("generating instance closed")


class Unhashable(Instance):
    __hash__ = None  # type: ignore[assignment]  # as a dataclass with __eq__ has

    def __eq__(self, other: object) -> bool:
        return self is other


def passes(function: Callable[P, T]) -> Callable[P, T]:
    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    return wrapper


@passes
def wrapped() -> Iterator[str]:
    yield "wrapped"
    LOG.append("wrapped closed")


@passes
async def wrapped_async(value: Annotated[str, Depends(function)]) -> str:
    return f"wrapped {value}"


def positional(limit: int = 3, value: Annotated[str, Depends(function)] = "", /) -> str:
    return f"{limit} {value}"


def filled(prefix: str, value: Annotated[str, Depends(function)], *args: Any, limit: int = 3, **options: Any) -> str:
    return f"{prefix} {value} {args} {limit} {options}"


def by_default(value: str = Depends(function)) -> str:  # type: ignore[assignment]  # pyright: ignore[reportArgumentType] - the old way
    return f"default {value}"


Alias = TypeAliasType("Alias", Annotated[str, Depends(function)])
"""As `type Alias = ...` in Python 3.12."""


def by_alias(value: Alias) -> str:
    return f"alias {value}"


def by_text(value: "Annotated[str, Depends(function)]") -> str:  # noqa: UP037 - quoted twice, as people do
    return f"text {value}"


KINDS: dict[str, tuple[Any, str, list[str]]] = {
    "function": (function, "function", []),
    "lambda": (lambda: "lambda", "lambda", []),
    "async": (suspends, "async", []),
    "awaitable": (promises, "awaitable", []),
    "generator": (generator, "generator", ["generator closed"]),
    "async generator": (async_generator, "async generator", ["async generator closed"]),
    "class": (Plain, "class of function", []),
    "dataclass": (Data, "Data(value='async', limit=3)", []),
    "struct": (Struct, "Struct(value='function', limit=3)", []),
    "model": (Model, "value='function' limit=3", []),
    "instance": (Instance("it"), "it of function", []),
    "bound method": (Instance("it").method, "method of function", []),
    "generating instance": (Generates(), "generating instance", ["generating instance closed"]),
    "unhashable": (Unhashable("it"), "it of function", []),
    "wrapped generator": (wrapped, "wrapped", ["wrapped closed"]),
    "wrapped async": (wrapped_async, "wrapped function", []),
    "positional only": (positional, "3 function", []),
    "partial": (partial(filled, "a", limit=4), "a function () 4 {}", []),
    "partial of async": (partial(suspends), "async", []),
    "partial of a generator": (partial(generator), "generator", ["generator closed"]),
    "marked by its default": (by_default, "default function", []),
    "marked in an alias": (by_alias, "alias function", []),
    "quoted twice": (by_text, "text function", []),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_dependency(kind: str) -> None:
    dependency, gives, closed = KINDS[kind]
    marker: Any = Depends(dependency)

    class Gets(Hub):
        async def call(self, n: int, value: Any = marker) -> str:
            return f"{n}: {value}"

        async def stream(self, n: int, value: Any = marker) -> AsyncIterator[str]:
            yield f"{n}: {value}"
            LOG.append("streamed")

    async with raw(Gets) as wire:
        wire.call("call", 1)
        assert await wire.next() == result("1", f"1: {gives}")
        assert closed == LOG
        LOG.clear()
        wire.stream("stream", 2)
        assert await wire.take(2) == [item("1", f"2: {gives}"), done("1")]
        assert ["streamed", *closed] == LOG


# -- where injected parameters stand

Function = Annotated[str, Depends(function)]


class Places(Hub):
    def plain(self, value: Function) -> str:
        return value

    async def stepped(self, value: Function, n: int) -> str:
        return f"{value} {n}"

    async def task(self, n: int, value: Function, m: int = 2) -> str:
        await asyncio.sleep(0)
        return f"{n} {value} {m}"

    def awaitable(self, value: Function) -> Awaitable[str]:
        return asyncio.sleep(0, value)

    async def by_name(self, n: int = 1, *, value: Function) -> str:
        return f"{n} {value}"

    async def upload(self, a: AsyncIterator[int], value: Function, b: ChannelReader[int], n: int) -> str:
        return f"{[i async for i in a]} {value} {[i async for i in b]} {n}"

    async def stream(self, value: Function, a: AsyncIterator[int]) -> AsyncIterator[str]:
        async for n in a:
            yield f"{value} {n}"

    async def later(self, value: Function) -> AsyncIterator[str]:
        return self._items(value)

    async def a_stream(self, items: Annotated[AsyncIterator[int], Depends(lambda: None)]) -> str:
        return repr(items)

    @hub_method(thread=True)
    def threaded(self, n: int, value: Function) -> str:
        return f"{n} {value}"

    @hub_method(thread=True)
    def threaded_stream(self, value: Function) -> Iterator[str]:
        yield value

    async def _items(self, value: str) -> AsyncIterator[str]:
        yield value


PLACES: dict[str, tuple[tuple[Any, ...], str]] = {
    "plain": ((), "function"),
    "stepped": ((1,), "function 1"),
    "task": ((1,), "1 function 2"),
    "awaitable": ((), "function"),
    "by_name": ((), "1 function"),
    "a_stream": ((), "None"),
    "threaded": ((1,), "1 function"),
}


@pytest.mark.parametrize("name", PLACES)
async def test_injected_parameters_stand_anywhere(name: str) -> None:
    arguments, gives = PLACES[name]
    async with raw(Places) as wire:
        wire.call(name, *arguments)
        assert await wire.next() == result("1", gives)


async def test_beside_streams_of_the_client() -> None:
    async with raw(Places) as wire:
        wire.call("upload", 7, streams=["a", "b"])
        wire.say(item("b", 2), item("a", 1), done("a"), done("b"))
        assert await wire.next() == result("1", "[1] function [2] 7")
        wire.stream("stream", streams=["c"])
        wire.say(item("c", 3), done("c"))
        assert await wire.take(2) == [item("1", "function 3"), done("1")]


@pytest.mark.parametrize("name", ["later", "threaded_stream"])
async def test_streams_of_other_kinds(name: str) -> None:
    async with raw(Places) as wire:
        wire.stream(name)
        assert await wire.take(2) == [item("1", "function"), done("1")]


async def test_clients_cannot_send_what_is_injected() -> None:
    async with raw(HubServer({"/hub": Places}, detailed_errors=True)) as wire:
        wire.call("plain", "mine")
        provides = "InvalidDataException: Invocation provides 1 argument(s) but target expects 0."
        assert await wire.next() == done("1", f"Failed to invoke 'plain' due to an error on the server. {provides}")


# -- how often each is made


def counted() -> int:
    LOG.append("made")
    return len(LOG)


def twice(a: Annotated[int, Depends(counted)], b: Annotated[int, Depends(counted)]) -> tuple[int, int]:
    return a, b


class Counts(Hub):
    async def cached(
        self, a: Annotated[int, Depends(counted)], b: Annotated[tuple[int, int], Depends(twice)]
    ) -> list[int]:
        return [a, *b]

    async def anew(
        self,
        a: Annotated[int, Depends(counted)],
        b: Annotated[int, Depends(counted, use_cache=False)],
        c: Annotated[int, Depends(counted)],
    ) -> list[int]:
        return [a, b, c]


@pytest.mark.parametrize(
    ("name", "first", "second"), [("cached", [1, 1, 1], [2, 2, 2]), ("anew", [1, 2, 1], [3, 4, 3])]
)
async def test_made_once_in_a_call(name: str, first: list[int], second: list[int]) -> None:
    async with connect(HubServer({"/hub": Counts}), Counts) as connection:
        assert await connection.invoke(name, result=list[int]) == first
        assert await connection.invoke(name, result=list[int]) == second


async def test_calls_side_by_side_have_their_own() -> None:
    gate = asyncio.Event()

    class Waits(Hub):
        async def call(self, n: int, mine: Annotated[list[int], Depends(lambda: [len(LOG)])]) -> list[int]:
            LOG.append("")
            mine.append(n)
            await gate.wait()
            return mine

    async with raw(HubServer({"/hub": Waits}, parallel_invocations=2)) as wire:
        wire.say(call("call", 1, id="1"), call("call", 2, id="2"))
        while len(LOG) < 2:  # noqa: ASYNC110 - bounded by the turns that two calls need
            await asyncio.sleep(0)
        gate.set()
        assert await wire.take(2) == [result("1", [0, 1]), result("2", [1, 2])]
