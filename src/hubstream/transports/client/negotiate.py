"""The client's half of the negotiation: ask, follow to where the server sends, read what it offers (spec 1.4).

Imports `errors`, `protocol` and this room's `requests`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from msgspec import UNSET

from hubstream.errors import NegotiateError, TransportError
from hubstream.protocol.negotiate import MAX_REDIRECTS, NegotiateResponse, negotiate_url, parse_response
from hubstream.transports.client.requests import BEGINNING, Requests, reason, shown

__all__ = ["Offer", "negotiate"]

LONGEST: Final = 1_048_576
"""Bytes an answer may have; a real one has a few hundred."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server offers, and where."""

    url: str
    """The hub's, perhaps elsewhere than it was asked for."""
    response: NegotiateResponse

    @property
    def key(self) -> str:
        """What the connection's requests are known by: the token, which an old server does not tell from the id."""
        response = self.response
        return str(response.connection_token if response.negotiate_version else response.connection_id)


async def negotiate(requests: Requests, url: str) -> Offer:
    """Ask the server at `url`, or where that sends to.

    Raises:
        NegotiateError: It refused, or what it answered is no answer to a negotiation.
        TransportError: It did not answer.
    """
    for _ in range(MAX_REDIRECTS):
        response = await _ask(requests, url)
        if response.url is UNSET:
            return Offer(url, response)
        url = _redirected(url, response.url)
        if response.access_token is not UNSET:
            requests.bearer.fix(response.access_token)
    raise NegotiateError("Negotiate redirection limit exceeded.")


def _redirected(url: str, elsewhere: str) -> str:
    try:
        joined = urljoin(url, elsewhere)
        parts = urlsplit(joined)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return joined
    except ValueError as error:
        raise NegotiateError(f"The server sends to {elsewhere[:BEGINNING]!r}: {error}") from error
    raise NegotiateError(f"The server sends to {elsewhere[:BEGINNING]!r}, which is no http or https URL.")


async def _ask(requests: Requests, url: str) -> NegotiateResponse:
    try:
        async with await requests.ask("POST", negotiate_url(url), negotiate=True) as answer:
            body = bytearray()
            while data := await answer.content.readany():
                body += data
                if len(body) > LONGEST:
                    raise NegotiateError(f"The answer to the negotiation has more than {LONGEST} bytes.")
    except (aiohttp.ClientError, OSError) as error:
        why = reason(error)
        if isinstance(error, aiohttp.ServerDisconnectedError) and url.startswith("http:"):
            why = f"{why}. Does it want https://?"
        raise TransportError(f"The server cannot be asked for a connection: {why}") from error
    whole = bytes(body)
    seen = f"The server answered with {shown(answer, whole)}"
    if answer.status != 200:
        raise NegotiateError(f"Unexpected status code returned from negotiate '{answer.status}'. {seen}")
    try:
        response = parse_response(whole)
    except NegotiateError as error:
        if error.__cause__ is None:
            raise  # in the server's own words
        raise NegotiateError(f"{error} {seen}") from error
    if not 0 <= int(response.negotiate_version or 0) <= 1:
        raise NegotiateError(f"The server speaks version {response.negotiate_version} of the negotiation, not 0 or 1.")
    if response.use_stateful_reconnect:
        raise NegotiateError("Client didn't negotiate Stateful Reconnect but the server did.")
    return response
