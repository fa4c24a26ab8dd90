"""The server calls the client: one, several, groups, and with a result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from conformance.values import Point
from hubstream import HubConnection, HubError
from tests.interop.python.check import Area, Context, eventually, everything

check = Area("call")


def noting(c: HubConnection, start: str = "") -> list[str]:
    """The texts of the calls of `Message` that begin so, and what follows that: others at this server broadcast too."""
    texts: list[str] = []

    def message(text: str) -> None:
        if text.startswith(start):
            texts.append(text.removeprefix(start))

    c.on("Message", message)
    return texts


@check
async def caller(x: Context) -> None:
    c = x.build()
    key = x.key()
    texts = noting(c, key)
    await c.start()
    await c.invoke("SendToCaller", key)
    await eventually(lambda: texts)


@check
async def order_of_a_thousand(x: Context) -> None:
    c = x.build()
    numbers: list[int] = []

    @c.on("Number")
    def number(n: int) -> None:
        numbers.append(n)

    await c.start()
    await c.invoke("SendMany", 1_000)
    await eventually(lambda: len(numbers) == 1_000)
    assert numbers == list(range(1_000))


@check
async def object(x: Context) -> None:
    c = x.build()
    points: list[Point] = []

    @c.on("Point")
    async def point(point: Point) -> None:
        points.append(point)

    await c.start()
    await c.invoke("SendPoint", Point(7, 8, "é"))
    await eventually(lambda: points)
    assert points == [Point(7, 8, "é")]


@check
async def broadcast_others_connection(x: Context) -> None:
    a, b = x.build(), x.build()
    key = x.key()
    at_a, at_b = noting(a, key), noting(b, key)
    await a.start()
    await b.start()
    await a.invoke("Broadcast", f"{key}all")
    await a.invoke("SendToOthers", f"{key}others")
    await a.invoke("SendToConnection", b.connection_id, f"{key}one")
    await a.invoke("SendToConnection", "nobody", f"{key}none")
    await eventually(lambda: len(at_b) == 3 and len(at_a) == 1)
    assert at_b == ["all", "others", "one"]
    assert at_a == ["all"]


@check
async def groups(x: Context) -> None:
    a, b = x.build(), x.build()
    group = x.key()
    at_a, at_b = noting(a, group), noting(b, group)
    await a.start()
    await b.start()
    await a.invoke("Join", group)
    await a.invoke("Join", group)
    await b.invoke("Join", group)
    await a.invoke("SendToGroup", group, f"{group}1")
    await a.invoke("SendToGroupOthers", group, f"{group}2")
    await b.invoke("Leave", group)
    await a.invoke("SendToGroup", group, f"{group}3")
    await a.invoke("SendToGroup", group.upper(), f"{group}4")
    await eventually(lambda: len(at_a) == len(at_b) == 2)
    assert at_a == ["1", "3"]
    assert at_b == ["1", "2"]


@check
async def client_result(x: Context) -> None:
    c = x.build()

    @c.on("Ask")
    def answer(question: str) -> str:
        return f"{question}!"

    await c.start()
    assert await c.invoke("Ask", "well", result=str) == "well!"


async def refused(c: HubConnection, text: str) -> None:
    """Asking this client fails, and so says the call that made the server ask."""
    await c.start()
    with pytest.raises(HubError) as raised:
        await c.invoke("Ask", "well", result=str)
    assert str(raised.value) == f"An unexpected error occurred invoking 'Ask' on the server. HubException: {text}"


@check
async def client_result_error(x: Context) -> None:
    c = x.build()

    @c.on("Ask")
    def answer(question: str) -> str:
        raise ValueError("do not know")

    await refused(c, "do not know")


@check
async def client_result_without_handler(x: Context) -> None:
    await refused(x.build(), "Client failed to parse argument(s).")


@check
async def client_result_of_another(x: Context) -> None:
    a, b = x.build(), x.build()

    @b.on("Ask")
    async def answer(question: str) -> str:
        await asyncio.sleep(0.01)
        return f"b {question}"

    await a.start()
    await b.start()
    assert await a.invoke("AskConnection", b.connection_id, "hi", result=str) == "b hi"
    nobody = await a.invoke("AskConnection", "nobody", "hi", result=str)
    assert nobody == "IOException: Connection 'nobody' does not exist."


@check
async def client_results_inside_a_stream(x: Context) -> None:
    c = x.build()

    @c.on("Ask")
    def answer(question: str) -> str:
        return question.upper()

    async def questions() -> AsyncIterator[str]:
        for question in "ab":
            yield question

    await c.start()
    assert await everything(c.stream("AskEach", questions(), item=str)) == ["A", "B"]


@check
async def broadcast_from_outside_a_hub(x: Context) -> None:
    c = x.build()
    key = x.key()
    texts: list[str] = []

    @c.on("Broadcast")
    def broadcast(text: str) -> None:
        texts.append(text)

    await c.start()
    await x.fetch("POST", "broadcast", {"text": key})
    await eventually(lambda: key in texts)
