"""The base class of hubs and the decorator that adjusts a method.

A hub object lives for one call, as in .NET: what belongs to the connection goes to `self.context.items`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from hubstream.errors import HubstreamError
from hubstream.hub.clients import C, HubCallerClients
from hubstream.hub.groups import HubCallerGroups
from hubstream.naming import SETTINGS

if TYPE_CHECKING:
    from hubstream.hub.context import HubCallerContext
    from hubstream.hub.dispatch import Dispatcher
    from hubstream.hub.runner import Call

__all__ = ["Hub", "headers_of", "hub_method"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Hub(Generic[C]):
    """Derive from it; every public method of yours can be called by clients.

    What a method is, its annotations say, once, when the hub is mapped: an async generator (or anything declared to return an
    `AsyncIterator` or a `ChannelReader`) streams to the client, a parameter declared as an `AsyncIterator` or a `ChannelReader`
    receives a stream from it, and the rest are arguments, converted to the declared types. A plain `def` runs on the event loop
    and must not block.

    `class Chat(Hub[ChatClient])`, with a `typing.Protocol`, declares what the clients can be called with.
    """

    __slots__ = ("_call", "_dispatcher", "_headers")

    _call: Call
    _dispatcher: Dispatcher
    _headers: dict[str, str]

    @property
    def context(self) -> HubCallerContext:
        """The connection this call came on."""
        return self._bound().owner.context

    @property
    def clients(self) -> HubCallerClients[C]:
        """The clients to call; `clients.caller` is the one that called."""
        return HubCallerClients(self._bound().owner, getattr(self, "_call", None))

    @property
    def groups(self) -> HubCallerGroups:
        """Groups for this connection to join and leave."""
        return HubCallerGroups(self._bound().owner)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that belongs to this call: it is cancelled when the call, or the stream it returned, ends.

        An error in it is logged.

        Raises:
            HubstreamError: The method cannot wait (it has no `await`), so it would be over before its task began; or it is
                `on_connected` or `on_disconnected`.
        """
        call: Call | None = getattr(self, "_call", None)
        if self._bound() and call is None:
            work.close()
            raise HubstreamError(
                "spawn() in a method that never waits: its call is over, and its tasks with it, before they could begin. "
                "Await something in it, or start a task of your own"
            )
        assert call is not None
        return call.spawn(work)

    async def on_connected(self) -> None:
        """Called once, after the handshake and before any message of the client is handled.

        An error ends the connection; `on_disconnected` is then not called.
        """

    async def on_disconnected(self, error: Exception | None) -> None:
        """Called once, when the connection has ended.

        Args:
            error: Why, unless it ended in good order or was cut: `HubError` for a Close of the client with an error,
                `ProtocolError` for a message it should not have sent, `TimeoutError` for its silence.
        """

    def _bound(self) -> Dispatcher:
        try:
            return self._dispatcher
        except AttributeError:
            raise HubstreamError(
                f"this {type(self).__name__} belongs to no connection: its context and clients are there in its methods, "
                "not in __init__"
            ) from None


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def headers_of(hub: Hub[Any]) -> Mapping[str, str]:
    """The headers of the call that a hub object was made for."""
    return getattr(hub, "_headers", _NONE)


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """What `@hub_method` says of a function."""

    name: str | None = None
    thread: bool = False
    cancel_on_disconnect: bool = False
    own_task: bool = False


def hub_method(
    *, name: str | None = None, thread: bool = False, cancel_on_disconnect: bool = False, own_task: bool = False
) -> Callable[[F], F]:
    """Adjust how a hub method is offered and run.

    Args:
        name: The name clients call it by, exactly as it appears in error texts; the function's own name no longer counts.
        thread: A plain `def` that blocks: it runs in one of the server's 40 worker threads, and so does each step of a
            generator, which streams then. Cancelled, its caller is answered at once, and the connection's next plain call
            waits until the thread has ended.
        cancel_on_disconnect: Cancel a plain call when its connection has ended; without, it runs on, as in .NET.
        own_task: Each call gets an asyncio task to itself. Without, calls that wait for each other share one, one after
            the other, which only shows to code that adds done callbacks to its current task.

    Raises:
        ValueError: The name is empty.
    """
    if name is not None and not name:
        raise ValueError("a hub method needs a name")

    def mark(function: F) -> F:
        setattr(function, SETTINGS, MethodSettings(name, thread, cancel_on_disconnect, own_task))
        return function

    return mark
