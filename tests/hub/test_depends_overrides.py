"""Dependencies that others stand in for, as tests do it: `hubs.dependency_overrides`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest

from hubstream import Depends, Hub, HubServer
from tests.hub.wire import done, item, raw, result

LOG: list[str] = []


@pytest.fixture(autouse=True)
def clear() -> None:
    LOG.clear()


def settings() -> str:
    return "real"


def database(settings: Annotated[str, Depends(settings)]) -> Iterator[str]:
    yield f"database of {settings}"
    LOG.append("database closed")


class Repository:
    def __init__(self, database: Annotated[str, Depends(database)]) -> None:
        self.database = database


class Wraps:
    """Not hashable: it cannot be overridden, and does not get in the way."""

    __hash__ = None  # type: ignore[assignment]  # as a dataclass with __eq__ has

    def __eq__(self, other: object) -> bool:
        return self is other

    def __call__(self, settings: Annotated[str, Depends(settings)]) -> str:
        return settings


class Uses(Hub):
    async def call(self, a: Annotated[str, Depends(settings)], b: Annotated[Repository, Depends(Repository)]) -> str:
        return f"{a}, {b.database}"

    async def stream(self, b: Annotated[Repository, Depends(Repository)]) -> AsyncIterator[str]:
        yield b.database

    async def unhashable(self, a: Annotated[str, Depends(Wraps())]) -> str:
        return a


async def later() -> str:
    return "later"


async def opened() -> AsyncIterator[str]:
    yield "opened"
    LOG.append("opened closed")


def with_more(settings: Annotated[str, Depends(settings)], limit: int = 3) -> str:
    return f"{settings} {limit}"


def constant(value: str) -> Callable[[], str]:
    return lambda: value


class Fake:
    database = "fake"


OVERRIDES: dict[str, tuple[dict[Callable[..., Any], Callable[..., Any]], str, list[str]]] = {
    "nothing": ({}, "real, database of real", ["database closed"]),
    "a value": ({settings: lambda: "fake"}, "fake, database of fake", ["database closed"]),
    "an async one": ({settings: later}, "later, database of later", ["database closed"]),
    "a generator": ({settings: opened}, "opened, database of opened", ["database closed", "opened closed"]),
    "one further in": ({database: lambda: "fake"}, "real, fake", []),
    "a class": ({Repository: Fake}, "real, fake", []),
    "one with dependencies": ({database: with_more}, "real, real 3", []),
    "both": ({database: with_more, settings: later}, "later, later 3", []),
    "itself": ({settings: settings}, "real, database of real", ["database closed"]),
    "something else": ({later: opened}, "real, database of real", ["database closed"]),
}


@pytest.mark.parametrize("name", OVERRIDES)
async def test_an_override(name: str) -> None:
    overrides, gives, closed = OVERRIDES[name]
    hubs = HubServer({"/hub": Uses})
    async with raw(hubs) as wire:
        hubs.dependency_overrides.update(overrides)
        for _ in range(2):
            wire.call("call")
            assert await wire.next() == result("1", gives)
            assert closed == LOG
            LOG.clear()
        wire.stream("stream")
        assert await wire.take(2) == [item("1", gives.split(", ")[1]), done("1")]
        wire.call("unhashable")
        assert await wire.next() == result("1", gives.split(", ", maxsplit=1)[0])


async def test_they_are_looked_up_for_each_call() -> None:
    hubs = HubServer({"/hub": Uses})
    async with raw(hubs) as wire:
        for value in ("one", "two", None, "one"):
            if value is None:
                hubs.dependency_overrides.clear()
            else:
                hubs.dependency_overrides[database] = constant(value)
            wire.call("call")
            assert await wire.next() == result("1", f"real, {value or 'database of real'}")


async def test_a_server_has_its_own() -> None:
    hubs, others = HubServer({"/hub": Uses}), HubServer({"/hub": Uses})
    hubs.dependency_overrides[database] = lambda: "fake"
    async with raw(hubs) as wire, raw(others) as other:
        wire.call("call")
        other.call("call")
        assert await wire.next() == result("1", "real, fake")
        assert await other.next() == result("1", "real, database of real")


def asks_for_too_much(limit: int) -> str:
    return str(limit)


def needs_what_it_replaces(database: Annotated[str, Depends(database)]) -> str:
    return database


def first(value: Annotated[str, Depends(later)]) -> str:
    return value


def second(settings: Annotated[str, Depends(settings)]) -> str:
    return settings


MISTAKES: dict[str, tuple[dict[Callable[..., Any], Any], str]] = {
    "unfilled": (
        {database: asks_for_too_much},
        "Uses.call -> Repository -> database -> asks_for_too_much: nothing fills 'limit'",
    ),
    "circle": (
        {database: needs_what_it_replaces},
        "a dependency needs itself: database -> needs_what_it_replaces -> database",
    ),
    "wide circle": (
        {settings: first, later: second},
        "a dependency needs itself: settings -> first -> later -> second -> settings",
    ),
    "no callable": ({database: 5}, "it depends on 5, which cannot be called"),
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_in_one_is_the_calls_error(name: str, caplog: pytest.LogCaptureFixture) -> None:
    overrides, text = MISTAKES[name]
    hubs = HubServer({"/hub": Uses})
    async with raw(hubs) as wire:
        hubs.dependency_overrides.update(overrides)
        wire.call("call")
        assert await wire.next() == done("1", "An unexpected error occurred invoking 'call' on the server.")
        assert text in caplog.text
        hubs.dependency_overrides.clear()
        wire.call("call")
        assert await wire.next() == result("1", "real, database of real")


async def test_they_can_be_set_as_fastapis_are_reset() -> None:
    shared: dict[Callable[..., Any], Callable[..., Any]] = {database: lambda: "fake"}
    hubs = HubServer({"/hub": Uses})
    hubs.dependency_overrides = shared
    async with raw(hubs) as wire:
        wire.call("call")
        assert await wire.next() == result("1", "real, fake")
        hubs.dependency_overrides = {}
        wire.call("call")
        assert await wire.next() == result("1", "real, database of real")
