"""The user that a framework has found, by the shape of what it left in the scope."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.authentication import AuthCredentials, BaseUser, SimpleUser, UnauthenticatedUser

from hubstream import User
from hubstream.transports.asgi.framework import framework_user


class Named(BaseUser):
    """As Starlette's documentation has it: `identity` is left open."""

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def display_name(self) -> str:
        return "Ann"


class Identified(Named):
    @property
    def identity(self) -> str:
        return "7"


class Method:
    username = "ann"

    def is_authenticated(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("scope", "user"),
    [
        ({}, None),
        ({"user": None}, None),
        ({"user": UnauthenticatedUser()}, None),
        ({"user": SimpleUser("ann")}, User("ann")),
        (
            {"user": SimpleUser("ann"), "auth": AuthCredentials(["authenticated", "admin"])},
            User("ann", ["authenticated", "admin"]),
        ),
        ({"user": UnauthenticatedUser(), "auth": AuthCredentials(["admin"])}, None),
        ({"user": Named()}, User("Ann")),
        ({"user": Identified()}, User("7")),
        ({"user": SimpleNamespace(is_authenticated=True, username="bob", pk=3)}, User("bob")),
        ({"user": SimpleNamespace(is_authenticated=True, identity=3)}, User("3")),
        ({"user": SimpleNamespace(is_authenticated=True, identity="", username=None)}, None),
        ({"user": SimpleNamespace(is_authenticated=False, username="bob")}, None),
        ({"user": SimpleNamespace(is_authenticated=1, username="bob")}, None),
        ({"user": SimpleNamespace(username="bob")}, None),
        ({"user": Method()}, None),
        ({"user": {"username": "bob"}}, None),
        ({"user": "bob"}, None),
        ({"user": SimpleUser("ann"), "auth": SimpleNamespace(scopes="admin")}, User("ann")),
        ({"user": SimpleUser("ann"), "auth": SimpleNamespace(scopes=[1, "a"])}, User("ann", ["a"])),
        ({"user": SimpleUser("ann"), "auth": "Bearer"}, User("ann")),
    ],
)
def test_shapes(scope: dict[str, Any], user: User | None) -> None:
    assert framework_user(scope) == user
