"""The methods of `/conformance` that call clients: one, several, groups, and with a result."""

from __future__ import annotations

from collections.abc import AsyncIterator

from conformance.values import Point
from hubstream import ConnectionLost, Hub

__all__ = ["Calls"]

IN_DOTNET: dict[type[Exception], str] = {ConnectionLost: "IOException"}
"""What an error is called there, where it has another name."""


class Calls(Hub):
    """The server calls the client."""

    async def SendToCaller(self, text: str) -> None:
        await self.clients.caller.send("Message", text)

    async def Broadcast(self, text: str) -> None:
        await self.clients.all.send("Message", text)

    async def SendToOthers(self, text: str) -> None:
        await self.clients.others.send("Message", text)

    async def SendToConnection(self, connection_id: str, text: str) -> None:
        await self.clients.client(connection_id).send("Message", text)

    async def SendToUser(self, user: str, text: str) -> None:
        await self.clients.user(user).send("Message", text)

    async def SendMany(self, count: int) -> None:
        for n in range(count):
            await self.clients.caller.send("Number", n)

    async def SendPoint(self, point: Point) -> None:
        await self.clients.caller.send("Point", point)

    async def SendUnserializable(self, group: str) -> str:
        try:
            await self.clients.group(group).send("Message", object())
        except ValueError as error:
            return type(error).__name__
        return "none"

    async def Join(self, group: str) -> None:
        await self.groups.add(group)

    async def Leave(self, group: str) -> None:
        await self.groups.remove(group)

    async def SendToGroup(self, group: str, text: str) -> None:
        await self.clients.group(group).send("Message", text)

    async def SendToGroupOthers(self, group: str, text: str) -> None:
        await self.clients.others_in_group(group).send("Message", text)

    async def Ask(self, question: str) -> str:
        return await self.clients.caller.invoke("Ask", question, result=str)

    async def AskConnection(self, connection_id: str, question: str) -> str:
        try:
            return await self.clients.client(connection_id).invoke("Ask", question, result=str)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the answer
            return f"{IN_DOTNET.get(type(error), type(error).__name__)}: {error}"

    async def AskEach(self, questions: AsyncIterator[str]) -> AsyncIterator[str]:
        async for question in questions:
            yield await self.clients.caller.invoke("Ask", question, result=str)
