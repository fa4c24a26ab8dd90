"""A reverse proxy of the test's own before a server: what it changes on the way is what a check is about.

It forwards requests of every transport, WebSockets too, each answer as it comes. It ends with its block.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

__all__ = ["Front", "fronting"]

Look = Callable[[web.Request, dict[str, str]], Awaitable[web.Response | None] | web.Response | None]
"""Sees a request and the headers it will be forwarded with, which it may change; answers it, or lets it pass with None."""

OWN = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade"})
"""Headers of one connection, not of the request."""


@dataclass
class Front:
    """A proxy that is up."""

    target: str
    look: Look
    url: str = ""
    """Without a slash at the end."""
    cookie: str | None = None
    """Set with the answer to each negotiation."""
    seen: list[web.Request] = field(default_factory=list[web.Request])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Forward one request."""
        self.seen.append(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN}
        own = self.look(request, headers)
        own = await own if isinstance(own, Awaitable) else own
        if own is not None:
            return own
        url = self.target + request.raw_path
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await _websocket(session, url, headers, request)
            body = await request.read()
            async with session.request(request.method, url, headers=headers, data=body or None) as there:
                passed = {name: value for name, value in there.headers.items() if name.lower() not in OWN}
                answer = web.StreamResponse(status=there.status, reason=there.reason, headers=passed)
                if self.cookie is not None and request.path.endswith("/negotiate"):
                    answer.headers["Set-Cookie"] = self.cookie
                await answer.prepare(request)
                async for data in there.content.iter_any():
                    await answer.write(data)
                await answer.write_eof()
                return answer


async def _websocket(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], request: web.Request
) -> web.StreamResponse:
    headers = {name: value for name, value in headers.items() if not name.lower().startswith("sec-websocket")}
    try:
        upgraded = await session.ws_connect(url, headers=headers, max_msg_size=0)
    except aiohttp.WSServerHandshakeError as refused:
        return web.Response(status=refused.status, text=refused.message)
    async with upgraded as there:
        here = web.WebSocketResponse(max_msg_size=0)
        await here.prepare(request)

        async def down() -> None:
            async for message in there:
                await _send(here, message)
            await here.close(code=there.close_code or 1000)

        task = asyncio.create_task(down())
        async for message in here:
            await _send(there, message)
        await there.close(code=here.close_code or 1000)
        await task
    return here


async def _send(to: web.WebSocketResponse | aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> None:
    if message.type is aiohttp.WSMsgType.TEXT:
        await to.send_str(message.data)
    else:
        await to.send_bytes(message.data)


@asynccontextmanager
async def fronting(target: str, look: Look, *, cookie: str | None = None) -> AsyncGenerator[Front]:
    """A proxy before the server at that URL, while the block runs."""
    front = Front(target, look, cookie=cookie)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", front.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield front
    finally:
        await runner.cleanup()
