"""The bearer token of one hub connection: when the user is asked for it (spec 1.8). Imports this room's `options`."""

from __future__ import annotations

import asyncio
import inspect

from hubstream.transports.client.options import Token

__all__ = ["Bearer"]


class Bearer:
    """The token that goes with every request.

    Args:
        ask: The user's callback, if there is one.
    """

    def __init__(self, ask: Token | None) -> None:
        self._ask = ask
        self._token: str | None = None
        self._asking = asyncio.Lock()

    def fix(self, token: str) -> None:
        """The server has sent the client elsewhere with a token of its own: the user is asked no more."""
        self._ask = None
        self._token = token

    async def token(self, *, anew: bool) -> tuple[str | None, bool]:
        """The token, and whether a 401 is worth asking for another: this one was not got just now.

        Args:
            anew: Ask the user, whatever there is.
        """
        if self._ask is None or (self._token and not anew):
            return self._token, self._ask is not None
        return await self.another(self._token), False

    async def another(self, refused: str | None) -> str | None:
        """A new token instead of one; requests that were refused together share it."""
        async with self._asking:
            if self._ask is not None and self._token == refused:
                asked = self._ask()
                token = await asked if inspect.isawaitable(asked) else asked
                if token is not None and not isinstance(token, str):  # pyright: ignore[reportUnnecessaryIsInstance] - some give bytes
                    raise TypeError(f"token gives a text, or None, not {type(token).__name__}")
                self._token = token
            return self._token
