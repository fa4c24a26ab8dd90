"""The negotiation: both sides' payloads, and the URLs."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from hubstream.errors import NegotiateError
from hubstream.protocol.negotiate import (
    AvailableTransport,
    NegotiateRequest,
    NegotiateResponse,
    connect_url,
    negotiate_url,
    parse_response,
    read_query,
    write_error,
    write_response,
)
from tests.protocol.wire import Vector, cases


@pytest.mark.parametrize("vector", cases("negotiate", "response-ok"))
def test_a_response_is_read(vector: Vector) -> None:
    response = parse_response(vector["body"].encode())
    for name, field in (
        ("url", response.url),
        ("accessToken", response.access_token),
        ("connectionId", response.connection_id),
        ("connectionToken", response.connection_token),
    ):
        assert field == (UNSET if vector[name] is None else vector[name])
    assert response.negotiate_version == vector["negotiateVersion"]
    if vector["availableTransports"] is None:
        assert response.available_transports is UNSET
    else:
        assert isinstance(response.available_transports, tuple)
        assert [offer.transport for offer in response.available_transports] == vector["availableTransports"]


@pytest.mark.parametrize("vector", cases("negotiate", "response-error"))
def test_a_response_is_refused(vector: Vector) -> None:
    with pytest.raises(NegotiateError) as caught:
        parse_response(vector["body"].encode())
    assert str(caught.value).removeprefix("Invalid negotiation response received. ") == vector["error"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>", "Error reading JSON."),
        (b"", "Error reading JSON."),
        (b'{"connectionId":"1","availableTransports":[', "Error reading JSON."),
        (b'{"connectionId":"1","availableTransports":' + b"[" * 100_000, "Error reading JSON."),
        (b'{"negotiateVersion":"1"}', "Expected 'negotiateVersion' to be of type Number."),
        (
            b'{"connectionId":"1","availableTransports":[1]}',
            "Expected 'availableTransports' to hold JSON Objects.",
        ),
        (
            b'{"connectionId":"1","availableTransports":[{"transport":1,"transferFormats":[]}]}',
            "Expected 'transport' to be of type String.",
        ),
        (
            b'{"connectionId":"1","availableTransports":[{"transport":"a","transferFormats":[1]}]}',
            "Expected 'transferFormats' to hold Strings.",
        ),
        (b'{"url":"\\ud800"}', "'url' is not valid Unicode text."),
    ],
)
def test_what_is_no_answer(body: bytes, text: str) -> None:
    with pytest.raises(NegotiateError) as caught:
        parse_response(body)
    assert str(caught.value) == f"Invalid negotiation response received. {text}"


@pytest.mark.parametrize("body", [b'{"error":"Not today."}', b'{"error":"Not today.","negotiateVersion":7}'])
def test_the_servers_own_error(body: bytes) -> None:
    with pytest.raises(NegotiateError, match=r"^Not today\.$"):
        parse_response(body)


@pytest.mark.parametrize("vector", cases("negotiate", "response-write"))
def test_a_response_is_written(vector: Vector) -> None:
    response = NegotiateResponse(negotiate_version=0, available_transports=())
    assert write_response(response).decode() == vector["body"]


def test_dotnets_order_of_properties() -> None:
    response = NegotiateResponse(
        use_stateful_reconnect=True,
        negotiate_version=1,
        connection_id="i",
        connection_token="t",
        available_transports=(
            AvailableTransport("WebSockets", ("Text", "Binary")),
            AvailableTransport("ServerSentEvents", ("Text",)),
        ),
    )
    assert write_response(response) == (
        b'{"useStatefulReconnect":true,"negotiateVersion":1,"connectionId":"i","connectionToken":"t",'
        b'"availableTransports":[{"transport":"WebSockets","transferFormats":["Text","Binary"]},'
        b'{"transport":"ServerSentEvents","transferFormats":["Text"]}]}'
    )
    assert parse_response(write_response(response)) == response


def test_an_error_is_written_alone() -> None:
    assert write_error("no") == b'{"error":"no"}'


@pytest.mark.parametrize(
    ("query", "version", "stateful"),
    [
        ("", 0, False),
        ("negotiateVersion=0", 0, False),
        ("negotiateVersion=1", 1, False),
        ("NEGOTIATEVERSION=1&access_token=x", 1, False),
        ("negotiateVersion=2", 1, False),
        ("negotiateVersion=%2B1", 1, False),
        ("negotiateVersion=1&useStatefulReconnect=true", 1, True),
        ("negotiateVersion=1&useStatefulReconnect=True", 1, True),
        ("negotiateVersion=1&useStatefulReconnect=1", 1, False),
        ("negotiateVersion=1&useStatefulReconnect=", 1, False),
        ("x=%ff%fe&negotiateVersion=1", 1, False),
    ],
)
def test_a_query_is_read(query: str, version: int, stateful: bool) -> None:
    assert read_query(query) == NegotiateRequest(version, stateful)


NO_INTEGER = "The client requested a non-integer protocol version."
TOO_OLD = "The client requested version '{}', but the server does not support this version."


@pytest.mark.parametrize(
    ("query", "minimum", "text"),
    [
        ("negotiateVersion=", 0, NO_INTEGER),
        ("negotiateVersion=one", 0, NO_INTEGER),
        ("negotiateVersion=1.0", 0, NO_INTEGER),
        ("negotiateVersion=1_0", 0, NO_INTEGER),
        ("negotiateVersion=%D9%A1", 0, NO_INTEGER),
        ("negotiateVersion=2147483648", 0, NO_INTEGER),
        ("negotiateVersion=" + "1" * 5000, 0, NO_INTEGER),
        ("negotiateVersion=1&negotiateversion=1", 0, NO_INTEGER),
        ("negotiateVersion=-1", 0, TOO_OLD.format(-1)),
        ("", 1, TOO_OLD.format(0)),
    ],
)
def test_a_version_is_refused(query: str, minimum: int, text: str) -> None:
    with pytest.raises(NegotiateError) as caught:
        read_query(query, minimum)
    assert str(caught.value) == text


@pytest.mark.parametrize("vector", cases("negotiate", "negotiate-url"))
def test_where_to_negotiate(vector: Vector) -> None:
    assert negotiate_url(vector["hubUrl"], vector["clientVersion"]) == vector["negotiateUrl"]


@pytest.mark.parametrize(
    ("url", "negotiate"),
    [
        ("http://a/h?q=%20a+b#part", "http://a/h/negotiate?q=%20a+b&negotiateVersion=1&useStatefulReconnect=true"),
        ("http://a", "http://a/negotiate?negotiateVersion=1&useStatefulReconnect=true"),
        ("http://a/h?useStatefulReconnect=false", "http://a/h/negotiate?useStatefulReconnect=false&negotiateVersion=1"),
    ],
)
def test_where_to_negotiate_stateful_reconnect(url: str, negotiate: str) -> None:
    assert negotiate_url(url, stateful_reconnect=True) == negotiate


@pytest.mark.parametrize(
    ("url", "token", "connect"),
    [
        ("http://a/h", "t-_", "http://a/h?id=t-_"),
        ("http://a/h/?q=a b/ü", "a+/=&", "http://a/h/?q=a b/ü&id=a%2B%2F%3D%26"),
        ("http://a/h?q=1#x", None, "http://a/h?q=1"),
    ],
)
def test_where_to_connect(url: str, token: str | None, connect: str) -> None:
    assert connect_url(url, token) == connect
