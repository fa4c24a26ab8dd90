"""What a client cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from hubstream.transports.client.options import ClientOptions


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"url": "example.com/hub"}, "the hub's URL is like http://host/hub, not 'example.com/hub'"),
        ({"url": "ftp://example.com/hub"}, "the hub's URL is like"),
        ({"url": "http:///hub"}, "the hub's URL is like"),
        ({"url": "http://example.com:99999/hub"}, "Port out of range"),
        ({"url": "http://[::1/hub"}, "Invalid IPv6 URL"),
        (
            {"transports": ("Pigeons", "LongPolling")},
            "the transports are WebSockets, ServerSentEvents, LongPolling, not Pigeons",
        ),
        ({"transports": ()}, "the transports are .*, not none"),
        ({"skip_negotiation": True}, "the negotiation can only be skipped with WebSockets alone"),
        ({"skip_negotiation": True, "transports": ("LongPolling",)}, "the negotiation can only be skipped"),
        ({"proxy": "localhost:3128"}, "the proxy's URL is like http://host:8080, not 'localhost:3128'"),
        ({"proxy": "socks5://localhost"}, "the proxy's URL is like"),
        ({"headers": {"X Own": "1"}}, "'X Own' is no name of a header"),
        ({"headers": {"": "1"}}, "'' is no name"),
    ],
)
def test_what_is_refused(options: dict[str, Any], text: str) -> None:
    options.setdefault("url", "http://example.com/hub")
    with pytest.raises(ValueError, match=text):
        ClientOptions(**options)


def test_a_header_that_is_no_text() -> None:
    headers: Any = {"X-Own": 1}
    with pytest.raises(TypeError, match="the header X-Own is a text, not int"):
        ClientOptions(url="http://example.com/hub", headers=headers)


def test_what_is_taken() -> None:
    for url in ("http://h/hub", "https://h:1/hub?a=b", "ws://h", "wss://[::1]:5/hub/"):
        assert ClientOptions(url=url).transports == ("WebSockets", "ServerSentEvents", "LongPolling")
    assert ClientOptions(url="http://h/hub", proxy="http://user:word@proxy:8080", headers={"X-Own": "é"}).proxy
    assert ClientOptions(url="ws://h/", transports=("WebSockets",), skip_negotiation=True).close_timeout == 5
