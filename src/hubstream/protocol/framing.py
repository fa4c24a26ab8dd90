"""Where one record ends and the next begins: text ends with RS, binary begins with a VarInt length (spec 4, 5.1).

Pure functions over bytes. Imports only `errors` and never blocks.
"""

from __future__ import annotations

from hubstream.errors import ProtocolError

__all__ = [
    "RS",
    "SHORT",
    "FrameError",
    "binary_length",
    "length_prefix",
    "oversize",
    "split_binary",
    "split_text",
]

RS = b"\x1e"
"""Ends a text record; JSON escapes control characters, so it never stands inside one."""

MAX_LENGTH = 0x7FFF_FFFF
MAX_PREFIX = 5


class FrameError(ProtocolError):
    """A record is too long or its length is malformed.

    Attributes:
        records: The complete records that came before it.
    """

    def __init__(self, text: str, records: list[bytes]) -> None:
        super().__init__(text)
        self.records = records


def oversize(limit: int, records: list[bytes]) -> FrameError:
    """What a record of more than `limit` bytes, framing included, is answered with (spec 8.4)."""
    return FrameError(
        f"The maximum message size of {limit}B was exceeded. The message size can be configured in AddHubOptions.",
        records,
    )


def split_text(data: bytes, limit: int | None) -> tuple[list[bytes], int]:
    """Cut the complete records off the front of `data`: the records without their RS, and the bytes they took.

    Raises:
        FrameError: A record is longer than `limit` bytes with its RS, or that many came without one.
    """
    records = data.split(RS)
    rest = len(records.pop())
    if limit is not None and len(data) > limit:
        for position, record in enumerate(records):
            if len(record) >= limit:
                raise oversize(limit, records[:position])
        if rest > limit:
            raise oversize(limit, records)
    return records, len(data) - rest


def _encode_length(length: int) -> bytes:
    groups = bytearray()
    while length > 0x7F:
        groups.append(length & 0x7F | 0x80)
        length >>= 7
    groups.append(length)
    return bytes(groups)


SHORT = tuple(_encode_length(length) for length in range(16_384))
"""The prefixes of up to two bytes, ready: a look-up costs a seventh of encoding one."""


def length_prefix(length: int) -> bytes:
    """The VarInt in front of a body of `length` bytes.

    Raises:
        ValueError: The body is 2 GB or more.
    """
    if length < 16_384:
        return SHORT[length]
    if length > MAX_LENGTH:
        raise ValueError("a message of 2 GB or more cannot be sent")
    return _encode_length(length)


def _decode_length(data: bytes, at: int) -> tuple[int, int]:
    """The length that stands at `at` and where its body begins; (-1, at) while bytes of it are missing."""
    length = 0
    for group, byte in enumerate(data[at : at + MAX_PREFIX]):
        length |= (byte & 0x7F) << (7 * group)
        if byte < 0x80:
            # The fifth group has room for three bits: 31 in all.
            if length > MAX_LENGTH:
                break
            return length, at + group + 1
        if group == MAX_PREFIX - 1:
            break
    else:
        return -1, at
    raise FrameError("Messages over 2GB in size are not supported.", [])


def binary_length(start: bytes) -> int:
    """How long the record that begins with `start` is, with its prefix; one byte more than there is if unknown.

    Raises:
        FrameError: The prefix is malformed.
    """
    length, body = _decode_length(start, 0)
    return len(start) + 1 if length < 0 else body + length


def split_binary(data: bytes, limit: int | None) -> tuple[list[bytes], int]:
    """Cut the complete records off the front of `data`: the records without their prefix, and the bytes they took.

    Raises:
        FrameError: A record of more than `limit` bytes with its prefix, and so many have come; or a malformed prefix.
    """
    records: list[bytes] = []
    at, size = 0, len(data)
    while at < size:
        length = data[at]
        if length < 0x80:
            body = at + 1
        else:
            try:
                length, body = _decode_length(data, at)
            except FrameError as error:
                if limit is not None and limit < MAX_PREFIX - 1:
                    # Cut before its end, such a prefix is over the limit before it can be told to be malformed.
                    raise oversize(limit, records) from None
                error.records = records
                raise
            if length < 0:
                if limit is not None and size - at > limit:
                    raise oversize(limit, records)
                break
        end = body + length
        if limit is not None and end - at > limit and size - at > limit:
            raise oversize(limit, records)
        if end > size:
            break
        records.append(data[body:end])
        at = end
    return records, at
