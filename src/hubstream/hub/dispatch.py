"""Dispatch: what each message of a client sets off, in what order, and what has to wait (spec 6, 7).

Messages are handled where they are received, by plain calls. A plain call needs one of `parallel_invocations` slots; while one
waits, what follows keeps its order behind it, but pings, closes and cancels act when they are parsed. Streams and calls that read
uploads run beside everything else. User code that may suspend gets a task; nothing else does.
"""

# pyright: reportPrivateUsage=false
# A hub object is told whose it is, by attributes that users do not see.

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterable, Sequence
from contextvars import Context
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from hubstream.errors import ProtocolError
from hubstream.hub import texts
from hubstream.hub.answers import Answers
from hubstream.hub.down import StreamCall
from hubstream.hub.events import HubEvent
from hubstream.hub.held import HELD
from hubstream.hub.inbox import Inbox
from hubstream.hub.methods import Kind
from hubstream.hub.opening import bind, make_hub, may, open_call, open_stream
from hubstream.hub.runner import LAST_WAIT, Call, run_calls
from hubstream.hub.tasks import Tasks
from hubstream.hub.up import Upload, UploadCall
from hubstream.hub.uploads import Uploads
from hubstream.payloads.bind import BINDING_ERRORS, ENCODING_ERRORS
from hubstream.protocol.messages import (
    CancelInvocation,
    Completion,
    HubMessage,
    Invocation,
    StreamInvocation,
)

if TYPE_CHECKING:
    import asyncio

    from hubstream.hub.connection import ServerConnection
    from hubstream.hub.hub import Hub
    from hubstream.hub.mapping import BoundMethod
    from hubstream.protocol.codec import Codec

__all__ = ["Dispatcher"]

READ_AHEAD: Final = 65_536
"""Bytes read on while something waits: a socket paused at once does not report that its peer is gone."""
ANSWER_AHEAD: Final = 1_048_576
"""Bytes read on while an answer of the client is awaited, which may stand behind them."""
ENOUGH: Final = 65_536
"""Bytes of answers that may gather before a peer that does not read them has to wait with its calls."""

SLOT: Final = "a slot"
CONNECT: Final = "on_connected"
ROOM: Final = "room to write"
DEF, STEP, TASK, _, _ = (int(kind) for kind in Kind)  # plain ints: compared for every message


