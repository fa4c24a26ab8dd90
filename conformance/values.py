"""What the hubs share: the object they pass around, and an error named as .NET's."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["InvalidOperationException", "Point"]


@dataclass
class Point:
    """A point. Members a client leaves out are zero and null, as in .NET."""

    x: int = 0
    y: int = 0
    label: str | None = None


class InvalidOperationException(Exception):
    """An ordinary error of a hub method: masked, unless detailed errors are on; then clients see its name, .NET's."""
