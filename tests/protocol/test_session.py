"""The session beside its handshake: what it keeps of a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from hubstream.errors import ProtocolError
from hubstream.protocol.codec import Codec
from hubstream.protocol.handshake import write_request, write_response
from hubstream.protocol.json import JsonCodec
from hubstream.protocol.messagepack import MessagePackCodec
from hubstream.protocol.messages import Ack, Completion, HubMessage, Ping
from hubstream.protocol.messages import Sequence as Replay
from hubstream.protocol.session import HubSession, Received
from tests.protocol.wire import CODECS, JSON, MESSAGEPACK, byte_by_byte, feed, talking

both = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)


def completions(codec: Codec, *ids: str) -> bytes:
    return b"".join(codec.encode(Completion(invocation_id=name)) for name in ids)


def names(messages: Sequence[Received]) -> list[str]:
    return [message.invocation_id for message in messages if isinstance(message, Completion)]


@both
def test_an_error_comes_after_the_messages_before_it(codec: Codec) -> None:
    bad = b"nonsense\x1e" if codec is JSON else b"\x01\x01"
    session = talking(codec)
    assert names(session.receive(completions(codec, "a", "b") + bad + completions(codec, "c"), 1.0)) == ["a", "b"]
    assert isinstance(session.error, ProtocolError)
    first = session.error
    assert session.receive(completions(codec, "d"), 2.0) == []
    assert (session.error, session.heard, session.partial) == (first, 1.0, False)


@both
def test_a_message_of_the_limit_passes_and_one_byte_more_does_not(codec: Codec) -> None:
    data = completions(codec, "a" * 100)
    for chunks in ([data], byte_by_byte(data), [data[:50], data[50:]]):
        exact, short = talking(codec, max_message_size=len(data)), talking(codec, max_message_size=len(data) - 1)
        assert len(feed(exact, chunks)[0]) == 1
        _, error = feed(short, chunks)
        assert error == (
            f"The maximum message size of {len(data) - 1}B was exceeded. "
            "The message size can be configured in AddHubOptions."
        )


@both
def test_many_messages_may_exceed_the_limit_together(codec: Codec) -> None:
    data = completions(codec, "a")
    session = talking(codec, max_message_size=len(data))
    assert len(session.receive(data * 1000, 1.0)) == 1000
    assert session.error is None


@both
def test_only_complete_messages_are_heard(codec: Codec) -> None:
    session = talking(codec)
    data = completions(codec, "a")
    session.receive(data[:-1], 5.0)
    assert (session.heard, session.partial) == (0.0, True)
    session.receive(data[-1:], 6.0)
    assert (session.heard, session.partial) == (6.0, False)
    unknown = b'{"type":99}\x1e' if codec is JSON else b"\x02\x91\x63"
    assert session.receive(unknown, 7.0) == []
    assert session.heard == 7.0


@both
def test_who_never_pinged_is_never_silent(codec: Codec) -> None:
    session = talking(codec)
    session.receive(completions(codec, "a"), 1.0)
    assert not session.silent(1000.0, 30.0)
    session.receive(codec.ping, 1000.0)
    assert session.pinged
    assert not session.silent(1029.0, 30.0)
    assert session.silent(1030.0, 30.0)
    session.receive(completions(codec, "a"), 1030.0)
    assert not session.silent(1031.0, 30.0)


def test_a_server_is_silent_without_a_ping() -> None:
    session = HubSession("client", [JSON], max_message_size=None)
    assert not session.silent(1000.0, 30.0)
    session.receive(write_response(), 1000.0)
    assert not session.silent(1029.0, 30.0)
    assert session.silent(1030.0, 30.0)


@both
def test_partial_input_can_be_forgotten(codec: Codec) -> None:
    session = talking(codec)
    session.receive(completions(codec, "a")[:-1], 1.0)
    session.forget_partial()
    assert not session.partial
    assert names(session.receive(completions(codec, "b"), 2.0)) == ["b"]


class WatchedJson(JsonCodec):
    def __init__(self, looked: list[int]) -> None:
        self.looked = looked

    def read(self, data: bytes, limit: int | None, messages: list[HubMessage]) -> int:
        self.looked.append(len(data))
        return super().read(data, limit, messages)


class WatchedMessagePack(MessagePackCodec):
    def __init__(self, looked: list[int]) -> None:
        self.looked = looked

    def read(self, data: bytes, limit: int | None, messages: list[HubMessage]) -> int:
        self.looked.append(len(data))
        return super().read(data, limit, messages)


@pytest.mark.parametrize("watched", [WatchedJson, WatchedMessagePack])
def test_partial_input_is_not_looked_at_again_for_every_chunk(watched: Callable[[list[int]], Codec]) -> None:
    looked: list[int] = []
    codec = watched(looked)
    size = 1 << 16
    data = completions(codec, "a" * size)
    session = talking(codec)
    for at in range(0, size, 16):
        assert session.receive(data[at : at + 16], 1.0) == []
    assert len(session.receive(data[size:], 1.0)) == 1
    assert looked == [16, len(data)]


def test_a_length_cut_off_in_itself() -> None:
    data = completions(MESSAGEPACK, "a" * 20_000, "b")
    for first in range(1, 5):
        session = talking(MESSAGEPACK)
        assert session.receive(data[:first], 1.0) == []
        assert session.partial
        assert names(session.receive(data[first:], 1.0)) == ["a" * 20_000, "b"]


def test_a_malformed_length_is_found_where_it_is_cut_off() -> None:
    session = talking(MESSAGEPACK)
    assert names(session.receive(completions(MESSAGEPACK, "a") + b"\xff\xff", 1.0)) == ["a"]
    assert session.receive(b"\xff\xff\xff", 1.0) == []
    assert str(session.error) == "Messages over 2GB in size are not supported."


def test_ids() -> None:
    client, server = (HubSession(role, [JSON], max_message_size=None) for role in ("client", "server"))
    assert [client.next_id() for _ in range(3)] == ["1", "2", "3"]
    assert [server.next_id() for _ in range(3)] == ["s1", "s2", "s3"]


def test_nothing_is_counted_unless_asked() -> None:
    session = talking(JSON)
    session.receive(completions(JSON, "a", "b"), 1.0)
    assert session.received == 0


@both
def test_messages_are_counted_and_repeated_ones_dropped(codec: Codec) -> None:
    def sequence(number: int) -> bytes:
        return codec.encode(Replay(sequence_id=number))

    session = talking(codec)
    session.tracking = True
    others: list[HubMessage] = [Ping(), Ack(sequence_id=1)]
    uncounted = b"".join(map(codec.encode, others))
    assert names(session.receive(completions(codec, "1", "2") + uncounted + completions(codec, "3"), 1.0)) == [
        "1",
        "2",
        "3",
    ]
    assert session.received == 3
    # The transport was cut: the peer begins again at 2, though 3 had come.
    seen = session.receive(sequence(2) + completions(codec, "2", "3", "4"), 2.0)
    assert [message.type for message in seen] == [9, 3]
    assert names(seen) == ["4"]
    assert session.received == 4
    assert names(session.receive(sequence(5) + completions(codec, "5"), 3.0)) == ["5"]
    assert names(session.receive(sequence(7) + completions(codec, "7"), 4.0)) == []
    assert str(session.error) == "Sequence ID greater than amount of messages we've received."


def test_an_idle_session_is_small() -> None:
    session = HubSession("server", CODECS, max_message_size=32_768)
    session.receive(write_request("json", 1), 1.0)
    assert not hasattr(session, "__dict__")
    assert session.receive(b"", 2.0) == []
    assert session.heard == 1.0
