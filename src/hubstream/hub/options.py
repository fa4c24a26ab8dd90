"""The options of a hub server and of each hub, with ASP.NET Core's defaults (spec 8.6). Seconds and bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict

from hubstream.payloads.style import PYTHON, Payloads

if TYPE_CHECKING:
    from hubstream.hub.hub import Hub

__all__ = ["HubOptions", "Options"]


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
    stop_timeout: float
    """Seconds a cancelled call or stream has to clean up before it is cancelled again; 5."""
    detailed_errors: bool
    """Show callers the class and text of every error (EnableDetailedErrors); False."""
    protocols: tuple[str, ...]
    """The hub protocols offered (SupportedProtocols); json and messagepack."""
    origins: tuple[str, ...]
    """Origins besides the server's own host whose pages may open a WebSocket with cookies; none."""
    payloads: Payloads
    """How names and values are written: as Python has them, or `DOTNET`."""
    factory: Callable[[type[Hub]], Hub] | None
    """Makes the hub object of each call, for hubs whose `__init__` takes arguments."""


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
    stop_timeout: float = 5.0
    detailed_errors: bool = False
    protocols: tuple[str, ...] = ("json", "messagepack")
    origins: tuple[str, ...] = ()
    payloads: Payloads = PYTHON
    factory: Callable[[type[Hub]], Hub] | None = None

    def __post_init__(self) -> None:
        for name in ("keep_alive", "client_timeout", "handshake_timeout", "stop_timeout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is a number of seconds above 0, not {getattr(self, name)!r}")
        for name in ("stream_buffer", "parallel_invocations", "max_streams"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, not {getattr(self, name)!r}")
        if self.max_message_size is not None and self.max_message_size < 1:
            raise ValueError("max_message_size is a number of bytes, or None for no limit")
        unknown = set(self.protocols) - {"json", "messagepack"}
        if unknown or not self.protocols:
            raise ValueError(f"protocols are 'json' and 'messagepack', not {', '.join(sorted(unknown)) or 'none'}")
        for name in ("protocols", "origins"):
            if not isinstance(getattr(self, name), tuple):
                raise TypeError(f"{name} is a tuple of texts, such as ('one',)")

    def replace(self, changes: dict[str, Any]) -> HubOptions:
        """These options with some changed.

        Raises:
            TypeError: There is no such option; the text lists those there are.
        """
        names = {field.name for field in fields(self)}
        unknown = set(changes) - names
        if unknown:
            raise TypeError(f"no option is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}")
        return HubOptions(**{name: changes.get(name, getattr(self, name)) for name in names})
