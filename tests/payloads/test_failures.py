"""What is said of a value that does not fit: what and where, never the value, which others may not see."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from hubstream.payloads import BINDING_ERRORS, DOTNET, PYTHON, Payloads, binder, describe


class Colour(Enum):
    RED = "red"


class Circle(msgspec.Struct, tag=True):
    radius: int


class Square(msgspec.Struct, tag=True):
    side: int


SECRETS = ["hunter2", 'it\'s "quoted"', "two\nlines", "looks like - at `$.a`", " - at `$[0]"]
TYPES: list[tuple[Any, str]] = [
    (int, "Expected `int`, got `str`"),
    (Colour, "Invalid enum value"),
    (Literal["a", "b"], "Invalid enum value"),
    (datetime, "Invalid"),
    (UUID, "Invalid UUID"),
    (Decimal, "Invalid decimal string"),
]


@pytest.mark.parametrize("payloads", [PYTHON, DOTNET], ids=["python", "dotnet"])
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(("type_", "text"), TYPES)
def test_the_value_is_not_among_it(type_: Any, text: str, secret: str, payloads: Payloads) -> None:
    sent = msgspec.json.encode({"a": [secret]})
    with pytest.raises(BINDING_ERRORS) as caught:
        binder(payloads, "json").decoder(dict[str, list[type_]])(sent)
    told = describe(caught.value)
    assert secret not in told
    assert told.startswith(text) or payloads is DOTNET
    assert told.endswith("[0]`")


def test_nor_the_tag_of_a_union() -> None:
    with pytest.raises(BINDING_ERRORS) as caught:
        binder(PYTHON, "json").decoder(Circle | Square)(b'{"type":"hunter2"}')
    assert describe(caught.value) == "Invalid value - at `$.type`"
