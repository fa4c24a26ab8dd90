"""Which clients to call: `self.clients` in a hub, `hubs.of(Chat).clients` outside (spec 10.1).

Without a contract the proxies have `send`, and `invoke` where one client is meant. With `class Chat(Hub[ChatClient])` they have
the methods of the contract instead.
"""

# pyright: reportPrivateUsage=false
# `all` and `others` are attributes of the class they are written for.

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, overload

from typing_extensions import TypeVar

from hubstream.errors import HubstreamError
from hubstream.hub.proxies import Caller, Client, ClientProxy, Clients, Sender, SingleClientProxy

if TYPE_CHECKING:
    from hubstream.hub.connection import ServerConnection
    from hubstream.hub.lifetime import LifetimeManager
    from hubstream.hub.outgoing import Outgoing
    from hubstream.hub.runner import Call

__all__ = ["C", "HubCallerClients", "HubClients", "names_of"]

C = TypeVar("C", default=SingleClientProxy)
"""What one client can be called with: a contract, or `send` and `invoke`."""


class _Many:
    """An attribute that stands for many clients."""

    def __init__(self, deliver: Callable[[Any, Outgoing], Awaitable[None]], doc: str) -> None:
        self._deliver = deliver
        self.__doc__ = doc

    @overload
    def __get__(self, clients: HubClients[SingleClientProxy], owner: Any) -> ClientProxy: ...
    @overload
    def __get__(self, clients: HubClients[C], owner: Any) -> C: ...
    def __get__(self, clients: Any, owner: Any) -> Any:
        if clients is None:
            return self
        calls: HubClients[Any] = clients

        def deliver(message: Outgoing) -> Awaitable[None]:
            return self._deliver(calls, message)

        return calls._many(deliver)


class HubClients(Generic[C]):
    """The clients of a hub."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    all = _Many(lambda clients, message: clients._lifetime.send_all(message), "Every client of the hub.")

    @overload
    def all_except(self: HubClients[SingleClientProxy], *connection_ids: str) -> ClientProxy: ...
    @overload
    def all_except(self, *connection_ids: str) -> C: ...
    def all_except(self, *connection_ids: str) -> Any:
        """Every client of the hub but these."""
        excluded = frozenset(names_of("a connection id", connection_ids))
        return self._many(lambda message: self._lifetime.send_all(message, excluded))

    def client(self, connection_id: str) -> C:
        """One client."""
        names_of("a connection id", (connection_id,))
        proxy: C = self._one(connection_id)
        return proxy

    @overload
    def clients(self: HubClients[SingleClientProxy], *connection_ids: str) -> ClientProxy: ...
    @overload
    def clients(self, *connection_ids: str) -> C: ...
    def clients(self, *connection_ids: str) -> Any:
        """Several clients, once each."""
        ids = names_of("a connection id", connection_ids)
        return self._many(lambda message: self._lifetime.send_connections(ids, message))

    @overload
    def group(self: HubClients[SingleClientProxy], name: str) -> ClientProxy: ...
    @overload
    def group(self, name: str) -> C: ...
    def group(self, name: str) -> Any:
        """The members of a group; names are compared as they are."""
        return self.groups(name)

    @overload
    def groups(self: HubClients[SingleClientProxy], *names: str) -> ClientProxy: ...
    @overload
    def groups(self, *names: str) -> C: ...
    def groups(self, *names: str) -> Any:
        """The members of several groups, once each."""
        wanted = names_of("a group's name", names)
        return self._many(lambda message: self._lifetime.send_groups(wanted, message))

    @overload
    def group_except(self: HubClients[SingleClientProxy], name: str, *connection_ids: str) -> ClientProxy: ...
    @overload
    def group_except(self, name: str, *connection_ids: str) -> C: ...
    def group_except(self, name: str, *connection_ids: str) -> Any:
        """The members of a group but these."""
        wanted = names_of("a group's name", (name,))
        excluded = frozenset(names_of("a connection id", connection_ids))
        return self._many(lambda message: self._lifetime.send_groups(wanted, message, excluded))

    @overload
    def user(self: HubClients[SingleClientProxy], user_id: str) -> ClientProxy: ...
    @overload
    def user(self, user_id: str) -> C: ...
    def user(self, user_id: str) -> Any:
        """Every connection of a user."""
        return self.users(user_id)

    @overload
    def users(self: HubClients[SingleClientProxy], *user_ids: str) -> ClientProxy: ...
    @overload
    def users(self, *user_ids: str) -> C: ...
    def users(self, *user_ids: str) -> Any:
        """Every connection of several users."""
        ids = names_of("a user's id", user_ids)
        return self._many(lambda message: self._lifetime.send_users(ids, message))

    @property
    def _lifetime(self) -> LifetimeManager:
        return self._sender.lifetime

    def _many(self, deliver: Callable[[Outgoing], Awaitable[None]]) -> Any:
        return self._sender.mapping.many(Clients(self._sender, deliver))

    def _one(self, connection_id: str) -> Any:
        return self._sender.mapping.one(Client(self._sender, connection_id, None))


class HubCallerClients(HubClients[C]):
    """The clients as seen from a call; `self.clients` in a hub."""

    __slots__ = ("_call", "_caller")

    def __init__(self, caller: ServerConnection, call: Call | None) -> None:
        super().__init__(caller)
        self._caller = caller
        self._call = call

    @property
    def caller(self) -> C:
        """The client whose call this is."""
        proxy: C = self._sender.mapping.one(Caller(self._caller, self._before_asking))
        return proxy

    others = _Many(
        lambda clients, message: clients._lifetime.send_all(message, (clients._caller.connection_id,)),
        "Every client of the hub but the caller.",
    )

    @overload
    def others_in_group(self: HubCallerClients[SingleClientProxy], name: str) -> ClientProxy: ...
    @overload
    def others_in_group(self, name: str) -> C: ...
    def others_in_group(self, name: str) -> Any:
        """The members of a group but the caller."""
        return self.group_except(name, self._caller.connection_id)

    def _one(self, connection_id: str) -> Any:
        return self._sender.mapping.one(Client(self._sender, connection_id, self._before_asking))

    def _before_asking(self) -> None:
        if self._call is not None:
            self._call.free()
        elif self._caller.greeting:
            raise HubstreamError("Client results inside on_connected are not allowed.")


def names_of(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names and ids as they are, once each.

    Raises:
        TypeError: One is no text.
        ValueError: One is empty.
    """
    for name in names:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass lists
            raise TypeError(f"{what} is a text, not {type(name).__name__}; several are given one by one: *names")
        if not name:
            raise ValueError(f"{what} is not empty")
    return tuple(dict.fromkeys(names))
