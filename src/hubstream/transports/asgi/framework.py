"""The user that a framework's authentication middleware has found, by the shape of what it left in the scope.

Starlette's and FastAPI's `AuthenticationMiddleware`, and Django's users: nothing of them is imported. Does not block.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from hubstream.types import Scope
from hubstream.user import User

__all__ = ["framework_user"]

NAMES = ("identity", "username", "display_name")
"""What a user is known by; the first there is."""


def framework_user(scope: Scope) -> User | None:
    """The user of `scope["user"]`, if that has `is_authenticated` and a name; the scopes of `scope["auth"]` are the roles."""
    found: Any = scope.get("user")
    # Exactly True: of a class whose is_authenticated is a method, everybody would be.
    if found is None or getattr(found, "is_authenticated", None) is not True:
        return None
    scopes: Any = getattr(scope.get("auth"), "scopes", None)
    granted = cast("Iterable[object]", scopes if isinstance(scopes, list | tuple | set | frozenset) else ())
    for name in NAMES:
        try:
            value: Any = getattr(found, name, None)
        except NotImplementedError:  # Starlette's base class leaves them open
            continue
        if value is not None and value != "":
            return User(str(value), roles=[role for role in granted if isinstance(role, str)])
    return None
