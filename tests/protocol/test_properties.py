"""What holds for any message and any cut of the bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from hubstream.errors import ProtocolError
from hubstream.protocol import json_envelope, messagepack_envelope
from hubstream.protocol.codec import Codec
from hubstream.protocol.handshake import write_request, write_response
from hubstream.protocol.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)
from hubstream.protocol.session import HubSession, Received
from tests.protocol.wire import CODECS, Plain, feed, plain, split, talking

codecs = st.sampled_from(CODECS)
names = st.text(min_size=1, max_size=20)
numbers = st.integers(-(1 << 63), (1 << 63) - 1)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=5,
)


@st.composite
def hub_messages(draw: st.DrawFn, codec: Codec) -> HubMessage:
    encode = msgspec.msgpack.encode if codec.binary else msgspec.json.encode
    headers = draw(st.just(UNSET) | st.dictionaries(names, names, max_size=3))
    name = draw(names)
    match draw(st.integers(1, 9)):
        case 1 | 4 as kind:
            cls = Invocation if kind == 1 else StreamInvocation
            return cls(
                headers=headers,
                invocation_id=name,
                target=draw(names),
                arguments=Raw(encode(draw(st.lists(values, max_size=4)))),
                stream_ids=draw(st.just(UNSET) | st.lists(names, max_size=3)),
            )
        case 2:
            return StreamItem(headers=headers, invocation_id=name, item=Raw(encode(draw(values))))
        case 3:
            error, result = draw(st.sampled_from([(True, False), (False, True), (False, False)]))
            return Completion(
                headers=headers,
                invocation_id=name,
                error=draw(names) if error else UNSET,
                result=Raw(encode(draw(values))) if result else UNSET,
            )
        case 5:
            return CancelInvocation(headers=headers, invocation_id=name)
        case 6:
            return Ping()
        case 7:
            return Close(error=draw(st.just(UNSET) | st.text(max_size=20)), allow_reconnect=draw(st.booleans()))
        case 8:
            return Ack(sequence_id=draw(numbers))
        case _:
            return Sequence(sequence_id=draw(numbers))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Codec, list[HubMessage]]:
    codec = draw(codecs)
    return codec, draw(st.lists(hub_messages(codec), max_size=8))


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """The data in pieces of these sizes, again and again."""
    chunks: list[bytes] = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        chunks.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return chunks


sizes = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@given(conversations(), sizes)
def test_messages_come_back_however_they_are_cut(
    conversation: tuple[Codec, list[HubMessage]], pieces: list[int]
) -> None:
    codec, messages = conversation
    data = b"".join(map(codec.encode, messages))
    expected = [plain(message, codec) for message in messages]
    assert feed(talking(codec), cut(data, pieces)) == (expected, None)


@given(codecs, st.data())
def test_what_is_decoded_is_written_to_the_same_bytes(codec: Codec, data: st.DataObject) -> None:
    written = codec.encode(data.draw(hub_messages(codec)))
    [record], _ = split(codec, written)
    message = codec.decode(record)
    assert message is not None
    assert codec.encode(message) == written


@given(codecs, st.data())
def test_the_slow_way_reads_what_the_fast_one_does(codec: Codec, data: st.DataObject) -> None:
    record = bytearray(split(codec, codec.encode(data.draw(hub_messages(codec))))[0][0])
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(record) - 1), st.integers(0, 255)), max_size=2)):
        record[at] = byte
    recover = messagepack_envelope.recover if codec.binary else json_envelope.recover
    outcomes = [outcome(read, bytes(record), codec) for read in (codec.decode, recover)]
    assert outcomes[0] == outcomes[1]


def outcome(read: Callable[[bytes], HubMessage | None], record: bytes, codec: Codec) -> str:
    """As text: a NaN equals no other."""
    try:
        message = read(record)
    except ProtocolError as error:
        return str(error)
    return repr(message and plain(message, codec))


PIECES = [
    b'{"type":6}\x1e', b'{"type":1,"target":"T","arguments":[1]}\x1e', b'{"type":99}\x1e', b"\x1e", b"{}\x1e", b"\x02\x91\x06",
    b"\x06\x96\x01\x80\xc0\xa1T", b"\x91\x06", b"\xff", b"\x80", b"\x00", b'"\\ud800"', b"[[", b"]", b"{", b"}", b'"', b",", b"x",
    b'{"type":3,"invocationId":"i","result":"\\ud800"}\x1e', b"\x08\x95\x03\x80\xa1i\x03\xa1\xff",
]  # fmt: skip


@settings(max_examples=300)
@given(codecs, st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=12), sizes, st.integers(1, 60))
def test_any_bytes_give_the_same_however_they_are_cut(
    codec: Codec, parts: list[bytes], pieces: list[int], limit: int
) -> None:
    data = b"".join(parts)
    whole, in_pieces = (talking(codec, max_message_size=limit) for _ in range(2))
    assert repr(feed(whole, [data])) == repr(feed(in_pieces, cut(data, pieces)))
    assert whole.error is not None or whole.partial is in_pieces.partial


@given(st.lists(st.sampled_from([*PIECES, b'{"protocol":"json","version":1}']) | st.binary(max_size=8)), sizes)
def test_any_bytes_for_a_handshake_give_the_same(parts: list[bytes], pieces: list[int]) -> None:
    data = b"".join(parts)
    for role in ("server", "client"):
        outcomes = [
            (feed(session, chunks), session.handshaken)
            for chunks in ([data], cut(data, pieces))
            for session in [HubSession(role, CODECS, max_message_size=50)]
        ]
        assert outcomes[0] == outcomes[1]


def exchange(sender: list[bytes], receiver: HubSession) -> list[Received]:
    return [message for chunk in sender for message in receiver.receive(chunk, 1.0)]


@given(conversations(), st.data(), sizes, sizes)
def test_two_sessions_understand_each_other(
    conversation: tuple[Codec, list[HubMessage]], data: st.DataObject, up: list[int], down: list[int]
) -> None:
    codec, asked = conversation
    answered = data.draw(st.lists(hub_messages(codec), max_size=8))
    client = HubSession("client", [codec], max_message_size=None)
    server = HubSession("server", CODECS, max_message_size=None)
    hello, *heard = exchange(cut(write_request(codec.name, 1) + b"".join(map(codec.encode, asked)), up), server)
    reply, *told = exchange(cut(write_response() + b"".join(map(codec.encode, answered)), down), client)
    assert (hello.type, reply.type, server.codec, server.handshaken, client.handshaken) == (0, 0, codec, True, True)
    assert seen(heard, codec) == seen(asked, codec)
    assert seen(told, codec) == seen(answered, codec)
    assert (client.error, server.error, client.partial, server.partial) == (None, None, False, False)


def seen(messages: list[Received] | list[HubMessage], codec: Codec) -> list[Plain]:
    return [plain(message, codec) for message in messages]
