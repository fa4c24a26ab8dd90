"""Names of calls: how they are matched and how they are spelled.

A call matches a method ignoring case and underscores, so that `SendMessage`, `sendMessage` and `send_message` are one name.
Imports nothing of the package.
"""

from __future__ import annotations

__all__ = ["SETTINGS", "fold", "pascal"]

SETTINGS = "__hub_method__"
"""The attribute of a function that keeps what `@hub_method` says of it."""


def fold(name: str) -> str:
    """The form under which two spellings of one name are equal."""
    return name.replace("_", "").lower()


def pascal(name: str) -> str:
    """`send_message` as .NET writes it: `SendMessage`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
