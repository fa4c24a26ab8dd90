"""A hub with methods for every row, which look at what they get: the value, and its class and the classes in it.

Imports hubstream. Never blocks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from enum import Enum
from typing import Any, Protocol, TypeVar

import attrs
import msgspec

from hubstream import Hub, HubError, HubServer
from hubstream.payloads import ProtocolName
from tests.interop.payloads.rows import PROTOCOLS, ROWS, STYLES, received, slug
from tests.payloads.samples import Row

__all__ = ["server"]

UNWRITABLE: dict[str, Any] = {"object": object(), "half a pair": "\ud83d", "nan": float("nan"), "too big": 2**64}


class Client(Protocol):
    """What clients have besides an answer for every row."""

    async def told(self, value: Any) -> None: ...
    async def answer(self, value: Any) -> Any: ...


Contract = TypeVar("Contract", bound=Client)


class Unwritable(Hub[Contract]):
    """Calls that meet a value which cannot be written."""

    def add(self, a: int, b: int) -> int:
        return a + b

    def result(self, which: str) -> Any:
        return UNWRITABLE[which]

    async def items(self, which: str) -> AsyncIterator[Any]:
        yield 1
        yield UNWRITABLE[which]

    async def tell(self, which: str) -> None:
        await self.clients.caller.told(UNWRITABLE[which])

    async def tell_all(self, which: str) -> None:
        await self.clients.all.told(UNWRITABLE[which])

    async def question(self, which: str) -> Any:
        return await self.clients.caller.answer(UNWRITABLE[which])


def server(**options: Any) -> HubServer:
    """Every style and protocol at a path of its own: `/python/json` and so on."""
    hubs = HubServer({}, **options)
    for style, payloads in STYLES.items():
        for protocol in PROTOCOLS:
            hubs.map(f"/{style}/{protocol}", _hub(style, protocol), payloads=payloads, protocols=[protocol])
    return hubs


def _hub(style: str, protocol: ProtocolName) -> type[Hub[Any]]:
    class Clients(Client, Protocol):
        """With an answer for every row."""

    class Rows(Unwritable[Clients]):
        """With methods for every row."""

    for row in ROWS:
        name = slug(row)
        _add(Clients, f"answer_{name}", _answering(row.type))
        for way, method in _methods(row, received(row, style, protocol)).items():
            _add(Rows, f"{way}_{name}", method)
    return Rows


def _add(cls: type, name: str, function: Callable[..., Any]) -> None:
    function.__name__ = function.__qualname__ = name
    setattr(cls, name, function)


def _methods(row: Row, wanted: Any) -> dict[str, Callable[..., Any]]:
    """By the way the value takes: up, there and back, back twice, up twice and back, down and back."""
    answer = f"answer_{slug(row)}"
    type_: Any = row.type
    classes_wanted = list(_classes(wanted))

    def checked(value: Any) -> Any:
        if value != wanted or list(_classes(value)) != classes_wanted:
            raise HubError(f"{value!r} has come, not {wanted!r}")
        return value

    async def take(self: Hub[Any], value: Any) -> None:
        checked(value)

    async def echo(self: Hub[Any], value: Any) -> Any:
        return checked(value)

    async def stream(self: Hub[Any], value: Any) -> AsyncIterator[Any]:
        yield checked(value)
        yield row.value

    async def upload(self: Hub[Any], values: AsyncIterator[Any]) -> Any:
        return [checked(value) async for value in values]

    async def ask(self: Hub[Any]) -> None:
        checked(await getattr(self.clients.caller, answer)(row.value))

    return {
        "take": _annotated(take, value=type_),
        "echo": _annotated(echo, value=type_, **{"return": type_}),
        "stream": _annotated(stream, value=type_, **{"return": AsyncIterator[type_]}),
        "upload": _annotated(upload, values=AsyncIterator[type_], **{"return": list[type_]}),
        "ask": _annotated(ask),
    }


def _annotated(function: Callable[..., Any], **annotations: Any) -> Callable[..., Any]:
    function.__annotations__ = annotations
    return function


def _answering(type_: Any) -> Callable[..., Any]:
    """A method of the clients' contract."""

    async def answer(self: Any, value: Any) -> Any: ...

    return _annotated(answer, value=type_, **{"return": type_})


class_of: Callable[[Any], Any] = type


def _classes(value: Any) -> Iterator[type]:
    """The class of a value and of everything in it, in order."""
    yield type(value)
    for inner in _inside(value):
        yield from _classes(inner)


def _inside(value: Any) -> list[Any]:
    kind = class_of(value)
    if issubclass(kind, dict):
        return [*value, *value.values()]
    if issubclass(kind, (list, tuple, set, frozenset)):
        return [*value]
    if issubclass(kind, msgspec.Struct):
        return [*msgspec.structs.astuple(value)]
    if dataclasses.is_dataclass(value):
        return [getattr(value, f.name) for f in dataclasses.fields(value)]
    if attrs.has(kind):
        return [getattr(value, f.name) for f in attrs.fields(kind)]
    return [] if issubclass(kind, Enum) else [*getattr(value, "__dict__", {}).values()]
