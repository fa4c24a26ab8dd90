"""Contracts on the client's side: proxies of a hub, and objects that answer it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from typing_extensions import TypedDict, TypeVar

from hubstream import DOTNET, ChannelReader, HubError, MappingError, Payloads, Subject, hub_method
from hubstream.client import Handlers
from hubstream.protocol.messages import CancelInvocation, Completion, Invocation, StreamInvocation, StreamItem
from tests.client.peer import Peer, joined, turns


@dataclass
class Point:
    x_value: int


class Options(TypedDict):
    line_width: int


class Board(Protocol):
    """What the hub has."""

    async def draw_all(self, points: list[Point], options: Options, color: str = "red") -> int: ...
    async def clear(self) -> None: ...
    async def anything(self, value): ...  # type: ignore[no-untyped-def]  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType] - nothing declared
    def history(self, count: int) -> AsyncIterator[Point]: ...
    async def channel(self, count: int) -> ChannelReader[Point]: ...
    async def upload(self, title: str, points: AsyncIterator[Options], more: ChannelReader[int]) -> int: ...
    def both(self, points: AsyncIterator[Point]) -> AsyncIterator[int]: ...
    @hub_method(name="pinned_name")
    async def pinned(self) -> str: ...


async def answered(peer: Peer, value: object = None) -> tuple[str, Any]:
    """Answer the next call; its target and arguments."""
    call = await peer.next(Invocation)
    peer.say(peer.result(str(call.invocation_id), value))
    return call.target, peer.arguments(call)


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_calls_are_typed_and_written_as_declared(protocol: str) -> None:
    async with joined(protocol, payloads=DOTNET) as (client, peer):
        board = client.proxy(Board)
        assert board.__doc__ == "What the hub has."
        untyped: Any = board
        names = ("xValue", "lineWidth") if protocol == "json" else ("XValue", "LineWidth")
        points, options = [{names[0]: 1}], {names[1]: 2}
        calls: list[tuple[Any, object, object, tuple[str, Any]]] = [
            (lambda: board.draw_all([Point(1)], {"line_width": 2}), 3, 3, ("DrawAll", [points, options, "red"])),
            (
                lambda: board.draw_all(color="blue", points=[Point(1)], options={"line_width": 2}),
                4,
                4,
                ("DrawAll", [points, options, "blue"]),
            ),
            (board.clear, None, None, ("Clear", [])),
            (board.clear, "ignored", None, ("Clear", [])),
            (lambda: untyped.anything(1), {"a": 1}, {"a": 1}, ("Anything", [1])),
            (board.pinned, "yes", "yes", ("pinned_name", [])),
        ]
        for call, answer, result, sent in calls:
            task = asyncio.ensure_future(call())
            assert await answered(peer, answer) == sent
            assert await task == result
        failing = asyncio.ensure_future(board.draw_all([], {"line_width": 1}))
        await answered(peer, "many")
        with pytest.raises(HubError, match="Error trying to deserialize result to int"):
            await failing


async def test_streams() -> None:
    async with joined(payloads=Payloads(json_names="camel")) as (client, peer):
        board = client.proxy(Board)
        items = board.history(2)
        await turns()
        assert peer.messages == []
        task = asyncio.ensure_future(anext(items))
        asked = await peer.next(StreamInvocation)
        assert (asked.target, peer.arguments(asked)) == ("History", [2])
        peer.say(peer.item("1", {"xValue": 5}), peer.done("1"))
        assert await task == Point(5)
        assert [item async for item in items] == []

        opening = asyncio.ensure_future(board.channel(count=1))
        asked = await peer.next(StreamInvocation)
        assert asked.target == "Channel"
        reader = await opening
        peer.say(peer.item("2", {"xValue": 6}))
        assert await reader.read() == Point(6)
        await reader.aclose()
        await peer.next(CancelInvocation)


async def test_uploads() -> None:
    async def options() -> AsyncIterator[Options]:
        yield {"line_width": 1}

    async with joined(payloads=Payloads(json_names="camel")) as (client, peer):
        board = client.proxy(Board)
        numbers = Subject[int]()
        numbers.complete()
        more: Any = numbers
        task = asyncio.ensure_future(board.upload("t", options(), more))
        call = await peer.next(Invocation)
        assert (call.target, peer.arguments(call), call.stream_ids) == ("Upload", ["t"], ["2", "3"])
        await turns()
        item = next(message for message in peer.messages if isinstance(message, StreamItem))
        assert peer.decode(item.item) == {"lineWidth": 1}
        peer.say(peer.result("1", 1))
        assert await task == 1
        peer.messages.clear()

        async def points() -> AsyncIterator[Point]:
            yield Point(7)

        first = asyncio.ensure_future(anext(board.both(points())))
        asked = await peer.next(StreamInvocation)
        assert asked.stream_ids == ["5"]
        assert await peer.next_value() == {"xValue": 7}
        await peer.next(Completion)
        peer.say(peer.item("4", 7), peer.done("4"))
        assert await first == 7


def plain() -> Iterator[int]:
    yield 1


MISUSES: list[tuple[str, tuple[Any, ...], str]] = [
    ("clear", (1,), "too many positional arguments"),
    ("draw_all", (), "missing a required argument: 'points'"),
    ("draw_all", (plain(), {}), "'points' is no stream, not generator"),
    ("upload", ("t", [1], plain()), "'points' is a stream: give it an async iterable or an iterator, not list"),
    ("draw_all", ([object()], {}), "argument 1 of 'DrawAll' cannot be sent"),
]


@pytest.mark.parametrize(("method", "arguments", "text"), MISUSES)
async def test_arguments_that_do_not_fit(method: str, arguments: tuple[Any, ...], text: str) -> None:
    async with joined() as (client, peer):
        with pytest.raises(TypeError, match=text):
            await getattr(client.proxy(Board), method)(*arguments)
        await turns()
        assert peer.messages == []


class AwaitedStream(Protocol):
    async def numbers(self) -> AsyncIterator[int]: ...


class ChannelAtOnce(Protocol):
    def numbers(self) -> ChannelReader[int]: ...


class NotAwaited(Protocol):
    def say(self, text: str) -> None: ...


class Hidden(Protocol):
    async def say(self, texts: list[AsyncIterator[str]]) -> None: ...


class HiddenResult(Protocol):
    async def say(self) -> list[AsyncIterator[str]]: ...


class Keyword(Protocol):
    async def say(self, *, text: str) -> None: ...


class SameName(Protocol):
    async def say_all(self) -> None: ...
    async def sayall(self) -> None: ...


class Attribute(Protocol):
    name: str


class Opaque:
    """No class that can be carried."""


class Uncarried(Protocol):
    async def say(self) -> dict[Opaque, int]: ...


class NoProtocol:
    async def say(self) -> None: ...


T_contra = TypeVar("T_contra", contravariant=True)


class Parameters(Protocol[T_contra]):
    async def say(self, value: T_contra) -> None: ...


CONTRACTS: list[tuple[Any, str]] = [
    (
        AwaitedStream,
        "AwaitedStream.numbers: a stream is asked for by iterating over it: write 'def numbers', without async",
    ),
    (ChannelAtOnce, "a channel is asked for before there is one: write 'async def numbers'"),
    (NotAwaited, "hubs are far away: write 'async def say'"),
    (Hidden, "a stream stands alone"),
    (HiddenResult, "a stream stands alone"),
    (Keyword, "hubs get arguments by position, so 'text' cannot be sent"),
    (SameName, "'say_all' and 'sayall', which are the same name"),
    (Attribute, "Attribute.name is no method"),
    (Uncarried, "Uncarried.say: a type in it cannot be sent"),
    (NoProtocol, "a typing.Protocol without type parameters, not NoProtocol"),
    (Parameters[int], "without type parameters"),
    (3, "not 3"),
]


@pytest.mark.parametrize(("contract", "text"), CONTRACTS)
async def test_what_is_no_contract_of_a_hub(contract: Any, text: str) -> None:
    async with joined() as (client, _peer):
        with pytest.raises(MappingError, match=text):
            client.proxy(contract)


class ChatClient(Protocol):
    async def receive_message(self, user: str, point: Point, urgent: bool = False) -> None: ...
    async def confirm(self, question: str) -> bool: ...


class Console:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def receive_message(self, user: str, point: Point, urgent: bool = True) -> None:
        self.seen.append((user, point, urgent))

    async def confirm(self, question: str) -> bool:
        return question == "sure?"


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_an_object_answers_the_hub(protocol: str) -> None:
    async with joined(protocol) as (client, peer):
        console = Console()
        assert client.implement(ChatClient)(console) is console
        peer.say(
            peer.call("ReceiveMessage", "ann", {"x_value": 1}),
            peer.call("receiveMessage", "bob", {"x_value": 2}, False),
            peer.call("ReceiveMessage", "eve", "no point"),
            peer.call("CONFIRM", "sure?", ask="q"),
        )
        answer = await peer.next(Completion)
        assert peer.decode(answer.result) is True  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - it is there
        await turns()
        assert console.seen == [("ann", Point(1), True), ("bob", Point(2), False)]
        client.off("confirm")
        peer.say(peer.call("Confirm", "sure?", ask="q"))
        assert (await peer.next(Completion)).error == "Client failed to parse argument(s)."


async def test_undeclared_parameters_of_the_object_get_the_contracts_types() -> None:
    class Loose:
        def __init__(self) -> None:
            self.seen: list[Any] = []

        async def receive_message(self, *arguments: Any) -> None:
            self.seen.append(arguments)

        async def confirm(self, question: Any) -> Any:
            return True

    async with joined() as (client, peer):
        loose = Loose()
        implement: Any = client.implement(ChatClient)
        implement(loose)
        peer.say(peer.call("ReceiveMessage", "ann", {"x_value": 1}))
        await turns()
        assert loose.seen == [("ann", Point(1))]


async def test_all_of_a_contract_or_nothing() -> None:
    class Half:
        async def receive_message(self, user: str, point: Point, urgent: bool = False) -> None: ...

    half: Any = Half()
    not_made: Any = Console
    handlers = Handlers()
    async with joined(handlers=handlers) as (client, _peer):
        with pytest.raises(TypeError, match="a Half has no method 'confirm', which ChatClient has"):
            client.implement(ChatClient)(half)
        with pytest.raises(TypeError, match=r"an object has what the hub calls: Console\(...\), not the class"):
            client.implement(ChatClient)(not_made)
        assert handlers.find("receive_message") == ()
        client.implement(ChatClient)(Console())
        with pytest.raises(ValueError, match="already has a value returning handler"):
            client.implement(ChatClient)(Console())
        assert len(handlers.find("receive_message")) == 1


class StreamArgument(Protocol):
    async def numbers(self, numbers: AsyncIterator[int]) -> None: ...


@pytest.mark.parametrize(
    ("contract", "text"),
    [
        (StreamArgument, "a server cannot send a stream as an argument"),
        (AwaitedStream, "a server cannot ask a client for a stream"),
        (NoProtocol, "a typing.Protocol without type parameters, not NoProtocol"),
    ],
)
async def test_what_is_no_contract_of_a_client(contract: Any, text: str) -> None:
    async with joined() as (client, _peer):
        with pytest.raises(MappingError, match=text):
            client.implement(contract)(Console())


async def test_a_contract_that_was_left_out_is_told_at_once() -> None:
    console: Any = Console()
    async with joined() as (client, _peer):
        with pytest.raises(MappingError, match=r"typing\.Protocol"):
            client.implement(console)


async def test_a_handler_without_a_name_is_an_error_that_says_what_to_write() -> None:
    async with joined() as (client, _):
        on: Any = client.on

        def one() -> None: ...

        with pytest.raises(TypeError, match=r"@connection\.on\(\"one\"\)"):
            on(one)


async def test_a_handler_whose_types_cannot_be_carried_is_refused_at_once() -> None:
    handlers = Handlers()
    async with joined(handlers=handlers) as (client, _peer):

        @client.on("fine")
        def fine(value: object) -> None: ...

        with pytest.raises(MappingError, match="Opaque"):

            @client.on("bad")
            def bad(value: Opaque) -> None: ...

        assert handlers.find("bad") == ()
