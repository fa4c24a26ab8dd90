"""The request before the connection: what it asks, what is answered, and the URLs (spec 1.2 to 1.4).

Imports only `errors` and this room; never blocks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import msgspec
from msgspec import UNSET, Struct, UnsetType

from hubstream.errors import NegotiateError, ProtocolError
from hubstream.protocol.json_members import Member, integer, malformed, read_members, token_type
from hubstream.protocol.text import is_text, repaired

__all__ = [
    "MAX_REDIRECTS",
    "AvailableTransport",
    "NegotiateRequest",
    "NegotiateResponse",
    "connect_url",
    "negotiate_url",
    "parse_response",
    "read_query",
    "write_error",
    "write_response",
]

NEWEST = 1
"""The newest version of the negotiation: with a token beside the public id."""

MAX_REDIRECTS = 100
"""How often a client lets itself be sent elsewhere, as .NET's."""

_INTEGER = re.compile(r"[ \t]*[+-]?[0-9]{1,19}[ \t]*")


class NegotiateRequest(Struct, frozen=True):
    """What the query of a negotiate request says."""

    version: int
    """0 or 1: what both sides speak."""
    stateful_reconnect: bool
    """The client can do it and asks for it."""


class AvailableTransport(Struct, frozen=True, rename="camel"):
    """One transport the server offers, and what it carries: `Text`, `Binary`."""

    transport: str
    transfer_formats: tuple[str, ...]


class NegotiateResponse(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The answer, in .NET's order of properties."""

    use_stateful_reconnect: bool = False
    negotiate_version: int | UnsetType = UNSET
    url: str | UnsetType = UNSET
    access_token: str | UnsetType = UNSET
    connection_id: str | UnsetType = UNSET
    connection_token: str | UnsetType = UNSET
    available_transports: tuple[AvailableTransport, ...] | UnsetType = UNSET


def read_query(query: str, minimum_version: int = 0) -> NegotiateRequest:
    """Read the query string of a negotiate request; names of parameters ignore case.

    Raises:
        NegotiateError: The version is none or too old. It is answered with 200 and `write_error`.
    """
    asked: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        # ASP.NET Core joins repeated parameters, which makes an integer none.
        key = name.lower()
        asked[key] = f"{asked[key]},{value}" if key in asked else value
    version = asked.get("negotiateversion", "0")
    if not _INTEGER.fullmatch(version) or not -(1 << 31) <= (number := int(version)) < 1 << 31:
        raise NegotiateError("The client requested a non-integer protocol version.")
    if number < minimum_version:
        raise NegotiateError(f"The client requested version '{number}', but the server does not support this version.")
    stateful = asked.get("usestatefulreconnect", "").strip().lower() == "true"
    return NegotiateRequest(min(number, NEWEST), stateful)


def write_response(response: NegotiateResponse) -> bytes:
    """The body of a success."""
    return msgspec.json.encode(response)


def write_error(text: str) -> bytes:
    """The body of a refusal: the error is its only property."""
    return msgspec.json.encode({"error": repaired(text)})


def _text(named: Mapping[str, Member], name: str) -> str | UnsetType:
    member = named.get(name)
    if member is None:
        return UNSET
    if type(member.value) is not str:
        raise ProtocolError(f"Expected '{name}' to be of type String.")
    if not is_text(member.value):
        raise ProtocolError(f"'{name}' is not valid Unicode text.")
    return member.value


def _array(value: object) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    raise ProtocolError(f"Unexpected JSON Token Type '{token_type(value)}'. Expected a JSON Array.")


def _transport(entry: object) -> AvailableTransport:
    if not isinstance(entry, dict):
        raise ProtocolError("Expected 'availableTransports' to hold JSON Objects.")
    offered = cast("dict[str, object]", entry)
    for required in ("transport", "transferFormats"):
        if required not in offered:
            raise ProtocolError(f"Missing required property '{required}'.")
    name = offered["transport"]
    formats = _array(offered["transferFormats"])
    if type(name) is not str:
        raise ProtocolError("Expected 'transport' to be of type String.")
    if not all(type(form) is str for form in formats):
        raise ProtocolError("Expected 'transferFormats' to hold Strings.")
    return AvailableTransport(name, tuple(cast("list[str]", formats)))


def _response(body: bytes) -> NegotiateResponse:
    named, whole = read_members(body)
    if "ProtocolVersion" in named:
        raise NegotiateError(
            "Detected a connection attempt to an ASP.NET SignalR Server. This client only supports connecting to an "
            "ASP.NET Core SignalR Server. See https://aka.ms/signalr-core-differences for details."
        )
    error = _text(named, "error")
    version = named.get("negotiateVersion")
    transports = named.get("availableTransports")
    stateful = named.get("useStatefulReconnect")
    response = NegotiateResponse(
        use_stateful_reconnect=stateful is not None and stateful.value is True,
        negotiate_version=0 if version is None else integer("negotiateVersion", version.value, 32),
        url=_text(named, "url"),
        access_token=_text(named, "accessToken"),
        connection_id=_text(named, "connectionId"),
        connection_token=_text(named, "connectionToken"),
        available_transports=UNSET if transports is None else tuple(map(_transport, _array(transports.value))),
    )
    if not whole:
        raise malformed()
    if error is not UNSET:
        raise NegotiateError(error)
    if response.url is UNSET:
        required = ["connectionId", "availableTransports"]
        if response.negotiate_version:
            required.insert(1, "connectionToken")
        for name in required:
            if name not in named:
                raise ProtocolError(f"Missing required property '{name}'.")
    return response


def parse_response(body: bytes) -> NegotiateResponse:
    """Read an answer. `negotiate_version` is set always; with `url` the rest may be missing: negotiate again there.

    Raises:
        NegotiateError: It is the server's error, or no answer at all.
    """
    try:
        return _response(body)
    except ProtocolError as error:
        raise NegotiateError(f"Invalid negotiation response received. {error}") from error


def _with_parameter(query: str, name: str, value: str) -> str:
    if any(present.lower() == name.lower() for present, _ in parse_qsl(query, keep_blank_values=True)):
        return query
    return f"{query}&{name}={value}" if query else f"{name}={value}"


def negotiate_url(url: str, version: int = NEWEST, *, stateful_reconnect: bool = False) -> str:
    """Where to negotiate for the hub at `url`. Its own query stays as it is written."""
    scheme, host, path, query, _ = urlsplit(url)
    query = _with_parameter(query, "negotiateVersion", str(version))
    if stateful_reconnect:
        query = _with_parameter(query, "useStatefulReconnect", "true")
    return urlunsplit((scheme, host, path.rstrip("/") + "/negotiate", query, ""))


def connect_url(url: str, token: str | None) -> str:
    """Where to connect to the hub at `url`; without a token the negotiation was skipped."""
    scheme, host, path, query, _ = urlsplit(url)
    if token is not None:
        key = f"id={quote(token, safe='')}"
        query = f"{query}&{key}" if query else key
    return urlunsplit((scheme, host, path, query, ""))
