"""The hub server: hubs at their paths, as an ASGI application. The one file that knows both hubs and transports.

It needs no start and no lifespan: its state is made for the event loop of the first request and dropped with that loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, overload

from typing_extensions import Unpack

from hubstream.connection.clock import Clock
from hubstream.connection.connection import Connection
from hubstream.errors import MappingError
from hubstream.hub.admission import admission
from hubstream.hub.clients import C
from hubstream.hub.connection import ServerConnection
from hubstream.hub.describe import HubDescription, describe
from hubstream.hub.events import HubEvent
from hubstream.hub.hub import Hub
from hubstream.hub.inmemory import InMemoryLifetimeManager
from hubstream.hub.lifetime import LifetimeManager
from hubstream.hub.logs import HubLog
from hubstream.hub.mapping import HubMapping
from hubstream.hub.observer import Notice, Observers
from hubstream.hub.options import HubOptions, Options
from hubstream.hub.outside import HubContext
from hubstream.hub.stopping import StopWatch
from hubstream.hub.threads import Threads
from hubstream.transports.asgi.app import HubApp
from hubstream.transports.asgi.endpoint import Endpoint, TransportOptions
from hubstream.transports.asgi.limits import message_limit
from hubstream.transports.asgi.paths import normal
from hubstream.transports.asgi.request import Request
from hubstream.transports.asgi.tokens import mint
from hubstream.types import Receive, Scope, Send

__all__ = ["HubServer"]


class Runtime:
    """What a server has on one event loop."""

    __slots__ = ("clock", "connections", "leaving", "lifetimes", "loop", "stop_watch")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, end: Callable[[], Coroutine[Any, Any, None]], observers: Observers
    ) -> None:
        self.loop = loop
        self.clock = Clock(loop)
        self.connections: dict[str, ServerConnection] = {}
        self.leaving: set[ServerConnection] = set()
        """Those that have ended, while something of theirs still runs."""
        self.lifetimes: dict[HubMapping, LifetimeManager] = {}
        self.stop_watch = StopWatch(self.clock, lambda: bool(self.connections or self.leaving), end, observers)

    def lifetime(self, mapping: HubMapping) -> LifetimeManager:
        """Who is connected to a hub, and how messages find them."""
        return self.lifetimes.get(mapping) or self.lifetimes.setdefault(mapping, InMemoryLifetimeManager())


class HubServer:
    """An ASGI application that serves hubs.

        app = HubServer({"/clock": Clock})

    Mounted in a framework it serves them below the mount: `app.mount("/hubs", HubServer({"/clock": Clock}))` has `/hubs/clock`.

    Args:
        hubs: Hub classes by their paths.
        options: Defaults for every hub; `map` can change them for one. They are documented at `Options`.

    Raises:
        MappingError: A hub is not written as one can be; the text says what to change.
    """

    def __init__(self, hubs: Mapping[str, type[Hub[Any]]] | None = None, /, **options: Unpack[Options]) -> None:
        self._options = HubOptions().replace(dict(options))
        self._observers = Observers((HubLog(), *self._options.observers))
        self._mappings: dict[str, HubMapping] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._runtime: Runtime | None = None
        self._limit_seen = False
        self._threads = Threads()
        self.dependency_overrides: dict[Callable[..., Any], Callable[..., Any]] = {}
        """Dependencies and what stands in for them, for tests."""
        self._app = HubApp(self._endpoints, lambda: self._running().clock)
        if hubs is not None and not isinstance(hubs, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass a hub
            raise MappingError(f"HubServer takes hubs by their paths, such as {{'/clock': Clock}}, not {hubs!r}")
        for path, hub in (hubs or {}).items():
            self.map(path, hub)

    def map(self, path: str, hub: type[Hub[Any]], /, **options: Unpack[Options]) -> None:
        """Serve a hub at a path, with options of its own.

        Raises:
            MappingError: The path is taken, or the hub is not written as one can be.
        """
        if not (isinstance(hub, type) and issubclass(hub, Hub)):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass objects
            raise MappingError(f"{path} is mapped to {hub!r}; it takes a class derived from Hub")
        if any(mark in path for mark in ("://", "{", "?", "#")):
            raise MappingError(
                f"a hub's path is like '/clock', without host, parameters and query, not {path!r}; what clients write behind a "
                "'?' is in self.context.request.query"
            )
        path = normal(path)
        if path in self._mappings:
            raise MappingError(f"{path or '/'} is mapped twice: to {self._mappings[path].hub.__qualname__} already")
        mapping = HubMapping(
            path, hub, self._options.replace(dict(options)), self._threads, lambda: self.dependency_overrides
        )
        transport = _transport_options(mapping.options)

        def connect(connection: Connection, request: Request, connection_id: str) -> ServerConnection:
            return self._connect(mapping, connection, request, connection_id)

        self._mappings[path] = mapping
        self._endpoints[path] = Endpoint(path, transport, connect, admission(mapping))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            if scope["type"] == "websocket" and not self._limit_seen:
                self._limit_seen = True
                self._compare_limits(message_limit(send))
            await self._app(scope, receive, send)
            return
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                await self.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return

    @asynccontextmanager
    async def lifespan(self, app: object = None, /) -> AsyncGenerator[None]:
        """For a framework's `lifespan=`: closes the connections when the application stops. Not needed to start."""
        try:
            yield
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """End every connection, telling clients to come back; cancel every call and stream, and wait for their ends."""
        runtime = self._runtime
        if runtime is None or runtime.loop is not asyncio.get_running_loop():
            return
        connections = [*runtime.connections.values(), *runtime.leaving]
        for connection in connections:
            connection.stop()
        await asyncio.gather(*(connection.stopped() for connection in connections))
        await self._app.aclose()
        self._threads.close()

    def attach(
        self, hub: str | type[Hub[Any]], connection: Connection, request: Request | None = None, /
    ) -> ServerConnection:
        """Serve a hub on a connection made elsewhere, as the test kit does; gives the connection's handler.

        Raises:
            LookupError: There is no such hub, or the class is mapped more than once.
        """
        return self._connect(
            self._find(hub), connection, request or Request({"type": "websocket", "path": "/"}), mint()
        )

    @overload
    def of(self, hub: type[Hub[C]], /) -> HubContext[C]: ...
    @overload
    def of(self, hub: str, /) -> HubContext: ...
    def of(self, hub: str | type[Hub[Any]], /) -> HubContext[Any]:
        """A hub's clients and groups, for code outside its methods.

            await hubs.of(Chat).clients.group("news").send("message", "hello")

        Raises:
            LookupError: There is no such hub, or the class is mapped more than once: then name its path.
        """
        mapping = self._find(hub)
        return HubContext(mapping, lambda: self._running().lifetime(mapping))

    async def disconnect(
        self, *, user: str | None = None, connection: str | None = None, reason: str | None = None
    ) -> None:
        """End a connection, or all of a user, on every hub. Clients do not reconnect by themselves.

        Args:
            user: The user's id.
            connection: Or a connection's id.
            reason: What the client is shown.

        Raises:
            TypeError: Neither is named, or both are.
        """
        if (user is None) == (connection is None):
            raise TypeError("disconnect() takes either user= or connection=")
        runtime = self._running()
        for mapping in self._mappings.values():
            await runtime.lifetime(mapping).disconnect(connection_id=connection, user_id=user, reason=reason)

    @property
    def paths(self) -> tuple[str, ...]:
        """The hubs' paths below the application, with one slash in front; the root's is empty."""
        return tuple(self._mappings)

    def describe(self) -> tuple[HubDescription, ...]:
        """What every hub offers: methods, kinds, parameters, types and docs."""
        return tuple(map(describe, self._mappings.values()))

    def snapshot(self) -> dict[str, int]:
        """What there is now, for health pages and tests: `connections`, `groups`, `streams`, `tasks`, `records`."""
        runtime = self._runtime
        live = list(runtime.connections.values()) if runtime is not None else []
        connections = [*live, *(runtime.leaving if runtime is not None else ())]
        return {
            "connections": len(live),
            "groups": sum(it.group_count for it in runtime.lifetimes.values()) if runtime is not None else 0,
            "streams": sum(connection.streams for connection in connections),
            "tasks": sum(connection.running for connection in connections),
            "records": self._app.records,
        }

    def _find(self, hub: str | type[Hub[Any]]) -> HubMapping:
        if isinstance(hub, str):
            found = [mapping for path, mapping in self._mappings.items() if path == normal(hub)]
        else:
            found = [mapping for mapping in self._mappings.values() if mapping.hub is hub]
        if len(found) != 1:
            paths = ", ".join(path or "/" for path in self._mappings) or "none"
            raise LookupError(
                f"{'several hubs are' if found else 'no hub is'} mapped as {hub!r}; the paths are {paths}"
            )
        return found[0]

    def _connect(
        self, mapping: HubMapping, connection: Connection, request: Request, connection_id: str
    ) -> ServerConnection:
        runtime = self._running()
        runtime.stop_watch.start()
        return ServerConnection(
            mapping,
            connection,
            request,
            connection_id,
            runtime.clock,
            runtime.lifetime(mapping),
            runtime.connections,
            runtime.leaving,
        )

    def _compare_limits(self, servers: int | None) -> None:
        for path, mapping in self._mappings.items():
            ours = mapping.options.max_message_size
            if servers is not None and (ours is None or ours > servers):
                size = "any size" if ours is None else f"{ours} bytes"
                detail = (
                    f"{path or '/'} takes messages of {size} (max_message_size=), but the ASGI server ends a WebSocket beyond "
                    f"{servers} bytes: raise the server's limit (uvicorn: --ws-max-size; hypercorn: websocket_max_message_size)"
                )
                self._observers.noticed(Notice(event=HubEvent.LIMIT_UNREACHABLE, detail=detail))

    def _running(self) -> Runtime:
        loop = asyncio.get_running_loop()
        runtime = self._runtime
        if runtime is None or runtime.loop is not loop:
            if runtime is not None and not runtime.loop.is_closed():
                raise RuntimeError(
                    "this HubServer is serving on another event loop; one server belongs to one loop: make a HubServer for each"
                )
            runtime = self._runtime = Runtime(loop, self.aclose, self._observers)
        return runtime


def _transport_options(options: HubOptions) -> TransportOptions:
    secret = options.secret
    return TransportOptions(
        transports=frozenset(options.transports),
        origins=frozenset(options.origins) or None,
        disconnect_timeout=options.disconnect_timeout,
        poll_timeout=options.poll_timeout,
        send_timeout=options.send_timeout,
        transport_buffer=options.transport_buffer,
        application_buffer=options.application_buffer,
        minimum_protocol_version=options.minimum_protocol_version,
        secret=secret.encode() if isinstance(secret, str) else secret,
    )
