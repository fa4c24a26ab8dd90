"""A connection's life: start, stop, tokens, limits, reconnecting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hubstream import ConnectionLost, HubConnection, HubError, NegotiateError
from tests.interop.python.check import Area, Context, eventually, everything, noted

check = Area("life")


def closing(c: HubConnection) -> asyncio.Future[Exception | None]:
    """What the closed event says."""
    told: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    c.on_close(told.set_result)
    return told


@check
async def stop_and_start_again(x: Context) -> None:
    c = await x.open()
    first = c.connection_id
    await c.stop()
    await c.start()
    assert await c.invoke("Add", 1, 1, result=int) == 2
    assert c.connection_id not in {None, first}


@check
async def clean_stop_is_seen_as_clean(x: Context) -> None:
    key = x.key()
    a = await x.open()
    await a.invoke("SetItem", "note", key)
    await a.stop()
    assert await (await x.open()).invoke("Recorded", key, 8_000, result=list[str]) == ["none"]


@check
async def abort_closes_without_error(x: Context) -> None:
    c = await x.open()
    closed = closing(c)
    await c.send("AbortMe")
    assert await closed is None
    assert c.state == "Disconnected"


@check
async def without_negotiation(x: Context) -> None:
    c = await x.open(skip_negotiation=True)
    assert c.connection_id is None
    assert await c.invoke("Add", 1, 1, result=int) == 2


@check
async def token_needed(x: Context) -> None:
    with pytest.raises(NegotiateError, match="Unexpected status code returned from negotiate '401'"):
        await x.open("conformance-auth")


@check
async def token_gives_the_user(x: Context) -> None:
    c = await x.open_as("alice")
    assert await c.invoke("WhoAmI", result=str) == "alice"
    assert await everything(c.stream("Names", 2, item=str)) == ["alice0", "alice1"]


@check
async def method_needs_a_role(x: Context) -> None:
    c = await x.open_as("bob")
    with pytest.raises(HubError) as raised:
        await c.invoke("AdminOnly", result=str)
    assert str(raised.value) == "Failed to invoke 'AdminOnly' because user is unauthorized"
    with pytest.raises(HubError) as raised:
        await everything(c.stream("AdminStream", item=int))
    assert str(raised.value) == "Failed to invoke 'AdminStream' because user is unauthorized"
    assert await (await x.open_as("eve", "admin")).invoke("AdminOnly", result=str) == "secret"


@check
async def user_gets_it_on_every_connection(x: Context) -> None:
    user = f"u{x.key()}"
    got: list[str] = []

    def noting(name: str) -> Callable[[str], None]:
        return lambda text: got.append(f"{name} {text}")

    for name in "ab":
        (await x.open_as(user)).on("Message", noting(name))
    await (await x.open_as("other")).invoke("SendToUser", user, "hi")
    await eventually(lambda: len(got) == 2)
    assert sorted(got) == ["a hi", "b hi"]


@check
async def too_large_message_closes(x: Context) -> None:
    c = await x.open()
    closed = closing(c)
    text = "The server closed the connection with the following error: Connection closed with an error."
    with pytest.raises(ConnectionLost) as raised:
        await c.invoke("EchoString", "x" * 40_000, result=str)
    assert str(raised.value) == text
    assert str(await closed) == text


@check
async def largest_message_passes(x: Context) -> None:
    assert await (await x.open()).invoke("EchoString", "x" * 32_000, result=str) == "x" * 32_000


@check
async def automatic_reconnect(x: Context) -> None:
    relay = await x.relay()
    c = x.build(base=relay.url, reconnect=True)
    events = noted(c)
    await c.start()
    first = c.connection_id
    relay.cut()
    await eventually(lambda: len(events) == 2)
    assert c.connection_id not in {None, first}
    assert events == ["reconnecting: The connection to the server was lost.", "reconnected"]
    assert await c.invoke("Add", 1, 1, result=int) == 2


@check
async def pending_calls_fail_when_cut(x: Context) -> None:
    relay = await x.relay()
    c = await x.open(base=relay.url)
    closed = closing(c)
    stream = c.stream("Forever", x.key(), item=int)
    assert await anext(stream) == 0
    call = asyncio.ensure_future(c.invoke("Slow", 10_000, result=int))
    rest = asyncio.ensure_future(everything(stream))
    await asyncio.sleep(0.02)
    relay.cut()
    for pending in (call, rest):
        with pytest.raises(ConnectionLost) as raised:
            await pending
        assert str(raised.value) == "The connection to the server was lost."
    assert str(await closed) == "The connection to the server was lost."


@check
async def cut_stops_the_streams(x: Context) -> None:
    relay = await x.relay()
    key = x.key()
    c = await x.open(base=relay.url)
    items = c.stream("Forever", key, item=int)
    assert await anext(items) == 0
    relay.cut()
    assert await (await x.open()).invoke("Recorded", key, 8_000, result=list[str]) == ["stopped"]
