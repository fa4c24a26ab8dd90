"""A hub method whose dependencies are made around each call, and closed when the call, or the stream it returns, is over."""

# pyright: reportPrivateUsage=false
# A hub object is told its call, by an attribute that users do not see.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hubstream.hub.down import StreamCall
from hubstream.hub.solving import Overrides, Solving

if TYPE_CHECKING:
    from hubstream.hub.hub import Hub
    from hubstream.hub.methods import HubMethod

__all__ = ["inject"]


def inject(
    function: Callable[..., Any],
    method: HubMethod,
    overrides: Callable[[], Overrides],
    awaited: bool,
) -> Callable[..., Any]:
    """The method as it is called with what the caller sends: an async function that adds the rest.

    Args:
        function: What is called with everything.
        method: The method it belongs to.
        overrides: Asked in each call.
        awaited: Whether what the function gives is awaited.
    """
    names, dependencies, streams = method.names, tuple(method.injected.items()), method.streams

    async def injected(hub: Hub[Any], *args: Any) -> Any:
        overridden = overrides()
        solving = Solving(hub, overridden)
        # By name: trailing defaults that a caller left out may stand before what is injected.
        arguments: dict[str, Any] = dict(zip(names, args))  # noqa: B905 - fewer, then
        try:
            for name, dependency in dependencies:
                # A coroutine less where nothing has to be awaited.
                plain = dependency.direct and not overridden
                arguments[name] = dependency.value(solving) if plain else await dependency.solve(solving)
            result = function(hub, **arguments)
            if awaited:
                result = await result
        except BaseException as error:
            if (stack := solving.stack) is not None:
                await stack.__aexit__(type(error), error, error.__traceback__)
            raise  # also if a dependency has swallowed it
        if (stack := solving.stack) is not None:
            if streams:
                stream = hub._call
                assert isinstance(stream, StreamCall)
                stream.stack.push_async_exit(stack)
            else:
                await stack.aclose()
        return result

    return injected
