"""What calls end with: the server's error texts read back, and the texts of a lost connection (spec 6.4, 8.5, 11.3).

Imports `errors` only.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hubstream.errors import HubError

__all__ = [
    "CLOSED",
    "LOST",
    "NOT_A_STREAM",
    "NOT_DISCONNECTED",
    "NOT_READ",
    "RESULT_OF_STREAM",
    "START_FIRST",
    "STOPPED_IN_ATTEMPT",
    "STOPPED_IN_DELAY",
    "STOPPED_IN_START",
    "closed_by_server",
    "deserialize_error",
    "exhausted",
    "hub_error",
    "not_active",
    "server_silent",
]

CLOSED = "Invocation canceled due to the underlying connection being closed."
NOT_A_STREAM = "Streaming hub methods must be invoked with the 'HubConnection.stream' method."
NOT_READ = "The server does not read what it is sent."
RESULT_OF_STREAM = "Server provided a result in a completion response to a streamed invocation."
LOST = "The connection to the server was lost."
NOT_DISCONNECTED = "The HubConnection cannot be started if it is not in the Disconnected state."
START_FIRST = "It has not been started: call start(), or put the call into the connection's `with` block."
STOPPED_IN_START = "The connection was stopped before it had started."
STOPPED_IN_DELAY = "Connection stopped during reconnect delay. Done reconnecting."
STOPPED_IN_ATTEMPT = "Connection stopped during reconnect attempt. Done reconnecting."

_SHOWN = re.compile(
    r"(?:Failed to invoke '.*?' due to an error on the server"
    r"|An unexpected error occurred invoking '.*?' on the server"
    r"|An error occurred on the server while streaming results)\. HubException: (?P<text>.*)",
    re.DOTALL,
)
_CODE = re.compile(r" \[([A-Za-z0-9_.-]+)\]$")
_CODE_AND_DATA = re.compile(r" \[([A-Za-z0-9_.-]+) (?=\{)")
_CANDIDATES = 16
"""Places in a text where data may begin that are tried; a real one is the first or, after brackets in the text, a later one."""


def hub_error(text: str) -> HubError:
    """The error a server answered, with the text, code and data its hub raised it with.

    `str()` of it is the text as it came, as the other clients show it.
    """
    shown = _SHOWN.fullmatch(text)
    error = HubError(text)
    if shown is not None:
        error.text, error.code, error.data = _suffix(shown["text"])
    return error


def _suffix(text: str) -> tuple[str, str | None, dict[str, Any] | None]:
    if not text.endswith("]"):
        return text, None, None
    for count, match in enumerate(_CODE_AND_DATA.finditer(text)):
        if count == _CANDIDATES:
            break
        try:
            data = msgspec.json.decode(text[match.end() : -1].encode(errors="replace"), type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            continue
        return text[: match.start()], match[1], data
    word = _CODE.search(text)
    return (text[: word.start()], word[1], None) if word is not None else (text, None, None)


def deserialize_error(what: str, type_: object, cause: str) -> HubError:
    """A result or item that is not of the type asked for; the text is .NET's (spec 4.2)."""
    name = type_.__name__ if isinstance(type_, type) else str(type_)
    return HubError(f"Error trying to deserialize {what} to {name}. {cause}")


def closed_by_server(error: str) -> str:
    return f"The server closed the connection with the following error: {error}"


def server_silent(timeout: float) -> str:
    return f"Server timeout ({timeout * 1000:.2f}ms) elapsed without receiving a message from the server."


def exhausted(attempts: int, elapsed: float) -> str:
    """What the closed event says after the last attempt to reconnect; the time as .NET writes it."""
    minutes, seconds = divmod(elapsed, 60)
    hours, minutes = divmod(int(minutes), 60)
    time = f"{hours:02}:{minutes:02}:{seconds:010.7f}"
    return f"Reconnect retries have been exhausted after {attempts} failed attempts and {time} elapsed. Disconnecting."


def not_active(method: str) -> str:
    return f"The '{method}' method cannot be called if the connection is not active."
