"""What the drivers of the official clients check, and on what: the names of checks.txt, and where each applies.

Imports nothing of the package; does not block.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

__all__ = ["COMBINATIONS", "MESSAGEPACK_ONLY", "NAMES", "WEBSOCKETS_ONLY", "WHOLE_HUB", "Combination", "due"]

NAMES = [
    line
    for line in (Path(__file__).parent / "checks.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
"""Every check, as area.name."""


class Combination(NamedTuple):
    """A transport and a protocol."""

    transport: str
    protocol: str

    def __str__(self) -> str:
        return "/".join(self)


COMBINATIONS = [
    Combination("WebSockets", "json"),
    Combination("WebSockets", "messagepack"),
    Combination("ServerSentEvents", "json"),
    Combination("LongPolling", "json"),
    Combination("LongPolling", "messagepack"),
]
"""All there are: server-sent events carry text only."""

WHOLE_HUB = {
    "life.stateful_reconnect_loses_nothing": "stateful reconnect",
}
"""Checks of what the hub does not have yet, and what that is. They are run too: one that passes is no longer missing."""

WEBSOCKETS_ONLY = {
    "life.without_negotiation": "the other transports need the token of a negotiation",
    "life.stateful_reconnect_loses_nothing": "no other transport has it (spec 9)",
}
"""Checks of what only WebSockets have."""

MESSAGEPACK_ONLY = {"js.binary": "JSON carries no binary; base64 is in invoke.values_round_trip"}
"""Checks of what only MessagePack has."""


def due(combination: Combination, apart: Collection[str] = ()) -> list[str]:
    """The checks that have to pass on a combination.

    Args:
        combination: The transport and the protocol.
        apart: Checks, or whole areas, that the driver leaves out.
    """
    left_out = {*apart, *WHOLE_HUB}
    if combination.transport != "WebSockets":
        left_out.update(WEBSOCKETS_ONLY)
    if combination.protocol != "messagepack":
        left_out.update(MESSAGEPACK_ONLY)
    return [name for name in NAMES if name not in left_out and name.partition(".")[0] not in left_out]
