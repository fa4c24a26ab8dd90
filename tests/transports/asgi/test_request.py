from __future__ import annotations

import pytest

from hubstream.transports.asgi.request import Request
from tests.transports.asgi.driven import scope


def request(query: str = "", **headers: str) -> Request:
    return Request(scope("websocket", query=query, **headers))


def test_headers_ignore_case_and_join() -> None:
    made = scope("http", x_one="1", accept="text/html")
    made["headers"].append((b"accept", b"text/plain"))
    headers = Request(made).headers
    assert headers["X-One"] == "1"
    assert headers["ACCEPT"] == "text/html, text/plain"
    assert headers.all("accept") == ["text/html", "text/plain"]
    assert headers.all("none") == []
    assert "Accept" in headers
    assert "None" not in headers
    assert 5 not in headers  # type: ignore[comparison-overlap]  # asked all the same
    assert list(headers) == ["x-one", "accept"]
    assert len(headers) == 2


def test_query_ignores_case_of_names_only() -> None:
    query = request("Id=AbC%2B&name=a+b&name=c&blank=&plain").query
    assert query["id"] == query["ID"] == "AbC+"
    assert query["name"] == "c"
    assert query.all("NAME") == ["a b", "c"]
    assert query["blank"] == ""
    assert "plain" in query
    assert list(query) == ["Id", "name", "blank", "plain"]
    with pytest.raises(KeyError):
        query["none"]


def test_query_of_bytes_that_are_no_text() -> None:
    assert request("a=%FF").query["a"] == "\ufffd"


def test_a_bare_scope_is_enough() -> None:
    bare = Request({"type": "websocket", "path": "/"})
    assert (dict(bare.headers), dict(bare.query), dict(bare.cookies), bare.client, bare.token) == (
        {},
        {},
        {},
        None,
        None,
    )
    assert bare.scope == {"type": "websocket", "path": "/"}


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ('a="quoted x"; b=""', {"a": "quoted x", "b": ""}),
        ("a=b=c;d", {"a": "b=c"}),
        ("", {}),
        (';; a = 1 ; "', {"a": "1"}),
    ],
)
def test_cookies(cookie: str, expected: dict[str, str]) -> None:
    assert request(cookie=cookie).cookies == expected


def test_cookies_on_several_lines() -> None:
    made = scope("http", cookie="a=1")
    made["headers"].append((b"cookie", b"b=2"))
    assert Request(made).cookies == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("query", "authorization", "expected"),
    [
        ("", "Bearer abc", "abc"),
        ("", "bearer  abc ", "abc"),
        ("access_token=q%2Bq", "", "q+q"),
        ("access_token=q", "Bearer h", "h"),
        ("access_token=q", "Basic xyz", "q"),
        ("access_token=q", "Bearer ", "q"),
        ("access_token=", "", None),
        ("", "", None),
    ],
)
def test_token(query: str, authorization: str, expected: str | None) -> None:
    assert request(query, authorization=authorization).token == expected


def test_repr_shows_no_secret() -> None:
    made = request("access_token=secret", authorization="Bearer secret", cookie="a=secret")
    shown = f"{made!r} {made.headers!r} {made.query!r}"
    assert "secret" not in shown
    assert "/clock" in shown
    assert "authorization" in shown


def test_client_and_path() -> None:
    assert request().client == ("127.0.0.1", 5)
    assert request().path == "/clock"
