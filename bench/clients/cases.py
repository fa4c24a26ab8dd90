"""What is measured of a client, against the hub `/bench`. Each program knows the cases by name."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASES", "PROTOCOLS", "Case"]

PROTOCOLS = ("json", "messagepack")


@dataclass(frozen=True)
class Case:
    """One row of the table for each protocol."""

    name: str
    title: str
    count: int
    """Calls or items in a round: about half a second's."""


CASES = {
    case.name: case
    for case in (
        Case("call", "calls, one at a time", 5_000),
        Case("calls", "calls, 100 in flight", 40_000),
        Case("down", "stream of ints down", 200_000),
        Case("up", "stream of ints up", 200_000),
    )
}
