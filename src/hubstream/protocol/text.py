"""Text that may have half a surrogate pair in it, which no encoder takes.

JavaScript sends such halves (an emoji cut in two), and a Python exception's text has them where a file name is not UTF-8.
Imports nothing of the package.
"""

from __future__ import annotations

import re

__all__ = ["is_text", "repaired"]

_HALF = re.compile("[\ud800-\udfff]")


def is_text(value: str) -> bool:
    """Whether it can be written as UTF-8."""
    return value.isascii() or _HALF.search(value) is None


def repaired(value: str) -> str:
    """The text with U+FFFD for each half pair."""
    return value if value.isascii() else _HALF.sub("\ufffd", value)
