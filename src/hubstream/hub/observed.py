"""A hub method with observers around it: what it runs as is decided when it is mapped, and does not change how it is run.

A `def` stays a `def`, and what cannot suspend still cannot. Does not block.
"""

# pyright: reportPrivateUsage=false
# A hub object is told its call, by an attribute that users do not see.

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hubstream.hub.describe import describe_method
from hubstream.hub.down import StreamCall
from hubstream.hub.filters import HubInvocationContext
from hubstream.hub.hub import headers_of

if TYPE_CHECKING:
    from hubstream.hub.hub import Hub
    from hubstream.hub.methods import HubMethod
    from hubstream.hub.observer import Observer, Observers

__all__ = ["observe"]


def observe(function: Callable[..., Any], method: HubMethod, observers: Observers, awaited: bool) -> Callable[..., Any]:
    """The method as it is called when observers watch its calls.

    Args:
        function: What is called.
        method: The method it belongs to.
        observers: The observers.
        awaited: Whether what the function gives is awaited; then so is what is returned.
    """
    description = describe_method(method)

    def watched(hub: Hub[Any], args: tuple[Any, ...]) -> Observed:
        return Observed(observers, HubInvocationContext(hub.context, hub, description, args, headers_of(hub)))

    def observed(hub: Hub[Any], *args: Any) -> Any:
        with watched(hub, args):
            return function(hub, *args)

    async def observed_async(hub: Hub[Any], *args: Any) -> Any:
        with watched(hub, args):
            return await function(hub, *args)

    def observed_stream(hub: Hub[Any], *args: Any) -> Any:
        stream = hub._call
        assert isinstance(stream, StreamCall)
        stream.stack.enter_context(watched(hub, args))  # the first to come is the last to go
        return function(hub, *args)

    if method.streams:
        return observed_stream
    return observed_async if awaited else observed


class Observed:
    """A call, while observers watch it: a context manager around their own."""

    __slots__ = ("_call", "_entered", "_observers")

    def __init__(self, observers: Observers, call: HubInvocationContext) -> None:
        self._observers = observers
        self._call = call
        self._entered: list[tuple[Observer, AbstractContextManager[object]]] = []

    def __enter__(self) -> None:
        for observer in self._observers.calls:
            try:
                manager = observer.call(self._call)
                manager.__enter__()
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - an observer changes nothing, not by what it raises either
                self._observers.failed(observer, "call", error)
            else:
                self._entered.append((observer, manager))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self._entered:
            observer, manager = self._entered.pop()
            try:
                manager.__exit__(kind, error, traceback)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as raised:  # noqa: BLE001 - as above
                if raised is not error:
                    self._observers.failed(observer, "call", raised)
