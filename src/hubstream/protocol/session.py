"""The state of one hub connection, the same for both roles and without I/O.

    bytes ─► receive() ─► handshake, then messages in order          (spec 3, 4, 5)
                      └─► error: what ended it, after the messages before it; from then on input is ignored

The first record each way is the handshake: a server picks the codec by it, a client learns whether it was agreed. Behind it come
hub messages, cut anywhere. SignalR answers no ping, it notes them: `silent` is what a client timeout asks (spec 8.2). With
`tracking` the messages are counted for stateful reconnect, and those seen before are dropped (spec 9.3).

Imports only `errors` and this room; never raises for what the peer sends, never blocks, knows no clock: `now` is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from hubstream.errors import HandshakeError, ProtocolError
from hubstream.protocol.codec import Codec
from hubstream.protocol.framing import RS
from hubstream.protocol.handshake import HandshakeRequest, HandshakeResponse, parse_request, parse_response
from hubstream.protocol.messages import HubMessage

__all__ = ["HubSession", "Received"]

Received: TypeAlias = HandshakeRequest | HandshakeResponse | HubMessage

ANSWER = 65_536
"""Bytes the server's answer to the handshake may have, where messages have no limit; a real one has three."""
BEGINNING = 200
"""Bytes of an answer that is none which are shown."""
TRACKABLE = 5
"""Stateful reconnect counts the messages of types 1 to 5 (spec 9.2)."""


