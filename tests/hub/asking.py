"""A hub whose methods ask their clients, for the tests of client results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from hubstream import ConnectionLost, Hub, HubError
from tests.hub.wire import done

__all__ = ["Asking", "failed", "fresh", "question"]


@dataclass
class Point:
    x: int
    y: int = 0


TYPES: dict[str, Any] = {
    "any": Any,
    "int": int,
    "point": Point,
    "points": list[Point],
    "none": None,
    "maybe": int | None,
}


class Asking(Hub):
    log: list[Any] = []  # noqa: RUF012 - emptied by the fixture
    gate: asyncio.Event

    async def ask(self, question: str = "?") -> Any:
        return await self.clients.caller.invoke("Ask", question)

    async def ask_as(self, type_: str) -> str:
        return repr(await self.clients.caller.invoke("Ask", result=TYPES[type_]))

    async def ask_for(self, seconds: float | None) -> Any:
        return await self.clients.caller.invoke("Ask", timeout=seconds)

    async def ask_twice(self) -> list[Any]:
        return [await self.clients.caller.invoke("Ask", n) for n in range(2)]

    async def ask_both(self) -> list[Any]:
        return await asyncio.gather(*(self.clients.caller.invoke("Ask", n) for n in range(2)))

    async def ask_another(self, connection_id: str) -> Any:
        try:
            return await self.clients.client(connection_id).invoke("Ask", result=str)
        except (ConnectionLost, TimeoutError) as error:
            return f"{type(error).__name__}: {error}"

    async def ask_within(self, seconds: float) -> str:
        try:
            async with asyncio.timeout(seconds):
                await self.clients.caller.invoke("Ask")
        except TimeoutError as error:
            return f"timed out: {error}"
        return "answered"

    async def ask_and_note(self) -> None:
        try:
            await self.clients.caller.invoke("Ask")
        except BaseException as error:
            self.log.append(type(error).__name__)
            raise

    async def ask_each(self, questions: AsyncIterator[str]) -> AsyncIterator[Any]:
        try:
            async for question in questions:
                yield await self.clients.caller.invoke("Ask", question)
        finally:
            self.log.append("closed")

    async def ask_after_first(self, numbers: AsyncIterator[int]) -> list[Any]:
        first = await anext(numbers)
        answer = await self.clients.caller.invoke("Ask", first)
        rest: Any = 0
        try:
            async for _ in numbers:
                rest += 1
        except HubError as error:
            rest = str(error)
        return [answer, rest]

    async def sum(self, numbers: AsyncIterator[int]) -> int:
        return sum([n async for n in numbers])

    async def wait(self) -> str:
        await self.gate.wait()
        return "waited"

    async def running(self) -> str:
        self.log.append("begun")
        await self.gate.wait()
        self.log.append("ended")
        return "ran"

    def add(self, a: int, b: int) -> int:
        return a + b


@pytest.fixture(autouse=True)
def fresh() -> None:
    Asking.log.clear()
    Asking.gate = asyncio.Event()


def question(id: str, *arguments: Any) -> dict[str, Any]:
    return {"type": 1, "target": "Ask", "arguments": list(arguments), "invocationId": id}


def failed(text: str = "", target: str = "ask", id: str = "1") -> dict[str, Any]:
    return done(id, f"An unexpected error occurred invoking '{target}' on the server.{text and ' ' + text}")
