"""The names of the calls that the drivers have fail; what they send and what they are told is theirs (spec 6.4)."""

from __future__ import annotations

from hubstream.payloads import ProtocolName

__all__ = ["refusals"]

MISFITS = [
    *("a text for a number", "a number for a text", "null for a number", "too few", "too many", "none of an enum"),
    *("no member of a union", "no dataclass", "no date"),
]
CALLS = ["result", "tell", "tell_all", "question", "items"]


def refusals(protocol: ProtocolName) -> list[str]:
    """Those of a protocol."""
    unwritable = ["object", "half a pair", "nan" if protocol == "json" else "too big"]
    return MISFITS + [f"{call} of {which}" for which in unwritable for call in CALLS]
