"""The blocking client, as type checkers see it. Checked, never run; a line with ignores has to be an error of that kind."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

from hubstream import DOTNET, HubConnectionState, RetryContext
from hubstream.blocking import HubConnection, Stream, file_chunks


@dataclass
class Point:
    x: int
    y: int


def policy(context: RetryContext) -> float | None:
    return None if context.previous_retry_count else 1


def bar(done: int, total: int) -> None: ...


def no_bar(done: int) -> None: ...


async def coroutine_token() -> str:
    return "token"


def connects() -> None:
    for connection in (
        HubConnection("http://localhost/chat", token=lambda: None, reconnect=[1, 2.5], payloads=DOTNET),
        HubConnection("http://localhost/chat", protocol="messagepack", reconnect=policy, stream_policy="latest"),
    ):
        with connection as same:
            assert_type(same, HubConnection)
            assert_type(connection.state, HubConnectionState)
            assert_type(connection.transport, str | None)
    HubConnection("http://localhost/chat", protocol="xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - no such protocol
    HubConnection("http://localhost/chat", session=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - it belongs to an event loop
    HubConnection("http://localhost/chat", token=coroutine_token)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a plain function


def calls(connection: HubConnection) -> None:
    assert_type(connection.invoke("add", 1, 2), Any)
    assert_type(connection.invoke("add", 1, 2, result=int), int)
    assert_type(connection.invoke("find", result=Point | None, timeout=5), Point | None)
    assert_type(connection.invoke("store", file_chunks("a.csv", progress=bar), result=list[Point]), list[Point])
    connection.send("say", "hello", timeout=1)
    connection.invoke("add", timeout="soon")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType] - a number
    connection.send("say", result=int)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - nobody waits for one
    file_chunks("a.csv", progress=no_bar)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - the whole as well


def streams(connection: HubConnection) -> None:
    for anything in assert_type(connection.stream("ticks"), Stream[Any]):
        assert_type(anything, Any)
    with connection.stream("points", item=Point, resume=lambda point: (point.x,), timeout=1) as points:
        assert_type(points, Stream[Point])
        assert_type(list(points), list[Point])
        assert_type(points.dropped, int)
    connection.stream("points", policy="newest")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType] - no such policy


async def is_for_the_other(connection: HubConnection) -> None:
    async with connection:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues] - a plain block
        pass
    await connection.invoke("add", result=int)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues] - the result itself
    async for _ in connection.stream("points", item=Point):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] - a plain loop
        pass


def handlers(connection: HubConnection) -> None:
    @connection.on("said")
    def said(text: str) -> None: ...

    said("hello")
    said(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - it stays what it is
    connection.on("added", print)
    connection.off("said", said)

    @connection.on_close
    def closed(error: Exception | None) -> None: ...

    @connection.on_reconnected
    def reconnected(connection_id: str | None) -> None: ...

    closed(None)
    reconnected("id")

    @connection.on_close  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
    def wrong(error: int) -> None: ...
