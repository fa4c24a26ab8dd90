"""HTTP requests driven by hand."""

from __future__ import annotations

import asyncio
import json

from hubstream.types import Message
from tests.transports.asgi.driven import Server, Site, scope

LIMIT = 10.0
GONE: Message = {"type": "http.disconnect"}


def body(data: bytes = b"", *, more: bool = False) -> Message:
    """A part of a request's body."""
    return {"type": "http.request", "body": data, "more_body": more}


class TrustedHTTP(Server):
    """One whose `send` is stepped, as uvicorn's is; its transport can be reset."""

    def __init__(self) -> None:
        super().__init__()
        self.transport = self
        self.aborts = 0

    def abort(self) -> None:
        self.aborts += 1
        self.gives(GONE)


TrustedHTTP.__module__ = "uvicorn.protocols.http.driven"


class Exchange:
    """A request that is being served; a GET's client stays until `leave()`."""

    def __init__(
        self,
        site: Site,
        method: str = "GET",
        token: str = "",
        *events: Message,
        server: Server | None = None,
        path: str = "/clock",
        **headers: str,
    ) -> None:
        self.server = server or TrustedHTTP()
        self.server.gives(*(events or (body(),)))
        query = f"id={token}" if token else ""
        made = scope("http", path, query, method, **headers)
        self.call = asyncio.create_task(site.app(made, self.server.receive, self.server.send))

    def gives(self, *events: Message | Exception) -> None:
        self.server.gives(*events)

    def leave(self) -> None:
        """The client disconnects."""
        self.server.gives(GONE)

    @property
    def status(self) -> int | None:
        """None while there is no answer."""
        return self.server.sent[0]["status"] if self.server.sent else None

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.server.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        """Of the answer, as far as it has come."""
        return b"".join(message["body"] for message in self.server.sent[1:])

    @property
    def complete(self) -> bool:
        return len(self.server.sent) > 1 and not self.server.sent[-1].get("more_body", False)

    async def done(self) -> int:
        """Wait for the end of the call; the status."""
        async with asyncio.timeout(LIMIT):
            await self.call
        assert self.status is not None
        return self.status


async def negotiated(site: Site, version: int = 1, path: str = "/clock") -> str:
    """A new connection's token."""
    _, _, answer = await site.http(scope("http", f"{path}/negotiate", f"negotiateVersion={version}", "POST"))
    found = json.loads(answer)
    token: str = found.get("connectionToken", found["connectionId"])
    return token
