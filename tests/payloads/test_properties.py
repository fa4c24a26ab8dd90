"""Whatever a type can hold comes back equal, in every style and protocol; and no bytes do anything but fail or fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubstream.payloads import (
    BINDING_ERRORS,
    DOTNET,
    PYTHON,
    BindError,
    EncodeError,
    Payloads,
    ProtocolName,
    binder,
    describe,
)
from tests.payloads.samples import Access, Colour, Line, Mood, Node, Pair, Point

COMBINATIONS: list[tuple[Payloads, ProtocolName]] = [
    (PYTHON, "json"),
    (PYTHON, "messagepack"),
    (DOTNET, "json"),
    (DOTNET, "messagepack"),
    (Payloads(json_names="pascal", messagepack_names="camel"), "json"),
    (Payloads(values="dotnet"), "messagepack"),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INTS = st.integers(-(2**63), 2**64 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given apart
SPANS = st.timedeltas(timedelta(days=-10_000_000), timedelta(days=10_000_000))


@dataclass
class Everything:
    whole_number: int
    real_number: float
    some_text: str
    some_bytes: bytes
    at_time: datetime
    took_time: timedelta | None
    on_day: date
    at_hour: time
    some_money: Decimal
    some_id: UUID
    some_colour: Colour
    some_mood: Mood
    some_access: Access
    some_pair: Pair
    some_points: list[Point]
    points_by_name: dict[str, Point | None]
    colour_set: frozenset[Colour] = frozenset()
    nested_node: Node | None = None
    lines_or_text: list[Line] | str = ""
    anything_at_all: Any = None
    choices: tuple[Colour | bool, timedelta, bool] = field(default=(True, timedelta(0), True))


POINTS = st.builds(Point, st.integers(-9, 9), st.integers(-9, 9), st.none() | TEXT)
COLOURS = st.sampled_from(Colour)
ACCESS = st.sampled_from([Access(0), Access.READ, Access.WRITE, Access.READ | Access.WRITE])
LINES = st.builds(
    Line, start_point=POINTS, all_points=st.lists(POINTS, max_size=2), by_name=st.dictionaries(TEXT, POINTS, max_size=2)
)
NODES = st.recursive(
    st.builds(Node, TEXT), lambda inner: st.builds(Node, TEXT, st.lists(inner, max_size=2)), max_leaves=4
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
EVERYTHING = st.builds(
    Everything,
    INTS, FLOATS, TEXT, st.binary(max_size=8), MOMENTS, st.none() | SPANS, st.dates(), st.times(),
    st.decimals(allow_nan=False, allow_infinity=False), st.uuids(), COLOURS, st.sampled_from(Mood),
    ACCESS, st.builds(Pair, INTS, COLOURS), st.lists(POINTS, max_size=3),
    st.dictionaries(TEXT, st.none() | POINTS, max_size=3), st.frozensets(COLOURS), st.none() | NODES,
    TEXT | st.lists(LINES, max_size=2), ANYTHING, st.tuples(COLOURS | st.booleans(), SPANS, st.booleans()),
)  # fmt: skip


@given(EVERYTHING)
@settings(max_examples=60, deadline=None)
def test_everything_comes_back(value: Everything) -> None:
    for payloads, protocol in COMBINATIONS:
        carrier = binder(payloads, protocol)
        encoded = carrier.encoder(Everything)(value)
        assert carrier.encoder()(value) == encoded
        back: Everything = carrier.decoder(Everything)(encoded)
        assert back == value
        assert all(type(a) is type(b) for a, b in zip(vars(back).values(), vars(value).values(), strict=True))


@given(ANYTHING)
@settings(max_examples=100, deadline=None)
def test_what_is_undeclared_is_written_as_msgspec_does(value: Any) -> None:
    for payloads, protocol in COMBINATIONS:
        module: Any = msgspec.json if protocol == "json" else msgspec.msgpack
        encoded = binder(payloads, protocol).encoder()(value)
        assert encoded == module.encode(value)
        assert binder(payloads, protocol).decoder(Any)(encoded) == value


@given(FLOATS, st.sampled_from([float("nan"), float("inf"), -float("inf")]), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_json_never_turns_a_number_into_null(real: float, unreal: float, place: int) -> None:
    def holding(number: float) -> list[Any]:
        point: Any = Point(1, 2)
        point.y = number
        return [number, [None, number], {"a": number}, (None, {"b": [number]}), point, {"c": [point, None]}]

    for payloads in (PYTHON, DOTNET):
        encode = binder(payloads, "json").encoder()
        assert b"null" in encode([None, holding(real)[place]])
        with pytest.raises(EncodeError, match="no JSON numbers"):
            encode([None, holding(unreal)[place]])


@given(st.binary(max_size=40) | ANYTHING.map(msgspec.msgpack.encode) | ANYTHING.map(msgspec.json.encode))
@settings(max_examples=150, deadline=None)
def test_any_bytes_fit_or_are_refused_in_words(data: bytes) -> None:
    told: list[str] = []
    for payloads, protocol in COMBINATIONS:
        carrier = binder(payloads, protocol)
        for type_ in (Everything, list[Point] | None, Colour, timedelta | bool, datetime):
            try:
                carrier.decoder(type_)(data)
            except BINDING_ERRORS as error:
                told.append(describe(error))
        try:
            arguments = carrier.arguments((int, Point, Colour), 1)(data)
        except BindError as error:
            told.append(describe(error))
        else:
            assert [type(a) for a in arguments] == [int, Point, Colour][: len(arguments)]
    assert all(told)
