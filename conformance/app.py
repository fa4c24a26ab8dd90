"""The hubs and the plain HTTP beside them as one ASGI application."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware

from conformance.auth import AuthHub, authenticate, token
from conformance.bench import BenchHub
from conformance.hub import ConformanceHub
from conformance.stats import Stats
from conformance.strain import StrainHub
from hubstream import DOTNET, PYTHON, HubServer, Request
from hubstream.types import ASGIApp, Receive, Scope, Send

__all__ = ["application"]


def application(*, detailed: bool = False, client_timeout: float = 30.0) -> ASGIApp:
    """The conformance server's application.

    Args:
        detailed: Show clients the text of every error.
        client_timeout: Seconds of silence after which a client that pings is given up, or, if fewer than the usual 15, one
            that does not poll.
    """
    hubs = HubServer(
        {"/conformance": ConformanceHub, "/strain": StrainHub},
        payloads=DOTNET,
        detailed_errors=detailed,
        client_timeout=client_timeout,
        disconnect_timeout=min(client_timeout, 15.0),
    )
    hubs.map("/conformance-auth", AuthHub, authenticate=authenticate)
    hubs.map("/bench", BenchHub, payloads=PYTHON)  # the cheaper style: what is measured is the hub
    stats = Stats(hubs)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            stats.started()
        if scope["type"] == "http" and scope["path"] == "/stats":
            await stats.answer(send)
        elif scope["type"] == "http" and scope["path"] == "/broadcast" and scope["method"] == "POST":
            await hubs.of(ConformanceHub).clients.all.send("Broadcast", Request(scope).query["text"])
            await _answer(send, "")
        elif scope["type"] == "http" and scope["path"] == "/token" and scope["method"] == "GET":
            query = Request(scope).query
            await _answer(send, token(query["name"], query.get("role"), float(query.get("seconds", 600))))
        else:
            await hubs(scope, receive, send)

    # As the reference server: pages from everywhere, with credentials.
    cors = CORSMiddleware(
        app, allow_origin_regex=".*", allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
    )

    async def pages_from_everywhere(scope: Scope, receive: Receive, send: Send) -> None:
        # Other clients get what a hub without middleware gives: the server's own `send`.
        if scope["type"] == "http" and any(name == b"origin" for name, _ in scope["headers"]):
            await cors(scope, receive, send)
        else:
            await app(scope, receive, send)

    return pages_from_everywhere


async def _answer(send: Send, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
