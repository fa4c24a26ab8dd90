"""Requests and responses, and what a session of either role makes of them."""

from __future__ import annotations

import pytest
from msgspec import UNSET, Raw

from hubstream.errors import HandshakeError, ProtocolError
from hubstream.protocol.handshake import (
    HandshakeRequest,
    HandshakeResponse,
    parse_request,
    parse_response,
    write_request,
    write_response,
)
from hubstream.protocol.messages import Invocation
from hubstream.protocol.session import HubSession
from tests.protocol.wire import CODECS, JSON, MESSAGEPACK, Vector, byte_by_byte, cases, framed

UNEXPECTED = "An unexpected error occurred during connection handshake."


def record(vector: Vector) -> bytes:
    return framed(vector).removesuffix(b"\x1e")


def server(*, limit: int | None = 32_768, binary_capable: bool = True) -> HubSession:
    return HubSession("server", CODECS, max_message_size=limit, binary_capable=binary_capable)


def client() -> HubSession:
    return HubSession("client", [JSON], max_message_size=None)


@pytest.mark.parametrize("vector", cases("handshake", "request-ok"))
def test_a_request_is_read(vector: Vector) -> None:
    assert parse_request(record(vector)) == HandshakeRequest(vector["protocol"], vector["version"])


@pytest.mark.parametrize("vector", cases("handshake", "request-write"))
def test_a_request_is_written(vector: Vector) -> None:
    assert write_request(vector["protocol"], vector["version"]) == framed(vector)


@pytest.mark.parametrize("vector", cases("handshake", "request-error"))
def test_a_request_is_refused(vector: Vector) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_request(record(vector))
    assert str(caught.value) == vector["error"]
    for chunks in ([framed(vector)], byte_by_byte(framed(vector))):
        session = server()
        assert [message for chunk in chunks for message in session.receive(chunk, 1.0)] == []
        assert isinstance(session.error, HandshakeError)
        assert str(session.error) == UNEXPECTED
        assert str(session.error.__cause__) == vector["error"]


@pytest.mark.parametrize("vector", cases("handshake", "request-incomplete"))
def test_a_request_waits_for_its_end(vector: Vector) -> None:
    session = server()
    assert session.receive(vector["framed"].encode(), 1.0) == []
    assert session.partial
    assert session.error is None


@pytest.mark.parametrize("vector", cases("handshake", "response-ok"))
def test_a_response_is_read(vector: Vector) -> None:
    error = UNSET if vector["error"] is None else vector["error"]
    assert parse_response(record(vector)) == HandshakeResponse(error)
    for chunks in ([framed(vector)], byte_by_byte(framed(vector))):
        session = client()
        seen = [message for chunk in chunks for message in session.receive(chunk, 1.0)]
        if error is UNSET:
            assert seen == [HandshakeResponse()]
            assert session.handshaken
        else:
            assert isinstance(session.error, HandshakeError)
            text = f"Unable to complete handshake with the server due to an error: {error}"
            assert str(session.error) == text


@pytest.mark.parametrize("vector", cases("handshake", "response-error"))
def test_a_response_is_refused(vector: Vector) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_response(record(vector))
    assert str(caught.value) == vector.get("error", "Error reading JSON.")
    session = client()
    assert session.receive(framed(vector), 1.0) == []
    assert isinstance(session.error, HandshakeError)


@pytest.mark.parametrize("vector", cases("spec", "parse", protocol="json")[:2])
def test_the_specifications_examples(vector: Vector) -> None:
    if "error" in vector["decoded"]:
        assert parse_response(record(vector)).error == vector["decoded"]["error"]
    else:
        assert parse_request(record(vector)) == HandshakeRequest(**vector["decoded"])


def test_responses_are_written() -> None:
    assert write_response() == b"{}\x1e"
    assert write_response('a "b"') == b'{"error":"a \\"b\\""}\x1e'
    assert write_response("\ud800") == '{"error":"\ufffd"}\x1e'.encode()


