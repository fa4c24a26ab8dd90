"""How calls begin, those with streams above all, and in which order they may be refused (spec 6.3).

By their arguments, by who may, by the kind of call, its id, the hub's own making, its streams. Does not block.
"""

# pyright: reportPrivateUsage=false
# A hub object is given its call's headers, by an attribute that users do not see.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hubstream.hub import texts
from hubstream.hub.down import StreamCall
from hubstream.hub.methods import Kind
from hubstream.hub.up import Upload, UploadCall
from hubstream.hub.uploads import Uploads
from hubstream.payloads.bind import BINDING_ERRORS

if TYPE_CHECKING:
    from hubstream.hub.dispatch import Dispatcher
    from hubstream.hub.hub import Hub
    from hubstream.hub.mapping import BoundMethod
    from hubstream.protocol.messages import Invocation, StreamInvocation

__all__ = ["bind", "make_hub", "may", "open_call", "open_stream"]

STREAM = int(Kind.STREAM)


def open_stream(dispatcher: Dispatcher, message: StreamInvocation) -> None:
    """Begin a stream to the client, which may read streams of the client too."""
    method, invocation_id = dispatcher.find(message.target), message.invocation_id
    if method is None:
        dispatcher.answers.refuse_unknown(invocation_id, message.target)
        return
    arguments = bind(dispatcher, message, method, invocation_id)
    if arguments is None:
        return
    if method.kind != STREAM:
        dispatcher.answers.refuse(method.name, invocation_id, texts.not_a_streaming_method(method.name))
        return
    if dispatcher.calls is not None and (other := dispatcher.calls.get(invocation_id)) is not None:
        other.doubted = True
        dispatcher.answers.refuse(method.name, invocation_id, texts.in_use(invocation_id))
        return
    hub = make_hub(dispatcher, message, method)
    if hub is None:
        return
    uploads = _open_uploads(dispatcher, message, method, invocation_id, streams=1)
    if uploads is None:
        return
    call = StreamCall(dispatcher, method, invocation_id, hub, method.place(arguments, uploads))
    call.uploads = uploads or None
    dispatcher.streams += 1
    dispatcher.register(call)
    call.start()


def open_call(dispatcher: Dispatcher, message: Invocation, method: BoundMethod, invocation_id: str | None) -> None:
    """Begin a call that answers once, of a method that is no plain one."""
    arguments = bind(dispatcher, message, method, invocation_id)
    if arguments is None:
        return
    if method.kind == STREAM:
        dispatcher.answers.refuse(method.name, invocation_id, texts.streaming_method(method.name))
        return
    if invocation_id is not None and dispatcher.calls is not None and invocation_id in dispatcher.calls:
        dispatcher.answers.refuse(method.name, invocation_id, texts.in_use(invocation_id))
        return
    hub = make_hub(dispatcher, message, method)
    if hub is None:
        return
    uploads = _open_uploads(dispatcher, message, method, invocation_id, streams=0)
    if uploads is None:
        return
    call = UploadCall(dispatcher, method, invocation_id, hub, method.place(arguments, uploads))
    call.uploads = uploads
    dispatcher.register(call)
    call.start()


def bind(
    dispatcher: Dispatcher, message: Invocation | StreamInvocation, method: BoundMethod, invocation_id: str | None
) -> tuple[Any, ...] | None:
    """The arguments of a caller who may call; None when the call was refused."""
    try:
        arguments: tuple[Any, ...] = method.decode(message.arguments)
    except BINDING_ERRORS:
        dispatcher.answers.refuse_binding(invocation_id, message, method)
        return None
    return arguments if method.guard is None or may(dispatcher, method, invocation_id) else None


def may(dispatcher: Dispatcher, method: BoundMethod, invocation_id: str | None) -> bool:
    """Whether the connection's user may call a method that not everybody may; a call that is refused is answered."""
    guard, user, ask = method.guard, dispatcher.owner.context.user, dispatcher.answers.may
    assert guard is not None
    if not guard.now:  # no code of the user's will run, which might set context variables
        return ask(guard, user, method.name, invocation_id)
    return dispatcher.context.copy().run(ask, guard, user, method.name, invocation_id)


def make_hub(dispatcher: Dispatcher, message: Invocation | StreamInvocation, method: BoundMethod) -> Hub[Any] | None:
    """A hub object for a call; None when it cannot be made, which its caller is told."""
    try:
        hub = dispatcher.hub()
    except Exception as error:  # noqa: BLE001 - a failed call, as if its method had
        dispatcher.answers.failed(method.name, message.invocation_id or None, error)
        return None
    if message.headers:
        hub._headers = message.headers
    return hub


def _open_uploads(
    dispatcher: Dispatcher,
    message: Invocation | StreamInvocation,
    method: BoundMethod,
    invocation_id: str | None,
    streams: int,
) -> list[Upload] | None:
    """Buffers for the client's streams; None when the call was refused for them."""
    ids = message.stream_ids or []
    uploads = dispatcher.uploads
    taken = 0 if uploads is None else uploads.taken
    if len(ids) != len(method.decoders):
        text = texts.stream_count(method.name, len(ids), len(method.decoders))
    elif dispatcher.streams + taken + len(ids) + streams > dispatcher.options.max_streams:
        text = texts.too_many_streams(method.name)
    elif not ids:
        return []
    else:
        if uploads is None:
            uploads = dispatcher.uploads = Uploads(dispatcher)
        other = uploads.in_use(ids)
        if other is None:
            return uploads.open(ids, method.decoders)
        text = texts.in_use(other)
    dispatcher.answers.refuse(method.name, invocation_id, text)
    return None
