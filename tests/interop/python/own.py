"""This client's own ways, and what the other clients get wrong: cancelling, independent uploads, getting connected at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from hubstream import RetryContext
from tests.interop.python.check import Area, Context, eventually, everything, noted
from tests.interop.python.front import fronting

check = Area("own")

OTHERS = ("WebSockets", "ServerSentEvents", "LongPolling")


@check
async def both_streams_independent(x: Context) -> None:
    """One upload of a call ends while the other has not begun; .NET's client loses the other then, and JavaScript's misses it."""
    c = await x.open()
    ended = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            for n in range(3):
                yield n
        finally:
            ended.set()

    async def words() -> AsyncIterator[str]:
        await ended.wait()
        assert await c.invoke("Add", 1, 1, result=int) == 2  # its end has reached the server
        for word in "abc":
            yield word

    assert await c.invoke("Zip", numbers(), ":", words(), result=str) == "0:a,1:b,2:c"


@check
async def leaving_the_block_stops_the_server(x: Context) -> None:
    c = await x.open()
    key = x.key()
    async with c.stream("Forever", key, item=int) as items:
        async for n in items:
            if n == 2:
                break
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["stopped"]


@check
async def a_loop_that_is_left_stops_the_server(x: Context) -> None:
    """No block around it: the handle goes with the loop."""
    c = await x.open()
    key = x.key()
    async for n in c.stream("Forever", key, item=int):
        if n == 2:
            break
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["stopped"]


@check
async def an_error_in_the_block_stops_the_server(x: Context) -> None:
    c = await x.open()
    key = x.key()

    async def read() -> None:
        async with c.stream("Forever", key, item=int) as items:
            async for n in items:
                if n == 2:
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["stopped"]


@check
async def leaving_a_stream_closes_what_is_uploaded_to_it(x: Context) -> None:
    c = await x.open()
    closed = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            n = 0
            while True:
                yield n
                n += 1
                await asyncio.sleep(0)
        finally:
            closed.set()

    async with c.stream("Double", numbers(), item=int) as items:
        assert [await anext(items) for _ in range(20)] == list(range(0, 40, 2))
    assert closed.is_set()
    assert await c.invoke("Add", 1, 2, result=int) == 3


@check
async def cancel_of_an_invocation(x: Context) -> None:
    """Ours only: .NET 10 ignores it (spec 7.3)."""
    c = await x.open()
    key = x.key()
    call = asyncio.ensure_future(c.invoke("WaitForCancel", key))
    pending = asyncio.ensure_future(c.invoke("Recorded", key, 5_000, result=list[str]))
    await asyncio.sleep(0.05)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await pending == ["cancelled"]


@check
async def a_cancelled_invocation_harms_nothing(x: Context) -> None:
    """Where the server does not heed it, its answer comes late and is dropped; what was uploaded to the call is closed."""
    c = await x.open()
    closed = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            closed.set()

    calls = [asyncio.ensure_future(call) for call in (c.invoke("Slow", 100), c.invoke("Sum", numbers()))]
    await asyncio.sleep(0.02)
    for call in calls:
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    await closed.wait()
    assert await c.invoke("Add", 1, 2, result=int) == 3


@check
async def first_connect_is_tried_again(x: Context) -> None:
    relay = await x.relay()
    relay.refuses = True
    tried: list[RetryContext] = []

    def policy(context: RetryContext) -> float:
        tried.append(context)
        relay.refuses = context.previous_retry_count < 2
        return 0

    c = await x.open(base=relay.url, reconnect=policy, retry_start=True)
    assert [context.previous_retry_count for context in tried] == [0, 1, 2]
    assert all(context.retry_reason is not None for context in tried)
    assert await c.invoke("Add", 1, 1, result=int) == 2


@check
async def redirect(x: Context) -> None:
    """The negotiation sends the client elsewhere, with a token; what it was given by its user counts no longer."""
    token = await x.token("alice")
    asked: list[str | None] = []

    async def elsewhere(request: web.Request, headers: dict[str, str]) -> web.Response:
        asked.append(request.headers.get("Authorization"))
        if request.path == "/one/negotiate":
            return web.json_response({"url": f"{front.url}/two?hop=2"})
        assert request.path_qs == "/two/negotiate?hop=2&negotiateVersion=1"
        return web.json_response({"url": f"{x.url}/conformance-auth?room=blue", "accessToken": token})

    front = await x.owned.enter_async_context(fronting(x.url, elsewhere))
    c = await x.open("one", base=front.url, token=lambda: "mine")
    assert asked == ["Bearer mine", "Bearer mine"]
    assert await c.invoke("WhoAmI", result=str) == "alice"
    assert await everything(c.stream("Names", 2, item=str)) == ["alice0", "alice1"]


@check
async def falls_back(x: Context) -> None:
    """The server offers all transports, but something on the way lets none pass of those before this one."""
    barred = OTHERS[: OTHERS.index(x.transport)]

    def look(request: web.Request, headers: dict[str, str]) -> web.Response | None:
        if request.method != "GET":
            return None
        return web.Response(status=503, text="not here") if transport_of(request) in barred else None

    front = await x.owned.enter_async_context(fronting(x.url, look))
    c = await x.open(base=front.url, transports=OTHERS)
    assert c.transport == x.transport
    negotiations = [request for request in front.seen if request.path.endswith("/negotiate")]
    text_only = x.protocol == "json"
    tried = [name for name in barred if text_only or name != "ServerSentEvents"]
    assert len(negotiations) == 1 + len(tried), "each is tried with a negotiation of its own"
    assert await c.invoke("TransportName", result=str) == x.transport
    assert await c.invoke("ConnectionId", result=str) == c.connection_id


def transport_of(request: web.Request) -> str:
    """What a GET wants."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return "WebSockets"
    return "ServerSentEvents" if request.headers.get("Accept") == "text/event-stream" else "LongPolling"


