"""What a client says about how it reaches its server. Imports `errors` and below; never blocks."""

from __future__ import annotations

import re
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

__all__ = ["TRANSPORTS", "ClientOptions", "Token"]

TRANSPORTS = ("WebSockets", "ServerSentEvents", "LongPolling")
"""The transports there are, by the names the negotiation gives them."""

Token = Callable[[], str | Awaitable[str | None] | None]
"""Gives the bearer token; asked anew whenever the client connects, and once more when the server answers 401."""


_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Where the server is and how it is reached.

    Raises:
        ValueError: The URL or the proxy's has no host or another scheme, a transport does not exist or none is left, the
            negotiation is to be skipped and transports other than WebSockets are allowed, or a header's name is none.
        TypeError: The token is no function, or a header no text.
    """

    url: str
    """The hub's, `http` or `https` (`ws` and `wss` mean the same). Its query and its escapes go out as they are written."""
    transports: tuple[str, ...] = TRANSPORTS
    """Those that may be used; the server's order decides. All three; default."""
    skip_negotiation: bool = False
    """Open a WebSocket at once, without asking; then there is no connection id. False; default."""
    token: Token | None = None
    """Gives the bearer token for every request, as header `Authorization`. None; default."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with every request, before any of the client's own of that name. None; default."""
    session: aiohttp.ClientSession | None = None
    """The user's own, for its cookies, headers, middlewares, proxy, name resolution and TLS. It is never closed, its limit of
    connections and its time-outs do not count here. None: one for each connection; default."""
    proxy: str | None = None
    """URL of an HTTP proxy, perhaps with a user and password. None: the session's; default."""
    ssl: ssl_module.SSLContext | bool = True
    """A context with the CA and the certificates to use; False checks nothing. True: the session's, the system's CAs; default."""
    close_timeout: float = 5.0
    """Seconds for what was written to leave, and for the server to answer, when this side closes; default 5."""

    cookies: list[aiohttp.CookieJar] = field(
        default_factory=list[aiohttp.CookieJar], init=False, repr=False, compare=False
    )
    """One jar, once there is a connection: what servers set stays from one connection to the next."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname or parts.port == 0:
            raise ValueError(f"the hub's URL is like http://host/hub, not {self.url!r}")
        unknown = [name for name in self.transports if name not in TRANSPORTS]
        if unknown or not self.transports:
            raise ValueError(f"the transports are {', '.join(TRANSPORTS)}, not {', '.join(unknown) or 'none'}")
        if self.skip_negotiation and self.transports != ("WebSockets",):
            raise ValueError("the negotiation can only be skipped with WebSockets alone: transports=('WebSockets',)")
        if self.token is not None and not callable(self.token):  # its value is not shown: it is a secret
            raise TypeError("token is a function that gives the token: token=lambda: '...'")
        if self.proxy is not None:
            parts = urlsplit(self.proxy)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError(f"the proxy's URL is like http://host:8080, not {self.proxy!r}")
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a header")
            if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass numbers
                raise TypeError(f"the header {name} is a text, not {type(value).__name__}")
