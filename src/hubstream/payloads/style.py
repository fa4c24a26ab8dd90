"""How values are spelled on the wire: names of members and forms of values, one small object.

Imports nothing of the package. Never blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from hubstream.naming import pascal

__all__ = ["DOTNET", "PYTHON", "Names", "Payloads", "ProtocolName", "Values", "spell"]

Names: TypeAlias = Literal["as_written", "camel", "pascal"]
Values: TypeAlias = Literal["python", "dotnet"]
ProtocolName: TypeAlias = Literal["json", "messagepack"]


@dataclass(frozen=True)
class Payloads:
    """The style of a hub's or a client's payloads.

    Names apply both ways to declared types (dataclasses, msgspec structs, attrs classes, TypedDicts) and to the class of an
    undeclared value, never to dict keys or to what is read as `Any`. Explicit aliases win (msgspec's `rename` and
    `field(name=)`). Names are matched exactly; .NET's JSON ignores case. Pydantic's classes are written and read by pydantic,
    in every style.

    Reading accepts both styles of values where they cannot be confused.

    Args:
        json_names: Names of members in JSON. .NET writes camelCase.
        messagepack_names: Names of members in MessagePack. .NET writes PascalCase.
        values: `"dotnet"` writes dates, times, timedelta, Decimal and Enum in .NET's forms.

    Raises:
        ValueError: There is no such style.
    """

    json_names: Names = "as_written"
    messagepack_names: Names = "as_written"
    values: Values = "python"

    def __post_init__(self) -> None:
        for option, allowed in (("json_names", Names), ("messagepack_names", Names), ("values", Values)):
            if getattr(self, option) not in get_args(allowed):
                raise ValueError(f"{option} is one of {', '.join(get_args(allowed))}, not {getattr(self, option)!r}")

    def names(self, protocol: ProtocolName) -> Names:
        """The spelling of members in this protocol."""
        return self.json_names if protocol == "json" else self.messagepack_names


PYTHON = Payloads()
"""Names and values as Python writes them: the default."""

DOTNET = Payloads(json_names="camel", messagepack_names="pascal", values="dotnet")
"""What ASP.NET Core's own peers write and expect by default (spec 4.3, 5.4)."""


def spell(name: str, names: Names) -> str:
    """A member's name on the wire: `user_id` becomes `userId` or `UserId`."""
    if names == "as_written":
        return name
    if names == "pascal":
        return pascal(name)
    first, _, rest = name.lstrip("_").partition("_")
    return _lower_start(first) + pascal(rest)


def _lower_start(word: str) -> str:
    # System.Text.Json's rule: `URL` is `url` and `URLValue` is `urlValue`, so that a member written the .NET way fits too.
    upper = next((i for i, c in enumerate(word) if not c.isupper()), len(word))
    keep = 1 if 1 < upper < len(word) else 0
    return word[: upper - keep].lower() + word[upper - keep :]
