"""A connection to a hub for programs that are not asynchronous: every call waits.

The asyncio client does the work, in the event loop of `loop_thread`; what the user gives it to call runs in threads beside it, so
a handler, an event or a token that blocks holds up no connection. Imports `client` and its own room. The calls block; Ctrl-C and
`timeout=` end the wait and cancel what was asked for.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import weakref
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload

from typing_extensions import TypeForm, TypeVar

from hubstream.blocking.loop_thread import InThread, LoopThread, loop_thread
from hubstream.blocking.pulled import Pulled
from hubstream.blocking.stream import Stream
from hubstream.client import up
from hubstream.client.handlers import F
from hubstream.client.hub_connection import TRANSPORTS, Heard, Known
from hubstream.client.hub_connection import HubConnection as AsyncHubConnection
from hubstream.client.reconnect import Reconnect
from hubstream.client.state import HubConnectionState
from hubstream.errors import MappingError
from hubstream.payloads.style import PYTHON, Payloads, ProtocolName
from hubstream.streams.buffer import StreamPolicy

if TYPE_CHECKING:
    import ssl as ssl_module

__all__ = ["HubConnection"]

T = TypeVar("T")


class HubConnection:
    """A connection to a hub, of this package or of ASP.NET Core, for scripts and notebooks.

        with HubConnection("https://example.com/hubs/clock") as connection:
            print(connection.invoke("add", 1, 2, result=int))
            for n in connection.stream("counter", 10, 0.5, item=int):
                print(n)

    It may be used from several threads. Dropped without `stop()` it is stopped all the same, at the latest when the program ends.
    After a fork the child has to make connections of its own.

    Args:
        url: The hub's. Its query goes with every request.
        protocol: `json` or `messagepack`; `json`.
        transports: Those that may be used, in the server's order; all three.
        skip_negotiation: Open a WebSocket at once; `transports` has to be `("WebSockets",)`. False.
        token: A function that gives the bearer token; asked for each attempt to connect, in a thread of its own. None.
        headers: Sent with every request. None.
        proxy: URL of an HTTP proxy, perhaps with a user and password. None.
        ssl: An `ssl.SSLContext`; False does not check certificates. True.
        reconnect: As for `hubstream.HubConnection`: True, a list of seconds, or a policy, which may not block. False.
        retry_start: Whether that holds for the first connect as well. False.
        handshake_timeout: Seconds the server has to answer the handshake; 15.
        server_timeout: Seconds without a message after which the server is taken for gone; 30. Not with long polling.
        keep_alive: Seconds without a message of ours after which a Ping is sent; 15. Not with long polling.
        stream_buffer: Items of a stream that wait to be taken before its policy counts; 10.
        stream_policy: What happens then: `wait`, `drop_oldest`, `latest` or `error`; `wait`.
        payloads: How names and values are written; `DOTNET` for a server of ASP.NET Core. As Python does.

    Raises:
        ImportError: aiohttp is not installed: `pip install hubstream[client]`.
        ValueError: An option has no such value.
        TypeError: `reconnect` is none of these.
    """

    def __init__(
        self,
        url: str,
        *,
        protocol: ProtocolName = "json",
        transports: Collection[str] = TRANSPORTS,
        skip_negotiation: bool = False,
        token: Callable[[], str | None] | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | bool = True,
        reconnect: Reconnect = False,
        retry_start: bool = False,
        handshake_timeout: float = 15.0,
        server_timeout: float = 30.0,
        keep_alive: float = 15.0,
        stream_buffer: int = 10,
        stream_policy: StreamPolicy = "wait",
        payloads: Payloads = PYTHON,
    ) -> None:
        self._connection = AsyncHubConnection(
            url,
            protocol=protocol,
            transports=transports,
            skip_negotiation=skip_negotiation,
            token=InThread(token) if callable(token) else token,
            headers=headers,
            proxy=proxy,
            ssl=ssl,
            reconnect=reconnect,
            retry_start=retry_start,
            handshake_timeout=handshake_timeout,
            server_timeout=server_timeout,
            keep_alive=keep_alive,
            stream_buffer=stream_buffer,
            stream_policy=stream_policy,
            payloads=payloads,
        )
        self._stream_policy: StreamPolicy = stream_policy
        self._process: int | None = None  # where it was started

    @property
    def state(self) -> HubConnectionState:
        """What it is doing."""
        return self._connection.state

    @property
    def connection_id(self) -> str | None:
        """What the hub knows this connection by; None while there is none, and where negotiation is skipped."""
        return self._connection.connection_id

    @property
    def transport(self) -> str | None:
        """`WebSockets`, `ServerSentEvents` or `LongPolling`; None while there is no connection."""
        return self._connection.transport

    def start(self) -> None:
        """Connect. Interrupted, it ends all it has begun.

        Raises:
            NegotiateError: The server refused to negotiate, or gave no answer to it.
            TransportError: The server was not reached, or no transport could be opened.
            HandshakeError: The server does not speak the protocol, or did not answer in time.
            ConnectionLost: `stop()` came first.
            RuntimeError: It is not disconnected, or was started before a fork.
        """
        thread = self._thread()
        if self._process is None:
            self._process = os.getpid()
            weakref.finalize(self, _abandon, thread, self._connection).atexit = False
        self._call(_start(thread, self._connection))

    def stop(self) -> None:
        """Tell the server, end the connection, or the attempt to have one, and wait until all of it has ended.

        Pending calls and streams get `ConnectionLost`; handlers that run have a second, and then run on unheard. Where there is
        nothing to stop it does nothing.
        """
        if self._process is None:
            return
        thread = self._thread()
        if thread.alive:  # at the end of the program all have been stopped
            thread.call(_stop(thread, self._connection))

    def close(self) -> None:
        """The same as `stop()`, by the name `contextlib.closing` knows."""
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @overload
    def invoke(self, name: str, /, *arguments: object, timeout: float | None = ...) -> Any: ...
    @overload
    def invoke(self, name: str, /, *arguments: object, result: TypeForm[T], timeout: float | None = ...) -> T: ...
    def invoke(self, name: str, /, *arguments: object, result: Any = Any, timeout: float | None = None) -> Any:
        """Call a hub method and wait for its result. Interrupting the wait cancels the call.

        Args:
            name: The method.
            arguments: What it is called with. Iterators, such as generators and open files, are uploaded, each pulled in a thread
                of its own, at most ten items ahead; `file_chunks()` gives the bytes of a file.
            result: The type of the result; what the protocol gives without.
            timeout: Seconds the call may take; None for no end.

        Raises:
            HubError: The server's error, or a result of another type.
            ConnectionLost: The connection is not active, or ended first.
            TimeoutError: There was no result in time; the call is cancelled.
            TypeError: An argument cannot be sent; nothing was.
        """
        call = self._connection.invoke(name, *_uploads(arguments), result=result)
        return self._call(call, timeout, f"the result of '{name}'")

    def send(self, name: str, /, *arguments: object, timeout: float | None = None) -> None:
        """Call a hub method and do not wait for it; what is uploaded goes on by itself.

        Args:
            name: The method.
            arguments: As for `invoke()`.
            timeout: Seconds the connection may take to have room for the call; None for no end.

        Raises:
            ConnectionLost: The connection is not active.
            TimeoutError: There was no room in time; nothing was sent.
            TypeError: An argument cannot be sent; nothing was.
        """
        self._call(self._connection.send(name, *_uploads(arguments)), timeout, f"room to send '{name}'")

    @overload
    def stream(
        self,
        name: str,
        /,
        *arguments: object,
        buffer: int | None = ...,
        policy: StreamPolicy | None = ...,
        resume: Callable[[Any], Sequence[object]] | None = ...,
        timeout: float | None = ...,
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
        timeout: float | None = ...,
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
        timeout: float | None = None,
    ) -> Stream[Any]:
        """A stream from the server, to iterate over. It is asked for on entering its block, or at the first item.

            with connection.stream("counter", 10, 0.5, item=int) as ticks:
                for n in ticks:
                    print(n)

        Leaving the block, or the loop where nothing else holds the stream, cancels it on the server.

        Args:
            name: The method.
            arguments: As for `invoke()`.
            item: The type of its items; what the protocol gives without.
            buffer: Items that wait to be taken; the connection's `stream_buffer` without.
            policy: What happens when so many wait: `wait`, `drop_oldest`, `latest` or `error`; the connection's without.
            resume: Makes the stream go on after a reconnect: called with the last item, it returns the arguments to ask again
                with; before the first item, the same are used again. It may not block.
            timeout: Seconds each item may take; None for no end.

        Raises:
            ValueError: There is no such buffer or policy.
            TypeError: `resume` cannot ask again for a stream with uploads: they are gone.
        """
        stream = self._connection.stream(
            name, *_uploads(arguments), item=item, buffer=buffer, policy=policy, resume=resume
        )
        ahead = (policy or self._stream_policy) == "wait"
        return Stream(stream, self._call, ahead=ahead, timeout=timeout, what=f"the next item of '{name}'")

    @overload
    def on(self, name: str, /) -> Callable[[F], F]: ...
    @overload
    def on(self, name: str, handler: F, /) -> F: ...
    def on(self, name: str, handler: F | None = None, /) -> F | Callable[[F], F]:
        """Call `handler` when the server calls `name`, whatever its case and underscores; also a decorator.

        Its annotations say what the arguments are converted to; what it returns answers a server that asks for a result.
        Handlers run in threads beside the connection: they may block, and call the server. They run one at a time, in order; one
        that takes longer than a second no longer holds up the others.

        Raises:
            MappingError: The server cannot call it; the text says why.
            ValueError: A second one for this name returns a value.
        """
        if handler is None:
            return lambda function: self.on(name, function)
        if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
            raise MappingError(
                f"the handler of '{name}' is a coroutine function, which needs hubstream.HubConnection: here write it with "
                "`def`; it runs in a thread and may block"
            )
        self._connection.on(name, InThread(handler))
        return handler

    def off(self, name: str, handler: Callable[..., object] | None = None, /) -> None:
        """Call `handler` no more, or none of this name."""
        self._connection.off(name, None if handler is None else InThread(handler))

    def on_close(self, callback: Heard, /) -> Heard:
        """Call `callback`, in a thread, once the connection has ended and is not tried again; also a decorator.

        It is given the error, or None after `stop()` and where the server closed without one.
        """
        self._connection.on_close(InThread(callback))
        return callback

    def on_reconnecting(self, callback: Heard, /) -> Heard:
        """Call `callback`, in a thread, when the connection was lost and is tried again; also a decorator.

        It is given the error, or None where the server closed without one.
        """
        self._connection.on_reconnecting(InThread(callback))
        return callback

    def on_reconnected(self, callback: Known, /) -> Known:
        """Call `callback`, in a thread, when there is a connection again; also a decorator.

        It is given the new connection id, or None where negotiation is skipped.
        """
        self._connection.on_reconnected(InThread(callback))
        return callback

    def _thread(self) -> LoopThread:
        if self._process is not None and self._process != os.getpid():
            raise RuntimeError(
                f"this connection was started in process {self._process}, and a fork does not take its thread along: make a new "
                "one in this process"
            )
        return loop_thread()

    def _call(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None, what: str = "", /) -> T:
        try:
            thread = self._thread()
        except BaseException:
            coroutine.close()
            raise
        return thread.call(coroutine if timeout is None else within(coroutine, timeout, what))


def _uploads(arguments: Sequence[object]) -> list[object]:
    return [_pulled(argument) if up.is_stream(argument) else argument for argument in arguments]


def _pulled(argument: Any) -> Pulled[Any]:
    if hasattr(argument, "__aiter__"):
        raise TypeError(
            f"{argument!r} is an async iterable, which is for hubstream.HubConnection: here pass a generator or another iterator"
        )
    return Pulled(argument)


async def _start(thread: LoopThread, connection: AsyncHubConnection) -> None:
    thread.open.add(connection)
    await connection.start()


async def _stop(thread: LoopThread, connection: AsyncHubConnection) -> None:
    await connection.stop()
    thread.open.discard(connection)


async def within(coroutine: Coroutine[Any, Any, T], seconds: float, what: str) -> T:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await coroutine
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TimeoutError(f"{what} did not come within {seconds:g} s") from error


def _abandon(thread: LoopThread, connection: AsyncHubConnection) -> None:
    """Nobody has the connection any more."""
    if thread.alive:
        asyncio.run_coroutine_threadsafe(_stop(thread, connection), thread.loop)
