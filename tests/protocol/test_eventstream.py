"""Server-sent events, both ways."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubstream.errors import ProtocolError
from hubstream.protocol.eventstream import OPENING, EventStream, write_event
from tests.protocol.wire import Vector, byte_by_byte, cases


def read(stream: EventStream, pieces: Iterable[bytes]) -> list[bytes]:
    return [event for piece in pieces for event in stream.receive(piece)]


@pytest.mark.parametrize("vector", cases("framing", "sse-write"))
def test_a_stream_is_written(vector: Vector) -> None:
    assert OPENING + write_event(vector["payload"].encode()) == vector["stream"].encode()


@pytest.mark.parametrize("vector", cases("framing", "sse-write-frame"))
def test_an_event_is_written(vector: Vector) -> None:
    assert write_event(vector["payload"].encode()) == vector["stream"].encode()


@pytest.mark.parametrize("vector", cases("framing", "sse-parse", "sse-parse-chunks", "sse-parse-many"))
def test_events_are_read(vector: Vector) -> None:
    chunks = [chunk.encode() for chunk in vector.get("chunks", [vector.get("stream", "")])]
    payloads = [payload.encode() for payload in vector.get("payloads", [vector.get("payload")])]
    for pieces in (chunks, byte_by_byte(b"".join(chunks)), [b"".join(chunks)]):
        stream = EventStream()
        assert read(stream, pieces) == payloads


@pytest.mark.parametrize("vector", cases("framing", "sse-parse-incomplete"))
def test_an_unfinished_event_waits(vector: Vector) -> None:
    stream = EventStream()
    assert read(stream, byte_by_byte(vector["stream"].encode())) == []


@pytest.mark.parametrize("vector", cases("framing", "sse-parse-error", "sse-parse-chunks-error"))
def test_other_lines_are_refused(vector: Vector) -> None:
    chunks = [chunk.encode() for chunk in vector.get("chunks", [vector.get("stream", "")])]
    for pieces in (chunks, byte_by_byte(b"".join(chunks))):
        stream = EventStream()
        with pytest.raises(ProtocolError, match=vector["error"]):
            read(stream, pieces)


def test_an_event_without_end_is_refused() -> None:
    stream = EventStream(limit=100)
    for _ in range(5):
        stream.receive(b"data: 90123456789\n")
    assert stream.receive(b"\n") == [b"\n".join([b"90123456789"] * 5)]
    with pytest.raises(ProtocolError, match="more than 100 bytes"):
        read(stream, [b"x"] * 101)


@given(st.lists(st.binary(min_size=1).filter(lambda payload: b"\r" not in payload)), st.integers(1, 20))
def test_events_come_back(payloads: list[bytes], size: int) -> None:
    data = OPENING + b"".join(map(write_event, payloads))
    stream = EventStream()
    assert read(stream, [data[at : at + size] for at in range(0, len(data), size)]) == payloads
