"""What becomes of tokens in log records, in the forms in which servers make them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubstream.integrations.accesslog import LOGGERS, MaskTokens, mask_tokens


class Atoms(dict[str, Any]):
    """As gunicorn and hypercorn have them: they answer for more than their items."""

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name) if name in self else "-"


def logged(message: str, *args: Any) -> str:
    """What a record says after the filter."""
    record = logging.LogRecord("uvicorn.access", logging.INFO, __file__, 1, message, args, None)
    assert MaskTokens().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("/clock?id=abc", "/clock?id=***"),
        ("/clock?id=abc&access_token=a.b.c", "/clock?id=***&access_token=***"),
        ("/clock?room=7&access_token=a.b.c&_=12", "/clock?room=7&access_token=***&_=12"),
        ("/clock?ID=abc&Access_Token=a", "/clock?ID=***&Access_Token=***"),
        ("/clock?id=", "/clock?id=***"),
        ("/clock?access_token=it's%20(this);one", "/clock?access_token=***"),
        ("/clock/negotiate?negotiateVersion=1", "/clock/negotiate?negotiateVersion=1"),
        ("/clock?grid=1&userid=2&my_access_token=3", "/clock?grid=1&userid=2&my_access_token=3"),
        ("/id=5/clock", "/id=5/clock"),
    ],
)
def test_urls(url: str, masked: str) -> None:
    line = '127.0.0.1:5 - "GET %s HTTP/1.1" 200'
    assert logged('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", url, "1.1", 200) == line % masked
    assert logged(line % url) == line % masked
    query, shown = url.partition("?")[2], masked.partition("?")[2]
    assert logged("%(path)s %(query_string)s %(status)d", {"path": "/clock", "query_string": query, "status": 200}) == (
        f"/clock {shown} 200"
    )
    atoms = Atoms(r=f"GET {url} HTTP/1.1", q=query, s=200)
    assert logged("%(r)s %(q)s %(s)s %({x-header}i)s", atoms) == f"GET {masked} HTTP/1.1 {shown} 200 -"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_headers_at_debug_level(scheme: str) -> None:
    assert logged("< %s: %s", "authorization", f"{scheme} a.b-c_d=") == f"< authorization: {scheme} ***"
    assert logged(f"headers: {{'authorization': '{scheme} a.b.c'}}") == f"headers: {{'authorization': '{scheme} ***'}}"


def test_what_is_not_the_servers_own_is_not_changed() -> None:
    given_to_it = {"path": "/clock?id=abc"}
    assert logged("%(path)s", given_to_it) == "/clock?id=***"
    assert given_to_it == {"path": "/clock?id=abc"}


@given(st.text())
def test_what_carries_no_token_passes_as_it_is(text: str) -> None:
    expected = text if not any(it in text.lower() for it in ("id=", "access_token=", "bearer")) else None
    if expected is not None:
        assert logged("%s", text) == expected


@given(st.text("abcXYZ019._~!*'()-%+/=;,:@", min_size=12), st.text("&?=ab", max_size=5))
def test_no_token_is_shown(secret: str, before: str) -> None:
    assert secret not in logged("%s", f"/hub?{before}&access_token={secret}&id={secret} HTTP")


@pytest.fixture
def loggers() -> Iterator[list[logging.Logger]]:
    found = [logging.getLogger(name) for name in (*LOGGERS, "proxy.log")]
    before = [list(logger.filters) for logger in found]
    yield found
    for logger, filters in zip(found, before, strict=True):
        logger.filters = filters


def test_it_is_installed_once(loggers: list[logging.Logger]) -> None:
    mask_tokens()
    mask_tokens("proxy.log")
    for logger in loggers:
        assert [type(it) for it in logger.filters].count(MaskTokens) == 1