REFUSED = [
    (b'{"protocol":"xml","version":1}', "The protocol 'xml' is not supported."),
    (b'{"protocol":"","version":1}', "The protocol '' is not supported."),
    (b'{"protocol":"json","version":3}', "The server does not support version 3 of the 'json' protocol."),
    (b'{"protocol":"JSON","version":3}', "The server does not support version 3 of the 'json' protocol."),
    (b"hello", UNEXPECTED),
    (b"", UNEXPECTED),
    (b'{"protocol":"json","version":"1"}', UNEXPECTED),
    (b'{"protocol":"json","version":1.5}', UNEXPECTED),
    (b'{"protocol":"json","version":99999999999999999999999}', UNEXPECTED),
    (b'{"protocol":"json","version":3000000000}', UNEXPECTED),
    (b'{"protocol":"json","version":1', UNEXPECTED),
    (b'{"protocol":"\\ud800","version":1}', UNEXPECTED),
    (b'{"protocol":null,"version":1}', UNEXPECTED),
    (b'{"protocol":"json","version":1,"x":' + b"[" * 5000, UNEXPECTED),
    (b'\xef\xbb\xbf{"protocol":"json","version":1}', UNEXPECTED),
    (b"\xff\xfe", UNEXPECTED),
]


@pytest.mark.parametrize(("request_", "text"), REFUSED)
def test_a_server_refuses(request_: bytes, text: str) -> None:
    session = server()
    assert session.receive(request_ + b"\x1e" + JSON.ping, 1.0) == []
    assert isinstance(session.error, HandshakeError)
    assert str(session.error) == text
    assert (session.codec, session.handshaken, session.pinged) == (None, False, False)
    assert session.receive(write_request("json", 1), 2.0) == []


def test_a_text_transport_cannot_carry_messagepack() -> None:
    session = server(binary_capable=False)
    session.receive(write_request("MessagePack", 1), 1.0)
    assert str(session.error) == (
        "Cannot use the 'messagepack' protocol on the current transport. "
        "The transport does not support 'Binary' transfer format."
    )


@pytest.mark.parametrize(("name", "version"), [("json", 1), ("JSON", 0), ("Json", -1), ("messagepack", 2)])
def test_a_server_agrees(name: str, version: int) -> None:
    session = server()
    codec = MESSAGEPACK if name == "messagepack" else JSON
    seen = session.receive(write_request(name, version) + codec.ping, 7.0)
    assert seen[0] == HandshakeRequest(name, version)
    assert [message.type for message in seen] == [0, 6]
    assert (session.codec, session.version, session.handshaken, session.heard) == (codec, version, True, 7.0)


def test_a_request_of_the_limit_passes_and_one_byte_more_does_not() -> None:
    request = write_request("json", 1)
    for chunks in ([request], byte_by_byte(request)):
        exact, short = server(limit=len(request)), server(limit=len(request) - 1)
        for chunk in chunks:
            exact.receive(chunk, 1.0)
            short.receive(chunk, 1.0)
        assert exact.handshaken
        assert str(short.error) == "Handshake was canceled."


def test_a_message_is_no_response() -> None:
    session = client()
    session.receive(JSON.ping, 1.0)
    assert str(session.error) == (
        "Expected a handshake response from the server. "
        """The server's answer to the handshake begins with '{"type":6}'"""
    )


def test_an_answer_without_an_end_is_not_gathered_for_ever() -> None:
    session = client()
    chunks = 0
    while session.error is None and chunks < 100:
        session.receive(b"<html>" + b"x" * 994, 1.0)
        chunks += 1
    assert chunks == 66
    assert str(session.error).startswith(
        "It has more than 65536 bytes. The server's answer to the handshake begins with"
    )
    assert len(str(session.error)) < 400
    assert not session.partial


def test_what_follows_a_response_may_be_large() -> None:
    session = client()
    message = JSON.encode(Invocation(target="t", arguments=Raw(b'["%b"]' % (b"x" * 100_000))))
    seen = [*session.receive(write_response() + message[:90_000], 1.0), *session.receive(message[90_000:], 1.0)]
    assert [message.type for message in seen] == [0, 1]


def test_messages_right_behind_a_response_are_kept() -> None:
    session = client()
    assert [message.type for message in session.receive(write_response() + JSON.ping * 2, 3.0)] == [0, 6, 6]
    assert session.heard == 3.0
