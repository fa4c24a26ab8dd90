"""Text records and length prefixes: the vectors, the limit, what is malformed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubstream.protocol.framing import FrameError, binary_length, length_prefix, split_binary, split_text
from tests.protocol.wire import Vector, cases

Split: TypeAlias = Callable[[bytes, int | None], tuple[list[bytes], int]]

TOO_LARGE = "The maximum message size of {}B was exceeded. The message size can be configured in AddHubOptions."


@pytest.mark.parametrize("vector", cases("framing", "varint-frame"))
def test_a_binary_frame(vector: Vector) -> None:
    data, payload = bytes.fromhex(vector["framedHex"]), bytes.fromhex(vector["payloadHex"])
    assert split_binary(data, None) == ([payload], len(data))
    assert split_binary(data + data, None) == ([payload] * 2, 2 * len(data))
    assert length_prefix(len(payload)) + payload == data
    for end in range(len(data)):
        assert split_binary(data[:end], None) == ([], 0)
        assert split_binary(data + data[:end], None) == ([payload], len(data))


@pytest.mark.parametrize("vector", cases("framing", "varint-frames"))
def test_several_binary_frames(vector: Vector) -> None:
    data = bytes.fromhex(vector["framedHex"])
    assert split_binary(data, None) == ([bytes.fromhex(payload) for payload in vector["payloadsHex"]], len(data))


@pytest.mark.parametrize("vector", cases("framing", "varint-frame-partial"))
def test_an_unfinished_binary_frame(vector: Vector) -> None:
    data = bytes.fromhex(vector["framedHex"])
    assert split_binary(data, None) == ([], 0)
    assert binary_length(data) > len(data)


@pytest.mark.parametrize("vector", cases("framing", "varint-frame-error"))
def test_a_malformed_length(vector: Vector) -> None:
    data = bytes.fromhex(vector["framedHex"])
    with pytest.raises(FrameError) as caught:
        split_binary(b"\x01a" + data, 100)
    assert (str(caught.value), caught.value.records) == (vector["error"], [b"a"])
    with pytest.raises(FrameError):
        binary_length(data)


@pytest.mark.parametrize("vector", cases("framing", "varint-prefix") + cases("spec", "varint-prefix"))
def test_a_length(vector: Vector) -> None:
    prefix = bytes.fromhex(vector["prefixHex"])
    assert length_prefix(vector["length"]) == prefix
    assert binary_length(prefix) == vector["length"] + len(prefix)


def test_two_gigabytes_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="2 GB"):
        length_prefix(1 << 31)


@pytest.mark.parametrize("vector", cases("framing", "text-frame", "text-frame-partial"))
def test_text_records(vector: Vector) -> None:
    data, rest = vector["framed"].encode(), vector.get("rest", "").encode()
    messages = [message.encode() for message in vector.get("messages", [])]
    taken = len(data) - len(rest) if messages else 0
    assert split_text(data, None) == (messages, taken)
    assert split_text(data[:taken] * 2 + rest, None) == (messages * 2, taken * 2)


LIMIT: list[tuple[Split, bytes, int, list[bytes], bool]] = [
    # data, limit, records before the error, refused
    (split_text, b"1234567\x1e", 8, [b"1234567"], False),
    (split_text, b"12345678\x1e", 8, [], True),
    (split_text, b"12345678", 8, [], False),
    (split_text, b"123456789", 8, [], True),
    (split_text, b"1234567\x1e" * 9, 8, [b"1234567"] * 9, False),
    (split_text, b"1\x1e2\x1e12345678\x1e3\x1e", 8, [b"1", b"2"], True),
    (split_text, b"1\x1e2\x1e123456789", 8, [b"1", b"2"], True),
    (split_text, b"1\x1e2\x1e12345678", 8, [b"1", b"2"], False),
    (split_binary, b"\x071234567", 8, [b"1234567"], False),
    (split_binary, b"\x0812345678", 8, [], True),
    (split_binary, b"\x081234567", 8, [], False),
    (split_binary, b"\xff\x7f1234567", 8, [], True),
    (split_binary, b"\xff\x7f123456", 8, [], False),
    (split_binary, b"\x011" * 9, 8, [b"1"] * 9, False),
    (split_binary, b"\x011\x08123456789", 8, [b"1"], True),
    (split_binary, b"\x80\x80", 1, [], True),
    (split_binary, b"\x80\x80", 2, [], False),
]


@pytest.mark.parametrize(("split", "data", "limit", "records", "refused"), LIMIT)
def test_the_limit(split: Split, data: bytes, limit: int, records: list[bytes], *, refused: bool) -> None:
    if not refused:
        assert split(data, limit)[0] == records
        return
    with pytest.raises(FrameError) as caught:
        split(data, limit)
    assert str(caught.value) == TOO_LARGE.format(limit)
    assert caught.value.records == records


@given(st.binary(max_size=200), st.integers(1, 40), st.sampled_from([split_text, split_binary]))
def test_no_record_is_longer_than_the_limit(data: bytes, limit: int, split: Split) -> None:
    rest = 0
    try:
        records, taken = split(data, limit)
        rest = len(data) - taken
    except FrameError as error:
        records = error.records
    assert all(len(record) < limit for record in records)
    assert rest <= limit


@given(st.lists(st.binary(max_size=300)))
def test_binary_frames_come_back(payloads: list[bytes]) -> None:
    data = b"".join(length_prefix(len(payload)) + payload for payload in payloads)
    assert split_binary(data, None) == (payloads, len(data))


@given(st.integers(0, (1 << 31) - 1))
def test_every_length_comes_back(length: int) -> None:
    prefix = length_prefix(length)
    assert binary_length(prefix) == len(prefix) + length
    assert all(binary_length(prefix[:end]) == end + 1 for end in range(len(prefix)))
