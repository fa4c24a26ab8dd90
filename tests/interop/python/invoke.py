"""Plain calls: arguments, results, error texts, order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.values import Point
from hubstream import HubError
from tests.interop.python.check import Area, Context, everything

check = Area("invoke")


@check
async def add(x: Context) -> None:
    assert await (await x.open()).invoke("Add", 40, 2, result=int) == 42


@check
async def name_ignores_case(x: Context) -> None:
    assert await (await x.open()).invoke("aDD", 1, 2, result=int) == 3


@check
async def renamed_method(x: Context) -> None:
    assert await (await x.open()).invoke("renamed", result=str) == "renamed"


@check
async def values_round_trip(x: Context) -> None:
    c = await x.open()
    for text in ("", "plain", "ünïcödé 😀 \u2028", 'a\u001eb\nc"\\', "z" * 5_000):
        assert await c.invoke("EchoString", text, result=str) == text
    for n in (0, -1, 127, 128, 255, 256, 65_536, -(2**31), 2**63 - 1, -(2**63)):
        assert await c.invoke("EchoLong", n, result=int) == n
    for d in (0.0, -1.5, 3.141592653589793, 1e300):
        assert await c.invoke("EchoDouble", d, result=float) == d
    assert await c.invoke("EchoBool", True, result=bool) is True
    assert await c.invoke("EchoNullable", None, result=str | None) is None
    assert await c.invoke("EchoList", [1, 2, 3], result=list[int]) == [1, 2, 3]
    assert await c.invoke("EchoMap", {"a": 1, "b c": 2}, result=dict[str, int]) == {"a": 1, "b c": 2}
    assert await c.invoke("EchoBytes", b"\0\1\xfe\xff", result=bytes) == b"\0\1\xfe\xff"


@check
async def date(x: Context) -> None:
    when = datetime(2026, 11, 23, 4, 5, 6, 789_000, tzinfo=UTC)
    assert await (await x.open()).invoke("EchoDate", when, result=datetime) == when


@check
async def object(x: Context) -> None:
    for point in (Point(1, -2, None), Point(3, 4, "é")):
        assert await (await x.open()).invoke("EchoPoint", point, result=Point) == point


@check
async def void_completes(x: Context) -> None:
    await (await x.open()).invoke("Nothing", result=None)


@check
async def void_as_object_is_null(x: Context) -> None:
    assert await (await x.open()).invoke("Nothing") is None


async def fails(x: Context, text: str, name: str, *arguments: Any) -> None:
    """Calling it fails with that text, and the connection goes on."""
    c = await x.open()
    with pytest.raises(HubError) as raised:
        await c.invoke(name, *arguments)
    assert str(raised.value) == text
    assert await c.invoke("Add", 2, 3, result=int) == 5


@check
async def hub_error_text(x: Context) -> None:
    await fails(
        x, "An unexpected error occurred invoking 'Fail' on the server. HubException: no luck", "Fail", "no luck"
    )


@check
async def other_error_is_hidden(x: Context) -> None:
    await fails(x, "An unexpected error occurred invoking 'FailHidden' on the server.", "FailHidden", "password=1")


NO_METHOD = "Failed to invoke '{}' due to an error on the server. HubException: Method does not exist."


@check
async def unknown_method(x: Context) -> None:
    await fails(x, NO_METHOD.format("Nope"), "Nope")


@check
async def lifecycle_methods_are_not_callable(x: Context) -> None:
    await fails(x, NO_METHOD.format("OnConnectedAsync"), "OnConnectedAsync")


@check
async def wrong_argument_count(x: Context) -> None:
    await fails(x, "Failed to invoke 'Add' due to an error on the server.", "Add", 1)


@check
async def wrong_argument_type(x: Context) -> None:
    await fails(x, "Failed to invoke 'Add' due to an error on the server.", "Add", "one", 2)


@check
async def stream_method_by_invoke(x: Context) -> None:
    text = "The client attempted to invoke the streaming 'CounterEnumerable' method with a non-streaming invocation."
    await fails(x, text, "CounterEnumerable", 1, 0)


@check
async def plain_method_by_stream(x: Context) -> None:
    c = await x.open()
    with pytest.raises(HubError) as raised:
        await everything(c.stream("Add", 1, 2, item=int))
    text = "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation."
    assert str(raised.value) == text


@check
async def many_at_once(x: Context) -> None:
    c = await x.open()
    sums = await asyncio.gather(*(c.invoke("Add", i, 1, result=int) for i in range(200)))
    assert sums == list(range(1, 201))


@check
async def send_then_invoke_keeps_order(x: Context) -> None:
    c = await x.open()
    for i in range(20):
        await c.send("SetItem", "n", str(i))
    assert await c.invoke("GetItem", "n", result=str | None) == "19"


@check
async def calls_of_one_client_run_in_turn(x: Context) -> None:
    c = await x.open()
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await asyncio.gather(*(c.invoke("Slow", ms, result=int) for ms in (60, 0, 40))) == [60, 0, 40]
    assert loop.time() - began > 0.095, "they ran beside one another"


@check
async def large_result(x: Context) -> None:
    [block] = await everything((await x.open()).stream("Blocks", 1, 300_000, item=str))
    assert len(block) == 300_000


@check
async def connection_id(x: Context) -> None:
    c = await x.open()
    assert c.connection_id
    assert await c.invoke("ConnectionId", result=str) == c.connection_id


@check
async def transport_name(x: Context) -> None:
    c = await x.open()
    assert await c.invoke("TransportName", result=str) == x.transport == c.transport


@check
async def query_and_header(x: Context) -> None:
    c = await x.open("conformance?room=blue%20one", headers={"X-Room": "green"})
    assert await c.invoke("Query", "room", result=str | None) == "blue one"
    assert await c.invoke("Header", "X-Room", result=str | None) == "green"
    assert await c.invoke("Header", "X-Other", result=str | None) is None
