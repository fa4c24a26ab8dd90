"""Client contracts: what their methods send and ask, and what cannot be one (spec 10.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any, Generic, Protocol

import pytest
from typing_extensions import TypeVar

from hubstream import DOTNET, ChannelReader, Hub, HubServer, MappingError, hub_method
from tests.hub.wire import raw, result, turns


@dataclass
class Point:
    x_value: int


class ChatClient(Protocol):
    """What a client of the chat has."""

    async def receive_message(self, user: str, text: str = "nothing", *, urgent: bool = False) -> None: ...


class Board(Protocol):
    async def draw(self, point: Point, color: str = "red") -> None: ...
    async def ask_twice(self, question: str) -> list[int]: ...
    @hub_method(name="pinned_name")
    async def pinned(self) -> None: ...


class Louder(Board, Protocol):
    async def shout(self, text: str) -> None: ...
    def later(self) -> Awaitable[int]: ...
    async def undeclared(self, anything): ...  # type: ignore[no-untyped-def]  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType] - nothing declared is nothing awaited


class Boards(Hub[Louder]):
    async def draw(self) -> None:
        await self.clients.all.draw(Point(1))
        await self.clients.caller.draw(Point(2), "blue")
        await self.clients.others.draw(Point(3))
        await self.clients.all_except().draw(color="green", point=Point(4))
        await self.clients.client(self.context.connection_id).pinned()
        await self.clients.groups("g").shout("nobody")
        await self.clients.caller.shout("loud")
        untyped: Any = self.clients.caller
        await untyped.undeclared({"x_value": 1})

    async def ask(self) -> Any:
        numbers = await self.clients.caller.ask_twice("really?")
        return [numbers, await self.clients.client(self.context.connection_id).later()]

    async def ask_many(self, how: str) -> str:
        try:
            await getattr(self.clients, how).ask_twice("really?")
        except TypeError as error:
            return str(error)
        return "asked"

    async def misuse(self) -> str:
        caller: Any = self.clients.caller
        try:
            await caller.draw()
        except TypeError as error:
            return str(error)
        return "drawn"

    async def unwritable(self) -> str:
        point: Any = Point(object())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - what cannot be written
        try:
            await self.clients.all.draw(point)
        except ValueError as error:
            return str(error)
        return "sent"


async def test_what_is_sent() -> None:
    async with raw(HubServer({"/hub": Boards}, payloads=DOTNET)) as wire:
        wire.call("draw")
        sent = [(m["target"], m["arguments"]) for m in await wire.take(7) if "target" in m]
        assert sent == [
            ("Draw", [{"xValue": 1}, "red"]),
            ("Draw", [{"xValue": 2}, "blue"]),
            ("Draw", [{"xValue": 4}, "green"]),
            ("pinned_name", []),
            ("Shout", ["loud"]),
            ("Undeclared", [{"x_value": 1}]),
        ]


async def test_what_is_asked() -> None:
    async with raw(Boards) as wire:
        wire.call("ask")
        question = await wire.next()
        assert question == {"type": 1, "target": "AskTwice", "arguments": ["really?"], "invocationId": "s1"}
        wire.say(result("s1", [1, 2]))
        question = await wire.next()
        assert (question["target"], question["invocationId"]) == ("Later", "s2")
        wire.say(result("s2", 3))
        assert await wire.next() == result("1", [[1, 2], 3])


@pytest.mark.parametrize("how", ["all", "others"])
async def test_many_cannot_be_asked(how: str) -> None:
    async with raw(Boards) as wire:
        wire.call("ask_many", how)
        text = (await wire.next())["result"]
        assert "only one client" in text
        assert "clients.client(id).ask_twice(...)" in text
        await turns()
        assert wire.messages == []


async def test_arguments_that_do_not_fit() -> None:
    async with raw(Boards) as wire:
        wire.call("misuse")
        assert (await wire.next())["result"] == "missing a required argument: 'point'"
        wire.call("unwritable")
        assert (await wire.next())["result"].startswith("the call of 'Draw' cannot be sent: ")


# -- where the contract stands

C = TypeVar("C")


class Base(Hub[C]):
    async def everybody(self) -> Any:
        return self.clients.all


class Derived(Base[Board]): ...


class Grandchild(Derived): ...


class Mixed(Generic[C]): ...


class WithMixin(Mixed[int], Base[Board]): ...


class Open(Base[C]): ...


class Anybody(Hub[Any]): ...


@pytest.mark.parametrize("hub", [Boards, Derived, Grandchild, WithMixin])
def test_hubs_with_a_contract(hub: type[Hub[Any]]) -> None:
    clients: Any = HubServer({"/hub": hub}).of("/hub").clients
    for proxy in (clients.all, clients.client("1"), clients.group("g")):
        assert hasattr(proxy, "draw")
        assert not hasattr(proxy, "send")


@pytest.mark.parametrize("hub", [Base, Open, Anybody, Hub])
def test_hubs_without(hub: type[Hub[Any]]) -> None:
    clients: Any = HubServer({"/hub": hub}).of("/hub").clients
    assert hasattr(clients.client("1"), "invoke")
    assert not hasattr(clients.all, "invoke"), "many cannot be asked"


# -- what is refused when the hub is mapped


class StreamResult(Protocol):
    def numbers(self) -> AsyncIterator[int]: ...


class AwaitedStream(Protocol):
    async def numbers(self) -> AsyncIterator[int]: ...


class StreamArgument(Protocol):
    async def numbers(self, numbers: ChannelReader[int]) -> None: ...


class HiddenStream(Protocol):
    async def numbers(self, numbers: list[AsyncIterator[int]]) -> None: ...


class NotAwaited(Protocol):
    def receive(self, text: str) -> None: ...


class Property(Protocol):
    @property
    def name(self) -> str: ...


class Attribute(Protocol):
    name: str


class Keyword(Protocol):
    async def receive(self, *, text: str) -> None: ...


class Collected(Protocol):
    async def receive(self, *texts: str) -> None: ...


class SameName(Protocol):
    async def receive_all(self) -> None: ...
    async def receiveall(self) -> None: ...


class Opaque:
    """No class that can be carried."""


class Uncarried(Protocol):
    async def ask(self) -> dict[Opaque, int]: ...


class Unreadable(Protocol):
    async def ask(self) -> Missing: ...  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType] - undefined


class NoProtocol:
    async def receive(self) -> None: ...


T_contra = TypeVar("T_contra", contravariant=True)


class Parameters(Protocol[T_contra]):
    async def receive(self, value: T_contra) -> None: ...


@pytest.mark.parametrize(
    ("contract", "text"),
    [
        (
            StreamResult,
            "StreamResult.numbers: a server cannot ask a client for a stream; write a hub method with an Async",
        ),
        (AwaitedStream, "AwaitedStream.numbers: a server cannot ask a client for a stream"),
        (
            StreamArgument,
            r"StreamArgument.numbers: a server cannot send a stream as an argument \('numbers'\); write a hub",
        ),
        (HiddenStream, "a stream stands alone"),
        (NotAwaited, "NotAwaited.receive: clients are far away: write 'async def receive'"),
        (Property, "Property.name is no method"),
        (Attribute, "Attribute.name is no method"),
        (Keyword, "Keyword.receive: clients get arguments by position, so 'text' cannot be sent"),
        (Collected, "by position"),
        (SameName, "SameName has 'receive_all' and 'receiveall', which are the same name"),
        (Uncarried, "Uncarried.ask: a type in it cannot be sent"),
        (Unreadable, "'Missing', which cannot be found"),
        (NoProtocol, "declared as a Hub of NoProtocol; what clients have is written as a typing.Protocol"),
        (Parameters, "without type parameters"),
        (Parameters[int], "without type parameters"),
        (int | None, "typing.Protocol"),
    ],
)
def test_what_is_no_contract(contract: Any, text: str) -> None:
    hub: Any = type("Refused", (Hub,), {"__orig_bases__": (Hub[contract],)})
    with pytest.raises(MappingError, match=text):
        HubServer({"/hub": hub})


def test_keyword_only_is_named() -> None:
    hub: Any = type("Refused", (Hub,), {"__orig_bases__": (Hub[ChatClient],)})
    with pytest.raises(MappingError, match="urgent"):
        HubServer({"/hub": hub})
