"""Connection ids and connection tokens: minting and checking, in one place (spec 1.3).

Imports nothing of the package; does not block.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64encode

__all__ = ["genuine", "mint"]

_SHAPE = re.compile(r"[A-Za-z0-9_-]{22}")


def mint() -> str:
    """A new id or token: 16 random bytes as 22 characters of base64url, without padding."""
    return urlsafe_b64encode(os.urandom(16))[:22].decode()


def genuine(token: str) -> bool:
    """Whether `token` can be one of ours at all; only those are looked up."""
    return _SHAPE.fullmatch(token) is not None
