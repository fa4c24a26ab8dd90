"""The requests of one hub connection: headers, the user's token and what follows a 401, proxies and TLS (spec 1.6, 1.8).

Imports aiohttp and this room's `options` and `sockets`.
"""

from __future__ import annotations

import asyncio
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from hubstream.transports.client.bearer import Bearer
from hubstream.transports.client.options import ClientOptions
from hubstream.transports.client.sockets import open_session

__all__ = ["ANSWER", "BEGINNING", "SILENCE", "Requests", "reason", "refused", "shown"]

ANSWER: Final = 30.0
"""Seconds the server has for an answer that has nothing to wait for."""
SILENCE: Final = 120.0
"""Seconds it has for one that may have to wait, as .NET's: a poll, which is answered after 90 (spec 2.4), and a POST, of which a
server may take no more for a while."""
CHUNK: Final = 65_536
"""Bytes of a response that are read ahead; twice as many stop the socket."""
BEGINNING: Final = 200
"""Characters of an unexpected answer that are shown."""
NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""How OpenSSL calls an answer that is none of TLS."""
LEGAL: Final = "%/:=&?~#+!$,;'@()*[]|"
"""What stays as it is written in a URL."""


@cache
def user_agent() -> str:
    try:
        product = f"hubstream/{version('hubstream')}"
    except PackageNotFoundError:  # a program frozen into one file, which may leave out what packages say of themselves
        product = "hubstream"
    return f"{product} (Python {platform.python_version()}; aiohttp {aiohttp.__version__})"


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
        self.bearer = Bearer(options.token)

    def _headers(self, token: str | None, accept: str) -> CIMultiDict[str]:
        headers = CIMultiDict({"Accept": accept, "X-Requested-With": "XMLHttpRequest"})
        if "User-Agent" not in self._session.headers:
            headers["User-Agent"] = user_agent()
        headers.update(self.options.headers)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers

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
        token, again = await self.bearer.token(anew=negotiate)
        while True:
            response = await self._session.request(
                method,
                as_written(url),
                data=body,
                headers=self._headers(token, accept),
                # What is compressed may be kept back on the way, and may become very large; .NET does not ask for it either.
                skip_auto_headers=("Accept-Encoding", "Content-Type"),
                timeout=aiohttp.ClientTimeout(total=total, sock_connect=ANSWER, sock_read=silence),
                # A redirect may make a GET of a POST, which then has lost what it carried.
                allow_redirects=method != "POST" or negotiate,
                raise_for_status=False,
                read_bufsize=CHUNK,
                proxy=self.options.proxy,
                ssl=self.options.ssl,
            )
            if response.status != 401 or not again:
                return response
            response.release()
            token, again = await self.bearer.another(token), False

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
        close = self.options.close_timeout
        token, again = await self.bearer.token(anew=False)
        while True:
            try:
                async with asyncio.timeout(ANSWER):
                    return await self._session.ws_connect(
                        as_written(url),
                        headers=self._headers(token, "*/*"),
                        # Pyright does not know classes of attrs.
                        timeout=aiohttp.ClientWSTimeout(ws_close=close),  # pyright: ignore[reportCallIssue]
                        autoclose=False,
                        heartbeat=None,
                        max_msg_size=0,
                        decode_text=False,
                        proxy=self.options.proxy,
                        ssl=self.options.ssl,
                    )
            except aiohttp.ClientResponseError as error:
                if error.status != 401 or not again:
                    raise
            token, again = await self.bearer.another(token), False

    @property
    def sockets(self) -> list[asyncio.Transport]:
        """Those that are open."""
        return self._sockets.transports

    def abort(self) -> None:
        """Cut every connection now."""
        self._sockets.abort()

    async def close(self) -> None:
        """End every connection, and wait until they are gone. Cancelled, it waits no longer."""
        try:
            await self._sockets.end()
        finally:
            await self._session.close()


def shown(response: aiohttp.ClientResponse, body: bytes) -> str:
    """An answer nobody expected, on one line: its status and how it begins."""
    text = " ".join(body[: 8 * BEGINNING].decode(errors="replace").split())
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return (
        f"status {response.status}, {response.content_type}: {text[:BEGINNING]}"
        if text
        else f"status {response.status}, no body"
    )


async def refused(response: aiohttp.ClientResponse) -> str:
    """What a server answered instead of what was asked for; the rest of it is not read."""
    async with asyncio.timeout(ANSWER):
        body = await response.content.read(8 * BEGINNING)
    response.close()
    return f"the server answered with {shown(response, body)}"


def reason(error: BaseException) -> str:
    """Why a request or a transport failed, in words and without the URL, whose query may hold secrets."""
    text = str(error) or type(error).__name__
    if isinstance(error, aiohttp.ClientResponseError):
        if isinstance(error.__cause__, HttpProcessingError):  # of aiohttp's, and so is the status
            return f"what answered speaks no HTTP: {' '.join(error.message.split())[:BEGINNING]}"
        return f"the server answered with status {error.status}: {error.message}"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"the server was not reached within {ANSWER:g} s"
    if isinstance(error, aiohttp.SocketTimeoutError):
        return f"the server sent nothing for {SILENCE:g} s"
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER:g} s"
    if isinstance(error, aiohttp.ClientConnectorSSLError) and any(it in text for it in NO_TLS):
        return f"{text}. Does it want http://?"
    if isinstance(error, aiohttp.ClientConnectorError):
        return text.replace(" ssl:default", "")
    return text
