from __future__ import annotations

from typing import Any

import pytest

from hubstream.client.errors import hub_error
from hubstream.errors import HubError
from hubstream.hub import texts

INVOKING = "An unexpected error occurred invoking 'Join' on the server. HubException: "

ERRORS: list[tuple[str, str, str | None, dict[str, Any] | None]] = [
    (INVOKING + "no such room", "no such room", None, None),
    (INVOKING + "no such room [room.missing]", "no such room", "room.missing", None),
    (INVOKING + 'full [room_full {"limit": 3}]', "full", "room_full", {"limit": 3}),
    (INVOKING + 'full [f {"a": "] [x {"}]', "full", "f", {"a": "] [x {"}),
    (INVOKING + 'see [1 {2}] first [f {"a": {}}]', "see [1 {2}] first", "f", {"a": {}}),
    (INVOKING + "two\nlines [x]", "two\nlines", "x", None),
    (INVOKING + "[x]", "[x]", None, None),
    (INVOKING + " [x]", "", "x", None),
    (INVOKING + "no code [two words]", "no code [two words]", None, None),
    (INVOKING + 'no data [x {"a": 1]', 'no data [x {"a": 1]', None, None),
    (INVOKING + "no object [x [1]]", "no object [x [1]]", None, None),
    (INVOKING, "", None, None),
    ("An error occurred on the server while streaming results. HubException: gone [x]", "gone", "x", None),
    (
        "Failed to invoke 'It''s [a]' due to an error on the server. HubException: Method does not exist.",
        "Method does not exist.",
        None,
        None,
    ),
    (
        "Failed to invoke 'a' because user is unauthorized",
        "Failed to invoke 'a' because user is unauthorized",
        None,
        None,
    ),
    ("masked [x]", "masked [x]", None, None),
    ("", "", None, None),
]


@pytest.mark.parametrize(("wire", "text", "code", "data"), ERRORS)
def test_the_servers_error_is_read_back(wire: str, text: str, code: str | None, data: dict[str, Any] | None) -> None:
    error = hub_error(wire)
    assert (error.text, error.code, error.data) == (text, code, data)
    assert str(error) == wire


@pytest.mark.parametrize(
    "raised",
    [HubError("a"), HubError("a", "b.c"), HubError("a [x]", "b-c", {"d": [1, {"e": "]}"}]}), HubError("", "b", {})],
)
def test_it_is_what_our_hub_raised(raised: HubError) -> None:
    error = hub_error(texts.unexpected("Join", raised, detailed=False))
    assert (error.text, error.code, error.data) == (raised.text, raised.code, raised.data)


def test_a_text_made_to_be_slow_is_not() -> None:
    error = hub_error(INVOKING + ' [a {"b":' * 20_000 + "]")
    assert error.code is None
