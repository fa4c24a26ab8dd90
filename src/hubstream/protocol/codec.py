"""What a hub protocol does: records to messages and back (.NET's `IHubProtocol`, in two phases).

A codec frames and reads envelopes; it never sees a method or a type. Values are encoded and decoded by `payloads`, and a codec
carries them as they are (`msgspec.Raw` in, `bytes` out).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hubstream.protocol.messages import HubMessage

__all__ = ["Codec", "ItemFrame"]


class ItemFrame(Protocol):
    """The frame around the items of one stream: its id is written into it once."""

    overhead: int
    """Bytes an item's frame adds to the item, at most; what gathered output counts with."""

    def join(self, items: Sequence[bytes]) -> bytes:
        """Frame encoded items, one StreamItem each, ready to be sent."""
        ...


class Codec(Protocol):
    """One of `json` and `messagepack`. It keeps no state: one object serves all connections."""

    name: str
    version: int
    """The highest handshake version spoken: 2."""
    binary: bool
    """Whether it needs a transport that carries bytes (transfer format `Binary`)."""
    ping: bytes
    """A framed Ping."""

    def read(self, data: bytes, limit: int | None, messages: list[HubMessage]) -> int:
        """Read the complete records at the front of `data` and add their messages to `messages`.

        A message of a type nobody knows yet is skipped. Returns how many bytes the records took.

        Raises:
            ProtocolError: A record is longer than `limit` bytes, framing included, or its length or envelope is malformed.
                The messages before it have been added.
        """
        ...

    def wanted(self, start: bytes) -> int:
        """How many bytes must have come before the record that begins with `start` can be complete.

        0 when only a separator, RS, can tell. What keeps partial input from being looked at again for every chunk.
        """
        ...

    def decode(self, record: bytes) -> HubMessage | None:
        """Read one record. None for a message type nobody knows yet, which is skipped.

        Raises:
            ProtocolError: The envelope is malformed; the text is .NET's where it has one.
        """
        ...

    def encode(self, message: HubMessage) -> bytes:
        """Write a message, framed.

        Raises:
            ValueError: A payload is `UNBINDABLE`, or a text that is no error text has half a surrogate pair.
        """
        ...

    def invocation(self, invocation_id: str, target: str, arguments: bytes) -> bytes:
        """Write an Invocation with encoded arguments, framed: `encode` for the message a client sends most.

        Raises:
            ValueError: The target has half a surrogate pair.
        """
        ...

    def result(self, invocation_id: str, payload: bytes) -> bytes:
        """Write a Completion with an encoded result, framed: `encode` for the message a server sends most."""
        ...

    def items(self, invocation_id: str) -> ItemFrame:
        """The frame for the items of a stream."""
        ...
