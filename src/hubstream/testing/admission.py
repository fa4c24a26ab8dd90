"""The door of a hub, as a test comes to it: the request it is asked with, and who is let in.

Imports the hub's admission and the request. Waits for the hub's own `authenticate=` and predicates.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from hubstream.errors import NegotiateError
from hubstream.hub.admission import FORBIDDEN, admission
from hubstream.hub.authorize import Unauthorized, guard_of
from hubstream.hub.mapping import HubMapping
from hubstream.transports.asgi.request import Request
from hubstream.user import User

__all__ = ["admitted", "request_of"]


def request_of(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Request:
    """The request of a WebSocket client, as an ASGI server gives it."""
    return Request(
        {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path or "/",
            "raw_path": quote(path or "/").encode(),
            "root_path": "",
            "query_string": urlencode(query).encode(),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("testclient", 50_000),
            "server": ("testserver", 80),
            "subprotocols": [],
            "state": {},
            "extensions": {},
        }
    )


async def admitted(mapping: HubMapping, request: Request, user: User | str | None) -> None:
    """Let a request in as a user's, or, without one, as whoever `authenticate=` says it is.

    Raises:
        NegotiateError: The hub does not let it in; with what a client is told.
    """
    status = None
    if user is not None:
        request.user = user if isinstance(user, User) else User(user)
        if (guard := guard_of(mapping.hub)) is not None:
            try:
                guard.check(request.user)
                await guard.wait(request.user)
            except Unauthorized:
                status = FORBIDDEN
    elif (admit := admission(mapping)) is not None:
        status = await admit(request)
    if status is not None:
        raise NegotiateError(f"Unexpected status code returned from negotiate '{status}'.")
