"""The client's connection, as type checkers see it. Checked, never run; a line with ignores has to be an error of that kind."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol, assert_type

from hubstream import ChannelReader, HubConnection, HubConnectionState, RetryContext, Subject
from hubstream.client import Stream, Subscription


@dataclass
class Message:
    user: str
    text: str


class ChatHub(Protocol):
    async def say(self, room: str, text: str) -> None: ...
    async def upload(self, words: AsyncIterator[str]) -> int: ...
    def history(self, count: int) -> AsyncIterator[Message]: ...
    async def channel(self, count: int) -> ChannelReader[Message]: ...
    async def wrong(self) -> AsyncIterator[int]: ...


class ChatClient(Protocol):
    async def receive(self, message: Message) -> None: ...
    async def confirm(self, question: str) -> bool: ...


class Console:
    async def receive(self, message: Message) -> None: ...
    async def confirm(self, question: str) -> bool:
        return bool(question)


class Half:
    async def receive(self, message: Message) -> None: ...


class Other:
    async def receive(self, message: int) -> None: ...
    async def confirm(self, question: str) -> bool:
        return bool(question)


async def token() -> str:
    return "token"


def policy(context: RetryContext) -> float | None:
    assert_type(context.previous_retry_count, int)
    assert_type(context.elapsed, float)
    assert_type(context.retry_reason, Exception | None)
    return None


def wrong_policy(context: int) -> float:
    return context


def options() -> None:
    HubConnection("http://host/hub", protocol="messagepack", token=token, reconnect=True, retry_start=True)
    HubConnection("http://host/hub", token=lambda: "token", transports=["WebSockets"], skip_negotiation=True)
    HubConnection("http://host/hub", token=lambda: None, headers={"a": "b"}, reconnect=[0, 0.5], ssl=False)
    HubConnection("http://host/hub", reconnect=policy, stream_buffer=100, stream_policy="drop_oldest")
    HubConnection("http://host/hub", protocol="xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    HubConnection("http://host/hub", stream_policy="drop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    HubConnection("http://host/hub", reconnect=wrong_policy)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    HubConnection("http://host/hub", reconnect="always")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    HubConnection("http://host/hub", token="token")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a function
    HubConnection()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def life(connection: HubConnection) -> None:
    async with connection as same:
        assert_type(same, HubConnection)
    await connection.start()
    await connection.stop()
    assert_type(connection.state, HubConnectionState)
    assert_type(connection.connection_id, str | None)
    assert_type(connection.transport, str | None)

    @connection.on_close
    async def closed(error: Exception | None) -> None: ...

    @connection.on_reconnected
    def reconnected(connection_id: str | None) -> None: ...

    await closed(None)
    reconnected("id")
    connection.on_reconnecting(reconnected)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    connection.state = HubConnectionState.CONNECTED  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def calls(connection: HubConnection, lines: AsyncIterator[str]) -> None:
    assert_type(await connection.invoke("name"), Any)
    assert_type(await connection.invoke("name", lines, result=int), int)
    assert_type(await connection.invoke("name", result=list[Message] | None), list[Message] | None)
    text: str = await connection.invoke("name", result=int)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    del text
    subject = Subject[int]()
    subject.next("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await connection.send("name", subject)


def after(last: int) -> tuple[int, float]:
    return last, 0.5


async def streams(connection: HubConnection) -> None:
    assert_type(connection.stream("name"), Stream[Any])
    async with connection.stream("name", 1, item=int, buffer=5, policy="latest", resume=after) as items:
        assert_type(items, Stream[int])
        assert_type(items.dropped, int)
        async for item in items:
            assert_type(item, int)
    assert_type(connection.stream("name", item=str).subscribe(print), Subscription[str])
    assert_type(await connection.stream_as_channel("name", 1, item=Message), ChannelReader[Message])
    assert_type(await connection.stream_as_channel("name"), ChannelReader[Any])
    connection.stream("name", item=str, resume=after)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connection.stream("name", item=int, policy="drop")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


async def contracts(connection: HubConnection, words: AsyncIterator[str]) -> None:
    chat = connection.proxy(ChatHub)
    assert_type(chat, ChatHub)
    assert_type(await chat.say("lobby", "hello"), None)
    assert_type(await chat.upload(words), int)
    async for message in chat.history(3):
        assert_type(message, Message)
    assert_type(await chat.channel(3), ChannelReader[Message])
    await chat.say("lobby", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chat.upload(["word"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await chat.unknown()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    async for _ in chat.wrong():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    connection.implement(ChatClient)(Console())
    connection.implement(ChatClient)(Half())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connection.implement(ChatClient)(Other())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connection.implement(ChatClient)(object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
