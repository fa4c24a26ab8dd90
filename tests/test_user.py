"""What a user may be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hubstream import User


def test_what_is_given_is_kept() -> None:
    user = User("ann", roles=["b", "a", "a"], claims={"tenant": 7}, expires=12)
    assert (user.id, user.roles, user.claims, user.expires_at) == ("ann", {"a", "b"}, {"tenant": 7}, 12)
    assert "tenant" not in repr(user), "claims may be secrets"
    assert hash(user) == hash(User("ann", roles=("a", "b"), expires=12))


def test_its_end_is_a_time() -> None:
    assert User("ann").expires_at is None
    assert User("ann", expires=datetime(1970, 1, 1, 0, 1, tzinfo=UTC)).expires_at == 60


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"id": 7}, TypeError, r"str\(\)"),
        ({"id": None}, TypeError, "is a text"),
        ({"id": ""}, ValueError, "anonymous user is None"),
        ({"id": "a", "roles": "admin"}, TypeError, r"\['admin'\]"),
        ({"id": "a", "roles": None}, TypeError, "a list of texts"),
        ({"id": "a", "expires": datetime(2026, 1, 1)}, TypeError, "no time zone"),  # noqa: DTZ001 - that is the point
        ({"id": "a", "expires": "2026-01-01"}, TypeError, "seconds since the epoch"),
        ({"id": "a", "expires": True}, TypeError, "seconds since the epoch"),
        ({"id": "a", "expires": float("nan")}, ValueError, "not a number"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        User(**arguments)
