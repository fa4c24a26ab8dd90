"""`/conformance`: the hub every driver calls. Calls and the connection are here, streams in `streams`, calls back in `calls`."""

from __future__ import annotations

import asyncio
from datetime import datetime

from conformance.calls import Calls
from conformance.streams import Down, Up, recorder
from conformance.values import InvalidOperationException, Point
from hubstream import HubError, hub_method

__all__ = ["ConformanceHub"]


class ConformanceHub(Down, Up, Calls):
    """Every method a client can be checked against. The names are the wire's: error texts show them."""

    async def on_disconnected(self, error: Exception | None) -> None:
        key = self.context.items.get("note")
        if key is not None:
            recorder.note(str(key), "none" if error is None else type(error).__name__)

    def Add(self, a: int, b: int) -> int:
        return a + b

    def EchoString(self, value: str) -> str:
        return value

    def EchoNullable(self, value: str | None) -> str | None:
        return value

    def EchoLong(self, value: int) -> int:
        return value

    def EchoDouble(self, value: float) -> float:
        return value

    def EchoBool(self, value: bool) -> bool:
        return value

    def EchoList(self, values: list[int]) -> list[int]:
        return values

    def EchoMap(self, values: dict[str, int]) -> dict[str, int]:
        return values

    def EchoBytes(self, value: bytes) -> bytes:
        return value

    def EchoDate(self, value: datetime) -> datetime:
        return value

    def EchoPoint(self, value: Point) -> Point:
        return value

    def Nothing(self) -> None:
        return None

    async def Slow(self, milliseconds: int) -> int:
        await asyncio.sleep(milliseconds / 1000)
        return milliseconds

    async def WaitForCancel(self, key: str) -> None:
        try:
            await self.context.aborted.wait()
        finally:
            recorder.note(key, "cancelled")

    def Fail(self, text: str) -> None:
        raise HubError(text)

    def FailHidden(self, text: str) -> None:
        raise InvalidOperationException(text)

    @hub_method(name="renamed")
    def Original(self) -> str:
        return "renamed"

    def Unserializable(self) -> object:
        return object()

    async def Recorded(self, key: str, milliseconds: int) -> list[str]:
        return await recorder.wait(key, milliseconds / 1000)

    def ConnectionId(self) -> str:
        return self.context.connection_id

    def Query(self, name: str) -> str | None:
        return self.context.request.query.get(name)

    def Header(self, name: str) -> str | None:
        return self.context.request.headers.get(name)

    def TransportName(self) -> str:
        return self.context.transport

    def SetItem(self, key: str, value: str) -> None:
        self.context.items[key] = value

    def GetItem(self, key: str) -> str | None:
        return self.context.items.get(key)

    def AbortMe(self) -> None:
        self.context.abort()
