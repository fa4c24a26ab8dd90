"""`/conformance-auth`: a hub that needs a bearer token, and the tokens for it, as `GET /token` gives them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import jwt

from hubstream import Hub, Request, User, authorize

__all__ = ["AuthHub", "authenticate", "token"]

KEY: Final = "conformance-key-0123456789-0123456789"
ALGORITHM: Final = "HS256"


def token(name: str, role: str | None = None, seconds: float = 600) -> str:
    """A token that is good for so many seconds."""
    claims: dict[str, Any] = {"sub": name, "exp": int(time.time() + seconds)}
    if role is not None:
        claims["role"] = role
    return jwt.encode(claims, KEY, ALGORITHM)  # pyright: ignore[reportUnknownMemberType] - its types need `cryptography`


def authenticate(request: Request) -> User | None:
    """The user whose token a request carries."""
    if request.token is None:
        return None
    try:
        claims = jwt.decode(  # pyright: ignore[reportUnknownMemberType] - its types need `cryptography`
            request.token, KEY, algorithms=[ALGORITHM], options={"require": ["sub", "exp"]}
        )
    except jwt.InvalidTokenError:
        return None
    return User(claims["sub"], roles=[claims["role"]] if "role" in claims else (), expires=claims["exp"])


@authorize
class AuthHub(Hub):
    """Only for those who have a token; some of it only for role `admin`."""

    def WhoAmI(self) -> str | None:
        return self.context.user_id

    def ConnectionId(self) -> str:
        return self.context.connection_id

    async def SendToUser(self, user: str, text: str) -> None:
        await self.clients.user(user).send("Message", text)

    async def Names(self, count: int) -> AsyncIterator[str]:
        for n in range(count):
            yield f"{self.context.user_id}{n}"

    async def Ticks(self, count: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n
            await asyncio.sleep(0.01)

    @authorize(role="admin")
    def AdminOnly(self) -> str:
        return "secret"

    @authorize(role="admin")
    async def AdminStream(self) -> AsyncIterator[int]:
        yield 1
