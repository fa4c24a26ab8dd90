"""The JSON codec beyond the vectors: what is tolerated, what is refused, what is hostile (spec 4.2, 16)."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET, Raw

from hubstream.errors import ProtocolError
from hubstream.protocol.json_members import too_deep
from hubstream.protocol.messages import (
    UNBINDABLE,
    Ack,
    CancelInvocation,
    Close,
    Completion,
    Invocation,
    StreamInvocation,
    StreamItem,
)
from tests.protocol.wire import JSON, plain, refusal

CALL = {"type": 1, "target": "T", "arguments": [1]}
STREAM_CALL = {**CALL, "type": 4, "invocationId": "i"}
JSON_ERROR = "Error reading JSON."
LOST = object()
"""The payload cannot be decoded."""

READ = [
    # any order, unknown properties, what JavaScript writes
    (b'{"arguments":[1],"target":"T","type":1}', CALL),
    (b'{"type":1,"x":{"y":[1,{}]},"target":"T","z":null,"arguments":[1]}', CALL),
    (b' {"type" : 1 , "target" : "T" , "arguments" : [ 1 ] } ', CALL),
    (b'{"\\u0074ype":1,"target":"\\u0054","arguments":[1]}', CALL),
    # an empty id is none
    (b'{"type":1,"invocationId":"","target":"T","arguments":[1]}', CALL),
    # an empty target is an unknown method
    (b'{"type":1,"target":"","arguments":[1]}', {**CALL, "target": ""}),
    # of two properties with one name the last holds
    (b'{"type":1,"target":"U","arguments":[2],"target":"T","arguments":[1]}', CALL),
    (b'{"type":1,"type":6}', {"type": 6}),
    (b'{"type":99,"type":6}', {"type": 6}),
    (b'{"type":6,"type":1,"target":"T","arguments":[1]}', CALL),
    # a second value in the record is ignored, whatever it is
    (b'{"type":1,"target":"T","arguments":[1]}{"type":6}', CALL),
    (b'{"type":1,"target":"T","arguments":[1]} nonsense [[[', CALL),
    (b'{"type":6}\x00', {"type": 6}),
    # halves of surrogate pairs: in a payload, in what nobody reads, in the text of an error
    (b'{"type":1,"target":"T","arguments":["\\ud800"]}', {**CALL, "arguments": LOST}),
    (b'{"type":1,"target":"T","arguments":["a\\udc00b"],"streamIds":["s"]}', {**CALL, "arguments": LOST, "streamIds": ["s"]}),
    (b'{"type":1,"target":"T","arguments":[1],"x":"\\ud800"}', CALL),
    (b'{"type":1,"\\ud800":0,"target":"T","arguments":[1]}', CALL),
    (b'{"type":2,"invocationId":"i","item":"\\ud83d"}', {"type": 2, "invocationId": "i", "item": LOST}),
    (b'{"type":3,"invocationId":"i","result":"\\ud83d"}', {"type": 3, "invocationId": "i", "result": LOST}),
    (b'{"type":3,"invocationId":"i","error":"a\\ud83d"}', {"type": 3, "invocationId": "i", "error": "a\ufffd"}),
    (b'{"type":7,"error":"\\ud83d","allowReconnect":true}', {"type": 7, "error": "\ufffd", "allowReconnect": True}),
    (b'{"type":4,"invocationId":"i","target":"T","arguments":["\\ud800"]}', {**STREAM_CALL, "arguments": LOST}),
    (b'{"type":5,"invocationId":"i","x":"\\ud800"}', {"type": 5, "invocationId": "i"}),
    (b'{"type":8,"sequenceId":-3,"x":"\\ud800"}', {"type": 8, "sequenceId": -3}),
    (b'{"type":9,"sequenceId":9223372036854775807,"x":"\\ud800"}', {"type": 9, "sequenceId": (1 << 63) - 1}),
    (b'{"type":6,"x":"\\ud800"}', {"type": 6}),
    (b'{"type":1,"target":"T","headers":{"a":"b"},"arguments":[1],"x":"\\ud800"}', {**CALL, "headers": {"a": "b"}}),
    # both halves are a character
    (b'{"type":1,"target":"T","arguments":["\\ud83d\\ude00"]}', {**CALL, "arguments": ["\U0001f600"]}),
    # bad UTF-8 in a payload stays there
    (b'{"type":1,"target":"T","arguments":["\xff"]}', {**CALL, "arguments": LOST}),
    (b'{"type":3,"invocationId":"i","error":"a\xff"}', {"type": 3, "invocationId": "i", "error": "a\ufffd"}),
    # numbers no machine has
    (b'{"type":1,"target":"T","arguments":[1],"x":' + b"9" * 10_000 + b',"y":"\\ud800"}', CALL),
    (b'{"type":2,"invocationId":"i","item":' + b"9" * 5_000 + b"}", {"type": 2, "invocationId": "i", "item": LOST}),
    # 64 brackets deep is as deep as it goes
    (b'{"type":1,"target":"T","arguments":' + b"[" * 63 + b"]" * 63 + b"}", {**CALL, "arguments": LOST}),
    (b'{"type":6,"x":"' + b"[{" * 500 + b'"}', {"type": 6}),
    (b'{"type":6,"x":"\\"' + b"[" * 500 + b'\\\\","y":[' + b"[]," * 100 + b"[]]}", {"type": 6}),
]  # fmt: skip


@pytest.mark.parametrize(("record", "expected"), READ, ids=lambda part: repr(part)[:60])
def test_is_read(record: bytes, expected: dict[str, object]) -> None:
    message = JSON.decode(record)
    assert message is not None
    seen = plain(message, JSON)
    for name, item in expected.items():
        if item is LOST:
            with pytest.raises((ValueError, RecursionError)):
                msgspec.json.decode(getattr(message, name), type=list[int])
            del seen[name]
    assert seen == {name: item for name, item in expected.items() if item is not LOST}


@pytest.mark.parametrize("number", [b"0", b"-1", b"10", b"99", b"2147483647", b"-0"])
def test_an_unknown_type_is_skipped(number: bytes) -> None:
    assert JSON.decode(b'{"type":%b}' % number) is None
    assert JSON.decode(b'{"error":null,"arguments":{},"x":"\\ud800","type":%b}' % number) is None


REFUSED = [
    (b"", JSON_ERROR),
    (b"nonsense", JSON_ERROR),
    (b"{", JSON_ERROR),
    (b'{"', JSON_ERROR),
    (b'{"type"', JSON_ERROR),
    (b'{"type"}', JSON_ERROR),
    (b'{"type":', JSON_ERROR),
    (b'{"type":6', JSON_ERROR),
    (b'{"type":6,', JSON_ERROR),
    (b'{"type":6,}', JSON_ERROR),
    (b'{"type":6/*c*/}', JSON_ERROR),
    (b'{"type":6 "x":1}', JSON_ERROR),
    (b'{"type":06}', JSON_ERROR),
    (b'{"type":99,}', JSON_ERROR),
    (b"{'type':6}", JSON_ERROR),
    (b'\xef\xbb\xbf{"type":6}', JSON_ERROR),
    (b'{"type":1,"target":"T","arguments":[NaN]}', JSON_ERROR),
    (b'{"type":1,"target":"T","arguments":[Infinity]}', JSON_ERROR),
    (b'{"type":1,"target":"T","arguments":[01]}', JSON_ERROR),
    (b'{"type":1,"target":"T","arguments":[1,]}', JSON_ERROR),
    (b'{"type":1,"target":"T","arguments":["a\nb"]}', JSON_ERROR),
    (b'{"type":1,"target":"T","arguments":["\\q"]}', JSON_ERROR),
    (b"5", "Unexpected JSON Token Type 'Number'. Expected a JSON Object."),
    (b"1.5", "Unexpected JSON Token Type 'Number'. Expected a JSON Object."),
    (b"true", "Unexpected JSON Token Type 'True'. Expected a JSON Object."),
    (b'{"x":1}', "Missing required property 'type'."),
    (b'{"type":null}', "Expected 'type' to be of type Number."),
    (b'{"type":"1"}', "Expected 'type' to be of type Number."),
    (b'{"type":true}', "Expected 'type' to be of type Number."),
    (b'{"type":1.5}', "Expected 'type' to be an integer of 32 bits."),
    (b'{"type":6.0}', "Expected 'type' to be an integer of 32 bits."),
    (b'{"type":6e0}', "Expected 'type' to be an integer of 32 bits."),
    (b'{"type":2147483648}', "Expected 'type' to be an integer of 32 bits."),
    (b'{"type":' + b"9" * 10_000 + b"}", "Expected 'type' to be an integer of 32 bits."),
    (b'{"type":1,"target":null,"arguments":[]}', "Expected 'target' to be of type String."),
    (b'{"type":1,"target":5,"arguments":[]}', "Expected 'target' to be of type String."),
    (b'{"type":1,"target":"\\ud800","arguments":[]}', "'target' is not valid Unicode text."),
    (b'{"type":1,"target":"\xff","arguments":[]}', "'target' is not valid Unicode text."),
    (b'{"type":1,"invocationId":null,"target":"T","arguments":[]}', "Expected 'invocationId' to be of type String."),
    (b'{"type":1,"invocationId":1,"target":"T","arguments":[]}', "Expected 'invocationId' to be of type String."),
    (b'{"type":1,"target":"T","arguments":null}', "Expected 'arguments' to be of type Array."),
    (b'{"type":1,"target":"T","arguments":{}}', "Expected 'arguments' to be of type Array."),
    (b'{"type":1,"target":"T","arguments":"[]"}', "Expected 'arguments' to be of type Array."),
    (b'{"type":4,"invocationId":"1","target":"T","arguments":{}}', "Expected 'arguments' to be of type Array."),
    (b'{"type":1,"target":"T","arguments":[],"streamIds":null}', "Expected 'streamIds' to be of type Array."),
    (b'{"type":1,"target":"T","arguments":[],"streamIds":{}}', "Expected 'streamIds' to be of type Array."),
    (b'{"type":1,"target":"T","arguments":[],"streamIds":[null]}', "Null value for 'streamIds' is not valid."),
    (b'{"type":1,"target":"T","arguments":[],"streamIds":[1]}', "Expected 'streamIds' to be of type String."),
    (b'{"type":1,"target":"T","arguments":[],"streamIds":["\\ud800"]}', "'streamIds' is not valid Unicode text."),
    (b'{"type":1,"headers":null,"target":"T","arguments":[]}', "Expected 'headers' to be of type Object."),
    (b'{"type":1,"headers":[],"target":"T","arguments":[]}', "Expected 'headers' to be of type Object."),
    (b'{"type":1,"headers":{"k":1},"target":"T","arguments":[]}', "Expected header 'k' to be of type String."),
    (b'{"type":1,"headers":{"k":"\\ud800"},"target":"T","arguments":[]}', "The header 'k' is not valid Unicode text."),
    (b'{"type":2,"invocationId":"","item":1}', "Missing required property 'invocationId'."),
    (b'{"type":3,"invocationId":""}', "Missing required property 'invocationId'."),
    (b'{"type":3,"invocationId":"i","error":null}', "Expected 'error' to be of type String."),
    (b'{"type":4,"invocationId":"","target":"T","arguments":[]}', "Missing required property 'invocationId'."),
    (b'{"type":4,"target":"T","arguments":[]}', "Missing required property 'invocationId'."),
    (b'{"type":5}', "Missing required property 'invocationId'."),
    (b'{"type":5,"invocationId":""}', "Missing required property 'invocationId'."),
    (b'{"type":7,"error":null}', "Expected 'error' to be of type String."),
    (b'{"type":7,"allowReconnect":1}', "Expected 'allowReconnect' to be true or false."),
    (b'{"type":8,"sequenceId":1.0}', "Expected 'sequenceId' to be an integer of 64 bits."),
    (b'{"type":8,"sequenceId":9223372036854775808}', "Expected 'sequenceId' to be an integer of 64 bits."),
    # deeper than 64, wherever it is
    (b'{"type":1,"target":"T","arguments":' + b"[" * 64 + b"]" * 64 + b"}", JSON_ERROR),
    (b'{"type":6,"x":' + b'{"a":' * 64 + b"1" + b"}" * 64 + b"}", JSON_ERROR),
    (b'{"type":6,"x":' + b"[" * 500_000 + b"]" * 500_000 + b"}", JSON_ERROR),
    (b'{"type":6,"x":' + b"[" * 1_000_000, JSON_ERROR),
    (b"[" * 1_000_000, JSON_ERROR),
    (b'{"x":' * 200_000, "Error reading JSON."),
    (b'"' * 1_000_000, "Unexpected JSON Token Type 'String'. Expected a JSON Object."),
    (b'{"type":6,"x":"' + b'\\"' * 500_000, JSON_ERROR),
    (b'{"type":6,"x":"' + b"[" * 100 + b'\\"' * 500_000, JSON_ERROR),
    (b'{"' + b"\\u0061" * 200_000, JSON_ERROR),
]  # fmt: skip


@pytest.mark.parametrize(("record", "text"), REFUSED, ids=lambda part: repr(part)[:60])
def test_is_refused(record: bytes, text: str) -> None:
    assert refusal(JSON, record) == text


@pytest.mark.parametrize(
    ("record", "deep"),
    [
        (b"[" * 64 + b"]" * 64, False),
        (b"[" * 65 + b"]" * 65, True),
        (b'{"a":' * 65 + b"1" + b"}" * 65, True),
        (b"[" + b"[[]]," * 100 + b"[]]", False),
        (b'["' + b"[" * 65 + b'"]', False),
        (b'["\\\\' + b"[" * 65 + b'"]', False),
        (b'["\\\\\\"' + b"[" * 65 + b'"]', False),
        (b'["\\\\",' + b"[" * 64 + b"]" * 64 + b"]", True),
        (b'["\\"",' + b"[" * 64 + b"]" * 64 + b"]", True),
    ],
)
def test_depth(record: bytes, *, deep: bool) -> None:
    assert too_deep(record) is deep


WRITTEN = [
    (Invocation(target="T", arguments=Raw(b"[1]")), b'{"type":1,"target":"T","arguments":[1]}'),
    (
        Invocation(headers={}, invocation_id="", target="T", arguments=Raw(b"[]"), stream_ids=[]),
        b'{"type":1,"target":"T","arguments":[],"streamIds":[]}',
    ),
    (
        StreamInvocation(headers={"k": "v"}, invocation_id='"', target="é", arguments=Raw(b"[]"), stream_ids=["\x1e"]),
        '{"type":4,"headers":{"k":"v"},"invocationId":"\\"","target":"é","arguments":[],"streamIds":["\\u001e"]}'.encode(),
    ),
    (StreamItem(invocation_id="i", item=Raw(b"null")), b'{"type":2,"invocationId":"i","item":null}'),
    (Completion(invocation_id="i"), b'{"type":3,"invocationId":"i"}'),
    (Completion(invocation_id="i", result=Raw(b"null")), b'{"type":3,"invocationId":"i","result":null}'),
    (Completion(invocation_id="i", error="", result=Raw(b"1")), b'{"type":3,"invocationId":"i","result":1}'),
    (Completion(invocation_id="i", error="e", result=Raw(b"1")), b'{"type":3,"invocationId":"i","error":"e"}'),
    (Completion(invocation_id="i", error="\ud800"), '{"type":3,"invocationId":"i","error":"\ufffd"}'.encode()),
    (CancelInvocation(invocation_id="i"), b'{"type":5,"invocationId":"i"}'),
    (Close(error="\udcff"), '{"type":7,"error":"\ufffd"}'.encode()),
    (Ack(sequence_id=-1), b'{"type":8,"sequenceId":-1}'),
]


@pytest.mark.parametrize(("message", "record"), WRITTEN, ids=lambda part: repr(part)[:60])
def test_is_written(message: Invocation, record: bytes) -> None:
    assert JSON.encode(message) == record + b"\x1e"


def test_the_short_ways_write_the_same() -> None:
    hostile = 'a"\\\x1e\u2028é'
    assert JSON.result(hostile, b"[1]") == JSON.encode(Completion(invocation_id=hostile, result=Raw(b"[1]")))
    call = Invocation(invocation_id=hostile, target=hostile, arguments=Raw(b"[1]"))
    assert JSON.invocation(hostile, hostile, b"[1]") == JSON.encode(call)
    with pytest.raises(ValueError, match="surrogate"):
        JSON.invocation("1", "\ud800", b"[]")
    items = [b"1", b'"x"', b"null"]
    frame = JSON.items(hostile)
    one_by_one = [JSON.encode(StreamItem(invocation_id=hostile, item=Raw(item))) for item in items]
    assert frame.join(items) == b"".join(one_by_one)
    assert frame.join([]) == b""
    assert all(len(one) - len(item) <= frame.overhead for one, item in zip(one_by_one, items, strict=True))


@pytest.mark.parametrize(
    "message",
    [
        Invocation(target="T", arguments=UNBINDABLE),
        StreamItem(invocation_id="i", item=UNBINDABLE),
        Completion(invocation_id="i", result=UNBINDABLE),
        Invocation(target="\ud800", arguments=Raw(b"[]")),
    ],
)
def test_what_could_not_be_read_is_not_written(message: Invocation) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the encoder's own words, or ours
        JSON.encode(message)


def test_an_error_is_never_taken_for_a_result() -> None:
    with pytest.raises(ProtocolError, match="mutually exclusive"):
        JSON.decode(b'{"type":3,"invocationId":"1","error":"","result":null}')
    message = JSON.decode(b'{"type":3,"invocationId":"1","error":""}')
    assert isinstance(message, Completion)
    assert (message.error, message.result) == ("", UNSET)
