"""The test kit's client, as type checkers see it. Checked, never run; a line with ignores has to be an error of that kind."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, assert_type

from hubstream import HubServer
from hubstream.client import ClientCore, Stream, Subscription
from hubstream.testing import TestConnection, connect


@dataclass
class Point:
    x: int
    y: int


def shown(text: str) -> None:
    del text


async def connections(server: HubServer) -> None:
    async with connect(server, "/hub", protocol="messagepack") as connection:
        assert_type(connection, TestConnection)
    async with connect(server, int) as connection:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        pass
    connect("/hub", server)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def expected(connection: TestConnection) -> None:
    assert_type(await connection.expect("name"), tuple[Any, ...])
    assert_type(await connection.expect("name", timeout=2), tuple[Any, ...])
    assert_type(await connection.expect("name", int), tuple[int])
    assert_type(await connection.expect("name", int | None, list[Point]), tuple[int | None, list[Point]])
    assert_type(await connection.expect("name", str, str, int, Point, timeout=2), tuple[str, str, int, Point])
    assert_type(await connection.expect("name", str, str, str, str, str), tuple[Any, ...])
    _, _ = await connection.expect("name", int)  # type: ignore[misc]  # pyright: ignore[reportAssignmentType, reportUnknownVariableType]
    await connection.expect(int)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await connection.expect("name", timeout="1")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


async def results(connection: ClientCore, lines: AsyncIterator[str]) -> None:
    assert_type(await connection.invoke("name"), Any)
    assert_type(await connection.invoke("name", lines, result=int), int)
    assert_type(await connection.invoke("name", result=int | None), int | None)
    assert_type(await connection.invoke("name", result=list[Point]), list[Point])
    assert_type(await connection.invoke("name", result=None), None)
    assert_type(await connection.send("name", 1), None)
    await connection.invoke(name="name")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await connection.invoke("name", result=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await connection.send("name", result=int)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def streams(connection: ClientCore) -> None:
    assert_type(connection.stream("name"), Stream[Any])
    assert_type(connection.stream("name", item=Point), Stream[Point])
    async with connection.stream("name", 1, item=int | None) as items:
        assert_type(items, Stream[int | None])
        async for item in items:
            assert_type(item, int | None)
    texts = connection.stream("name", item=str)
    assert_type(texts.subscribe(shown), Subscription[str])
    assert_type(await anext(texts), str)
    numbers = connection.stream("name", item=int)
    numbers.subscribe(shown)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def handlers(connection: ClientCore) -> None:
    @connection.on("name")
    def handler(a: int) -> str:
        return str(a)

    assert_type(handler(1), str)
    connection.on("name", shown)("text")
    connection.on("name", 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
