from __future__ import annotations

import pytest

from hubstream.transports.asgi.endpoint import TransportOptions
from hubstream.transports.asgi.origin import allowed, normal
from hubstream.transports.asgi.request import Request
from tests.transports.asgi.driven import scope

LISTED = TransportOptions(origins=frozenset({"https://Friend.example/", "http://localhost:80"})).origins


@pytest.mark.parametrize(
    ("origin", "host", "cookie", "expected"),
    [
        # no browser, or one without cookies
        (None, "a.example", "s=1", True),
        ("https://b.example", "a.example", None, True),
        # the same host, whatever the case and the port that goes without saying
        ("https://a.example", "a.example", "s=1", True),
        ("https://A.example", "a.EXAMPLE", "s=1", True),
        ("https://a.example", "a.example:443", "s=1", True),
        ("http://a.example:80", "a.example", "s=1", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "s=1", True),
        ("http://[::1]:8000", "[::1]:8000", "s=1", True),
        # another host
        ("https://b.example", "a.example", "s=1", False),
        ("https://a.example.b.example", "a.example", "s=1", False),
        ("https://ba.example", "a.example", "s=1", False),
        ("http://localhost:8000", "localhost:8001", "s=1", False),
        ("http://a.example", "a.example:443", "s=1", False),
        ("null", "a.example", "s=1", False),
        ("", "a.example", "s=1", False),
        ("https://", "", "s=1", True),
        # listed
        ("https://friend.example", "a.example", "s=1", True),
        ("https://friend.example:443", "a.example", "s=1", True),
        ("http://friend.example", "a.example", "s=1", False),
        ("https://friend.example:444", "a.example", "s=1", False),
        ("http://localhost", "a.example", "s=1", True),
    ],
)
def test_allowed(origin: str | None, host: str, cookie: str | None, expected: bool) -> None:
    given = {"origin": origin, "host": host, "cookie": cookie}
    headers = {name: value for name, value in given.items() if value is not None}
    assert LISTED is not None
    assert allowed(Request(scope("websocket", **headers)), LISTED) is expected


def test_normal() -> None:
    assert normal("HTTPS://A.example:443/") == "https://a.example"
    assert normal("http://a.example:8080") == "http://a.example:8080"
