"""What stands around a hub method, put together once, when the hub is mapped: a method with nothing around it stays as it is.

From the outside in: observers, policies of `@authorize` that await, filters, what is injected, and the thread it runs in. A
stream's own parts are given to its call, which closes them when the stream has ended: the iterators of the chain from the outside
in, then its dependencies, and at last the observers.
"""

# pyright: reportPrivateUsage=false
# A hub object is told its call, by an attribute that users do not see.

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hubstream.hub.describe import describe_method
from hubstream.hub.down import StreamCall
from hubstream.hub.filters import HubFilter, HubInvocationContext
from hubstream.hub.hub import headers_of
from hubstream.hub.inject import inject
from hubstream.hub.methods import HubMethod, Kind
from hubstream.hub.observed import observe
from hubstream.hub.solving import Overrides

if TYPE_CHECKING:
    from hubstream.hub.authorize import Guard
    from hubstream.hub.hub import Hub
    from hubstream.hub.observer import Observers
    from hubstream.hub.threads import Threads

__all__ = ["Composed", "around_connect", "around_disconnect", "compose", "overrides"]

Function: TypeAlias = Callable[..., Any]


class Composed(NamedTuple):
    """A method with all that stands around it."""

    function: Function
    kind: Kind
    awaited: bool


def compose(
    method: HubMethod,
    filters: Sequence[HubFilter],
    threads: Threads,
    replaced: Callable[[], Overrides],
    observers: Observers,
) -> Composed:
    """Put together what a call of a method runs.

    Args:
        method: The method.
        filters: The outermost first.
        threads: Where a method with `thread=True` runs.
        replaced: The dependencies that others stand in for; asked in each call.
        observers: Those that watch calls stand around all of it.
    """
    function, awaited = method.function, method.awaited or method.kind in {Kind.STEP, Kind.TASK}
    if method.settings.thread:
        function, awaited = _threaded(function, threads, method.streams)
    if method.injected:
        function, awaited = inject(function, method, replaced, awaited), True
    on_call = [it for it in filters if overrides(it, "on_call")]
    on_stream = [it for it in filters if overrides(it, "on_stream")] if method.streams else []
    if on_call or on_stream:
        function, awaited = _filtered(function, method, on_call, on_stream, awaited), True
    if method.guard is not None and method.guard.later:
        function, awaited = _guarded(function, method.guard, awaited), True
    kind = method.kind if function is method.function else max(method.kind, Kind.TASK)
    if observers.calls:
        function = observe(function, method, observers, awaited)
    return Composed(function, kind, awaited)


def overrides(filter_: HubFilter, name: str) -> bool:
    """Whether a filter does anything there.

    Raises:
        TypeError: It is a coroutine where an iterator belongs.
    """
    function = getattr(type(filter_), name)
    if name == "on_stream" and inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{type(filter_).__qualname__}.on_stream is called, not awaited: write 'async def' with a 'yield' in it, or 'def'"
        )
    return function is not getattr(HubFilter, name)


def around_connect(filters: Sequence[HubFilter]) -> Callable[[Hub[Any]], Awaitable[None]]:
    """What is awaited when a client has connected."""

    def enter(hub: Hub[Any], filters: Sequence[HubFilter] = filters) -> Awaitable[None]:
        if not filters:
            return hub.on_connected()
        return filters[0].on_connected(hub.context, partial(enter, hub, filters[1:]))

    return enter


def around_disconnect(filters: Sequence[HubFilter]) -> Callable[[Hub[Any], Exception | None], Awaitable[None]]:
    """What is awaited when its connection has ended."""

    def enter(hub: Hub[Any], error: Exception | None, filters: Sequence[HubFilter] = filters) -> Awaitable[None]:
        if not filters:
            return hub.on_disconnected(error)
        return filters[0].on_disconnected(hub.context, error, partial(enter, hub, filters=filters[1:]))

    return enter


def _guarded(function: Function, guard: Guard, awaited: bool) -> Function:
    async def guarded(hub: Hub[Any], *args: Any) -> Any:
        await guard.wait(hub.context.user)
        result = function(hub, *args)
        return await result if awaited else result

    return guarded


def _threaded(function: Function, threads: Threads, streams: bool) -> tuple[Function, bool]:
    def iterated(hub: Hub[Any], *args: Any, **named: Any) -> AsyncIterator[Any]:
        return threads.iterate(partial(function, hub, *args, **named))

    async def threaded(hub: Hub[Any], *args: Any, **named: Any) -> Any:
        future = threads.start(partial(function, hub, *args, **named))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancel():
                hub._call.keep_slot(future)
            raise

    return (iterated, False) if streams else (threaded, True)


def _filtered(
    function: Function,
    method: HubMethod,
    on_call: Sequence[HubFilter],
    on_stream: Sequence[HubFilter],
    awaited: bool,
) -> Function:
    description = describe_method(method)

    async def innermost(call: HubInvocationContext) -> Any:
        result = function(call.hub, *call.arguments)
        if awaited:
            result = await result
        if method.streams and hasattr(result, "__aiter__"):
            stack = _stream(call.hub).stack
            result = _iterator(stack, result)
            for filter_ in reversed(on_stream):
                result = _iterator(stack, filter_.on_stream(call, result))
        return result

    chain: Callable[[HubInvocationContext], Coroutine[Any, Any, Any]] = innermost
    for filter_ in reversed(on_call):
        chain = partial(_step, filter_.on_call, chain)

    async def filtered(hub: Hub[Any], *args: Any) -> Any:
        return await chain(HubInvocationContext(hub.context, hub, description, args, headers_of(hub)))

    return filtered


def _step(on_call: Function, next_: Function, call: HubInvocationContext) -> Any:
    return on_call(call, next_)


def _stream(hub: Hub[Any]) -> StreamCall:
    call = hub._call
    assert isinstance(call, StreamCall)
    return call


def _iterator(stack: AsyncExitStack, items: Any) -> Any:
    """What iterates items, which may be another object than they are; it is closed with the stack."""
    if hasattr(items, "__aiter__"):
        items = items.__aiter__()
    aclose = getattr(items, "aclose", None)
    if aclose is not None:
        stack.push_async_callback(aclose)
    return items
