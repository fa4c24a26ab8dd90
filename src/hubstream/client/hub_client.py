"""What a user does with a connection, whatever carries it: calls, streams, handlers.

Imports `payloads`, `streams` and its own room. The coroutines wait; nothing else does.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, get_args, overload

from typing_extensions import TypeForm, TypeVar

from hubstream.client import calls, up
from hubstream.client.contract import contract_of_client, implementation, proxy_class
from hubstream.client.down import Request
from hubstream.client.handlers import F, Handler, Handlers
from hubstream.client.stream import Stream, StreamReader
from hubstream.client.tasks import Tasks
from hubstream.client.wire import Wire
from hubstream.payloads.bind import Binder, Encode
from hubstream.streams.buffer import StreamPolicy
from hubstream.streams.channel import ChannelReader

__all__ = ["HubClient"]

T = TypeVar("T")


class HubClient(ABC):
    """A client of a hub.

    Args:
        handlers: What the server may call.
        binder: How names and values are written.
        tasks: The owner of what runs for it.
        stream_buffer: Items of one stream that wait to be taken before it counts as full.
        stream_policy: What happens then.

    Raises:
        ValueError: There is no such buffer or policy.
    """

    def __init__(
        self, handlers: Handlers, binder: Binder, tasks: Tasks, *, stream_buffer: int, stream_policy: StreamPolicy
    ) -> None:
        check_buffer(stream_buffer, stream_policy)
        self._handlers = handlers
        self._binder = binder
        self._tasks = tasks
        self._stream_buffer = stream_buffer
        self._stream_policy: StreamPolicy = stream_policy

    @abstractmethod
    def _wire_for(self, method: str) -> Wire:
        """The connection; `method` is what is asked of it.

        Raises:
            ConnectionLost: It is not active.
        """

    @overload
    async def invoke(self, name: str, /, *arguments: object) -> Any: ...
    @overload
    async def invoke(self, name: str, /, *arguments: object, result: TypeForm[T]) -> T: ...
    async def invoke(self, name: str, /, *arguments: object, result: Any = Any) -> Any:
        """Call a hub method and wait for its result. Cancelling the wait cancels the call.

        Args:
            name: The method.
            arguments: What it is called with. Async iterables, iterators, subjects and channel readers are uploaded.
            result: The type of the result; what the protocol gives without.

        Raises:
            HubError: The server's error, or a result of another type.
            ConnectionLost: The connection is not active, or ended first.
            TypeError: An argument cannot be sent; nothing was.
            ValueError: The name cannot be, for half a surrogate pair in it.
        """
        return await calls.invoke(self._wire_for("invoke"), name, arguments, result)

    async def send(self, name: str, /, *arguments: object) -> None:
        """Call a hub method and do not wait for it; what is uploaded goes on by itself.

        Raises:
            ConnectionLost: The connection is not active.
            TypeError: An argument cannot be sent; nothing was.
            ValueError: The name cannot be, for half a surrogate pair in it.
        """
        await calls.send(self._wire_for("send"), name, arguments)

    @overload
    def stream(
        self,
        name: str,
        /,
        *arguments: object,
        buffer: int | None = ...,
        policy: StreamPolicy | None = ...,
        resume: Callable[[Any], Sequence[object]] | None = ...,
    ) -> Stream[Any]: ...
    @overload
    def stream(
        self,
        name: str,
        /,
        *arguments: object,
        item: TypeForm[T],
        buffer: int | None = ...,
        policy: StreamPolicy | None = ...,
        resume: Callable[[T], Sequence[object]] | None = ...,
    ) -> Stream[T]: ...
    def stream(
        self,
        name: str,
        /,
        *arguments: object,
        item: Any = Any,
        buffer: int | None = None,
        policy: StreamPolicy | None = None,
        resume: Callable[[Any], Sequence[object]] | None = None,
    ) -> Stream[Any]:
        """A stream from the server. It is asked for on entering the block, at the first item, or by `subscribe()`.

            async with connection.stream("counter", 10, 0.5, item=int) as ticks:
                async for n in ticks:
                    print(n)

        Args:
            name: The method.
            arguments: As for `invoke()`.
            item: The type of its items; what the protocol gives without.
            buffer: Items that wait to be taken; the connection's `stream_buffer` without.
            policy: What happens when so many wait: `wait`, `drop_oldest`, `latest` or `error`; the connection's without. With
                `wait`, 64 KiB more are read so that pings, answers and the server's calls get through, and 1 MiB while an answer
                is awaited; then this stream fails.
            resume: Makes the stream go on after a reconnect: called with the last item, it returns the arguments to ask again
                with; before the first item, the same are used again.

        Raises:
            ValueError: There is no such buffer or policy.
            TypeError: `resume` cannot ask again for a stream with uploads: they are gone.
        """
        if resume is not None and any(up.is_stream(argument) for argument in arguments):
            raise TypeError(f"resume= asks for '{name}' again, but what was uploaded to it cannot be sent again")
        return self._stream(name, arguments, None, item, buffer, policy, resume=resume)

    @overload
    async def stream_as_channel(
        self, name: str, /, *arguments: object, buffer: int | None = ..., policy: StreamPolicy | None = ...
    ) -> ChannelReader[Any]: ...
    @overload
    async def stream_as_channel(
        self,
        name: str,
        /,
        *arguments: object,
        item: TypeForm[T],
        buffer: int | None = ...,
        policy: StreamPolicy | None = ...,
    ) -> ChannelReader[T]: ...
    async def stream_as_channel(
        self,
        name: str,
        /,
        *arguments: object,
        item: Any = Any,
        buffer: int | None = None,
        policy: StreamPolicy | None = None,
    ) -> ChannelReader[Any]:
        """Ask for a stream from the server, and return the reader of its items. `aclose()`, or dropping it, cancels the stream.

        Unlike with `stream()`, a `read()` that is cancelled takes no item and leaves the stream open, and tasks may share it.

        Args:
            name: The method.
            arguments: As for `invoke()`.
            item: The type of its items; what the protocol gives without.
            buffer: As for `stream()`.
            policy: As for `stream()`.

        Raises:
            ConnectionLost: The connection is not active.
            TypeError: An argument cannot be sent; nothing was.
            ValueError: There is no such buffer or policy.
        """
        return await self._stream_as_channel(name, arguments, None, item, buffer, policy)

    @overload
    def on(self, name: str, /) -> Callable[[F], F]: ...
    @overload
    def on(self, name: str, handler: F, /) -> F: ...
    def on(self, name: str, handler: F | None = None, /) -> F | Callable[[F], F]:
        """Call `handler` when the server calls `name`, whatever its case and underscores; also a decorator.

        Its annotations say what the arguments are converted to; what it returns answers a server that asks for a result.
        Handlers run one at a time, in order; one that takes longer than a second no longer holds up the others.

        Raises:
            MappingError: The server cannot call it; the text says why.
            ValueError: A second one for this name returns a value.
            TypeError: The name is no text.
        """
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a decorator without its parentheses
            raise TypeError(f'a handler has a name: @connection.on("{getattr(name, "__name__", "name")}")')
        if handler is None:
            return lambda function: self.on(name, function)
        new = Handler(name, handler)
        new.prepare(self._binder)
        self._handlers.add(new)
        return handler

    def off(self, name: str, handler: Callable[..., object] | None = None, /) -> None:
        """Call `handler` no more, or none of this name."""
        self._handlers.off(name, handler)

    def proxy(self, contract: TypeForm[T]) -> T:
        """What stands for the hub, with the methods of a `typing.Protocol`, whose calls are typed.

            class ChatHub(Protocol):
                async def say(self, text: str) -> None: ...
                def history(self, count: int) -> AsyncIterator[Message]: ...
                async def upload(self, lines: AsyncIterator[str]) -> int: ...

            chat = connection.proxy(ChatHub)
            await chat.say("hello")

        An `async def` is invoked, and waited for, even where it returns nothing. A plain `def` that returns an `AsyncIterator`
        is a stream; an `async def` that returns a `ChannelReader` asks for it at once. On the wire names are in PascalCase
        (`SayHello` for `say_hello`) unless `@hub_method(name=...)` says another.

        Raises:
            MappingError: The contract is not written as one can be; the text says what to change.
        """
        make = proxy_class(contract, self._binder)
        made: T = make(self._invoke, self._stream, self._stream_as_channel)
        return made

    def implement(self, contract: TypeForm[T]) -> Callable[[T], T]:
        """Have an object answer what the hub calls: `connection.implement(ChatClient)(target)`.

        Each method of the contract becomes a handler, with the types the contract says; `off()` takes it away again.

        Raises, from the second call but for a contract that is none:
            MappingError: The contract is not written as one can be; the text says what to change.
            TypeError: The object has not all of its methods, or is a class.
            ValueError: A method returns a value, and so does a handler of that name.
        """
        declared = contract_of_client(contract)

        def add(target: T) -> T:
            self._handlers.add(*implementation(declared, target, self._binder))
            return target

        return add

    async def _invoke(self, name: str, arguments: Sequence[Any], encoders: Sequence[Encode] | None, type_: Any) -> Any:
        return await calls.invoke(self._wire_for("invoke"), name, arguments, type_, encoders)

    def _stream(
        self,
        name: str,
        arguments: Sequence[Any],
        encoders: Sequence[Encode] | None,
        item: Any,
        buffer: int | None = None,
        policy: StreamPolicy | None = None,
        *,
        resume: Callable[[Any], Sequence[object]] | None = None,
        shared: bool = False,
    ) -> Stream[Any]:
        buffer = self._stream_buffer if buffer is None else buffer
        policy = self._stream_policy if policy is None else policy
        check_buffer(buffer, policy)
        decode = self._binder.decoder(item)
        request = Request(name, arguments, encoders, item, decode, buffer, policy, shared)
        return Stream(request, self._wire_for, self._spawn, resume)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[Any]:
        return self._tasks.spawn(coroutine)

    async def _stream_as_channel(
        self,
        name: str,
        arguments: Sequence[Any],
        encoders: Sequence[Encode] | None,
        item: Any,
        buffer: int | None = None,
        policy: StreamPolicy | None = None,
    ) -> ChannelReader[Any]:
        stream = self._stream(name, arguments, encoders, item, buffer, policy, shared=True)
        await stream.ask()
        return StreamReader(stream)


def check_buffer(buffer: int, policy: StreamPolicy) -> None:
    """Raises ValueError, or TypeError, for what is no buffer."""
    if not isinstance(buffer, int):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass texts
        raise TypeError(f"stream_buffer is a number of items, not {buffer!r}")
    if buffer < 1:
        raise ValueError(f"a stream's buffer holds at least one item, not {buffer!r}")
    if policy not in get_args(StreamPolicy):
        raise ValueError(f"a stream's policy is one of {', '.join(get_args(StreamPolicy))}, not {policy!r}")
