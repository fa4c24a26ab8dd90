"""A connection to a hub: the client's face. It starts, stops, reconnects, and tells of it (spec 11).

Imports the rooms before it and its own; aiohttp only when one is made. The coroutines wait; nothing else does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from typing_extensions import TypeVar, override

from hubstream.client import errors
from hubstream.client.connection import CODECS, STOP, ClientCore
from hubstream.client.events import Events
from hubstream.client.handlers import Handlers
from hubstream.client.hub_client import HubClient
from hubstream.client.life import Attach, Attached, Life
from hubstream.client.network import client_options, open_connection
from hubstream.client.reconnect import Reconnect, policy_of
from hubstream.client.state import HubConnectionState
from hubstream.client.tasks import Tasks
from hubstream.client.wire import Wire
from hubstream.connection.clock import Clock
from hubstream.errors import ConnectionLost
from hubstream.payloads.bind import binder
from hubstream.payloads.style import PYTHON, Payloads, ProtocolName
from hubstream.streams.buffer import StreamPolicy

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from hubstream.transports.client.options import Token

__all__ = ["HubConnection"]

Heard = TypeVar("Heard", bound=Callable[[Exception | None], object])
Known = TypeVar("Known", bound=Callable[[str | None], object])

TRANSPORTS = ("WebSockets", "ServerSentEvents", "LongPolling")


class HubConnection(HubClient):
    """A connection to a hub, of this package or of ASP.NET Core.

        connection = HubConnection("https://example.com/hubs/clock", reconnect=True)

        @connection.on("message")
        async def show(user: str, text: str) -> None: ...

        async with connection:
            total = await connection.invoke("upload", lines(), result=int)

    It is made anywhere, started and stopped in an event loop, and may be started again.

    Args:
        url: The hub's. Its query goes with every request.
        protocol: `json` or `messagepack`; `json`.
        transports: Those that may be used, in the server's order; all three.
        skip_negotiation: Open a WebSocket at once; `transports` has to be `("WebSockets",)`. False.
        token: A function, sync or async, that gives the bearer token; asked for each attempt to connect. None.
        headers: Sent with every request. None.
        session: An `aiohttp.ClientSession` to use; it stays open. One of its own, without.
        proxy: URL of an HTTP proxy. None.
        ssl: An `ssl.SSLContext`; False does not check certificates. True.
        reconnect: What is done when the connection is lost without `stop()`, or the server closes it and allows it. True: four
            attempts, after 0, 2, 10 and 30 s, each delay varied by up to 20 %. A list: attempts after these delays, exactly. A
            policy: called with a `RetryContext`, it returns the seconds until the next attempt, or None. False: nothing.
        retry_start: Whether that holds for the first connect as well; not for mistakes such as a `ValueError`. False.
        handshake_timeout: Seconds the server has to answer the handshake; 15.
        server_timeout: Seconds without a message after which the server is taken for gone; 30. Not with long polling.
        keep_alive: Seconds without a message of ours after which a Ping is sent; 15. Not with long polling.
        stream_buffer: Items of a stream that wait to be taken before its policy counts; 10.
        stream_policy: What happens then: `wait`, `drop_oldest`, `latest` or `error`; `wait`. See `stream()`.
        payloads: How names and values are written; `DOTNET` for a server of ASP.NET Core. As Python does.

    Raises:
        ImportError: aiohttp is not installed: `pip install hubstream[client]`.
        ValueError: An option has no such value.
        TypeError: One is of another type, such as a token that is a text instead of a function.
    """

    def __init__(
        self,
        url: str,
        *,
        protocol: ProtocolName = "json",
        transports: Collection[str] = TRANSPORTS,
        skip_negotiation: bool = False,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
        session: aiohttp.ClientSession | None = None,
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
        if protocol not in CODECS:
            raise ValueError(f"the protocols are {' and '.join(CODECS)}, not {protocol!r}")
        for name, seconds in (
            ("handshake_timeout", handshake_timeout),
            ("server_timeout", server_timeout),
            ("keep_alive", keep_alive),
        ):
            if not isinstance(seconds, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass texts
                raise TypeError(f"{name} is a number of seconds, not {seconds!r}")
            if not seconds > 0:
                raise ValueError(f"{name} is a number of seconds, not {seconds!r}")
        if isinstance(transports, str):
            raise TypeError(f"transports is a list, such as ['WebSockets'], not {transports!r}")
        if not isinstance(payloads, Payloads):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            raise TypeError(f"payloads is PYTHON, DOTNET or Payloads(...), not {payloads!r}")
        self._policy = policy_of(reconnect)
        if retry_start and self._policy is None:
            raise ValueError("retry_start=True needs to know when: reconnect=True, a list of seconds or a policy")
        super().__init__(
            Handlers(), binder(payloads, protocol), Tasks(), stream_buffer=stream_buffer, stream_policy=stream_policy
        )
        self._retry_start = retry_start
        self._events = Events(self._tasks)
        self._life: Life | None = None
        self._stopped: Tasks | None = None
        """What a `stop()` ends, perhaps still: the next life has another owner."""
        self._binary = protocol == "messagepack"
        self._options = client_options(
            url=url,
            transports=tuple(transports),
            skip_negotiation=skip_negotiation,
            token=token,
            headers=dict(headers or {}),
            session=session,
            proxy=proxy,
            ssl=ssl,
        )
        self._make = partial(
            ClientCore,
            protocol=protocol,
            handlers=self._handlers,
            payloads=payloads,
            handshake_timeout=handshake_timeout,
            server_timeout=server_timeout,
            keep_alive=keep_alive,
            stream_buffer=stream_buffer,
            stream_policy=stream_policy,
        )

    @property
    def state(self) -> HubConnectionState:
        """What it is doing."""
        return self._life.state if self._life is not None else HubConnectionState.DISCONNECTED

    @property
    def connection_id(self) -> str | None:
        """What the hub knows this connection by; None while there is none, and where negotiation is skipped."""
        attached = self._life.attached if self._life is not None else None
        return attached.connection_id if attached is not None else None

    @property
    def transport(self) -> str | None:
        """`WebSockets`, `ServerSentEvents` or `LongPolling`; None while there is no connection."""
        attached = self._life.attached if self._life is not None else None
        return attached.connection.transport if attached is not None else None

    async def start(self) -> None:
        """Connect. Cancelled, it ends all it has begun.

        Raises:
            NegotiateError: The server refused to negotiate, or gave no answer to it.
            TransportError: The server was not reached, or no transport could be opened.
            HandshakeError: The server does not speak the protocol, or did not answer in time.
            ConnectionLost: `stop()` came first.
            RuntimeError: It is not disconnected.
        """
        if self.state is not HubConnectionState.DISCONNECTED:
            raise RuntimeError(errors.NOT_DISCONNECTED)
        if self._tasks is self._stopped:
            self._tasks = self._events.tasks = Tasks()
        make = partial(self._make, clock=Clock(asyncio.get_running_loop()))
        self._life = Life(self._connect, make, self._policy, self._retry_start, self._events, self._tasks)
        await self._life.begin()

    async def stop(self) -> None:
        """Tell the server, end the connection, or the attempt to have one, and wait until all of it has ended.

        Pending calls and streams get `ConnectionLost`; handlers that run have a second; a server that does not answer has 5 s.
        Cancelled, it ends at once. Where there is nothing to stop it does nothing.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        life, tasks = self._life, self._tasks
        self._stopped = tasks
        try:
            if life is not None:
                await life.stop()
                if life.core is not None:
                    life.core.let_go()
            await self._events.brought()
            await tasks.end(max(0.0, STOP - (loop.time() - began)))
        except asyncio.CancelledError:
            self._stopped = None  # what it leaves the next one ends
            raise

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def on_close(self, callback: Heard, /) -> Heard:
        """Call `callback`, sync or async, once the connection has ended and is not tried again; also a decorator.

        It is given the error, or None after `stop()` and where the server closed without one.
        """
        self._events.closed.append(callback)
        return callback

    def on_reconnecting(self, callback: Heard, /) -> Heard:
        """Call `callback`, sync or async, when the connection was lost and is tried again; also a decorator.

        It is given the error, or None where the server closed without one.
        """
        self._events.reconnecting.append(callback)
        return callback

    def on_reconnected(self, callback: Known, /) -> Known:
        """Call `callback`, sync or async, when there is a connection again; also a decorator.

        It is given the new connection id, or None where negotiation is skipped.
        """
        self._events.reconnected.append(callback)
        return callback

    @override
    def _wire_for(self, method: str) -> Wire:
        if self._life is None or self._life.core is None:
            raise ConnectionLost(f"{errors.not_active(method)} {errors.START_FIRST}")
        return self._life.core.wire

    async def _connect(self, attach: Attach) -> Attached:
        return await open_connection(self._options, binary=self._binary, attach=attach)