class Dispatcher:
    """The calls, streams and uploads of one connection."""

    __slots__ = (
        "_ahead",
        "_inbox",
        "_reading",
        "_scratch",
        "_since",
        "_slots",
        "_table",
        "_waiting_for",
        "_waking",
        "answers",
        "awaited",
        "calls",
        "closed",
        "codec",
        "connection",
        "connection_id",
        "context",
        "loop",
        "mapping",
        "options",
        "out",
        "owner",
        "starting",
        "streams",
        "tasks",
        "uploads",
    )

    codec: Codec

    def __init__(self, owner: ServerConnection, context: Context) -> None:
        self.owner = owner
        self.loop = owner.loop
        self.mapping = owner.mapping
        self.options = owner.mapping.options
        self.connection = owner.connection
        self.connection_id = owner.connection_id
        self.out = owner.out
        self.context = context
        """The variables user code starts with: those of the request. Copied for every task, never run in."""
        self.answers = Answers(owner, detailed=self.options.detailed_errors)
        self.tasks = Tasks(owner.loop, context, owner.left)
        self.closed = False
        self.awaited = 0
        """Answers of the client that hub methods wait for; `throttle()` after a change."""
        self.starting: Call | None = None
        """The newest call whose task has not taken its first step: until then nothing that came after it is run at once."""
        self._scratch = context.copy()
        self._table: dict[str, BoundMethod] = {}
        self._slots = self.options.parallel_invocations
        self._inbox: Inbox | None = None
        self._since = 0.0
        """When the method that runs here, in the loop's own turn, began: the end of the last one, or of what was before it."""
        self._waiting_for: str | None = None
        self._waking = False
        self._ahead = 0
        self._reading = True
        self.streams = 0
        """Streams to the client that are running."""
        self.calls: dict[str | int, Call] | None = None
        """What is running, by its id; None before the first."""
        self.uploads: Uploads | None = None
        """What the client sends; None before the first."""

    # -- messages in

    def open(self, codec: Codec, *, greeting: bool) -> None:
        """The handshake is done. With `greeting`, messages wait until `greeted()`."""
        self.codec = self.answers.codec = codec
        self._table = self.mapping.tables[codec.name]
        if greeting:
            self._waiting_for = CONNECT

    def greeted(self) -> None:
        """`on_connected` has returned."""
        self._wake()

    def dispatch(self, messages: Iterable[HubMessage], size: int) -> None:
        """Handle the messages of one read of `size` bytes."""
        waiting = self._waiting_for is not None or bool(self._inbox)
        uploads = self.uploads
        self._since = perf_counter()
        for message in messages:
            if message.type == 2 and not waiting:
                # As `_handle` does; written out, for items come by the dozen and neither wait nor end anything.
                if uploads is not None and (upload := uploads.by_id.get(message.invocation_id)) is not None:
                    upload.receive(message.item)
                continue
            if message.type == 1 and not waiting:
                if not self._invocation(message):
                    self._queue(message)
            elif message.type == 5:
                self._cancel(message)
            elif message.type == 7:
                self.owner.client_closed(message)
            elif message.type < 5:
                if not waiting:
                    self._handle(message)
                elif message.type == 3 and self.owner.lifetime.awaits(self.owner, message.invocation_id):
                    self._completion(message)  # the method that waits for it may be what all others wait for
                else:
                    self._queue(message)
            if self.closed:
                return
            waiting = self._waiting_for is not None or bool(self._inbox)
            uploads = self.uploads
        if self._waiting_for is not None or self._inbox or (uploads is not None and uploads.full):
            self._ahead += size
            self.throttle()

    def _queue(self, message: HubMessage) -> None:
        if self._inbox is None:
            self._inbox = Inbox()
        self._inbox.add(message)

    def _handle(self, message: HubMessage) -> bool:
        """Do what a message asks for; False if it has to wait, with `_waiting_for` saying for what."""
        if message.type == 1:
            return self._invocation(message)
        if message.type == 2:
            if self.uploads is not None:
                self.uploads.item(message.invocation_id, message.item)
        elif message.type == 3:
            self._completion(message)
        elif message.type == 4:
            open_stream(self, message)
        return True

    def _invocation(self, message: Invocation) -> bool:
        method = self._table.get(message.target) or self.find(message.target)
        invocation_id = message.invocation_id or None
        if method is None:
            self.answers.refuse_unknown(invocation_id, message.target)
            return True
        kind = method.kind
        if kind > TASK:
            open_call(self, message, method, invocation_id)
            return True
        try:
            arguments = method.decode(message.arguments)
        except BINDING_ERRORS:
            self.answers.refuse_binding(invocation_id, message, method)
            return True
        if method.guard is not None and not may(self, method, invocation_id):
            return True
        if message.stream_ids:
            self.answers.refuse(method.name, invocation_id, texts.stream_count(method.name, len(message.stream_ids), 0))
            return True
        if not self._slots:
            self._waiting_for = SLOT
            return False
        out = self.out
        if out.size > ENOUGH and self._crowded():
            return False
        try:
            hub = self.mapping.create()
            hub._dispatcher = self
            if message.headers:
                hub._headers = message.headers
            if kind == TASK or self.starting is not None:
                self._slots -= 1
                self.starting = call = Call(self, method, invocation_id, hub, arguments)
                self.register(call)
                self.tasks.spawn(run_calls(self, call))
                return True
            if kind == DEF:
                result = self._scratch.run(method.function, hub, *arguments)
            else:
                result = None
                try:
                    self._scratch.run(method.function(hub, *arguments).send, None)
                except StopIteration as stop:
                    result = stop.value
            if invocation_id is not None:
                out.emit(self.codec.result(invocation_id, method.encode(result)))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a hub method raises is its caller's
            self.answers.failed(method.name, invocation_id, error)
        now = perf_counter()
        if now - self._since >= HELD:
            self.answers.held(method.name, invocation_id, now - self._since)
        self._since = now
        try:
            if self._scratch != self.context:  # it set a context variable: the next call starts without
                self._scratch = self.context.copy()
        except Exception:  # noqa: BLE001 - the variable's own __eq__ raised: it was set, then
            self._scratch = self.context.copy()
        return True

    def _crowded(self) -> bool:
        """Whether the peer has so many answers to read that its next calls have to wait."""
        self.out.flush()
        if not self.connection.paused:
            return False
        self._waiting_for = ROOM
        return True

    def _completion(self, message: Completion) -> None:
        if self.uploads is not None and self.uploads.complete(message):
            return
        awaited = self.owner.lifetime.awaits(self.owner, message.invocation_id)
        try:
            self.owner.lifetime.answered(self.owner, message)
        except ProtocolError as error:
            self.owner.failed(error)
        else:
            if not awaited:
                self.owner.notice(HubEvent.ANSWER_UNEXPECTED, detail=message.invocation_id)

    def _cancel(self, message: CancelInvocation) -> None:
        call = self.calls.get(message.invocation_id) if self.calls else None
        if call is not None:
            call.cancel()
            return
        if self._inbox and (waiting := self._inbox.withdraw(message.invocation_id)) is not None:
            self._cancel_waiting(waiting)

    def _cancel_waiting(self, message: Invocation | StreamInvocation) -> None:
        """It has not started: answer as if it had."""
        if isinstance(message, StreamInvocation):
            self.out.emit(self.codec.encode(Completion(invocation_id=message.invocation_id)))
        else:
            method = self.find(message.target)
            name = message.target if method is None else method.name
            self.answers.end(message.invocation_id or None, texts.unexpected(name, CancelledError(), False))
        if self._waiting_for is SLOT:
            self._wake()  # what stood behind it may not need a slot

    # -- calls and their ends

    def find(self, target: str) -> BoundMethod | None:
        """The method a client means, however it spells the name."""
        return self.mapping.find(self._table, target)

    def hub(self) -> Hub[Any]:
        """A hub object for one call on this connection. Raises what its class or the factory does."""
        hub = self.mapping.create()
        hub._dispatcher = self
        return hub

    def register(self, call: Call) -> None:
        """A call runs from now on."""
        if self.calls is None:
            self.calls = {}
        # A call nobody waits for, or whose id another plain call has, is kept too: under a number, which no id is.
        call.key = id(call) if call.id is None or call.id in self.calls else call.id
        self.calls[call.key] = call

    def _unregister(self, call: Call) -> None:
        if self.calls is not None:
            self.calls.pop(call.key, None)

    def finish(self, call: Call, result: Any, error: BaseException | None) -> None:
        """A plain call, or one that read uploads, has ended: answer it."""
        self._unregister(call)
        call.over()
        if error is None and call.id is not None:
            try:
                # While its runner goes on with the next, answers gather: a frame for each would double their price.
                self.out.emit(
                    self.codec.result(call.id, call.method.encode(result)), urgent=self._waiting_for is not SLOT
                )
            except ENCODING_ERRORS as failure:
                error = failure
        if error is not None:
            self.answers.failed(call.method.name, call.id, error, cancelled=call.cancelled)

    def stream_ended(self, call: StreamCall, error: str | None) -> None:
        """A stream to the client has ended, its generator is closed: tell the client."""
        self.streams -= 1
        self._unregister(call)
        call.over()
        if error is not None:
            self.answers.end(call.id, error)
        elif not (call.doubted and call.cancelled):
            self.out.emit(self.codec.encode(Completion(invocation_id=call.id)))

    def next_plain(self) -> Call | None:
        """The call that waits for the slot a runner has free now; None gives the slot back."""
        while self._waiting_for is SLOT and not self.closed:
            if self.out.size > ENOUGH and self._crowded():
                break
            head = self._plain_head()
            if head is None:
                break
            message, method = head
            assert self._inbox is not None
            self._inbox.take()
            if self._plain_head() is None:
                self._wake()  # what comes next needs no slot
            invocation_id = message.invocation_id or None
            if (arguments := bind(self, message, method, invocation_id)) is None:
                continue
            if (hub := make_hub(self, message, method)) is None:
                continue
            call = Call(self, method, invocation_id, hub, arguments)
            self.register(call)
            return call
        self._slots += 1
        if self._waiting_for is SLOT:
            self._wake()
        return None

    def _plain_head(self) -> tuple[Invocation, BoundMethod] | None:
        """What waits first and its method, if it is a plain call."""
        if self._inbox is not None and isinstance(message := self._inbox.head(), Invocation):
            method = self._table.get(message.target) or self.find(message.target)
            if method is not None and method.kind <= TASK and not message.stream_ids:
                return message, method
        return None

    def uploads_over(self, uploads: Sequence[Upload]) -> None:
        """The call that read them is over."""
        if self.uploads is not None:
            self.uploads.over(uploads)

    # -- waiting

    def writable(self) -> None:
        """The transport takes bytes again."""
        if self._waiting_for is ROOM:
            self._wake()

    def _wake(self) -> None:
        # Never from user code's own stack: methods would run in its task and context.
        self._waiting_for = None
        if not self._waking:
            self._waking = True
            self.loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._waking = False
        self._since = perf_counter()
        inbox = self._inbox
        while inbox and self._waiting_for is None and not self.closed:
            message = inbox.take()
            if message is not None and not self._handle(message):
                inbox.put_back(message)
        if self._ahead:
            self.throttle()

    def throttle(self) -> None:
        """Stop or resume reading, as what waits here says."""
        uploads = self.uploads
        full = uploads is not None and uploads.full
        if self._waiting_for is None and not full and not self._inbox:
            self._ahead = 0
        reading = self._ahead <= (ANSWER_AHEAD if self.awaited else READ_AHEAD)
        if uploads is not None and full and self.awaited and not reading:
            uploads.overflow()  # each of them comes here again
            return
        if reading != self._reading and not self.closed:
            self._reading = reading
            if reading:
                self.connection.resume_reading()
            else:
                self.connection.pause_reading()

    def free_slot(self) -> None:
        """A call that waits for a client counts no longer among those that run."""
        self._slots += 1
        if self._waiting_for is SLOT:
            self._wake()

    @property
    def greeting(self) -> bool:
        """Whether `on_connected` has not returned."""
        return self._waiting_for is CONNECT

    @property
    def reading(self) -> bool:
        """Whether the client's messages are read at present."""
        return self._reading

    # -- the end

    async def stop(self) -> None:
        """Cancel everything and wait for its end; what does not end in time is cancelled again, and then left."""
        self.cancel_calls()
        await self.tasks.idle(self.options.stop_timeout)
        # Calls have been cancelled again, and say so. The rest is on_connected, on_disconnected, and what calls spawned.
        for task in await self.tasks.end({call.task for call in (self.calls or {}).values()}, 2 * LAST_WAIT):
            self.owner.notice(HubEvent.TASK_ABANDONED, detail=repr(task))

    def cancel_calls(self) -> None:
        """Cancel what runs, plain calls too."""
        for call in tuple((self.calls or {}).values()):
            call.cancel()

    def close(self, *, cancel_calls: bool) -> None:
        """The connection has ended: streams are cancelled, unfinished uploads fail, plain calls run on (spec 6.9)."""
        self.closed = self.answers.closed = True
        self._inbox = None
        self.tasks.close()
        for call in tuple((self.calls or {}).values()):
            if cancel_calls or call.method.cancel_on_disconnect:
                call.cancel()
        if self.uploads is not None:
            self.uploads.lost()

    def parting(self) -> set[asyncio.Task[Any]]:
        """What ends with its connection: all tasks but those of plain calls, and what they spawned."""
        left = set(self.tasks)
        for call in (self.calls or {}).values():
            if not isinstance(call, (StreamCall, UploadCall)) and not call.cancelled:
                left.difference_update([call.task] if call.task is not None else [], call.spawned or ())
        return left
