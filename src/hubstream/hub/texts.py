"""The texts a client sees when a call fails, letter by letter (spec 6.4)."""

from __future__ import annotations

from types import UnionType
from typing import get_origin

import msgspec

from hubstream.errors import HubError, ProtocolError
from hubstream.hub.authorize import Unauthorized

__all__ = [
    "CONNECTION_CLOSED",
    "HANDSHAKE_CANCELED",
    "STREAM_BINDING",
    "STREAM_OVERFLOW",
    "binding_failed",
    "closed",
    "deserialize",
    "detail",
    "disconnected",
    "in_use",
    "no_connection",
    "no_such_method",
    "not_a_stream",
    "not_a_streaming_method",
    "not_asked",
    "stream_count",
    "streaming_failed",
    "streaming_method",
    "too_many_streams",
    "unexpected",
    "unsendable",
    "wrong_count",
]

CONNECTION_CLOSED = "Connection closed with an error."
HANDSHAKE_CANCELED = "Handshake was canceled."
STREAM_BINDING = "Failed to bind Stream message."
STREAM_OVERFLOW = "The buffer of the stream is full, and what follows it holds up an answer that is awaited."


def detail(error: BaseException, detailed: bool) -> str:
    """The suffix that tells what happened: always for a `HubError`, for others only with detailed errors."""
    if isinstance(error, HubError):
        return f" HubException: {_shown(error)}"
    if not detailed:
        return ""
    # .NET's name for what a peer sent amiss; clients may look for it.
    name = "InvalidDataException" if isinstance(error, ProtocolError) else type(error).__name__
    try:
        return f" {name}: {error}"
    except Exception:  # noqa: BLE001 - its own __str__ fails: the call is answered all the same
        return f" {name}"


def _shown(error: HubError) -> str:
    # A class derived from it that does not call its __init__ has none of these.
    text, code, data = (getattr(error, name, None) for name in ("text", "code", "data"))
    if text is None:
        text = str(error)
    if code is None:
        return str(text)
    details = "" if data is None or unsendable(error) else " " + msgspec.json.encode(data).decode()
    return f"{text} [{code}{details}]"


def unsendable(error: HubError) -> Exception | None:
    """Why the data of an error cannot be sent, and so is left out; None if it can."""
    try:
        msgspec.json.encode(getattr(error, "data", None)).decode()
    except Exception as failure:  # noqa: BLE001 - whatever encoding it raises
        return failure
    return None


def unexpected(target: str, error: BaseException, detailed: bool) -> str:
    if isinstance(error, Unauthorized):
        return f"Failed to invoke '{target}' because user is unauthorized"
    return f"An unexpected error occurred invoking '{target}' on the server.{detail(error, detailed)}"


def streaming_failed(error: BaseException, detailed: bool) -> str:
    return f"An error occurred on the server while streaming results.{detail(error, detailed)}"


def closed(error: BaseException | None, detailed: bool) -> str:
    return CONNECTION_CLOSED + (detail(error, detailed) if error is not None else "")


def no_such_method(target: str) -> str:
    return f"Failed to invoke '{target}' due to an error on the server. HubException: Method does not exist."


def wrong_count(target: str, given: int, expected: int, detailed: bool) -> str:
    text = f"Failed to invoke '{target}' due to an error on the server."
    if not detailed:
        return text
    return f"{text} InvalidDataException: Invocation provides {given} argument(s) but target expects {expected}."


def binding_failed(target: str, detailed: bool) -> str:
    text = f"Failed to invoke '{target}' due to an error on the server."
    if not detailed:
        return text
    return (
        f"{text} InvalidDataException: Error binding arguments. Make sure that the types of the provided values match "
        "the types of the hub method being invoked."
    )


def streaming_method(target: str) -> str:
    return f"The client attempted to invoke the streaming '{target}' method with a non-streaming invocation."


def not_a_streaming_method(target: str) -> str:
    return f"The client attempted to invoke the non-streaming '{target}' method with a streaming invocation."


def not_a_stream(name: str) -> str:
    return f"The value returned by the streaming method '{name}' is not a ChannelReader<> or IAsyncEnumerable<>."


def stream_count(target: str, sent: int, expected: int) -> str:
    return unexpected(target, HubError(f"Client sent {sent} stream(s), Hub method expects {expected}."), False)


def too_many_streams(target: str) -> str:
    return unexpected(target, HubError("Too many streams."), False)


def in_use(invocation_id: str) -> str:
    return f"Invocation ID '{invocation_id}' is already in use."


def no_connection(connection_id: str) -> str:
    return f"Connection '{connection_id}' does not exist."


def disconnected(connection_id: str) -> str:
    return f"Connection '{connection_id}' disconnected."


def not_asked(connection_id: str, invocation_id: str) -> str:
    return f"Connection ID '{connection_id}' is not valid for invocation ID '{invocation_id}'."


def deserialize(type_: object, cause: str) -> str:
    origin = get_origin(type_) or type_
    name = origin.__name__ if isinstance(origin, type) and origin is not UnionType else str(type_)
    return f"Error trying to deserialize result to {name}. {cause}"
