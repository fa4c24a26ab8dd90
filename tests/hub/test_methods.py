"""What a method is comes from its declared types, once; a mistake is an error with its cure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Generator, Iterator
from functools import wraps
from typing import Annotated, Any

import pytest

from hubstream import ChannelReader, Hub, HubServer, MappingError, authorize, hub_method
from hubstream.hub.methods import HubMethod, Kind, methods_of


class Kinds(Hub):
    def plain(self) -> int:
        return 1

    async def stepped(self) -> int:
        return 1

    async def suspends(self) -> int:
        await asyncio.sleep(0)
        return 1

    def awaitable(self) -> Awaitable[int]:
        return asyncio.sleep(0, 1)

    async def uploads(self, a: AsyncIterator[int]) -> int:
        return sum([n async for n in a])

    async def generator(self) -> AsyncIterator[int]:
        yield 1

    async def undeclared_generator(self):  # type: ignore[no-untyped-def]  # pyright: ignore[reportUnknownParameterType]
        yield 1

    async def generator_type(self) -> AsyncGenerator[str, None]:
        yield ""

    async def later(self) -> AsyncIterator[int]:
        return self.generator()

    def at_once(self) -> AsyncIterable[bytes]:
        return self._bytes()

    def channel(self) -> ChannelReader[float]:
        raise NotImplementedError

    async def later_channel(self) -> ChannelReader[float]:
        raise NotImplementedError

    def awaited_stream(self) -> Awaitable[AsyncIterator[int]]:
        return self.later()

    async def both(self, a: AsyncIterator[int]) -> AsyncIterator[int]:
        async for n in a:
            yield n

    async def spawns(self) -> None:
        self.spawn(asyncio.sleep(0))

    async def _bytes(self) -> AsyncIterator[bytes]:
        yield b""


KINDS: dict[str, tuple[Kind, Any, bool]] = {
    "plain": (Kind.DEF, int, False),
    "stepped": (Kind.STEP, int, False),
    "suspends": (Kind.TASK, int, False),
    "awaitable": (Kind.TASK, int, False),
    "uploads": (Kind.UPLOAD, int, True),
    "generator": (Kind.STREAM, int, False),
    "undeclared_generator": (Kind.STREAM, None, False),
    "generator_type": (Kind.STREAM, str, False),
    "later": (Kind.STREAM, int, True),
    "at_once": (Kind.STREAM, bytes, False),
    "channel": (Kind.STREAM, float, False),
    "later_channel": (Kind.STREAM, float, True),
    "awaited_stream": (Kind.STREAM, int, True),
    "both": (Kind.STREAM, int, False),
    "spawns": (Kind.TASK, None, False),
}


def found(hub: type[Hub]) -> dict[str, HubMethod]:
    return {method.name: method for method in methods_of(hub)}


def test_kinds() -> None:
    assert {name: (m.kind, m.result, m.awaited) for name, m in found(Kinds).items()} == KINDS


def test_parameters() -> None:
    class Parameters(Hub):
        async def zip(
            self, numbers: AsyncIterator[int], separator: str, words: ChannelReader[str], limit: int = 3, *_: None
        ) -> None: ...

        async def fine(
            self, a: AsyncIterator[int], s: str, b: Annotated[AsyncIterable[str], "words"], n: int = 3
        ) -> None: ...

    with pytest.raises(MappingError, match=r"by position"):
        methods_of(Parameters)
    del Parameters.zip
    method = found(Parameters)["fine"]
    assert method.types == (str, int)
    assert method.required == 1
    assert method.uploads == (int, str)
    assert method.order == (True, False, True, False)


class Mixin:
    def helper(self) -> int:
        return 1

    def shadowed(self) -> int:
        return 1


class Base(Hub):
    def inherited(self) -> int:
        return 1

    def hidden(self) -> int:
        return 1

    def shadowed(self) -> int:
        return 1


class Callable(Mixin, Base):
    hidden = None  # type: ignore[assignment]

    @hub_method(name="Pinned")
    def original(self) -> int:
        return 1

    @property
    def value(self) -> int:
        return 1

    @staticmethod
    def static() -> int:
        return 1

    @classmethod
    def of_class(cls) -> int:
        return 1

    def _private(self) -> int:
        return 1

    async def on_connected(self) -> None: ...

    class Nested: ...


def test_what_is_callable() -> None:
    assert sorted(found(Callable)) == ["Pinned", "inherited"]


def plain_wrapper(function: Any) -> Any:
    @wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def test_a_wrapped_coroutine_function_may_suspend() -> None:
    class Wrapped(Hub):
        @plain_wrapper
        async def suspends(self) -> int:
            await asyncio.sleep(0)
            return 1

    assert found(Wrapped)["suspends"].kind is Kind.TASK


def same_name() -> type[Hub]:
    class SameName(Hub):
        def send_message(self) -> None: ...
        def SendMessage(self) -> None: ...

    return SameName


def keyword_only() -> type[Hub]:
    class KeywordOnly(Hub):
        def method(self, *, a: int) -> None: ...

    return KeywordOnly


def unresolved() -> type[Hub]:
    class Unresolved(Hub):
        def method(self, a: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable] - the mistake

    return Unresolved


def plain_generator() -> type[Hub]:
    class PlainGenerator(Hub):
        def method(self) -> Generator[int, None, None]:
            yield 1

    return PlainGenerator


def plain_iterator() -> type[Hub]:
    class PlainIterator(Hub):
        def method(self) -> Iterator[int]:
            return iter([1])

    return PlainIterator


def yields_undeclared() -> type[Hub]:
    class Yields(Hub):
        async def method(self) -> int:  # type: ignore[misc]
            yield 1  # pyright: ignore[reportReturnType] - the mistake

    return Yields


def stream_in_a_list() -> type[Hub]:
    class InList(Hub):
        async def method(self, a: list[AsyncIterator[int]]) -> None: ...

    return InList


def optional_stream() -> type[Hub]:
    class Optional(Hub):
        async def method(self) -> AsyncIterator[int] | None: ...

    return Optional


def default_stream() -> type[Hub]:
    class Default(Hub):
        async def method(self, a: AsyncIterator[int] = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013  # pyright: ignore[reportArgumentType] - the mistake

    return Default


def unsendable() -> type[Hub]:
    class Unsendable(Hub):
        async def method(self, a: asyncio.Task[int]) -> None: ...

    return Unsendable


def needs_arguments() -> type[Hub]:
    class Needs(Hub):
        def __init__(self, database: object) -> None: ...

    return Needs


def sync_greeting() -> type[Hub]:
    class SyncGreeting(Hub):
        def on_connected(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride] - the mistake

    return SyncGreeting


def deaf_parting() -> type[Hub]:
    class DeafParting(Hub):
        async def on_disconnected(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride] - the mistake

    return DeafParting


def guarded_greeting() -> type[Hub]:
    class Guarded(Hub):
        @authorize(role="admin")
        async def on_connected(self) -> None: ...

    return Guarded


def named_parting() -> type[Hub]:
    class Named(Hub):
        @hub_method(name="bye")
        async def on_disconnected(self, error: Exception | None) -> None: ...

    return Named


def without_self() -> type[Hub]:
    class WithoutSelf(Hub):
        async def method() -> int:  # type: ignore[misc]  # pyright: ignore[reportSelfClsParameterName] - the mistake
            return 1

    return WithoutSelf


def iterator_parameter() -> type[Hub]:
    class IteratorParameter(Hub):
        async def method(self, lines: Iterator[str]) -> None: ...

    return IteratorParameter


def variadic() -> type[Hub]:
    class Variadic(Hub):
        async def method(self, *numbers: int) -> None: ...

    return Variadic


def event_of_another_name() -> type[Hub]:
    class AnotherName(Hub):
        async def on_connect(self) -> None: ...

    return AnotherName


def event_of_dotnet() -> type[Hub]:
    class Dotnet(Hub):
        async def OnDisconnectedAsync(self, error: object) -> None: ...

    return Dotnet


def hides_context() -> type[Hub]:
    class Hides(Hub):
        async def context(self) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride] - the mistake
            return ""

    return Hides


MISTAKES = [
    (sync_greeting, r"SyncGreeting.on_connected.*async def"),
    (deaf_parting, r"DeafParting.on_disconnected.*async def on_disconnected\(self, error\)"),
    (guarded_greeting, r"Guarded.on_connected.*the hub class"),
    (named_parting, r"Named.on_disconnected.*no client can call it"),
    (event_of_another_name, r"AnotherName.on_connect is .*clients call.*'on_connected'.*hub_method\(name="),
    (event_of_dotnet, r"Dotnet.OnDisconnectedAsync is .*'on_disconnected'"),
    (without_self, r"WithoutSelf.method.*'self'"),
    (iterator_parameter, r"'lines'.*AsyncIterator\[...\]'"),
    (variadic, r"'\*numbers' cannot"),
    (hides_context, r"self.context.*hub_method\(name=\"context\"\)"),
    (same_name, r"'send_message' and 'SendMessage'.*hub_method\(name="),
    (keyword_only, r"by position.*ordinary parameter"),
    (unresolved, r"'Missing'.*TYPE_CHECKING"),
    (plain_generator, r"async def"),
    (plain_iterator, r"AsyncIterator.*list"),
    (yields_undeclared, r"AsyncIterator\[...\]', not int"),
    (stream_in_a_list, r"stands alone"),
    (optional_stream, r"stands alone"),
    (default_stream, r"default"),
    (unsendable, r"Unsendable.method"),
    (needs_arguments, r"factory="),
]


@pytest.mark.parametrize(("hub", "cure"), MISTAKES, ids=[make.__name__ for make, _ in MISTAKES])
def test_a_mistake_is_an_error_with_its_cure(hub: Any, cure: str) -> None:
    with pytest.raises(MappingError, match=f"(?s){cure}"):
        HubServer({"/hub": hub()})


def test_paths() -> None:
    server = HubServer({"/a": Base})
    with pytest.raises(MappingError, match="twice"):
        server.map("a/", Base)
    with pytest.raises(MappingError, match="derived from Hub"):
        server.map("/b", Mixin)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="keep_alive"):
        server.map("/c", Base, ping=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("path", ["/rooms/{room}", "http://localhost:8000/rooms", "/rooms?private=1", "/rooms#1"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(MappingError, match=r"a hub's path is like '/clock'.*request\.query"):
        HubServer({path: Base})


def test_no_hub_object_is_made_to_map_its_class() -> None:
    class Opens(Hub):
        def __init__(self) -> None:
            raise LookupError("what it opens is not there yet")

    assert HubServer({"/opens": Opens}).paths == ("/opens",)
