"""The first record each way: which protocol is spoken, and whether that is agreed (spec 3).

Always JSON and RS, for MessagePack too. Imports only `errors` and this room; never blocks.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from hubstream.errors import ProtocolError
from hubstream.protocol.framing import RS
from hubstream.protocol.json_members import Members, integer, malformed, read_members
from hubstream.protocol.text import is_text, repaired

__all__ = [
    "HandshakeRequest",
    "HandshakeResponse",
    "parse_request",
    "parse_response",
    "write_request",
    "write_response",
]


class HandshakeRequest(Struct, frozen=True, gc=False):
    """What a client asks for. No hub message: its `type` is 0."""

    type: ClassVar[Literal[0]] = 0
    protocol: str
    version: int


class HandshakeResponse(Struct, frozen=True, gc=False):
    """What the server answers: nothing, or why not. No hub message: its `type` is 0."""

    type: ClassVar[Literal[0]] = 0
    error: str | UnsetType = UNSET


def _text(members: Members, name: str) -> str | None:
    member = members.named.get(name)
    if member is None:
        return None
    if type(member.value) is not str:
        raise ProtocolError(f"Expected '{name}' to be of type String.")
    return member.value


def parse_request(record: bytes) -> HandshakeRequest:
    """Read a request, without its RS.

    Raises:
        ProtocolError: It is none; the text is .NET's, which a server shows only with detailed errors.
    """
    members = read_members(record)
    protocol = _text(members, "protocol")
    number = members.named.get("version")
    version = None if number is None else integer("version", number.value, 32)
    if not members.whole:
        raise malformed()
    if protocol is None or version is None:
        name = "protocol" if protocol is None else "version"
        content = record.decode("utf-8", "replace")
        raise ProtocolError(f"Missing required property '{name}'. Message content: {content}")
    if not is_text(protocol):
        raise ProtocolError("'protocol' is not valid Unicode text.")
    return HandshakeRequest(protocol, version)


def parse_response(record: bytes) -> HandshakeResponse:
    """Read a response, without its RS.

    Raises:
        ProtocolError: It is none.
    """
    members = read_members(record)
    if "type" in members.named:
        raise ProtocolError("Expected a handshake response from the server.")
    error = _text(members, "error")
    if not members.whole:
        raise malformed()
    return HandshakeResponse(UNSET if error is None else repaired(error))


def write_request(protocol: str, version: int) -> bytes:
    """A request, framed. Version 1, or 2 with stateful reconnect."""
    return b'{"protocol":%b,"version":%d}' % (msgspec.json.encode(protocol), version) + RS


def write_response(error: str | None = None) -> bytes:
    """A response, framed: agreed, or why not."""
    return b"{}\x1e" if error is None else b'{"error":%b}' % msgspec.json.encode(repaired(error)) + RS
