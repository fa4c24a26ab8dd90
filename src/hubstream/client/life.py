"""From `start()` to the closed event: connecting, being connected, reconnecting (spec 11.1, 11.2).

One task lives such a life; cancelling it is how it is stopped. It owns the connection it has; one that was lost ends beside it.
Imports the rooms before it and its own. `begin()`, `stop()` and `successor()` wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from hubstream.client import errors
from hubstream.client.connection import ClientCore, Ending
from hubstream.client.events import Events
from hubstream.client.reconnect import RetryContext, RetryPolicy, next_delay
from hubstream.client.state import HubConnectionState
from hubstream.client.tasks import Tasks
from hubstream.client.wire import Wire
from hubstream.connection.connection import Connection, ConnectionHandler
from hubstream.connection.task import start_task
from hubstream.errors import ConnectionLost

__all__ = ["Attach", "Attached", "Carrier", "Life"]

logger = logging.getLogger("hubstream.client")

State = HubConnectionState
Attach = Callable[[Connection], ConnectionHandler]

BEYOND_MENDING = (TypeError, ValueError, LookupError, AttributeError, NameError, ImportError, AssertionError)
"""Mistakes in the program: the first connect is not tried again for them."""


class Carrier(Protocol):
    """A connection over a network."""

    transport: str

    async def closed(self) -> None:
        """Wait until its sockets and tasks have ended."""
        ...


class Attached(Protocol):
    """A connection that is open, and what handles it."""

    @property
    def connection(self) -> Carrier: ...
    @property
    def handler(self) -> ConnectionHandler: ...
    @property
    def connection_id(self) -> str | None: ...


class Life:
    """One life of a `HubConnection`.

    Args:
        connect: Opens a connection and has its handler made.
        make: Makes the client of one connection.
        policy: When it reconnects; None for never.
        retry_start: Whether the policy holds for the first connect too.
        events: Who wants to hear of it.
        tasks: The owner of what runs on beside it.
    """

    def __init__(
        self,
        connect: Callable[[Attach], Awaitable[Attached]],
        make: Callable[..., ClientCore],
        policy: RetryPolicy | None,
        retry_start: bool,
        events: Events,
        tasks: Tasks,
    ) -> None:
        self.state = State.CONNECTING
        self.core: ClientCore | None = None
        """The client of the connection; the former one's while it reconnects."""
        self.attached: Attached | None = None
        """None while it reconnects, and at the end."""
        self._connect = connect
        self._make = make
        self._policy = policy
        self._retry_start = retry_start
        self._events = events
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[Ending] = self._loop.create_future()
        self._started = False
        self._failed: BaseException | None = None  # why it never was connected
        self._error: Exception | None = None  # what the closed event will say
        self._stopped: str | None = None  # and what it will if it is stopped now
        self._changed = asyncio.Event()
        self._task = start_task(self._loop, self._live())
        self._task.add_done_callback(self._ended)

    async def begin(self) -> None:
        """Wait until it is connected. Cancelled, it ends.

        Raises:
            ConnectionLost: It was stopped before.
            Exception: Why it could not connect.
        """
        try:
            while not self._started and not self._task.done():
                await self._changed.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if not self._started:
            raise self._failed or ConnectionLost(errors.STOPPED_IN_START)

    async def stop(self) -> None:
        """End it, whatever it is doing, and wait until it has. Cancelled, it ends at once."""
        if not self._task.done() and self.state is not State.DISCONNECTING:
            self._enter(State.DISCONNECTING)
            self._task.cancel()
        try:
            await asyncio.wait((self._task,))
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    async def successor(self, wire: Wire, lost: ConnectionLost) -> Wire:
        """The connection after that one, which was lost so.

        Raises:
            ConnectionLost: There will be none.
        """
        while self.state in {State.CONNECTED, State.RECONNECTING}:
            if self.attached is not None and self.core is not None and self.core.wire is not wire:
                return self.core.wire
            await self._changed.wait()
        raise ConnectionLost(str(self._error)) if isinstance(self._error, ConnectionLost) else lost

    async def _live(self) -> None:
        await self._start()
        self._started = True
        self._enter(State.CONNECTED)
        try:
            while True:
                ending = await self._over
                self._error = ending.error
                self._part()
                if not ending.reconnect or not await self._reconnect():
                    return
        except asyncio.CancelledError:
            self._enter(State.DISCONNECTING)
            self._error = ConnectionLost(self._stopped) if self._stopped is not None else None
            if self.core is not None and self.attached is not None:
                await _leave(self.core, self.attached.connection)
            raise
        finally:
            self.attached = None
            self._enter(State.DISCONNECTED)
            self._events.fire(self._events.closed, self._error)

    async def _start(self) -> None:
        began, count = self._loop.time(), 0
        while True:
            try:
                await self._open()
            except Exception as error:
                if not self._retry_start or self._policy is None or isinstance(error, BEYOND_MENDING):
                    raise
                delay = next_delay(self._policy, RetryContext(count, self._loop.time() - began, error))
                if delay is None:
                    raise
                logger.warning("connecting failed, and is tried again in %g s: %s", delay, error)
                count += 1
            else:
                return
            await asyncio.sleep(delay)

    async def _reconnect(self) -> bool:
        """Whether it is connected again; if not, the error says why."""
        policy, began, count = self._policy, self._loop.time(), 0
        delay = next_delay(policy, RetryContext(0, 0.0, self._error)) if policy is not None else None
        if policy is None or delay is None:
            return False
        self._enter(State.RECONNECTING)
        self._events.fire(self._events.reconnecting, self._error)
        logger.info("the connection was lost: %s", self._error or "the server closed it, and it may be tried again")
        while delay is not None:
            logger.info("reconnecting in %g s", delay)
            self._stopped = errors.STOPPED_IN_DELAY
            await asyncio.sleep(delay)
            self._stopped = errors.STOPPED_IN_ATTEMPT
            try:
                await self._open()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may do without
                logger.warning("reconnecting failed: %s", error)
                count += 1
                elapsed = self._loop.time() - began
                self._error = ConnectionLost(errors.exhausted(count, elapsed))
                self._error.__cause__ = error
                delay = next_delay(policy, RetryContext(count, elapsed, error))
            else:
                self._stopped = self._error = None
                self._enter(State.CONNECTED)
                assert self.attached is not None
                self._events.fire(self._events.reconnected, self.attached.connection_id)
                return True
        return False

    async def _open(self) -> None:
        """Connect, and agree with the server on the protocol."""
        over: asyncio.Future[Ending] = self._loop.create_future()

        def ended(ending: Ending) -> None:
            if not over.done():
                over.set_result(ending)

        def attach(connection: Connection) -> ClientCore:
            return self._make(connection, tasks=self._tasks, before=self.core, successor=self.successor, on_end=ended)

        attached = await self._connect(attach)
        core = attached.handler
        assert isinstance(core, ClientCore)
        try:
            await core.start()
        except BaseException:
            await _leave(core, attached.connection)
            raise
        self._over, self.core, self.attached = over, core, attached

    def _part(self) -> None:
        """The connection was lost: what is left of it ends beside."""
        attached, self.attached = self.attached, None
        if self.core is not None and attached is not None:
            self._tasks.spawn(_leave(self.core, attached.connection))

    def _enter(self, state: State) -> None:
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._started:
            if error is not None:
                logger.error("a connection failed", exc_info=error)
        else:
            self._failed = error
        self._enter(State.DISCONNECTED)


async def _leave(core: ClientCore, connection: Carrier) -> None:
    await core.leave()
    await connection.closed()
