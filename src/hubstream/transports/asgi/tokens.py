"""Connection ids and connection tokens: minting and checking, in one place (spec 1.3).

A token is random, and means something to the process that made it only; or it is signed, and any process with the same secret
takes it. Imports nothing of the package; does not block.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

__all__ = ["Signer", "genuine", "mint"]

logger = logging.getLogger("hubstream.transport")

_SHAPE = re.compile(r"[A-Za-z0-9_-]{22}|[A-Za-z0-9_-]{72}")

MAX_SPENT: Final = 50_000
"""Tokens remembered as used, per endpoint, until they expire: 8 MB. More in 15 s than a process can accept WebSockets."""


def mint() -> str:
    """A new id or token: 16 random bytes as 22 characters of base64url, without padding."""
    return urlsafe_b64encode(os.urandom(16))[:22].decode()


def genuine(token: str) -> bool:
    """Whether `token` can be one of ours at all; only those are looked up."""
    return _SHAPE.fullmatch(token) is not None


class Signer:
    """Signed tokens of one endpoint: connection id (16 bytes), expiry (6 bytes, ms since 1970) and HMAC-SHA256, as base64url.

    The user is signed too, and not in it: a token is good for the one who negotiated it.

    Args:
        secret: The key; the same in all processes.
        path: The endpoint's: a token of another one is none here.
        lifetime: Seconds a token is good for.
        now: Gives seconds since 1970, by a clock the processes have in common.
    """

    def __init__(self, secret: bytes, path: str, lifetime: float, now: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret, b"hubstream connection token\0" + path.encode(), "sha256")
        self._lifetime = lifetime
        self._now = now
        self._spent: dict[str, int] = {}  # token: expiry
        self._pruned = 0
        self._blind_until = 0  # a token was used and not remembered, so until it expires none can be told from it
        self._warned = False

    def sign(self, connection_id: str, user_id: str | None = None) -> str:
        """The token of a connection id that `mint` made, for a user, or for an anonymous one."""
        expiry = int((self._now() + self._lifetime) * 1000)
        content = urlsafe_b64decode(connection_id + "==") + expiry.to_bytes(6, "big")
        return urlsafe_b64encode(content + self._signature(content, user_id)).decode()

    def read(self, token: str, user_id: str | None = None) -> str | None:
        """The connection id of a token that any process signed; None if it is tampered with, expired, used here or another's."""
        now = int(self._now() * 1000)
        if len(token) != 72 or token in self._spent or now < self._blind_until:
            return None
        whole = urlsafe_b64decode(token)
        content, signature = whole[:22], whole[22:]
        if not hmac.compare_digest(signature, self._signature(content, user_id)):
            return None
        if _expiry(content) <= now:
            return None
        return urlsafe_b64encode(content[:16])[:22].decode()

    def _signature(self, content: bytes, user_id: str | None) -> bytes:
        user = b"" if user_id is None else b"\0" + user_id.encode(errors="surrogatepass")
        return hmac.digest(self._key, content + user, "sha256")

    def spend(self, token: str) -> None:
        """A token is used up in this process."""
        now = int(self._now() * 1000)
        if len(self._spent) >= MAX_SPENT and now - self._pruned >= 1000:
            self._pruned = now
            self._spent = {spent: expiry for spent, expiry in self._spent.items() if expiry > now}
        expiry = _expiry(urlsafe_b64decode(token))
        if len(self._spent) < MAX_SPENT:
            self._spent[token] = expiry
            return
        self._blind_until = max(self._blind_until, expiry)
        if not self._warned:
            self._warned = True
            logger.warning("%d tokens were used within their lifetime; those of other processes are refused", MAX_SPENT)


def _expiry(content: bytes) -> int:
    return int.from_bytes(content[16:22], "big")
