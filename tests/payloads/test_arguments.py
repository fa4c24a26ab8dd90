"""Arrays of arguments: their number, their types, and which of the two is said first (spec 4.2, 5.2)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hubstream.errors import MappingError
from hubstream.payloads import DOTNET, PYTHON, ArgumentCountError, BindError, Payloads, ProtocolName, binder
from tests.payloads.samples import Colour, Point

COUNT = ArgumentCountError
ROWS: list[tuple[str, tuple[Any, ...], int, Any, Any, Any]] = [
    # types, required, sent as, what JSON makes of it, what MessagePack makes of it
    ("none", (), 0, [], (), ()),
    ("fit", (int, str), 2, [1, "a"], (1, "a"), (1, "a")),
    ("a default left out", (int, str), 1, [1], (1,), (1,)),
    ("all defaults left out", (int, str), 0, [], (), ()),
    ("a default given", (int, str), 1, [1, "a"], (1, "a"), (1, "a")),
    ("none expected", (), 0, [1], (COUNT, 1, 0), (COUNT, 1, 0)),
    ("too few", (int, str), 2, [1], (COUNT, 1, 2), (COUNT, 1, 2)),
    ("too few for the defaults", (int, str, int), 2, [1], (COUNT, 1, 3), (COUNT, 1, 3)),
    ("too many", (int,), 1, [1, 2, 3], (COUNT, 3, 1), (COUNT, 3, 1)),
    ("too many for the defaults", (int, int), 1, [1, 2, 3], (COUNT, 3, 2), (COUNT, 3, 2)),
    ("wrong type", (int, str), 2, [1, 2], "Expected `str`, got `int` - at `$[1]`", "Expected `str`, got `int` - at `$[1]`"),
    ("too many and a wrong type", (int, int), 2, [1, "a", 3], "Expected `int`, got `str` - at `$[1]`", (COUNT, 3, 2)),
    ("too few and a wrong type", (int, int), 2, ["a"], "Expected `int`, got `str` - at `$[0]`", (COUNT, 1, 2)),
    ("surplus of another type", (int,), 1, [1, "a"], (COUNT, 2, 1), (COUNT, 2, 1)),
    ("null for a number", (int,), 1, [None], "Expected `int`, got `null` - at `$[0]`", "Expected `int`, got `None` - at `$[0]`"),
    (
        "a deep error", (list[int],), 1, [[1, "a"]],
        "Expected `int`, got `str` - at `$[0][1]`", "Expected `int`, got `str` - at `$[0][1]`",
    ),
    ("no array", (int,), 1, {"a": 1}, "Expected `array`, got `object`", "Expected `array`, got `object`"),
    ("null", (int,), 1, None, "Expected `array`, got `null`", "Expected `array`, got `None`"),
]  # fmt: skip


@pytest.mark.parametrize("payloads", [PYTHON, DOTNET], ids=["python", "dotnet"])
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_arguments(row: tuple[Any, ...], protocol: ProtocolName, payloads: Payloads) -> None:
    _, types, required, sent, in_json, in_messagepack = row
    wanted = in_json if protocol == "json" else in_messagepack
    encode = msgspec.json.encode if protocol == "json" else msgspec.msgpack.encode
    bind = binder(payloads, protocol).arguments(types, required)
    raw = msgspec.Raw(encode(sent))
    if isinstance(wanted, tuple) and wanted[:1] != (COUNT,):
        assert bind(raw) == wanted
        return
    with pytest.raises(BindError) as caught:
        bind(raw)
    if isinstance(wanted, str):
        assert type(caught.value) is BindError
        assert str(caught.value) == wanted
    else:
        assert isinstance(caught.value, ArgumentCountError)
        assert (caught.value.provided, caught.value.expected) == wanted[1:]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", "Input data was truncated"),
        (b"[1", "Input data was truncated"),
        (b'["\xff"]', "the text is not valid UTF-8 - at `$[0]`"),
        (b'["\\ud83d"]', "Input data was truncated"),
        (b"[" * 100_000 + b"]" * 100_000, "it is nested too deeply"),  # Python 3.13 takes some 10,000
    ],
)
def test_bytes_that_are_no_value_at_all(raw: bytes, text: str) -> None:
    carrier = binder(PYTHON, "json")
    with pytest.raises(BindError) as caught:
        carrier.arguments((object,), 1)(raw)
    assert str(caught.value) == text


def test_classes_are_made_when_defaults_are_left_out_too() -> None:
    carrier = binder(DOTNET, "messagepack")
    bind = carrier.arguments((Point, Colour, Point), 1)
    assert bind(msgspec.msgpack.encode([{"X": 1, "Y": 2}])) == (Point(1, 2),)
    assert bind(msgspec.msgpack.encode([{"X": 1, "Y": 2}, "RED"])) == (Point(1, 2), Colour.RED)
    with pytest.raises(BindError, match=r"Object missing required field `Y` - at `\$\[2\]`"):
        bind(msgspec.msgpack.encode([{"X": 1, "Y": 2}, "RED", {"X": 1}]))


class Unknown:
    """No type that can be carried."""


@pytest.mark.parametrize(
    "type_",
    [
        Unknown,
        list[Unknown],
        dict[str, Unknown | None],
        complex,
        int | Unknown,
        list[int] | tuple[int, int],
        Point | dict[str, int],
    ],
)
@pytest.mark.parametrize("payloads", [PYTHON, DOTNET], ids=["python", "dotnet"])
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_types_that_cannot_be_carried_are_found_before_any_call(
    type_: Any, protocol: ProtocolName, payloads: Payloads
) -> None:
    carrier = binder(payloads, protocol)
    with pytest.raises(MappingError, match=r"can(not)? be"):
        carrier.decoder(type_)
    with pytest.raises(MappingError):
        carrier.arguments((int, type_), 1)
