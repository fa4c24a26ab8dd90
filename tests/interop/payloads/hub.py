"""A hub with methods for every row, which look at what they get: the value, and its class and the classes in it.

Imports hubstream. Never blocks.
"""

from __future__ import annotations

import dataclasses
import types
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

Contract = TypeVar("Contract")

UNWRITABLE: dict[str, Any] = {"object": object(), "half a pair": "\ud83d", "nan": float("nan"), "too big": 2**64}


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
    methods: dict[str, Any] = {}
    clients: dict[str, Any] = {"told": _member(Any, None), "answer": _member(Any, Any)}
    for row in ROWS:
        name = slug(row)
        methods |= {f"{way}_{name}": method for way, method in _methods(row, received(row, style, protocol)).items()}
        clients[f"answer_{name}"] = _member(row.type, row.type)
    for functions in (methods, clients):
        for name, function in functions.items():
            function.__name__ = function.__qualname__ = name
    contract: Any = type("Clients", (Protocol,), clients)
    return types.new_class("Rows", (Unwritable[contract],), exec_body=lambda body: body.update(methods))


def _methods(row: Row, wanted: Any) -> dict[str, Callable[..., Any]]:
    """By the way the value takes: up, there and back, back twice, up twice and back, down and back."""
    answer, type_ = f"answer_{slug(row)}", row.type
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


def _member(value_type: Any, answer_type: Any) -> Callable[..., Any]:
    """A method of the clients' contract."""

    async def member(self: Any, value: Any) -> Any: ...

    return _annotated(member, value=value_type, **{"return": answer_type})


def _classes(value: Any) -> Iterator[type]:
    """The class of a value and of everything in it, in order."""
    yield type(value)
    for inner in _inside(value):
        yield from _classes(inner)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, msgspec.Struct):
        return list(msgspec.structs.astuple(value))
    if dataclasses.is_dataclass(value):
        return [getattr(value, f.name) for f in dataclasses.fields(value)]
    if attrs.has(type(value)):
        return [getattr(value, f.name) for f in attrs.fields(type(value))]
    return list(vars(value).values()) if hasattr(value, "__dict__") and not isinstance(value, Enum) else []