@check
async def a_sticky_cookie_is_kept(x: Context) -> None:
    """A balancer that knows its clients by a cookie sends those without it elsewhere."""
    lost: list[str] = []

    def look(request: web.Request, headers: dict[str, str]) -> web.Response | None:
        if request.path.endswith("/negotiate") or request.cookies.get("affinity") == "node-3":
            return None
        lost.append(f"{request.method} {request.path_qs}")
        return web.Response(status=404, text="not this node")

    front = await x.owned.enter_async_context(fronting(x.url, look, cookie="affinity=node-3; Path=/; HttpOnly"))
    c = await x.open(base=front.url)
    assert await c.invoke("Add", 1, 1, result=int) == 2
    assert await everything(c.stream("CounterEnumerable", 3, 1, item=int)) == [0, 1, 2]
    await c.stop()
    assert lost == []


@check
async def a_401_is_answered_with_a_fresh_token(x: Context) -> None:
    """The token was good for the negotiation only: the server itself refuses it afterwards."""
    good, asked = await x.token("alice"), list[str]()

    def token() -> str:
        asked.append("stale" if not asked else good)
        return asked[-1]

    def look(request: web.Request, headers: dict[str, str]) -> None:
        if request.path.endswith("/negotiate"):
            headers["Authorization"] = f"Bearer {good}"

    front = await x.owned.enter_async_context(fronting(x.url, look))
    c = await x.open("conformance-auth", base=front.url, token=token)
    assert asked == ["stale", good]
    assert await c.invoke("WhoAmI", result=str) == "alice"
    assert await everything(c.stream("Names", 2, item=str)) == ["alice0", "alice1"]


@check
async def an_expired_login_is_renewed(x: Context) -> None:
    """The server closes the connection when its token expires, and lets the client come back, which asks for a new one."""
    tokens: list[str] = []

    async def token() -> str:
        tokens.append(await x.token("alice", seconds=2 if not tokens else 600))
        return tokens[-1]

    c = x.build("conformance-auth", token=token, reconnect=[0])
    events = noted(c)
    await c.start()
    assert await c.invoke("WhoAmI", result=str) == "alice"
    await eventually(lambda: len(events) == 2)
    assert events == ["reconnecting: None", "reconnected"]
    assert len(tokens) >= 2, "with long polling the end of the old connection needs a token too"
    assert await c.invoke("WhoAmI", result=str) == "alice"
