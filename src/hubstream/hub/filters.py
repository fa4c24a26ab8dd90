"""Filters: code around every call, stream, connect and disconnect of a hub (.NET's `IHubFilter`; spec 10.4).

They are composed when the hub is mapped: what a filter does not override costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from hubstream.hub.context import HubCallerContext
    from hubstream.hub.describe import MethodDescription
    from hubstream.hub.hub import Hub

__all__ = ["HubFilter", "HubInvocationContext"]


class HubInvocationContext(Struct, frozen=True):  # ten times as fast to make as a frozen dataclass
    """A call on its way to its method."""

    context: HubCallerContext
    """The connection it came on."""
    hub: Hub[Any]
    """The hub object that is made for it."""
    method: MethodDescription
    """What is called."""
    arguments: tuple[Any, ...]
    """Decoded, of the declared types; streams of the client stand among them as in the method, what is injected does not."""
    headers: Mapping[str, str]
    """Those of the call's message, which .NET's client fills with the context of a trace; empty with most clients."""

    def replace(self, *arguments: Any) -> HubInvocationContext:
        """The same call with other arguments."""
        return replace(self, arguments=arguments)


Next: TypeAlias = Callable[[HubInvocationContext], Awaitable[Any]]


class HubFilter:
    """Derive from it and override what is to be filtered; give the objects to `filters=`, the outermost first.

        class Timing(HubFilter):
            async def on_call(self, call, next):
                started = time.perf_counter()
                try:
                    return await next(call)
                finally:
                    log(call.method.name, time.perf_counter() - started)

    The server's filters stand around those of `map(..., filters=)`. What a filter raises is the call's error, as if the method
    had raised it. Arguments that do not fit, and callers that may not, never come here.
    """

    async def on_call(self, call: HubInvocationContext, next: Next, /) -> Any:
        """Around every call, also those that answer with a stream: then `next` gives its iterator.

        Args:
            call: The call; `next(call.replace(...))` calls with other arguments.
            next: Goes on, to the next filter or the method; without it the method is not called.

        Returns:
            The result; for a stream the iterator, which is closed whatever happens to it here.
        """
        return await next(call)

    def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any], /) -> AsyncIterator[Any]:
        """Around the items of every stream to the client; written as an async generator over `items`, which is closed for it."""
        return items

    async def on_connected(self, context: HubCallerContext, next: Callable[[], Awaitable[None]], /) -> None:
        """Around the hub's `on_connected`; an error ends the connection."""
        await next()

    async def on_disconnected(
        self,
        context: HubCallerContext,
        error: Exception | None,
        next: Callable[[Exception | None], Awaitable[None]],
        /,
    ) -> None:
        """Around the hub's `on_disconnected`."""
        await next(error)
