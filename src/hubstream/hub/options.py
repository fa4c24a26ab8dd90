"""The options of a hub server and of each hub, with ASP.NET Core's defaults (spec 8.6). Seconds and bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypedDict, cast

from hubstream.hub.filters import HubFilter
from hubstream.hub.observer import Observer
from hubstream.payloads.style import PYTHON, Payloads

if TYPE_CHECKING:
    from hubstream.hub.hub import Hub
    from hubstream.transports.asgi.request import Request
    from hubstream.user import User

__all__ = ["HubOptions", "Options"]

_SECONDS = (
    "keep_alive",
    "client_timeout",
    "handshake_timeout",
    "stop_timeout",
    "disconnect_timeout",
    "poll_timeout",
    "send_timeout",
)
_COUNTS = ("stream_buffer", "parallel_invocations", "max_streams", "transport_buffer", "application_buffer")


class Options(TypedDict, total=False):
    """The keyword arguments of `HubServer` and `HubServer.map`."""

    keep_alive: float
    """Seconds between pings to the client (.NET: KeepAliveInterval); 15."""
    client_timeout: float
    """Seconds without a message after which a client that pings is taken for gone (ClientTimeoutInterval); 30."""
    handshake_timeout: float
    """Seconds a client has for its handshake (HandshakeTimeout); 15."""
    max_message_size: int | None
    """Bytes of one received message, framing included (MaximumReceiveMessageSize); 32,768. None: no limit."""
    stream_buffer: int
    """Items of one upload that wait for their method before reading pauses (StreamBufferCapacity); 10."""
    parallel_invocations: int
    """Plain calls of one connection that run at a time (MaximumParallelInvocationsPerClient); 1."""
    max_streams: int
    """Streams of one connection, both directions together; 1,000. Not limited in .NET."""
    client_result_timeout: float | None
    """Seconds a method waits for the result it asked a client for; 30. None: until the client answers or goes, as in .NET."""
    stop_timeout: float
    """Seconds a cancelled call or stream has to clean up before it is cancelled again; 5."""
    detailed_errors: bool
    """Show callers the class and text of every error (EnableDetailedErrors); False."""
    protocols: Collection[str]
    """The hub protocols offered (SupportedProtocols); json and messagepack."""
    transports: Collection[str]
    """Those clients may use (HttpConnectionDispatcherOptions.Transports); WebSockets, ServerSentEvents and LongPolling."""
    disconnect_timeout: float
    """Seconds between the negotiation and the transport, and between two polls (ConnectionOptions.DisconnectTimeout); 15."""
    poll_timeout: float
    """Seconds after which a poll is answered with nothing (LongPolling.PollTimeout); 90."""
    send_timeout: float
    """Seconds a client may take nothing of a frame, event or poll before it is cut off (TransportSendTimeout); 10."""
    transport_buffer: int
    """Bytes that gather for a client's next poll before its streams wait (TransportMaxBufferSize); 65,536."""
    application_buffer: int
    """Bytes of a client's that are accepted before its hub takes them; then its POSTs wait (ApplicationMaxBufferSize); 65,536."""
    minimum_protocol_version: int
    """The oldest version of the negotiation that is answered (MinimumProtocolVersion), 0 or 1; 0."""
    secret: str | bytes | None
    """Signs connection tokens, 16 bytes at least; with the same secret, any worker takes a WebSocket that another one negotiated.
    None: the worker that negotiated has to take it."""
    origins: Collection[str]
    """Origins besides the server's own host whose pages may open a WebSocket with cookies; none."""
    payloads: Payloads
    """How names and values are written: as Python has them, or `DOTNET`."""
    filters: Collection[HubFilter]
    """Code around calls, streams, connects and disconnects, the outermost first (AddFilter); those of `map` stand inside those of
    the server; none."""
    observers: Collection[Observer]
    """Who is told of connections, calls and what goes wrong; those of `map` after those of the server; none."""
    factory: Callable[[type[Hub[Any]]], Hub[Any]] | None
    """Makes the hub object of each call, for hubs whose `__init__` takes arguments."""
    authenticate: Callable[[Request], User | Awaitable[User | None] | None] | None
    """Says who sent a request, plain or async; asked about every request to the hub. None: the user is the one that the
    framework's middleware has found, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions:
    """`Options` with every default filled in and checked."""

    keep_alive: float = 15.0
    client_timeout: float = 30.0
    handshake_timeout: float = 15.0
    max_message_size: int | None = 32_768
    stream_buffer: int = 10
    parallel_invocations: int = 1
    max_streams: int = 1_000
    client_result_timeout: float | None = 30.0
    stop_timeout: float = 5.0
    detailed_errors: bool = False
    protocols: tuple[str, ...] = ("json", "messagepack")
    transports: tuple[str, ...] = ("WebSockets", "ServerSentEvents", "LongPolling")
    disconnect_timeout: float = 15.0
    poll_timeout: float = 90.0
    send_timeout: float = 10.0
    transport_buffer: int = 65_536
    application_buffer: int = 65_536
    minimum_protocol_version: int = 0
    secret: str | bytes | None = field(default=None, repr=False)
    origins: tuple[str, ...] = ()
    payloads: Payloads = PYTHON
    filters: tuple[HubFilter, ...] = ()
    observers: tuple[Observer, ...] = ()
    factory: Callable[[type[Hub[Any]]], Hub[Any]] | None = None
    authenticate: Callable[[Request], User | Awaitable[User | None] | None] | None = None

    def __post_init__(self) -> None:
        for name in ("transports", "protocols", "origins"):
            names: Any = getattr(self, name)
            if isinstance(names, str) or not isinstance(names, Collection):
                raise TypeError(f"{name} is a list of texts, such as ['one'], not {names!r}")
            object.__setattr__(self, name, tuple(cast(Collection[str], names)))
        for name in _SECONDS:
            if not isinstance(getattr(self, name), int | float) or not getattr(self, name) > 0:
                raise ValueError(f"{name} is a number of seconds above 0, not {getattr(self, name)!r}")
        for name in _COUNTS:
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} is a whole number, at least 1, not {getattr(self, name)!r}")
        patience, size, secret = self.client_result_timeout, self.max_message_size, self.secret
        if patience is not None and not (isinstance(patience, int | float) and patience > 0):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass texts
            raise ValueError(
                f"client_result_timeout is a number of seconds above 0, or None for no limit, not {patience!r}"
            )
        if size is not None and not (isinstance(size, int) and size > 0):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            raise ValueError(f"max_message_size is a number of bytes above 0, or None for no limit, not {size!r}")
        if not isinstance(self.payloads, Payloads):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            raise TypeError(f"payloads is PYTHON, DOTNET or Payloads(...), not {self.payloads!r}")
        unknown = set(self.protocols) - {"json", "messagepack"}
        if unknown or not self.protocols:
            raise ValueError(f"protocols are 'json' and 'messagepack', not {', '.join(sorted(unknown)) or 'none'}")
        if not self.transports:
            raise ValueError("transports names at least one")
        if self.minimum_protocol_version not in {0, 1}:
            raise ValueError(f"minimum_protocol_version is 0 or 1, not {self.minimum_protocol_version!r}")
        if other := [origin for origin in self.origins if "://" not in origin and origin != "null"]:
            raise ValueError(
                f"origins are written out one by one, such as 'https://example.com', not {', '.join(other)}"
            )
        if self.authenticate is not None and not callable(self.authenticate):
            raise TypeError(f"authenticate is a function of the request, not {self.authenticate!r}")
        if self.factory is not None and not callable(self.factory):
            raise TypeError(f"factory is a function of the hub's class, not {self.factory!r}")
        if secret is not None and not (isinstance(secret, str | bytes) and len(secret) >= 16):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            raise ValueError("secret has at least 16 bytes: secrets.token_bytes(32) makes one")

    def replace(self, changes: dict[str, Any]) -> HubOptions:
        """These options with some changed.

        Raises:
            TypeError: There is no such option; the text lists those there are.
        """
        names = {option.name for option in fields(self)}
        unknown = set(changes) - names
        if unknown:
            raise TypeError(f"no option is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}")
        for name, class_ in (("filters", HubFilter), ("observers", Observer)):
            if name not in changes:
                continue
            added = changes[name]
            if not isinstance(added, Collection) or not all(isinstance(it, class_) for it in cast(Any, added)):
                raise TypeError(
                    f"{name} are objects of classes derived from {class_.__name__}, in a list, not {added!r}"
                )
            changes = {**changes, name: (*getattr(self, name), *cast(Any, added))}
        return HubOptions(**{name: changes.get(name, getattr(self, name)) for name in names})
