"""The description of hubs: every kind of method, parameter and result, docs and contracts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any, Protocol

import pytest

from hubstream import (
    ChannelReader,
    Depends,
    Hub,
    HubCallerContext,
    HubDescription,
    HubServer,
    MethodDescription,
    ParameterDescription,
    authorize,
    hub_method,
)


class Client(Protocol):
    async def said(self, text: str) -> None: ...


class Plain(Hub):
    pass


def database() -> str:
    return ""


def marked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator of one's own."""

    @functools.wraps(function)
    async def wrapper(*args: Any) -> Any:
        return await function(*args)

    wrapper.note = "kept"  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess] - that is the point
    return wrapper


class Base(Hub[Client]):
    async def inherited(self) -> None: ...


class Everything(Base):
    """Has one of each.

    With more than one line.
    """

    def nothing(self) -> None:
        """Does nothing."""

    def undeclared(self, a, b=1):  # type: ignore[no-untyped-def]
        return a  # pyright: ignore[reportUnknownVariableType] - nothing is declared

    async def add(self, a: int, b: int = 2) -> int:
        return a + b

    def later(self) -> Awaitable[int]:
        return self.add(1)

    @hub_method(thread=True)
    def thread(self) -> str:
        return ""

    @hub_method(thread=True)
    def rows(self, table: str) -> Iterator[bytes]:
        yield b""

    async def count(self, upto: int) -> AsyncIterator[int]:
        """
        Counts.

            For long.
        """
        yield upto

    async def channel(self) -> ChannelReader[dict[str, int]]:
        raise NotImplementedError

    async def total(self, first: int, numbers: AsyncIterator[int], last: int = 0) -> int:
        return 0

    async def shout(self, lines: ChannelReader[str]) -> AsyncIterator[str]:
        yield ""

    async def save(self, name: str, store: Annotated[str, Depends(database)], context: HubCallerContext) -> bool:
        return True

    @hub_method(name="pinned")
    async def original(self) -> None: ...

    @authorize(role="admin")
    async def guarded(self) -> list[str]:
        return []

    @marked
    async def wrapped(self, a: int) -> int:
        return a

    def _private(self) -> None: ...


def wire(name: str, type_: Any, *, required: bool = True) -> ParameterDescription:
    return ParameterDescription(name, type_, stream=False, required=required)


def upload(name: str, type_: Any) -> ParameterDescription:
    return ParameterDescription(name, type_, stream=True, required=True)


ROWS: dict[str, tuple[str, list[ParameterDescription], Any, str]] = {
    "nothing": ("call", [], None, "Does nothing."),
    "undeclared": ("call", [wire("a", Any), wire("b", Any, required=False)], None, ""),
    "add": ("call", [wire("a", int), wire("b", int, required=False)], int, ""),
    "later": ("call", [], int, ""),
    "thread": ("call", [], str, ""),
    "rows": ("stream", [wire("table", str)], bytes, ""),
    "count": ("stream", [wire("upto", int)], int, "Counts.\n\n    For long."),
    "channel": ("stream", [], dict[str, int], ""),
    "total": ("call", [wire("first", int), upload("numbers", int), wire("last", int, required=False)], int, ""),
    "shout": ("stream", [upload("lines", str)], str, ""),
    "save": ("call", [wire("name", str)], bool, ""),
    "pinned": ("call", [], None, ""),
    "guarded": ("call", [], list[str], ""),
    "wrapped": ("call", [wire("a", int)], int, ""),
    "inherited": ("call", [], None, ""),
}


def described(**paths: type[Hub[Any]]) -> tuple[HubDescription, ...]:
    return HubServer({f"/{path}": hub for path, hub in paths.items()}).describe()


def methods() -> dict[str, MethodDescription]:
    (hub,) = described(hub=Everything)
    return {method.name: method for method in hub.methods}


@pytest.mark.parametrize("name", ROWS)
def test_a_method(name: str) -> None:
    kind, parameters, result, doc = ROWS[name]
    method = methods()[name]
    assert method.kind == kind
    assert method.parameters == tuple(parameters)
    assert method.result == result
    assert method.doc == doc
    assert method.uploads is any(parameter.stream for parameter in parameters)


def test_all_methods_are_there_in_the_order_of_the_class() -> None:
    own = [name for name in ROWS if name != "inherited"]
    assert list(methods()) == [*own, "inherited"]


def test_what_a_decorator_left_is_found_on_the_function() -> None:
    found = methods()
    assert vars(found["wrapped"].function)["note"] == "kept"
    assert found["add"].function is Everything.add


def test_a_hub() -> None:
    assert [(it.path, it.name, it.hub, it.clients) for it in described(a=Everything, b=Plain)] == [
        ("/a", "Everything", Everything, Client),
        ("/b", "Plain", Plain, None),
    ]
    (hub,) = described(hub=Everything)
    assert hub.doc == "Has one of each.\n\nWith more than one line."


def test_a_hub_at_the_root_has_a_path() -> None:
    (hub,) = HubServer({"/": Plain}).describe()
    assert hub.path == "/"


def test_a_hub_without_a_docstring_has_not_that_of_its_base() -> None:
    (hub,) = described(hub=Plain)
    assert hub.doc == ""
    assert inspect.getdoc(Plain)


def test_descriptions_are_equal_and_cannot_be_changed() -> None:
    (one,), (other,) = described(hub=Everything), described(hub=Everything)
    assert one == other
    with pytest.raises(AttributeError):
        one.path = "/other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - that is the point
