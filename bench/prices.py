"""`python -m bench.prices`: what one of each feature costs, inside one process.

A hub with the feature and one without do the same work in turn; the figure is the median of the differences, nanoseconds of
thread CPU time.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import statistics
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from bench.featured import Counted, Passing, authenticate, may
from bench.inside import QUIET, Row, calls, joined, loop_factory, nanoseconds, stream
from hubstream import DOTNET, Depends, Hub, HubFilter, HubServer, Options

PAIRS = 25


class Plain(Hub):
    """Without anything."""

    async def Add(self, a: int, b: int) -> int:
        return a + b

    async def AddAwait(self, a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    async def Counter(self, count: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n


class Allowed(Hub):
    """`@authorize(role=...)` on every method."""

    @may
    async def Add(self, a: int, b: int) -> int:
        return a + b

    @may
    async def AddAwait(self, a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    @may
    async def Counter(self, count: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n


def plain() -> int:
    """A dependency that returns."""
    return 1


async def awaited() -> int:
    """One that is awaited."""
    return 1


def generator() -> Iterator[int]:
    """One that is closed after the call."""
    yield 1


async def async_generator() -> AsyncIterator[int]:
    """The same, async."""
    yield 1


def given(dependency: Any) -> type[Hub]:
    """A hub whose methods have a dependency."""

    class Given(Hub):
        async def Add(self, a: int, b: int, one: Any = Depends(dependency)) -> int:
            return a + b

        async def AddAwait(self, a: int, b: int, one: Any = Depends(dependency)) -> int:
            await asyncio.sleep(0)
            return a + b

        async def Counter(self, count: int, one: Any = Depends(dependency)) -> AsyncIterator[int]:
            for n in range(count):
                yield n

    return Given


class OnCall(HubFilter):
    """Passes calls on."""

    on_call = Passing.on_call


class OnStream(HubFilter):
    """Passes items on."""

    on_stream = Passing.on_stream


PRICES: list[tuple[str, type[Hub], Options]] = [
    ("a filter of calls", Plain, {"filters": [OnCall()]}),
    ("a filter of streams", Plain, {"filters": [OnStream()]}),
    ("a dependency", given(plain), {}),
    ("a dependency, async", given(awaited), {}),
    ("a dependency, a generator", given(generator), {}),
    ("a dependency, an async generator", given(async_generator), {}),
    ("@authorize", Allowed, {"authenticate": authenticate}),
    ("an observer of calls", Plain, {"observers": [Counted()]}),
]
WORK = [
    ("a call", calls("Add", 1, 2)),
    ("a call that waits", calls("AddAwait", 1, 2)),
    ("a stream of one", calls("Counter", 1, type=4)),
    ("an item", stream("Counter", 5_000)),
]


# ---- objects


class Point(Struct):
    """msgspec's."""

    x_axis: float
    y_axis: float
    name: str


@dataclass
class DataPoint:
    """The standard library's."""

    x_axis: float
    y_axis: float
    name: str


def moving(kind: Any) -> type[Hub]:
    """A hub that takes and gives objects."""

    class Moving(Hub):
        async def Move(self, point: Any) -> Any:
            return point

        async def Points(self, count: int) -> AsyncIterator[Any]:
            for _ in range(count):
                yield kind(x_axis=1.5, y_axis=2.5, name="abcdef")

    Moving.Move.__annotations__ |= {"point": kind, "return": kind}
    Moving.Points.__annotations__["return"] = AsyncIterator[kind]
    return Moving


def kinds() -> dict[str, Any]:
    """The classes of objects, by the names of their libraries."""
    found: dict[str, Any] = {"msgspec": Point, "dataclass": DataPoint}
    if importlib.util.find_spec("pydantic"):
        pydantic: Any = importlib.import_module("pydantic")
        found["pydantic"] = pydantic.create_model(
            "PydanticPoint", x_axis=(float, ...), y_axis=(float, ...), name=(str, ...)
        )
    return found


def objects() -> list[tuple[str, type[Hub], Options]]:
    """What is compared with an object of msgspec's."""
    hubs = {name: moving(kind) for name, kind in kinds().items()}
    same: list[tuple[str, type[Hub], Options]] = [(name, hub, {}) for name, hub in hubs.items()]
    return same + [(f"{name}, payloads=DOTNET", hub, {"payloads": DOTNET}) for name, hub in hubs.items()]


def object_work(title: str) -> list[tuple[str, Row]]:
    """A call with an object there and back, and a stream of them."""
    renamed = "DOTNET" in title and "pydantic" not in title  # pydantic has its own names
    names = ("xAxis", "yAxis", "name") if renamed else ("x_axis", "y_axis", "name")
    point = dict(zip(names, (1.5, 2.5, "abcdef"), strict=True))
    return [("a call with one, there and back", calls("Move", point)), ("an item", stream("Points", 5_000))]


# ---- the tables


async def difference(hub: type[Hub], options: Options, row: Row, base: type[Hub], base_row: Row) -> tuple[float, float]:
    """Of an item without the feature, and what it adds."""
    one, other = HubServer({"/bench": base}, **QUIET), HubServer({"/bench": hub}, **(QUIET | options))
    async with joined(one, "/bench") as without, joined(other, "/bench") as with_it:
        pairs = [(await nanoseconds(base_row, without), await nanoseconds(row, with_it)) for _ in range(PAIRS)]
    return statistics.median(base for base, _ in pairs), statistics.median(its - base for base, its in pairs)


async def report() -> None:
    """Print both tables."""
    print(f"adds, ns | {' | '.join(name for name, _ in WORK)}\n{'--- | ' * len(WORK)}---")
    for title, hub, options in PRICES:
        added = [await difference(hub, options, row, Plain, row) for _, row in WORK]
        print(f"{title} | {' | '.join(f'{more:+.0f} of {base:.0f}' for base, more in added)}", flush=True)
    first, *others = objects()
    names = [name for name, _ in object_work(first[0])]
    print(f"\nagainst an object of {first[0]}, ns | {' | '.join(names)}\n{'--- | ' * len(names)}---")
    for title, hub, options in others:
        work = zip(object_work(title), object_work(first[0]), strict=True)
        added = [await difference(hub, options, row, first[1], base_row) for (_, row), (_, base_row) in work]
        print(f"{title} | {' | '.join(f'{more:+.0f} of {base:.0f}' for base, more in added)}", flush=True)


def main() -> None:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(report())


if __name__ == "__main__":
    main()
