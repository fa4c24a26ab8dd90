"""The client's end of a hub in a test: the client itself, and what only a test asks of it.

Imports the client's core, `connection/memory` and the hub's connection. `expect()` and `drop()` wait.
"""

from __future__ import annotations

import asyncio
from typing import Any, overload

from typing_extensions import TypeForm, TypeVar

from hubstream.client.connection import ClientCore
from hubstream.client.handlers import Handlers
from hubstream.connection.memory import MemoryConnection
from hubstream.errors import ConnectionLost
from hubstream.hub.connection import ServerConnection
from hubstream.payloads.bind import BINDING_ERRORS, describe
from hubstream.payloads.style import Payloads
from hubstream.testing.calls import Calls

__all__ = ["TestConnection"]

PATIENCE = 5.0
"""Seconds the hub has, once its client is gone, to end what ends with it."""
TURNS = 10
"""Of the event loop, in which a plain call goes on whose waiting ended with the connection."""

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class TestConnection(ClientCore):
    """A client of a hub, from `connect()`: calls, streams and handlers as every client has, and `expect()` and `drop()`."""

    __test__ = False  # no class of tests, whatever pytest makes of its name

    def __init__(
        self,
        near: MemoryConnection,
        far: MemoryConnection,
        server: ServerConnection,
        *,
        protocol: str,
        payloads: Payloads,
        handlers: Handlers | None,
    ) -> None:
        self._calls = Calls(handlers if handlers is not None else Handlers())
        self._ends = near, far
        self._server = server
        super().__init__(
            near,
            protocol=protocol,
            payloads=payloads,
            handlers=self._calls,
            on_end=lambda _: self._calls.heard(),
        )

    @property
    def connection_id(self) -> str:
        """What the hub knows this connection by: `hubs.of(Chat).clients.client(connection.connection_id)`."""
        return self._server.connection_id

    @property
    def unexpected(self) -> list[str]:
        """The names of the hub's calls that have come and were not expected, each as often as it came.

        What a hub sends a client before it answers that client's call has come when the answer has.
        """
        return self._calls.names

    @overload
    async def expect(self, name: str, /, *, timeout: float = ...) -> tuple[Any, ...]: ...
    @overload
    async def expect(self, name: str, first: TypeForm[A], /, *, timeout: float = ...) -> tuple[A]: ...
    @overload
    async def expect(
        self, name: str, first: TypeForm[A], second: TypeForm[B], /, *, timeout: float = ...
    ) -> tuple[A, B]: ...
    @overload
    async def expect(
        self, name: str, first: TypeForm[A], second: TypeForm[B], third: TypeForm[C], /, *, timeout: float = ...
    ) -> tuple[A, B, C]: ...
    @overload
    async def expect(
        self,
        name: str,
        first: TypeForm[A],
        second: TypeForm[B],
        third: TypeForm[C],
        fourth: TypeForm[D],
        /,
        *,
        timeout: float = ...,
    ) -> tuple[A, B, C, D]: ...
    @overload
    async def expect(self, name: str, /, *types: Any, timeout: float = ...) -> tuple[Any, ...]: ...
    async def expect(self, name: str, /, *types: Any, timeout: float = 1.0) -> tuple[Any, ...]:
        """The arguments of the hub's next call of a client method: of the oldest that has come, or of the one to come.

            user, text = await connection.expect("Said", str, str)

        A call is expected once. Handlers of that name are called as well.

        Args:
            name: The method, whatever its case and underscores.
            types: Those of the arguments; without any, they are as the protocol gives them.
            timeout: Seconds to wait; 1.

        Raises:
            TimeoutError: There was no such call in time; the text says which there were.
            ConnectionLost: The connection ended without it.
            TypeError: The arguments are not of these types, or not as many.
            HubstreamError: More than 1,000 calls of that name came before they were expected, and the oldest were dropped.
        """
        try:
            async with asyncio.timeout(timeout):
                raw = await self._calls.next(name, self._all_heard)
        except TimeoutError:
            came = ", ".join(dict.fromkeys(self.unexpected))
            raise TimeoutError(
                f"the hub did not call '{name}' within {timeout:g} s; not expected so far: {came or 'nothing'}"
            ) from None
        if raw is None:
            assert self.ending is not None
            raise ConnectionLost(f"the connection ended before the hub called '{name}': {self.ending.text}")
        binder = self._wire.binder
        try:
            return binder.arguments(types, len(types))(raw) if types else tuple(binder.decoder(list[Any])(raw))
        except BINDING_ERRORS as error:
            raise TypeError(f"the hub's call of '{name}' is not what was expected: {describe(error)}") from error

    async def drop(self) -> None:
        """Cut the network: no Close is sent, and what was on its way is lost.

        Returns when what that sets off has ended: the hub's streams to this client and its unfinished uploads,
        `on_disconnected`, and on this side what waited for the hub. A plain call runs on without its client: it is not waited
        for, but if its waiting ended with the connection, it has gone on.

        Raises:
            TimeoutError: Something of that has not ended after 5 s; the text says what.
        """
        self._connection.abort()
        for end in self._ends:
            await end.ended.wait()
        await self.close()
        if left := await self._server.parted(PATIENCE):
            raise TimeoutError(f"{PATIENCE:g} s after the connection was cut, this still runs: {left}")
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _all_heard(self) -> bool:
        """No call of the hub can come any more: the connection has ended, and none waits for its handlers."""
        return self.ending is not None and not self._runner.held
