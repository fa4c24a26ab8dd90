"""Plays recorded scenarios of plain HTTP requests against a server, compared with what ASP.NET Core answered.

`{token}` and `{id}` in a path stand for what the last negotiation gave. `start` begins a request that waits, `finish` reads
its answer; `stream` reads an event stream for so many seconds. Everything here blocks.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
import urllib.parse
from typing import Any

__all__ = ["play_requests", "same_responses"]

Response = dict[str, Any]

TIMEOUT = 8.0
"""Seconds any answer may take."""

UNDER_WAY = 0.1
"""Seconds after which a request that waits has reached the server."""

KEPT = {
    "allow",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "expires",
    "location",
    "pragma",
    "set-cookie",
    "transfer-encoding",
    "www-authenticate",
}
"""Headers that are recorded."""

FRAMING = {"content-length", "transfer-encoding"}
"""Headers that only say how the body was framed."""


def play_requests(url: str, requests: list[dict[str, Any]]) -> dict[str, list[Response]]:
    """Play the requests of one scenario; what the server answered, in the form of its `seen`."""
    server = urllib.parse.urlsplit(url)
    names: dict[str, str] = {}
    waiting: dict[str, tuple[http.client.HTTPConnection, dict[str, Any]]] = {}
    responses: list[Response] = []
    with contextlib.ExitStack() as opened:
        for request in requests:
            if "finish" in request:
                responses.append(_read(*waiting.pop(request["finish"]), names))
                continue
            if "pause" in request:
                time.sleep(request["pause"])
                continue
            connection = http.client.HTTPConnection(server.netloc, timeout=request.get("timeout", TIMEOUT))
            opened.callback(connection.close)
            path = re.sub(r"\{(\w+)\}", lambda m: names[m[1]], request["path"])
            body: str | None = request.get("body")
            connection.request(
                request["method"], path, None if body is None else body.encode(), request.get("headers", {})
            )
            if "start" in request:
                waiting[request["start"]] = connection, request
                time.sleep(UNDER_WAY)
            else:
                responses.append(_read(connection, request, names))
    return {"responses": responses}


def _read(connection: http.client.HTTPConnection, request: dict[str, Any], names: dict[str, str]) -> Response:
    """One answer; a negotiation's names are kept, and written for their values wherever those appear."""
    answer = connection.getresponse()
    data = _read_stream(connection, answer, request["stream"]) if "stream" in request else answer.read()
    if "negotiate" in request["path"] and answer.status == 200:
        negotiated: dict[str, str] = json.loads(data)
        names["id"] = negotiated.get("connectionId", "")
        names["token"] = negotiated.get("connectionToken", names["id"])
    body = data.decode(errors="backslashreplace")
    for name, value in names.items():
        if value:
            body = body.replace(value, f"{{{name}}}")
    headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() in KEPT}
    return {"status": answer.status, "headers": headers, "body": body}


def _read_stream(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, seconds: float) -> bytes:
    """What comes until the server is quiet for so long; `<end>` behind it where the stream ended."""
    data = b""
    # A response without a body has let go of its socket.
    if connection.sock is not None:
        connection.sock.settimeout(seconds)
    with contextlib.suppress(TimeoutError):
        while part := answer.read1(1 << 16):
            data += part
        data += b"<end>"
    return data


def same_responses(known: list[Response], got: list[Response]) -> bool:
    """Whether the answers are the same: JSON as values, event streams however they are split, framing left out."""
    return [_plain(response) for response in known] == [_plain(response) for response in got]


def _plain(response: Response) -> tuple[int, dict[str, str], Any]:
    headers = {name: value for name, value in response["headers"].items() if name not in FRAMING}
    return response["status"], headers, _value(response["body"])


def _value(body: str) -> Any:
    if body.startswith(":\r\n"):
        return body.replace("\x1e\r\n\r\ndata: ", "\x1e")
    try:
        return json.loads(body)
    except ValueError:
        return body
