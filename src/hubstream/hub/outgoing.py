"""A call to clients on its way: encoded once for each hub protocol that one of them speaks (spec 10.1).

Nothing is written to anybody before it could be encoded for all. Does not block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from hubstream.payloads.bind import ENCODING_ERRORS, Encode, EncodeError, describe
from hubstream.protocol.codec import Codec
from hubstream.protocol.messages import Invocation

__all__ = ["Outgoing"]


class Outgoing:
    """An Invocation for one client or many.

    Args:
        target: The name on the wire.
        arguments: What the encoders take: a list, or a tuple of the declared types.
        codecs: The hub's protocols by name.
        encoders: What writes the arguments, by protocol.
    """

    __slots__ = ("_arguments", "_codecs", "_encoders", "_frames", "target")

    def __init__(
        self, target: str, arguments: Any, codecs: Mapping[str, Codec], encoders: Mapping[str, Encode]
    ) -> None:
        self.target = target
        self._arguments = arguments
        self._codecs = codecs
        self._encoders = encoders
        self._frames: dict[str, bytes] = {}

    def frame(self, protocol: str) -> bytes:
        """The framed message nobody answers; the same bytes for every client that speaks this protocol.

        Raises:
            EncodeError: An argument, or the name, cannot be written.
        """
        frame = self._frames.get(protocol)
        if frame is None:
            frame = self._frames[protocol] = self._encode(protocol, None)
        return frame

    def question(self, protocol: str, invocation_id: str) -> bytes:
        """The framed message with an id, which the client answers under (spec 6.11).

        Raises:
            EncodeError: An argument, or the name, cannot be written.
        """
        return self._encode(protocol, invocation_id)

    def check(self) -> None:
        """Nobody is there to send it to: that it could not be sent is an error all the same.

        Raises:
            EncodeError: An argument, or the name, cannot be written.
        """
        if not self._frames:
            self.frame(next(iter(self._codecs)))

    def _encode(self, protocol: str, invocation_id: str | None) -> bytes:
        try:
            message = Invocation(target=self.target, arguments=Raw(self._encoders[protocol](self._arguments)))
            if invocation_id is not None:
                message.invocation_id = invocation_id
            return self._codecs[protocol].encode(message)
        except ENCODING_ERRORS as error:
            why = error.why if isinstance(error, EncodeError) else describe(error)
            raise EncodeError(f"the call of '{self.target}' cannot be sent: {why}") from error
