"""The wire vectors and what the tests of this room share: sessions past their handshake, messages as plain data."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import msgspec
import pytest
from msgspec import UNSET, Raw

from hubstream.errors import ProtocolError
from hubstream.protocol.codec import Codec
from hubstream.protocol.framing import split_binary, split_text
from hubstream.protocol.handshake import write_request, write_response
from hubstream.protocol.json import JsonCodec
from hubstream.protocol.messagepack import MessagePackCodec
from hubstream.protocol.messages import HubMessage
from hubstream.protocol.session import HubSession, Received

Vector: TypeAlias = dict[str, Any]
Plain: TypeAlias = dict[str, Any]

FOLDER = Path(__file__).parent.parent / "vectors"
FILES = ("framing", "handshake", "json", "msgpack", "negotiate", "spec")

JSON, MESSAGEPACK = JsonCodec(), MessagePackCodec()
CODECS: tuple[Codec, ...] = (JSON, MESSAGEPACK)

exercised: set[tuple[str, str]] = set()
"""File and id of every vector that is a test; which they are is known when the tests are collected."""

NOT_APPLICABLE: dict[tuple[str, str], str] = {
    ("json", "java.writeCloseMessage"): "writes allowReconnect:false; .NET, and we, leave it out when it is false",
    (
        "json",
        "java.errorWhileParsingIncompleteMessage",
    ): "Java reads frames, not a stream: here the rest may still come",
    ("msgpack", "java.errorWhenLengthHeaderTooLong"): "Java reads frames, not a stream: here the rest may still come",
    ("negotiate", "WriteNullFormats"): "writes a transport without a name, which is never offered",
    ("negotiate", "java.NegotiateResponseIgnoresExtraProperties"): "no availableTransports: .NET requires them",
    ("negotiate", "java.NegotiateResponseIgnoresExtraComplexProperties"): "no availableTransports: .NET requires them",
    ("negotiate", "java.NegotiateResponseWithNegotiateVersion"): "no connectionToken: .NET requires it",
    ("negotiate", "java.NegotiateResponseWithConnectionToken"): "no availableTransports: .NET requires them",
}
"""Vectors that are no test, and why."""


def vectors(file: str) -> list[Vector]:
    """All vectors of a file."""
    return cast("list[Vector]", json.loads((FOLDER / f"{file}.json").read_text("utf-8")))


def cases(file: str, *kinds: str, protocol: str | None = None) -> list[Any]:
    """The vectors of these kinds as parameters of a test."""
    chosen: list[Any] = []
    for vector in vectors(file):
        key = (file, str(vector["id"]))
        if vector["kind"] in kinds and key not in NOT_APPLICABLE and protocol in {None, vector.get("protocol")}:
            exercised.add(key)
            chosen.append(pytest.param(vector, id=f"{vector['kind']}-{vector['id']}"))
    return chosen


def framed(vector: Vector) -> bytes:
    """The bytes of a vector with their framing."""
    if "framedHex" in vector:
        return bytes.fromhex(vector["framedHex"])
    return cast("str", vector["framed"] if "framed" in vector else vector["payload"] + "\x1e").encode()


def talking(
    codec: Codec, role: Literal["server", "client"] = "server", *, max_message_size: int | None = None
) -> HubSession:
    """A session past its handshake."""
    session = HubSession(role, [codec], max_message_size=None)
    hello = write_request(codec.name, 1) if role == "server" else write_response()
    assert len(session.receive(hello, 0.0)) == 1
    assert session.handshaken
    session.max_message_size = max_message_size
    return session


def feed(session: HubSession, chunks: Iterable[bytes]) -> tuple[list[Plain], str | None]:
    """What a session makes of input in pieces: messages, and the text of the error."""
    seen: list[Received] = []
    for chunk in chunks:
        seen += session.receive(chunk, 1.0)
    return [plain(message, session.codec) for message in seen], None if session.error is None else str(session.error)


def byte_by_byte(data: bytes) -> list[bytes]:
    """The data in pieces of one byte."""
    return [data[at : at + 1] for at in range(len(data))]


def value(payload: Raw, codec: Codec | None) -> Any:
    """A payload decoded untyped; its bytes where that fails."""
    decode = msgspec.msgpack.decode if codec is not None and codec.binary else msgspec.json.decode
    try:
        return decode(payload)
    except (ValueError, RecursionError):
        return bytes(payload)


def plain(message: Received, codec: Codec | None) -> Plain:
    """A message as the vectors describe it: by wire names, without what is empty."""
    seen: Plain = {"type": message.type}
    for field in msgspec.structs.fields(message):
        item = getattr(message, field.name)
        name = "".join(part.title() if at else part for at, part in enumerate(field.name.split("_")))
        if isinstance(item, Raw):
            seen[name] = value(item, codec)
        elif item is not UNSET and item is not False and item not in ({}, []):
            seen[name] = item
    if seen.get("invocationId") == "":
        del seen["invocationId"]
    return seen


def described(vector: Vector) -> list[Plain]:
    """The messages a vector says it has, as `plain` gives them; markers stay in the values."""
    if "message" in vector:
        messages = [cast("Plain", vector["message"])]
    else:
        listed: list[Any] = vector["decodedMessages"] if "decodedMessages" in vector else [vector["decoded"]]
        messages = [cast("Plain", item) if isinstance(item, dict) else _unpacked(item) for item in listed]
    kept = {"arguments", "result", "item"}
    return [
        {name: item for name, item in one.items() if name in kept or item not in ({}, [], False)} for one in messages
    ]


_ITEMS = {
    1: ("type", "headers", "invocationId", "target", "arguments", "streamIds"),
    2: ("type", "headers", "invocationId", "item"),
    4: ("type", "headers", "invocationId", "target", "arguments", "streamIds"),
    5: ("type", "headers", "invocationId"),
    6: ("type",),
    7: ("type", "error", "allowReconnect"),
    8: ("type", "sequenceId"),
    9: ("type", "sequenceId"),
}


def _unpacked(items: list[Any]) -> Plain:
    if items[0] == 3:
        names = ("type", "headers", "invocationId", "kind", {1: "error", 2: "", 3: "result"}[items[3]])
        message = dict(zip(names, items, strict=False))
        del message["kind"]
        return message
    message = dict(zip(_ITEMS[items[0]], items, strict=False))
    return {name: item for name, item in message.items() if item is not None or name == "item"}


def same(expected: Any, seen: Any) -> bool:
    """Whether a decoded value is the one described; markers stand for what JSON cannot write (vectors/README.md)."""
    if isinstance(expected, dict):
        marked = cast("dict[str, Any]", expected)
        match list(marked.items()):
            case [("$float32", number)]:
                return bool(seen == number)
            case [("$enum", name)]:
                return bool(seen == name)
            case [("$bytes", octets)]:
                data = bytes.fromhex(octets)
                return bool(seen in {data, base64.b64encode(data).decode()})
            case [("$datetime" | "$datetimeoffset", text)]:
                when = datetime.fromisoformat(text)
                return bool(seen == text or seen == (when if when.tzinfo else when.replace(tzinfo=UTC)))
            case [("$timestamp", [seconds, 0])]:
                return bool(seen == datetime.fromtimestamp(seconds, UTC))
            case [("$custom", members)]:
                # .NET's options choose the case of names and whether nulls are written; neither is the codec's.
                return same(_folded(members), _folded(seen))
            case _:
                return (
                    isinstance(seen, dict)
                    and marked.keys() == cast("dict[str, Any]", seen).keys()
                    and all(same(item, seen[name]) for name, item in marked.items())
                )
    kind = expected.__class__
    if kind is not seen.__class__:
        return False
    if kind is list:
        return len(expected) == len(seen) and all(map(same, expected, seen))
    return bool(expected == seen)


def _folded(members: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): item for name, item in members.items() if item is not None}


def split(codec: Codec, data: bytes) -> tuple[list[bytes], int]:
    """The complete records of `data`, and how many bytes they take."""
    return split_binary(data, None) if codec.binary else split_text(data, None)


def decode_one(codec: Codec, data: bytes) -> HubMessage:
    """The message in a framed record."""
    [record], taken = split(codec, data)
    assert taken == len(data)
    message = codec.decode(record)
    assert message is not None
    return message


def refusal(codec: Codec, record: bytes) -> str:
    """The text with which an unframed record is refused."""
    with pytest.raises(ProtocolError) as caught:
        codec.decode(record)
    return str(caught.value)
