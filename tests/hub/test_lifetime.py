"""The lifetime manager of a single process, by the kit that every manager must pass."""

from __future__ import annotations

from hubstream.hub.inmemory import InMemoryLifetimeManager
from hubstream.hub.lifetime import LifetimeManager
from hubstream.testing.spec.lifetime import LifetimeManagerSpec


class TestInMemoryLifetimeManager(LifetimeManagerSpec):
    async def managers(self) -> tuple[LifetimeManager, LifetimeManager]:
        manager = InMemoryLifetimeManager()
        return manager, manager

    async def close(self, *managers: LifetimeManager) -> None:
        for manager in managers:
            assert isinstance(manager, InMemoryLifetimeManager)
            assert manager.awaited == 0
