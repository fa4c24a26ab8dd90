"""The session a hub connection sends its requests with, and all sockets of it.

A user's session lends all it has, but for three things that do not fit a hub: its limit of connections, which a few event streams
would use up; its time-outs; and a cookie jar that refuses hosts that are IP addresses. Imports aiohttp and this room's `options`;
only `close` waits.
"""

from __future__ import annotations

import asyncio
import copy
import ipaddress
from collections.abc import Sequence
from http.cookies import BaseCookie
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractCookieJar
from typing_extensions import override
from yarl import URL

from hubstream.transports.client.options import ClientOptions

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace
    from aiohttp.typedefs import LooseCookies

__all__ = ["Sockets", "open_session"]

REACH: Final = 30.0
"""Seconds to reach the server, as aiohttp has them."""
IDLE: Final = 4.0
"""Seconds a connection is kept for the next request. Python's servers close theirs after 5 s, perhaps while a POST is on its way,
of which nobody then knows whether it was taken."""


class Sockets(aiohttp.BaseConnector):
    """Makes connections as `maker` does, without its limit, and knows all that are open.

    Args:
        maker: The user's connector, or one of our own.
        owned: Whether to close it in the end.
    """

    def __init__(self, maker: aiohttp.BaseConnector, *, owned: bool) -> None:
        super().__init__(limit=0, keepalive_timeout=IDLE)
        self.allowed_protocol_schema_set = maker.allowed_protocol_schema_set
        self._maker = maker
        self._owned = owned
        self._open: dict[asyncio.Future[None], asyncio.Transport] = {}

    @override
    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        # What a connector overrides to reach its servers in its own way, and so the one thing that is asked of the user's.
        made = await self._maker._create_connection(req, traces, timeout)  # pyright: ignore[reportPrivateUsage]
        closed, transport = made.closed, made.transport
        if closed is not None and transport is not None:
            self._open[closed] = transport
            closed.add_done_callback(self._ended)
        return made

    def _ended(self, closed: asyncio.Future[None]) -> None:
        self._open.pop(closed, None)
        if not closed.cancelled():
            closed.exception()  # whoever used the connection has been told

    @property
    def transports(self) -> list[asyncio.Transport]:
        """Those that are open."""
        return list(self._open.values())

    def abort(self) -> None:
        """Cut every connection now; what is not sent is dropped."""
        for transport in self.transports:
            transport.abort()

    async def end(self) -> None:
        """Cut what is left and wait until it is gone."""
        self.abort()
        try:
            if self._open:
                await asyncio.wait(list(self._open))
        finally:
            if self._owned:
                await self._maker.close()


class _Jar(aiohttp.CookieJar):
    """The user's cookies, and beside them those of hosts that are IP addresses, which most jars refuse."""

    def __init__(self, lent: AbstractCookieJar, own: AbstractCookieJar) -> None:
        super().__init__()
        self._lent = lent
        self._own = own

    @override
    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008 - aiohttp's signature
        self._of(response_url).update_cookies(cookies, response_url)

    @override
    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        self._of(response_url).update_cookies_from_headers(headers, response_url)

    def _of(self, url: URL) -> AbstractCookieJar:
        return self._own if _is_address(url.host) else self._lent

    @override
    def filter_cookies(self, request_url: URL = URL()) -> BaseCookie[str]:  # noqa: B008 - as above
        found = self._lent.filter_cookies(request_url)
        if _is_address(request_url.host):
            found.update(self._own.filter_cookies(request_url))
        return found


def _kept(options: ClientOptions) -> aiohttp.CookieJar:
    if not options.cookies:
        options.cookies.append(aiohttp.CookieJar(unsafe=True))
    return options.cookies[0]


def _is_address(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True


def open_session(options: ClientOptions) -> tuple[aiohttp.ClientSession, Sockets]:
    """A session of one hub connection, to be closed with it, and its sockets.

    Raises:
        RuntimeError: The user's session is closed.
    """
    waits = aiohttp.ClientTimeout(total=None, sock_connect=REACH)
    lent = options.session
    if lent is None:
        sockets = Sockets(aiohttp.TCPConnector(limit=0), owned=True)
        session = aiohttp.ClientSession(connector=sockets, cookie_jar=_kept(options), timeout=waits)
        _ask_once(session)
        return session, sockets
    if lent.connector is None or lent.closed:
        raise RuntimeError("the session given to the client is closed")
    # A copy has all the user has set, also what aiohttp does not let one ask for: middlewares, proxy, classes of responses.
    session = copy.copy(lent)
    sockets = Sockets(lent.connector, owned=False)
    session._connector = sockets  # pyright: ignore[reportPrivateUsage]
    session._connector_owner = True  # pyright: ignore[reportPrivateUsage]
    session._timeout = waits  # pyright: ignore[reportPrivateUsage]
    _ask_once(session)
    if isinstance(lent.cookie_jar, aiohttp.CookieJar) and not lent.cookie_jar.unsafe:
        session._cookie_jar = _Jar(lent.cookie_jar, _kept(options))  # pyright: ignore[reportPrivateUsage]
    return session, sockets


def _ask_once(session: aiohttp.ClientSession) -> None:
    """aiohttp repeats a GET whose connection was cut: what the server sent with the answer to a poll would be lost in silence."""
    session._retry_connection = False  # pyright: ignore[reportPrivateUsage]
