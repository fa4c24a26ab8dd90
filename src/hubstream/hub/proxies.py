"""What calls clients: `send` to one or many, `invoke` on one (spec 10.1, 6.11). Typed proxies are made in `contract`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, overload

from msgspec import UNSET
from typing_extensions import TypeForm, TypeVar

from hubstream.errors import HubError
from hubstream.hub import texts
from hubstream.hub.outgoing import Outgoing
from hubstream.payloads.bind import BINDING_ERRORS, Decode, describe

if TYPE_CHECKING:
    from hubstream.hub.lifetime import LifetimeManager
    from hubstream.hub.mapping import HubMapping

__all__ = ["Caller", "Client", "ClientProxy", "Clients", "Sender", "SingleClientProxy"]

T = TypeVar("T")

NULL = {"json": b"null", "messagepack": b"\xc0"}


class Unset:
    """No timeout was named: the hub's counts."""


UNNAMED: Any = Unset()


class Sender(Protocol):
    """On whose behalf clients are called: a connection, or the server from outside a hub."""

    @property
    def mapping(self) -> HubMapping: ...
    @property
    def lifetime(self) -> LifetimeManager: ...


class Clients:
    """Several clients, and how messages get to them."""

    __slots__ = ("deliver", "sender")

    def __init__(self, sender: Sender, deliver: Callable[[Outgoing], Awaitable[None]]) -> None:
        self.sender = sender
        self.deliver = deliver


class Client:
    """One client."""

    __slots__ = ("_before_asking", "_connection_id", "sender")

    def __init__(self, sender: Sender, connection_id: str, before_asking: Callable[[], None] | None) -> None:
        self.sender = sender
        self._connection_id = connection_id
        self._before_asking = before_asking

    async def deliver(self, message: Outgoing) -> None:
        await self.sender.lifetime.send_connection(self._connection_id, message)

    async def ask(self, message: Outgoing, type_: Any, decoders: Mapping[str, Decode], timeout: float | None) -> Any:
        """Call it and wait for its answer, decoded."""
        if self._before_asking is not None:
            self._before_asking()
        if timeout is UNNAMED:
            timeout = self.sender.mapping.options.client_result_timeout
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                protocol, completion = await self.sender.lifetime.invoke(self._connection_id, message)
        except TimeoutError:
            if not limit.expired():
                raise
            raise TimeoutError(
                f"connection '{self._connection_id}' did not answer '{message.target}' within {timeout:g} s"
            ) from None
        if completion.error is not UNSET:
            raise HubError(completion.error)
        try:
            return decoders[protocol](NULL[protocol] if completion.result is UNSET else completion.result)
        except BINDING_ERRORS as error:
            raise HubError(texts.deserialize(type_, describe(error))) from error


class Caller(Client):
    """The client whose call is running: its connection is at hand."""

    __slots__ = ("_caller",)

    def __init__(self, sender: Any, before_asking: Callable[[], None] | None) -> None:
        super().__init__(sender, sender.connection_id, before_asking)
        self._caller = sender

    async def deliver(self, message: Outgoing) -> None:
        caller = self._caller
        caller.out.emit(message.frame(caller.protocol))
        await caller.drained()


class ClientProxy:
    """Several clients."""

    __slots__ = ("_to",)

    def __init__(self, to: Clients | Client) -> None:
        self._to: Any = to

    if not TYPE_CHECKING:  # a checker is to find what is not there

        def __getattr__(self, name: str) -> NoReturn:
            if name == "invoke":
                raise AttributeError("only one client can be asked: clients.client(id).invoke(...)")
            raise AttributeError(
                f"clients have no '{name}': write send('{name}', ...), or declare what they have by a contract, Hub[...]"
            )

    async def send(self, name: str, /, *arguments: Any) -> None:
        """Call the clients' handlers of that name, and do not wait for them. The name goes out as it is written.

        Many clients are sent to without waiting for any of them: one that does not read is cut off at 1 MiB. A client alone is
        waited for while it does not read. One that is gone is no error: nobody is there to miss it.

        Raises:
            EncodeError: An argument cannot be encoded (a `ValueError`); nothing was sent to anybody.
        """
        to = self._to
        mapping = to.sender.mapping
        await to.deliver(Outgoing(name, list(arguments), mapping.codecs_by_name, mapping.encoders))


class SingleClientProxy(ClientProxy):
    """One client, which can also be asked."""

    __slots__ = ()

    @overload
    async def invoke(self, name: str, /, *arguments: Any, timeout: float | None = ...) -> Any: ...
    @overload
    async def invoke(self, name: str, /, *arguments: Any, result: TypeForm[T], timeout: float | None = ...) -> T: ...
    async def invoke(self, name: str, /, *arguments: Any, result: Any = Any, timeout: float | None = UNNAMED) -> Any:
        """Call the client's handler of that name and wait for its result.

        Meanwhile the caller's next call may begin.

        Args:
            name: The handler, as it is written.
            arguments: What it is called with.
            result: The type its answer is converted to; as it comes, without one.
            timeout: Seconds to wait; by default the hub's `client_result_timeout`. None: until the client answers or goes.

        Raises:
            HubError: What the client answered, or that its answer is not of the type.
            ConnectionLost: There is no such connection, or it ended before it answered.
            TimeoutError: It did not answer in time. An answer that comes later is ignored.
            EncodeError: An argument cannot be encoded (a `ValueError`); nothing was sent.
        """
        to = self._to
        mapping = to.sender.mapping
        message = Outgoing(name, list(arguments), mapping.codecs_by_name, mapping.encoders)
        return await to.ask(message, result, mapping.decoders(result), timeout)
