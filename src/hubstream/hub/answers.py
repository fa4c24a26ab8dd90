"""What a client is told of a call that failed, and what the log says of it instead (spec 6.4).

A `HubError` is meant for the caller; of every other error it learns only that there was one, unless `detailed_errors`.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from typing import TYPE_CHECKING

from hubstream.errors import ConnectionLost, HubError
from hubstream.hub import texts
from hubstream.hub.authorize import Unauthorized
from hubstream.hub.http_exception import as_answer
from hubstream.payloads.bind import BINDING_ERRORS, ArgumentCountError
from hubstream.protocol.messages import Completion, Invocation, StreamInvocation

if TYPE_CHECKING:
    from hubstream.connection.output import Output
    from hubstream.hub.authorize import Guard
    from hubstream.hub.mapping import BoundMethod
    from hubstream.protocol.codec import Codec
    from hubstream.user import User

__all__ = ["Answers"]

logger = logging.getLogger("hubstream.hub")


class Answers:
    """Answers to the failed calls of one connection."""

    __slots__ = ("_connection_id", "_detailed", "_out", "closed", "codec")

    codec: Codec

    def __init__(self, out: Output, connection_id: str, *, detailed: bool) -> None:
        self._out = out
        self._connection_id = connection_id
        self._detailed = detailed
        self.closed = False
        """The connection has ended: that calls lose it is no news."""

    def refuse(self, invocation_id: str | None, error: str) -> None:
        """End a call with a text; one without an id ends in the log."""
        if invocation_id is not None:
            self._out.emit(self.codec.encode(Completion(invocation_id=invocation_id, error=error)))
        else:
            logger.info("a call without an id failed: connection %s: %r", self._connection_id, error)

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
            why = str(error)
        except BINDING_ERRORS as error:
            why = str(error)
        logger.info("the arguments of '%s' do not fit: connection %s: %s", method.name, self._connection_id, why)
        self.refuse(invocation_id, text)

    def may(self, guard: Guard, user: User | None, name: str, invocation_id: str | None) -> bool:
        """Whether a user may call a method, as far as that can be told at once; a call that is refused is answered."""
        try:
            guard.check(user)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a predicate raises fails the call that it is asked about
            self.failed(name, invocation_id, error)
            return False
        return True

    def failed(self, name: str, invocation_id: str | None, error: BaseException, *, cancelled: bool = False) -> None:
        """End a plain call whose method raised, or was cancelled by its client."""
        if cancelled and isinstance(error, CancelledError):
            self.refuse(invocation_id, texts.unexpected(name, error, False))
            return
        error = as_answer(error)
        self.log(name, invocation_id, error)
        self.refuse(invocation_id, texts.unexpected(name, error, self._detailed))

    def held(self, name: str, invocation_id: str | None, seconds: float) -> None:
        """A call let nothing else of this process run for so long."""
        logger.warning(
            "'%s' held the event loop for %.0f ms, and nothing else ran; @hub_method(thread=True) runs what blocks in a thread: "
            "connection %s, invocation %s",
            name,
            seconds * 1000,
            self._connection_id,
            invocation_id,
        )

    def log(self, name: str, invocation_id: str | None, error: BaseException) -> None:
        """Log what the client is not told."""
        if isinstance(error, HubError) or (self.closed and isinstance(error, ConnectionLost)):
            logger.debug("'%s' answered with an error: %s", name, error)
            return
        if isinstance(error, Unauthorized):
            logger.info("'%s' was refused, its user may not: connection %s", name, self._connection_id)
            return
        logger.error(
            "'%s' failed: connection %s, invocation %s", name, self._connection_id, invocation_id, exc_info=error
        )
