"""Calling clients, as type checkers see it. Checked, never run; a line with ignores has to be an error of that kind."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, assert_type

from typing_extensions import TypeVar

from hubstream import Hub, HubServer
from hubstream.hub.clients import HubCallerClients, HubClients
from hubstream.hub.groups import HubCallerGroups, HubGroups
from hubstream.hub.outside import HubContext
from hubstream.hub.proxies import ClientProxy, SingleClientProxy


@dataclass
class Message:
    user: str
    text: str


class ChatClient(Protocol):
    async def receive(self, message: Message) -> None: ...
    async def confirm(self, question: str) -> bool: ...


class Plain(Hub):
    async def sends(self) -> None:
        clients = self.clients
        assert_type(clients, HubCallerClients[SingleClientProxy])
        assert_type(self.groups, HubCallerGroups)
        for many in (
            assert_type(clients.all, ClientProxy),
            assert_type(clients.others, ClientProxy),
            assert_type(clients.all_except("1", "2"), ClientProxy),
            assert_type(clients.clients("1", "2"), ClientProxy),
            assert_type(clients.group("g"), ClientProxy),
            assert_type(clients.groups("g", "h"), ClientProxy),
            assert_type(clients.group_except("g", "1"), ClientProxy),
            assert_type(clients.others_in_group("g"), ClientProxy),
            assert_type(clients.user("ann"), ClientProxy),
            assert_type(clients.users("ann", "bob"), ClientProxy),
        ):
            await many.send("receive", "anything", 1)
        await self.groups.add("g")
        await self.groups.remove("g", connection="1")

    async def asks(self) -> None:
        for one in (
            assert_type(self.clients.caller, SingleClientProxy),
            assert_type(self.clients.client("1"), SingleClientProxy),
        ):
            await one.send("receive")
            assert_type(await one.invoke("confirm", "sure?"), Any)
            assert_type(await one.invoke("confirm", "sure?", result=bool), bool)
            assert_type(await one.invoke("confirm", result=list[Message], timeout=5), list[Message])
            assert_type(await one.invoke("confirm", result=int | None, timeout=None), int | None)
            await one.invoke("confirm", timeout="soon")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType] - a number

    async def asks_many(self) -> None:
        await self.clients.all.invoke("confirm")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - one only
        await self.clients.others.invoke("confirm")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - one only
        await self.clients.group("g").invoke("confirm")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - one only
        await self.clients.users("ann").invoke("confirm")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - one only

    async def wrong_names(self) -> None:
        self.clients.group(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue] - a text
        self.clients.groups(["g"])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue] - one by one
        await self.groups.add()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - a name


class Chat(Hub[ChatClient]):
    async def say(self, text: str) -> bool:
        message = Message("ann", text)
        for one in (
            assert_type(self.clients.all, ChatClient),
            assert_type(self.clients.others, ChatClient),
            assert_type(self.clients.group("g"), ChatClient),
            assert_type(self.clients.users("ann"), ChatClient),
            assert_type(self.clients.others_in_group("g"), ChatClient),
            assert_type(self.clients.client("1"), ChatClient),
        ):
            await one.receive(message)
        await self.clients.all.receive(text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - no message
        await self.clients.all.receive()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - no message
        await self.clients.all.unknown()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - not in the contract
        await self.clients.all.send("receive", message)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - the contract says what there is
        return assert_type(await self.clients.caller.confirm("sure?"), bool)


C = TypeVar("C")


class Base(Hub[C]):
    async def everybody(self) -> C:
        return self.clients.all


class Derived(Base[ChatClient]):
    async def say(self) -> None:
        assert_type(await self.everybody(), ChatClient)
        assert_type(self.clients.caller, ChatClient)


async def from_outside(hubs: HubServer) -> None:
    hubs.map("/plain", Plain)
    hubs.map("/chat", Chat, client_result_timeout=None)
    assert_type(hubs.of(Chat), HubContext[ChatClient])
    assert_type(hubs.of(Derived).clients, HubClients[ChatClient])
    assert_type(hubs.of(Chat).clients.all, ChatClient)
    assert_type(hubs.of(Plain).clients.all, ClientProxy)
    assert_type(hubs.of(Plain).clients.client("1"), SingleClientProxy)
    assert_type(hubs.of("/plain"), HubContext[SingleClientProxy])
    assert_type(hubs.of(Chat).groups, HubGroups)
    assert_type(await hubs.of(Chat).connections(group="g"), frozenset[str])
    _ = hubs.of(Chat).clients.caller  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - nobody calls
    await hubs.of(Chat).groups.add("g")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - whose?
    await hubs.disconnect(user="ann", reason="bye")


def kinds_of_hubs() -> HubServer:
    return HubServer({"/plain": Plain, "/chat": Chat, "/derived": Derived})
