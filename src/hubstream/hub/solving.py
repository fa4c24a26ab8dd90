"""Filling what a call's method, and its dependencies, ask for. What each parameter takes was read at mapping.

Imports `errors` only. Nothing blocks but what the dependencies do: plain ones run on the event loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from hubstream.hub.hub import Hub

__all__ = ["Dependency", "Given", "Overrides", "Solving"]

Overrides = Mapping[Callable[..., Any], Callable[..., Any]]
"""What stands in for which dependency."""


class Solving:
    """The dependencies of one call.

    Args:
        hub: The hub object of the call.
        overrides: What stands in for which dependency.
    """

    __slots__ = ("hub", "made", "overrides", "stack")

    def __init__(self, hub: Hub[Any], overrides: Overrides) -> None:
        self.hub = hub
        self.overrides: Mapping[Any, Callable[..., Any]] = overrides
        self.made: dict[Any, Any] = {}
        """What dependencies gave in this call, by their keys."""
        self.stack: AsyncExitStack | None = None
        """What has to be left when the call, or the stream it returns, is over; None while that is nothing."""

    async def enter(self, value: Any, *, awaited: bool) -> Any:
        """Enter a context manager until the call is over."""
        if self.stack is None:
            self.stack = AsyncExitStack()
        return await self.stack.enter_async_context(value) if awaited else self.stack.enter_context(value)


class Dependency(ABC):
    """What fills one parameter."""

    __slots__ = ("direct", "scopes")

    direct: bool
    """`value` gives it, unless something is overridden: nothing in it awaits, and nothing has to be closed."""
    scopes: tuple[str, ...] | None
    """The scopes that it looks at; None if it does not, so that it is the same wherever it stands."""

    @abstractmethod
    def value(self, solving: Solving) -> Any:
        """What it is in this call, where it is `direct`."""

    @abstractmethod
    async def solve(self, solving: Solving) -> Any:
        """What it is in this call. Raises what the dependency does."""


class Given(Dependency):
    """Something the call itself has."""

    __slots__ = ("_give",)

    def __init__(self, give: Callable[[Solving], Any], scopes: tuple[str, ...] | None = None) -> None:
        self.direct = True
        self.scopes = scopes
        self._give = give

    @override
    def value(self, solving: Solving) -> Any:
        return self._give(solving)

    @override
    async def solve(self, solving: Solving) -> Any:
        return self._give(solving)
