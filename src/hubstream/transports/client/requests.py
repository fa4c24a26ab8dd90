"""The requests of one hub connection: headers, the user's token and what follows a 401, proxies and TLS (spec 1.6, 1.8).

Imports `errors`, aiohttp and this room's `options` and `sockets`.
"""

from __future__ import annotations

import asyncio
import inspect
import platform
from functools import cache
from importlib.metadata import version
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from hubstream.errors import TransportError
from hubstream.transports.client.options import ClientOptions
from hubstream.transports.client.sockets import open_session

__all__ = ["ANSWER", "Requests", "beginning", "reason", "refused"]

ANSWER: Final = 30.0
"""Seconds the server has for an answer that has nothing to wait for."""
CHUNK: Final = 65_536
"""Bytes of a response that are read ahead; twice as many stop the socket."""
BEGINNING: Final = 200
"""Characters of an unexpected answer that are shown."""
LEGAL: Final = "%/:=&?~#+!$,;'@()*[]|"
"""What stays as it is written in a URL."""


@cache
def _user_agent() -> str:
    return f"hubstream/{version('hubstream')} (Python {platform.python_version()}; aiohttp {aiohttp.__version__})"


def as_written(url: str) -> URL:
    """A URL whose query and escapes go out as they are; only what no URL may hold is escaped, and host names are encoded."""
    scheme, host, path, query, _ = urlsplit(url)
    if not host.isascii():
        host = URL(url).raw_authority
    return URL(urlunsplit((scheme, host, quote(path, LEGAL), quote(query, LEGAL), "")), encoded=True)


class Requests:
    """What one hub connection asks over HTTP.

    Args:
        options: The user's.

    Raises:
        RuntimeError: The user's session is closed.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self._session, self._sockets = open_session(options)
        self._token: str | None = None
        self._fixed = False

    def fix_token(self, token: str) -> None:
        """The server has sent the client elsewhere with a token of its own, which holds from now on."""
        self._token = token
        self._fixed = True

    async def _ask_token(self) -> None:
        ask = self.options.token
        if ask is not None and not self._fixed:
            token = ask()
            self._token = await token if inspect.isawaitable(token) else token

    async def _headers(self, *, anew: bool) -> tuple[dict[str, str], bool]:
        """The headers of a request, and whether its token was asked for just now (spec 1.8)."""
        asked = anew or not self._token
        if asked:
            await self._ask_token()
        headers = {"X-Requested-With": "XMLHttpRequest"}
        if "User-Agent" not in self._session.headers:
            headers["User-Agent"] = _user_agent()
        lower = {name.lower() for name in self.options.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in lower} | dict(
            self.options.headers
        )
        if self._token:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            headers["Authorization"] = f"Bearer {self._token}"
        return headers, asked or self._fixed

    async def ask(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        accept: str = "*/*",
        total: float | None = ANSWER,
        silence: float | None = None,
        negotiate: bool = False,
    ) -> aiohttp.ClientResponse:
        """Send a request; on a 401 once more with a new token.

        Args:
            method: Its method.
            url: Where to.
            body: What a POST carries; it has no content type, as .NET's have none.
            accept: What is accepted in answer.
            total: Seconds for all of it, the reading of the answer too; None for no end.
            silence: Seconds the server may send nothing.
            negotiate: A new token is asked for first, and none after a 401.

        Raises:
            aiohttp.ClientError: It was not answered.
            TimeoutError: Not in time.
        """
        anew = negotiate
        while True:
            headers, asked = await self._headers(anew=anew)
            response = await self._session.request(
                method,
                as_written(url),
                data=body,
                headers={"Accept": accept, **headers},
                # What is compressed may be kept back on the way, and may become very large; .NET does not ask for it either.
                skip_auto_headers=("Accept-Encoding", "Content-Type"),
                timeout=aiohttp.ClientTimeout(total=total, sock_connect=ANSWER, sock_read=silence),
                raise_for_status=False,
                read_bufsize=CHUNK,
                proxy=self.options.proxy,
                ssl=self.options.ssl,
            )
            if response.status != 401 or asked:
                return response
            response.release()
            anew = True

    async def stream(self, url: str, accept: str) -> aiohttp.ClientResponse:
        """Send a GET whose answer lasts; returns when its headers have come.

        Raises:
            aiohttp.ClientError: It was not answered.
            TimeoutError: Not in time.
        """
        async with asyncio.timeout(ANSWER):
            return await self.ask("GET", url, accept=accept, total=None)

    async def upgrade(self, url: str) -> aiohttp.ClientWebSocketResponse[bool]:
        """Open a WebSocket; on a 401 once more with a new token. It sends no pings of its own, and is not compressed.

        Raises:
            aiohttp.ClientError: It was refused or not answered.
            TimeoutError: Not in time.
        """
        anew = False
        while True:
            headers, asked = await self._headers(anew=anew)
            try:
                async with asyncio.timeout(ANSWER):
                    return await self._session.ws_connect(
                        as_written(url),
                        headers=headers,
                        timeout=aiohttp.ClientWSTimeout(ws_close=self.options.close_timeout),  # pyright: ignore[reportCallIssue] - an attrs class
                        autoclose=False,
                        heartbeat=None,
                        max_msg_size=0,
                        decode_text=False,
                        proxy=self.options.proxy,
                        ssl=self.options.ssl,
                    )
            except aiohttp.ClientResponseError as error:
                if error.status != 401 or asked:
                    raise
            anew = True

    @property
    def sockets(self) -> list[asyncio.Transport]:
        """Those that are open."""
        return self._sockets.transports

    def abort(self) -> None:
        """Cut every connection now."""
        self._sockets.abort()

    async def close(self) -> None:
        """End every connection, and wait until they are gone."""
        await self._sockets.end()
        await self._session.close()


def beginning(body: bytes) -> str:
    """How an answer nobody expected begins, on one line."""
    text = " ".join(body[: 8 * BEGINNING].decode(errors="replace").split())
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text[:BEGINNING]


async def refused(response: aiohttp.ClientResponse) -> str:
    """What a server answered instead of what was asked for; the rest of it is not read."""
    async with asyncio.timeout(ANSWER):
        body = await response.content.read(8 * BEGINNING)
    response.close()
    return f"the server answered with status {response.status}, {response.content_type}: {beginning(body) or 'no body'}"


def reason(error: BaseException) -> str:
    """Why a request or a transport failed, in words and without the URL, whose query may hold secrets."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the server answered with status {error.status}: {error.message}"
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer within {ANSWER:g} s"
    if isinstance(error, TransportError):
        return str(error)
    return str(error) or type(error).__name__