class HubSession:
    """One hub connection's protocol state.

    Args:
        role: Which side this is.
        codecs: What a server speaks; for a client the one it asks for.
        max_message_size: Bytes a received message may have, framing included; None for no limit.
        binary_capable: Whether the transport carries bytes, not only text.

    Attributes:
        error: What ended the input: a `HandshakeError` whose text goes over the wire, or a `ProtocolError`.
        codec: The protocol spoken; a server's is None until the handshake.
        version: The handshake's version; a client sets what it asks for.
        handshaken: The handshake has succeeded.
        heard: When a complete record last came.
        pinged: The peer can be timed out from now on: a Ping came, or it is a server, which always pings.
        tracking: Count messages for stateful reconnect.
        received: With tracking, the number of the newest message received: what an Ack names.
    """

    __slots__ = (
        "_codecs",
        "_expected",
        "_next",
        "_parts",
        "_size",
        "_wanted",
        "binary_capable",
        "codec",
        "error",
        "handshaken",
        "heard",
        "max_message_size",
        "pinged",
        "received",
        "role",
        "tracking",
        "version",
    )

    def __init__(
        self,
        role: Literal["server", "client"],
        codecs: Sequence[Codec],
        *,
        max_message_size: int | None,
        binary_capable: bool = True,
    ) -> None:
        self.role = role
        self.max_message_size = max_message_size
        self.binary_capable = binary_capable
        self.error: ProtocolError | None = None
        self.codec: Codec | None = codecs[0] if role == "client" else None
        self.version = 1
        self.handshaken = False
        self.heard = 0.0
        self.pinged = False
        self.tracking = False
        self.received = 0
        self._codecs = codecs
        self._expected = 1
        self._next = 1
        # Input that ended inside a record, as it came: joining at every chunk would cost the square of its length.
        self._parts: list[bytes] | None = None
        self._size = 0
        self._wanted = 0

    def receive(self, data: bytes, now: float) -> Sequence[Received]:
        """Feed bytes, cut anywhere. Returns what is complete: after an error, what came before it."""
        if self.error is not None:
            return []
        if self._parts is not None:
            whole = self._continue(data)
            if whole is None:
                return []
            data = whole
        codec = self.codec
        if codec is None or not self.handshaken:
            return self._begin(data, now)
        messages: list[HubMessage] = []
        try:
            taken = codec.read(data, self.max_message_size, messages)
            if taken:
                self.heard = now
            if taken != len(data):
                self._keep(data[taken:], codec)
        except ProtocolError as error:
            self.error = error
            self.heard = now
        if not self.pinged:  # a loop, not any(): a generator would cost as much as decoding a message
            for message in messages:
                if message.type == 6:
                    self.pinged = True
                    break
        return self._track(messages) if self.tracking else messages

    def silent(self, now: float, timeout: float) -> bool:
        """Whether nothing complete has been heard for `timeout` seconds from a peer that pings."""
        return self.pinged and now - self.heard >= timeout

    @property
    def partial(self) -> bool:
        """The input ends inside a record: a connection that is lost now was cut (spec 6.9)."""
        return self._parts is not None

    def forget_partial(self) -> None:
        """Drop the beginning of a record: another transport carries the connection, and the peer sends it again."""
        self._parts = None

    def next_id(self) -> str:
        """An id for a call or an upload stream of this side's (spec 11.5); a server's begin with `s` (spec 6.11)."""
        number = self._next
        self._next = number + 1
        return str(number) if self.role == "client" else f"s{number}"

    @property
    def _handshake_limit(self) -> int | None:
        return ANSWER if self.role == "client" and self.max_message_size is None else self.max_message_size

    def _keep(self, start: bytes, codec: Codec | None) -> None:
        """Hold the beginning of a record."""
        self._wanted = 0 if codec is None else codec.wanted(start)
        self._parts = [start]
        self._size = len(start)

    def _continue(self, data: bytes) -> bytes | None:
        """The held beginning and `data`, if that can be a record or too much for one."""
        parts = self._parts
        if parts is None:
            return data
        parts.append(data)
        self._size += len(data)
        limit = self.max_message_size if self.handshaken else self._handshake_limit
        complete = self._size >= self._wanted if self._wanted else data.find(RS) >= 0
        if not complete and (limit is None or self._size <= limit):
            return None
        self._parts = None
        return b"".join(parts)

    def _begin(self, data: bytes, now: float) -> Sequence[Received]:
        """Read the peer's first record, and what stands behind it."""
        limit = self._handshake_limit
        end = data.find(RS) + 1
        if limit is not None and (end > limit or (not end and len(data) > limit)):
            text = (
                "Handshake was canceled."
                if self.role == "server"
                else _no_answer(f"It has more than {limit} bytes.", data[:limit])
            )
            self.error = HandshakeError(text)
            return []
        if not end:
            if data:
                self._keep(data, None)
            return []
        try:
            shaken = self._agree(data[: end - 1])
        except HandshakeError as error:
            self.error = error
            return []
        self.handshaken = True
        self.pinged = self.role == "client"
        self.heard = now
        return [shaken, *self.receive(data[end:], now)] if end < len(data) else [shaken]

    def _agree(self, record: bytes) -> HandshakeRequest | HandshakeResponse:
        if self.role == "client":
            try:
                response = parse_response(record)
            except ProtocolError as error:
                raise HandshakeError(_no_answer(str(error), record)) from error
            if isinstance(response.error, str):
                text = f"Unable to complete handshake with the server due to an error: {response.error}"
                raise HandshakeError(text)
            return response
        try:
            request = parse_request(record)
        except ProtocolError as error:
            raise HandshakeError("An unexpected error occurred during connection handshake.") from error
        asked = request.protocol.lower()
        codec = next((codec for codec in self._codecs if codec.name.lower() == asked), None)
        if codec is None:
            raise HandshakeError(f"The protocol '{request.protocol}' is not supported.")
        if request.version > codec.version:
            text = f"The server does not support version {request.version} of the '{codec.name}' protocol."
            raise HandshakeError(text)
        if codec.binary and not self.binary_capable:
            raise HandshakeError(
                f"Cannot use the '{codec.name}' protocol on the current transport. "
                "The transport does not support 'Binary' transfer format."
            )
        self.codec = codec
        self.version = request.version
        return request

    def _track(self, messages: list[HubMessage]) -> list[HubMessage]:
        """Number the messages that are counted, and drop those that came before another transport took over."""
        fresh: list[HubMessage] = []
        for message in messages:
            if message.type == 9:
                if message.sequence_id > self._expected:
                    self.error = ProtocolError("Sequence ID greater than amount of messages we've received.")
                    break
                self._expected = message.sequence_id
            elif message.type <= TRACKABLE:
                number = self._expected
                self._expected = number + 1
                if number <= self.received:
                    continue
                self.received = number
            fresh.append(message)
        return fresh


def _no_answer(why: str, data: bytes) -> str:
    return f"{why} The server's answer to the handshake begins with {data[:BEGINNING].decode(errors='replace')!r}"
