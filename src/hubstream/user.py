"""Who is connected, as `authenticate=` says. Imports nothing of the package."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["User"]


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated user.

        User("ann", roles=["admin"], claims={"tenant": 7}, expires=token["exp"])

    Args:
        id: What `clients.user(id)` finds all the user's connections by; compared as it is.
        roles: Those that `@authorize(role=...)` asks for; kept as a frozenset.
        claims: Whatever else is known of the user.
        expires: When the login ends: an aware datetime, or seconds since the epoch, as a JWT's `exp`. The connection is closed
            then, and the client told to come back. None: it does not end.

    Raises:
        TypeError: The id is no text, the roles are one text, or the end is no time, or a datetime without a time zone.
        ValueError: The id is empty, or the end is not a number.
    """

    id: str
    roles: Collection[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, hash=False)
    expires: datetime | float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.id, str):  # pyright: ignore[reportUnnecessaryIsInstance] - ids of databases are numbers
            raise TypeError(f"a user's id is a text, not {self.id!r}: str() makes it one")
        if not self.id:
            raise ValueError("a user's id is not empty; an anonymous user is None")
        if isinstance(self.roles, str) or not isinstance(self.roles, Collection):  # pyright: ignore[reportUnnecessaryIsInstance] - claims may lack them
            raise TypeError(f"roles are a list of texts, such as ['admin'], not {self.roles!r}")
        object.__setattr__(self, "roles", frozenset(self.roles))
        if isinstance(self.expires, datetime):
            if self.expires.tzinfo is None:
                raise TypeError(
                    "expires has no time zone: datetime.now(UTC) and datetime.fromtimestamp(seconds, UTC) have one"
                )
        elif self.expires is not None:
            if isinstance(self.expires, bool) or not isinstance(self.expires, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - claims may be anything
                raise TypeError(
                    f"expires is an aware datetime or a number of seconds since the epoch, not {self.expires!r}"
                )
            if math.isnan(self.expires):
                raise ValueError("expires is not a number")

    @property
    def expires_at(self) -> float | None:
        """`expires` in seconds since the epoch."""
        return self.expires.timestamp() if isinstance(self.expires, datetime) else self.expires
