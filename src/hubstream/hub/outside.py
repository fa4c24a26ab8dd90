"""A hub as seen from outside its methods: `hubs.of(Chat)` (.NET's `IHubContext`; spec 10.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic

from hubstream.hub.clients import C, HubClients
from hubstream.hub.groups import HubGroups

if TYPE_CHECKING:
    from hubstream.hub.lifetime import LifetimeManager
    from hubstream.hub.mapping import HubMapping

__all__ = ["HubContext"]


class HubContext(Generic[C]):
    """The clients and groups of a hub, for code on the server's event loop. It can be kept."""

    __slots__ = ("_find", "mapping")

    def __init__(self, mapping: HubMapping, find: Callable[[], LifetimeManager]) -> None:
        self.mapping = mapping
        self._find = find

    @property
    def lifetime(self) -> LifetimeManager:
        """What carries the messages, on the running loop."""
        return self._find()

    @property
    def clients(self) -> HubClients[C]:
        """The clients to call."""
        return HubClients(self)

    @property
    def groups(self) -> HubGroups:
        """Who is in which group."""
        return HubGroups(self)

    async def connections(self, *, group: str | None = None, user: str | None = None) -> frozenset[str]:
        """The ids of those who are connected: all, the members of a group, or a user's."""
        return await self.lifetime.connections(group=group, user_id=user)
