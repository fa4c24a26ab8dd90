"""The types that are sent there and back: those of the payloads' own tests, and what only another language makes difficult.

Imports the package's payloads. Never blocks.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pydantic
from pydantic.alias_generators import to_pascal

from hubstream.payloads import DOTNET, PYTHON, Payloads, ProtocolName
from tests.payloads import samples
from tests.payloads.samples import Colour, Point, Row

__all__ = ["PROTOCOLS", "ROWS", "STYLES", "received", "slug"]


class Pet(pydantic.BaseModel):
    name: str
    born: date
    colour: Colour


class Owner(pydantic.BaseModel):
    name: str
    pets: list[Pet] = []


class Plan(pydantic.BaseModel):
    price: Decimal
    lasts: timedelta


class DotNetPet(pydantic.BaseModel):
    """Spelled for .NET: a model's names are its own."""

    model_config = pydantic.ConfigDict(alias_generator=to_pascal, populate_by_name=True)
    pet_name: str


def there_and_back(name: str, type_: Any, value: Any) -> Row:
    """A row whose bytes nobody looks at."""
    return Row(name, type_, value, ("", ""), (None, None))


ROWS = [
    # A parameter that is always None is no parameter, and a result that is None is none.
    *(row for row in samples.ROWS if row.type is not type(None)),
    there_and_back("int beyond JavaScript's", int, 2**53 + 1),
    there_and_back("int, the smallest", int, -(2**63)),
    there_and_back("float without a fraction", float, 3.0),
    there_and_back("line separators", str, "a\u2028b\u2029\x00</script>"),
    there_and_back("long text and bytes", tuple[str, bytes], ("ß" * 5000, bytes(range(256)) * 20)),
    there_and_back("union, an int", int | str | list[int], 7),
    there_and_back("union, a str", int | str | list[int], "seven"),
    there_and_back("union of a dataclass and an int, an int", Point | int, 7),
    there_and_back("optional dataclass, absent", Point | None, None),
    there_and_back("pydantic model", Owner, Owner(name="A", pets=[Pet(name="B", born=date(2020, 2, 29), colour=Colour.RED)])),
    there_and_back("pydantic model or list", Owner | list[Owner], [Owner(name="A")]),
    there_and_back("pydantic model with values", Plan, Plan(price=Decimal("1.10"), lasts=timedelta(seconds=1))),
    there_and_back("pydantic model, spelled", DotNetPet, DotNetPet(pet_name="B")),
]  # fmt: skip
"""Every one is a method that echoes, one that streams, one that takes a stream, and one that asks the client."""

STYLES: dict[str, Payloads] = {"python": PYTHON, "dotnet": DOTNET}
PROTOCOLS: list[ProtocolName] = ["json", "messagepack"]


def received(row: Row, style: str, protocol: ProtocolName) -> Any:
    """What the server has to get when a client sends the row's value."""
    return row.back.get((protocol, STYLES[style]), row.value)


def slug(row: Row) -> str:
    """The row's name as a part of a method's name."""
    return re.sub(r"\W+", "_", row.name).strip("_").lower()
