"""Hubs and their server, as type checkers see them. Checked, never run; a line with ignores has to be an error of that kind."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, assert_type

from hubstream import DOTNET, Channel, ChannelReader, Hub, HubCallerContext, HubError, HubServer, Payloads, hub_method
from hubstream.types import ASGIApp


async def work() -> str:
    return ""


class Numbers(Hub):
    async def count(self, upto: int) -> AsyncIterator[int]:
        assert_type(self.context, HubCallerContext)
        assert_type(self.context.items, dict[str, Any])
        assert_type(self.context.user_id, str | None)
        assert_type(self.context.aborted, asyncio.Event)
        assert_type(self.context.request.query.get("name"), str | None)
        assert_type(self.spawn(work()), asyncio.Task[str])
        assert_type(await self.clients.caller.send("name", upto), None)
        self.context.connection_id.upper()
        self.context.user_id.upper()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
        await self.clients.caller.send()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        self.spawn(work)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        yield upto

    @hub_method(name="Renamed")
    async def original(self, a: int) -> str:
        return str(a)

    async def on_connected(self) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return 1

    async def on_disconnected(self, error: Exception | None) -> None:
        assert_type(error, Exception | None)


async def methods_stay_what_they_are(hub: Numbers) -> None:
    assert_type(await hub.original(1), str)
    await hub.original("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(hub.count(1), AsyncIterator[int])
    hub.context = None  # type: ignore[misc, assignment]  # pyright: ignore[reportAttributeAccessIssue]
    hub_method("name")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def servers() -> None:
    server = HubServer({"/numbers": Numbers}, keep_alive=10, protocols=("json",), payloads=DOTNET)
    app: ASGIApp = server
    del app
    server.map("/more", Numbers, max_message_size=None, factory=lambda hub: hub())
    assert_type(server.snapshot(), dict[str, int])
    HubServer({"/numbers": int})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    HubServer({"/numbers": Numbers}, keepalive=10)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    HubServer({"/numbers": Numbers}, keep_alive="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    HubServer({"/numbers": Numbers}, protocols=["json"])
    HubServer({"/numbers": Numbers}, protocols=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    server.map("/hub", Numbers())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    server.map("/hub", Numbers, stream_buffer=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def channels() -> None:
    channel = Channel[int](3)
    assert_type(channel.reader, ChannelReader[int])
    assert_type(await channel.reader.read(), int)
    assert_type(channel.try_write(1), bool)
    async with channel as same:
        assert_type(same, Channel[int])
        await same.write("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async for item in channel.reader:
        assert_type(item, int)
    stream: AsyncIterator[int] = channel.reader
    del stream
    Channel[int]()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def errors() -> None:
    error = HubError("text", "code", {"key": 1})
    assert_type(error.code, str | None)
    assert_type(error.data, dict[str, object] | None)
    HubError("text", data=["key"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Payloads(json_names="snake")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
