"""What a client is told of a call that failed, and what observers and the log are told of it instead (spec 6.4).

A `HubError` is meant for the caller; of every other error it learns only that there was one, unless `detailed_errors`.
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING

from hubstream.errors import ConnectionLost, HubError
from hubstream.hub import texts
from hubstream.hub.authorize import Unauthorized
from hubstream.hub.events import HubEvent
from hubstream.hub.http_exception import as_answer
from hubstream.payloads.bind import BINDING_ERRORS, ArgumentCountError
from hubstream.protocol.messages import Completion, Invocation, StreamInvocation

if TYPE_CHECKING:
    from hubstream.hub.authorize import Guard
    from hubstream.hub.connection import ServerConnection
    from hubstream.hub.mapping import BoundMethod
    from hubstream.protocol.codec import Codec
    from hubstream.user import User

__all__ = ["Answers"]


class Answers:
    """Answers to the failed calls of one connection."""

    __slots__ = ("_detailed", "_owner", "closed", "codec")

    codec: Codec

    def __init__(self, owner: ServerConnection, *, detailed: bool) -> None:
        self._owner = owner
        self._detailed = detailed
        self.closed = False
        """The connection has ended: that calls lose it is no news."""

    def end(self, invocation_id: str | None, error: str) -> None:
        """End a call with a text, if its caller awaits one."""
        if invocation_id is not None:
            self._owner.out.emit(self.codec.encode(Completion(invocation_id=invocation_id, error=error)))

    def refuse(self, name: str, invocation_id: str | None, error: str) -> None:
        """End a call that its method does not get."""
        self._owner.notice(HubEvent.CALL_REFUSED, method=name, invocation_id=invocation_id, detail=error)
        self.end(invocation_id, error)

    def refuse_unknown(self, invocation_id: str | None, target: str) -> None:
        """End a call of a method that there is not."""
        self._owner.notice(HubEvent.METHOD_UNKNOWN, invocation_id=invocation_id, detail=target)
        self.end(invocation_id, texts.no_such_method(target))

    def refuse_binding(
        self, invocation_id: str | None, message: Invocation | StreamInvocation, method: BoundMethod
    ) -> None:
        """End a call whose arguments do not fit its method."""
        text = texts.binding_failed(method.name, self._detailed)
        why = "they cannot be read"
        try:
            method.explain(message.arguments)
        except ArgumentCountError as error:
            text = texts.wrong_count(method.name, error.provided, error.expected, self._detailed)
            sent, expected = len(message.stream_ids or ()), len(method.decoders)
            why = str(error) if sent == expected else f"{error}; {sent} stream(s) sent, {expected} expected"
        except BINDING_ERRORS as error:
            why = str(error)
        self._owner.notice(HubEvent.ARGUMENTS_INVALID, method=method.name, invocation_id=invocation_id, detail=why)
        self.end(invocation_id, text)

    def may(self, guard: Guard, user: User | None, name: str, invocation_id: str | None) -> bool:
        """Whether a user may call a method, as far as that can be told at once; a call that is refused is answered."""
        try:
            guard.check(user)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a policy raises fails the call that it is asked about
            self.failed(name, invocation_id, error)
            return False
        return True

    def failed(self, name: str, invocation_id: str | None, error: BaseException, *, cancelled: bool = False) -> None:
        """End a plain call whose method raised, or was cancelled by its client."""
        if cancelled and isinstance(error, CancelledError):
            self.end(invocation_id, texts.unexpected(name, error, False))
            return
        error = as_answer(error)
        self.note(name, invocation_id, error)
        self.end(invocation_id, texts.unexpected(name, error, self._detailed))

    def held(self, name: str, invocation_id: str | None, seconds: float) -> None:
        """A call let nothing else of this process run for so long."""
        self._owner.notice(HubEvent.LOOP_HELD, method=name, invocation_id=invocation_id, seconds=seconds)

    def note(self, name: str, invocation_id: str | None, error: BaseException) -> None:
        """Tell observers of an error of a call; most of them its client is not told."""
        if self.closed and isinstance(error, ConnectionLost):
            return
        if isinstance(error, Unauthorized):
            event = HubEvent.CALL_UNAUTHORIZED
        elif not isinstance(error, HubError):
            event = HubEvent.CALL_FAILED
        elif invocation_id is not None:
            event = HubEvent.ERROR_ANSWERED
        else:
            event = HubEvent.ERROR_UNHEARD
        self._owner.notice(event, method=name, invocation_id=invocation_id, error=error)
        if isinstance(error, HubError) and (failure := texts.unsendable(error)) is not None:
            self._owner.notice(HubEvent.ERROR_DATA_INVALID, method=name, invocation_id=invocation_id, error=failure)
