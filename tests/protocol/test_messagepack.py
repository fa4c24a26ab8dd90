"""The MessagePack codec beyond the vectors: what is tolerated, what is refused, what is hostile (spec 5.2)."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET, Raw

from hubstream.protocol.messages import (
    UNBINDABLE,
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    StreamInvocation,
    StreamItem,
)
from tests.protocol.wire import JSON, MESSAGEPACK, decode_one, plain, refusal

CALL = {"type": 1, "target": "T", "arguments": [1]}
STREAM_CALL = {**CALL, "type": 4, "invocationId": "i"}
LOST = object()
"""The payload cannot be decoded."""


def pack(*items: object) -> bytes:
    return msgspec.msgpack.encode(items)


READ = [
    (pack(1, {}, None, "T", [1], []), CALL),
    (pack(1, {}, "", "T", [1], []), CALL),
    (pack(1, {}, None, "T", [1]), CALL),
    (pack(1, {}, None, "T", [1], ["s"], "more", {"yet": "more"}), {**CALL, "streamIds": ["s"]}),
    (pack(1, {"k": "v"}, None, "T", [1], []), {**CALL, "headers": {"k": "v"}}),
    (pack(7, None), {"type": 7}),
    (pack(7, "e"), {"type": 7, "error": "e"}),
    (pack(7, None, True, 5), {"type": 7, "allowReconnect": True}),
    (pack(6, 1), {"type": 6}),
    (pack(3, {}, "i", 3, None), {"type": 3, "invocationId": "i", "result": None}),
    (pack(3, {}, "i", 2, "ignored"), {"type": 3, "invocationId": "i"}),
    (pack(3, {}, "i", 1, None), {"type": 3, "invocationId": "i"}),
    (pack(3, {}, "i", 1, "e", 5), {"type": 3, "invocationId": "i", "error": "e"}),
    # any encoding of an integer, of a string, of a container
    (bytes.fromhex("95d3000000000000000180c0a1549101"), CALL),
    (bytes.fromhex("dc0005cc01de0000c0d9015491d20000000190"), CALL),
    (bytes.fromhex("dd00000005ce00000001df00000000c0db0000000154dd0000000101"), CALL),
    (bytes.fromhex("92d10008d3ffffffffffffffff"), {"type": 8, "sequenceId": -1}),
    # what stands behind the items a message has is not looked at, nor behind the array
    (pack(1, {}, None, "T", [1], []) + b"\xc1\xc1", CALL),
    (b"\x98" + pack(1, {}, None, "T", [1], [])[1:] + b"\xc1", CALL),
    (b"\x94" + pack(1, {}, None, "T", [1])[1:], CALL),
    # an argument no decoder can read, bad UTF-8, an ill end: the call's error
    (pack(1, {}, None, "T", 5, []), {**CALL, "arguments": LOST}),
    (pack(1, {}, None, "T", {}, []), {**CALL, "arguments": LOST}),
    (pack(1, {}, None, "T"), {**CALL, "arguments": LOST}),
    (b"\x96" + pack(1, {}, None, "T")[1:] + b"\x91\xc1\x90", {**CALL, "arguments": LOST}),
    (b"\x96" + pack(1, {}, None, "T")[1:] + b"\x91\xa1\xff\x91\xa1s", {**CALL, "arguments": LOST, "streamIds": ["s"]}),
    (b"\x96" + pack(1, {}, None, "T")[1:] + b"\x91" * 100_000, {**CALL, "arguments": LOST}),
    (b"\x96" + pack(1, {}, None, "T")[1:] + b"\x91" * 100_000 + b"\x01\x90", {**CALL, "arguments": LOST}),
    (b"\x96" + pack(1, {}, None, "T")[1:] + b"\xdd\xff\xff\xff\xff" + b"\x00" * 100_000, {**CALL, "arguments": LOST}),
    (b"\x96" + pack(1, {}, None, "T")[1:] + b"\xdf\xff\xff\xff\xff", {**CALL, "arguments": LOST}),
    (b"\x96" + pack(1, {}, None, "T")[1:] + b"\xc6\xff\xff\xff\xff", {**CALL, "arguments": LOST}),
    (b"\x96" + pack(4, {}, "i", "T")[1:] + b"\x91\xc9\x00\x00", {**STREAM_CALL, "arguments": LOST}),
    (pack(2, {}, "i"), {"type": 2, "invocationId": "i", "item": LOST}),
    (b"\x94" + pack(2, {}, "i")[1:] + b"\xd9\x05a", {"type": 2, "invocationId": "i", "item": LOST}),
    (pack(3, {}, "i", 3), {"type": 3, "invocationId": "i", "result": LOST}),
    # .NET decodes text leniently
    (b"\x95\x03\x80\xa1i\x01\xa2a\xff", {"type": 3, "invocationId": "i", "error": "a\ufffd"}),
    (b"\x96\x01\x80\xc0\xa1\xff\x91\x01\x90", {**CALL, "target": "\ufffd"}),
]  # fmt: skip


@pytest.mark.parametrize(("record", "expected"), READ, ids=lambda part: repr(part)[:60])
def test_is_read(record: bytes, expected: dict[str, object]) -> None:
    message = MESSAGEPACK.decode(record)
    assert message is not None
    seen = plain(message, MESSAGEPACK)
    for name, item in expected.items():
        if item is LOST:
            with pytest.raises((ValueError, RecursionError)):
                msgspec.msgpack.decode(getattr(message, name), type=list[str] if name == "arguments" else str)
            del seen[name]
    assert seen == {name: item for name, item in expected.items() if item is not LOST}


@pytest.mark.parametrize("number", [0, -1, 10, 99, (1 << 31) - 1, -(1 << 31)])
def test_an_unknown_type_is_skipped(number: int) -> None:
    assert MESSAGEPACK.decode(pack(number)) is None
    assert MESSAGEPACK.decode(pack(number, None, "anything")) is None


REFUSED = [
    (b"", "Reading array length for 'message' failed."),
    (b"\x01", "Reading array length for 'message' failed."),
    (b"\x81\x01\x02", "Reading array length for 'message' failed."),
    (b"\xc0", "Reading array length for 'message' failed."),
    (b"\xdc\x00", "Reading array length for 'message' failed."),
    (b"\x90", "Reading 'messageType' as Int32 failed."),
    (b"\x91\xc2", "Reading 'messageType' as Int32 failed."),
    (pack(1.0, {}, None, "T", []), "Reading 'messageType' as Int32 failed."),
    (pack(1 << 31), "Reading 'messageType' as Int32 failed."),
    (pack(1, None, None, "T", []), "Reading map length for 'headers' failed."),
    (pack(1, [], None, "T", []), "Reading map length for 'headers' failed."),
    (b"\x96\x01\xdf\xff\xff\xff\xff", "Reading 'headers[0].Key' as String failed."),
    (b"\x92\x01\x81\xc0\xa1v", "Null or empty key in header."),
    (b"\x92\x01\x81\xa1k\xc0", "Null or empty value in header."),
    (pack(1, {"": "v"}, None, "T", []), "Null or empty key in header."),
    (pack(1, {"k": ""}, None, "T", []), "Null or empty value in header."),
    (pack(2, {"k": ""}, "i", 1), "Null or empty value in header."),
    (pack(3, {"k": ""}, "i", 2), "Null or empty value in header."),
    (pack(4, {"": "v"}, "i", "T", []), "Null or empty key in header."),
    (pack(5, {"": "v"}, "i"), "Null or empty key in header."),
    (pack(1, {}, 1, "T", []), "Reading 'invocationId' as String failed."),
    (pack(1, {}, b"i", "T", []), "Reading 'invocationId' as String failed."),
    (pack(1, {}, None, None, []), "Null or empty target for Invocation message."),
    (pack(1, {}, None, "", []), "Null or empty target for Invocation message."),
    (pack(1, {}, None, "T", [], None), "Reading array length for 'streamIds' failed."),
    (pack(1, {}, None, "T", [], [None]), "Null or empty value in streamIds received."),
    (pack(1, {}, None, "T", [], [""]), "Null or empty value in streamIds received."),
    (pack(4, {}, "i", "T", [], [""]), "Null or empty value in streamIds received."),
    (pack(1, {}, None, "T", [], [1]), "Reading 'streamIds' as String failed."),
    (pack(2, {}, None, 1), "Null or empty invocation ID for StreamItem message."),
    (pack(3, {}, None, 2), "Null or empty invocation ID for Completion message."),
    (pack(4, {}, None, "T", []), "Null or empty invocation ID for StreamInvocation message."),
    (pack(4, {}, "i", "", []), "Null or empty target for StreamInvocation message."),
    (pack(5, {}, None), "Null or empty invocation ID for CancelInvocation message."),
    (pack(3, {}, "i", 0), "Invalid invocation result kind."),
    (pack(3, {}, "i", 4, 1), "Invalid invocation result kind."),
    (pack(3, {}, "i", None), "Reading 'resultKind' as Int32 failed."),
    (pack(7), "Reading 'error' as String failed."),
    (pack(7, None, None), "Reading 'allowReconnect' as Boolean failed."),
    (pack(8, 1.0), "Reading 'sequenceId' as Int64 failed."),
    (pack(9, 1 << 63), "Reading 'sequenceId' as Int64 failed."),
    (b"\x91" * 1_000_000, "Reading 'messageType' as Int32 failed."),
    (b"\xc1" * 1_000_000, "Reading array length for 'message' failed."),
]  # fmt: skip


@pytest.mark.parametrize(("record", "text"), REFUSED, ids=lambda part: repr(part)[:60])
def test_is_refused(record: bytes, text: str) -> None:
    assert refusal(MESSAGEPACK, record) == text


WRITTEN: list[tuple[HubMessage, bytes]] = [
    (Invocation(target="T", arguments=Raw(b"\x90")), pack(1, {}, None, "T", [], [])),
    (Invocation(invocation_id="", target="T", arguments=Raw(b"\x90"), stream_ids=[]), pack(1, {}, None, "T", [], [])),
    (
        StreamInvocation(headers={"k": "v"}, invocation_id="i", target="T", arguments=Raw(b"\x90"), stream_ids=["s"]),
        pack(4, {"k": "v"}, "i", "T", [], ["s"]),
    ),
    (StreamItem(invocation_id="i", item=Raw(b"\xc0")), pack(2, {}, "i", None)),
    (Completion(invocation_id="i", error="", result=Raw(b"\x01")), pack(3, {}, "i", 3, 1)),
    (Completion(invocation_id="i", error="e", result=Raw(b"\x01")), pack(3, {}, "i", 1, "e")),
    (Completion(invocation_id="i", error="\ud800"), pack(3, {}, "i", 1, "\ufffd")),
    (Completion(headers={"k": "v"}, invocation_id="i"), pack(3, {"k": "v"}, "i", 2)),
    (CancelInvocation(headers={"k": "v"}, invocation_id="i"), pack(5, {"k": "v"}, "i")),
    (Close(error="\ud800", allow_reconnect=True), pack(7, "\ufffd", True)),
    (Ack(sequence_id=1 << 40), pack(8, 1 << 40)),
]


@pytest.mark.parametrize(("message", "record"), WRITTEN, ids=lambda part: repr(part)[:60])
def test_is_written(message: HubMessage, record: bytes) -> None:
    assert MESSAGEPACK.encode(message) == bytes([len(record)]) + record


@pytest.mark.parametrize("size", [1, 127, 128, 16_383, 16_384, 70_000])
def test_the_short_ways_write_the_same(size: int) -> None:
    payload = msgspec.msgpack.encode("x" * size)
    name = "é" * 40
    assert MESSAGEPACK.result(name, payload) == MESSAGEPACK.encode(Completion(invocation_id=name, result=Raw(payload)))
    call = Invocation(invocation_id="1", target=name, arguments=Raw(b"\x91" + payload))
    assert MESSAGEPACK.invocation("1", name, b"\x91" + payload) == MESSAGEPACK.encode(call)
    frame = MESSAGEPACK.items(name)
    items = [payload, b"\x01"]
    one_by_one = [MESSAGEPACK.encode(StreamItem(invocation_id=name, item=Raw(item))) for item in items]
    assert frame.join(items) == b"".join(one_by_one)
    assert frame.join([]) == b""
    assert all(len(one) - len(item) <= frame.overhead for one, item in zip(one_by_one, items, strict=True))


@pytest.mark.parametrize(
    "message",
    [
        Invocation(target="T", arguments=UNBINDABLE),
        StreamItem(invocation_id="i", item=UNBINDABLE),
        Completion(invocation_id="i", result=UNBINDABLE),
        Invocation(target="\ud800", arguments=Raw(b"\x90")),
    ],
)
def test_what_could_not_be_read_is_not_written(message: HubMessage) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the encoder's own words, or ours
        MESSAGEPACK.encode(message)


def test_nobody_sees_nil() -> None:
    call = MESSAGEPACK.decode(pack(1, {}, None, "T", [], []))
    close = MESSAGEPACK.decode(pack(7, None, False))
    assert isinstance(call, Invocation)
    assert isinstance(close, Close)
    assert call.invocation_id is UNSET
    assert close.error is UNSET


def test_a_decoded_message_can_be_written_again_in_the_other_protocol() -> None:
    message = decode_one(MESSAGEPACK, MESSAGEPACK.encode(Completion(headers={"k": "v"}, invocation_id="i", error="e")))
    assert JSON.encode(message) == b'{"type":3,"headers":{"k":"v"},"invocationId":"i","error":"e"}\x1e'
    cancel = decode_one(MESSAGEPACK, MESSAGEPACK.encode(CancelInvocation(invocation_id="i")))
    assert JSON.encode(cancel) == b'{"type":5,"invocationId":"i"}\x1e'
